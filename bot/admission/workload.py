"""Every image that a Kubernetes object names, wherever it stands.

The kinds that Kubernetes brings have their pod where its API says. In all others, of which there
is no end, whatever holds `containers` counts as a pod: Argo Rollouts, Knative, Tekton, resources
that nobody has heard of. Checking these only tells people sooner; the pods that come of them are
asked about themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_TEMPLATE: Final = ("spec", "template", "spec")
_PODS: Final[Mapping[tuple[object, object], tuple[str, ...]]] = {
    ("v1", "Pod"): ("spec",),
    ("v1", "PodTemplate"): ("template", "spec"),
    ("v1", "ReplicationController"): _TEMPLATE,
    ("apps/v1", "Deployment"): _TEMPLATE,
    ("apps/v1", "StatefulSet"): _TEMPLATE,
    ("apps/v1", "DaemonSet"): _TEMPLATE,
    ("apps/v1", "ReplicaSet"): _TEMPLATE,
    ("batch/v1", "Job"): _TEMPLATE,
    ("batch/v1", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
}
_POD_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_CONTAINERS: Final = frozenset(
    {
        *_POD_CONTAINERS,
        "sidecars",  # Tekton, Argo Workflows
        "steps",  # Tekton
    }
)
_CONTAINER: Final = frozenset(
    {
        "container",  # Argo Workflows, KubeVirt
        "script",  # Argo Workflows
        "stepTemplate",  # Tekton
        "containerDisk",  # KubeVirt
    }
)
# Written by the server, long, and of no consequence for what runs.
_SKIPPED: Final = frozenset({"metadata", "status"})
_STEPS: Final = 16
_STEP_LONGEST: Final = 64
_PLAIN, _AS_CONTAINER, _AS_VOLUME = range(3)

Trail = tuple[object, Any] | None
"""A step into the object and those before it: a path costs nothing until it is told."""
Named = tuple[str, Trail]
"""An image, not yet parsed, and the way there."""
_Place = tuple[object, Trail, int]
"""A part of the object, the way there, and in which sense it is looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """An image, not yet parsed, at `path`, such as `spec.containers[0].image`.

    `path` is one printable line; of a deep one only its end.
    """

    path: str
    image: str


def images(obj: object) -> list[Found]:
    """The images in `obj`, which may be anything: what does not look like a workload has none."""
    return [Found(path_of(trail), image) for image, trail in named(obj)]


def named(obj: object) -> list[Named]:
    """The same, with paths that are not yet spelt out.

    Looks at each part once in each sense, so that an object that holds itself, as YAML allows, has
    an end.
    """
    found: list[Named] = []
    seen: set[tuple[int, int]] = set()
    waiting: list[_Place] = [(obj, None, _PLAIN)]
    while waiting:
        value, trail, sense = waiting.pop()
        if (id(value), sense) in seen:
            continue
        seen.add((id(value), sense))
        if isinstance(value, dict):
            path = _PODS.get(_kind(value))
            if path is not None:
                _pod(value, path, trail, found)
                continue
            _one(value, trail, sense, found)
            waiting += reversed(_below(value, trail))
        elif isinstance(value, list | tuple):
            waiting += [
                (value[at], (at, trail), sense)
                for at in range(len(value) - 1, -1, -1)
                if isinstance(value[at], dict | list | tuple)
            ]
    return found


def _kind(value: dict[Any, Any]) -> tuple[object, object]:
    version, kind = value.get("apiVersion"), value.get("kind")
    return (version, kind) if isinstance(version, str) and isinstance(kind, str) else (None, None)


def _pod(value: dict[Any, Any], path: tuple[str, ...], trail: Trail, found: list[Named]) -> None:
    """The images of a pod whose place in the object is known."""
    spec: Any = value
    for step in path:
        spec, trail = spec.get(step), (step, trail)
        if not isinstance(spec, dict):
            return
    for name in _POD_CONTAINERS:
        _each(spec.get(name), (name, trail), _AS_CONTAINER, found)
    _each(spec.get("volumes"), ("volumes", trail), _AS_VOLUME, found)


def _each(several: object, trail: Trail, sense: int, found: list[Named]) -> None:
    if isinstance(several, list | tuple):
        for at, one in enumerate(several):
            if isinstance(one, dict):
                _one(one, (at, trail), sense, found)


def _one(value: dict[Any, Any], trail: Trail, sense: int, found: list[Named]) -> None:
    """The image of one container, or of one volume."""
    image = value.get("image")
    if isinstance(image, str):
        if image and (sense == _AS_CONTAINER or "imagePullPolicy" in value):
            found.append((image, ("image", trail)))
    elif sense == _AS_VOLUME and isinstance(image, dict):
        reference = image.get("reference")
        if isinstance(reference, str) and reference:
            found.append((reference, ("reference", ("image", trail))))


def _below(value: dict[Any, Any], trail: Trail) -> list[_Place]:
    """What stands in a mapping, with the sense that its key gives it."""
    whole = "kind" in value and "apiVersion" in value
    places: list[_Place] = []
    for key, part in value.items():
        if not isinstance(part, dict | list | tuple) or (whole and key in _SKIPPED):
            continue
        to = (str(key) if isinstance(key, str | int) else "?", trail)
        if key in _CONTAINERS and isinstance(part, dict):  # by name, as Score has them
            places += [(one, (str(by), to), _AS_CONTAINER) for by, one in part.items()]
        elif key in _CONTAINERS or key in _CONTAINER:
            places.append((part, to, _AS_CONTAINER))
        else:
            places.append((part, to, _AS_VOLUME if key == "volumes" else _PLAIN))
    return places


def path_of(trail: Trail) -> str:
    """The way spelt out, see `Found`."""
    steps: list[str] = []
    while trail is not None and len(steps) < _STEPS:
        key, trail = trail
        steps.append(f"[{key}]" if isinstance(key, int) else f".{_plain(str(key))}")
    steps.reverse()
    path = "".join(steps).removeprefix(".")
    return path if trail is None else f"…{path}"


def _plain(key: str) -> str:
    if len(key) > _STEP_LONGEST:
        key = f"{key[:_STEP_LONGEST]}…"
    if key.isprintable():
        return key
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in key
    )
