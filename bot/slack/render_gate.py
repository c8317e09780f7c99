"""Whether an image may run, requests to register one, and exemptions, as people see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core.image import Reference
from bot.core.policy import Verdict
from bot.slack import ids
from bot.slack.blocks import (
    Block,
    actions,
    button,
    context,
    input_block,
    modal,
    section,
    sections,
    text_input,
)
from bot.slack.card import Card
from bot.slack.metadata import ViewMeta
from bot.slack.text import code, escape
from bot.slack.words import count, moment
from bot.store.image_requests import DECLINED, EXEMPTED
from bot.usecases.asking import Asked
from bot.usecases.exemptions import ExemptionView
from bot.usecases.image_requests import RequestView

ASKERS_SHOWN: Final = 10
LISTED: Final = 20
MONTH: Final = timedelta(days=30)
HOW: Final = "Ask like this: `check ghcr.io/team/app:1.2`."


def verdict_card(asked: Asked, found: Sequence[str] = ()) -> Card:
    """The answer to `check IMAGE`; `found` are lines of markup about the image itself."""
    verdict = asked.verdict
    lines = [_headline(asked), *_why(asked), *found]
    blocks = sections(lines)
    if not verdict.allowed and verdict.image:
        ask = button("Ask to register this", ids.ASK_REGISTER, verdict.image, style="primary")
        blocks.append(actions(ask))
    return Card("Check an image", "\n".join(lines), tuple(blocks))


def asked_card(request: RequestView, *, alone: bool) -> Card:
    """What whoever asked is told at once."""
    who = "The managers are asked." if alone else "Others asked for it too; you joined them."
    lines = [f"*{code(request.repository)}* {who} You hear of their decision in a direct message."]
    return Card("Asked", "\n".join(lines), tuple(sections(lines)), close="Done")


def request_card(request: RequestView, by: str) -> Card:
    """The message to the managers; `by` is the name of who decided."""
    askers = _people(request.askers)
    lines = [f"*🙋 {code(request.repository)} is asked for* by {askers}"]
    if request.image != request.repository:
        lines.append(f"First for {code(request.image, 400)}.")
    if request.is_open:
        lines.append("No registered registry covers it, so it may not be deployed.")
        return Card("Request", "\n".join(lines), (*sections(lines), _decisions(request)))
    lines.append(_decision(request, f"by {escape(by, 80)}" if by else ""))
    return Card("Request", "\n".join(lines), tuple(sections(lines)))


def answer_card(request: RequestView) -> Card:
    """The decision, told to somebody who asked."""
    by = f"by <@{escape(request.decided_by, 30)}>" if request.decided_by else ""
    lines = [f"You asked for {code(request.repository)}.", _decision(request, by)]
    return Card("Request", "\n".join(lines), tuple(sections(lines)))


def exemptions_card(found: Sequence[ExemptionView], total_shown: int = LISTED) -> Card:
    """All exemptions in force, each with the button that ends it."""
    if not found:
        lines = ["No image is exempted: only those of registered registries may run."]
        return Card("Exemptions", lines[0], tuple(sections(lines)))
    lines = [f"*{count(len(found), 'exemption')}*, the next to lapse first"]
    blocks: list[Block] = [section(lines[0])]
    for one in found[:total_shown]:
        line = exemption_line(one)
        lines.append(line)
        end = button("End", ids.EXEMPTION_END, one.id, says=f"End {one.image}")
        blocks.append(section(line, end))
    if len(found) > total_shown:
        lines.append(f"And {count(len(found) - total_shown, 'more exemption')}.")
        blocks.append(context(lines[-1]))
    return Card("Exemptions", "\n".join(lines), tuple(blocks))


def exemption_line(one: ExemptionView) -> str:
    ticket = f" ({escape(one.ticket, 100)})" if one.ticket else ""
    return (
        f"{code(one.image)} until {moment(one.until)} · {escape(one.reason, 200)}{ticket} · "
        f"<@{escape(one.created_by, 30)}>"
    )


def exemption_form(channel: str, now: datetime, image: str, request: str = "") -> dict[str, Any]:
    """Until when an image may run, and why; of a `request` the image is given."""
    day = (now + MONTH).date().isoformat()
    picker = {"type": "datepicker", "action_id": ids.TYPED, "initial_date": day}
    what = (
        section(f"*{code(image)}*")
        if request
        else input_block(
            ids.field_block("image"),
            "Image",
            text_input(initial=image, placeholder="quay.io/team/app", limit=1024),
            hint="A repository; with @sha256:… only that image. No wildcards.",
        )
    )
    blocks = [
        what,
        input_block(ids.field_block("until"), "Until", picker, hint="The end of that day, UTC."),
        input_block(ids.field_block("reason"), "Reason", text_input(limit=500)),
        input_block(ids.field_block("ticket"), "Ticket", text_input(limit=200), optional=True),
    ]
    meta = ViewMeta(channel, request=request)
    return modal(
        "Exempt an image",
        blocks,
        callback_id=ids.EXEMPTION_FORM,
        metadata=meta.dump(),
        submit="Allow",
        close="Cancel",
    )


def decline_form(channel: str, request: RequestView) -> dict[str, Any]:
    reason = text_input(limit=500, multiline=True)
    return modal(
        "Decline a request",
        [
            section(f"*{code(request.repository)}*, asked for by {_people(request.askers)}"),
            input_block(ids.field_block("reason"), "Reason", reason, hint="They read it."),
        ],
        callback_id=ids.DECLINE_FORM,
        metadata=ViewMeta(channel, request=request.id).dump(),
        submit="Decline",
        close="Cancel",
    )


def exemption_notice(what: str, values: Mapping[str, str]) -> list[str]:
    """The lines of `exemption_announced`, `exemption_lapsing` and `exemption_lapsed`."""
    image, by = code(values.get("image", "")), values.get("by", "")
    who = f" · <@{escape(by, 30)}>" if by else ""
    until = _until(values.get("until", ""))
    ticket = f" ({escape(values['ticket'], 100)})" if values.get("ticket") else ""
    reason = f"Reason: {escape(values.get('reason', ''), 500)}{ticket}"
    match what:
        case "exemption_announced":
            return [f"*🕒 Exempted* · {image} may run until {until}{who}", reason]
        case "exemption_lapsing":
            more = "Then it is refused: register its registry, or exempt it anew."
            return [f"*🕒 Exemption lapses soon* · {image} until {until}{who}", reason, more]
        case _:
            more = "What runs already goes on; new pods with it are refused."
            return [f"*🕒 Exemption lapsed* · {image}{who}", reason, more]


def _headline(asked: Asked) -> str:
    verdict = asked.verdict
    if verdict.exemption is not None:
        return f"*🕒 Allowed until {moment(verdict.exemption.until)}* · {code(asked.text, 400)}"
    return f"*{'🟢 Allowed' if verdict.allowed else '🔴 Refused'}* · {code(asked.text, 400)}"


def _why(asked: Asked) -> Iterable[str]:
    verdict = asked.verdict
    if verdict.image and verdict.image != asked.text:
        yield f"Read as {code(verdict.image, 400)}."
    yield f"{escape(_reason(verdict), 600)}."
    if asked.nearest is not None:
        near = asked.nearest
        yield f"The nearest is {code(near.registry)}, which covers {code(near.place)} and below."
    for name in asked.scopeless[:3]:
        yield (
            f"{code(name)} is at this host but covers nothing: strangers keep images there too, so "
            "it needs a path scope."
        )


def _reason(verdict: Verdict) -> str:
    """The reason as a sentence about “it”: the image stands in the headline already."""
    if not verdict.image:
        return f"It {verdict.reason.rpartition('” ')[2]}".removesuffix(".")
    image = Reference.parse(verdict.image)
    return f"It {verdict.reason.removeprefix(f'{image.host}/{image.repository} ')}"


def _decisions(request: RequestView) -> Block:
    return actions(
        button("Approve", ids.REQUEST_APPROVE, request.id, style="primary"),
        button("Allow until…", ids.REQUEST_EXEMPT, request.id),
        button("Decline", ids.REQUEST_DECLINE, request.id, style="danger"),
    )


def _decision(request: RequestView, by: str) -> str:
    if request.state == DECLINED:
        return f"✖ Declined {by}: {escape(request.reason, 500)}"
    if request.state == EXEMPTED:
        until = f" until {moment(request.until)}" if request.until else ""
        return f"🕒 Allowed{until} {by}: {escape(request.reason, 500)}"
    return f"✅ Registered {by}: it belongs to {code(request.reason)} now."


def _people(users: Sequence[str]) -> str:
    shown = ", ".join(f"<@{escape(one, 30)}>" for one in users[:ASKERS_SHOWN])
    more = len(users) - ASKERS_SHOWN
    return f"{shown} and {count(more, 'other')}" if more > 0 else shown


def _until(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return "a while"
