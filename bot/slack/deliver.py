"""Sending what waits in the outbox: at least once, in order, at the pace that Slack bears."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import StoreError
from bot.slack.post import Post
from bot.slack.tempo import APART, EDITS, Tempo
from bot.slack.trouble import NETWORK, code_of
from bot.slack.verdict import CLOSED, HOPELESS, UNCERTAIN, retry_after
from bot.usecases import outbox
from bot.usecases.deps import Deps
from bot.usecases.outbox import EDIT, UPLOAD, OutboxMessage

log = structlog.get_logger(__name__)

BATCH: Final = 20
PATIENCE: Final = 1.5  # seconds to wait in for a channel; what comes later goes back
ROUND: Final = 10.0  # seconds after which the rest is left for the next beat
HELD: Final = 40.0  # seconds into the lease of a minute after which nothing is begun
CALL: Final = 15.0  # seconds for one letter; a file has what is left of the lease
SHORTEST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=10)
# Errors that may be over some day, such as a revoked token or a channel nobody is left in.
KEPT: Final = timedelta(days=7)


class Courier:
    """Delivers letters; one for the whole process, because it keeps Slack's pace.

    `apart` is the seconds between two posts to one channel. `failures` counts what Slack or the
    network did not take, by Slack's code or the error's name.
    """

    def __init__(self, deps: Deps, client: AsyncWebClient, *, apart: float = APART) -> None:
        self._deps = deps
        self._post = Post(deps, client)
        self._now = time.monotonic
        self._tempo = Tempo(self._now, apart)
        self._apart = apart
        self.failures: Counter[str] = Counter()

    async def deliver_due(self) -> int:
        """Send what is due; answers how many letters are off our hands."""
        done, end = 0, self._now() + ROUND
        while messages := await outbox.claim(self._deps, BATCH):
            lanes: dict[str, list[OutboxMessage]] = {}
            for message in messages:
                lanes.setdefault(message.channel, []).append(message)
            until = self._now() + HELD
            work = (self._lane(lane, until) for lane in lanes.values())
            ends = await asyncio.gather(*work, return_exceptions=True)
            for end_of_lane in ends:
                if isinstance(end_of_lane, BaseException):
                    raise end_of_lane
                done += end_of_lane
            if not any(ends) or self._now() > end:
                break
        return done

    async def _lane(self, messages: Sequence[OutboxMessage], until: float) -> int:
        """The letters to one channel, one after the other."""
        done = behind = 0
        patience = self._now() + PATIENCE
        for message in messages:
            wait = self._wait(message)
            if wait and self._now() + wait > min(patience, until):
                # The order of a channel is kept: those behind come a second later each.
                await self._put_off(message, wait + behind * self._apart)
                behind += 1
                continue
            await asyncio.sleep(wait)
            done += await self._deliver(message, until + CALL - self._now())
        return done

    def _wait(self, message: OutboxMessage) -> float:
        if message.op == EDIT:
            return self._tempo.wait_for_edit(message.subject)
        return self._tempo.wait_for_post(message.channel)

    async def _deliver(self, message: OutboxMessage, left: float) -> bool:
        """Send one letter in `left` seconds; False when it goes back into the outbox."""
        try:
            async with asyncio.timeout(left if message.op == UPLOAD else min(CALL, left)):
                sent = await self._post.send(message)
        except SlackApiError as error:
            self.failures[code_of(error)] += 1
            return await self._refused(message, error)
        except NETWORK as error:
            self.failures[type(error).__name__] += 1
            # It may have got through: the attempt counts, and the next one looks for it first.
            return await self._later(message, type(error).__name__)
        except StoreError:
            raise
        except Exception:  # what cannot be worded must not stop the others; it is logged whole
            self.failures["wording"] += 1
            log.exception("letter cannot be sent", what=message.what, letter=message.id)
            return await self._later(message, "cannot be worded")
        self._hold(message)
        await outbox.settle(self._deps, message, sent.ts, channel=sent.channel)
        return True

    def _hold(self, message: OutboxMessage) -> None:
        if message.op == EDIT:
            self._tempo.edited(message.subject)
        else:
            self._tempo.posted(message.channel)

    async def _refused(self, message: OutboxMessage, error: SlackApiError) -> bool:
        code = code_of(error)
        if code == "ratelimited":
            wait = retry_after(error)
            self._tempo.rest(EDITS if message.op == EDIT else message.channel, wait)
            await self._put_off(message, wait, code)
            return False
        if code in HOPELESS or message.age > KEPT:
            log.error("letter given up", what=message.what, error=code, letter=message.id)
            await outbox.bury(self._deps, message, code)
            return True
        if code in CLOSED:
            log.warning("nobody can be told", what=message.what, error=code, letter=message.id)
        return await self._later(message, code, unsent=code not in UNCERTAIN)

    async def _later(self, message: OutboxMessage, reason: str, *, unsent: bool = False) -> bool:
        """The longer it waits already, the longer it is left alone."""
        wait = min(max(message.age, SHORTEST_WAIT), LONGEST_WAIT)
        await outbox.defer(self._deps, message, wait, reason, unsent=unsent)
        return False

    async def _put_off(self, message: OutboxMessage, seconds: float, reason: str = "pace") -> None:
        wait = timedelta(seconds=seconds)
        await outbox.defer(self._deps, message, wait, reason, unsent=True)


async def deliver_due(deps: Deps, client: AsyncWebClient) -> int:
    """What is due now, by a courier of its own: for one round, such as at a terminal."""
    return await Courier(deps, client).deliver_due()
