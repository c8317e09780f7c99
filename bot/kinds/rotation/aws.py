"""Rotating the access key of an IAM user, by that key itself.

IAM resolves the user from the key that signs, so no call names a user: another user's keys are out
of reach whatever the policy allows. Keys bear no label; what was made in doubt is known by when it
was made, and by never having been used, as nobody learnt its secret.
Source: botocore's service models iam and sts; IAM user guide, managing access keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.aws import AwsError, AwsUnreachable
from bot.kinds.aws_login import DENIED, SKEWED, THROTTLED, given_keys
from bot.kinds.base import Field
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right
from bot.kinds.rotation.manners import SideBySide, told_name, told_secret

MOST: Final = 2  # AWS's quota of access keys for one user
SKEW: Final = timedelta(minutes=5)
"""By so much our clock may differ from the one by which AWS dates keys; it signs no further."""

_KEY_ID: Final = re.compile(r"AKIA[A-Z0-9]{12,124}")
_USER_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:user/(?:[\x21-\x7e]*/)?([\w+=,.@-]+)")
_GONE: Final = "NoSuchEntity"
_FULL: Final = "LimitExceeded"
_ALLOWED: Final = "allowed"
_RIGHTS: Final = (
    Right("iam:ListAccessKeys", "to see its own keys, and whether there is room for one more"),
    Right("iam:CreateAccessKey", "to make the new one"),
    Right("iam:UpdateAccessKey", "to stop the old one, and to start it again"),
    Right("iam:DeleteAccessKey", "to delete the old one"),
)
_UNTOLD: Final = (
    "Whether it may create, stop and delete its own keys shows only when it does: allow "
    "iam:SimulatePrincipalPolicy to have that checked before."
)
_WHERE: Final = "for the user itself (Resource …:user/${aws:username})"


@dataclass(frozen=True, slots=True)
class _Key:
    """An access key as IAM lists it."""

    handle: str
    active: bool
    made_at: datetime | None


class AwsAccessKeys(SideBySide):
    slug: ClassVar = "aws_access_key"
    settles: ClassVar = timedelta(minutes=1)
    reversible: ClassVar = True
    rights: ClassVar[tuple[Right, ...]] = _RIGHTS
    fields: ClassVar[tuple[Field, ...]] = ()

    def unsuited(self, config: Config) -> str:
        if config.variant == "assume_role":
            return "It assumes a role and has no key of its own, so there is none to rotate."
        if config.anonymous:
            return "It has no credential to rotate."
        key_id = config.values.get("access_key_id", "")
        if key_id.startswith("ASIA") or "session_token" in config.secrets:
            return (
                "It signs in with a temporary key (ASIA…), which ends by itself and can make no "
                "other. Put in the access key of an IAM user (AKIA…)."
            )
        if not _KEY_ID.fullmatch(key_id):
            return "Only the access key of an IAM user (AKIA…) can be rotated."
        return ""

    async def ready(self, errand: Errand) -> Readiness:
        own = errand.config.values["access_key_id"]
        caller = await _ask(errand, "sts", "get_caller_identity")
        arn = str(caller.get("Arn", ""))
        user = _USER_ARN.fullmatch(arn)
        if user is None:
            return Readiness(own, (_no_user(arn),))
        try:
            keys = await _keys(errand)
        except NotDone as error:
            return Readiness(own, (str(error),))
        if own not in {one.handle for one in keys}:
            raise Unclear(f"AWS does not list {own} among the keys of {user[1]}.")
        others = tuple(one.handle for one in keys if one.handle != own)
        if len(keys) >= MOST:
            return Readiness(own, (await _full(errand, user[1], keys),), others=others)
        missing, notes = await _rights(errand, arn, user[1])
        return Readiness(own, missing, notes, others)

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        try:
            answer = await _ask(errand, "iam", "create_access_key")
        except AwsError as error:
            if error.code in DENIED:
                raise _may_not("create access keys", "iam:CreateAccessKey") from None
            if error.code == _FULL:
                raise NotDone(
                    "Its user has two access keys already, the most that AWS allows. "
                    "Delete the one that nobody uses in IAM."
                ) from None
            raise _refused(error) from None
        made = answer.get("AccessKey")
        about = made if isinstance(made, dict) else {}
        key_id = told_name(about.get("AccessKeyId"), "An access key")
        secret = told_secret(about.get("SecretAccessKey"), "An access key")
        return Issued(key_id, {"secret_access_key": secret}, {"access_key_id": key_id})

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        own = errand.config.values["access_key_id"]
        found = []
        for one in await _keys(errand):
            ours = one.made_at is not None and since - SKEW <= one.made_at <= until + SKEW
            if one.handle != own and ours and await _last_used(errand, one.handle) is None:
                found.append(Labelled(one.handle, one.made_at))
        return tuple(found)

    async def disable(self, errand: Errand, handle: str) -> None:
        _not_the_one_in_use(errand, handle)
        await _update(errand, handle, "Inactive", gone_is_fine=True)

    async def enable(self, errand: Errand, handle: str) -> None:
        await _update(errand, handle, "Active", gone_is_fine=False)

    async def revoke(self, errand: Errand, handle: str) -> None:
        _not_the_one_in_use(errand, handle)
        try:
            await _ask(errand, "iam", "delete_access_key", AccessKeyId=handle)
        except AwsError as error:
            if error.code == _GONE:
                return
            if error.code in DENIED:
                raise _may_not("delete access keys", "iam:DeleteAccessKey") from None
            raise _refused(error) from None

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        try:
            keys = await _keys(errand)
        except NotDone:
            return None
        return any(one.handle == handle and one.active for one in keys)


def _no_user(arn: str) -> str:
    if arn.endswith(":root"):
        return (
            "This is a key of the account's root user, for which Registrar makes none. Make an IAM "
            "user that may only pull, and put its key in."
        )
    return "This key belongs to no IAM user, so it cannot make another one."


async def _ask(errand: Errand, service: str, operation: str, **arguments: object) -> dict[str, Any]:
    """One call, never repeated. Raises AwsError only for what AWS turned down.

    Whatever leaves open whether it was done is Unclear: no answer, a 5xx, one of a proxy.
    """
    visit = errand.visit
    region = errand.config.values.get("region") or "us-east-1"
    call = visit.aws.ask(given_keys(visit), service, region, operation, **arguments)
    name = "".join(word.capitalize() for word in operation.split("_"))
    try:
        return await call
    except AwsUnreachable:
        raise Unclear(f"AWS did not answer when it was asked for {name}.") from None
    except AwsError as error:
        if error.code in THROTTLED or error.status == 429:
            raise Unclear("AWS limits requests of this account just now.") from None
        if not 400 <= error.status < 500:
            raise Unclear(f"AWS gave no clear answer to {name}.") from None
        raise


async def _keys(errand: Errand) -> list[_Key]:
    """The keys of the user who signs. Raises NotDone where it may not list them."""
    try:
        answer = await _ask(errand, "iam", "list_access_keys")
    except AwsError as error:
        if error.code in DENIED:
            raise _may_not("list access keys", "iam:ListAccessKeys") from None
        raise _refused(error) from None
    return [
        _Key(
            str(one.get("AccessKeyId", "")), one.get("Status") == "Active", _time(one, "CreateDate")
        )
        for one in answer.get("AccessKeyMetadata", ())
    ]


async def _last_used(errand: Errand, handle: str) -> datetime | None:
    """When a key was used last; None for never, and where AWS does not let this user know."""
    try:
        answer = await _ask(errand, "iam", "get_access_key_last_used", AccessKeyId=handle)
    except AwsError as error:
        if error.code in DENIED | {_GONE}:
            return None
        raise _refused(error) from None
    return _time(answer.get("AccessKeyLastUsed") or {}, "LastUsedDate")


async def _full(errand: Errand, user: str, keys: list[_Key]) -> str:
    own = errand.config.values["access_key_id"]
    shown = []
    for one in keys:
        used = await _last_used(errand, one.handle)
        about = ["in force here"] if one.handle == own else []
        about += [] if one.active else ["inactive"]
        about += [f"made {one.made_at:%Y-%m-%d}"] if one.made_at else []
        about += [f"last used {used:%Y-%m-%d}" if used else "no use known"]
        shown.append(f"{one.handle} ({', '.join(about)})")
    return (
        f"{user} has two access keys, the most that AWS allows: {' and '.join(shown)}. Delete in "
        "IAM the one that nobody uses; Registrar deletes none that it did not make."
    )


async def _rights(errand: Errand, arn: str, user: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is missing and what cannot be known, by IAM's own simulation of the policies."""
    names = [one.name for one in _RIGHTS]
    username = {
        "ContextKeyName": "aws:username",
        "ContextKeyValues": [user],
        "ContextKeyType": "string",
    }
    try:
        answer = await _ask(
            errand,
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=arn,
            ActionNames=names,
            ResourceArns=[arn],
            ContextEntries=[username],
        )
    except (AwsError, Unclear):
        return (), (_UNTOLD,)
    results = answer.get("EvaluationResults", ())
    # One that hangs on what only a real request has was not judged.
    denied = {
        one.get("EvalActionName")
        for one in results
        if one.get("EvalDecision") != _ALLOWED and not one.get("MissingContextValues")
    }
    missing = [name for name in names if name in denied]
    if not missing:
        return (), ()
    return (f"{user} may not rotate its own key: allow {', '.join(missing)} {_WHERE}.",), ()


async def _update(errand: Errand, handle: str, status: str, *, gone_is_fine: bool) -> None:
    try:
        await _ask(errand, "iam", "update_access_key", AccessKeyId=handle, Status=status)
    except AwsError as error:
        if error.code == _GONE and gone_is_fine:
            return
        if error.code == _GONE:
            raise NotDone(f"{handle} was deleted in IAM, so it cannot be started again.") from None
        if error.code in DENIED:
            raise _may_not("stop or start access keys", "iam:UpdateAccessKey") from None
        raise _refused(error) from None


def _not_the_one_in_use(errand: Errand, handle: str) -> None:
    if handle == errand.config.values["access_key_id"]:
        raise NotDone("This is the key in force, which Registrar does not end.")


def _may_not(what: str, right: str) -> NotDone:
    return NotDone(f"AWS does not let this user {what}. Allow {right} {_WHERE}.")


def _refused(error: AwsError) -> NotDone:
    if error.code in SKEWED:
        return NotDone("AWS says that Registrar's clock is wrong. Ask who runs it to set it.")
    if error.status in {401, 403}:
        return NotDone("AWS refused the key in force: it is unknown there, inactive or wrong.")
    return NotDone(f"AWS turned the request down ({error.status}).")


def _time(about: Mapping[str, object], name: str) -> datetime | None:
    found = about.get(name)
    return found.astimezone(UTC) if isinstance(found, datetime) else None
