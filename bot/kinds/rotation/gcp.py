"""Rotating a Google service account's key, by that account itself.

Keys bear no label; what was made in doubt is known by when it was made, and by not having been
there before. Source: Google Cloud documentation, REST projects.serviceAccounts.keys and
testIamPermissions; IAM, best practices for managing service account keys.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import quote

import httpx

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.age import moment
from bot.kinds.base import Field
from bot.kinds.gcp_artifact_registry import exchange
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right
from bot.kinds.rotation.manners import REFUSALS, SideBySide, call, unexpected
from bot.kinds.service_account import NotAKey, ServiceAccountKey
from bot.kinds.visit import json_object

MOST: Final = 10  # Google's quota of keys for one service account
SKEW: Final = timedelta(minutes=1)
"""By so much our clock may differ from the one by which Google dates keys."""

_IAM: Final = "https://iam.googleapis.com/v1"
_KEY_ID: Final = re.compile(r"[0-9a-f]{40}")
_CONSTRAINTS: Final = ("iam.disableServiceAccountKeyCreation", "iam.managed.")
_NEVER: Final = 9000  # Google writes the year 9999 for a key without an end
_SHOWN: Final = 3
_RIGHTS: Final = (
    Right("iam.serviceAccountKeys.list", "to see its keys, and whether there is room for more"),
    Right("iam.serviceAccountKeys.create", "to make the new one"),
    Right("iam.serviceAccountKeys.disable", "to stop the old one"),
    Right("iam.serviceAccountKeys.enable", "to start it again"),
    Right("iam.serviceAccountKeys.delete", "to delete the old one"),
)
_ROLE: Final = "Give the service account the role Service Account Key Admin on itself"


@dataclass(frozen=True, slots=True)
class _Key:
    """A key as IAM lists it."""

    handle: str
    made_at: datetime | None
    disabled: bool


@dataclass(frozen=True, slots=True)
class _Account:
    """The service account of an errand, with an access token of its key."""

    errand: Errand
    key: ServiceAccountKey
    token: Secret

    @property
    def url(self) -> str:
        project, email = quote(self.key.project, safe=":"), quote(self.key.email, safe="@:")
        return f"{_IAM}/projects/{project}/serviceAccounts/{email}"

    async def ask(
        self, method: str, rest: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token.reveal()}"}
        answer = await call(self.errand, method, f"{self.url}{rest}", headers, body)
        if answer.status_code == 401:
            raise NotDone("Google refused the key in force.")
        if answer.status_code == 403 and "SERVICE_DISABLED" in _reasons(answer):
            raise NotDone(
                f"The IAM API (iam.googleapis.com) is not enabled in project {self.key.project}. "
                "Enable it there."
            )
        return answer


class GoogleKeys(SideBySide):
    slug: ClassVar = "gcp_service_account_key"
    settles: ClassVar = timedelta(minutes=1)
    reversible: ClassVar = True
    rights: ClassVar[tuple[Right, ...]] = _RIGHTS
    fields: ClassVar[tuple[Field, ...]] = ()

    def unsuited(self, config: Config) -> str:
        secret = config.secrets.get("service_account_json")
        if secret is None:
            return "It has no service account key to rotate."
        try:
            ServiceAccountKey.parse(secret)
        except NotAKey as error:
            return str(error)
        return ""

    async def ready(self, errand: Errand) -> Readiness:
        account = await _signed_in(errand)
        own = account.key.key_id
        try:
            keys = await _keys(account)
        except NotDone as error:
            return Readiness(own, (str(error),))
        if own not in {one.handle for one in keys}:
            raise Unclear(f"Google does not list {own[:8]}… among the keys of this account.")
        others = tuple(one.handle for one in keys if one.handle != own)
        if len(keys) >= MOST:
            return Readiness(own, (_full(keys, own),), others=others)
        missing, notes = await _rights(account)
        return Readiness(own, missing, notes, others)

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        account = await _signed_in(errand)
        body = {"privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE"}
        answer = await account.ask("POST", "/keys", body)
        if answer.status_code == 403:
            raise _may_not("make keys", "iam.serviceAccountKeys.create")
        if answer.status_code in REFUSALS:
            raise NotDone(_why_none(answer))
        if answer.status_code != 200:
            raise unexpected(answer)
        made = json_object(answer)
        secret, key = _told(made, account.key.email)
        ends = moment(made.get("validBeforeTime"))
        expires = None if ends is None or ends.year >= _NEVER else ends
        return Issued(key.key_id, {"service_account_json": secret}, expires_at=expires)

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        account = await _signed_in(errand)
        return tuple(
            Labelled(one.handle, one.made_at)
            for one in await _keys(account)
            if one.handle != account.key.key_id
            and one.made_at is not None
            and since - SKEW <= one.made_at <= until + SKEW
        )

    async def disable(self, errand: Errand, handle: str) -> None:
        account = await _other(errand, handle)
        answer = await account.ask("POST", f"/keys/{handle}:disable", {})
        if answer.status_code in {200, 404}:
            return
        if answer.status_code == 403:
            raise _may_not("stop keys", "iam.serviceAccountKeys.disable")
        raise unexpected(answer)

    async def enable(self, errand: Errand, handle: str) -> None:
        account = await _other(errand, handle)
        answer = await account.ask("POST", f"/keys/{handle}:enable", {})
        if answer.status_code == 404:
            raise NotDone(f"Key {handle[:8]}… was deleted, so it cannot be started again.")
        if answer.status_code == 403:
            raise _may_not("start keys", "iam.serviceAccountKeys.enable")
        if answer.status_code != 200:
            raise unexpected(answer)

    async def revoke(self, errand: Errand, handle: str) -> None:
        account = await _other(errand, handle)
        answer = await account.ask("DELETE", f"/keys/{handle}")
        if answer.status_code in {200, 404}:
            return
        if answer.status_code == 403:
            raise _may_not("delete keys", "iam.serviceAccountKeys.delete")
        raise unexpected(answer)

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        account = await _signed_in(errand)
        try:
            keys = await _keys(account)
        except NotDone:
            return None
        return any(one.handle == handle and not one.disabled for one in keys)


async def _signed_in(errand: Errand) -> _Account:
    try:
        key = ServiceAccountKey.parse(errand.config.secrets["service_account_json"])
    except NotAKey as error:
        raise NotDone(str(error)) from None
    token, _ = await exchange(errand.visit, key)
    return _Account(errand, key, token)


async def _other(errand: Errand, handle: str) -> _Account:
    """The account, to stop or end a key that is not the one in force."""
    account = await _signed_in(errand)
    if handle == account.key.key_id:
        raise NotDone("This is the key in force, which Registrar does not end.")
    if not _KEY_ID.fullmatch(handle):
        raise NotDone("This is not the id of a service account key.")
    return account


async def _keys(account: _Account) -> list[_Key]:
    """The keys that people make and see. Raises NotDone where they may not be listed."""
    answer = await account.ask("GET", "/keys?keyTypes=USER_MANAGED")
    if answer.status_code == 403:
        raise _may_not("list its keys", "iam.serviceAccountKeys.list")
    if answer.status_code == 404:
        raise NotDone(
            f"Google finds no such service account in project {account.key.project}, which the key "
            "file names."
        )
    found = json_object(answer).get("keys", [])
    if answer.status_code != 200 or not isinstance(found, list):
        raise unexpected(answer)
    keys = [
        _Key(
            str(one.get("name")).rpartition("/")[2],
            moment(one.get("validAfterTime")),
            one.get("disabled") is True,
        )
        for one in found
        if isinstance(one, dict)
    ]
    return [one for one in keys if _KEY_ID.fullmatch(one.handle)]


def _full(keys: list[_Key], own: str) -> str:
    oldest = sorted(
        (one for one in keys if one.handle != own and one.made_at is not None),
        key=lambda one: str(one.made_at),
    )[:_SHOWN]
    shown = ", ".join(
        f"{one.handle[:8]}… of {one.made_at:%Y-%m-%d}{' (disabled)' if one.disabled else ''}"
        for one in oldest
    )
    return (
        f"The service account has {len(keys)} keys, and Google allows {MOST}. Delete some that "
        f"nobody uses; the oldest are {shown}. Registrar deletes none that it did not make."
    )


async def _rights(account: _Account) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is missing and what cannot be known; Google tells anyone what they may do."""
    names = [one.name for one in _RIGHTS]
    answer = await account.ask("POST", ":testIamPermissions", {"permissions": names})
    if answer.status_code != 200:
        return (), ("Google does not tell what this service account may do with its keys.",)
    held = json_object(answer).get("permissions", [])
    missing = [name for name in names if not isinstance(held, list) or name not in held]
    if not missing:
        return (), ()
    return (f"{_ROLE}; it lacks {', '.join(missing)}.",), ()


def _why_none(answer: httpx.Response) -> str:
    """Google says the same for a full account as for one that a policy forbids, but for details."""
    if any(one in reason for reason in _reasons(answer) for one in _CONSTRAINTS):
        return (
            "A policy of the organisation forbids keys for service accounts "
            "(iam.disableServiceAccountKeyCreation). Ask whoever keeps it for an exception, or "
            "sign in without keys (Workload Identity Federation)."
        )
    return (
        f"Google made no key ({answer.status_code}): the service account has {MOST} already, or "
        "is disabled."
    )


def _reasons(answer: httpx.Response) -> list[str]:
    """The machine-readable reasons of an error: google.rpc.ErrorInfo and PreconditionFailure."""
    error = json_object(answer).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    found: list[str] = []
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict):
            found.append(str(one.get("reason", "")))
            violations = one.get("violations")
            broken = violations if isinstance(violations, list) else ()
            found += [str(each.get("type", "")) for each in broken if isinstance(each, dict)]
    return found


def _told(made: Mapping[str, object], email: str) -> tuple[Secret, ServiceAccountKey]:
    """The key file in an answer that says that one was made."""
    try:
        data = base64.b64decode(str(made.get("privateKeyData", "")), validate=True).decode()
        secret = Secret(data)
        key = ServiceAccountKey.parse(secret)
    except (binascii.Error, UnicodeDecodeError, NotAKey):
        raise Unclear("A key was made, but the answer does not hold it.") from None
    if key.email != email:
        raise Unclear("A key was made, but the answer holds one of another account.")
    return secret, key


def _may_not(what: str, right: str) -> NotDone:
    return NotDone(f"Google does not let this service account {what}. {_ROLE} ({right}).")
