"""Adding and editing, from the form to the saved registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from bot.core.access import Actor
from bot.core.check import StageResult
from bot.errors import Conflict, InvalidInput, OnlyOnPage, Overtaken
from bot.slack.access import reader
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk, View
from bot.slack.forms import FormState, fresh_answers, kind_of, registry_form
from bot.slack.home import refresh_homes
from bot.slack.metadata import ViewMeta
from bot.slack.pace import Pace
from bot.slack.page_link import Sent, drawn, kept_or_page
from bot.slack.render_narrowing import would_refuse
from bot.slack.render_result import (
    checking,
    discarded,
    draft_buttons,
    not_saved,
    overtaken,
    saved,
    waiting,
)
from bot.slack.render_rotation import begun_card
from bot.slack.state import form_answers, redrawn
from bot.slack.submission import Submission, settle
from bot.slack.surface import ModalSurface, tell_privately
from bot.slack.text import clip, sentence
from bot.slack.trouble import code_of
from bot.usecases import drafts, rotations, workspaces
from bot.usecases.draft_answers import Answers, fields_of
from bot.usecases.drafts import DraftView
from bot.usecases.permission import require_manager
from bot.usecases.secret_asks import Form

OVERTAKEN: Final = frozenset({"hash_conflict", "not_found"})


async def open_add(
    desk: Desk, call: Call, kind_slug: str = "", filled: Mapping[str, str] | None = None
) -> None:
    """The form for `kind_slug`, or the first kind; empty but for what is `filled` in already."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "add a registry")
        settings = await workspaces.settings(desk.deps, actor)
        kind = kind_of(kind_slug)
        only = settings.preferences.secrets_on_page
        meta = ViewMeta(call.channel, kind.slug, kind.variants[0].slug, page=only)
        meta = replace(meta, follows=desk.deps.follows)
        fresh = fresh_answers(kind.slug, call.user, settings.rotate_days)
        return registry_form(FormState(meta, {**fresh, **(filled or {})}))

    await desk.form(call, build)


async def open_edit(desk: Desk, call: Call, name: str) -> None:
    """The form with what is stored, but for the secrets."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        return await filled(desk, call, await drafts.open_edit(desk.deps, actor, name))

    await desk.form(call, build)


async def redraw_form(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """Another kind, variant or environment was picked: show the fields that go with it."""
    await ack()
    call, view = call_of(body), body["view"]

    async def redraw() -> None:
        meta, public = redrawn(view)
        form = registry_form(FormState(await drawn(desk, call.team, meta), public))
        try:
            await desk.client.views_update(view_id=call.view_id, hash=call.view_hash, view=form)
        except SlackApiError as error:
            # The form was closed, or a newer choice has redrawn it: there is nothing to tell.
            if code_of(error) not in OVERTAKEN:
                raise

    desk.start(call, redraw(), "redraw form")


async def submit_registry(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    """Shape errors go on their fields; otherwise the form gives way to the check."""
    call = call_of(body)
    answers, meta = form_answers(view)
    host = host_of(answers.public.get("url", ""))
    begun = checking(host, (), meta)
    once = ("submit", call.view_id, call.view_hash)
    if not desk.once.first(*once):
        await ack(response_action="update", view=begun.view(call.channel))
        return
    ids_of_drafts: list[str] = []
    shown = replace(meta, kind=answers.kind, variant=answers.variant)

    async def keep(actor: Actor) -> Card:
        draft_id = await drafts.begin(
            desk.deps,
            actor,
            answers,
            name_of_edited=meta.editing,
            registry_id=meta.registry,
            version=meta.version,
            draft_id=meta.draft,
        )
        ids_of_drafts.append(draft_id)
        return replace(begun, meta=replace(meta, draft=draft_id))

    async def begin(actor: Actor) -> Card:
        fields = fields_of(answers.kind, answers.variant)
        sent = Sent(call, form_of(answers, meta), meta, fields, bool(answers.secrets))
        return await kept_or_page(desk, actor, sent, lambda: keep(actor))

    async def go_on(actor: Actor) -> None:
        if ids_of_drafts:
            await try_draft(desk, call, actor, replace(meta, draft=ids_of_drafts[0]), host)
        else:
            desk.once.again(*once)  # the way to the page, which may be asked for once more

    def again(error: InvalidInput) -> View:
        drawn = replace(shown, page=meta.page or isinstance(error, OnlyOnPage))
        return registry_form(FormState(drawn, answers.public, tuple(error.fields.values())))

    sent = Submission(call, view, begin, again, go_on, begun)
    if not await settle(desk, ack, sent):
        desk.once.again(*once)


def form_of(answers: Answers, meta: ViewMeta) -> Form:
    """The form without its secrets."""
    public = Answers(answers.kind, answers.variant, answers.public)
    return Form(
        public, meta.editing, meta.version, meta.draft, kept=meta.kept, registry_id=meta.registry
    )


async def try_draft(desk: Desk, call: Call, actor: Actor, meta: ViewMeta, host: str) -> None:
    """Check a draft, showing how far it is, and end with the outcome and the ways on."""
    surface = ModalSurface(desk.client, call, call.view_id)

    async def show(stages: tuple[StageResult, ...]) -> None:
        await surface.show(checking(host, stages, meta))

    try:
        async with Pace(show, surface.interval) as pace:
            outcome = await drafts.try_draft(desk.deps, actor, meta.draft, pace.offer)
    except (InvalidInput, Conflict) as error:
        await surface.finish(could_not(error, meta.draft))
        return
    if outcome.saved is None:
        card = not_saved(outcome.result, meta)
        if outcome.guard is not None:
            card = would_refuse(outcome.result, meta, outcome.guard, desk.now())
        await surface.finish(card)
        return
    if outcome.rotation:
        view = await rotations.view(desk.deps, call.team, outcome.rotation)
        await surface.finish(begun_card(view, outcome.result))
        await refresh_homes(desk, call.team)
        return
    new = not meta.editing
    await surface.finish(saved(outcome.saved, outcome.result, desk.now(), new=new))
    await refresh_homes(desk, call.team)


async def save_anyway(desk: Desk, call: Call, draft_id: str) -> None:
    """Save what could not be proven. A second click finds it saved."""
    actor = await desk.people.actor(call)
    registry = await drafts.save_anyway(desk.deps, actor, draft_id)
    await desk.answer(call, saved(registry, None, desk.now(), new=registry.version <= 1))
    await refresh_homes(desk, call.team)


async def discard(desk: Desk, call: Call, draft_id: str) -> None:
    await drafts.discard(desk.deps, reader(call), draft_id)
    await desk.answer(call, discarded())


async def close_outcome(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """The outcome was closed without choosing: say that nothing is saved, and how to go on."""
    await ack()
    call = call_of(body)
    meta = ViewMeta.of(body["view"])
    card = waiting(meta.draft, "You closed the window before choosing.")
    desk.start(call, tell_privately(desk.client, call, card), "outcome closed")


def could_not(error: InvalidInput | Conflict, draft_id: str) -> Card:
    """The check went well or not, but somebody else was faster."""
    if isinstance(error, Overtaken):
        return overtaken(error)
    lines = ["*Not saved*", sentence(str(error))]
    return say("Not saved", *lines, buttons=[draft_buttons(draft_id)])


def differences(mine: DraftView, stored: DraftView) -> tuple[str, ...]:
    """What the form would change of the stored registry, so that nothing is undone unseen."""
    now, typed = stored.answers.public, mine.answers.public
    return tuple(
        f"{name.replace('_', ' ').capitalize()} is now “{clip(now.get(name, ''), 200)}”; "
        "saving this form changes it."
        for name in sorted(now.keys() | typed.keys())
        if now.get(name, "") != typed.get(name, "")
    )


async def filled(
    desk: Desk, call: Call, draft: DraftView, draft_id: str = "", problems: tuple[str, ...] = ()
) -> View:
    answers = draft.answers
    meta = ViewMeta(
        channel=call.channel,
        kind=answers.kind,
        variant=answers.variant,
        editing=draft.editing,
        version=draft.version,
        draft=draft_id,
        kept=",".join(sorted(draft.has_secrets)),
        sources="\n".join(f"{name}={text}" for name, text in draft.sources.items()),
        registry=draft.registry_id,
    )
    meta = await drawn(desk, call.team, meta)
    return registry_form(FormState(meta, answers.public, problems))


def host_of(url: str) -> str:
    """What to call the registry while it is checked."""
    return url.partition("://")[2].partition("/")[0] or url.partition("/")[0] or "the registry"
