"""Links to a page that shows a cluster's token once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from bot.errors import BadToken, InvalidInput, NotFound, Undecryptable, WrongCode
from bot.store.schema import AuditEvent, ClusterToken, TokenLink
from bot.usecases import cluster_rotation, clusters, secret_links
from bot.usecases.cluster_tokens import authenticate
from bot.usecases.clusters import Wanted
from bot.usecases.deps import Deps
from bot.usecases.link_codes import GOOD_FOR
from bot.usecases.secret_links import Link, Shown
from tests.factories import ALICE, clock_of, cluster, deps_on


async def _link(deps: Deps, name: str = "prod-eu") -> Link:
    return await clusters.add_with_link(deps, ALICE, Wanted(name))


async def _show(deps: Deps, link: Link, code: str | None = None) -> Shown:
    typed = link.code if code is None else code
    return await secret_links.show(deps, link.path.removeprefix("/secret/"), typed)


def _wrong(link: Link) -> str:
    """A code that is certainly another one."""
    return ("1" if link.code[0] == "0" else "0") + link.code[1:]


async def test_the_token_is_shown_once_and_signs_in(deps: Deps) -> None:
    """Looking at the page before changes nothing; afterwards the token is nowhere."""
    link = await _link(deps)
    for _ in range(3):
        waiting = await secret_links.waiting(deps, link.path.removeprefix("/secret/"))
        assert waiting == link.cluster

    shown = await _show(deps, link)

    assert (await authenticate(deps, link.cluster.id, shown.token)).name == "prod-eu"
    with pytest.raises(NotFound):
        await _show(deps, link)
    with pytest.raises(NotFound):
        await secret_links.waiting(deps, link.path.removeprefix("/secret/"))
    async with deps.store.reading() as session:
        [row] = (await session.exec(select(TokenLink))).all()
    assert row.blob is None
    assert await _deeds(deps) == [
        ("cluster_added", "UALICE"),
        ("cluster_token_shown", "UALICE"),
    ]


async def test_neither_token_nor_code_nor_link_can_be_read_in_the_database(deps: Deps) -> None:
    """Hashes, and what is sealed."""
    link = await _link(deps)
    async with deps.store.reading() as session:
        [row] = (await session.exec(select(TokenLink))).all()

    assert row.blob is not None
    for word in (link.code.replace("-", ""), link.path.removeprefix("/secret/"), "rgct_"):
        assert word.encode() not in row.blob
        assert word not in row.digest + row.token_digest
    assert link.code not in repr(link)
    assert link.path not in repr(link)


async def test_a_code_is_read_as_it_was_meant(deps: Deps) -> None:
    """Small letters, spaces, dashes, and letters that look like digits."""
    link = await _link(deps)
    code = link.code.lower().replace("0", "o").replace("1", "l")

    await _show(deps, link, f" {code[:3]} {code[4:]}\u00a0")


@pytest.mark.parametrize("typed", ["", "ABC", "ABC-DEFG", "ÄBC-DEF", "\ud800BCDEF", "x" * 10_000])
async def test_what_can_be_no_code_costs_no_try(deps: Deps, typed: str) -> None:
    """It is told what a code looks like."""
    link = await _link(deps)
    for _ in range(4):
        with pytest.raises(InvalidInput):
            await _show(deps, link, typed)

    await _show(deps, link)


async def test_three_wrong_codes_end_link_and_token(deps: Deps) -> None:
    """The right one comes too late then; another token can be made."""
    link = await _link(deps)
    left = []
    for _ in range(3):
        with pytest.raises(WrongCode) as caught:
            await _show(deps, link, _wrong(link))
        left.append(caught.value.left)

    assert left == [2, 1, 0]
    with pytest.raises(NotFound):
        await _show(deps, link)
    async with deps.store.reading() as session:
        assert (await session.exec(select(TokenLink.blob))).all() == [None]
        assert (await session.exec(select(ClusterToken))).all() == []
    assert [what for what, _ in await _deeds(deps)][1:] == [
        "cluster_code_wrong",
        "cluster_code_wrong",
        "cluster_link_ended",
    ]


async def test_guesses_at_once_are_all_counted(deps: Deps) -> None:
    """Ten at the same moment are three, and no more."""
    link = await _link(deps)
    tried = await asyncio.gather(
        *(_show(deps, link, _wrong(link)) for _ in range(10)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in tried) == ["NotFound"] * 7 + ["WrongCode"] * 3


async def test_of_two_at_once_one_sees_the_token(deps: Deps) -> None:
    """It is shown once, whoever hurries."""
    link = await _link(deps)
    tried = await asyncio.gather(*(_show(deps, link) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(one, Shown) for one in tried) == 1


async def test_a_link_lapses_with_its_token(deps: Deps) -> None:
    """After fifteen minutes nobody sees it, and soon nothing is left of it."""
    link = await _link(deps)
    clock_of(deps).skip(GOOD_FOR)

    with pytest.raises(NotFound):
        await _show(deps, link)
    assert await secret_links.tick_links(deps) == 1
    async with deps.store.reading() as session:
        assert (await session.exec(select(TokenLink))).all() == []
        assert (await session.exec(select(ClusterToken))).all() == []
    assert await secret_links.tick_links(deps) == 0


async def test_forgetting_a_link_that_was_used_leaves_the_token(deps: Deps) -> None:
    """The cluster has it by then."""
    link = await _link(deps)
    shown = await _show(deps, link)
    clock_of(deps).skip(timedelta(days=3))

    assert await secret_links.tick_links(deps) == 1
    assert await authenticate(deps, link.cluster.id, shown.token) == link.cluster


async def test_a_new_link_replaces_one_that_nobody_opened(deps: Deps) -> None:
    """Its token never was; the one in use goes on for its day."""
    in_use = await cluster(deps)
    first = await cluster_rotation.rotate_with_link(deps, ALICE, "prod-eu")
    second = await cluster_rotation.rotate_with_link(deps, ALICE, "prod-eu")

    with pytest.raises(NotFound):
        await _show(deps, first)
    shown = await _show(deps, second)
    assert len((await clusters.show(deps, ALICE, "prod-eu")).tokens) == 2
    await authenticate(deps, in_use.cluster.id, shown.token)
    await authenticate(deps, in_use.cluster.id, in_use.token)


@pytest.mark.parametrize("deed", ["delete", "revoke"])
async def test_deleting_and_shutting_out_end_the_links_too(deps: Deps, deed: str) -> None:
    """A token that nobody saw yet is ended as well."""
    link = await _link(deps)
    if deed == "delete":
        await clusters.delete(deps, ALICE, "prod-eu", "prod-eu")
    else:
        await cluster_rotation.revoke(deps, ALICE, "prod-eu", everything=True)

    with pytest.raises(NotFound):
        await _show(deps, link)


async def test_a_sealed_token_opens_only_in_its_own_row(deps: Deps) -> None:
    """Whoever can write to the database cannot move it behind a link of theirs."""
    mine, theirs = await _link(deps, "mine"), await _link(deps, "theirs")
    async with deps.store.transaction() as session:
        one, other = (await session.exec(select(TokenLink))).all()
        one.blob, other.blob = other.blob, one.blob
        session.add(one)
        session.add(other)

    for link in (mine, theirs):
        with pytest.raises(Undecryptable):
            await _show(deps, link)


async def test_a_link_that_is_none_is_not_looked_for(deps: Deps) -> None:
    """Nothing with another shape reaches the database."""
    for link in ("", "a" * 42, "a" * 42 + "\x00", "../" * 20, "\ud800" * 43, "a" * 100_000):
        with pytest.raises(NotFound):
            await secret_links.waiting(deps, link)
        with pytest.raises(NotFound):
            await secret_links.show(deps, link, "ABCDEF")


async def test_a_token_of_a_link_is_good_only_where_it_belongs(deps: Deps) -> None:
    """Not for another cluster of the same workspace."""
    link, other = await _link(deps), await cluster(deps, "other")
    shown = await _show(deps, link)

    with pytest.raises(BadToken):
        await authenticate(deps, other.cluster.id, shown.token)


async def test_a_lost_key_is_told(database_url: str) -> None:
    """The link stays, and opens again once the key is back."""
    deps = deps_on(database_url)
    link = await _link(deps)
    await deps.store.close()
    other = deps_on(database_url)

    with pytest.raises(Undecryptable):
        await _show(other, link)
    await other.store.close()
    again = deps_on(database_url, ring=deps.store.keyring)
    await _show(again, link)
    await again.store.close()


async def _deeds(deps: Deps) -> list[tuple[str, str]]:
    async with deps.store.reading() as session:
        rows = (await session.exec(select(AuditEvent))).all()
    return [(one.action, one.user_id) for one in sorted(rows, key=lambda one: one.id or 0)]
