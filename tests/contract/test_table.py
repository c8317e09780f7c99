"""Kind by state of its registry: the verdict, stage, cause and sentence of the check."""

from __future__ import annotations

import pytest

from bot.core.clock import FixedClock
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice import Practice
from bot.sandbox.practice.states import State
from tests.contract.lab import NOON, open_lab
from tests.contract.table import HOSTS, OWN, TABLE, Expected


@pytest.mark.parametrize(
    ("slug", "state", "expected"),
    [(slug, state, expected) for (slug, state), expected in TABLE.items()],
    ids=[f"{slug}-{state}" for slug, state in TABLE],
)
async def test_check_answers_as_the_table_says(slug: str, state: State, expected: Expected) -> None:
    """One row: the right credential, checked while the registry is in one state."""
    async with open_lab() as lab:
        result = await lab.check(slug, state)

    sentence = expected.sentence.replace("{host}", HOSTS[slug])
    assert result.sentence == sentence
    assert (result.verdict, result.level, result.stage, result.cause, result.explicit) == (
        expected.verdict,
        expected.level,
        expected.stage,
        expected.cause,
        expected.explicit,
    )


async def test_table_is_complete() -> None:
    """Every kind, and every state that its practice registry can be put in, has a row."""
    practice = Practice(FixedClock(NOON), slow=0)

    states = {(slug, state) for slug in practice.vendors for state in practice.states_of(slug)}
    assert set(TABLE) == states
    assert list(OWN) == list(KINDS) == list(practice.vendors)


@pytest.mark.parametrize("slug", OWN)
def test_kind_has_eight_states_at_least(slug: str) -> None:
    """The table is not thin anywhere."""
    assert sum(1 for kind, _ in TABLE if kind == slug) >= 8
