"""A provider whose secrets live and die as told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.check import CheckResult, Progress
from bot.core.config import Config
from tests.factories import NOW, proven, refused

OLD, NEW, NEWER = "correct horse", "battery staple", "quite another one"


@dataclass
class Provider:
    """Accepts the secrets that live, refuses the others, and remembers who asked with which."""

    alive: set[str] = field(default_factory=lambda: {OLD, NEW})
    answers: dict[str, CheckResult] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    now: datetime = NOW

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        secret = config.secrets["password"].reveal()
        self.seen.append((config.host, secret))
        self.images.append(config.test_image)
        if secret in self.answers:
            return replace(self.answers[secret], at=self.now)
        return proven(at=self.now) if secret in self.alive else refused(at=self.now)

    def tries_of(self, secret: str) -> int:
        return sum(1 for _, asked in self.seen if asked == secret)
