"""Where an image was seen: `NAMESPACE/KIND/NAME` of the workload that somebody made.

Pods come and go with other names each time; the deployment that makes them stays.
"""

from __future__ import annotations

import re
from typing import Any, Final

from bot.admission.request import Request

_HASH: Final = "pod-template-hash"
_RUN: Final = re.compile(r"(.+)-[0-9]{8,10}")  # a CronJob names its jobs by the minute


def place_of(request: Request) -> str:
    """The place, empty when the object has no usable name."""
    meta = _mapping(request.obj.get("metadata"))
    kind = request.obj.get("kind")
    name = meta.get("name") or meta.get("generateName")
    owner = _controller(meta)
    if owner:
        kind, name = owner.get("kind"), owner.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        return ""
    kind, name = _maker(kind, name.rstrip("-"), _mapping(meta.get("labels")))
    parts = (request.namespace, kind, name)
    if not kind or not name or any("/" in part for part in parts):
        return ""
    return "/".join(parts)


def _controller(meta: dict[str, Any]) -> dict[str, Any]:
    owners = meta.get("ownerReferences")
    several = owners if isinstance(owners, list) else []
    for owner in several:
        if isinstance(owner, dict) and owner.get("controller") is True:
            return owner
    return {}


def _maker(kind: str, name: str, labels: dict[str, Any]) -> tuple[str, str]:
    """Who made a ReplicaSet or a Job, told by the way in which they are named."""
    template = labels.get(_HASH)
    if kind == "ReplicaSet" and isinstance(template, str) and name.endswith(f"-{template}"):
        return "Deployment", name.removesuffix(f"-{template}")
    run = _RUN.fullmatch(name) if kind == "Job" else None
    return ("CronJob", run[1]) if run else (kind, name)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
