"""The policy that a cluster judges images by itself, and whether a printed one is the right one.

Sources: kubernetes.io, "Validating Admission Policy"; kyverno.io, "ValidatingPolicy". It needs
nobody while it judges: the bot may be down. What it has no way to do is to note who runs what, or
to follow an exemption that lapses: then it is behind, and its hash says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.admission import cel, documents
from bot.admission.written import written
from bot.core.cluster import ClusterView
from bot.core.policy import ANY, Policy
from bot.errors import InvalidInput, Unreadable

POLICY_HASH: Final = "registrar/policy-hash"
CONTENT_HASH: Final = "registrar/content-hash"
MADE_FOR: Final = "registrar/made-for"
NAME: Final = "registrar-images"
SYSTEM_NAMESPACE: Final = "kube-system"
OWN_NAMESPACE: Final = "registrar"

LONGEST_EXPRESSION: Final = 90_000
"""A cluster parses no expression of more than 100,000 letters."""
LARGEST_OBJECT: Final = 250_000
"""`kubectl apply` keeps a copy in an annotation, and all of those have 256 KiB."""
MOST_BELOW_ONE: Final = 500
"""Paths of one owner at one host: each image is compared with all of them, within a budget."""

_HEADER: Final = """\
# Printed by `registrar policy`; apply it with `kubectl apply -f`, and print it anew when
# `registrar policy --verify` says that it is behind.
"""
BY_NAME: Final = "kubernetes.io/metadata.name"  # set by the API server, so nobody can fake it
_ACTIONS: Final = {"audit": ["Audit"], "warn": ["Warn", "Audit"], "enforce": ["Deny"]}
RULES: Final = (
    ("", "v1", ("pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates")),
    ("apps", "v1", ("deployments", "statefulsets", "daemonsets", "replicasets")),
    ("batch", "v1", ("jobs", "cronjobs")),
)


class Format(StrEnum):
    """Whose policy it is: Kubernetes' own, or Kyverno's with the same expressions."""

    VAP = "vap"
    KYVERNO = "kyverno"


class State(StrEnum):
    """What a policy is worth: it says the rules of now, or those of before, or cannot be told."""

    CURRENT = "current"
    BEHIND = "behind"
    UNKNOWN = "unknown"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Group:
    """Namespaces that are judged alike: those of `only`, or without any, all besides `but`."""

    mode: str
    environment: str = ANY
    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


def groups_of(cluster: ClusterView) -> tuple[Group, ...]:
    """A cluster as a whole, then the namespaces that have a mode or an environment of their own."""
    usual = (cluster.mode_of(""), cluster.environment_of(""))
    own: dict[tuple[str, str], list[str]] = {}
    for name in sorted(cluster.namespaces):
        found = (cluster.mode_of(name), cluster.environment_of(name))
        if found != usual:
            own.setdefault(found, []).append(name)
    but = tuple(sorted(name for names in own.values() for name in names))
    others = (Group(*found, only=tuple(names)) for found, names in sorted(own.items()))
    return Group(*usual, but=but), *others


@dataclass(frozen=True, slots=True)
class Inputs:
    """The rules and exemptions in force at `now`, and how strictly they hold where."""

    policy: Policy
    now: datetime
    groups: tuple[Group, ...]


def current_hash(inputs: Inputs) -> str:
    """What stands for the rules and where they hold; the same for every format and wording."""
    steps = {
        group.environment: cel.steps(inputs.policy, group.environment, inputs.now)
        for group in inputs.groups
    }
    groups = sorted(
        (group.environment, group.mode, sorted(group.only), sorted(group.but))
        for group in inputs.groups
    )
    return _hash([groups, sorted(steps.items()), cel.REFUSES_NONE, RULES])


def text(
    inputs: Inputs,
    form: Format,
    *,
    made_for: str = "",
    command: str = "/registry",
    own_namespace: str = OWN_NAMESPACE,
) -> str:
    """The YAML to apply; the same rules give the same text.

    Raises InvalidInput for rules that are too many for a cluster, or none at all. `made_for` says
    what the groups are of, for whoever verifies it.
    """
    _refuse_what_is_too_much(inputs)
    marks = {POLICY_HASH: current_hash(inputs), MADE_FOR: made_for}
    objects: list[dict[str, Any]] = []
    for group in inputs.groups:
        if group.only and not set(group.only) - {SYSTEM_NAMESPACE, own_namespace}:
            continue
        name = NAME if not group.only else f"{NAME}-{group.environment}-{group.mode}"
        metadata = {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "registrar"},
            "annotations": dict(marks),
        }
        spec = _spec(inputs, group, command, own_namespace)
        make = _kyverno if form is Format.KYVERNO else _vap
        objects += make(metadata, spec, _ACTIONS[group.mode])
    for one in objects:
        if len(written([one])) > LARGEST_OBJECT:
            raise InvalidInput({"policy": f"{one['metadata']['name']} is too large for a cluster."})
    return _signed(objects)


def verify(data: bytes, current: str) -> State:
    """Whether a printed file is whole, and says the rules whose hash is `current`."""
    marks = marks_of(data)
    if marks is None:
        return State.DAMAGED
    return State.CURRENT if marks[POLICY_HASH] == current else State.BEHIND


def marks_of(data: bytes) -> Mapping[str, str] | None:
    """The annotations of a printed file; None when it is not whole and unchanged."""
    try:
        objects = [one.value for one in documents.read(data)]
    except Unreadable:
        return None
    marks = [_annotations(one) for one in objects]
    if not marks or any(one != marks[0] for one in marks):
        return None
    if not {POLICY_HASH, CONTENT_HASH, MADE_FOR} <= marks[0].keys():
        return None
    return marks[0] if marks[0][CONTENT_HASH] == _content(objects) else None


def _refuse_what_is_too_much(inputs: Inputs) -> None:
    for group in inputs.groups:
        found = cel.places(inputs.policy, group.environment)
        if not found:
            raise InvalidInput(
                {"policy": "No registry covers anything there: it would refuse every image."}
            )
        for place, below in found.items():
            if len(below) > MOST_BELOW_ONE:
                raise InvalidInput({"policy": _too_many(place, len(below))})
        for _, expression in cel.steps(inputs.policy, group.environment, inputs.now):
            if len(expression) > LONGEST_EXPRESSION:
                raise InvalidInput(
                    {
                        "policy": f"The rules are {len(expression):,} letters long, and a cluster "
                        f"reads {LONGEST_EXPRESSION:,}: use the webhook, or fewer path scopes."
                    }
                )


def _too_many(place: str, count: int) -> str:
    return (
        f"{place} has {count} path scopes below it, and a cluster has time to compare an image "
        f"with {MOST_BELOW_ONE}: register {place} as a whole, or use the webhook."
    )


def _spec(inputs: Inputs, group: Group, command: str, own_namespace: str) -> dict[str, Any]:
    """What both formats share."""
    steps = cel.steps(inputs.policy, group.environment, inputs.now)
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [_selector(group, own_namespace)]},
            "resourceRules": [
                {
                    "apiGroups": [group_name],
                    "apiVersions": [version],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": list(resources),
                }
                for group_name, version, resources in RULES
            ],
        },
        "variables": [{"name": name, "expression": expression} for name, expression in steps],
        "validations": [
            {
                "expression": cel.REFUSES_NONE,
                "message": cel.plain_message(group.environment, command),
                "messageExpression": cel.message(group.environment, command),
                "reason": "Forbidden",
            }
        ],
    }


def _selector(group: Group, own_namespace: str) -> dict[str, Any]:
    """The namespaces of a group; without the system's own, or a mistake would stop the cluster."""
    never = (SYSTEM_NAMESPACE, own_namespace)
    if group.only:
        values = sorted(set(group.only) - set(never))
        return {"key": BY_NAME, "operator": "In", "values": values}
    return {"key": BY_NAME, "operator": "NotIn", "values": [*never, *sorted(group.but)]}


def _vap(
    metadata: dict[str, Any], spec: dict[str, Any], actions: Sequence[str]
) -> Iterable[dict[str, Any]]:
    version = "admissionregistration.k8s.io/v1"
    binding = {"policyName": metadata["name"], "validationActions": list(actions)}
    return (
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": spec,
        },
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": binding,
        },
    )


def _kyverno(
    metadata: dict[str, Any], spec: dict[str, Any], actions: Sequence[str]
) -> Iterable[dict[str, Any]]:
    # All kinds are in the rules already; Kyverno would add its own for those with a template.
    own = {"validationActions": list(actions), "autogen": {"podControllers": {"controllers": []}}}
    return (
        {
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "ValidatingPolicy",
            "metadata": metadata,
            "spec": {**spec, **own},
        },
    )


def _signed(objects: Sequence[dict[str, Any]]) -> str:
    """The text with its own hash in it: as it will be read, without the hash."""
    read = [one.value for one in documents.read(written(objects).encode())]
    content = _content(read)
    for one in objects:
        metadata = one["metadata"]
        annotations = {**metadata["annotations"], CONTENT_HASH: content}
        one["metadata"] = {**metadata, "annotations": annotations}
    return _HEADER + written(objects)


def _content(objects: Sequence[Any]) -> str:
    bare = []
    for one in objects:
        annotations = {**_annotations(one)}
        annotations.pop(CONTENT_HASH, None)
        bare.append([annotations, {**one, "metadata": {**one["metadata"], "annotations": {}}}])
    return _hash(bare)


def _annotations(one: Any) -> Mapping[str, str]:
    metadata = one.get("metadata") if isinstance(one, dict) else None
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _hash(value: Any) -> str:
    whole = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()
