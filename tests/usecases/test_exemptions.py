"""Images that may run for a while although no registry covers them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.access import Actor
from bot.errors import Conflict, InvalidInput, NotAllowed, NotFound
from bot.usecases import exemptions, gate
from bot.usecases.deps import Deps
from bot.usecases.exemptions import Wanted
from tests.factories import ALICE, MALLORY, NOW, add, clock_of, generic
from tests.usecases.watching import channel, letters

WEEK = timedelta(days=7)
WANTED = Wanted("quay.io/tool/one:1.2", NOW + WEEK, "load test", "OPS-7")
DIGEST = "sha256:" + "c" * 64


async def test_an_exemption_allows_its_repository_until_its_time(deps: Deps) -> None:
    """In its own workspace; with a digest only that image."""
    await channel(deps)
    made = await exemptions.exempt(deps, ALICE, WANTED)
    await exemptions.exempt(deps, ALICE, replace(WANTED, image=f"quay.io/tool/two:9@{DIGEST}"))

    policy = await gate.policy(deps, ALICE.team_id)
    assert made.image == "quay.io/tool/one"
    assert policy.decide("quay.io/tool/one:7", now=NOW).allowed
    assert policy.decide(f"quay.io/tool/two@{DIGEST}", now=NOW).allowed
    assert not policy.decide("quay.io/tool/two:9", now=NOW).allowed
    assert (await gate.policy(deps, MALLORY.team_id)).exemptions == ()

    clock_of(deps).skip(WEEK)
    assert (await gate.policy(deps, ALICE.team_id)).exemptions == ()


async def test_it_is_announced_reminded_and_its_end_is_told(deps: Deps) -> None:
    """A day ahead, each once, on every replica."""
    await channel(deps)
    await exemptions.exempt(deps, ALICE, WANTED)

    for _ in range(9 * 24):
        clock_of(deps).skip(timedelta(hours=1))
        await exemptions.tick_exemptions(deps)
        await exemptions.tick_exemptions(deps)

    kinds = ("exemption_announced", "exemption_lapsing", "exemption_lapsed")
    told = [row for what in kinds for row in await letters(deps, what=what)]
    assert [row.what for row in told] == list(kinds)
    assert told[1].created_at - told[0].created_at == WEEK - timedelta(days=1)
    assert {row.channel for row in told} == {"CALERTS"}


async def test_one_that_was_ended_says_no_more(deps: Deps) -> None:
    """It ends at once, and cannot be ended twice."""
    await channel(deps)
    made = await exemptions.exempt(deps, ALICE, WANTED)

    await exemptions.end(deps, ALICE, made.id)

    assert (await gate.policy(deps, ALICE.team_id)).exemptions == ()
    assert await exemptions.in_force(deps, ALICE) == []
    clock_of(deps).skip(2 * WEEK)
    assert await exemptions.tick_exemptions(deps) == 0
    with pytest.raises(Conflict):
        await exemptions.end(deps, ALICE, made.id)
    with pytest.raises(NotFound):
        await exemptions.end(deps, MALLORY, made.id)


async def test_every_fault_of_the_form_is_said_at_once(deps: Deps) -> None:
    """By its field."""
    await channel(deps)
    with pytest.raises(InvalidInput) as caught:
        await exemptions.exempt(deps, ALICE, Wanted("quay.io/*", NOW, " "))

    assert set(caught.value.fields) == {"image", "until", "reason"}


async def test_only_managers_exempt_and_only_what_needs_it(deps: Deps) -> None:
    """An image that a registry covers needs none."""
    await channel(deps)
    await add(deps, answers=generic("quay", url="https://quay.io", path_scope="tool"))

    with pytest.raises(NotAllowed):
        await exemptions.exempt(deps, Actor("T1", "UBOB"), WANTED)
    with pytest.raises(Conflict, match="belongs to quay"):
        await exemptions.exempt(deps, ALICE, WANTED)
