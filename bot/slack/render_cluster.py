"""Clusters as people see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot.core.cluster import Mode
from bot.core.registry import Environment
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS, moment
from bot.usecases import cluster_news
from bot.usecases.clusters import INHERIT

MODES: Final = {
    Mode.AUDIT: "👀 audit",
    Mode.WARN: "⚠ warn",
    Mode.ENFORCE: "⛔ enforce",
}
EFFECTS: Final = {
    Mode.AUDIT: "images that no registry covers run, and are noted",
    Mode.WARN: "images that no registry covers run, and whoever deploys them is warned",
    Mode.ENFORCE: "images that no registry covers are refused",
}


def cluster_notice(what: str, values: Mapping[str, str]) -> list[str]:
    """The lines that tell of a change to a cluster."""
    name = f"*{code(values.get('cluster', ''))}*"
    by = f" by <@{escape(values['by'], 30)}>" if values.get("by") else ""
    match what:
        case cluster_news.ADDED:
            parts = (_environment(values.get("environment", "")), _mode(values.get("mode", "")))
            more = "".join(f" · {part}" for part in parts if part)
            return [f"*☸ Cluster added* · {name}{by}{more}"]
        case cluster_news.CHANGED:
            return [f"*☸ Cluster changed* · {name}{by}", *_change(values)]
        case cluster_news.ROTATED:
            return [f"*☸ New token* · for the cluster {name}{by}", _old_token(values)]
        case cluster_news.REVOKED:
            return [f"*☸ Tokens revoked* · of the cluster {name}{by}", _left(values)]
        case _:
            more = "Its tokens have ended: it gets no pull secret and reports nothing any more."
            return [f"*☸ Cluster deleted* · {name}{by}", more]


def _change(values: Mapping[str, str]) -> list[str]:
    """What a place is now, and what that means."""
    to = values.get("to", "")
    space = values.get("namespace", "")
    where = f"Its namespace {code(space)}" if space else "It"
    if to == INHERIT:
        return [f"{where} has the {escape(values.get('changed', ''), 20)} of the cluster now."]
    if values.get("changed") == "environment":
        return [f"{where} is served by registries for {_environment(to) or 'any environment'} now."]
    effect = f": {EFFECTS[Mode(to)]}." if to in set(Mode) else "."
    return [f"{where} is in the mode {_mode(to)} now{effect}"]


def _old_token(values: Mapping[str, str]) -> str:
    try:
        until = moment(datetime.fromisoformat(values.get("until", "")))
    except ValueError:
        return "It is the only one that the cluster has."
    return f"The one before is good until {until}; put the new one in by then."


def _left(values: Mapping[str, str]) -> str:
    if values.get("left") == "0":
        return "It has none now: it gets no pull secret and reports nothing until there is one."
    return "Those that were replaced have ended; the newest goes on."


def _mode(text: str) -> str:
    return MODES[Mode(text)] if text in set(Mode) else escape(text, 20)


def _environment(text: str) -> str:
    if text == Environment.ANY:
        return ""
    return ENVIRONMENTS[Environment(text)] if text in set(Environment) else escape(text, 20)
