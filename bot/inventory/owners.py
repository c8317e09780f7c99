"""Objects of a cluster put together to what people deployed: workloads and their images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.admission.workload import images

Object = Mapping[str, Any]
Workload = tuple[str, str, str]
"""Namespace, kind and name."""

_OVER: Final = frozenset({"Succeeded", "Failed"})
_ENDED: Final = frozenset({"Complete", "Failed"})


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of an object; the rest of it need not stay in memory."""

    workload: Workload
    owner: str  # the uid of its controller, empty for none
    owned_by: Workload | None
    images: frozenset[str]
    counts: bool


class Owners:
    """Collects objects page by page, in any order, and answers when all are there."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def add(self, obj: Object) -> None:
        """An object with its `apiVersion` and `kind`, which lists leave out."""
        known = _known(obj)
        self._known[_text(_metadata(obj), "uid") or "/".join(known.workload)] = known

    def workloads(self) -> dict[Workload, list[str]]:
        """Images by what is at the top of those that use them, in order.

        Nothing is left out because it does not run at the moment: deployments with no replicas and
        suspended cron jobs will. What will never run again does not count: pods and jobs that have
        ended, and the replica sets of earlier versions.
        """
        found: dict[Workload, set[str]] = {}
        for known in self._known.values():
            if known.counts and known.images:
                found.setdefault(self._top(known), set()).update(known.images)
        return {workload: sorted(found[workload]) for workload in sorted(found)}

    def _top(self, known: _Known) -> Workload:
        """Its highest controller; one that is of a kind we do not list is known by name only."""
        seen = set()
        while known.owner and known.owner not in seen:
            seen.add(known.owner)
            above = self._known.get(known.owner)
            if above is None:
                return known.owned_by or known.workload
            known = above
        return known.workload


def _known(obj: Object) -> _Known:
    metadata = _metadata(obj)
    namespace = _text(metadata, "namespace")
    owner = _controller(metadata)
    above = (namespace, _text(owner, "kind"), _text(owner, "name")) if owner else None
    return _Known(
        workload=(namespace, _text(obj, "kind"), _text(metadata, "name")),
        owner=_text(owner, "uid"),
        owned_by=above,
        images=frozenset(found.image for found in images(obj)),
        counts=_counts(obj, owned=bool(owner)),
    )


def _counts(obj: Object, *, owned: bool) -> bool:
    spec, status = _mapping(obj.get("spec")), _mapping(obj.get("status"))
    match obj.get("kind"):
        case "Pod":
            return status.get("phase") not in _OVER
        case "Job":
            conditions = status.get("conditions") or ()
            return not any(
                _mapping(one).get("type") in _ENDED and _mapping(one).get("status") == "True"
                for one in conditions
            )
        case "ReplicaSet":
            return not owned or spec.get("replicas") != 0
        case _:
            return True


def _controller(metadata: Object) -> Object:
    """The owner that controls it. A node "controls" the copies of its static pods."""
    for owner in metadata.get("ownerReferences") or ():
        if isinstance(owner, Mapping) and owner.get("controller") and owner.get("kind") != "Node":
            return owner
    return {}


def _metadata(obj: Object) -> Object:
    return _mapping(obj.get("metadata"))


def _mapping(found: object) -> Object:
    return found if isinstance(found, Mapping) else {}


def _text(found: Object, key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""
