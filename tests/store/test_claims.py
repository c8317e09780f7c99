"""Claims of due registries, and the answers written under them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlmodel import col, select, update

from bot.core.secret import Secret
from bot.store import answers, claims, workspaces
from bot.store.answers import Answer
from bot.store.cipher import Place
from bot.store.claims import Batch, Claimed
from bot.store.schema import Account, CheckRecord, Credential, Registry
from bot.usecases.deps import Deps
from tests.factories import NOW

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=60)


async def due(deps: Deps, team: str, *names: str, late: timedelta = SECOND, **changes: Any) -> None:
    """Live registries that are due, each `late` a little later than the one before."""
    ring = deps.store.keyring
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, team, NOW)
        connection = await session.connection()
        for number, name in enumerate(names):
            values = {
                "id": name,
                "team_id": team,
                "state": "live",
                "name": name,
                "kind": "generic",
                "variant": "account",
                "url": f"https://{name}.example.com",
                "host": f"{name}.example.com",
                "path_scope": name,
                "login": name,
                "created_at": NOW,
                "created_by": "U",
                "updated_at": NOW,
                "updated_by": "U",
                "next_check_at": NOW - late + number * timedelta(milliseconds=1),
            } | changes
            await connection.execute(insert(Registry).values(**values))
            place = Place(team, name, f"c-{name}")
            held = {
                "id": f"c-{name}",
                "team_id": team,
                "registry_id": name,
                "state": "current",
                "fingerprint": "f" + changes.get("login", name),
                "blob": ring.seal({"password": Secret("x")}, place),
                "stored_at": NOW,
                "stored_by": "U",
            }
            await connection.execute(insert(Credential).values(**held))


async def claim(deps: Deps, limit: int = 10, now: datetime = NOW, **more: Any) -> Batch:
    async with deps.store.transaction() as session:
        return await claims.claim(session, now, now + LEASE, limit, **more)


def ids(batch: Batch) -> list[str]:
    return [row.id for row in batch.rows]


async def test_the_longest_due_come_first(deps: Deps) -> None:
    """With everything that a check needs; what is not due stays."""
    await due(deps, "T1", "a", "b", "c")
    await due(deps, "T1", "later", late=-SECOND)

    batch = await claim(deps, 2)

    assert ids(batch) == ["a", "b"]
    assert batch.full
    row = batch.rows[0]
    assert (row.account, row.fence, row.attempts, row.shared) == (
        ("T1", "a.example.com", "a"),
        1,
        1,
        False,
    )
    assert deps.store.keyring.open(row.blob or b"", row.place)["password"] == Secret("x")
    assert row.due_at == NOW - SECOND


async def test_a_claim_holds_for_its_lease(deps: Deps) -> None:
    """Then the next worker has it, with a higher fence."""
    await due(deps, "T1", "a")
    await claim(deps)

    assert ids(await claim(deps, now=NOW + LEASE - SECOND)) == []
    (again,) = (await claim(deps, now=NOW + LEASE)).rows
    assert (again.fence, again.attempts) == (2, 2)


@pytest.mark.parametrize(("lost", "together"), [(0, 100), (1, 100), (2, 12), (3, 1), (4, 1)])
async def test_those_whose_claims_were_lost_are_set_apart(
    deps: Deps, lost: int, together: int
) -> None:
    """Two claims lost in a row may be one registry's fault: fewer and fewer share its fate."""
    names = [f"s{number:02d}" for number in range(20)]
    await due(deps, "T1", "innocent", late=2 * SECOND)
    await due(deps, "T1", *names, attempts=lost)

    batch = await claim(deps, 100)

    assert ids(batch) == (["innocent", *names] if lost < 2 else names[:together])
    assert batch.full is (lost >= 2)


async def test_suspects_wait_until_a_worker_has_nothing_else(deps: Deps) -> None:
    """What the worker holds would be lost with them; nor does it take more meanwhile."""
    await due(deps, "T1", "innocent", "mine")
    await due(deps, "T1", "suspect", attempts=3)

    held = await claim(deps, passed_over=["mine"])
    alone = await claim(deps)
    after = await claim(deps)

    assert ids(held) == []
    assert ids(alone) == ["suspect"]
    assert ids(after) == ["innocent", "mine"]


async def test_workers_at_once_share_what_is_due(deps: Deps) -> None:
    """Every row is claimed by exactly one of them."""
    await due(deps, "T1", *(f"r{number:02}" for number in range(60)))

    rounds = await asyncio.gather(*(claim(deps, 10) for _ in range(9)))
    rest = await claim(deps, 100)

    claimed = [name for batch in [*rounds, rest] for name in ids(batch)]
    assert len(claimed) == len(set(claimed)) == 60


async def test_a_small_workspace_is_not_starved(deps: Deps) -> None:
    """While one has a backlog, the others have their share of every batch."""
    await due(deps, "T1", *(f"big{number:02}" for number in range(50)), late=timedelta(hours=1))
    await due(deps, "T2", "small1", "small2")
    await due(deps, "T3", "tiny")

    batch = await claim(deps, 12)

    assert len(batch.rows) == 12
    assert {"small1", "small2", "tiny"} <= set(ids(batch))


async def test_without_a_backlog_everything_is_taken(deps: Deps) -> None:
    """And nothing more is waiting."""
    await due(deps, "T1", "a", "b")
    await due(deps, "T2", "c")

    batch = await claim(deps, 10)

    assert (sorted(ids(batch)), batch.full) == (["a", "b", "c"], False)


async def test_busy_hosts_wait(deps: Deps) -> None:
    """Hosts with enough in flight, rows in work here, and more than a host's share."""
    await due(deps, "T1", "a", "b", "c")
    await due(deps, "T1", "x1", "x2", "x3", host="one.example.com")

    batch = await claim(deps, busy_hosts=["a.example.com"], passed_over={"b"}, per_host=2)

    assert sorted(ids(batch)) == ["c", "x1", "x2"]


async def test_busy_hosts_wait_in_a_backlog_as_well(deps: Deps) -> None:
    """The fair shares are of the other hosts."""
    await due(deps, "T1", "a", "b", "c", "d")
    await due(deps, "T2", "e", "f")

    batch = await claim(deps, 3, busy_hosts=["a.example.com", "e.example.com"])

    assert len(batch.rows) == 3
    assert not {"a", "e"} & set(ids(batch))
    assert "f" in ids(batch)


SHARED: dict[str, Any] = {
    "host": "one.example.com",
    "url": "https://one.example.com",
    "login": "robot",
}


async def test_one_worker_at_a_time_signs_in_to_an_account(deps: Deps) -> None:
    """The registrations of an account go to one worker, together with those of the same secret."""
    await due(deps, "T1", "a", **SHARED)
    await due(deps, "T1", "b", late=-timedelta(minutes=5), **SHARED)

    first = await claim(deps)
    assert {row.id: row.due_at is not None for row in first.rows} == {"a": True, "b": False}
    (held,) = first.accounts
    assert held.account == ("T1", "one.example.com", "robot")

    await due(deps, "T1", "c", **SHARED)
    assert ids(await claim(deps)) == []

    async with deps.store.transaction() as session:
        await claims.release_accounts(session, first.accounts)
    assert ids(await claim(deps)) == ["c"]


async def test_a_suspect_whose_account_is_busy_stops_nobody(deps: Deps) -> None:
    """Another worker signs in to its account: meanwhile the others are taken."""
    await due(deps, "T1", "suspect", attempts=3, **SHARED)
    await due(deps, "T1", "other", late=-timedelta(minutes=5), **SHARED)
    await due(deps, "T1", "innocent", "mine")
    async with deps.store.transaction() as session:
        key = {"team_id": "T1", "host": SHARED["host"], "login": SHARED["login"]}
        busy = insert(Account).values(guard_json="{}", fence=1, busy_until=NOW + LEASE, **key)
        await (await session.connection()).execute(busy)

    batch = await claim(deps, passed_over=["mine"])

    assert ids(batch) == ["innocent"]


async def test_a_late_worker_does_not_release_an_account(deps: Deps) -> None:
    """Somebody else holds it by now."""
    await due(deps, "T1", "a", "b", **SHARED)
    late = await claim(deps)
    await claim(deps, now=NOW + LEASE)

    async with deps.store.transaction() as session:
        await claims.release_accounts(session, late.accounts)
        connection = await session.connection()
        busy = (await connection.execute(select(col(Account.busy_until)))).scalar_one()

    assert busy is not None


async def test_an_account_that_is_back_is_due(deps: Deps) -> None:
    """Its registries, and no others."""
    await due(deps, "T1", "a", "b", late=-timedelta(hours=1), **SHARED)
    await due(deps, "T1", "other", late=-timedelta(hours=1))

    async with deps.store.transaction() as session:
        await claims.hasten(session, ("T1", "one.example.com", "robot"), NOW)

    assert sorted(ids(await claim(deps))) == ["a", "b"]


async def test_the_age_of_the_queue_is_known(deps: Deps) -> None:
    """Since when the longest due one waits; claimed ones wait no more."""
    async with deps.store.reading() as session:
        assert await claims.oldest_due(session, NOW) is None
    await due(deps, "T1", "a", "b", late=timedelta(minutes=3))
    async with deps.store.reading() as session:
        assert await claims.oldest_due(session, NOW) == NOW - timedelta(minutes=3)
    await claim(deps)
    async with deps.store.reading() as session:
        assert await claims.oldest_due(session, NOW) is None


def answer(row: Claimed, **columns: Any) -> Answer:
    record = {
        "team_id": row.team_id,
        "registry_id": row.id,
        "credential_id": row.credential_id,
        "at": NOW,
        "took": 0.25,
        "verdict": "proven",
        "level": 2,
        "stage": "login",
        "cause": None,
        "sentence": "Signed in – “fine”.",
        "remedy": "",
        "explicit": False,
        "identity": "",
        "trigger": "schedule",
        "by": "",
        "stages_json": "[]",
        "evidence_json": "[]",
    }
    values = {"verdict": "proven", "cause": None, "checked_at": NOW, "attempts": 0, **columns}
    return Answer(row.id, row.fence, values, record)


async def test_answers_are_written_in_a_batch(deps: Deps) -> None:
    """The rows are free again and due later; the checks are recorded with all their values."""
    await due(deps, "T1", "a", "b")
    batch = await claim(deps)
    later = NOW + timedelta(minutes=54, microseconds=1)

    async with deps.store.transaction() as session:
        given = [answer(row, next_check_at=later) for row in batch.rows]
        assert await answers.still_held(session, given) == {"a", "b"}
        await answers.write(session, given)

    async with deps.store.reading() as session:
        rows = (await session.exec(select(Registry))).all()
        checks = (await session.exec(select(CheckRecord))).all()
    assert [(row.next_check_at, row.lease_until, row.attempts) for row in rows] == [
        (later, None, 0),
        (later, None, 0),
    ]
    assert [(one.registry_id, one.at, one.took, one.explicit) for one in checks] == [
        ("a", NOW, 0.25, False),
        ("b", NOW, 0.25, False),
    ]
    assert checks[0].sentence == "Signed in – “fine”."


@pytest.mark.parametrize("change", [{"fence": 7}, {"state": "deleted"}])
async def test_a_claim_that_was_lost_is_noticed(deps: Deps, change: dict[str, Any]) -> None:
    """Taken over by another worker, or deleted by a person."""
    await due(deps, "T1", "a", "b")
    batch = await claim(deps)
    async with deps.store.transaction() as session:
        await session.exec(update(Registry).where(col(Registry.id) == "a").values(**change))

    async with deps.store.transaction() as session:
        held = await answers.still_held(session, [answer(row) for row in batch.rows])

    assert held == {"b"}


async def test_nothing_to_write_writes_nothing(deps: Deps) -> None:
    """An empty batch is no statement."""
    async with deps.store.transaction() as session:
        await answers.write(session, [])


async def test_an_answer_without_a_check_leaves_no_record(deps: Deps) -> None:
    """What was put off was not checked."""
    await due(deps, "T1", "a")
    (row,) = (await claim(deps)).rows

    async with deps.store.transaction() as session:
        await answers.write(session, [replace(answer(row), record=None)])
        connection = await session.connection()
        assert (await connection.execute(select(col(CheckRecord.id)))).all() == []
