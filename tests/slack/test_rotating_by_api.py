"""Robots of Quay and tokens of Azure, rotated from Slack at the practice registries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.sandbox.practice.vendors.azure import ACR, TOKEN
from bot.sandbox.practice.vendors.quay import QUAY, TEAM
from bot.slack import ids
from bot.usecases import workspaces
from bot.usecases.deps import Deps
from tests.contract import test_rotation_acr, test_rotation_quay
from tests.contract.lab import Lab, open_lab
from tests.factories import ALICE, add, clock_of, generic
from tests.slack.test_auto_rotating import deliver
from tests.slack.workspace import Office, opened
from tests.usecases.test_auto_rotation import in_force, run

NAME = "practised"


@dataclass(frozen=True, slots=True)
class Maker:
    """A registry, its secret in force, what rotates that, and what the channel hears in an hour."""

    url: str
    username: str
    secret: Callable[[Lab], str]
    access: Callable[[Lab], dict[str, str]]
    hears: str


MAKERS = {
    "quay": Maker(
        f"https://{QUAY}",
        TEAM,
        lambda lab: lab.practice.generic.quay.shown.secret,
        test_rotation_quay.access_of,
        "the old credential was seen dead",
    ),
    "azure": Maker(
        f"https://{ACR}",
        TOKEN,
        lambda lab: lab.practice.generic.azure.shown.secret,
        test_rotation_acr.access_of,
        "a new credential is in force",
    ),
}


@asynccontextmanager
async def practised(deps: Deps, maker: Maker) -> AsyncIterator[tuple[Office, Lab]]:
    """A workspace with an alert channel and one registry that the practice answers for."""
    async with open_lab(clock_of(deps)) as lab:
        ours = replace(deps, checker=lab.checker())
        secret = maker.secret(lab)
        answers = generic(NAME, url=maker.url, username=maker.username, password=secret)
        async with opened(ours, rotators=lab.rotators()) as office:
            settings = await workspaces.settings(ours, ALICE)
            wanted = replace(settings, alert_channel="C9", manager_users=("UALICE",))
            await workspaces.change_settings(ours, ALICE, wanted)
            await add(ours, answers=answers)
            await deliver(office)
            yield office, lab
        assert office.slack.problems == []


@pytest.mark.parametrize("name", list(MAKERS))
async def test_a_credential_is_rotated_from_the_dialog(deps: Deps, name: str) -> None:
    """What rotates it is put in, a dry run finds nothing missing, and the channel hears the end."""
    maker = MAKERS[name]
    async with practised(deps, maker) as (office, lab):
        alice = office.person("UALICE")
        old, access = maker.secret(lab), maker.access(lab)
        await alice.type(f"rotate {NAME} auto")
        assert await alice.submit(enabled="on", at_age_days="90", **access) == {}
        await alice.type(f"rotate {NAME} auto")
        await alice.press(ids.ROTATION_DIAGNOSE, NAME, inside="modal")
        dry = json.dumps(office.slack.view, ensure_ascii=False)
        await alice.type(f"rotate {NAME} auto")
        await alice.press(ids.ROTATION_NOW, NAME, inside="modal")
        await run(office.deps, lab.rotators(), timedelta(hours=1))
        await deliver(office)

        assert "Nothing is missing" in dry
        assert await in_force(office.deps, NAME) == maker.secret(lab) != old
        assert any(maker.hears in one["text"] for one in office.slack.posted.values())


@pytest.mark.parametrize("name", list(MAKERS))
async def test_what_is_needed_is_asked_for_on_its_fields(deps: Deps, name: str) -> None:
    """Before it is switched on; nothing is sent to anybody."""
    maker = MAKERS[name]
    async with practised(deps, maker) as (office, lab):
        alice = office.person("UALICE")
        lab.practice.forget()
        await alice.type(f"rotate {NAME} auto")
        errors = await alice.submit(enabled="on", at_age_days="90")

        assert set(errors) == set(maker.access(lab))
        assert lab.practice.log == ()
