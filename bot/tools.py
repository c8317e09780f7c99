"""What the use cases work with, wired from settings; Slack and the web are wired in `bootstrap`.

The verbs of a terminal need no more, and do not wait for Slack's libraries to load.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.core.clock import Clock, SystemClock
from bot.errors import SettingsError
from bot.kinds.aws import AwsGateway, AwsIdentity
from bot.kinds.budgets import Budgets
from bot.kinds.checker import Checker
from bot.kinds.looker import Looker
from bot.kinds.memory import Memory
from bot.kinds.net import AllowList, Egress, Resolver
from bot.kinds.paced import PacedChecker
from bot.kinds.pacing import Limits, Pacer
from bot.kinds.pull_login import PullLogins
from bot.kinds.rotation.gateway import Rotators
from bot.references.wiring import wired
from bot.settings import MAKE_A_KEY, Settings
from bot.slack.tempo import APART
from bot.store.cipher import Keyring
from bot.store.engine import open_store
from bot.store.migrate import migrate, pending
from bot.usecases.deps import Checks, Deps
from bot.usecases.minting import Mint


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What differs between the real world and the sandbox or a test; all of it optional."""

    clock: Clock = field(default_factory=SystemClock)
    resolver: Resolver | None = None
    ca_file: Path | None = None
    aws_endpoint: Callable[[str, str], str | None] = lambda _service, _region: None
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """What references to the environment find."""
    post_seconds: float = APART
    """Seconds between two posts to one channel."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the use cases need, and what only the clock's tasks need besides.

    `deps` is for people, whose tests wait for no pace; `paced` is for the schedule.
    """

    deps: Deps
    paced: Deps
    egress: Egress
    looker: Looker
    mint: Mint
    rotators: Rotators


def _as_it_is(checker: Checks) -> Checks:
    return checker


@asynccontextmanager
async def open_deps(settings: Settings, around: Surroundings | None = None) -> AsyncIterator[Deps]:
    """Everything the use cases need, closed at the end; migrates an SQLite file first."""
    async with open_tools(settings, around) as tools:
        yield tools.deps


@asynccontextmanager
async def open_tools(
    settings: Settings,
    around: Surroundings | None = None,
    counting: Callable[[Checks], Checks] = _as_it_is,
) -> AsyncIterator[Tools]:
    """The same with the schedule's own; `counting` is put around what checks."""
    around = around or Surroundings()
    keyring = _keyring(settings)
    await _migrate_if_sqlite(settings)
    allow = AllowList.parse(settings.egress_allow)
    async with contextlib.AsyncExitStack() as stack:
        store = open_store(settings.database_url, keyring, around.clock)
        stack.push_async_callback(store.close)
        egress = Egress(
            allow=allow,
            ca_file=around.ca_file or settings.egress_ca_file,
            resolver=around.resolver,
        )
        stack.push_async_callback(egress.close)
        aws = AwsGateway(identity=_aws_identity(settings), endpoint=around.aws_endpoint)
        stack.callback(aws.close)
        checker = counting(Checker(egress=egress, aws=aws, clock=around.clock))
        pacer = Pacer(
            Limits(
                total=settings.checks_at_once,
                per_host=settings.checks_per_host,
                budgets=Budgets.parse(settings.check_paces),
            ),
            around.clock,
        )
        by_person = PacedChecker(checker, pacer, around.clock, by_person=True)
        names = {name.upper() for name in Settings.model_fields}
        following = wired(
            settings.secret_references,
            around.variables,
            names,
            settings.database_url,
            around.clock,
            around.aws_endpoint,
        )
        references = stack.enter_context(following)
        deps = Deps(store, by_person, around.clock, allow, references)
        paced = replace(deps, checker=PacedChecker(checker, pacer, around.clock))
        logins = PullLogins(egress=egress, aws=aws, clock=around.clock)
        looker = Looker(egress=egress, aws=aws, clock=around.clock, pacer=pacer)
        rotators = Rotators(egress, aws, around.clock, Memory(around.clock))
        yield Tools(deps, paced, egress, looker, Mint(deps, logins), rotators)


def _keyring(settings: Settings) -> Keyring:
    if settings.encryption_keys is None:
        raise SettingsError(
            f"ENCRYPTION_KEYS is not set. Make a key with `{MAKE_A_KEY}` and keep it apart from "
            "the database: without it the stored credentials cannot be read."
        )
    return Keyring.parse(settings.encryption_keys)


def _aws_identity(settings: Settings) -> AwsIdentity | None:
    key, secret = settings.aws_identity_access_key_id, settings.aws_identity_secret_access_key
    if bool(key) != (secret is not None):
        raise SettingsError(
            "Set both AWS_IDENTITY_ACCESS_KEY_ID and AWS_IDENTITY_SECRET_ACCESS_KEY, or neither."
        )
    return AwsIdentity(key, secret) if secret is not None else None


async def _migrate_if_sqlite(settings: Settings) -> None:
    """SQLite has one process, so it migrates itself; PostgreSQL is migrated by the release step."""
    if settings.database_url.startswith("sqlite"):
        await migrate(settings.database_url)
    elif await pending(settings.database_url):
        raise SettingsError("The database is not migrated; run `registrar migrate` first.")
