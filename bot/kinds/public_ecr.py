"""AWS Public ECR. Everything there is public, so a pull proves nothing; only AWS itself can tell.

Source: botocore service models ecr-public and sts. The API lives in us-east-1 only.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from bot.core.check import Level, Stage
from bot.kinds import fields
from bot.kinds.anonymous import look_around
from bot.kinds.aws_login import given_keys, leave_age_question, prove_caller, registry_token
from bot.kinds.base import Field, Variant
from bot.kinds.distribution import Distribution, Login
from bot.kinds.finding import Finding
from bot.kinds.pull import prove_pull, signed_in
from bot.kinds.shape import Faults, Given, access_key_faults
from bot.kinds.visit import Visit

_HOST: Final = "public.ecr.aws"
_REGION: Final = "us-east-1"


class PublicEcr:
    slug: ClassVar = "public_ecr"
    label: ClassVar = "AWS Public ECR"
    url: ClassVar[Field] = fields.url(fixed=f"https://{_HOST}")
    variants: ClassVar[tuple[Variant, ...]] = (
        fields.ANONYMOUS,
        Variant("access_keys", "Access keys", fields.ACCESS_KEYS),
    )
    shared_host: ClassVar = True
    hosts: ClassVar[re.Pattern[str] | None] = None
    hosts_hint: ClassVar = ""

    def faults(self, given: Given) -> Faults:
        return access_key_faults(given) if given.variant == "access_keys" else {}

    def registry(self, visit: Visit) -> Distribution:
        return Distribution(visit, visit.config.url, realms=frozenset({_HOST}))

    async def check(self, visit: Visit) -> Finding:
        registry = self.registry(visit)
        challenge = await registry.ping()
        if visit.config.anonymous:
            return await look_around(visit, registry, challenge)
        visit.enter(Stage.LOGIN)
        keys = given_keys(visit)
        leave_age_question(visit, keys, _REGION)
        caller = await prove_caller(visit, keys, _REGION)
        token = await registry_token(visit, keys, _REGION, public=True)
        proof = signed_in(visit, Level.E3, caller.arn)
        login = Login(token.username, token.password)
        return await prove_pull(visit, registry, challenge, login, proof)
