"""None of the tricks that got past other allow-lists gets past this one."""

from __future__ import annotations

from bot.core.policy import Policy
from tests.core.bypasses import RULES, bypasses


def test_no_bypass_is_allowed() -> None:
    """More than 300 strings, each on its own."""
    policy = Policy(RULES)
    found = bypasses()

    assert len(found) >= 300
    assert [text for text in found if policy.decide(text).allowed] == []


def test_what_they_imitate_is_allowed() -> None:
    """Otherwise the corpus would prove nothing."""
    policy = Policy(RULES)
    honest = [f"{rule.place}/app:1" for rule in RULES]

    assert [text for text in honest if not policy.decide(text).allowed] == []
