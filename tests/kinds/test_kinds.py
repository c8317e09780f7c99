"""What holds for all kinds: their data, their order, and values that must not leak."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from bot.core.clock import FixedClock
from bot.core.secret import Secret
from bot.kinds.distribution import Login, TokenAnswer, claims_of
from bot.kinds.github_enterprise import addresses
from bot.kinds.memory import Memory
from bot.kinds.registry_kinds import KINDS
from tests.kinds.checks import NOON

FIELDS = [field for kind in KINDS.values() for variant in kind.variants for field in variant.fields]


def test_kinds_are_in_the_order_of_the_menu() -> None:
    """The form's menu and the documentation list them so."""
    assert list(KINDS) == [
        "ecr",
        "gcp_artifact_registry",
        "scaleway",
        "docker_hub",
        "ghcr",
        "github_enterprise",
        "gitlab",
        "public_ecr",
        "generic",
    ]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_kind_describes_its_form(kind: object) -> None:
    """Field names are unique within a way to sign in, and slugs are plain words."""
    for variant in kind.variants:  # type: ignore[attr-defined]
        names = [field.name for field in variant.fields]
        assert len(names) == len(set(names))
        assert re.fullmatch(r"[a-z_]+", variant.slug)


def test_secrets_are_marked() -> None:
    """A field that is not marked would be sent back to Slack."""
    secret = {field.name for field in FIELDS if field.secret}

    assert secret == {
        "secret_access_key",
        "session_token",
        "service_account_json",
        "secret_key",
        "password",
        "token",
    }


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("containers.acme.ghe.com", "https://api.acme.ghe.com"),
        ("containers.github.acme.example", "https://github.acme.example/api/v3"),
        ("containers.a.b.ghe.com", "https://a.b.ghe.com/api/v3"),
    ],
)
def test_api_belongs_to_the_container_host(host: str, api: str) -> None:
    """A token must only be shown to the GitHub that the registry belongs to."""
    assert addresses(host)[0] == api


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.!!!.c", "a.W10.c", "x" * 1000])
def test_odd_token_has_no_claims(token: str) -> None:
    """Tokens may be opaque; looking into them never fails."""
    assert claims_of(token) == {}


def test_dropped_action_is_seen_in_the_token() -> None:
    """A token service must not refuse a partial grant, so the grant itself is compared."""
    access = [{"type": "repository", "name": "a/b", "actions": ["push"]}, "odd", {"name": "a/b"}]

    assert not TokenAnswer(200, claims={"access": access}).grants("a/b", "pull")
    assert TokenAnswer(200, claims={"access": access}).grants("a/b", "push")
    assert TokenAnswer(200, claims={}).grants("a/b", "pull")


def test_values_that_hold_secrets_do_not_print_them() -> None:
    """Their text turns up in no log, trace or failed comparison."""
    login = Login("alice", Secret("the-secret-of-alice"))
    answer = TokenAnswer(200, token=Secret("the-token-of-alice"), claims={"sub": "alice-claim"})

    assert "the-secret" not in repr(login)
    assert "the-token" not in repr(answer)
    assert "alice-claim" not in repr(answer)


async def test_memory_asks_once_and_again_when_it_is_old() -> None:
    """However many wait for the answer."""
    clock = FixedClock(NOON)
    memory, asked = Memory(clock), 0

    async def question() -> bool:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return True

    async def ask() -> bool:
        return await memory.ask("key", question, lambda _answer: timedelta(hours=1))

    await asyncio.gather(*(ask() for _ in range(10)))
    assert asked == 1
    clock.skip(timedelta(hours=1))
    await ask()

    assert asked == 2


async def test_memory_keeps_no_failure() -> None:
    """What could not be asked is asked again next time."""
    memory = Memory(FixedClock(NOON))

    async def fails() -> bool:
        raise ConnectionError

    async def works() -> bool:
        return False

    with pytest.raises(ConnectionError):
        await memory.ask("key", fails, lambda _answer: timedelta(hours=1))

    assert await memory.ask("key", works, lambda _answer: timedelta(hours=1)) is False
