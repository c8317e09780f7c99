"""Rotation by itself: its form, a start by hand, the second pair of eyes, and the freeze."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.core.secret import Secret
from bot.errors import InvalidInput, OnlyOnPage
from bot.slack import ids
from bot.slack.access import reader
from bot.slack.blocks import actions, button, input_block, modal, text_input
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk, View
from bot.slack.metadata import ViewMeta
from bot.slack.page_link import Sent, kept_or_page
from bot.slack.pausing import split
from bot.slack.policy_form import ON, diagnosis_card, policy_card, policy_form, policy_meta
from bot.slack.state import values_of
from bot.slack.submission import Submission, problems_view, settle
from bot.slack.text import code, escape
from bot.slack.words import moment
from bot.usecases import auto_rotation, freezes, page_only, rotation_policies
from bot.usecases.draft_answers import Answers
from bot.usecases.permission import require_manager
from bot.usecases.rotation_policies import PolicyView, Wanted
from bot.usecases.secret_asks import Form

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]
_NUMBERS: Final = frozenset({"at_age_days", "before_expiry_days", "lasts_days", "grace_hours"})


async def open_policy(desk: Desk, call: Call, name: str) -> None:
    """The form; where a provider offers nothing, that in a sentence."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "let a credential be rotated", name)
        view = await rotation_policies.view(desk.deps, desk.rotators, actor, name)
        if view.unsuited:
            return policy_card(view).view(call.channel)
        only = await page_only.holds(desk.deps, call.team)
        return policy_form(view, policy_meta(view, call.channel, page=only))

    await desk.form(call, build)


async def submit_policy(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    meta = ViewMeta.of(view)
    typed = {name: "".join(found) for name, found in values_of(view).items()}
    access = {
        name: Secret(typed.pop(name))
        for name in set(typed) - _NUMBERS - {"enabled"}
        if typed.get(name)
    }
    shown: list[PolicyView] = []

    async def change(actor: Actor) -> Card:
        changed = await rotation_policies.change(
            desk.deps, desk.rotators, actor, meta.editing, meta.version, _wanted(typed), access,
            registry_id=meta.registry,
        )  # fmt: skip
        return policy_card(changed)

    async def work(actor: Actor) -> Card:
        wanted = await filled_in(desk, actor, view)
        shown.append(wanted)
        needed = wanted.fields if wanted.wanted.enabled else ()  # switched off, none
        sent = Sent(call, form_of(wanted), meta, needed, bool(access))
        return await kept_or_page(desk, actor, sent, lambda: change(actor))

    def again(error: InvalidInput) -> View:
        if not isinstance(error, OnlyOnPage):
            return problems_view(call, error)
        told = tuple(error.fields.values())
        return policy_form(shown[0], policy_meta(shown[0], call.channel, page=True), told)

    await settle(desk, ack, Submission(call, view, work, again))


def form_of(view: PolicyView) -> Form:
    """The form without its secrets."""
    kept = policy_meta(view, "", page=True).kept
    return Form(
        Answers(view.kind, "", {}),
        view.name,
        view.version,
        kept=kept,
        wanted=view.wanted,
        asked=view.fields,
        registry_id=view.registry_id,
    )


async def filled_in(desk: Desk, actor: Actor, view: Mapping[str, Any]) -> PolicyView:
    """What a form says, but for its secrets; raises InvalidInput for a number that is none."""
    meta = ViewMeta.of(view)
    typed = {name: "".join(found) for name, found in values_of(view).items()}
    before = await rotation_policies.view(desk.deps, desk.rotators, actor, meta.editing)
    return replace(before, wanted=_wanted(typed), version=meta.version, registry_id=meta.registry)


async def rotate_now(desk: Desk, call: Call, name: str) -> None:
    actor = await desk.people.actor(call)
    await rotation_policies.rotate_now(desk.deps, desk.rotators, actor, name)
    line = f"*{code(name)} is being rotated.* The channel hears how it ends."
    await desk.tell(call, say("Rotation", line))


async def diagnose(desk: Desk, call: Call, name: str) -> None:
    found = await rotation_policies.diagnose(desk.deps, desk.rotators, reader(call), name)
    await desk.tell(call, diagnosis_card(found))


async def approve(desk: Desk, call: Call, rotation_id: str) -> None:
    actor = await desk.people.actor(call)
    await auto_rotation.decide(desk.deps, actor, rotation_id, yes=True)
    await desk.tell(call, say("Rotation", "Approved. The channel hears how it ends."))


async def ask_decline(desk: Desk, call: Call, rotation_id: str) -> None:
    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "approve a rotation")
        element = text_input(ids.TYPED, limit=300)
        reason = input_block(ids.field_block("reason"), "Reason", element, hint="Others read it.")
        meta = ViewMeta(call.channel, request=rotation_id)
        return modal(
            "Decline a rotation",
            [reason],
            callback_id=ids.ROTATION_DECLINE_FORM,
            metadata=meta.dump(),
            submit="Decline",
            close="Cancel",
        )

    await desk.form(call, build)


async def submit_decline(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    rotation_id = ViewMeta.of(view).request
    reason = "".join(values_of(view).get("reason", ()))

    async def work(actor: Actor) -> Card:
        await auto_rotation.decide(desk.deps, actor, rotation_id, yes=False, reason=reason)
        return say("Declined", "Nothing is rotated.", close="Done")

    await settle(desk, ack, Submission(call, view, work))


async def freeze(desk: Desk, call: Call, words: Sequence[str]) -> None:
    """`freeze for 2d [reason]`; without a time, what holds."""
    duration, reason = split(words)
    if not duration:
        await desk.answer(call, _frozen_card(desk, *await freezes.held(desk.deps, reader(call))))
        return
    actor = await desk.people.actor(call)
    until = await freezes.freeze(desk.deps, actor, duration, reason)
    await desk.answer(call, _frozen_card(desk, until, reason))


async def thaw(desk: Desk, call: Call, _value: object = "") -> None:
    actor = await desk.people.actor(call)
    await freezes.thaw(desk.deps, actor)
    await desk.answer(call, say("Freeze", "Credentials are rotated by themselves again."))


def _frozen_card(desk: Desk, until: Any, reason: str) -> Card:
    if until is None or until <= desk.now():
        usage = code(f"{desk.command} freeze for 2d the release")
        return say("Freeze", f"Nothing is frozen. {usage} holds automatic rotations back.")
    lines = [f"*❄ No credential is rotated by itself until {moment(until)}*"]
    if reason:
        lines.append(f"Reason: {escape(reason)}")
    over = button("End the freeze", ids.THAW, "-")
    return say("Freeze", *lines, buttons=[actions(over)])


def _wanted(typed: Mapping[str, str]) -> Wanted:
    numbers = {name: _number(name, typed.get(name, "")) for name in _NUMBERS}
    return Wanted(
        enabled=typed.get("enabled") == ON,
        at_age_days=numbers["at_age_days"],
        before_expiry_days=numbers["before_expiry_days"],
        lasts_days=numbers["lasts_days"] or 90,
        grace_hours=24 if numbers["grace_hours"] is None else numbers["grace_hours"],
    )


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise InvalidInput({name: "Give a whole number."})
    return int(text)


BUTTONS: Final[dict[str, Pressed]] = {
    ids.ROTATION_POLICY: open_policy,
    ids.ROTATION_NOW: rotate_now,
    ids.ROTATION_DIAGNOSE: diagnose,
    ids.ROTATION_APPROVE: approve,
    ids.ROTATION_DECLINE: ask_decline,
    ids.THAW: thaw,
}
"""By action id; the value is a registry's name or a rotation's id."""
