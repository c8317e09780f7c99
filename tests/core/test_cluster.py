"""How strict a cluster is, as a whole and by namespace."""

from __future__ import annotations

import pytest

from bot.core.cluster import (
    ClusterView,
    Mode,
    NamespaceRule,
    read_environment,
    read_mode,
    read_namespaces,
    written_namespaces,
)
from bot.core.registry import Environment

RULES = {
    "web": NamespaceRule(Mode.ENFORCE, Environment.PRODUCTION),
    "lab": NamespaceRule(environment=Environment.DEVELOPMENT),
    "play": NamespaceRule(Mode.AUDIT),
}
CLUSTER = ClusterView("c" * 32, "T1", "prod-eu", Environment.STAGING, Mode.WARN, RULES)


@pytest.mark.parametrize(
    ("namespace", "mode", "environment"),
    [
        ("web", Mode.ENFORCE, Environment.PRODUCTION),
        ("lab", Mode.WARN, Environment.DEVELOPMENT),
        ("play", Mode.AUDIT, Environment.STAGING),
        ("other", Mode.WARN, Environment.STAGING),
        ("", Mode.WARN, Environment.STAGING),
        ("WEB", Mode.WARN, Environment.STAGING),
    ],
)
def test_a_namespace_has_its_own_rule_or_the_clusters(
    namespace: str, mode: Mode, environment: Environment
) -> None:
    """Each half by itself."""
    assert CLUSTER.mode_of(namespace) is mode
    assert CLUSTER.environment_of(namespace) is environment


def test_the_rules_of_namespaces_are_read_as_they_were_written() -> None:
    """Those that say nothing are not kept."""
    written = written_namespaces({**RULES, "empty": NamespaceRule()})

    assert read_namespaces(written) == RULES


@pytest.mark.parametrize("stored", ["", "{", "[]", "null", "7", "[" * 100_000])
def test_damaged_rules_leave_the_clusters_own(stored: str) -> None:
    """Nothing is made laxer by a damaged row."""
    assert read_namespaces(stored) == {}


def test_one_damaged_rule_harms_no_other() -> None:
    """What cannot be read of a rule is as the cluster is; an unknown mode is the strictest."""
    stored = '{"a": 3, "b": {"mode": ["warn"]}, "c": {"mode": "later"}, "d": {"mode": "audit"}}'

    assert read_namespaces(stored) == {
        "b": NamespaceRule(),
        "c": NamespaceRule(Mode.ENFORCE),
        "d": NamespaceRule(Mode.AUDIT),
    }


def test_unknown_words_are_read_as_something() -> None:
    """An older version meets the row of a newer one."""
    assert read_mode("splendid") is Mode.ENFORCE
    assert read_environment("moon") is Environment.ANY
