"""AdmissionReviews as an API server sends them, and the cluster that they come from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.cluster import ClusterView, Mode, NamespaceRule
from bot.core.gate import Gate
from bot.core.policy import Exemption, Policy, Rule
from bot.core.registry import Environment

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
OURS = "ghcr.io/acme/app:1"
STAGED = "staging.example.com/app:1"
EXEMPT = "quay.io/other/tool:2"
FOREIGN = "evil.example/x:1"
RULES = (
    Rule("acme", "ghcr.io", "acme"),
    Rule("stage", "staging.example.com", "", "staging"),
    Rule("hub", "docker.io", "library"),
)
POLICY = Policy(RULES, [Exemption("quay.io", "other/tool", NOW + timedelta(hours=1))])


def gate(mode: Mode = Mode.ENFORCE, **namespaces: NamespaceRule) -> Gate:
    """The gate of a cluster for which every environment's registries count."""
    cluster = ClusterView("c" * 32, "T1", "prod-eu", Environment.ANY, mode, namespaces)
    return Gate(cluster, POLICY)


def pod(*images: str, **meta: Any) -> dict[str, Any]:
    containers = [{"name": f"c{at}", "image": image} for at, image in enumerate(images)]
    metadata = {"name": "web-1", "namespace": "web", **meta}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": containers},
    }


def asked(obj: object, old: object = None, **changes: Any) -> dict[str, Any]:
    """A review of `obj` being created, or changed where there is an old one."""
    request = {
        "uid": UID,
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "web-1",
        "namespace": "web",
        "operation": "CREATE" if old is None else "UPDATE",
        "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        "object": obj,
        "oldObject": old,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        **changes,
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
