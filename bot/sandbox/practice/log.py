"""What was asked of the practice registries, without any secret."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.sandbox.practice.ask import Ask

KEPT: Final = 300


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request. `shows` says how a secret came along (`basic`, `bearer`, …), never the secret;
    `slug` is the practice registry that answered, empty for a stranger's host.
    """

    at: datetime
    slug: str
    method: str
    host: str
    path: str
    status: int
    shows: str = ""

    @property
    def authenticated(self) -> bool:
        return bool(self.shows)

    @property
    def who(self) -> str:
        """Whom the bot asked."""
        return self.host

    @property
    def what(self) -> str:
        """The request in a line, as the sandbox's panel shows it."""
        manner = f" ({self.shows})" if self.shows else " (anonymous)"
        return f"{self.method} {self.path} → {self.status}{manner}"


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=KEPT)

    def note(self, at: datetime, slug: str, ask: Ask, status: int, shows: str) -> None:
        self.entries.append(LogEntry(at, slug, ask.method, ask.host, ask.path, status, shows))

    def clear(self) -> None:
        self.entries.clear()
