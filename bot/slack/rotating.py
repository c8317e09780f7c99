"""Rotating a credential: the guided form, and the clicks that follow in the days after."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.core.rotation import GRACE
from bot.core.secret import Secret
from bot.errors import InvalidInput, OnlyOnPage
from bot.slack import ids
from bot.slack.call import Call, call_of
from bot.slack.card import Card
from bot.slack.desk import Desk, View
from bot.slack.home import refresh_homes
from bot.slack.metadata import ViewMeta
from bot.slack.page_link import Sent, drawn, kept_or_page
from bot.slack.render_result import checking
from bot.slack.render_rotation import revoked_card, rotation_card, tried_card
from bot.slack.rotation_form import RotationState, rotation_form
from bot.slack.saving import try_draft
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.usecases import github_revocation, rotating, rotation_policies, rotations
from bot.usecases.drafts import Answers, DraftView
from bot.usecases.rotating import RotationForm
from bot.usecases.rotation_switch import Plan
from bot.usecases.secret_asks import Form

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]


async def open_rotate(desk: Desk, call: Call, name: str) -> None:
    """The four steps; without secrets, as ever."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        form = await rotating.open_form(desk.deps, actor, name)
        policy = await rotation_policies.view(desk.deps, desk.rotators, actor, name)
        automatic = not policy.unsuited
        meta = await drawn(desk, call.team, _meta(call, form))
        return rotation_form(RotationState(form, meta, automatic=automatic))

    await desk.form(call, build)


async def corrected(desk: Desk, call: Call, actor: Actor, draft_id: str) -> View:
    """The form with what was typed, but for the secrets, which are kept."""
    form = await rotating.load_form(desk.deps, actor, draft_id)
    meta = await drawn(desk, call.team, _meta(call, form))
    meta = replace(meta, draft=draft_id, kept=",".join(sorted(form.draft.has_secrets)))
    plan = form.draft.plan or Plan()
    return rotation_form(RotationState(form, meta, plan, form.draft.answers.public))


async def submit_rotation(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    """Shape errors go on their fields; otherwise the form gives way to the check."""
    call = call_of(body)
    meta = ViewMeta.of(view)
    typed = {name: "".join(found) for name, found in values_of(view).items()}
    fields = rotating.credential_fields(meta.kind, meta.variant)
    hidden = {one.name for one in fields if one.secret}
    secrets = {name: Secret(typed.pop(name)) for name in hidden if typed.get(name)}
    begun = checking(meta.editing, (), meta)
    once = ("submit", call.view_id, call.view_hash)
    if not desk.once.first(*once):
        await ack(response_action="update", view=begun.view(call.channel))
        return
    ids_of_drafts: list[str] = []

    async def keep(actor: Actor) -> Card:
        draft_id = await rotating.begin(
            desk.deps, actor, meta.editing, meta.version, typed, secrets, plan_of(typed),
            registry_id=meta.registry, draft_id=meta.draft,
        )  # fmt: skip
        ids_of_drafts.append(draft_id)
        return replace(begun, meta=replace(meta, draft=draft_id))

    async def begin(actor: Actor) -> Card:
        sent = Sent(call, form_of(typed, meta), meta, fields, bool(secrets))
        return await kept_or_page(desk, actor, sent, lambda: keep(actor))

    async def go_on(actor: Actor) -> None:
        if ids_of_drafts:
            await try_draft(desk, call, actor, replace(meta, draft=ids_of_drafts[0]), meta.editing)
        else:
            desk.once.again(*once)  # the way to the page, which may be asked for once more

    def again(error: InvalidInput) -> View:
        answers = Answers(meta.kind, meta.variant, typed)
        held = frozenset(meta.kept.split(",")) - {""}
        draft = DraftView(answers, held, meta.editing, meta.version)
        form = RotationForm(draft, fields, (), "")
        wrong = tuple(error.fields.values())
        shown = replace(meta, page=meta.page or isinstance(error, OnlyOnPage))
        return rotation_form(RotationState(form, shown, Plan(), typed, wrong))

    if not await settle(desk, ack, Submission(call, view, begin, again, go_on, begun)):
        desk.once.again(*once)


async def removed(desk: Desk, call: Call, rotation_id: str) -> None:
    """Somebody says that the old credential is removed: it is tried now."""
    actor = await desk.people.actor(call)
    view, tried = await rotations.removed(desk.deps, actor, rotation_id)
    await desk.tell(call, tried_card(view, tried))


async def go_back(desk: Desk, call: Call, rotation_id: str) -> None:
    actor = await desk.people.actor(call)
    view = await rotations.go_back(desk.deps, actor, rotation_id)
    await desk.tell(call, rotation_card(view))
    await refresh_homes(desk, call.team)


async def let_go(desk: Desk, call: Call, rotation_id: str) -> None:
    actor = await desk.people.actor(call)
    view = await rotations.let_go(desk.deps, actor, rotation_id)
    await desk.tell(call, rotation_card(view))


async def revoke_at_github(desk: Desk, call: Call, rotation_id: str) -> None:
    """Asked about before, because there is no way back."""
    actor = await desk.people.actor(call)
    view = await github_revocation.revoke(desk.deps, desk.rotators, actor, rotation_id)
    await desk.tell(call, revoked_card(view))


def _meta(call: Call, form: RotationForm) -> ViewMeta:
    answers = form.draft.answers
    return ViewMeta(
        channel=call.channel,
        kind=answers.kind,
        variant=answers.variant,
        editing=form.draft.editing,
        version=form.draft.version,
        registry=form.draft.registry_id,
    )


def form_of(typed: Mapping[str, str], meta: ViewMeta) -> Form:
    """The form without its secrets; raises as `plan_of` does."""
    fields = rotating.credential_fields(meta.kind, meta.variant)
    asked = {one.name for one in fields if not one.secret} | {"expires_on"}
    public = {name: text for name, text in typed.items() if name in asked}
    answers = Answers(meta.kind, meta.variant, public)
    return Form(
        answers, meta.editing, meta.version, meta.draft, plan_of(typed), meta.kept,
        registry_id=meta.registry,
    )  # fmt: skip


def plan_of(typed: Mapping[str, str]) -> Plan:
    """What was chosen; InvalidInput for a number or a time that is none."""
    hours, at = typed.get("grace", ""), typed.get("switch_at", "")
    if hours and not (hours.isascii() and hours.isdecimal() and len(hours) < 6):
        raise InvalidInput({"grace": "Give a number of hours."})
    if at and not (at.isascii() and at.isdecimal() and len(at) < 12):
        raise InvalidInput({"switch_at": "Choose a day and a time."})
    grace = timedelta(hours=int(hours)) if hours else GRACE
    return Plan(grace, datetime.fromtimestamp(int(at), UTC) if at else None)


BUTTONS: Final[dict[str, Pressed]] = {
    ids.ROTATE: open_rotate,
    ids.ROTATION_REMOVED: removed,
    ids.ROTATION_BACK: go_back,
    ids.ROTATION_LET_GO: let_go,
    ids.ROTATION_REVOKE: revoke_at_github,
}
"""By action id; the value is a registry's name or a rotation's id."""
