"""The tokens that clusters sign in with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from bot.core.secret import Secret
from bot.errors import BadToken, NotFound
from bot.store import clusters as rows
from bot.store.engine import open_store
from bot.store.schema import ClusterToken
from bot.usecases.cluster_tokens import authenticate, digest_of, identify, new_token
from bot.usecases.deps import Deps
from tests.factories import NOW, clock_of, cluster, deps_on

NOBODY = "0" * 32


async def test_a_cluster_signs_in_with_its_token(deps: Deps) -> None:
    """And is known by its id alone where nobody can sign in."""
    issued = await cluster(deps)

    found = await authenticate(deps, issued.cluster.id, issued.token)

    assert found == issued.cluster
    assert await identify(deps, issued.cluster.id) == found


async def test_the_token_itself_is_kept_nowhere(deps: Deps) -> None:
    """Only what it is recognised by."""
    issued = await cluster(deps)

    async with deps.store.reading() as session:
        [kept] = (await session.exec(select(ClusterToken))).all()
    assert kept.digest == digest_of(issued.token)
    assert issued.token.reveal() not in kept.model_dump_json()


async def test_every_refusal_is_the_same(deps: Deps) -> None:
    """Unknown, another's, ended, dropped or misshapen: nobody learns which clusters there are."""
    issued, other = await cluster(deps), await cluster(deps, "prod-us")
    ended = await cluster(deps, "ended")
    gone = await cluster(deps, "gone")
    async with deps.store.transaction() as session:
        await rows.end_tokens(session, ended.cluster.id, NOW)
        await rows.change(session, gone.cluster.id, {"deleted_at": NOW})

    tries = [
        (NOBODY, issued.token),
        (other.cluster.id, issued.token),
        (issued.cluster.id, new_token()),
        (ended.cluster.id, ended.token),
        (gone.cluster.id, gone.token),
        (issued.cluster.id.upper(), issued.token),
        ("a\x00" * 16, issued.token),
        ("\ud800", issued.token),
        ("x" * 100_000, issued.token),
        (issued.cluster.id, Secret("")),
        (issued.cluster.id, Secret("\udcff" * 20)),
        (issued.cluster.id, Secret(issued.token.reveal() + "\n")),
    ]
    said = set()
    for cluster_id, token in tries:
        with pytest.raises(BadToken) as caught:
            await authenticate(deps, cluster_id, token)
        said.add(str(caught.value))

    assert len(said) == 1


async def test_a_token_is_good_until_its_end(deps: Deps) -> None:
    """To the second."""
    issued = await cluster(deps)
    async with deps.store.transaction() as session:
        await rows.end_tokens(session, issued.cluster.id, NOW + timedelta(hours=24))

    clock_of(deps).skip(timedelta(hours=24, seconds=-1))
    await _signs_in(deps, issued.cluster.id, issued.token)
    clock_of(deps).skip(timedelta(seconds=1))
    with pytest.raises(BadToken):
        await authenticate(deps, issued.cluster.id, issued.token)


async def test_use_is_noted_once_a_minute(deps: Deps) -> None:
    """A cluster that asks a thousand times a minute writes once."""
    issued = await cluster(deps)
    noted = []
    for seconds in (0, 30, 29, 1, 1):
        clock_of(deps).skip(timedelta(seconds=seconds))
        await authenticate(deps, issued.cluster.id, issued.token)
        async with deps.store.reading() as session:
            [kept] = await rows.tokens(session, issued.cluster.id)
        assert kept.used_at is not None
        noted.append((kept.used_at - NOW).total_seconds())

    assert noted == [0, 0, 0, 0, 61]


async def test_a_database_that_cannot_be_written_to_shuts_no_cluster_out(sqlite_url: str) -> None:
    """Its use is not noted, which is all."""
    deps = deps_on(sqlite_url)
    issued = await cluster(deps)
    await deps.store.close()
    hurried = open_store(sqlite_url, deps.store.keyring, deps.clock, busy_seconds=0.05)
    impatient = Deps(hurried, deps.checker, deps.clock, deps.allow)
    blocker = open_store(sqlite_url, deps.store.keyring, deps.clock)

    async with blocker.transaction() as session:
        await session.exec(text("DELETE FROM draft"))  # type: ignore[call-overload]
        found = await authenticate(impatient, issued.cluster.id, issued.token)

    assert found == issued.cluster
    await hurried.close()
    await blocker.close()


async def test_an_address_that_is_none_is_not_found(deps: Deps) -> None:
    """Nothing with another shape reaches the database."""
    for cluster_id in (NOBODY, "", "a\x00" * 16, "../" * 20):
        with pytest.raises(NotFound):
            await identify(deps, cluster_id)


async def _signs_in(deps: Deps, cluster_id: str, token: Secret) -> None:
    assert (await authenticate(deps, cluster_id, token)).id == cluster_id
