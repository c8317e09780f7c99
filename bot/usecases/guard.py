"""Before rules get narrower: who would be refused, by the rules with and without the change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.cluster import ClusterView
from bot.core.policy import ANY, Policy, Rule
from bot.core.usage import Change, Judge, Use, changed, workloads
from bot.store import exemptions, registries
from bot.store.registries import Place
from bot.usecases import gate
from bot.usecases.running import running

COLUMNS: Final = ("cluster", "place", "image", "said by", "last seen", "afterwards")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Guard:
    """What narrower rules of the registry `name` would do.

    `silent` are the clusters that may run more than is known; empty when the registry covers
    nothing anyway.
    """

    name: str
    change: Change = field(default_factory=Change)
    silent: tuple[ClusterView, ...] = ()
    afterwards: Mapping[Use, str] = field(default_factory=dict, repr=False)

    @property
    def in_use(self) -> bool:
        """A cluster whose inventory is stale counts as a user."""
        return bool(self.change.used or self.silent)

    @property
    def hurts(self) -> bool:
        """Somebody would be refused, or may be."""
        return bool(self.change.refused or self.silent)

    def told(self) -> dict[str, str]:
        """What the audit and the alert channel hear; nothing when nobody is concerned."""
        found = {
            "workloads": _number(self.change.used),
            "refused_workloads": _number(self.change.refused),
            "heir": self.change.heir,
            "silent": ", ".join(one.name for one in self.silent[:5]),
        }
        return {key: value for key, value in found.items() if value}

    def as_csv(self) -> bytes:
        """All of them, for a spreadsheet."""
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(COLUMNS)
        for use in dict.fromkeys((*self.change.refused, *self.change.used)):
            seen = use.last_seen.strftime("%Y-%m-%d %H:%M UTC")
            row = (use.cluster, use.place, use.image, use.source, seen, self.afterwards[use])
            table.writerow([_cell(str(one)) for one in row])
        return text.getvalue().encode()


async def deletion(session: AsyncSession, team_id: str, registry_id: str, now: datetime) -> Guard:
    """What follows when this registry is gone."""
    places = await registries.places(session, team_id)
    mine = next(one for one in places if one.id == registry_id)
    left = [one for one in places if one is not mine]
    return await _compared(session, team_id, mine, places, left, now)


async def edit(
    session: AsyncSession,
    team_id: str,
    registry_id: str,
    values: Mapping[str, Any],
    now: datetime,
) -> Guard | None:
    """What follows when a registry's columns become `values`; None when nothing gets narrower."""
    places = await registries.places(session, team_id)
    mine = next((one for one in places if one.id == registry_id), None)
    if mine is None:
        return None
    columns = ("url", "host", "path_scope", "environment", "also_at")
    wanted = replace(mine, **{name: values[name] for name in columns})
    fresh = gate.rules_of([wanted])
    if all(any(_within(rule, one) for one in fresh) for rule in gate.rules_of([mine])):
        return None
    after = [wanted if one is mine else one for one in places]
    return await _compared(session, team_id, mine, places, after, now)


async def _compared(
    session: AsyncSession,
    team_id: str,
    mine: Place,
    before: Iterable[Place],
    after: Iterable[Place],
    now: datetime,
) -> Guard:
    exempt = [gate.exemption_of(row) for row in await exemptions.in_force(session, team_id, now)]
    old, new = (Judge(Policy(gate.rules_of(one), exempt), now) for one in (before, after))
    in_use = await running(session, team_id, now)
    change = changed(in_use.uses, mine.name, old, new)
    concerned = (*change.used, *change.refused)
    afterwards = {use: _afterwards(new, use) for use in concerned}
    silent = in_use.silent if gate.rules_of([mine]) else ()
    return Guard(mine.name, change, silent, afterwards)


def _within(rule: Rule, other: Rule) -> bool:
    """Whether everything that a rule covers is covered by the other one."""
    inside = not other.scope or f"{rule.scope}/".startswith(f"{other.scope}/")
    serves = other.environment in {ANY, rule.environment}
    return rule.host == other.host and inside and serves


def _afterwards(judge: Judge, use: Use) -> str:
    verdict = judge.of(use)
    if not verdict.allowed:
        return "refused"
    return f"belongs to {verdict.registry}" if verdict.registry else "exempted"


def _number(uses: Iterable[Use]) -> str:
    found = len(workloads(uses))
    return str(found) if found else ""


def _cell(text: str) -> str:
    """A spreadsheet must not take for a formula what anybody can name a workload."""
    return f"'{text}" if text.startswith(_FORMULA) else text
