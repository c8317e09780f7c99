"""Short-lived logins: kept sealed, renewed at half their life, never gone before the next."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NoLogin
from bot.kinds.pull_login import PullLogin
from bot.store import minted
from bot.store.engine import open_store
from bot.usecases import drafts, registries
from bot.usecases.deps import Deps
from bot.usecases.minting import CHANGED, LEASE, OVER, SPARED, WANTED_FOR, Mint
from bot.usecases.purge import purge_deleted
from tests.factories import ALICE, add, clock_of, deps_on, generic, keyring
from tests.usecases.mints import HOUR, Provider, asked, ecr, row, wanted

FIRST, SECOND = Secret("minted-password-1"), Secret("minted-password-2")


def password(login: PullLogin | None) -> Secret:
    assert login is not None
    return login.password


async def test_a_login_is_minted_once_and_kept(deps: Deps) -> None:
    """Until half of its life is over; sealed, so the database alone does not tell it."""
    provider = Provider(deps)
    mint = Mint(deps, provider)
    await add(deps, answers=ecr())

    first = await wanted(deps, mint)
    clock_of(deps).skip(5.9 * HOUR)
    again = await wanted(deps, Mint(deps, provider))

    assert password(first) == password(again) == FIRST
    assert provider.given == 1
    kept = await row(deps)
    assert kept is not None
    assert b"minted-password" not in kept.blob


async def test_a_stored_pair_is_never_minted(deps: Deps) -> None:
    """It is handed out as it is."""
    await add(deps, answers=generic())

    login = await wanted(deps, Mint(deps, Provider(deps)), "harbor-team")

    assert login is not None
    assert (login.password, login.expires_at) == (Secret("correct horse"), None)
    assert await row(deps) is None


async def test_many_that_want_one_at_once_ask_the_provider_once(deps: Deps) -> None:
    """The others wait for the answer."""
    provider = Provider(deps)
    mint = Mint(deps, provider)
    await add(deps, answers=ecr())

    given = await asyncio.gather(*(wanted(deps, mint) for _ in range(10)))

    assert provider.given == 1
    assert all(password(one) == FIRST for one in given)


async def test_the_clock_renews_at_half_life_what_a_cluster_wants(deps: Deps) -> None:
    """So nobody waits for a provider; what no cluster asked for is left alone."""
    provider = Provider(deps)
    mint = Mint(deps, provider)
    await add(deps, answers=ecr())
    await wanted(deps, mint)

    clock_of(deps).skip(6 * HOUR)
    assert await mint.tick() == 0
    await asked(deps)
    assert await mint.tick() == 1
    assert await mint.tick() == 0

    assert password(await wanted(deps, mint)) == SECOND
    assert provider.given == 2


async def test_what_nobody_asked_for_since_a_day_is_not_renewed(deps: Deps) -> None:
    """And is removed once it is over."""
    provider = Provider(deps, lasts=72 * HOUR)
    mint = Mint(deps, provider)
    await add(deps, answers=ecr())
    await wanted(deps, mint)
    await asked(deps)

    clock_of(deps).skip(WANTED_FOR + 12 * HOUR)
    assert await mint.tick() == 0
    clock_of(deps).skip(36 * HOUR)
    assert await mint.tick() == 0

    assert provider.given == 1
    assert await row(deps) is None


async def test_a_provider_that_is_away_takes_nothing(deps: Deps) -> None:
    """The old login stays until it ends; then the reason is said, and the next try mends it."""
    provider = Provider(deps)
    mint = Mint(deps, provider)
    await add(deps, answers=ecr())
    await wanted(deps, mint)
    await asked(deps)
    provider.away = True

    clock_of(deps).skip(6 * HOUR)
    assert await mint.tick() == 0
    assert password(await wanted(deps, mint)) == FIRST
    clock_of(deps).skip(6 * HOUR - timedelta(seconds=1))
    assert await mint.tick() == 0
    assert password(await wanted(deps, mint)) == FIRST
    clock_of(deps).skip(timedelta(seconds=31))
    with pytest.raises(NoLogin, match="could not be reached"):
        await wanted(deps, mint)

    provider.away = False
    clock_of(deps).skip(5 * timedelta(minutes=1))
    assert await mint.tick() == 1
    assert password(await wanted(deps, mint)) == SECOND


async def test_a_provider_that_gave_none_is_spared(deps: Deps) -> None:
    """However many namespaces ask, it is asked again after half a minute."""
    provider = Provider(deps, away=True)
    mint = Mint(deps, provider)
    await add(deps, answers=ecr())

    for _ in range(5):
        with pytest.raises(NoLogin):
            await wanted(deps, mint)
    assert len(provider.asked) == 1

    clock_of(deps).skip(SPARED)
    provider.away = False
    assert password(await wanted(deps, mint)) == FIRST


async def test_a_login_that_is_over_already_is_not_kept(deps: Deps) -> None:
    """One of the clocks is wrong, and that is said."""
    await add(deps, answers=ecr())

    with pytest.raises(NoLogin, match=OVER[:30]):
        await wanted(deps, Mint(deps, Provider(deps, lasts=-HOUR)))
    assert await row(deps) is None


async def test_a_new_credential_ends_what_was_minted_with_the_old(deps: Deps) -> None:
    """The old login may be the reason for the change."""
    mint = Mint(deps, Provider(deps))
    view = await add(deps, answers=ecr())
    await wanted(deps, mint)

    changed = replace(ecr(), secrets={"secret_access_key": Secret("another/secret/key" + "x" * 22)})
    draft = await drafts.begin(deps, ALICE, changed, name_of_edited="ecr", version=view.version)
    await drafts.try_draft(deps, ALICE, draft)

    assert await row(deps) is None
    assert password(await wanted(deps, mint)) == SECOND


async def test_an_edit_that_leaves_the_secret_leaves_the_login(deps: Deps) -> None:
    """A new description takes no login from a cluster; a new address does."""
    provider = Provider(deps)
    mint = Mint(deps, provider)
    view = await add(deps, answers=ecr())
    await wanted(deps, mint)
    provider.away = True

    answers = ecr(description="new")
    draft = await drafts.begin(deps, ALICE, answers, name_of_edited="ecr", version=view.version)
    await drafts.try_draft(deps, ALICE, draft)
    assert password(await wanted(deps, mint)) == FIRST

    answers = ecr(account="210987654321")
    draft = await drafts.begin(deps, ALICE, answers, name_of_edited="ecr", version=view.version + 1)
    await drafts.try_draft(deps, ALICE, draft)
    assert await row(deps) is None


async def test_deleting_a_registry_forgets_its_login(deps: Deps) -> None:
    """At once; restored, it gets a new one, and purged, none is left."""
    mint = Mint(deps, Provider(deps))
    await add(deps, answers=ecr())
    await wanted(deps, mint)
    await registries.delete(deps, ALICE, "ecr", "ecr")
    assert await row(deps) is None

    await registries.restore(deps, ALICE, "ecr")
    assert password(await wanted(deps, mint)) == SECOND
    await registries.delete(deps, ALICE, "ecr", "ecr")
    clock_of(deps).skip(registries.RESTORABLE_FOR)
    await purge_deleted(deps)
    assert await row(deps) is None


async def test_a_credential_that_changes_while_a_login_is_minted(deps: Deps) -> None:
    """What the old one gave is of no use; the new one is asked at once."""
    view = await add(deps, answers=ecr())
    other = replace(ecr(), secrets={"secret_access_key": Secret("another/secret/key" + "x" * 22)})

    class Slow(Provider):
        async def of(self, config: Config) -> PullLogin | None:
            if not self.asked:
                draft = await drafts.begin(
                    deps, ALICE, other, name_of_edited="ecr", version=view.version
                )
                await drafts.try_draft(deps, ALICE, draft)
            return await super().of(config)

    provider = Slow(deps)
    assert password(await wanted(deps, Mint(deps, provider))) == SECOND
    assert password(await wanted(deps, Mint(deps, provider))) == SECOND
    assert provider.given == 2


async def test_a_registry_that_is_deleted_while_a_login_is_minted(deps: Deps) -> None:
    """Nothing is kept, and it is said."""
    await add(deps, answers=ecr())

    class Slow(Provider):
        async def of(self, config: Config) -> PullLogin | None:
            await registries.delete(deps, ALICE, "ecr", "ecr")
            return await super().of(config)

    with pytest.raises(NoLogin, match=CHANGED):
        await wanted(deps, Mint(deps, Slow(deps)))
    assert await row(deps) is None


async def test_of_two_replicas_one_renews(deps: Deps) -> None:
    """The claim is a lease; a replica that died is followed after a minute."""
    url = deps.store.engine.url.render_as_string(hide_password=False)
    other = replace(deps, store=open_store(url, deps.store.keyring, deps.clock))
    provider = Provider(deps)
    await add(deps, answers=ecr())
    await wanted(deps, Mint(deps, provider))
    await asked(deps)
    clock_of(deps).skip(7 * HOUR)

    renewed = await asyncio.gather(*(Mint(one, provider).tick() for one in (deps, other) * 3))
    assert (sum(renewed), provider.given) == (1, 2)

    clock_of(deps).skip(7 * HOUR)
    async with deps.store.transaction() as session:  # it dies after the claim
        now = await deps.store.now(session)
        assert await minted.claim(session, now, now + LEASE, now - WANTED_FOR, 10)
    assert await Mint(other, provider).tick() == 0
    clock_of(deps).skip(LEASE)
    assert await Mint(other, provider).tick() == 1
    await other.store.close()


async def test_a_blob_from_elsewhere_does_not_open(deps: Deps) -> None:
    """The credential's own envelope in the place of a login is worth nothing: a new one is minted."""
    provider = Provider(deps)
    await add(deps, answers=ecr())
    await wanted(deps, Mint(deps, provider))
    swap = "UPDATE minted_login SET blob = (SELECT blob FROM credential WHERE state = 'current')"
    async with deps.store.transaction() as session:
        await (await session.connection()).execute(text(swap))

    assert password(await wanted(deps, Mint(deps, provider))) == SECOND


async def test_without_its_key_a_login_is_minted_anew(database_url: str) -> None:
    """A dropped key loses short-lived logins for a moment only; the credential must open, though."""
    old, new = keyring(), keyring()
    first = deps_on(database_url, ring=old)
    await add(first, answers=ecr())
    await wanted(first, Mint(first, Provider(first)))
    await first.store.close()
    second = deps_on(database_url, ring=new)
    kept = await row(second)
    assert kept is not None
    assert minted.opened(kept, new) is None
    await second.store.close()
