"""AWS, by boto3 with the given credential and nothing else.

One botocore session and loader serve every call; everything that would take a credential, an
endpoint, a profile, a proxy or a certificate bundle from this machine is switched off.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

from bot.core.secret import Secret

_CONNECT_SECONDS: Final = 4
_READ_SECONDS: Final = 8
_ROLE_SECONDS: Final = 900
_SKEW: Final = re.compile(r"Signature (?:expired|not yet current)")
_XML_CODE: Final = re.compile(r"<Code>([A-Za-z.]{1,64})</Code>")

Endpoint = Callable[[str, str], str | None]


def real_endpoint(_service: str, _region: str) -> str | None:
    """AWS's own endpoints."""
    return None


@dataclass(frozen=True, slots=True)
class AwsIdentity:
    """Registrar's own AWS identity, used only to assume roles."""

    access_key_id: str
    secret_access_key: Secret


@dataclass(frozen=True, slots=True)
class Keys:
    """A credential to sign with; `expires_at` is told for the keys of an assumed role."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who AWS says we are."""

    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class AuthorizationToken:
    """The user name and password for `docker login`, good for 12 hours or what AWS says."""

    username: str
    password: Secret
    expires_at: datetime | None = None


class AwsError(Exception):
    """An error answer of AWS. `code` is AWS's, `service` the short name (`sts`, `ecr`)."""

    def __init__(self, service: str, code: str, status: int) -> None:
        self.service = service
        self.code = code
        self.status = status
        super().__init__(f"{service} answered {code}")


class AwsUnreachable(Exception):
    """No answer of AWS; `timed_out` tells a silence from a refused or broken connection."""

    def __init__(self, service: str, *, timed_out: bool) -> None:
        self.service = service
        self.timed_out = timed_out
        super().__init__(f"{service} could not be reached")


class AwsGateway:
    """Calls AWS in a bounded pool of threads.

    `endpoint(service, region)` may name another endpoint (practice registries, tests); it is wired
    by the process itself and never comes from a form.
    """

    def __init__(
        self,
        *,
        identity: AwsIdentity | None = None,
        endpoint: Endpoint = real_endpoint,
        threads: int = 8,
    ) -> None:
        self.identity = identity
        self._endpoint = endpoint
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="aws")
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        # At DEBUG these write signed headers and the tokens of answers.
        for name in ("boto3", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.WARNING)

    async def assume_role(
        self, identity: AwsIdentity, region: str, role_arn: str, external_id: str
    ) -> Keys:
        """The keys of the role, for 15 minutes."""
        own = Keys(identity.access_key_id, identity.secret_access_key)
        answer = await self._call(
            own,
            "sts",
            region,
            "assume_role",
            RoleArn=role_arn,
            RoleSessionName="registrar",
            DurationSeconds=_ROLE_SECONDS,
            ExternalId=external_id,
        )
        with _reading("sts"):
            found = answer["Credentials"]
            return Keys(
                found["AccessKeyId"],
                Secret(found["SecretAccessKey"]),
                Secret(found["SessionToken"]),
                found["Expiration"],
            )

    async def caller(self, keys: Keys, region: str) -> Caller:
        """Who these keys are. Needs no permission, and no policy can deny it."""
        answer = await self._call(keys, "sts", region, "get_caller_identity")
        with _reading("sts"):
            return Caller(answer["Account"], answer["Arn"])

    async def made_at(self, keys: Keys, region: str) -> datetime | None:
        """When this access key was made, told by IAM; None when its user has no such key."""
        answer = await self._call(keys, "iam", region, "list_access_keys")
        for one in answer.get("AccessKeyMetadata", ()):
            found = one.get("CreateDate")
            if one.get("AccessKeyId") == keys.access_key_id and isinstance(found, datetime):
                return found.astimezone(UTC)
        return None

    async def ecr_token(self, keys: Keys, region: str, *, public: bool) -> AuthorizationToken:
        """What to sign in to the registry itself with."""
        service = "ecr-public" if public else "ecr"
        answer = await self._call(keys, service, region, "get_authorization_token")
        with _reading(service):
            data = answer["authorizationData"]
            if isinstance(data, list):  # ECR gives a list, ECR Public a single object
                data = data[0]
            pair = base64.b64decode(data["authorizationToken"], validate=True).decode()
            username, password = pair.split(":", 1)
        until = data.get("expiresAt")
        ends = until.astimezone(UTC) if isinstance(until, datetime) else None
        return AuthorizationToken(username, Secret(password), ends)

    async def ask(
        self, keys: Keys, service: str, region: str, operation: str, **arguments: object
    ) -> dict[str, Any]:
        """Any other operation, by the name that boto3 gives it."""
        return await self._call(keys, service, region, operation, **arguments)

    def close(self) -> None:
        """Let the threads go; a call still running ends by its own time limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _call(
        self, keys: Keys, service: str, region: str, operation: str, **arguments: object
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, self._call_now, keys, service, region, operation, arguments
        )

    def _call_now(
        self, keys: Keys, service: str, region: str, operation: str, arguments: dict[str, object]
    ) -> dict[str, Any]:
        client = self._client(keys, service, region)
        try:
            with _reading(service):  # botocore trips over some answers itself
                answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as error:
            raise _refusal(service, error) from None
        except (BotoConnectionError, HTTPClientError) as error:
            timed_out = isinstance(error, ReadTimeoutError) or "Timeout" in type(error).__name__
            raise AwsUnreachable(service, timed_out=timed_out) from None
        except (BotoCoreError, ResponseParserError):
            # The latter is no BotoCoreError, and quotes what it could not parse.
            raise _unreadable(service) from None
        finally:
            client.close()
        return answer

    def _client(self, keys: Keys, service: str, region: str) -> Any:
        if not keys.access_key_id or not keys.secret_access_key:
            # An empty argument would make boto3 look for a credential on this machine.
            raise ValueError("a call to AWS needs both halves of a key")
        # Making clients from one session is not thread-safe.
        with self._lock:
            if self._session is None:
                self._session = boto3.Session(botocore_session=_isolated_session())
            return self._session.client(
                service,  # type: ignore[call-overload]
                region_name=region,
                endpoint_url=self._endpoint(service, region),
                verify=True,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key.reveal(),
                aws_session_token=keys.session_token.reveal() if keys.session_token else None,
                config=_CONFIG,
            )


_CONFIG: Final = BotoConfig(
    connect_timeout=_CONNECT_SECONDS,
    read_timeout=_READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 1},
    ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs lack it
    proxies={},
    use_fips_endpoint=False,
    use_dualstack_endpoint=False,
    user_agent_extra="registrar",
)


def _isolated_session() -> botocore.session.Session:
    """A session that reads neither the environment nor files."""
    variables = botocore.session.Session.SESSION_VARIABLES
    deaf: dict[str, tuple[str | None, str | None, Any, Any]] = {
        name: (None, None, default, convert) for name, (_, _, default, convert) in variables.items()
    }
    deaf["config_file"] = (None, None, os.devnull, None)
    deaf["credentials_file"] = (None, None, os.devnull, None)
    return botocore.session.Session(session_vars=deaf)


@contextmanager
def _reading(service: str) -> Iterator[None]:
    """What is not as AWS's models say was not said by AWS, but by a proxy in front of it, say."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError):
        raise _unreadable(service) from None


def _unreadable(service: str) -> AwsError:
    return AwsError(service, "UnreadableAnswer", 0)


def _refusal(service: str, error: ClientError) -> AwsError:
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code.isdigit():
        # Some servers answer a JSON protocol in XML; then the code hides in the message.
        inner = _XML_CODE.search(message)
        code = inner[1] if inner is not None else code
    if _SKEW.search(message):
        # AWS calls a signature made at the wrong time a wrong signature.
        code = "RequestTimeTooSkewed"
    return AwsError(service, code, status)
