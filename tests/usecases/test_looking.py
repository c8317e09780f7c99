"""Looking into a registry: whose credential is used, and when nobody is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.image import Reference
from bot.core.sight import Absence
from bot.errors import NotFound, Undecryptable, Unseen
from bot.usecases import looking
from bot.usecases.deps import Deps
from tests.factories import (
    BOB,
    MALLORY,
    ScriptedLooks,
    add,
    checker_of,
    clock_of,
    deps_on,
    generic,
    keyring,
    refused,
    stored,
)

IMAGE = Reference.parse("harbor-team.example.com/web:2")


async def unseen(deps: Deps, looks: ScriptedLooks, image: Reference = IMAGE) -> Unseen:
    with pytest.raises(Unseen) as caught:
        await looking.see_image(deps, looks, BOB, "harbor-team", image)
    return caught.value


async def test_whoever_reads_looks_with_the_stored_credential(deps: Deps) -> None:
    """Of their own workspace's registries only."""
    looks = ScriptedLooks()
    await add(deps)

    facts = await looking.see_image(deps, looks, BOB, "harbor-team", IMAGE)

    assert facts == looks.facts
    ((config, image),) = looks.asked
    assert config.secrets["password"].reveal() == "correct horse"
    assert image == IMAGE
    with pytest.raises(NotFound):
        await looking.see_image(deps, looks, MALLORY, "harbor-team", IMAGE)


async def test_an_image_of_another_place_is_not_asked_for(deps: Deps) -> None:
    """The credential is good at the registry's own host, and goes nowhere else."""
    looks = ScriptedLooks()
    await add(deps, answers=generic(also_at="cache.example.com/team"))

    found = await unseen(deps, looks, Reference.parse("cache.example.com/team/web:2"))

    assert found.why is Absence.NOT_ASKED
    assert "pulled from cache.example.com" in str(found)
    assert looks.asked == []


async def test_a_refused_credential_is_not_tried_by_a_look(deps: Deps) -> None:
    """Curiosity must not lock an account."""
    looks = ScriptedLooks()
    checker_of(deps).answers[:] = [refused()]
    await stored(deps)

    assert (await unseen(deps, looks)).why is Absence.REFUSED
    assert looks.asked == []


async def test_looks_that_fail_count_towards_the_lock_out(deps: Deps) -> None:
    """After five failed sign-ins in ten minutes nobody is asked until they are over."""
    looks = ScriptedLooks()
    looks.facts = Unseen(Absence.REFUSED, "It was refused.", failed_sign_in=True)
    await add(deps)

    found = [await unseen(deps, looks) for _ in range(6)]

    assert [one.why for one in found] == [Absence.REFUSED] * 5 + [Absence.LIMITED]
    assert len(looks.asked) == 5
    clock_of(deps).skip(timedelta(minutes=11))
    assert (await unseen(deps, looks)).why is Absence.REFUSED


async def test_a_credential_that_cannot_be_opened_is_said_to_be_that(
    deps: Deps, database_url: str
) -> None:
    """With another key the registry is not asked at all."""
    await add(deps)
    other = deps_on(database_url, clock_of(deps), keyring())

    looks = ScriptedLooks()
    found = await unseen(other, looks)
    await other.store.close()

    assert found.why is Absence.NOT_ASKED
    assert not isinstance(found, Undecryptable)
    assert "put the credential in again" in found.remedy
    assert looks.asked == []
