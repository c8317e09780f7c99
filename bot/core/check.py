"""What a check of a credential answers: a verdict with its evidence, never a boolean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """What a check found out about a credential."""

    PROVEN = "proven"  # refused without the credential (or told by the provider), accepted with it
    UNPROVEN = "unproven"  # accepted, but so is anyone: never green
    REFUSED = "refused"  # wrong, expired, revoked, or lacks a right
    UNREACHABLE = "unreachable"  # DNS, TLS, timeout, 5xx, not a registry
    LIMITED = "limited"  # asked too often; the credential was not judged
    BLOCKED = "blocked"  # our own egress rules forbid the address or the realm
    UNRESOLVED = "unresolved"  # the reference leads to no secret; the registry was not asked


class Stage(StrEnum):
    """The steps of a check, in order."""

    ADDRESS = "address"
    TLS = "tls"
    REGISTRY = "registry"
    LOGIN = "login"
    PULL = "pull"
    IMAGE = "image"


class Mark(StrEnum):
    """How a stage ended."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"  # tried, but no definitive answer
    SKIPPED = "skipped"  # not asked for (no test image) or not reached


class Level(IntEnum):
    """How strong the evidence is; only E2 and E3 may be shown as valid."""

    E0 = 0  # no definitive answer (429, 5xx, timeout)
    E1 = 1  # accepted with the credential, but also without
    E2 = 2  # the same request is refused anonymously and accepted with the credential
    E3 = 3  # the provider named the identity of exactly this credential


class Cause(StrEnum):
    """Why a check did not end proven; the taxonomy of what people are told."""

    BAD_CREDENTIALS = "bad_credentials"
    EXPIRED = "expired"
    REVOKED = "revoked"
    MISSING_SCOPE = "missing_scope"
    NO_ACCESS = "no_access"
    SSO_REQUIRED = "sso_required"
    WRONG_KIND = "wrong_kind"
    MALFORMED = "malformed"
    ACCEPTS_ANYONE = "accepts_anyone"
    IMAGE_NEEDED = "image_needed"
    NO_CREDENTIAL = "no_credential"
    PAIR_NOT_PROVEN = "pair_not_proven"
    TAG_NOT_FOUND = "tag_not_found"
    HOST_NOT_FOUND = "host_not_found"
    CONNECT_FAILED = "connect_failed"
    TIMEOUT = "timeout"
    TLS_FAILURE = "tls_failure"
    NOT_A_REGISTRY = "not_a_registry"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    REALM_NOT_TRUSTED = "realm_not_trusted"
    BLOCKED_HOST = "blocked_host"
    BLOCKED_BY_REGISTRY = "blocked_by_registry"
    RATE_LIMITED = "rate_limited"
    REGISTRY_ERROR = "registry_error"
    REGION_MISMATCH = "region_mismatch"
    IDENTITY_MISMATCH = "identity_mismatch"
    CLOCK_SKEW = "clock_skew"
    REFERENCE = "reference"
    NO_BOT_IDENTITY = "no_bot_identity"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One request of a check, for the log: no secrets, no query strings, no bodies."""

    stage: Stage
    method: str
    host: str
    path: str
    status: int | None
    code: str | None = None
    anonymous: bool = False

    @property
    def line(self) -> str:
        """Such as `GET ghcr.io/v2/ 401 UNAUTHORIZED`."""
        line = f"{self.method} {self.host}{self.path} {self.status or '-'} {self.code or ''}"
        return line.strip()


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage of a check as shown to people; `note` is a few words such as `public image`."""

    stage: Stage
    mark: Mark
    note: str = ""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a credential stops working and who says so.

    `at` is None when the provider says that it never expires; `source` is `provider`, `header`,
    `jwt` or `person`.
    """

    at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of one check.

    `sentence` says what happened and `remedy` what to do; both are ours, never a vendor's text, and
    free of secrets. `stage` is the stage that decided. `explicit` is true when the provider itself
    said that the credential is bad (expired, revoked, identity call refused), false for a bare
    401/403 of a registry. `took` is in seconds.
    """

    verdict: Verdict
    level: Level
    stage: Stage
    sentence: str
    at: datetime
    took: float
    cause: Cause | None = None
    remedy: str = ""
    explicit: bool = False
    identity: str = ""
    expiry: Expiry | None = None
    issued_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    retry_at: datetime | None = None
    stages: tuple[StageResult, ...] = ()
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)


Progress = Callable[[tuple[StageResult, ...]], None]
"""Called with all stages so far whenever one changes; must not block."""
