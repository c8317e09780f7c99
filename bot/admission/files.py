"""The images that a file names: Kubernetes objects, a Compose file, or what Helm prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.admission import compose, documents, workload


@dataclass(frozen=True, slots=True)
class Named:
    """An image and where a file names it.

    `number` counts the file's documents from 1; `document` is what the document is, such as
    `Deployment web/api`, and `source` the template that it came of; both may be empty.
    """

    image: str
    file: str
    line: int
    number: int
    document: str
    source: str
    path: str


def images(file: str, data: bytes) -> list[Named]:
    """All images of a file in their order; raises Unreadable."""
    return [
        Named(
            image=str(found.image),
            file=file,
            line=getattr(found.image, "line", one.line),
            number=one.number,
            document=_title(value),
            source=one.source,
            path=f"{prefix}{found.path}",
        )
        for one in documents.read(data)
        for prefix, value in _objects(one.value)
        for found in (compose if compose.is_compose(value) else workload).images(value)
    ]


def _objects(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The objects of a document: itself, or the items of a List, or of a bare list."""
    items, at = value, prefix
    if isinstance(value, dict) and str(value.get("kind", "")).endswith("List"):
        items, at = value.get("items"), f"{prefix}items"
    if not isinstance(items, list):
        yield prefix, value
        return
    for number, item in enumerate(items):
        yield from _objects(item, f"{at}[{number}].")


def _title(value: Any) -> str:
    """`Deployment web/api`, as far as the object says."""
    if not isinstance(value, dict):
        return ""
    metadata = value.get("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    name = "/".join(str(told[key]) for key in ("namespace", "name") if told.get(key))
    return " ".join(part for part in (str(value.get("kind") or ""), name) if part)
