"""Dying at every moment of a rotation at each practice provider, by the provider's own code.

Each death is lived to the end, or until all stands as it stood in the life without a death.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from bot.core.auto_rotation import Step
from bot.kinds.net import AllowList
from bot.kinds.service_account import ServiceAccountKey, _private_key
from bot.store import rotation_runs
from bot.usecases import rotation_orphans, rotations
from bot.usecases.deps import Deps
from tests.factories import ALICE, ScriptedChecker
from tests.usecases.at_providers import PLACES, Scene, scene
from tests.usecases.deaths import AtAVendor, Lives, Moment
from tests.usecases.test_auto_rotation import begun, run, state
from tests.usecases.test_rotating_at_providers import in_force

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NAMES = [*(name for name in PLACES if name != "public ecr"), "harbor", "quay", "azure"]
IN_PLACE = {"gitlab token", "harbor", "quay"}
ROOM = [name for name in PLACES if name not in {"ecr", "public ecr", "gitlab token"}]


@pytest.fixture(autouse=True)
def keys_of_google_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading one takes longer than all else that a check of Google does."""
    monkeypatch.setattr(f"{ServiceAccountKey.__module__}._private_key", cache(_private_key))


@asynccontextmanager
async def lives_at(folder: Path, name: str) -> AsyncIterator[tuple[Lives, Scene]]:
    """A registry at a provider where somebody else has a credential too, if there is room."""
    lives = Lives(folder)
    deps = Deps(lives.store, ScriptedChecker(lives.clock), lives.clock, AllowList.parse(""))
    try:
        async with scene(deps, name) as at:
            if name in ROOM:
                make(lives, at, "theirs")
            yield lives, at
    finally:
        await lives.store.close()


def make(lives: Lives, at: Scene, label: str) -> None:
    """A person makes a credential at the provider; it is nobody's business here."""
    number = len(at.keys)
    held = at.keys.add(
        another(at.old_handle, number), f"a secret of person {number}", login="them", label=label
    )
    lives.theirs.add(held.secret)


def another(handle: str, number: int) -> str:
    """A handle of the same shape."""
    return f"{handle[:-2]}{number:02d}" if len(handle) > 2 else f"{900 + number}"


async def lived(at: Scene, lives: Lives, moments: list[Moment], number: int) -> bool:
    """Another process goes on from a moment, with nothing in its memory; True when it met."""
    met = lives.met(moments, number)
    deps = replace(at.deps, checker=at.lab.checker())
    await run(deps, at.lab.rotators(), 5 * DAY, met)
    return met()


async def told_of(at: Scene, rotation: str) -> str:
    """All that Registrar knows of what it left behind."""
    async with at.deps.store.reading() as session:
        lines = await rotation_runs.journal(session, rotation)
    found = await rotation_orphans.find(at.deps, at.rotators, ALICE)
    why = (await rotations.view(at.deps, "T1", rotation)).state.why
    return " ".join([why, *(f"{one.handle} {one.detail}" for one in lines), str(found)])


@pytest.mark.parametrize("name", NAMES)
async def test_dying_anywhere_leaves_one_known_credential(tmp_path: Path, name: str) -> None:
    """At every moment one that works is known, in the end it is the only one, and no other went.

    GitLab tells the secret of a token that replaced another only once: if the process dies before
    it has stored that, it ends as lost, and a person hears of it.
    """
    async with lives_at(tmp_path, name) as (lives, at):
        rotation = await begun(at.deps, at.rotators, "target")
        lives.begin(AtAVendor(at.lab, at.keys), at.old)
        await run(at.deps, at.rotators, 5 * DAY)
        moments, lost = lives.moments, []
        blind = [number for number, one in enumerate(moments) if not one.known]
        for number, moment in enumerate(moments):
            await lives.back_to(moment)
            met = await lived(at, lives, moments, number)
            step = (await state(at.deps, rotation))[1]
            if step is Step.LOST:
                lost.append(number)
                assert "end the one" in await told_of(at, rotation)
                continue
            assert met or step is Step.OVER, (number, step)
            if number not in blind:  # what Quay made can be read again after such a death
                assert sum(not one.known for one in lives.moments) <= len(blind), number
            if name not in IN_PLACE:
                assert all(one.in_force for one in lives.moments), number
            left = {one.secret for one in at.keys} - lives.theirs - {await in_force(at)}
            assert not left or met or name == "docker hub", number
            assert lives.theirs <= {one.secret for one in at.keys}, number

    assert lives.passed > 2 * len(moments)
    assert bool(blind) == (name in {"gitlab token", "quay"})
    assert lost == (blind if name == "gitlab token" else [])


@pytest.mark.parametrize("name", ["public ecr", "google"])
async def test_what_a_person_makes_meanwhile_is_not_taken_for_ours(
    tmp_path: Path, name: str
) -> None:
    """Keys that bear no label: one that was made an hour after the death is somebody's."""
    async with lives_at(tmp_path, name) as (lives, at):
        before = len(at.keys)
        rotation = await begun(at.deps, at.rotators, "target")
        lives.begin(AtAVendor(at.lab, at.keys), at.old)
        await run(at.deps, at.rotators, MINUTE, lambda: len(at.keys) > before)
        moments = lives.moments
        assert (await state(at.deps, rotation))[1] is Step.PROVE
        for number, moment in enumerate(moments):
            await lives.back_to(moment)
            lives.clock.skip(HOUR)
            full = name == "public ecr" and len(at.keys) == 2
            if not full:
                make(lives, at, "")
            await lived(at, lives, moments, number)

            assert full or lives.theirs <= {one.secret for one in at.keys}, number
            assert lives.moments[-1].in_force
