"""Are we the ones offline? When most hosts go silent at once, control probes decide.

One process feeds every answer or silence of a host into `heard`. When at least three hosts were
heard of within five minutes and 60 % of them are silent (or every host of a smaller fleet is), it
asks for control probes of well-known addresses. If these are silent too, we are offline: nobody is
condemned until an answer comes, and it is said once. Silence is only what the network does (no
name, no connection, no answer in time): a 503 or a bad certificate shows that we are online.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.core.check import Cause, CheckResult, Verdict
from bot.core.timestamp import Json, read, written

WINDOW: Final = timedelta(minutes=5)
SHARE: Final = 0.6
HOSTS: Final = 3
CLEARED: Final = timedelta(minutes=5)
ASK_AGAIN: Final = timedelta(seconds=60)
SAID_ONCE: Final = timedelta(hours=1)

_SILENT: Final = {Cause.HOST_NOT_FOUND, Cause.CONNECT_FAILED, Cause.TIMEOUT}


class Mode(StrEnum):
    ONLINE = "online"
    ASKING = "asking"
    OFFLINE = "offline"


class Word(StrEnum):
    """What to do after a decision."""

    ASK = "ask"  # probe the control addresses and tell `probed`
    SAY_OFFLINE = "say_offline"  # say once that we cannot reach the network since `since`
    SAY_BACK = "say_back"


@dataclass(frozen=True, slots=True)
class Sight:
    """The last thing known of a host: when, and whether it answered."""

    at: datetime
    reached: bool


@dataclass(frozen=True, slots=True)
class Network:
    """What one process knows of its own connection."""

    mode: Mode = Mode.ONLINE
    sights: Mapping[str, Sight] = field(default_factory=dict)
    since: datetime | None = None
    asked_at: datetime | None = None
    cleared_until: datetime | None = None
    said_at: datetime | None = None
    saying: bool = False

    def to_json(self) -> Json:
        return {
            "mode": self.mode,
            "sights": {host: [written(s.at), s.reached] for host, s in self.sights.items()},
            "since": written(self.since),
            "asked_at": written(self.asked_at),
            "cleared_until": written(self.cleared_until),
            "said_at": written(self.said_at),
            "saying": self.saying,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Network:
        sights = {
            host: Sight(at, bool(reached))
            for host, (text, reached) in stored.get("sights", {}).items()
            if (at := read({"at": text}, "at")) is not None
        }
        return cls(
            mode=Mode(stored.get("mode", Mode.ONLINE)),
            sights=sights,
            since=read(stored, "since"),
            asked_at=read(stored, "asked_at"),
            cleared_until=read(stored, "cleared_until"),
            said_at=read(stored, "said_at"),
            saying=bool(stored.get("saying", False)),
        )


def silent(result: CheckResult) -> bool:
    """Whether the network gave no answer at all in this check."""
    return result.verdict is Verdict.UNREACHABLE and result.cause in _SILENT


def heard(
    network: Network, host: str, now: datetime, *, reached: bool
) -> tuple[Network, tuple[Word, ...]]:
    """A host answered, or did not."""
    seen = network.sights.items()
    # What was seen a minute from now was seen by a clock that ran ahead.
    sights = {name: one for name, one in seen if now - WINDOW < one.at < now + ASK_AGAIN}
    network = replace(network, sights={**sights, host: Sight(now, reached)})
    suspicious = _suspicious(network.sights)
    if network.mode is Mode.ONLINE:
        until = network.cleared_until
        cleared = until is not None and now < until <= now + CLEARED
        return (network, ()) if cleared or not suspicious else _ask(network, now)
    if not suspicious:
        return _online(network, now)
    return tick(network, now)


def tick(network: Network, now: datetime) -> tuple[Network, tuple[Word, ...]]:
    """Time passed; while in doubt or offline the control probes are asked once a minute."""
    asked = network.asked_at
    waiting = asked is not None and abs(now - asked) < ASK_AGAIN
    if network.mode is Mode.ONLINE or waiting:
        return network, ()
    return replace(network, asked_at=now), (Word.ASK,)


def probed(network: Network, now: datetime, *, reached: int) -> tuple[Network, tuple[Word, ...]]:
    """The control probes are back; one that answered shows that the others are away, not we."""
    if network.mode is Mode.ONLINE:
        return network, ()
    if reached:
        return _online(network, now)
    if network.mode is Mode.OFFLINE:
        return network, ()
    said = network.said_at is not None and now < network.said_at + SAID_ONCE
    network = replace(network, mode=Mode.OFFLINE, saying=not said)
    if said:
        return network, ()
    return replace(network, said_at=now), (Word.SAY_OFFLINE,)


def _suspicious(sights: Mapping[str, Sight]) -> bool:
    lost = sum(not sight.reached for sight in sights.values())
    return lost >= SHARE * len(sights) if len(sights) >= HOSTS else lost == len(sights)


def _ask(network: Network, now: datetime) -> tuple[Network, tuple[Word, ...]]:
    first = min((s.at for s in network.sights.values() if not s.reached), default=now)
    return replace(network, mode=Mode.ASKING, since=first, asked_at=now), (Word.ASK,)


def _online(network: Network, now: datetime) -> tuple[Network, tuple[Word, ...]]:
    words = (Word.SAY_BACK,) if network.mode is Mode.OFFLINE and network.saying else ()
    calm = replace(
        network, mode=Mode.ONLINE, asked_at=None, cleared_until=now + CLEARED, saying=False
    )
    return calm, words
