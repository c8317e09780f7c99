"""Several credentials at one practice registry, as while one is rotated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.core.check import Verdict
from bot.core.clock import FixedClock
from bot.core.secret import Secret
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.vendor import Vendor
from tests.contract.lab import NOON, Lab, open_lab

KINDS_OF_REGISTRIES = tuple(KINDS)


def answers(vendor: Vendor, held: Held) -> Mapping[str, str | Secret]:
    """One credential as a person copies it from the panel into a form."""
    kind = KINDS[vendor.slug]
    copied = {field.label: field for field in vendor.fields_of(held)}
    variant = next(one for one in kind.variants if one.fields)
    return {
        field.name: Secret(copied[field.label].value) if field.secret else copied[field.label].value
        for field in variant.fields
        if field.label in copied
    }


async def verdict(lab: Lab, vendor: Vendor, held: Held) -> Verdict:
    config = lab.config(vendor.slug, changed=answers(vendor, held))
    return (await lab.checker().check(config)).verdict


@pytest.mark.parametrize("slug", KINDS_OF_REGISTRIES)
async def test_two_credentials_work_side_by_side_until_one_is_removed(slug: str) -> None:
    """Every vendor knows each of them, and refuses the one that was removed in its own way."""
    async with open_lab() as lab:
        vendor = lab.practice.vendors[slug]
        old = vendor.shown
        new = vendor.make("by hand")
        both = [await verdict(lab, vendor, one) for one in (old, new)]
        vendor.keyring.end(old.handle)
        after = [await verdict(lab, vendor, one) for one in (old, new)]

    assert both == [Verdict.PROVEN, Verdict.PROVEN]
    assert after == [Verdict.REFUSED, Verdict.PROVEN]
    assert vendor.shown is new
    assert {old.secret, new.secret} <= set(vendor.secrets())


@pytest.mark.parametrize("slug", KINDS_OF_REGISTRIES)
async def test_a_stopped_credential_is_refused_until_it_is_started(slug: str) -> None:
    """A stop can be undone; what is shown for copying is the other one meanwhile."""
    async with open_lab() as lab:
        vendor = lab.practice.vendors[slug]
        held = vendor.shown
        vendor.make()
        held.active = False
        stopped, shown = await verdict(lab, vendor, held), vendor.shown
        held.active = True
        started = await verdict(lab, vendor, held)

    assert (stopped, started) == (Verdict.REFUSED, Verdict.PROVEN)
    assert shown is not held


@pytest.mark.parametrize("slug", KINDS_OF_REGISTRIES)
async def test_one_that_refuses_to_die_works_on_until_it_is_let_go(slug: str) -> None:
    """The vendor lists it no more, and the panel goes on to show it; it dies when told to.

    Scaleway no longer tells that both halves of such a key belong together.
    """
    async with open_lab() as lab:
        vendor = lab.practice.vendors[slug]
        old = vendor.shown
        vendor.make("by hand")
        lab.practice.let_outlive(slug, old.handle, undying=True)
        lab.practice.remove(slug, old.handle)
        there = next(one for one in lab.practice.registries if one.slug == slug).credentials
        alive = await verdict(lab, vendor, old)
        lab.practice.let_outlive(slug, old.handle, undying=False)
        dead = await verdict(lab, vendor, old)
        left = next(one for one in lab.practice.registries if one.slug == slug).credentials

    assert [(one.removed, one.undying) for one in there] == [(True, True), (False, False)]
    assert alive is (Verdict.UNPROVEN if slug == "scaleway" else Verdict.PROVEN)
    assert dead is Verdict.REFUSED
    assert len(left) == 1


def test_a_credential_begins_and_ends_a_while_after_it_is_told() -> None:
    """A new one is not known at once everywhere, and one that was ended is known for a while."""
    clock = FixedClock(NOON)
    keyring = Keyring(clock)
    held = keyring.add("7", "a secret of practice", settles=timedelta(seconds=60))
    early = held.works(clock.now())
    clock.skip(timedelta(seconds=60))
    known = held.works(clock.now())
    keyring.end("7", lingers=timedelta(seconds=30))
    lingering = held.works(clock.now())
    clock.skip(timedelta(seconds=30))

    assert (early, known, lingering, held.works(clock.now())) == (False, True, True, False)
    assert (len(keyring), keyring.find("7"), keyring.ever("7")) == (0, None, held)
    assert keyring.end("7") is False


def test_a_login_of_its_own_must_fit() -> None:
    """A secret is good with its own user name only, where it has one."""
    keyring = Keyring(FixedClock(NOON))
    keyring.add("7", "a secret of practice", login="robot$ci")

    assert keyring.holding("a secret of practice", "robot$other") is None
    assert keyring.holding("a secret of practice", "robot$ci") is keyring.shown


async def test_each_credential_expires_by_itself() -> None:
    """One made later lives longer; the older one is refused as expired."""
    async with open_lab() as lab:
        vendor = lab.practice.ghcr
        old = vendor.shown
        lab.clock.skip(timedelta(days=59))
        new = vendor.make()
        lab.clock.skip(timedelta(days=2))

        assert await verdict(lab, vendor, old) is Verdict.REFUSED
        assert await verdict(lab, vendor, new) is Verdict.PROVEN


async def test_the_panel_makes_and_removes_credentials() -> None:
    """Each has a name and its own answers; the last one may go too."""
    async with open_lab() as lab:
        practice = lab.practice
        practice.make("ghcr")
        both = next(one for one in practice.registries if one.slug == "ghcr")
        for held in both.credentials:
            practice.remove("ghcr", held.handle)
        none = next(one for one in practice.registries if one.slug == "ghcr")
        with pytest.raises(ValueError, match="no credential"):
            practice.remove("ghcr", both.credentials[0].handle)
        with pytest.raises(ValueError, match="no quay"):
            practice.make("quay")

    assert [(one.name, one.note) for one in both.credentials] == [
        ("practice", "made 24 Nov 2026"),
        ("practice 2", "made 24 Nov 2026"),
    ]
    assert both.fields == both.credentials[1].fields
    assert none.credentials == ()
