"""The history of one registry at a glance."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.strip import strip
from bot.errors import NotFound
from bot.usecases.deps import Deps
from bot.usecases.looking_back import look_back
from tests.factories import ALICE, MALLORY, add, proven, refused
from tests.usecases.history import ago, checked


async def test_shares_are_of_a_day_a_week_and_a_month(deps: Deps) -> None:
    """Each of the checks in its own span."""
    view = await add(deps)
    bad = [ago(hours=1), ago(days=3), ago(days=3), ago(days=20)]
    good = [ago(hours=2), ago(hours=3), ago(hours=4), *(ago(days=n) for n in range(1, 30))]
    results = [(at, refused()) for at in bad] + [(at, proven()) for at in good]
    await checked(deps, view.id, results)
    shares = dict((await look_back(deps, ALICE, view.name)).shares)

    assert shares[timedelta(hours=24)] == 3 / 4
    assert shares[timedelta(days=7)] == 9 / 12
    assert shares[timedelta(days=30)] == 32 / 36


async def test_the_strip_has_a_sign_a_day(deps: Deps) -> None:
    """The newest on the right."""
    view = await add(deps)
    await checked(deps, view.id, [(ago(hours=1), refused()), (ago(days=2), proven())])
    look = await look_back(deps, ALICE, view.name)

    assert strip(look.days) == "·" * 27 + "▇·▂"
    assert strip(look.hours) == "·" * 22 + "▂·"


async def test_tries_of_a_form_count_for_nothing(deps: Deps) -> None:
    """They are listed, but say nothing of the credential in force."""
    view = await add(deps)
    look = await look_back(deps, ALICE, view.name)

    assert [check.trigger for check in look.checks] == ["save"]
    assert {share for _, share in look.shares} == {None}


async def test_another_workspace_sees_nothing(deps: Deps) -> None:
    """Not even that there is something."""
    await add(deps)

    with pytest.raises(NotFound):
        await look_back(deps, MALLORY, "harbor-team")
