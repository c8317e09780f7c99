"""Secrets that are entered on a page instead of in Slack: the way there, and the way back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.errors import InvalidInput, RegistrarError, StoreError
from bot.slack import auto_rotating, ids, rotating, saving
from bot.slack.call import Call, Place, call_of
from bot.slack.card import say
from bot.slack.desk import Desk, View, fault_card
from bot.slack.forms import FormState, registry_form
from bot.slack.metadata import ViewMeta
from bot.slack.page_link import drawn, page_card
from bot.slack.policy_form import policy_card, policy_form, policy_meta
from bot.slack.render_result import checking, saved
from bot.slack.rotation_form import RotationState, rotation_form
from bot.slack.saving import host_of, try_draft
from bot.slack.state import form_answers, values_of
from bot.slack.surface import ModalSurface, tell_privately
from bot.slack.trouble import AWAY, code_of
from bot.usecases import drafts, rotation_policies, secret_asks
from bot.usecases.rotating import open_form
from bot.usecases.secret_asks import Form, Waiting


async def enter_outside(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """Keep what the form says so far, and show where its secrets are entered."""
    await ack()
    call = call_of(body)
    desk.start(call, _ask(desk, call, body["view"]), "enter outside")


async def follow(desk: Desk, actor: Actor, found: Waiting, draft_id: str) -> None:
    """The secrets are there: the view that waited shows the check, and then what became of it."""
    form = found.form
    call = call_in(found)
    if form.wanted is not None:
        policy = await rotation_policies.view(desk.deps, desk.rotators, actor, form.editing)
        await ModalSurface(desk.client, call, call.view_id).finish(policy_card(policy))
        await _told(desk, found)
        return
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
    if found.form.wanted is not None:
        await follow(desk, actor, found, "")
        return
    if not found.draft_id:  # taken by an earlier version, which saw to it by itself
        await _told(desk, found)
        return
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
    form, meta = await _form(desk, actor, view)
    try:
        shown = (await page_card(desk, actor, call, form)).view(call.channel)
    except InvalidInput as error:
        shown = await _again(desk, actor, form, meta, tuple(error.fields.values()))
    await desk.client.views_update(view_id=call.view_id, view=shown)


async def _form(desk: Desk, actor: Actor, view: Mapping[str, Any]) -> tuple[Form, ViewMeta]:
    """What the form says, but for its secrets."""
    meta = ViewMeta.of(view)
    if view.get("callback_id") == ids.POLICY_FORM:
        return auto_rotating.form_of(await auto_rotating.filled_in(desk, actor, view)), meta
    if view.get("callback_id") == ids.ROTATION_FORM:
        typed = {name: "".join(one) for name, one in values_of(view).items()}
        return rotating.form_of(typed, meta), meta
    answers, meta = form_answers(view)
    form = saving.form_of(answers, meta)
    return form, replace(meta, kind=answers.kind, variant=answers.variant)


async def _again(
    desk: Desk, actor: Actor, form: Form, meta: ViewMeta, problems: tuple[str, ...]
) -> View:
    """The form as it was, with what is wrong above it."""
    meta = await drawn(desk, actor.team_id, meta)
    if form.wanted is not None:
        policy = await rotation_policies.view(desk.deps, desk.rotators, actor, form.editing)
        wanted = replace(
            policy, wanted=form.wanted, version=form.version, registry_id=form.registry_id
        )
        return policy_form(wanted, policy_meta(wanted, meta.channel, page=meta.page), problems)
    if form.plan is None:
        return registry_form(FormState(meta, form.answers.public, problems))
    stored = await open_form(desk.deps, actor, form.editing)
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
        registry=form.registry_id,
    )
