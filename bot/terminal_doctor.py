"""`registrar doctor`: what a rotation would do and lacks or left behind, and lost references."""

from __future__ import annotations

import sys

from bot.core.access import Actor
from bot.settings import Settings
from bot.terminal import TERMINAL, team_of
from bot.tools import open_deps, open_tools
from bot.usecases import references as following
from bot.usecases import rotation_orphans, rotation_policies

WELL, MISSING = 0, 1


async def rotation(names: tuple[str, ...], *, workspace: str) -> int:
    """Print the steps for each registry and what is missing; exit code 0 or 1."""
    settings = Settings.from_environment()
    code = WELL
    async with open_tools(settings) as tools:
        actor = Actor(await team_of(tools.deps, workspace), TERMINAL, is_admin=True)
        for name in names:
            found = await rotation_policies.diagnose(tools.deps, tools.rotators, actor, name)
            _say(name)
            for number, step in enumerate(found.steps, 1):
                _say(f"  {number}. {step}")
            for problem in found.problems:
                _say(f"  missing: {problem}")
            if found.problems:
                code = MISSING
            else:
                _say("  nothing is missing")
            for note in found.notes:
                _say(f"  note: {note}")
    return code


async def orphans(*, workspace: str) -> int:
    """Print what bears our label at the providers and is known to nobody; exit code 0 or 1."""
    settings = Settings.from_environment()
    async with open_tools(settings) as tools:
        actor = Actor(await team_of(tools.deps, workspace), TERMINAL, is_admin=True)
        found = await rotation_orphans.find(tools.deps, tools.rotators, actor)
    for one in found.orphans:
        made = f", made {one.made_at:%Y-%m-%d %H:%M} UTC" if one.made_at else ""
        _say(f"{one.registry}: {one.handle}{made}")
    for name, why in found.unseen:
        _say(f"{name}: not seen: {why}")
    if not found.orphans and not found.unseen:
        _say("Nothing of ours was left anywhere.")
    return MISSING if found.orphans or found.unseen else WELL


async def references(*, workspace: str) -> int:
    """Print where secrets come from and which references lead nowhere; exit code 0 or 1."""
    settings = Settings.from_environment()
    async with open_deps(settings) as deps:
        found = await following.survey(deps, await team_of(deps, workspace))
    for one in found:
        _say(f"{one.registry}: {one.reference}: {one.problem or 'leads to a secret'}")
    if not found:
        _say("No registry has a reference instead of its secret.")
    return MISSING if any(one.problem for one in found) else WELL


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
