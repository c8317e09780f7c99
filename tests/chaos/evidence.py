"""What is left after the play, and what must hold for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.health import Health, decide
from bot.core.schedule import next_check
from bot.sandbox.slackd.world import Message, World
from tests.chaos.play import LEASE

Row = dict[str, Any]
EVERY = timedelta(minutes=5)
SLACK = timedelta(seconds=5)
"""A confirmation may come this much too early (see `bot.core.health`)."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """A check whose answer was lost, the next one of the same registry, and what was between.

    `ticks` are the whole ticks from the end of the lost one's claim until the next one began.
    """

    ticks: int
    lost: Row
    after: Row | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows of the database, the messages in Slack, and the log of the workers."""

    checks: Sequence[Row]
    incidents: Sequence[Row]
    letters: Sequence[Row]
    storms: Mapping[str, Row]
    counted: int
    messages: Sequence[Message]
    log: Sequence[Row]
    ids: Mapping[int, str]

    @classmethod
    def gather(cls, database: str, world: World, log: Sequence[Row]) -> Evidence:
        with psycopg.connect(database, row_factory=dict_row) as connection:

            def rows(query: str) -> list[Row]:
                return connection.execute(query).fetchall()

            (counted,) = rows(
                "SELECT sum(proven + unproven + refused + unreachable + limited + blocked)::int"
                " AS n FROM day_count"
            )
            return cls(
                checks=rows(
                    "SELECT k.*, r.name FROM check_record k JOIN registry r"
                    " ON r.id = k.registry_id WHERE k.trigger = 'schedule' ORDER BY k.id"
                ),
                incidents=rows(
                    "SELECT i.*, r.name FROM incident i JOIN incident_registry m"
                    " ON m.incident_id = i.id JOIN registry r ON r.id = m.registry_id"
                ),
                letters=rows("SELECT * FROM outbox ORDER BY id"),
                storms={row["id"]: row for row in rows("SELECT * FROM storm")},
                counted=counted["n"] or 0,
                messages=[m for channel in world.channels.values() for m in channel.messages],
                log=log,
                ids={int(row["name"][1:]): row["id"] for row in rows("SELECT * FROM registry")},
            )

    # -- checks

    def recorded_twice(self) -> list[str]:
        """Answers that stand in the history more than once."""
        return [name for name, n in Counter(c["identity"] for c in self.checks).items() if n > 1]

    def too_early(self) -> list[tuple[str, datetime, datetime]]:
        """Checks that came before the registry was due again: (name, when, when it was due)."""
        found = []
        healths: dict[str, tuple[Health, datetime]] = {}
        for row in self.checks:
            at = row["at"].astimezone(UTC)
            before, due = healths.get(row["registry_id"], (Health(ever_proven=True), at))
            if at < due - SLACK:
                found.append((row["name"], at, due))
            decision = decide(before, _result(row, at), at)
            # The guard of the account may only make it later.
            due = next_check(row["registry_id"], EVERY, at, soon=decision.soon)
            healths[row["registry_id"]] = (decision.health, due)
        return found

    def taken_over_early(self) -> list[tuple[Row, Row]]:
        """Checks begun while the claim of another one, whose answer was lost, still held."""
        return [
            (lost, after)
            for lost, after in self._lost()
            if after is not None and after["seconds"] < lost["seconds"] + LEASE - SLACK.seconds
        ]

    def takeovers(self) -> list[Takeover]:
        """How every lost answer was made up for."""
        return [
            Takeover(self._whole_ticks(lost, after), lost, after) for lost, after in self._lost()
        ]

    def _lost(self) -> Iterator[tuple[Row, Row | None]]:
        """Checks whose answer was never recorded, with the next check of the same registry."""
        kept = {row["identity"] for row in self.checks}
        began = [line for line in self.log if line["what"] == "check" and line["name"]]
        for at, line in enumerate(began):
            if line["name"] in kept or line["seconds"] == 0:
                continue
            same = (after for after in began[at + 1 :] if after["registry"] == line["registry"])
            yield line, next(same, None)

    def _whole_ticks(self, lost: Row, after: Row | None) -> int:
        """Ticks that began when the last claim was over, and ended before the next try began."""
        between = self.log[self.log.index(lost) : self.log.index(after) if after else None]
        registry = self.ids[lost["registry"]]
        claims = [line for line in between if registry in line.get("ids", ())]
        # The last claim is that of the next try; those before it ended like the first one.
        held = [lost, *claims[:-1]] if after else [lost, *claims]
        over = held[-1]["seconds"] + LEASE
        running: set[int] = set()
        whole = 0
        for line in between:
            if line["what"] == "begin" and line["seconds"] >= over:
                running.add(line["pid"])
            if line["what"] == "end" and line["pid"] in running:
                running.discard(line["pid"])
                whole += 1
        return whole

    # -- alerts

    def unsent(self) -> list[Row]:
        return [row for row in self.letters if row["state"] != "sent"]

    def lost_or_doubled(self) -> tuple[list[str], list[str]]:
        """Delivery keys of messages that nobody sees, and of those that are seen twice or more."""
        seen = Counter(_key(message) for message in self.messages)
        due = {row["delivery_key"] for row in self.letters if row["op"] in {"post", "thread"}}
        return sorted(due - seen.keys()), sorted(key for key, n in seen.items() if n > 1)

    def unannounced(self) -> list[str]:
        """Registries with an incident that stands in no message of Slack."""
        roots = {message.ts for message in self.messages if message.thread_ts is None}
        return [
            row["name"]
            for row in self.incidents
            if row["ts"] not in roots
            and self.storms.get(row["storm_id"], {}).get("ts") not in roots
        ]

    def stale(self) -> list[str]:
        """Incidents whose own message tells another phase than the one they are in."""
        texts = {message.ts: message.text for message in self.messages}
        return [
            row["name"]
            for row in self.incidents
            if row["ts"] and row["phase"].capitalize() not in texts[row["ts"]]
        ]


def _key(message: Message) -> str:
    payload = (message.metadata or {}).get("event_payload", {})
    return str(payload.get("key", ""))


def _result(row: Row, at: datetime) -> CheckResult:
    return CheckResult(
        verdict=Verdict(row["verdict"]),
        level=Level(row["level"]),
        stage=Stage(row["stage"]),
        sentence=row["sentence"],
        at=at,
        took=row["took"],
        cause=Cause(row["cause"]) if row["cause"] else None,
        explicit=row["explicit"],
    )


def summary(evidence: Evidence, told: Mapping[str, Any]) -> str:
    """The figures of a play in one line."""
    waits = [one.ticks for one in evidence.takeovers()]
    late = max(waits, default=0)
    return (
        f"{told['ticks']} ticks in {told['seconds']:.0f} s, {told['deaths']} deaths, "
        f"{len(evidence.checks)} checks kept, {len(waits)} taken over "
        f"(at most {late} whole ticks after the lease), {len(evidence.incidents)} incidents, "
        f"{len(evidence.messages)} messages"
    )


def told_by(output: bytes) -> dict[str, Any]:
    """What the driver printed last."""
    line: dict[str, Any] = json.loads(output.splitlines()[-1])
    return line
