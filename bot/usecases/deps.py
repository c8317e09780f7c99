"""What every use case needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bot.core.check import CheckResult, Progress
from bot.core.clock import Clock
from bot.core.config import Config
from bot.core.reference import NoReferences, References
from bot.kinds.net import AllowList
from bot.store.engine import Store


class Checks(Protocol):
    """Tries a credential now. Never raises for anything that a registry does."""

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult: ...


@dataclass(frozen=True, slots=True)
class Deps:
    """The database, the checker, the time, and which private hosts the operator allows.

    `references` follows what is stored in place of secrets.
    """

    store: Store
    checker: Checks
    clock: Clock
    allow: AllowList
    references: References = field(default_factory=NoReferences)

    @property
    def follows(self) -> bool:
        """Whether the operator allows references at all."""
        return not isinstance(self.references, NoReferences)
