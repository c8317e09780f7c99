"""A Kubernetes cluster that asks Registrar: how strict it is, as a whole and by namespace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.registry import Environment
from bot.core.timestamp import Json


class Mode(StrEnum):
    """What happens to an image that no registration covers.

    `audit`: it runs and is noted. `warn`: it runs, and whoever deploys it is told. `enforce`: it is
    refused.
    """

    AUDIT = "audit"
    WARN = "warn"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class NamespaceRule:
    """What one namespace has for itself; None: as the cluster."""

    mode: Mode | None = None
    environment: Environment | None = None

    def to_json(self) -> Json:
        return {
            name: str(value)
            for name, value in (("mode", self.mode), ("environment", self.environment))
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A cluster as it is shown and asked; it holds no secret.

    `id` stands in its addresses. `policy_hash` is that of the static policy it said to have, at
    `policy_at`; `inventory_at` is when a whole inventory of it arrived last.
    """

    id: str
    team_id: str
    name: str
    environment: Environment
    mode: Mode
    namespaces: Mapping[str, NamespaceRule] = field(default_factory=dict)
    policy_hash: str = ""
    policy_at: datetime | None = None
    inventory_at: datetime | None = None

    def mode_of(self, namespace: str) -> Mode:
        """How strict the namespace is; an empty one stands for objects outside of any."""
        rule = self.namespaces.get(namespace)
        return self.mode if rule is None or rule.mode is None else rule.mode

    def environment_of(self, namespace: str) -> Environment:
        """Which environment's registries serve the namespace."""
        rule = self.namespaces.get(namespace)
        return self.environment if rule is None or rule.environment is None else rule.environment


def read_mode(text: str) -> Mode:
    """A stored mode. A word that this version does not know is read as the strictest."""
    return Mode(text) if text in set(Mode) else Mode.ENFORCE


def read_environment(text: str) -> Environment:
    """A stored environment; a word that this version does not know limits nothing."""
    return Environment(text) if text in set(Environment) else Environment.ANY


def read_namespaces(text: str) -> dict[str, NamespaceRule]:
    """What `written_namespaces` wrote; what cannot be read is as the cluster is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: _rule(stored) for name, stored in found.items() if isinstance(stored, dict)}


def written_namespaces(namespaces: Mapping[str, NamespaceRule]) -> str:
    """As it is stored: by name, without those that say nothing of their own."""
    said = {name: rule.to_json() for name, rule in sorted(namespaces.items())}
    return json.dumps({name: rule for name, rule in said.items() if rule})


def _rule(stored: Mapping[str, object]) -> NamespaceRule:
    mode, environment = stored.get("mode"), stored.get("environment")
    return NamespaceRule(
        read_mode(mode) if isinstance(mode, str) else None,
        read_environment(environment) if isinstance(environment, str) else None,
    )
