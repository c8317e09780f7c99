"""One rotation, one message through its life, and the lines below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.core.auto_rotation import Step
from bot.core.check import CheckResult
from bot.core.rotation import Entry, Phase, Trial
from bot.core.timestamp import read
from bot.kinds.guide import guide
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, sections, with_confirm
from bot.slack.card import Card, say
from bot.slack.expiry_words import noun
from bot.slack.render_result import findings
from bot.slack.text import code, escape
from bot.slack.words import moment
from bot.store.cipher import shown_fingerprint
from bot.usecases.rotation_trial import Tried
from bot.usecases.rotations import RotationView

SHOWN: Final = 20


def rotation_card(view: RotationView, by: str = "") -> Card:
    """The message as the matter stands; `by` is the name of who did the last step."""
    lines = [_head(view, by), *_advice(view), _which(view)]
    return Card("Rotation", "\n".join(lines), (*sections(lines), *_controls(view)))


def begun_card(view: RotationView, result: CheckResult) -> Card:
    """What whoever rotated it is shown in the form's place."""
    waiting = view.state.phase is Phase.WAITING
    head = "🟢 Proven and stored" if waiting else "🟢 Proven and in force"
    lines = [f"*{head}: {code(view.name)}*", *findings(result), *_advice(view)]
    blocks = (*sections(lines), *_controls(view))
    return Card("Rotated", "\n".join(lines), blocks, close="Done")


def entry_text(view: RotationView, values: Mapping[str, str], by: str) -> str:
    """One line below the message."""
    try:
        entry = Entry(values.get("entry", ""))
    except ValueError:
        return f"{code(view.name)}: {escape(values.get('entry', ''), 60)}"
    at = read({"at": values.get("at") or None}, "at")
    when = f"{moment(at)} · " if at else ""
    return f"{when}{_entry(entry, view, values.get('why', ''), by)}"


def tried_card(view: RotationView, tried: Tried | None) -> Card:
    """The answer to somebody who says that the old one is removed."""
    what = f"the old {noun(view.kind)} of {code(view.name)}"
    if view.state.phase is Phase.DEAD:
        line = f"Yes: {what} was refused twice. It is destroyed here too."
    elif tried is None:
        line = f"T{what[1:]} is being tried already; look again in a moment."
    elif tried.wait_until is not None:
        line = (
            f"Not tried: one more failed sign-in could lock the account. T{what[1:]} is tried "
            f"again {moment(tried.wait_until)}."
        )
    elif tried.trial is Trial.DEAD:
        when = f" {moment(view.state.next_at)}" if view.state.next_at else " soon"
        line = f"T{what[1:]} was refused. It is tried once more{when}, to be sure."
    elif tried.trial is Trial.ALIVE:
        link = _link(view)
        line = f"T{what[1:]} still works. {escape(guide(view.kind, view.host).remove, 400)}{link}"
    else:
        line = f"Nothing is known yet of {what}: {escape(tried.why, 500)}"
    return say("Rotation", line)


def revoked_card(view: RotationView) -> Card:
    """The answer to somebody who had GitHub end the old token."""
    when = f" {moment(view.state.next_at)}" if view.state.next_at else " soon"
    return say(
        "Rotation",
        f"GitHub took the old token of {code(view.name)} and tells its owner. It ends within some "
        f"minutes; it is tried{when}.",
    )


def _head(view: RotationView, by: str) -> str:
    name, state, who = code(view.name), view.state, f" by {escape(by, 60)}" if by else ""
    what = noun(view.kind)
    match state.phase:
        case Phase.WAITING:
            at = moment(state.switch_at) if state.switch_at else "later"
            return f"🗝 *{name}: a new {what} is stored*{who}, to be put in force {at}"
        case Phase.GRACE:
            return f"🗝 *{name}: a new {what} is in force*{who}"
        case Phase.ENDING if state.alive_at is not None:
            return f"⚠ *{name}: the old {what} still works*"
        case Phase.ENDING:
            return f"🗝 *{name}: is the old {what} dead?*"
        case Phase.DEAD:
            return f"✅ *{name}: rotated; the old {what} was seen dead*"
        case Phase.BACK:
            return f"↩ *{name}: the old {what} is in force again*{who}"
        case Phase.PREPARING if view.step is Step.APPROVE:
            return f"🗝 *{name}: may its {what} be rotated?*"
        case Phase.PREPARING:
            return f"🗝 *{name}: a new {what} is being made*"
        case Phase.FAILED:
            return f"🔴 *{name}: the {what} could not be rotated*"
    return f"🗑 *{name}: rotation ended*{who}"


def _advice(view: RotationView) -> list[str]:
    state, words = view.state, guide(view.kind, view.host)
    match state.phase:
        case Phase.WAITING:
            lines = [
                "Until then the old one stays in force; should it die, the switch comes at once."
            ]
            return [*lines, f"⚠ {escape(state.why, 500)}"] if state.why else lines
        case Phase.PREPARING if view.step is Step.APPROVE:
            asker = f"<@{escape(state.by, 30)}> wishes for it. " if state.by else ""
            plan = "Registrar makes a new one, proves it, and ends the old one after a while."
            return [f"{asker}{plan} Another manager has to approve."]
        case Phase.PREPARING:
            return ["The old one stays in force until the new one is proven."]
        case Phase.FAILED:
            return [escape(state.why, 600)]
        case Phase.GRACE if view.ends_old:
            until = moment(state.grace_until) if state.grace_until else "the grace period is over"
            then = "then Registrar ends it at the provider and sees it dead."
            return [f"The old one is kept as a way back until {until}; {then}"]
        case Phase.GRACE:
            until = moment(state.grace_until) if state.grace_until else "the grace period is over"
            lines = [f"The old one is kept as a way back until {until}."]
            removing = f"{escape(words.remove, 400)}{_link(view)}"
            return [*lines, f"When your deployments work, remove it. {removing}"]
        case Phase.ENDING:
            lines = [f"Remove it. {escape(words.remove, 400)}{_link(view)}"]
            if state.refused_at is not None:
                lines = [f"It was refused {moment(state.refused_at)}; once more, and that is sure."]
            if state.why:
                lines.append(f"Nothing is known yet: {escape(state.why, 500)}")
            if state.next_at is not None:
                lines.append(f"It is tried again {moment(state.next_at)}.")
            return lines
        case Phase.DEAD:
            return ["It was refused twice while the new one worked, and is destroyed here as well."]
        case Phase.BACK:
            unneeded = "If nobody needs it, remove it at the provider too."
            return [f"The new one is destroyed here. {unneeded}{_link(view)}"]
    if state.switched_at is None:
        return ["The new one was never put in force, and is destroyed here."]
    return [f"The old one is destroyed here, but nobody saw it dead. Look after it.{_link(view)}"]


def _which(view: RotationView) -> str:
    parts = [escape(view.kind_label, 75), escape(view.host, 200)]
    if view.others:
        shown = ", ".join(code(name) for name in view.others[:SHOWN])
        more = f" and {len(view.others) - SHOWN:,} more" if len(view.others) > SHOWN else ""
        parts.append(f"also of {shown}{more}")
    if view.old_fingerprint and view.new_fingerprint:
        old, new = (shown_fingerprint(one) for one in (view.old_fingerprint, view.new_fingerprint))
        parts.append(f"fingerprint {code(old)} → {code(new)}")
    if view.owner:
        parts.append(f"owner <@{escape(view.owner, 30)}>")
    return " · ".join(parts)


def _entry(entry: Entry, view: RotationView, why: str, by: str) -> str:
    who = f" by {escape(by, 60)}" if by else ""
    owner = f"<@{escape(view.owner, 30)}> " if view.owner else ""
    remove = f"{escape(guide(view.kind, view.host).remove, 400)}{_link(view)}"
    return {
        Entry.ASKED: "a second manager is asked",
        Entry.APPROVED: f"approved{who}",
        Entry.PLANNED: f"stored{who}",
        Entry.NOT_SWITCHED: f"{owner}not put in force: {escape(why, 500)} It is tried again.",
        Entry.SWITCHED: f"put in force{who}",
        Entry.REMOVE: f"{owner}the grace period is over and the old one still works. {remove}",
        Entry.STILL_ALIVE: f"{owner}the old one still works. {remove}",
        Entry.UNSEEN: f"{owner}the old one could not be tried for a day: {escape(why, 500)}",
        Entry.NOT_ENDED: f"{owner}the provider would not end it: {escape(why, 500)} Asked again.",
        Entry.FAILED: f"{owner}not rotated: {escape(why, 500)}",
        Entry.LOST: f"{owner}the new one is lost: {escape(why, 500)}",
        Entry.DEAD: "the old one was refused twice and is destroyed here",
        Entry.BACK: f"back to the old one{who}",
        Entry.LET_GO: f"ended{who} without seeing the old one dead",
    }[entry]


def _controls(view: RotationView) -> list[Block]:
    phase = view.state.phase
    show: Element = button("Show", ids.SHOW, view.name)
    if view.step is Step.APPROVE:
        yes = button("Approve", ids.ROTATION_APPROVE, view.id, style="primary")
        return [actions(yes, button("Decline", ids.ROTATION_DECLINE, view.id), show)]
    if phase is Phase.WAITING:
        off = button("Call it off", ids.ROTATION_LET_GO, view.id, says="Destroy the new credential")
        return [actions(off, show)]
    if phase not in {Phase.GRACE, Phase.ENDING}:
        return [actions(show)]
    if view.ends_old or (view.step is not None and phase is Phase.GRACE):
        back = button("Go back to the old one", ids.ROTATION_BACK, view.id)
        return [actions(back, show)] if phase is Phase.GRACE else [actions(show)]
    elements = [
        button("I removed the old one", ids.ROTATION_REMOVED, view.id, style="primary"),
        button("Go back to the old one", ids.ROTATION_BACK, view.id),
    ]
    if view.kind == "ghcr":
        elements.append(_revoke_button(view))
    if phase is Phase.ENDING:
        gone = "Destroy the old one here without seeing it dead"
        elements.append(button("Stop watching it", ids.ROTATION_LET_GO, view.id, says=gone))
    return [actions(*elements, show)]


def _revoke_button(view: RotationView) -> Element:
    said = (
        "GitHub ends the old token everywhere, at once and for good, and tells its owner. Whatever "
        "still uses it stops working."
    )
    asked = button("Revoke it at GitHub", ids.ROTATION_REVOKE, view.id, style="danger")
    return with_confirm(asked, "Revoke the old token?", said, "Revoke it")


def _link(view: RotationView) -> str:
    url = guide(view.kind, view.host).url
    return f" <{escape(url, 500)}|Open it>." if url else ""
