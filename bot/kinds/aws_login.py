"""Signing in to AWS, and what its errors mean; shared by ECR and Public ECR.

Source: botocore's service models (sts, ecr, ecr-public).
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC
from typing import Any, Final, TypeVar

from bot.core.check import Cause, Expiry, Stage
from bot.kinds.age import Answer, Question
from bot.kinds.aws import AuthorizationToken, AwsError, AwsUnreachable, Caller, Keys
from bot.kinds.finding import Stop, refused, unreachable
from bot.kinds.visit import Visit

_Answer = TypeVar("_Answer")

_UNKNOWN_KEY: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException"})
_WRONG_SECRET: Final = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
ABSENT: Final = frozenset({"RepositoryNotFoundException", "RegistryNotFoundException"})
LISTED_BADLY: Final = frozenset({"InvalidParameterException", "ValidationException"})
THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    }
)
_AGAIN: Final = "Nothing to do here: it is tried again by itself."


def given_keys(visit: Visit) -> Keys:
    """The access keys as typed."""
    values, secrets = visit.config.values, visit.config.secrets
    return Keys(values["access_key_id"], secrets["secret_access_key"], secrets.get("session_token"))


async def assumed_keys(visit: Visit, region: str) -> Keys:
    """The keys of the role, by Registrar's own identity."""
    identity = visit.aws.identity
    if identity is None:
        raise unreachable(
            Stage.LOGIN,
            Cause.NO_BOT_IDENTITY,
            "Registrar has no AWS identity of its own, so it cannot assume a role.",
            "Ask who runs Registrar to give it one, or sign in with access keys.",
        )
    values = visit.config.values
    call = visit.aws.assume_role(identity, region, values["role_arn"], values["external_id"])
    try:
        keys = await _noted(visit, call, "sts", region, "AssumeRole")
    except AwsError as error:
        raise _assume_refused(visit, error) from None
    return keys


async def prove_caller(visit: Visit, keys: Keys, region: str) -> Caller:
    """Who the keys are, told by AWS; stop with what is wrong with them."""
    call = visit.aws.caller(keys, region)
    try:
        caller = await _noted(visit, call, "sts", region, "GetCallerIdentity")
    except AwsError as error:
        raise _key_refused(visit, error) from None
    visit.identity = caller.arn
    if keys.expires_at is None and keys.session_token is not None:
        visit.warnings.append("Temporary keys (ASIA…) stop working within hours.")
    return caller


async def registry_token(
    visit: Visit, keys: Keys, region: str, *, public: bool
) -> AuthorizationToken:
    """The password for the registry itself; stop when the identity may not have one."""
    service = "ecr-public" if public else "ecr"
    call = visit.aws.ecr_token(keys, region, public=public)
    try:
        return await _noted(visit, call, service, region, "GetAuthorizationToken")
    except AwsError as error:
        if error.code in DENIED:
            raise _may_not(visit, service, public=public) from None
        if error.code in _UNKNOWN_KEY:
            raise _not_known_here(visit, region) from None
        raise _key_refused(visit, error) from None


async def list_page(
    visit: Visit, keys: Keys, service: str, region: str, operation: str, **arguments: object
) -> dict[str, Any]:
    """One page of a list.

    Raises AwsError only for a right that is missing, a thing that is not there and a token of
    another list; anything else is the key's or AWS's matter and stops.
    """
    action = "".join(word.capitalize() for word in operation.split("_"))
    call = visit.aws.ask(keys, service, region, operation, **arguments)
    try:
        return await _noted(visit, call, service, region, action)
    except AwsError as error:
        if error.code in DENIED | ABSENT | LISTED_BADLY:
            raise
        raise _key_refused(visit, error) from None


def leave_age_question(visit: Visit, keys: Keys, region: str) -> None:
    """Whoever may list their own access keys is told when this one was made.

    Access keys never expire by themselves, so there is no end to ask for.
    """
    if keys.session_token is not None:
        return

    async def ask() -> Answer:
        call = visit.aws.made_at(keys, region)
        return Answer(issued_at=await _noted(visit, call, "iam", "us-east-1", "ListAccessKeys"))

    visit.question = Question(ask, requests=1)


def tell_role_expiry(visit: Visit, keys: Keys) -> None:
    """A role's keys end by design; what may expire of the registration itself is nothing."""
    if keys.expires_at is not None:
        visit.expiry = Expiry(None, "provider")


async def _noted(
    visit: Visit, call: Awaitable[_Answer], service: str, region: str, action: str
) -> _Answer:
    name = "api.ecr-public" if service == "ecr-public" else service
    host = f"{name}.{region}.amazonaws.com"
    visit.host = host
    try:
        answer = await call
    except AwsUnreachable as error:
        visit.note("POST", host, f"/{action}", None, None, auth=True)
        raise unreachable(
            visit.stage,
            Cause.TIMEOUT if error.timed_out else Cause.CONNECT_FAILED,
            f"AWS ({host}) could not be reached; the credential was not judged.",
            _AGAIN,
        ) from None
    except AwsError as error:
        visit.note("POST", host, f"/{action}", error.status, error.code, auth=True)
        raise
    visit.note("POST", host, f"/{action}", 200, None, auth=True)
    return answer


def _key_refused(visit: Visit, error: AwsError) -> Stop:
    if error.code in _UNKNOWN_KEY:
        return refused(
            Stage.LOGIN,
            Cause.REVOKED,
            "AWS refused this key: it exists no more, or is inactive, or was mistyped.",
            "Create a key for the user in IAM, or check that you copied all of it.",
            explicit=True,
        )
    if error.code in _WRONG_SECRET:
        return refused(
            Stage.LOGIN,
            Cause.BAD_CREDENTIALS,
            "AWS knows this Access Key ID, but the Secret Access Key does not belong to it.",
            "Copy the Secret Access Key again, or create a new key in IAM.",
            explicit=True,
        )
    if error.code in _EXPIRED:
        return refused(
            Stage.LOGIN,
            Cause.EXPIRED,
            "The temporary AWS key has expired.",
            "Put in keys that last, or let Registrar assume a role instead.",
            explicit=True,
        )
    return _not_judged(visit, error)


def _assume_refused(visit: Visit, error: AwsError) -> Stop:
    if error.code in DENIED:
        return refused(
            Stage.LOGIN,
            Cause.NO_ACCESS,
            "AWS does not let Registrar assume this role: the role, its trust policy or the "
            "External ID is not right (AWS does not say which).",
            "Check the Role ARN, that its trust policy names Registrar, and the External ID.",
            explicit=True,
        )
    if error.code in _UNKNOWN_KEY | _WRONG_SECRET | _EXPIRED:
        return unreachable(
            Stage.LOGIN,
            Cause.NO_BOT_IDENTITY,
            "AWS refused Registrar's own identity, so the role could not be tried.",
            "Ask who runs Registrar to renew its AWS identity.",
        )
    return _not_judged(visit, error)


def _may_not(visit: Visit, service: str, *, public: bool) -> Stop:
    needed = f"{service}:GetAuthorizationToken"
    if public:
        needed += " and sts:GetServiceBearerToken"
    return refused(
        Stage.LOGIN,
        Cause.MISSING_SCOPE,
        f"Signed in as {visit.identity}, but it may not call {needed}.",
        f"Allow {needed} in its IAM policy.",
        explicit=True,
    )


def _not_known_here(visit: Visit, region: str) -> Stop:
    """STS has just named the owner of this key, so it is neither mistyped nor deleted."""
    return unreachable(
        Stage.LOGIN,
        Cause.REGION_MISMATCH,
        f"AWS knows this key as {visit.identity}, but its registry in {region} does not; "
        "the credential was not judged.",
        f"A new key needs a minute. If it lasts, enable {region} for the account of the key.",
    )


def _not_judged(visit: Visit, error: AwsError) -> Stop:
    if error.code in THROTTLED or error.status == 429:
        return visit.too_many("AWS", None)
    if error.code in SKEWED:
        now = visit.clock.now().astimezone(UTC)
        return unreachable(
            Stage.LOGIN,
            Cause.CLOCK_SKEW,
            f"AWS says that Registrar's clock ({now:%H:%M} UTC) is wrong; "
            "the credential was not judged.",
            "Ask who runs Registrar to set its clock.",
        )
    if error.code == "RegionDisabledException":
        return unreachable(
            Stage.LOGIN,
            Cause.REGION_MISMATCH,
            "This AWS region is not enabled for the account; the credential was not judged.",
            "Enable the region, or use a registry in another one.",
        )
    return unreachable(
        Stage.LOGIN,
        Cause.REGISTRY_ERROR,
        f"AWS gave an unexpected answer ({error.status or 'not one of AWS'}); "
        "the credential was not judged.",
        _AGAIN,
    )
