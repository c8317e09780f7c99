"""A provider that gives short-lived logins as told, and registries that want them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NoLogin
from bot.kinds.pull_login import PullLogin, is_short_lived
from bot.store import minted, registries
from bot.store.schema import MintedLogin
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from bot.usecases.minting import Mint
from tests.factories import clock_of

HOUR = timedelta(hours=1)
AWAY = "AWS could not be reached; the credential was not judged."


@dataclass
class Provider:
    """Gives a numbered password that lasts `lasts`, or nothing while it is `away`."""

    deps: Deps
    lasts: timedelta = 12 * HOUR
    away: bool = False
    given: int = 0
    asked: list[str] = field(default_factory=list)

    async def of(self, config: Config) -> PullLogin | None:
        if not is_short_lived(config.kind):
            return PullLogin(config.values["username"], config.secrets["password"])
        self.asked.append(config.host)
        await asyncio.sleep(0)
        if self.away:
            raise NoLogin(AWAY)
        self.given += 1
        password = Secret(f"minted-password-{self.given}")
        return PullLogin("AWS", password, clock_of(self.deps).now() + self.lasts)


def ecr(name: str = "ecr", key: str = "AKIAIOSFODNN7EXAMPLE", **changes: str) -> Answers:
    """Answers of an ECR registry."""
    public = {
        "url": f"https://{changes.pop('account', '123456789012')}.dkr.ecr.eu-west-1.amazonaws.com",
        "region": "eu-west-1",
        "access_key_id": key,
        "path_scope": "",
        "test_image": "",
        "name": name,
        "description": "",
        "environment": "any",
        "owner": "",
        "rotate_days": "90",
        **changes,
    }
    secret = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    return Answers("ecr", "access_keys", public, {"secret_access_key": secret})


async def row(deps: Deps) -> MintedLogin | None:
    """The only minted login."""
    async with deps.store.reading() as session:
        found = await minted.of_team(session, "T1")
    return next(iter(found.values()), None)


async def wanted(deps: Deps, mint: Mint, name: str = "ecr") -> PullLogin | None:
    """What somebody who wants the login of a registry is given."""
    async with deps.store.reading() as session:
        now: datetime = await deps.store.now(session)
        stored = await registries.live(session, "T1", name)
        held = await minted.of_team(session, "T1")
    assert stored is not None
    return await mint.login(stored, held.get(stored.registry.id), now)


async def asked(deps: Deps) -> None:
    """A cluster wants all that there are."""
    async with deps.store.transaction() as session:
        found = await minted.of_team(session, "T1")
        await minted.note_asked(session, list(found), await deps.store.now(session))
