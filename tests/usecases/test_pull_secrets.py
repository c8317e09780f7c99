"""Which logins are handed out, and what is remembered of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from bot.core.check import Cause
from bot.core.config import Config
from bot.errors import NoLogin, NotFound
from bot.kinds.pull_login import PullLogin
from bot.store.schema import AuditEvent
from bot.usecases import drafts, pull_secrets
from bot.usecases.deps import Deps
from bot.usecases.minting import Mint
from tests.factories import ALICE, MALLORY, add, checker_of, clock_of, generic, refused


class Logins:
    """Gives what is stored, but of one host nothing."""

    async def of(self, config: Config) -> PullLogin | None:
        if config.host == "broken.example.com":
            raise NoLogin("AWS refused this key.")
        return PullLogin(config.values["username"], config.secrets["password"])


async def test_one_that_fails_harms_no_other(deps: Deps) -> None:
    """It is named with the reason."""
    await add(deps, answers=generic("broken"))
    await add(deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))

    found = await pull_secrets.collect(deps, Mint(deps, Logins()), ALICE)

    assert [(one.registry, one.host, one.scope) for one in found.entries] == [
        ("quay", "quay.io", "acme")
    ]
    assert found.left_out == (("broken", "AWS refused this key."),)


async def test_a_refused_credential_is_not_handed_out(deps: Deps) -> None:
    """A cluster that tries it again and again would lock the account."""
    checker_of(deps).answers[:] = [refused(cause=Cause.EXPIRED)]
    draft = await drafts.begin(deps, ALICE, generic())
    await drafts.try_draft(deps, ALICE, draft)
    await drafts.save_anyway(deps, ALICE, draft)

    found = await pull_secrets.collect(deps, Mint(deps, Logins()), ALICE)

    assert found.entries == ()
    assert found.left_out == (("harbor-team", pull_secrets.REFUSED),)


async def test_an_environment_gets_its_own_and_what_is_for_any(deps: Deps) -> None:
    """Names are taken whatever their environment; unknown ones are refused."""
    for name, environment in (("p", "production"), ("s", "staging"), ("a", "any")):
        await add(deps, answers=generic(name, environment=environment))

    production = await pull_secrets.collect(
        deps, Mint(deps, Logins()), ALICE, environment="production"
    )
    named = await pull_secrets.collect(deps, Mint(deps, Logins()), ALICE, ["s", "s"])

    assert [one.registry for one in production.entries] == ["p", "a"]
    assert [one.registry for one in named.entries] == ["s"]
    with pytest.raises(NotFound):
        await pull_secrets.collect(deps, Mint(deps, Logins()), ALICE, ["unknown"])
    assert (await pull_secrets.collect(deps, Mint(deps, Logins()), MALLORY)).entries == ()


async def test_what_was_handed_out_is_in_the_audit(deps: Deps) -> None:
    """The registry and the host, never the login."""
    await add(deps)
    clock_of(deps).skip(timedelta(hours=1))

    await pull_secrets.collect(deps, Mint(deps, Logins()), ALICE)

    async with deps.store.reading() as session:
        found = (await session.exec(select(AuditEvent))).all()
    (given,) = [one for one in found if one.action == "pull_login_given"]
    assert (given.registry_name, given.user_id) == ("harbor-team", ALICE.user_id)
    assert "horse" not in given.details_json
