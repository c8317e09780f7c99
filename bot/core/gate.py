"""What the requests of one cluster are judged by."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.cluster import ClusterView, Mode
from bot.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Gate:
    """A cluster, and the rules of the workspace that it belongs to."""

    cluster: ClusterView
    policy: Policy

    def mode_of(self, namespace: str | None) -> Mode:
        """How strict a namespace is; where it is not known, as strict as the strictest."""
        if namespace is not None:
            return self.cluster.mode_of(namespace)
        modes = {self.cluster.mode, *map(self.cluster.mode_of, self.cluster.namespaces)}
        return next((mode for mode in (Mode.ENFORCE, Mode.WARN) if mode in modes), Mode.AUDIT)
