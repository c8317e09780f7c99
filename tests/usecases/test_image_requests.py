"""“Ask to register this”, from the question to the answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.access import Actor
from bot.errors import Conflict, InvalidInput, InvalidReference, NotAllowed, NotFound
from bot.usecases import gate, image_requests
from bot.usecases.deps import Deps
from bot.usecases.exemptions import Wanted
from tests.factories import ALICE, MALLORY, NOW, add, generic
from tests.usecases.watching import channel, letters

BOB, CAROL = Actor("T1", "UBOB"), Actor("T1", "UCAROL")
IMAGE = "quay.io/acme/app:1.2"


async def told(deps: Deps) -> list[tuple[str, str, str]]:
    kinds = ("image_request", "image_request_answered")
    found = [row for what in kinds for row in await letters(deps, what=what)]
    return [(row.what, row.op, row.channel) for row in found]


async def test_one_repository_is_one_message_whoever_asks(deps: Deps) -> None:
    """Two at the same moment, the same person twice, another tag: still one request."""
    await channel(deps)

    await asyncio.gather(*(image_requests.ask(deps, who, IMAGE) for who in (BOB, CAROL)))
    await image_requests.ask(deps, BOB, IMAGE)
    joined = await image_requests.ask(deps, CAROL, "quay.io/acme/app:7")

    assert sorted(joined.askers) == ["UBOB", "UCAROL"]
    assert joined.repository == "quay.io/acme/app"
    assert await told(deps) == [("image_request", "post", "CALERTS")]


async def test_registering_answers_everybody_who_asked(deps: Deps) -> None:
    """Whatever way the registry was added; a request it does not cover stays open."""
    await channel(deps)
    request = await image_requests.ask(deps, BOB, IMAGE)
    await image_requests.ask(deps, CAROL, IMAGE)
    other = await image_requests.ask(deps, CAROL, "quay.io/other/app")

    await add(deps, answers=generic("quay-acme", url="https://quay.io", path_scope="acme"))

    settled = await image_requests.view(deps, "T1", request.id)
    assert (settled.state, settled.decided_by, settled.reason) == (
        "registered",
        ALICE.user_id,
        "quay-acme",
    )
    assert (await image_requests.view(deps, "T1", other.id)).is_open
    answered = {place for what, _, place in await told(deps) if what == "image_request_answered"}
    assert answered == {"UBOB", "UCAROL"}


async def test_a_request_is_declined_once_with_a_reason(deps: Deps) -> None:
    """Who comes second is told; nobody but managers decides."""
    await channel(deps)
    request = await image_requests.ask(deps, BOB, IMAGE)

    with pytest.raises(NotAllowed):
        await image_requests.decline(deps, BOB, request.id, "no")
    with pytest.raises(InvalidInput):
        await image_requests.decline(deps, ALICE, request.id, "  ")
    declined = await image_requests.decline(deps, ALICE, request.id, "use the mirror")
    with pytest.raises(Conflict):
        await image_requests.decline(deps, ALICE, request.id, "again")
    with pytest.raises(NotFound):
        await image_requests.view(deps, MALLORY.team_id, request.id)

    assert (declined.state, declined.reason) == ("declined", "use the mirror")
    again = await image_requests.ask(deps, BOB, IMAGE)
    assert again.id != request.id


async def test_a_request_is_allowed_until_a_time(deps: Deps) -> None:
    """It is an exemption then, told by the request's own message."""
    await channel(deps)
    request = await image_requests.ask(deps, BOB, IMAGE)
    wanted = Wanted(request.repository, NOW + timedelta(days=3), "trial")

    exempted = await image_requests.exempt(deps, ALICE, request.id, wanted)

    assert (exempted.state, exempted.until) == ("exempted", wanted.until)
    assert (await gate.policy(deps, "T1")).decide(IMAGE, now=NOW).allowed
    assert await letters(deps, what="exemption_announced") == []


async def test_there_must_be_something_to_ask_and_somebody(deps: Deps) -> None:
    """What is allowed, cannot be read, or reaches nobody is said to who asks."""
    with pytest.raises(NotFound, match="alert channel"):
        await image_requests.ask(deps, Actor("T5", "UDAN"), IMAGE)
    await channel(deps)
    await add(deps, answers=generic("quay-acme", url="https://quay.io", path_scope="acme"))
    with pytest.raises(Conflict, match="nothing to ask"):
        await image_requests.ask(deps, BOB, IMAGE)
    with pytest.raises(InvalidReference):
        await image_requests.ask(deps, BOB, "https://quay.io/acme")
