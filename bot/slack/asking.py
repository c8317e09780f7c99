"""`check IMAGE`, asking for its registration, deciding on that, and exemptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.core.access import Actor
from bot.core.image import Reference
from bot.errors import InvalidInput, Unseen
from bot.kinds.guess import answers_for
from bot.slack import ids
from bot.slack.access import reader
from bot.slack.call import Call, call_of
from bot.slack.card import Card, say
from bot.slack.desk import Desk, View
from bot.slack.metadata import ViewMeta
from bot.slack.render_gate import (
    asked_card,
    decline_form,
    exemption_form,
    exemption_line,
    exemptions_card,
    request_card,
    verdict_card,
)
from bot.slack.render_sight import absent_lines, found_lines, looking_lines
from bot.slack.saving import open_add
from bot.slack.state import values_of
from bot.slack.submission import Submission, settle
from bot.slack.text import code
from bot.usecases import asking, exemptions, image_requests
from bot.usecases.asking import Asked
from bot.usecases.exemptions import Wanted
from bot.usecases.looking import see_image
from bot.usecases.permission import require_manager

Pressed = Callable[[Desk, Call, str], Coroutine[Any, Any, None]]
# Slack makes a link of what looks like an address: `<http://ghcr.io/a|ghcr.io/a>`.
_LINK: Final = re.compile(r"<[a-z]+://[^|>]*\|([^>]*)>|<(?:https?://)?([^|>]*)>")
_LONGEST: Final = 1500


async def check_image(desk: Desk, call: Call, words: Sequence[str]) -> None:
    """Whether an image may run, and why not; of one that may, whether it exists."""
    image = image_meant(words)
    if not image:
        usage = code(f"{desk.command} check ghcr.io/team/app:1.2")
        await desk.answer(call, say("Check an image", f"Which image? For instance {usage}."))
        return
    asked = await asking.ask(desk.deps, reader(call), image)
    registry = asked.verdict.registry if asked.verdict.allowed else ""
    if not registry:
        await desk.answer(call, verdict_card(asked))
        return
    surface = await desk.surface(call, verdict_card(asked, looking_lines(registry)))
    await surface.finish(verdict_card(asked, await _seen(desk, call, asked)))


async def _seen(desk: Desk, call: Call, asked: Asked) -> list[str]:
    """Whether the registry has the image, with the registry's own credential."""
    image, registry = Reference.parse(asked.verdict.image), asked.verdict.registry
    try:
        facts = await see_image(desk.deps, desk.looks, reader(call), registry, image)
    except Unseen as unseen:
        return absent_lines(unseen)
    return found_lines(image, facts, desk.now())


def image_meant(words: Sequence[str]) -> str:
    """The image in what was typed, without what Slack or a person put around it."""
    text = " ".join(words)[:_LONGEST].strip()
    return _LINK.sub(lambda found: found[1] or found[2] or "", text).strip("`")


async def ask_register(desk: Desk, call: Call, image: str) -> None:
    request = await image_requests.ask(desk.deps, reader(call), image)
    await desk.tell(call, asked_card(request, alone=len(request.askers) == 1))


async def approve(desk: Desk, call: Call, request_id: str) -> None:
    """The form to add a registry, filled in for the image that was asked for."""
    request = await image_requests.view(desk.deps, call.team, request_id)
    if not request.is_open:
        await desk.tell(call, request_card(request, ""))
        return
    kind, answers = answers_for(Reference.parse(request.image))
    await open_add(desk, call, kind, answers)


async def ask_until(desk: Desk, call: Call, request_id: str) -> None:
    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "decide on requests")
        request = await image_requests.view(desk.deps, call.team, request_id)
        return exemption_form(call.channel, desk.now(), request.repository, request.id)

    await desk.form(call, build)


async def ask_reason(desk: Desk, call: Call, request_id: str) -> None:
    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "decide on requests")
        return decline_form(
            call.channel, await image_requests.view(desk.deps, call.team, request_id)
        )

    await desk.form(call, build)


async def open_exempt(desk: Desk, call: Call, words: Sequence[str]) -> None:
    """The form to exempt an image that was typed, or is to be typed."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        await require_manager(desk.deps, actor, "exempt an image")
        return exemption_form(call.channel, desk.now(), image_meant(words))

    await desk.form(call, build)


async def show_exemptions(desk: Desk, call: Call) -> None:
    found = await exemptions.in_force(desk.deps, reader(call))
    await desk.answer(call, exemptions_card(found))


async def end_exemption(desk: Desk, call: Call, exemption_id: str) -> None:
    actor = await desk.people.actor(call)
    ended = await exemptions.end(desk.deps, actor, exemption_id)
    lines = f"{code(ended.image)} is exempted no more; new pods with it are refused."
    await desk.answer(call, say("Exemptions", lines))


async def submit_exemption(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    request_id = ViewMeta.of(view).request
    typed = {name: "".join(found) for name, found in values_of(view).items()}

    async def work(actor: Actor) -> Card:
        until = _end_of_day(typed.get("until", ""))
        reason, ticket = typed.get("reason", ""), typed.get("ticket", "")
        if request_id:
            request = await image_requests.view(desk.deps, call.team, request_id)
            wanted = Wanted(request.repository, until, reason, ticket)
            done = await image_requests.exempt(desk.deps, actor, request_id, wanted)
            return say("Exempted", f"{code(done.repository)} may run. Who asked is told.")
        wanted = Wanted(image_meant([typed.get("image", "")]), until, reason, ticket)
        made = await exemptions.exempt(desk.deps, actor, wanted)
        return say("Exempted", exemption_line(made), close="Done")

    await settle(desk, ack, Submission(call, view, work))


async def submit_decline(
    ack: AsyncAck, body: dict[str, Any], view: Mapping[str, Any], desk: Desk
) -> None:
    call = call_of(body)
    request_id = ViewMeta.of(view).request
    reason = "".join(values_of(view).get("reason", ()))

    async def work(actor: Actor) -> Card:
        request = await image_requests.decline(desk.deps, actor, request_id, reason)
        return say("Declined", f"{code(request.repository)} is declined. Who asked is told.")

    await settle(desk, ack, Submission(call, view, work))


def _end_of_day(text: str) -> datetime:
    """The end of a picked day; InvalidInput on field `until`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput({"until": "Choose a day."}) from None
    return datetime.combine(day + timedelta(days=1), time(), UTC)


BUTTONS: Final[dict[str, Pressed]] = {
    ids.ASK_REGISTER: ask_register,
    ids.REQUEST_APPROVE: approve,
    ids.REQUEST_EXEMPT: ask_until,
    ids.REQUEST_DECLINE: ask_reason,
    ids.EXEMPTION_END: end_exemption,
}
"""By action id; the value is an image, or the id of a request or an exemption."""
