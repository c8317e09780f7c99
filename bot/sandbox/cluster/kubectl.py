"""A terminal beside the cluster: commands, and what kubectl prints for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.sandbox.cluster.verdict import Verdict

KEPT: Final = 30


class Outcome(StrEnum):
    """How a command ended, for the eye."""

    DONE = "done"
    WARNED = "warned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Printed:
    """A command about an image, what it printed, and events that came of it."""

    number: int
    at: datetime
    command: str
    image: str
    lines: tuple[str, ...]
    outcome: Outcome


class Terminal:
    """The last commands, oldest first."""

    def __init__(self) -> None:
        self.printed: deque[Printed] = deque(maxlen=KEPT)
        self._count = 0

    def show(
        self, at: datetime, command: str, image: str, lines: Sequence[str], outcome: Outcome
    ) -> None:
        self._count += 1
        self.printed.append(Printed(self._count, at, command, image, tuple(lines), outcome))


def created(name: str, verdict: Verdict) -> tuple[list[str], Outcome]:
    """What `kubectl create deployment` prints."""
    if not verdict.allowed:
        return [f"error: failed to create deployment: {verdict.denial}"], Outcome.REFUSED
    lines = [f"Warning: {warning}" for warning in verdict.warnings]
    if verdict.unasked:
        lines.append(f"# Not asked, so it is let through: {verdict.unasked}")
    outcome = Outcome.WARNED if lines else Outcome.DONE
    return [*lines, f"deployment.apps/{name} created"], outcome


def failed_create(owner: str, verdict: Verdict) -> str:
    """The event of a controller that may not create what it should."""
    return f"Warning  FailedCreate  {owner}  Error creating: {verdict.denial}"
