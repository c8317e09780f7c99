"""What each provider's API for credentials is asked, and what must never be believed of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.rotation.base import Errand, Provider
from bot.kinds.rotation.providers import PROVIDERS, provider_for
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.states import State
from tests.contract.lab import NOON, Lab, open_lab
from tests.usecases.at_providers import OTHERS, PLACES

LABEL, LASTS = "registrar/target/run", timedelta(days=90)
# AWS and Google read by POST, and their keys bear no label and no end: they have files of their own.
NAMES = [name for name in PLACES if name not in {"ecr", "public ecr", "google"}]
T = TypeVar("T")


def at(lab: Lab, name: str) -> tuple[Config, Provider]:
    place = PLACES[name]
    config = lab.config(place.slug, changed=place.changed(lab))
    provider, reason = provider_for(config)
    assert provider is not None, reason
    return config, provider


async def done(lab: Lab, name: str, call: Callable[[Errand], Awaitable[T]], made: str = "") -> T:
    config, _ = at(lab, name)
    return await lab.rotators().run(config, PLACES[name].access(lab), call, made)


@pytest.mark.parametrize("name", NAMES)
async def test_looking_changes_nothing(name: str) -> None:
    """Only what reads is sent, a sign-in aside."""
    async with open_lab() as lab:
        _, provider = at(lab, name)
        ready = await done(lab, name, provider.ready)
        asked = {(one.method, one.path) for one in lab.practice.log}

    assert ready.ready, ready.problems
    assert {pair for pair in asked if pair[0] != "GET"} <= {("POST", "/v2/auth/token")}


@pytest.mark.parametrize("name", NAMES)
async def test_the_new_one_is_told_as_it_ends(name: str) -> None:
    """With the provider's own name of it, which it is listed by."""
    async with open_lab() as lab:
        _, provider = at(lab, name)
        made = await done(lab, name, lambda to: provider.issue(to, LABEL, LASTS, Secret("")))
        held = PLACES[name].keys(lab).shown
        told = made.secrets[PLACES[name].secret].reveal()

    assert told == held.secret
    assert made.handle.rpartition("/")[2] == held.handle
    assert made.expires_at is not None
    assert timedelta() <= NOON + LASTS - made.expires_at < timedelta(days=1)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "gitlab token"])
async def test_a_label_is_found_among_many(name: str) -> None:
    """Page by page; one of another label is not ours."""
    async with open_lab() as lab:
        config, provider = at(lab, name)
        keys = PLACES[name].keys(lab)
        for number in range(230):
            keys.add(handle_like(name, number), f"secret {number}", label=f"ci {number}")
        mine = keys.add(handle_like(name, 230), "ours", label=LABEL)
        access = PLACES[name].access(lab)
        found = await lab.rotators().run(
            config, access, lambda to: provider.labelled(to, LABEL, NOON, NOON)
        )

    assert [one.handle.rpartition("/")[2] for one in found] == [mine.handle]


def handle_like(name: str, number: int) -> str:
    return {
        "scaleway": f"SCW{number:017d}",
        "docker hub": f"11111111-1111-4111-8111-{number:012d}",
    }.get(name, str(1000 + number))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "gitlab token"])
async def test_ending_one_twice_is_no_error(name: str) -> None:
    """The second answer may be the first that arrives."""
    async with open_lab() as lab:
        _, provider = at(lab, name)
        made = await done(lab, name, lambda to: provider.issue(to, LABEL, LASTS, Secret("")))
        before = len(PLACES[name].keys(lab))
        seen = []
        for _ in range(2):
            await done(lab, name, lambda to: provider.revoke(to, made.handle))
            seen.append(await done(lab, name, lambda to: provider.listed(to, made.handle)))

        assert seen == [False, False]
        assert len(PLACES[name].keys(lab)) == before - 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("handle", ["", "../users/1", "x?force=1", "groups/a/deploy_tokens/1/../2"])
async def test_a_name_that_is_none_ends_nothing(name: str, handle: str) -> None:
    """It would become part of an address."""
    async with open_lab() as lab:
        _, provider = at(lab, name)
        with pytest.raises(NotDone):
            await done(lab, name, lambda to: provider.revoke(to, handle))

        assert not [one for one in lab.practice.log if one.method == "DELETE"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", [State.DOWN, State.LIMITED])
async def test_a_provider_that_is_away_is_no_answer(name: str, state: State) -> None:
    """Neither yes nor no, in our own words."""
    async with open_lab() as lab:
        _, provider = at(lab, name)
        lab.practice.set_state(PLACES[name].slug, state)
        with pytest.raises(Unclear) as caught:
            await done(lab, name, lambda to: provider.issue(to, LABEL, LASTS, Secret("")))

    assert "practice" not in str(caught.value)


@pytest.mark.parametrize("name", [*NAMES, "google", "harbor"])
async def test_a_server_that_hangs_up_is_not_asked_again(name: str) -> None:
    """It may have made one: on a connection that was kept, where reading would be repeated."""
    async with open_lab() as lab:
        place = (PLACES | OTHERS)[name]
        vendor, keys = lab.practice.vendors[place.slug], place.keys(lab)
        config = lab.config(place.slug, changed=place.changed(lab))
        provider, reason = provider_for(config)
        assert provider is not None, reason
        rotators, made = lab.rotators(), []
        await rotators.run(config, place.access(lab), provider.ready)

        def site(ask: Ask) -> Answer:
            before = keys.made
            answer = vendor.answer(ask)
            if keys.made > before:
                made.append(ask.path)
                for connection in lab.practice._tls._server.connections:
                    assert connection.transport is not None
                    connection.transport.abort()
            return answer

        def issue(to: Errand) -> Awaitable[object]:
            return provider.issue(to, LABEL, LASTS, Secret("Rg1-a-secret-of-the-tests"))

        lab.practice.serve(place.host, site)
        with pytest.raises(Unclear):
            await rotators.run(config, place.access(lab), issue)

        assert len(made) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", [{}, {"token": 5, "secret_key": None}, ["a list"], "text"])
async def test_an_answer_that_holds_no_secret_is_in_doubt(name: str, body: object) -> None:
    """Something was made, and nobody knows it."""
    async with open_lab() as lab:
        _, provider = at(lab, name)
        vendor = lab.practice.vendors[PLACES[name].slug]

        def site(ask: Ask) -> Answer:
            made = ask.method == "POST" and not ask.path.endswith("/auth/token")
            return as_json(201, body) if made else vendor.answer(ask)

        lab.practice.serve(PLACES[name].host, site)
        with pytest.raises(Unclear):
            await done(lab, name, lambda to: provider.issue(to, LABEL, LASTS, Secret("")))


async def test_only_a_provider_that_has_begun_may_take_long() -> None:
    """Any other that does not answer is given up."""

    async def slow(to: Errand, *, begun: bool) -> str:
        if begun:
            to.takes_long()
        await asyncio.sleep(0.3)
        return "done"

    async with open_lab() as lab:
        config, _ = at(lab, "scaleway")
        impatient = replace(lab.rotators(), total=0.05, long=60.0)
        with pytest.raises(Unclear, match="in time"):
            await impatient.run(config, {}, partial(slow, begun=False))

        assert await impatient.run(config, {}, partial(slow, begun=True)) == "done"


async def test_a_group_that_is_hidden_is_not_a_token_that_is_gone() -> None:
    """GitLab answers 404 to both; the token may well live."""
    async with open_lab() as lab:
        _, provider = at(lab, "gitlab deploy token")
        with pytest.raises(NotDone, match="does not show"):
            await done(
                lab, "gitlab deploy token",
                lambda to: provider.revoke(to, "groups/elsewhere/deploy_tokens/7"),
            )  # fmt: skip


async def test_gitlab_is_always_told_how_long_the_new_one_lasts() -> None:
    """Without a date it would live for a week."""
    async with open_lab() as lab:
        _, provider = at(lab, "gitlab token")
        await done(lab, "gitlab token", lambda to: provider.issue(to, LABEL, LASTS, Secret("")))
        ends = lab.practice.gitlab.keyring.shown.expires_at

    assert ends is not None
    assert ends - NOON > timedelta(days=80)


@pytest.mark.parametrize("name", ["gitlab token", "gitlab deploy token"])
@pytest.mark.parametrize("told", ["7" * 3_000_000, "half \ud800", "no \0", "../../users", [], 7.5])
async def test_gitlab_names_a_token_by_its_number_only(name: str, told: object) -> None:
    """Whatever else it tells as one is kept nowhere; the new secret is not lost for that."""
    async with open_lab() as lab:
        _, provider = at(lab, name)

        def site(ask: Ask) -> Answer:
            answer = lab.practice.gitlab.answer(ask)
            found = json.loads(answer.body) if ask.method == "POST" else {}
            return as_json(answer.status, found | {"id": told}) if "token" in found else answer

        lab.practice.serve("gitlab.com", site)
        made = await done(lab, name, lambda to: provider.issue(to, LABEL, LASTS, Secret("")))
        held = PLACES[name].keys(lab).shown

    assert made.secrets[PLACES[name].secret].reveal() == held.secret
    assert made.handle.rpartition("/")[2] == ""


async def test_a_token_of_docker_hub_is_known_only_when_registrar_made_it() -> None:
    """Whatever its label says: labels are anybody's."""
    async with open_lab() as lab:
        _, provider = at(lab, "docker hub")
        handle = lab.practice.docker_hub.shown.handle
        stranger = await done(lab, "docker hub", provider.ready)
        ours = await done(lab, "docker hub", provider.ready, handle)
        gone = await done(lab, "docker hub", provider.ready, "11111111-1111-4111-8111-111111111111")

    assert [one.handle for one in (stranger, ours, gone)] == ["", handle, ""]
    assert stranger.notes
    assert not ours.notes


async def test_which_key_of_scaleway_will_be_deleted_is_said_before() -> None:
    """Unless Registrar made it: only then it is known that both halves belong together."""
    async with open_lab() as lab:
        config, provider = at(lab, "scaleway")
        own = config.values["access_key"]
        typed = await done(lab, "scaleway", provider.ready)
        ours = await done(lab, "scaleway", provider.ready, own)

    assert f"{own} is what will be deleted" in typed.notes[0]
    assert not ours.notes


async def test_the_panel_offers_what_rotation_asks_for() -> None:
    """Under the labels of the form, so that one click fills it in."""
    async with open_lab() as lab:
        for slug, providers in PROVIDERS.items():
            shown = {field.label for field in lab.practice.vendors[slug].managing()}
            asked = {field.label for one in providers for field in one.fields if field.secret}
            assert asked <= shown
