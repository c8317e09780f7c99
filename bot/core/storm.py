"""Many incidents at once become one message, so that a channel is told and not flooded.

More than five incidents of one trouble within a minute are a storm: one parent message lists them
all. To know that before the channel is full, the first two incidents of a minute are posted at once
and each further one waits up to 15 seconds. While a storm lasts, every new incident of its trouble
joins its parent; one of another trouble only while it still rages, that is within a minute of the
last that joined, for a line more in an old message calls nobody. So 2,800 failures at once make
three messages: two and the parent, which lists those two as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.core.health import Trouble
from bot.core.timestamp import Json, read, written

WITHIN: Final = timedelta(minutes=1)
MOST_ALONE: Final = 5
AT_ONCE: Final = 2
HOLD: Final = timedelta(seconds=15)
LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An incident of the last minute; `posted` when it already has a message of its own."""

    incident_id: str
    trouble: Trouble
    at: datetime
    posted: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """What one channel went through lately; a few values, whatever the number of incidents.

    `parent` names the storm that lasts (the id of its first incident), `trouble` what it is about,
    `joined_at` its last join.
    """

    arrivals: tuple[Arrival, ...] = ()
    parent: str = ""
    joined_at: datetime | None = None
    trouble: Trouble | None = None

    def takes(self, trouble: Trouble, now: datetime) -> bool:
        """Whether an incident of this trouble is one more of the storm."""
        if not self.parent or self.joined_at is None:
            return False
        return trouble is self.trouble or now < self.joined_at + WITHIN

    def to_json(self) -> Json:
        return {
            "arrivals": [
                [a.incident_id, a.trouble, written(a.at), a.posted] for a in self.arrivals
            ],
            "parent": self.parent,
            "joined_at": written(self.joined_at),
            "trouble": self.trouble,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Channel:
        arrivals = tuple(
            Arrival(str(name), Trouble(trouble), at, bool(posted))
            for name, trouble, text, posted in stored.get("arrivals", ())
            if (at := read({"at": text}, "at")) is not None
        )
        parent, trouble = str(stored.get("parent", "")), stored.get("trouble")
        about = Trouble(trouble) if trouble else None
        return cls(arrivals, parent, read(stored, "joined_at"), about)


@dataclass(frozen=True, slots=True)
class Alone:
    """Post this incident's own message."""

    incident_id: str


@dataclass(frozen=True, slots=True)
class Gather:
    """Post a parent message that lists these incidents; their own messages, if any, point to it."""

    parent: str
    incident_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Add this incident to the parent's list."""

    parent: str
    incident_id: str


Word = Alone | Gather | Join


def arrived(
    channel: Channel, incident_id: str, trouble: Trouble, now: datetime
) -> tuple[Channel, tuple[Word, ...]]:
    """An incident is to be announced; says nothing when it waits (then `tick` at `next_tick`)."""
    channel, words = tick(channel, now)
    if channel.takes(trouble, now):
        return replace(channel, joined_at=now), (*words, Join(channel.parent, incident_id))
    if any(arrival.incident_id == incident_id for arrival in channel.arrivals):
        return channel, words
    at_once = len(channel.arrivals) < AT_ONCE
    arrivals = (*channel.arrivals, Arrival(incident_id, trouble, now, posted=at_once))
    if sum(arrival.trouble is trouble for arrival in arrivals) > MOST_ALONE:
        ids = tuple(a.incident_id for a in arrivals if a.trouble is trouble or not a.posted)
        storm = Channel(parent=ids[0], joined_at=now, trouble=trouble)
        return storm, (*words, Gather(ids[0], ids))
    channel = replace(channel, arrivals=arrivals)
    return channel, (*words, Alone(incident_id)) if at_once else words


def tick(channel: Channel, now: datetime) -> tuple[Channel, tuple[Word, ...]]:
    """Time passed: what waited long enough is posted alone, and a storm may be over.

    What lies far ahead of now was written by a clock that has been put back, and waits no longer;
    a little ahead is another worker's transaction that began later.
    """
    ahead, joined = now + WITHIN, channel.joined_at
    if joined is not None and (now >= joined + LASTS or joined > ahead):
        channel = replace(channel, parent="", joined_at=None, trouble=None)
    waiting = [a for a in channel.arrivals if not a.posted]
    ripe = [a for a in waiting if now >= a.at + HOLD or a.at > ahead]
    arrivals = tuple(
        replace(a, posted=True) if a in ripe else a
        for a in channel.arrivals
        if a.at > now - WITHIN or (not a.posted and a not in ripe)
    )
    return replace(channel, arrivals=arrivals), tuple(Alone(a.incident_id) for a in ripe)


def withdrawn(channel: Channel, incident_id: str) -> Channel:
    """An incident that still waited is over: it is not announced any more."""
    left = tuple(a for a in channel.arrivals if a.posted or a.incident_id != incident_id)
    return replace(channel, arrivals=left)


def next_tick(channel: Channel) -> datetime | None:
    """When the next waiting incident is due; None when none waits."""
    return min((a.at + HOLD for a in channel.arrivals if not a.posted), default=None)
