"""Sends errands to providers: the same doors as a check, and the same time limit for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from bot.core.check import Stage
from bot.core.clock import Clock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import EgressError, Unclear
from bot.kinds.aws import AwsGateway
from bot.kinds.finding import Stop
from bot.kinds.memory import Memory
from bot.kinds.net import Egress
from bot.kinds.rotation.base import Errand, Provider
from bot.kinds.rotation.providers import provider_for
from bot.kinds.visit import Visit

TOTAL: Final = 20.0  # seconds for one call
LONG: Final = 75.0  # and for one that a provider is slow at; a claim lasts for two minutes
T = TypeVar("T")
_NO_ACCESS: Final[Mapping[str, Secret]] = {}


@dataclass(frozen=True, slots=True)
class Rotators:
    """Runs one call of a provider. Keep one for the life of the process.

    `total` and `long` are the seconds that a call may take, and one that asked for more time.
    """

    egress: Egress
    aws: AwsGateway
    clock: Clock
    memory: Memory
    find: Callable[[Config], tuple[Provider | None, str]] = provider_for
    total: float = TOTAL
    long: float = LONG

    async def run(
        self,
        config: Config,
        access: Mapping[str, Secret] | None,
        call: Callable[[Errand], Awaitable[T]],
        made: str = "",
    ) -> T:
        """Do `call` with the credential of `config`, which is `made` if Registrar made it.

        Raises NotDone or Unclear, as the provider's methods do. What stops a check, a limit or an
        outage among it, is unclear here: whether anything was done is not known.
        """
        visit = Visit(
            config=config, egress=self.egress, aws=self.aws, clock=self.clock, memory=self.memory
        )
        visit.enter(Stage.LOGIN)
        try:
            async with asyncio.timeout(self.total) as limit:
                until = asyncio.get_running_loop().time() + self.long
                longer = partial(limit.reschedule, until)
                return await call(Errand(visit, access or _NO_ACCESS, made, longer))
        except Stop as stop:
            raise Unclear(stop.finding.sentence) from None
        except EgressError as error:
            raise Unclear(str(error)) from None
        except TimeoutError:
            raise Unclear("The provider did not answer in time.") from None
