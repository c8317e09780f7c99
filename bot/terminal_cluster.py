"""`registrar cluster`: what `/registry cluster` does, for whoever runs Registrar.

A token goes to standard output, alone and once, so that it can be piped to where it belongs; words
for people go to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bot.core.access import Actor
from bot.core.cluster import ClusterView
from bot.settings import Settings
from bot.terminal import TERMINAL, team_of
from bot.tools import open_deps
from bot.usecases import cluster_rotation, clusters
from bot.usecases.cluster_rotation import OLD_GOOD_FOR
from bot.usecases.clusters import Wanted
from bot.usecases.deps import Deps
from bot.usecases.issuing import Issued


@asynccontextmanager
async def _asking(workspace: str) -> AsyncIterator[tuple[Deps, Actor]]:
    async with open_deps(Settings.from_environment()) as deps:
        yield deps, Actor(await team_of(deps, workspace), TERMINAL, is_admin=True)


async def add(name: str, environment: str, mode: str, workspace: str) -> None:
    async with _asking(workspace) as (deps, actor):
        issued = await clusters.add(deps, actor, Wanted(name, environment, mode))
    _hand_over(issued, f"{name} is added.")


async def print_list(*, as_json: bool, workspace: str) -> None:
    async with _asking(workspace) as (deps, actor):
        found = await clusters.list_clusters(deps, actor)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(one) for one in found], indent=2) + "\n")
    else:
        Console().print(_table(found))


async def set_mode(name: str, namespace: str, mode: str, workspace: str) -> None:
    async with _asking(workspace) as (deps, actor):
        await clusters.set_mode(deps, actor, name, mode, namespace)
    place = f"{name}, namespace {namespace}" if namespace else name
    _say(f"{place}: {mode}.")


async def set_environment(name: str, namespace: str, environment: str, workspace: str) -> None:
    async with _asking(workspace) as (deps, actor):
        await clusters.set_environment(deps, actor, name, environment, namespace)
    place = f"{name}, namespace {namespace}" if namespace else name
    _say(f"{place}: registries for {environment}.")


async def rotate(name: str, workspace: str) -> None:
    async with _asking(workspace) as (deps, actor):
        issued = await cluster_rotation.rotate(deps, actor, name)
    hours = int(OLD_GOOD_FOR.total_seconds() // 3600)
    _hand_over(issued, f"The token before is good for {hours} hours more, or until `revoke`.")


async def revoke(name: str, *, everything: bool, workspace: str) -> None:
    async with _asking(workspace) as (deps, actor):
        _, ended = await cluster_rotation.revoke(deps, actor, name, everything=everything)
    _say(f"Tokens of {name} that have ended: {ended}.")


async def delete(name: str, *, sure: bool, workspace: str) -> None:
    typed = name if sure else click.prompt(f"Type {name} to delete it", err=True)
    async with _asking(workspace) as (deps, actor):
        await clusters.delete(deps, actor, name, typed)
    _say(f"{name} is deleted; its tokens have ended.")


def _hand_over(issued: Issued, words: str) -> None:
    _say(words)
    _say(f"The cluster's id is {issued.cluster.id}. Its token follows; it is not shown again.")
    sys.stdout.write(issued.token.reveal() + "\n")


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


def _table(found: Iterable[ClusterView]) -> Table:
    table = Table("Cluster", "Id", "Environment", "Mode", "Namespaces", "Inventory", box=None)
    for one in found:
        own = str(len(one.namespaces)) if one.namespaces else ""
        when = f"{one.inventory_at:%Y-%m-%d %H:%M} UTC" if one.inventory_at else "never"
        table.add_row(one.name, one.id, one.environment, one.mode, own, when)
    return table


def _as_json(one: ClusterView) -> dict[str, Any]:
    return {
        "name": one.name,
        "id": one.id,
        "environment": one.environment,
        "mode": one.mode,
        "namespaces": {name: rule.to_json() for name, rule in sorted(one.namespaces.items())},
        "policy_hash": one.policy_hash,
        "policy_at": _written(one.policy_at),
        "inventory_at": _written(one.inventory_at),
    }


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
