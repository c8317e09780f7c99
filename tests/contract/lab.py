"""Everything a contract test needs: practice registries, and the real checker that reaches them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import boto3

from bot.core.check import CheckResult
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.aws import AwsGateway, _isolated_session
from bot.kinds.checker import Checker
from bot.kinds.form import validate
from bot.kinds.memory import Memory
from bot.kinds.net import AllowList, Egress
from bot.kinds.registry_kinds import KINDS
from bot.kinds.rotation.gateway import Rotators
from bot.sandbox.practice import Practice
from bot.sandbox.practice.shapes import ServiceAccount, service_account
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendors.google import PROJECT

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SLOW = 0.3
PATIENCE = {State.STUCK: 0.6, State.DRIPS: 0.6}
"""Seconds a check may take where the registry would keep it waiting for ever."""

Answers = dict[str, str | Secret]
"""Answers of a form by the name of their field."""

COMMON_FIELDS = {"Registry URL": "url", "Path scope": "path_scope", "Test image": "test_image"}


@dataclass(frozen=True, slots=True)
class Lab:
    """One practice, one clock, one way out. `config` fills a form in with practice credentials."""

    practice: Practice
    clock: FixedClock
    egress: Egress
    aws: AwsGateway

    def checker(self, total: float = 10.0) -> Checker:
        """A checker that remembers nothing yet."""
        return Checker(egress=self.egress, aws=self.aws, clock=self.clock, total=total)

    def config(
        self, slug: str, variant: str = "", changed: Mapping[str, str | Secret] | None = None
    ) -> Config:
        """The form of a kind as a person fills it in from the sandbox's panel.

        Without `variant` it is the first one that asks for a credential. `changed` answers
        replace the practice registry's.
        """
        kind = KINDS[slug]
        chosen = next(
            one for one in kind.variants if one.slug == variant or (not variant and one.fields)
        )
        copied = {field.label: field.value for field in self.practice.vendors[slug].fields()}
        answers: Answers = {
            name: copied[label] for label, name in COMMON_FIELDS.items() if label in copied
        }
        for field in chosen.fields:
            if field.label in copied:
                text = copied[field.label]
                answers[field.name] = Secret(text) if field.secret else text
        return validate(slug, chosen.slug, answers | dict(changed or {}), allow=self.egress.allow)

    async def check(
        self,
        slug: str,
        state: State = State.HEALTHY,
        *,
        variant: str = "",
        changed: Mapping[str, str | Secret] | None = None,
    ) -> CheckResult:
        """Put the registry in a state, and check the practice credential with a fresh checker."""
        config = self.config(slug, variant, changed)
        self.practice.set_state(slug, state)
        return await self.checker(PATIENCE.get(state, 10.0)).check(config)

    def rotators(self) -> Rotators:
        """What runs errands of rotation here, with a memory of its own."""
        return Rotators(self.egress, self.aws, self.clock, Memory(self.clock))

    @property
    def requests(self) -> int:
        """How many requests were made of anyone so far."""
        return len(self.practice.log)


@cache
def service_account_of_tests() -> ServiceAccount:
    """One for all tests of a process: making its RSA key is most of the work of some of them."""
    return service_account(PROJECT)


@cache
def aws_session() -> boto3.Session:
    """One boto3 session for all tests of a process, made as every gateway makes its own."""
    return boto3.Session(botocore_session=_isolated_session())


@asynccontextmanager
async def open_lab(clock: FixedClock | None = None) -> AsyncIterator[Lab]:
    """A fresh lab; nothing in it outlives the test."""
    clock = clock or FixedClock(NOON)
    practice = await Practice.start(clock=clock, slow=SLOW)
    egress = Egress(allow=AllowList(), ca_file=practice.ca_file, resolver=practice.resolver)
    aws = AwsGateway(identity=practice.aws_identity, endpoint=practice.aws_endpoint)
    practice.google.account = service_account_of_tests()
    aws._session = aws_session()
    try:
        yield Lab(practice, clock, egress, aws)
    finally:
        aws.close()
        await egress.close()
        await practice.close()
