"""What people see of a stored registry: values without secrets, passed outwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.check import Cause, Expiry, StageResult, Verdict
from bot.core.health import Standing
from bot.core.pause import Pause


class Environment(StrEnum):
    """Where the images of a registry run."""

    ANY = "any"
    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"


@dataclass(frozen=True, slots=True)
class Details:
    """What a person says of a registry besides how to sign in."""

    name: str
    description: str = ""
    environment: Environment = Environment.ANY
    owner: str = ""  # a Slack user id
    rotate_days: int = 90  # 0: never asked to rotate
    recheck_minutes: int | None = None  # None: as often as the workspace says
    also_at: tuple[str, ...] = ()  # `host` or `host/path` with the same images, such as a cache


@dataclass(frozen=True, slots=True)
class CredentialView:
    """A stored credential as it may be shown.

    `login` is the name it signs in as, shortened where the vendor treats it as sensitive
    (`AKIA…7Q2F`); `fingerprint` is keyed, so it tells equal secrets apart without revealing them.
    `typed` is the expiry that a person typed; the provider's word stands above it.
    `sources` are the references that stand for its secrets.
    """

    login: str
    fingerprint: str
    stored_at: datetime
    proven: bool
    issued_at: datetime | None = None
    expiry: Expiry | None = None
    typed: datetime | None = None
    sources: tuple[str, ...] = ()

    @property
    def disputed(self) -> bool:
        """Whether the provider tells another day than the person who typed one."""
        if self.typed is None or self.expiry is None or self.expiry.source == "person":
            return False
        return self.expiry.at is None or self.expiry.at.date() != self.typed.date()


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check out of the history."""

    at: datetime
    took: float
    verdict: Verdict
    sentence: str
    remedy: str
    cause: Cause | None
    stages: tuple[StageResult, ...]
    trigger: str  # `save`, `person`, `schedule`
    by: str = ""


@dataclass(frozen=True, slots=True)
class RegistryView:
    """A registry of the list.

    `verdict` is None before its first check; `broken` explains a row whose credential cannot be
    opened (then nothing else about the credential is trustworthy). `standing` is what its checks
    say together; `pause` a maintenance window, also one that is over; `recheck_minutes` its own
    interval, None for the workspace's.
    """

    id: str
    kind: str
    variant: str
    kind_label: str
    url: str
    host: str
    path_scope: str
    test_image: str
    details: Details
    version: int
    created_by: str
    updated_by: str
    updated_at: datetime
    verdict: Verdict | None = None
    sentence: str = ""
    remedy: str = ""
    checked_at: datetime | None = None
    next_check_at: datetime | None = None
    credential: CredentialView | None = None
    last_check: CheckView | None = None
    broken: str = ""
    deleted_at: datetime | None = None
    standing: Standing = Standing.UNKNOWN
    pause: Pause | None = None
    recheck_minutes: int | None = None

    @property
    def name(self) -> str:
        return self.details.name

    @property
    def needs_attention(self) -> bool:
        return bool(self.broken) or self.verdict not in {None, Verdict.PROVEN}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which registries to list. `text` matches name, host, scope and kind label."""

    text: str = ""
    kind: str = ""
    environment: str = ""
    owner: str = ""
    attention: bool = False


@dataclass(frozen=True, slots=True)
class RegistryPage:
    """One page of a list, needing attention first, then by name. `number` counts from 1."""

    rows: tuple[RegistryView, ...]
    number: int
    pages: int
    total: int
    attention: int
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Counters:
    """How many registries there are, and in which state; `unchecked` were never checked."""

    total: int
    by_verdict: dict[Verdict, int]
    unchecked: int
    broken: int
    attention: int
