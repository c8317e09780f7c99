"""`aws-secretsmanager:ARN` or `…#key`: AWS Secrets Manager, with the process's own AWS identity.

The identity is found as every AWS program finds it (role of the machine or pod, environment). It
needs `secretsmanager:GetSecretValue`, and `kms:Decrypt` where the secret has a key of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from bot.core.clock import Clock
from bot.core.reference import LARGEST
from bot.core.secret import Secret
from bot.errors import Unresolved
from bot.references.allowed import ARN

Endpoint = Callable[[str, str], str | None]

KEPT: Final = timedelta(seconds=45)
"""Shorter than the wait between two refusals that count: an old value condemns no new one."""
KEPT_FAILURE: Final = timedelta(seconds=15)
LASTS: Final = timedelta(hours=1)
"""For so long what was read last is given while AWS does not answer: a cluster that pulls with it
must not lose its login because of a time-out."""
SECONDS: Final = 2.0
"""So long somebody waits. A form in Slack must be answered within three seconds."""
_THREADS: Final = 4
_SUFFIX: Final = 7  # `-AbCdEf`, which AWS adds to the name and which may be left out
THROTTLED: Final = {"ThrottlingException", "Throttling", "TooManyRequestsException"}
_WORDS: Final = {
    "ResourceNotFoundException": "There is no such secret in AWS Secrets Manager.",
    "AccessDeniedException": "AWS does not let Registrar read this secret; give its own identity "
    "secretsmanager:GetSecretValue, and kms:Decrypt where the secret has a key of its own.",
    "DecryptionFailure": "AWS cannot decrypt the secret; give Registrar's identity kms:Decrypt.",
    "InvalidRequestException": "The secret is marked for deletion, or has no current version.",
    "UnrecognizedClientException": "AWS does not know the identity that Registrar runs with.",
    "ExpiredTokenException": "The AWS session that Registrar runs with has ended.",
}


class _Away(Unresolved):
    """AWS did not answer; what it said last may still be so."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is known until then: the secret, read at `read_at`, or why there is none."""

    until: datetime
    read_at: datetime
    text: Secret | None
    fault: str = ""


class SecretsManager:
    """Reads secrets, each at most once in `KEPT` however many registries refer to it."""

    def __init__(self, clock: Clock, endpoint: Endpoint) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="secrets")
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._kept: dict[str, _Kept] = {}
        self._asked: dict[str, asyncio.Task[_Kept]] = {}
        # At DEBUG these write the answers they get, secrets and all.
        for name in ("boto3", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)

    async def resolve(self, place: str) -> Secret:
        arn, mark, key = place.partition("#")
        found = await self._current(arn)
        if found.text is None:
            raise Unresolved(found.fault)
        return _member(found.text, key) if mark else found.text

    def close(self) -> None:
        """Let the threads go; a call still running ends by its own time limits."""
        for task in self._asked.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _current(self, arn: str) -> _Kept:
        now = self._clock.now()
        kept = self._kept.get(arn)
        if kept is not None and now < kept.until:
            return kept
        task = self._asked.get(arn)
        if task is None:
            task = self._asked[arn] = asyncio.create_task(self._ask(arn))
            task.add_done_callback(lambda _: self._asked.pop(arn, None))
        try:
            # Whoever waits no longer leaves the question to the next, who finds its answer.
            return await asyncio.wait_for(asyncio.shield(task), SECONDS)
        except TimeoutError:
            last = self._last(arn)
            if last is not None:
                return last
            raise Unresolved(
                "AWS Secrets Manager did not answer within 2 seconds; it is tried again."
            ) from None

    async def _ask(self, arn: str) -> _Kept:
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(self._threads, self._value, arn)
            now = self._clock.now()
            kept = _Kept(now + KEPT, now, text)
        except Unresolved as error:
            now = self._clock.now()
            last = self._last(arn) if isinstance(error, _Away) else None
            again = now + KEPT_FAILURE
            kept = replace(last, until=again) if last else _Kept(again, now, None, str(error))
        fresh = {one: old for one, old in self._kept.items() if now < old.read_at + LASTS}
        self._kept = fresh | {arn: kept}
        return kept

    def _last(self, arn: str) -> _Kept | None:
        """What was read last, while it may be given without asking."""
        kept = self._kept.get(arn)
        if kept is None or kept.text is None or self._clock.now() >= kept.read_at + LASTS:
            return None
        return kept

    def _value(self, arn: str) -> Secret:
        shaped = ARN.fullmatch(arn)
        if shaped is None:
            raise Unresolved("This is not the ARN of a secret.")
        try:
            with closing(self._client(shaped["region"])) as client:
                answer = client.get_secret_value(SecretId=arn)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in THROTTLED or (isinstance(status, int) and status >= 500):
                raise _Away("AWS Secrets Manager is overloaded; it is tried again.") from None
            code = "AccessDeniedException" if status == 403 else code  # also of what is in between
            told = _WORDS.get(code, f"AWS Secrets Manager gave no secret ({code[:64]}).")
            raise Unresolved(told) from None
        except NoCredentialsError:
            raise Unresolved(
                "Registrar has no AWS identity of its own; give its machine or pod a role."
            ) from None
        except (BotoCoreError, ResponseParserError, ValueError, LookupError, TypeError):
            # The exception may quote an answer, and so the secret.
            raise _Away("AWS Secrets Manager could not be reached or understood.") from None
        return _text(arn, answer)

    def _client(self, region: str) -> Any:
        # Making clients from one session is not thread-safe.
        with self._lock:
            if self._session is None:
                self._session = boto3.Session()
            return self._session.client(
                "secretsmanager",
                region_name=region,
                endpoint_url=self._endpoint("secretsmanager", region),
                verify=True,
                config=_CONFIG,
            )


_CONFIG: Final = BotoConfig(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 2},
    ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs lack it
    proxies={},
    user_agent_extra="registrar",
)


def _text(arn: str, answer: Mapping[str, Any]) -> Secret:
    found = str(answer.get("ARN", ""))
    if found != arn and found[:-_SUFFIX] != arn:
        raise Unresolved("AWS Secrets Manager answered with another secret than was asked for.")
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise Unresolved("The secret is binary; store the credential as text.")
    if len(text) > LARGEST:
        raise Unresolved("The secret holds more than 64 KiB, which no credential has.")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise Unresolved("The secret is empty.")
    return Secret(text)


def _member(whole: Secret, key: str) -> Secret:
    """One member of a JSON object."""
    try:
        found = json.loads(whole.reveal())
    except (ValueError, RecursionError):  # what was parsed is not quoted
        raise Unresolved("The secret is not JSON; leave out # and what follows it.") from None
    if not isinstance(found, dict) or key not in found:
        raise Unresolved("The secret is JSON without the key that stands after #.")
    text = found[key]
    if not isinstance(text, str) or not text:
        raise Unresolved("What stands at that key of the secret is not a text.")
    return Secret(text)
