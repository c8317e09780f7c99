"""One check under way: its stages, its requests, and what it learned so far."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import httpx

from bot.core.backoff import FARTHEST, parse_retry_after
from bot.core.check import (
    Cause,
    Evidence,
    Expiry,
    Mark,
    Progress,
    Stage,
    StageResult,
)
from bot.core.clock import Clock
from bot.core.config import Config
from bot.errors import EgressError
from bot.kinds.age import Question
from bot.kinds.aws import AwsGateway
from bot.kinds.finding import Stop, limited, unreachable
from bot.kinds.memory import Memory
from bot.kinds.net import SMALL, Egress

MOST_REQUESTS: Final = 6
_PATH_SHOWN: Final = 200
_MILLISECONDS: Final = ("retry-after-ms", "x-ms-retry-after-ms")  # Azure
# GitHub and GitLab give a unix time, the IETF's draft seconds.
_RESETS: Final = ("x-ratelimit-reset", "ratelimit-reset")


class Visit:
    """What a kind works with during one check.

    `identity`, `expiry`, `issued_at`, `scopes` and `warnings` are filled in as providers tell them.
    `question` is left behind by a kind whose provider tells the expiry or age only when asked for.
    """

    def __init__(
        self,
        *,
        config: Config,
        egress: Egress,
        aws: AwsGateway,
        clock: Clock,
        memory: Memory,
        progress: Progress | None = None,
    ) -> None:
        self.config = config
        self.egress = egress
        self.aws = aws
        self.clock = clock
        self.memory = memory
        self.identity = ""
        self.expiry: Expiry | None = None
        self.issued_at: datetime | None = None
        self.scopes: tuple[str, ...] = ()
        self.warnings: list[str] = []
        self.question: Question | None = None
        self.evidence: list[Evidence] = []
        self.stage = Stage.ADDRESS
        self.host = ""  # whom we are talking to, for the sentence of a timeout
        self._marks: dict[Stage, StageResult] = {}
        self._progress = progress

    @property
    def left(self) -> int:
        """How many requests this check may still send."""
        return MOST_REQUESTS - len(self.evidence)

    @property
    def stages(self) -> tuple[StageResult, ...]:
        """The stages reached so far, in order."""
        return tuple(self._marks[stage] for stage in Stage if stage in self._marks)

    def enter(self, stage: Stage) -> None:
        """Begin `stage`."""
        self.stage = stage
        self.mark(stage, Mark.RUNNING)

    def mark(self, stage: Stage, mark: Mark, note: str = "") -> None:
        """Say how `stage` stands, and tell whoever watches."""
        self._marks[stage] = StageResult(stage, mark, note)
        if self._progress is not None:
            self._progress(self.stages)

    def passed(self, stage: Stage, note: str = "") -> None:
        self.mark(stage, Mark.PASSED, note)

    def unknown(self, stage: Stage, note: str = "") -> None:
        self.mark(stage, Mark.UNKNOWN, note)

    def note(
        self, method: str, host: str, path: str, status: int | None, code: str | None, *, auth: bool
    ) -> None:
        """Keep one request as evidence: no query, no secret, no body."""
        self.evidence.append(
            Evidence(self.stage, method, host, path[:_PATH_SHOWN], status, code, not auth)
        )

    async def request(
        self,
        method: str,
        url: str | httpx.URL,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        *,
        auth: bool = False,
        limit: int = SMALL,
        query: str = "",
        once: bool = False,
    ) -> httpx.Response:
        """Send one request; stop the check on 429 and 5xx, which judge no credential.

        `auth` says whether it carries the credential (or a token made from it); `once` is for what
        must not happen twice, and `query` for what differs each time, see `Egress.send`.
        """
        target = parsed(url) if isinstance(url, str) else url
        self.host = target.host
        try:
            answer = await self.egress.send(
                method, target, headers, content, limit, query=query, once=once
            )
        except EgressError as error:
            self.note(method, target.host, target.path, None, error.cause, auth=auth)
            raise
        except asyncio.CancelledError:  # the check's time is over
            self.note(method, target.host, target.path, None, Cause.TIMEOUT, auth=auth)
            raise
        if self.stage is Stage.ADDRESS:
            self._reached(target.scheme)
        status = answer.status_code
        if status < 400:
            self.note(method, target.host, target.path, status, None, auth=auth)
            return answer
        self.note(method, target.host, target.path, status, error_code(answer), auth=auth)
        self._stop_unless_judged(answer, target.host)
        return answer

    def _reached(self, scheme: str) -> None:
        """Any HTTP answer, also a 429 or 503, proves the address and the certificate."""
        self.passed(Stage.ADDRESS)
        if scheme == "https":
            self.passed(Stage.TLS)
        else:
            self.mark(Stage.TLS, Mark.SKIPPED, "plain HTTP")
        self.enter(Stage.REGISTRY)

    def _stop_unless_judged(self, answer: httpx.Response, host: str) -> None:
        if answer.status_code == 429:
            now = self.clock.now()
            at = retry_at(answer.headers, now) or reset_at(answer.headers, now)
            raise self.too_many(host, at)
        if answer.status_code >= 500:
            raise unreachable(
                self.stage,
                Cause.REGISTRY_ERROR,
                f"{host} is failing ({answer.status_code}); the credential was not judged.",
                "Nothing to do here: it is tried again by itself.",
                retry_at(answer.headers, self.clock.now()),
            )

    def expect_the_api(self, answer: httpx.Response) -> None:
        """Stop when a refusal is not the API's own, whose every answer is JSON.

        A firewall or proxy in front of it says 401 and 403 too, and has judged no credential.
        """
        if answer.status_code not in {401, 403} or json_object(answer):
            return
        host = answer.request.url.host
        raise unreachable(
            self.stage,
            Cause.BLOCKED_BY_REGISTRY,
            f"Something in front of {host} turned us away ({answer.status_code}), a firewall or a "
            "proxy; the credential was not judged.",
            "It is tried again by itself. If it lasts, ask who runs Registrar whether its network "
            f"may reach {host}.",
        )

    def too_many(self, host: str, at: datetime | None) -> Stop:
        """The finding for "asked too often"."""
        when = f" until {at:%H:%M} UTC" if at is not None else ""
        return limited(
            self.stage,
            f"{host} limits requests{when}; the credential was not judged.",
            "Nothing to do here: it is tried again by itself.",
            at,
        )


@lru_cache(maxsize=4096)
def parsed(url: str) -> httpx.URL:
    """The URL, parsed once: a host is asked for the same few again and again."""
    return httpx.URL(url)


def retry_at(headers: httpx.Headers, now: datetime) -> datetime | None:
    """When to come back, by `Retry-After` and what some send in its place.

    At most a day ahead, whatever the header says; None when it says nothing readable.
    """
    if (text := headers.get("retry-after", "").strip()) and (at := parse_retry_after(text, now)):
        return at
    for name in _MILLISECONDS:
        if (count := _digits(headers.get(name, ""))) is not None:
            return parse_retry_after(str(count / 1000), now)
    if (unix := _digits(headers.get("x-retry-after", ""))) is not None:
        return _moment(unix, now)
    return None


def reset_at(headers: httpx.Headers, now: datetime) -> datetime | None:
    """When a spent budget of requests is renewed; to be read only of an answer that says it is."""
    for name in _RESETS:
        if (count := _digits(headers.get(name, ""))) is not None:
            return _moment(count, now)
    return None


def _moment(number: int, now: datetime) -> datetime | None:
    """A unix time, or seconds from now when it would be in the last century."""
    if number < 1_000_000_000:
        return parse_retry_after(str(number), now)
    try:
        at = datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(at, now), now + FARTHEST)


def _digits(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def error_code(answer: httpx.Response) -> str | None:
    """The first error code in a registry's or token service's JSON body; None without one."""
    body = json_object(answer)
    errors = body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        code = errors[0].get("code")
        if isinstance(code, str) and code.isascii() and len(code) <= 64:
            return code.upper()
    if isinstance(body.get("details"), str):  # auth.docker.io
        return "DETAILS"
    return None


def json_object(answer: httpx.Response) -> dict[str, object]:
    """The body as a JSON object; empty when it is anything else."""
    if not answer.content.startswith((b"{", b" ", b"\n", b"\r", b"\t")):
        return {}
    try:
        body = answer.json()
    except (ValueError, RecursionError):  # bad UTF-8 and bad JSON are both ValueErrors
        return {}
    return body if isinstance(body, dict) else {}
