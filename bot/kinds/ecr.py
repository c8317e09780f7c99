"""AWS ECR, private registries.

Source: botocore service models ecr and sts; Amazon ECR user guide, registry authentication.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from bot.core.check import Cause, Level, Stage
from bot.kinds import fields
from bot.kinds.aws_login import (
    assumed_keys,
    given_keys,
    leave_age_question,
    prove_caller,
    registry_token,
    tell_role_expiry,
)
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding, unreachable
from bot.kinds.pull import prove_pull, signed_in
from bot.kinds.shape import Faults, Given, access_key_faults
from bot.kinds.visit import Visit

_HOST: Final = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9])"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.(?:com\.cn|eu))"
)
REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_EXTERNAL_ID: Final = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class Ecr:
    slug: ClassVar = "ecr"
    label: ClassVar = "AWS ECR"
    url: ClassVar[Field] = fields.url(
        placeholder="https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        hint="https://<account>.dkr.ecr.<region>.amazonaws.com",
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("access_keys", "Access keys", (fields.region("eu-west-1"), *fields.ACCESS_KEYS)),
        Variant(
            "assume_role",
            "Assume role",
            (
                fields.region("eu-west-1"),
                Field(
                    "role_arn",
                    "Role ARN",
                    placeholder="arn:aws:iam::123456789012:role/pull",
                    max_length=600,
                ),
                Field(
                    "external_id",
                    "External ID",
                    hint="As in the role's trust policy.",
                    max_length=1224,
                ),
            ),
        ),
    )
    shared_host: ClassVar = False
    hosts: ClassVar[re.Pattern[str] | None] = _HOST
    hosts_hint: ClassVar = (
        "Expected https://<12-digit account>.dkr.ecr.<region>.amazonaws.com, as ECR shows it."
    )

    def faults(self, given: Given) -> Faults:
        faults: Faults = {}
        region = given.values.get("region", "")
        match = _HOST.fullmatch(given.host)
        if not REGION.fullmatch(region):
            faults["region"] = "This is not an AWS region; expected something like eu-west-1."
        elif match is not None and match["region"] != region:
            faults["region"] = (
                f"The Registry URL is in {match['region']}, but the Region says {region}."
            )
        if given.variant == "access_keys":
            return faults | access_key_faults(given)
        if not _ROLE.fullmatch(given.values.get("role_arn", "")):
            faults["role_arn"] = (
                "This is not the ARN of a role; expected arn:aws:iam::<account>:role/<name>."
            )
        if not _EXTERNAL_ID.fullmatch(given.values.get("external_id", "")):
            faults["external_id"] = (
                "An External ID has 2 to 1224 letters, digits or + = , . @ : / -."
            )
        return faults

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, visit.config.url, realms=frozenset())

    async def check(self, visit: Visit) -> Finding:
        config = visit.config
        match = _HOST.fullmatch(config.host)
        assert match is not None, "the form lets only ECR hosts pass"
        region = match["region"]
        registry = self.registry(visit)
        challenge = await registry.ping()
        visit.enter(Stage.LOGIN)
        if challenge is not None and challenge.scheme == "bearer":
            registry.approve(challenge)  # ECR asks for Basic: at best this is not ECR
            raise registry.not_a_registry()
        if config.variant == "assume_role":
            keys = await assumed_keys(visit, region)
            tell_role_expiry(visit, keys)
        else:
            keys = given_keys(visit)
            leave_age_question(visit, keys, region)
        caller = await prove_caller(visit, keys, region)
        if caller.account != match["account"]:
            visit.warnings.append(
                f"The key belongs to account {caller.account}, the Registry URL to "
                f"{match['account']}."
            )
        token = await registry_token(visit, keys, region, public=False)
        login = Login(token.username, token.password)
        if (await registry.root(login.basic())).status_code != 200:
            raise unreachable(
                Stage.LOGIN,
                Cause.REGISTRY_ERROR,
                f"{registry.host} does not accept the password that AWS just gave for it.",
                "Check the account and the region in the Registry URL.",
            )
        proof = signed_in(visit, Level.E3, caller.arn)
        return await prove_pull(visit, registry, challenge, login, proof)


def place_of(host: str) -> tuple[str, str]:
    """The account and the region in the name of a registry."""
    match = _HOST.fullmatch(host)
    assert match is not None, "the form lets only ECR hosts pass"
    return match["account"], match["region"]
