"""A fleet of registries, written straight into the tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sqlmodel import insert, text

from bot.core.secret import Secret
from bot.store import workspaces
from bot.store.cipher import Keyring
from bot.store.credentials import sealed
from bot.store.engine import Store
from bot.store.schema import CURRENT, LIVE, Credential, Registry
from tests.factories import proven

RING: Final = Keyring.parse(Secret("k1:" + "A" * 43 + "="))
LAST_TIME: Final = proven()
_CHUNK: Final = 2000


def host_of(number: int, hosts: int) -> str:
    return f"r{number % hosts:03}.example.com"


def user_of(number: int) -> str:
    return f"user{number}"


async def fill(
    store: Store, count: int, due: Callable[[str], datetime], *, hosts: int = 200, teams: int = 10
) -> None:
    """`count` registries with a password each, due as `due` says by id.

    All were proven by their last check as they will be by the next, as nearly all are in life.
    """
    now = datetime.now(UTC)
    for number in range(teams):
        async with store.transaction() as session:
            await workspaces.ensure(session, f"T{number}", now)
            statement = text("UPDATE workspace SET recheck_minutes = 5")
            await (await session.connection()).execute(statement)
    for begin in range(0, count, _CHUNK):
        numbers = range(begin, min(count, begin + _CHUNK))
        rows = [_registry(number, hosts, teams, due, now) for number in numbers]
        secrets = [_credential(row, number, now) for row, number in zip(rows, numbers, strict=True)]
        async with store.transaction() as session:
            connection = await session.connection()
            await connection.execute(insert(Registry), rows)
            await connection.execute(insert(Credential), secrets)
    if store.engine.dialect.name != "sqlite":  # its own housekeeping does so within a minute
        async with store.transaction() as session:
            await (await session.connection()).execute(text("ANALYZE"))


def _registry(
    number: int, hosts: int, teams: int, due: Callable[[str], datetime], now: datetime
) -> dict[str, Any]:
    host, user, registry_id = host_of(number, hosts), user_of(number), f"registry-{number:06}"
    return _row(
        Registry(
            id=registry_id,
            team_id=f"T{number % teams}",
            state=LIVE,
            name=f"r-{number}",
            kind="generic",
            variant="account",
            url=f"https://{host}",
            host=host,
            login=user,
            values_json=f'{{"username": "{user}"}}',
            created_at=now,
            created_by="UALICE",
            updated_at=now,
            updated_by="UALICE",
            verdict="proven",
            sentence=LAST_TIME.sentence,
            remedy=LAST_TIME.remedy,
            checked_at=now,
            next_check_at=due(registry_id),
        )
    )


def _credential(row: dict[str, Any], number: int, now: datetime) -> dict[str, Any]:
    credential = Credential(
        id=f"credential-{number:06}",
        team_id=row["team_id"],
        registry_id=row["id"],
        state=CURRENT,
        login=row["login"],
        shown_login=row["login"],
        proven=True,
        stored_at=now,
        stored_by="UALICE",
    )
    secrets = {"password": Secret(f"password-of-{row['login']}")}
    return _row(sealed(credential, secrets, RING))


def _row(instance: Registry | Credential) -> dict[str, Any]:
    return instance.model_dump()
