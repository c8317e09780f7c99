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
from dataclasses import dataclass
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
SECONDS: Final = 2.0
"""So long somebody waits. A form in Slack must be answered within three seconds."""
_THREADS: Final = 4
_SUFFIX: Final = 7  # `-AbCdEf`, which AWS adds to the name and which may be left out
_WORDS: Final = {
    "ResourceNotFoundException": "There is no such secret in AWS Secrets Manager.",
    "AccessDeniedException": "AWS does not let Registrar read this secret; give its own identity "
    "secretsmanager:GetSecretValue, and kms:Decrypt where the secret has a key of its own.",
    "DecryptionFailure": "AWS cannot decrypt the secret; give Registrar's identity kms:Decrypt.",
    "InvalidRequestException": "The secret is marked for deletion, or has no current version.",
    "ThrottlingException": "AWS was asked too often; it is tried again by itself.",
    "UnrecognizedClientException": "AWS does not know the identity that Registrar runs with.",
    "ExpiredTokenException": "The AWS session that Registrar runs with has ended.",
}


@dataclass(frozen=True, slots=True)
class _Kept:
    until: datetime
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
            raise Unresolved(
                "AWS Secrets Manager did not answer within 2 seconds; it is tried again."
            ) from None

    async def _ask(self, arn: str) -> _Kept:
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(self._threads, self._value, arn)
            kept = _Kept(self._clock.now() + KEPT, text)
        except Unresolved as error:
            kept = _Kept(self._clock.now() + KEPT_FAILURE, None, str(error))
        now = self._clock.now()
        self._kept = {one: old for one, old in self._kept.items() if now < old.until} | {arn: kept}
        return kept

    def _value(self, arn: str) -> Secret:
        shaped = ARN.fullmatch(arn)
        if shaped is None:
            raise Unresolved("This is not the ARN of a secret.")
        try:
            answer = self._client(shaped["region"]).get_secret_value(SecretId=arn)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = str(error.response.get("Error", {}).get("Code", ""))
            code = "AccessDeniedException" if status == 403 else code  # also of what is in between
            told = _WORDS.get(code, f"AWS Secrets Manager gave no secret ({code[:64]}).")
            raise Unresolved(told) from None
        except NoCredentialsError:
            raise Unresolved(
                "Registrar has no AWS identity of its own; give its machine or pod a role."
            ) from None
        except (BotoCoreError, ResponseParserError, ValueError, LookupError, TypeError):
            # The exception may quote an answer, and so the secret.
            raise Unresolved("AWS Secrets Manager could not be reached or understood.") from None
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
