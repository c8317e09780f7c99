"""Looks into registries for people, with the stored credential and by the rules of a check."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from bot.core.check import Cause, CheckResult, Level, Verdict
from bot.core.clock import Clock
from bot.core.config import Config
from bot.core.image import Reference
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.lockout import failed_sign_in
from bot.core.sight import Absence, ImageFacts
from bot.errors import EgressError, Unseen
from bot.kinds.aws import AwsGateway
from bot.kinds.distribution import Distribution
from bot.kinds.finding import Finding, Stop
from bot.kinds.form import login_of
from bot.kinds.list_protocol import tags_list
from bot.kinds.listing_kinds import LISTS
from bot.kinds.lists import gather
from bot.kinds.look_image import look_at
from bot.kinds.memory import Memory
from bot.kinds.net import Egress
from bot.kinds.pacing import Closed, Pacer
from bot.kinds.registry_kinds import KINDS
from bot.kinds.service_account import NotAKey
from bot.kinds.visit import Visit

_log = structlog.get_logger(__name__)

TOTAL: Final = 10.0
"""Seconds for one look."""
_T = TypeVar("_T")
_JUDGED: Final = re.compile(r"; the [a-z ]+ was not judged")
_WHY: Final = {
    Verdict.REFUSED: Absence.DENIED,
    Verdict.LIMITED: Absence.LIMITED,
    Verdict.BLOCKED: Absence.BLOCKED,
}


class Looker:
    """Keep one for the life of the process, with the Pacer of people's own checks."""

    def __init__(
        self,
        *,
        egress: Egress,
        aws: AwsGateway,
        clock: Clock,
        pacer: Pacer,
        total: float = TOTAL,
    ) -> None:
        self._egress = egress
        self._aws = aws
        self._clock = clock
        self._pacer = pacer
        self._memory = Memory(clock)
        self._total = total

    async def image(self, config: Config, image: Reference) -> ImageFacts:
        """What the registry says of an image of its own; raises Unseen with the reason."""

        async def look(visit: Visit, registry: Distribution) -> ImageFacts:
            repository = config.below(image.repository)
            below = Reference(image.host, repository, image.tag, image.digest)
            return await look_at(visit, registry, below)

        return await self._look(config, look)

    async def repositories(self, config: Config, text: str, cursor: str) -> Page[FoundRepository]:
        """The next repositories of its path scope with `text` in their name; raises Unseen."""

        async def look(visit: Visit, _registry: Distribution) -> Page[FoundRepository]:
            lists = LISTS.get(config.kind)
            if lists is None:
                raise Unseen(
                    Absence.NOT_ASKED, "Registrar does not list the repositories of this kind."
                )
            turn = await lists.repositories(visit)
            return await gather(turn, _wanted(config, text), cursor)

        return await self._look(config, look)

    async def tags(self, config: Config, repository: str, text: str, cursor: str) -> Page[FoundTag]:
        """The next tags of a repository with `text` in them; raises Unseen."""

        async def look(visit: Visit, _registry: Distribution) -> Page[FoundTag]:
            lists = LISTS.get(config.kind)
            if lists is None:
                turn = await tags_list(visit, repository)
            else:
                turn = await lists.tags(visit, repository)
            return await gather(turn, lambda tag: text in tag.name, cursor)

        return await self._look(config, look)

    async def _look(
        self, config: Config, look: Callable[[Visit, Distribution], Awaitable[_T]]
    ) -> _T:
        """One look, when it is its turn and in its time."""
        host, kind = config.host, config.kind
        turn = self._pacer.turn(host, login_of(config), kind, by_person=True)
        visit = Visit(
            config=config,
            egress=self._egress,
            aws=self._aws,
            clock=self._clock,
            memory=self._memory,
        )
        try:
            async with turn, asyncio.timeout(self._total):
                seen = await look(visit, KINDS[kind].registry(visit))
        except Closed as closed:
            when = f"{closed.until:%H:%M} UTC"
            raise Unseen(
                Absence.LIMITED,
                f"{host} limits requests until {when}, so it was not asked.",
                retry_at=closed.until,
            ) from None
        except Stop as stop:
            raise self._stopped(config, stop.finding) from None
        except (EgressError, NotAKey) as error:
            blocked = isinstance(error, EgressError) and error.cause is Cause.BLOCKED_HOST
            raise Unseen(Absence.BLOCKED if blocked else Absence.UNREACHABLE, str(error)) from None
        except TimeoutError:
            sentence = f"{visit.host or host} did not answer within {self._total:g} s."
            raise Unseen(Absence.UNREACHABLE, sentence) from None
        else:
            return seen
        finally:
            requests = [asked.line for asked in visit.evidence]
            _log.info("looked", kind=kind, host=host, requests=requests)

    def _stopped(self, config: Config, finding: Finding) -> Unseen:
        """The reason in a finding; the pacer learns of limits and failed sign-ins as of a check."""
        result = CheckResult(
            verdict=finding.verdict,
            level=Level.E0,
            stage=finding.stage,
            sentence=finding.sentence,
            at=self._clock.now(),
            took=0.0,
            cause=finding.cause,
            retry_at=finding.retry_at,
        )
        failed = failed_sign_in(result)
        if finding.verdict is not Verdict.REFUSED or failed:
            self._pacer.heard(config.host, result, config.kind)
        return Unseen(
            Absence.REFUSED if failed else _WHY.get(finding.verdict, Absence.UNREACHABLE),
            _JUDGED.sub("", finding.sentence),
            finding.remedy,
            retry_at=finding.retry_at,
            failed_sign_in=failed,
        )


def _wanted(config: Config, text: str) -> Callable[[FoundRepository], bool]:
    """Whether a repository is of the path scope and has `text` in its name."""
    return lambda found: config.covers(found.name) and text in found.name
