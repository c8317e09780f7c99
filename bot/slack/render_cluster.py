"""Clusters as people see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.core.cluster import ClusterView, Mode, NamespaceRule
from bot.core.registry import Environment
from bot.slack import cluster_line, ids
from bot.slack.blocks import (
    Block,
    actions,
    button,
    choice,
    context,
    link_button,
    option,
    section,
    sections,
    with_confirm,
)
from bot.slack.card import Card, say
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS, ago, count, moment
from bot.usecases import cluster_news
from bot.usecases.clusters import INHERIT, ClusterDetails, TokenView
from bot.usecases.secret_links import Link

LISTED: Final = 20
NAMESPACES: Final = 20
TOKENS: Final = 5

MODES: Final = {
    Mode.AUDIT: "👀 audit",
    Mode.WARN: "⚠ warn",
    Mode.ENFORCE: "⛔ enforce",
}
EFFECTS: Final = {
    Mode.AUDIT: "what no registry covers runs, and is noted",
    Mode.WARN: "what no registry covers runs, and who deploys it is told",
    Mode.ENFORCE: "what no registry covers is refused",
}


def cluster_notice(what: str, values: Mapping[str, str]) -> list[str]:
    """The lines that tell of a change to a cluster."""
    name = f"*{code(values.get('cluster', ''))}*"
    by = f" by {_person(values['by'])}" if values.get("by") else ""
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


def clusters_card(found: Sequence[ClusterView], lead: str = "") -> Card:
    """All clusters, each with the button that shows it."""
    lines, blocks = [lead] if lead else [], sections([lead]) if lead else []
    if not found:
        lines.append(
            "No cluster is added yet. One that is gets its pull secrets from Registrar, and is "
            "told which images may run."
        )
        blocks += sections(lines[-1:])
    for one in found[:LISTED]:
        lines.append(_summary(one))
        look = button("Show", ids.CLUSTER_SHOW, one.name, says=f"Show {one.name}")
        blocks.append(section(lines[-1], look))
    if len(found) > LISTED:
        lines.append(f"And {count(len(found) - LISTED, 'more cluster')}; show one by its name.")
        blocks.append(context(lines[-1]))
    blocks.append(actions(button("Add a cluster", ids.CLUSTER_ADD, "-")))
    return Card("Clusters", "\n".join(lines), tuple(blocks))


def cluster_card(shown: ClusterDetails, now: datetime, lead: str = "") -> Card:
    """One cluster: how strict it is, where it differs, its tokens, and what can be done."""
    one = shown.cluster
    lines = [lead] if lead else []
    lines += [_summary(one), f"_{EFFECTS[one.mode].capitalize()}._", *_namespaces(one)]
    lines += [*_tokens(shown, now), _inventory(one)]
    lines.append(f"Its id is {code(one.id)}; it stands in the addresses that the cluster asks.")
    lines.append(f"Added {moment(shown.created_at)} by {_person(shown.created_by)}.")
    blocks = (*sections(lines), _mode_block(one), _deeds(shown))
    return Card("Cluster", "\n".join(lines), blocks)


def link_card(link: Link, public_url: str, lead: str, old_until: datetime | None = None) -> Card:
    """Where the token waits, and the code that is typed there; never the token."""
    lines = [
        lead,
        f"Its token waits on a page outside Slack until {moment(link.expires_at)}.",
        "It is shown there once, and in no other place.",
        f"The page asks for this code: *{code(link.code)}*",
    ]
    if old_until is not None:
        lines.append(f"The token before is good until {moment(old_until)}, or until you revoke it.")
    open_it = link_button("Open the page", ids.CLUSTER_LINK, f"{public_url}{link.path}")
    show = button("Show the cluster", ids.CLUSTER_SHOW, link.cluster.name)
    blocks = (*sections(lines), actions(open_it, show))
    return Card("Token", "\n".join(lines), blocks, close="Done")


def no_page_card(command: str) -> Card:
    """A token needs the page, and the page an address."""
    return say(
        "Clusters",
        "A token is never shown in Slack but on a page of Registrar's, and Registrar does not know "
        "the address that it has for you: whoever runs it sets `PUBLIC_URL`.",
        f"Until then `registrar {command}` does it in a terminal, and prints the token there.",
    )


def usage_card(command: str, verb: str) -> Card:
    """How a mode or an environment is set."""
    value = "enforce" if verb == cluster_line.MODE else "production"
    words = ", ".join(Mode if verb == cluster_line.MODE else Environment)
    return say(
        "Clusters",
        f"Like this: {code(f'{command} cluster {verb} prod-eu {value}')}, or for one namespace "
        f"{code(f'{command} cluster {verb} prod-eu web {value}')}.",
        f"It is one of {words}; a namespace may also `{INHERIT}`.",
    )


def _summary(one: ClusterView) -> str:
    parts = [f"*☸ {code(one.name)}*", MODES[one.mode], _environment(one.environment)]
    if one.namespaces:
        parts.append(_differing(len(one.namespaces)))
    return " · ".join(part for part in parts if part)


def _differing(number: int) -> str:
    return f"{count(number, 'namespace')} {'differs' if number == 1 else 'differ'}"


def _namespaces(one: ClusterView) -> list[str]:
    """Those that differ, a line each; of very many the first."""
    rows = sorted(one.namespaces.items())
    lines = [f"• {code(name)} {_own(rule)}" for name, rule in rows[:NAMESPACES]]
    if len(rows) > NAMESPACES:
        lines.append(f"and {count(len(rows) - NAMESPACES, 'more namespace')}")
    return lines


def _own(rule: NamespaceRule) -> str:
    mode = MODES[rule.mode] if rule.mode is not None else ""
    environment = ENVIRONMENTS[rule.environment] if rule.environment is not None else ""
    return " · ".join(part for part in (mode, environment) if part)


def _tokens(shown: ClusterDetails, now: datetime) -> list[str]:
    if not shown.tokens:
        return ["⚠ It has no token: it gets no pull secret and reports nothing. Rotate makes one."]
    lines = [_token(one, now) for one in shown.tokens[:TOKENS]]
    if all(one.expires_at is not None for one in shown.tokens):
        lines.append("⚠ No token lasts beyond that. Rotate makes a new one.")
    return lines


def _token(one: TokenView, now: datetime) -> str:
    used = f"last used {ago(one.used_at, now)}" if one.used_at else "never used yet"
    until = f", good until {moment(one.expires_at)}" if one.expires_at else ""
    return f"🔑 Token made {moment(one.created_at)} by {_person(one.created_by)}, {used}{until}"


def _inventory(one: ClusterView) -> str:
    if one.inventory_at is None:
        return "No inventory of it has arrived yet."
    return f"Its last whole inventory arrived {moment(one.inventory_at)}."


def _mode_block(one: ClusterView) -> Block:
    options = [option(MODES[mode], f"{mode}:{one.name}") for mode in Mode]
    choose = choice("static_select", ids.CLUSTER_MODE, options, f"{one.mode}:{one.name}")
    return section("Mode of the whole cluster", choose)


def _deeds(shown: ClusterDetails) -> Block:
    name = shown.cluster.name
    elements = [
        with_confirm(
            button("Rotate token", ids.CLUSTER_ROTATE, name),
            "Make a new token?",
            "The one before stays good for 24 hours.",
            "Rotate",
        )
    ]
    if any(one.expires_at is not None for one in shown.tokens):
        elements.append(
            with_confirm(
                button("Revoke old token", ids.CLUSTER_REVOKE, name),
                "Revoke what was replaced?",
                "Whatever still uses the old token is shut out at once.",
                "Revoke",
            )
        )
    elements.append(button("Delete", ids.CLUSTER_DELETE, name, style="danger"))
    return actions(*elements)


def _person(user: str) -> str:
    """A mention; whoever worked at a terminal is nobody in Slack."""
    return f"<@{escape(user, 30)}>" if user[:1] in {"U", "W"} else escape(user, 30) or "somebody"


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
