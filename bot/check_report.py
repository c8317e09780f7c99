"""What `registrar check` prints: lines for people, JSON, JUnit, or GitHub's workflow commands.

Everything in it may come from a file that anybody wrote, so no line begins with such text, and
nothing in it is a command to whoever reads the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

from bot.admission.files import Named
from bot.core.policy import plain
from bot.usecases.asking import Asked

_INDENT: Final = " " * 9


@dataclass(frozen=True, slots=True)
class Judged:
    """An image where it is named, the verdict, and why in sentences."""

    named: Named
    asked: Asked
    why: str


def for_people(judged: Sequence[Judged]) -> str:
    """Refused ones last, so that they are in sight."""
    lines = []
    for one in sorted(judged, key=lambda one: not one.asked.verdict.allowed):
        allowed, image = one.asked.verdict.allowed, one.asked.verdict.image
        lines.append(f"{'allowed' if allowed else 'refused'}  {_plain(one.named.image)}")
        if one.named.file:
            lines.append(f"{_INDENT}in {_place(one.named)}")
        if image and image != one.named.image:
            lines.append(f"{_INDENT}read as {image}")
        lines.append(f"{_INDENT}because {_plain(one.why, 2000)}")
    return "\n".join((*lines, _total(judged), ""))


def for_json(judged: Sequence[Judged]) -> str:
    return json.dumps([_as_json(one) for one in judged], indent=2) + "\n"


def for_github(judged: Sequence[Judged]) -> str:
    """An annotation for each refused image, at its line.

    Source: docs.github.com, "Workflow commands"; actions/toolkit, command.ts, for the escapes.
    """
    lines = []
    for one in judged:
        if one.asked.verdict.allowed:
            continue
        at = {"file": one.named.file, "line": str(one.named.line)} if one.named.file else {}
        values = {**at, "title": "Image refused"}
        told = ",".join(f"{key}={_property(value)}" for key, value in values.items())
        lines.append(f"::error {told}::{_data(_plain(one.why, 2000))}")
    return "\n".join((*lines, _total(judged), ""))


def for_junit(judged: Sequence[Judged]) -> str:
    """One suite with a case for each image; a refusal is a failure."""
    failures = sum(not one.asked.verdict.allowed for one in judged)
    counts = {"tests": str(len(judged)), "failures": str(failures), "errors": "0"}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": "registrar check", **counts})
    for one in judged:
        group = _place(one.named) if one.named.file else "command line"
        name = {"classname": group, "name": _plain(one.named.image)}
        case = ET.SubElement(suite, "testcase", name)
        if one.named.file:
            case.set("file", _plain(one.named.file))
            case.set("line", str(one.named.line))
        if not one.asked.verdict.allowed:
            why = _plain(one.why, 2000)
            ET.SubElement(case, "failure", {"message": why, "type": "refused"}).text = why
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


REPORTS: Final[Mapping[str, Callable[[Sequence[Judged]], str]]] = {
    "people": for_people,
    "json": for_json,
    "github": for_github,
    "junit": for_junit,
}


def _as_json(one: Judged) -> dict[str, Any]:
    named, verdict, near = one.named, one.asked.verdict, one.asked.nearest
    return {
        "image": named.image,
        "verdict": "allowed" if verdict.allowed else "refused",
        "canonical": verdict.image,
        "registry": verdict.registry,
        "why": one.why,
        "nearest": {"registry": near.registry, "covers": near.place} if near else None,
        "file": named.file,
        "line": named.line,
        "document": named.number,
        "object": named.document,
        "source": named.source,
        "path": named.path,
    }


def _place(named: Named) -> str:
    """`k8s.yaml:12, document 2, Deployment web/api, spec.…image`."""
    source = f"from {_plain(named.source)}" if named.source else ""
    parts: Iterable[str] = (f"document {named.number}", _plain(named.document), source)
    at = f"{_plain(named.file)}:{named.line}"
    return ", ".join(part for part in (at, *parts, _plain(named.path)) if part)


def _total(judged: Sequence[Judged]) -> str:
    refused = sum(not one.asked.verdict.allowed for one in judged)
    images = "1 image" if len(judged) == 1 else f"{len(judged)} images"
    return f"{images}: {len(judged) - refused} allowed, {refused} refused."


def _plain(text: str, most: int = 300) -> str:
    """On one line, without control characters, nor GitHub's older mark of a command."""
    return plain(text, most).replace("##[", "# #[")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
