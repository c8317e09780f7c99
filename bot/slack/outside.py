"""Secrets that are entered on a page instead of in Slack: the way there, and the way back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.errors import InvalidInput, RegistrarError, StoreError
from bot.slack import ids
from bot.slack.blocks import actions, link_button
from bot.slack.call import Call, Place, call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk, View, fault_card
from bot.slack.forms import FormState, registry_form
from bot.slack.metadata import ViewMeta
from bot.slack.render_result import checking, saved
from bot.slack.rotating import plan_of
from bot.slack.rotation_form import RotationState, rotation_form
from bot.slack.saving import host_of, try_draft
from bot.slack.state import form_answers, values_of
from bot.slack.surface import ModalSurface, tell_privately
from bot.slack.text import code
from bot.slack.trouble import AWAY, code_of
from bot.slack.words import moment
from bot.usecases import drafts, rotating, secret_asks
from bot.usecases.draft_answers import Answers
from bot.usecases.secret_asks import Asked, Form, Waiting

NO_PAGES: Final = (
    "Registrar has no pages outside Slack here: whoever runs it has to set PUBLIC_URL. Until then "
    "the secret is typed in this form."
)


async def enter_outside(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """Keep what the form says so far, and show where its secrets are entered."""
    await ack()
    call = call_of(body)
    desk.start(call, _ask(desk, call, body["view"]), "enter outside")


async def follow(desk: Desk, actor: Actor, found: Waiting, draft_id: str) -> None:
    """The secrets are there: the view that waited shows the check, and then what became of it."""
    form = found.form
    call = call_in(found)
    meta = replace(_meta(found), draft=draft_id)
    host = form.editing if form.plan else host_of(form.answers.public.get("url", ""))
    surface = ModalSurface(desk.client, call, call.view_id)
    await surface.show(checking(host, (), meta))
    try:
        await try_draft(desk, call, actor, meta, host)
    except Exception:
        await _told(desk, found)  # the error is, presently
        raise
    await _told(desk, found)


async def follow_left(desk: Desk) -> int:
    """Go on where another process died after it was given secrets; answers how many there were."""
    left = await secret_asks.left(desk.deps)
    for found in left:
        desk.start(call_in(found), _resume(desk, found), "entered before")
    return len(left)


async def refused(desk: Desk, actor: Actor, found: Waiting, error: Exception) -> None:
    """The form cannot be kept as it is: it is shown again, or the reason is."""
    await _told(desk, found)
    call = call_in(found)
    if not isinstance(error, InvalidInput):
        await ModalSurface(desk.client, call, call.view_id).finish(fault_card(error))
        return
    problems = tuple(error.fields.values())
    view = await _again(desk, actor, found.form, _meta(found), problems)
    try:
        await desk.client.views_update(view_id=call.view_id, view=view)
    except AWAY as failure:
        if code_of(failure) != "not_found":
            raise
        await tell_privately(desk.client, call, say("Not saved", "*Not saved*", *problems))


def call_in(found: Waiting) -> Call:
    """The place in Slack where a form waits, as if it was sent just now."""
    return Call(found.team, found.user, Place.SUBMISSION, found.channel, view_id=found.view_id)


async def _resume(desk: Desk, found: Waiting) -> None:
    call = call_in(found)
    actor = await desk.people.actor(call)
    try:
        done = await drafts.saved_already(desk.deps, actor, found.draft_id)
    except RegistrarError:
        await _told(desk, found)
        raise
    if done is None:
        await follow(desk, actor, found, found.draft_id)
        return
    card = saved(done, None, desk.now(), new=not found.form.editing)
    await ModalSurface(desk.client, call, call.view_id).finish(card)
    await _told(desk, found)


async def _told(desk: Desk, found: Waiting) -> None:
    # While the database is away, it stays to be told once more.
    with contextlib.suppress(StoreError):
        await secret_asks.told(desk.deps, found)


async def _ask(desk: Desk, call: Call, view: Mapping[str, Any]) -> None:
    actor = await desk.people.actor(call)
    form, meta = _form(view)
    if not desk.public_url:
        shown = await _again(desk, actor, form, meta, (NO_PAGES,))
    else:
        try:
            asked = await secret_asks.ask(desk.deps, actor, form, call.channel, call.view_id)
            shown = _card(asked, desk.public_url).view(call.channel)
        except InvalidInput as error:
            shown = await _again(desk, actor, form, meta, tuple(error.fields.values()))
    await desk.client.views_update(view_id=call.view_id, view=shown)


def _form(view: Mapping[str, Any]) -> tuple[Form, ViewMeta]:
    """What the form says, but for its secrets."""
    if view.get("callback_id") != ids.ROTATION_FORM:
        answers, meta = form_answers(view)
        public = Answers(answers.kind, answers.variant, answers.public)
        meta = replace(meta, kind=answers.kind, variant=answers.variant)
        return Form(public, meta.editing, meta.version, meta.draft, kept=meta.kept), meta
    meta = ViewMeta.parse(str(view.get("private_metadata", "")))
    fields = rotating.credential_fields(meta.kind, meta.variant)
    hidden = {one.name for one in fields if one.secret}
    typed = {name: "".join(one) for name, one in values_of(view).items() if name not in hidden}
    answers = Answers(meta.kind, meta.variant, typed)
    plan = plan_of(typed)
    return Form(answers, meta.editing, meta.version, meta.draft, plan, meta.kept), meta


async def _again(
    desk: Desk, actor: Actor, form: Form, meta: ViewMeta, problems: tuple[str, ...]
) -> View:
    """The form as it was, with what is wrong above it."""
    if form.plan is None:
        return registry_form(FormState(meta, form.answers.public, problems))
    stored = await rotating.open_form(desk.deps, actor, form.editing)
    typed = form.answers.public
    return rotation_form(RotationState(stored, meta, form.plan, typed, problems))


def _meta(found: Waiting) -> ViewMeta:
    form = found.form
    return ViewMeta(
        channel=found.channel,
        kind=form.answers.kind,
        variant=form.answers.variant,
        editing=form.editing,
        version=form.version,
        draft=form.draft,
        kept=form.kept,
    )


def _card(asked: Asked, public_url: str) -> Card:
    lines = [
        "*Enter the secret on a page outside Slack*",
        f"The page asks for this code: *{code(asked.code)}*",
        f"It takes the secret once, until {moment(asked.expires_at)}.",
        "This window goes on by itself then; when you close it, you are told privately.",
    ]
    open_it = link_button("Open the page", ids.OUTSIDE_LINK, f"{public_url}{asked.path}")
    return say("Outside Slack", *lines, buttons=[actions(open_it)])
