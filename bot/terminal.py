"""`registrar test`: the checks of stored registries at a terminal."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from bot.core.access import Actor
from bot.core.check import CheckResult, Verdict
from bot.core.registry import RegistryView
from bot.errors import InvalidInput, NotFound
from bot.settings import Settings
from bot.tools import open_deps
from bot.usecases import checking, workspaces
from bot.usecases.deps import Deps

TERMINAL: Final = "terminal"  # who asked, in the history and the audit
PROVEN, NOT_PROVEN = 0, 1

_COLOURS: Final = {
    Verdict.PROVEN: "green",
    Verdict.UNPROVEN: "yellow",
    Verdict.REFUSED: "red",
    Verdict.UNREACHABLE: "dark_orange",
    Verdict.LIMITED: "cyan",
    Verdict.BLOCKED: "magenta",
    Verdict.UNRESOLVED: "magenta",
}


@dataclass(frozen=True, slots=True)
class Row:
    registry: RegistryView
    result: CheckResult


async def test_from_terminal(names: tuple[str, ...], *, as_json: bool, workspace: str) -> int:
    """Check `names`, or all without names; prints a table or JSON. Exit code 0 or 1."""
    settings = Settings.from_environment()
    async with open_deps(settings) as deps:
        actor = Actor(await team_of(deps, workspace), TERMINAL, is_admin=True)
        console = Console(stderr=True)
        with _progress(console) as bar:
            rows = await (_check_named if names else _check_all)(deps, actor, names, bar)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(row) for row in rows], indent=2) + "\n")
    else:
        Console().print(_table(rows))
    return PROVEN if all(row.result.verdict is Verdict.PROVEN for row in rows) else NOT_PROVEN


async def team_of(deps: Deps, wanted: str) -> str:
    """The workspace that was named, or the only one; raises NotFound or InvalidInput."""
    teams = await workspaces.teams(deps)
    if wanted:
        if wanted not in teams:
            raise NotFound(f"There is no workspace {wanted}.")
        return wanted
    if not teams:
        raise NotFound("No workspace yet; add a registry from Slack first.")
    if len(teams) > 1:
        raise InvalidInput(
            {"workspace": f"There are several workspaces; name one: {', '.join(teams)}."}
        )
    return teams[0]


async def _check_named(
    deps: Deps, actor: Actor, names: tuple[str, ...], bar: Progress
) -> list[Row]:
    task = bar.add_task("testing", total=len(names))
    rows = []
    for name in names:
        bar.update(task, description=name)
        rows.append(Row(*await checking.check_registry(deps, actor, name)))
        bar.advance(task)
    return rows


async def _check_all(deps: Deps, actor: Actor, _names: tuple[str, ...], bar: Progress) -> list[Row]:
    task = bar.add_task("testing", total=None)

    def each(name: str, _result: CheckResult, done: int, total: int) -> None:
        bar.update(task, description=name, completed=done, total=total)

    return [Row(*pair) for pair in await checking.check_all(deps, actor, each)]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
    )


def _table(rows: list[Row]) -> Table:
    table = Table("Registry", "Host", "Verdict", "What the check found", box=None)
    for row in rows:
        verdict = row.result.verdict
        found = " ".join(part for part in (row.result.sentence, row.result.remedy) if part)
        table.add_row(
            row.registry.name,
            row.registry.host,
            f"[{_COLOURS[verdict]}]{verdict}[/]",
            found,
        )
    return table


def _as_json(row: Row) -> dict[str, Any]:
    result = row.result
    return {
        "name": row.registry.name,
        "kind": row.registry.kind,
        "host": row.registry.host,
        "verdict": result.verdict,
        "evidence_level": f"E{int(result.level)}",
        "stage": result.stage,
        "cause": result.cause,
        "sentence": result.sentence,
        "remedy": result.remedy,
        "identity": result.identity,
        "expires_at": result.expiry.at.isoformat() if result.expiry and result.expiry.at else None,
        "at": result.at.isoformat(),
        "seconds": round(result.took, 3),
    }
