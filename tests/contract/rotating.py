"""A rotation from beginning to end with real parts: engine, database, egress, practice registries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.memory import Memory
from bot.kinds.rotation.base import Errand
from bot.kinds.rotation.gateway import Rotators
from bot.kinds.visit import Visit
from bot.sandbox.practice.ask import Answer, Ask, as_html
from bot.sandbox.practice.listener import Site
from bot.usecases import rotation_policies, rotations
from bot.usecases.deps import Deps
from bot.usecases.rotation_policies import Wanted
from tests.contract.lab import Lab, open_lab
from tests.factories import ALICE, add, clock_of, deps_on, generic

NAME = "team"


@dataclass(frozen=True, slots=True)
class World:
    """One workspace with one registry, whose provider is a practice registry."""

    lab: Lab
    deps: Deps
    rotators: Rotators

    async def save(self, url: str, username: str, secret: str) -> None:
        """The registry, proven by the real check and saved."""
        await add(self.deps, answers=generic(NAME, url=url, username=username, password=secret))

    async def give(self, access: dict[str, str], version: int = 0) -> None:
        """What the credential is rotated with."""
        secrets = {name: Secret(text) for name, text in access.items()}
        wanted = Wanted(enabled=True, at_age_days=3650)
        await rotation_policies.change(
            self.deps, self.rotators, ALICE, NAME, version, wanted, secrets
        )

    async def why(self, rotation: str) -> str:
        return (await rotations.view(self.deps, "T1", rotation)).state.why


@asynccontextmanager
async def open_world(database_url: str) -> AsyncIterator[World]:
    deps = deps_on(database_url)
    async with open_lab(clock_of(deps)) as lab:
        yield World(lab, replace(deps, checker=lab.checker()), lab.rotators())
    await deps.store.close()


def errand(lab: Lab, config: Config, access: dict[str, str] | None = None) -> Errand:
    """One errand with a credential, as the gateway sends it."""
    visit = Visit(
        config=config, egress=lab.egress, aws=lab.aws, clock=lab.clock, memory=Memory(lab.clock)
    )
    return Errand(visit, {name: Secret(text) for name, text in (access or {}).items()})


def deaf(site: Site, to: str, times: int = 1) -> Site:
    """Does what is asked, and answers the first requests of the method `to` with an error."""
    left = [times]

    def answer(ask: Ask) -> Answer:
        found = site(ask)
        if ask.method == to and left[0]:
            left[0] -= 1
            return as_html(502, "502 Bad Gateway")
        return found

    return answer


def unheard(site: Site, to: str, times: int = 1) -> Site:
    """Loses the first requests of the method `to`: nothing is done, and an error is answered."""
    left = [times]

    def answer(ask: Ask) -> Answer:
        if ask.method == to and left[0]:
            left[0] -= 1
            return as_html(502, "502 Bad Gateway")
        return site(ask)

    return answer
