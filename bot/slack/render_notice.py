"""Notices: told once, in a message of their own that does not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from bot.core.name import LONGEST
from bot.slack import ids
from bot.slack.blocks import actions, button, sections
from bot.slack.card import Card
from bot.slack.render_cluster import cluster_notice
from bot.slack.render_gate import exemption_notice
from bot.slack.text import code, escape
from bot.slack.words import moment, span
from bot.usecases.cluster_news import ADDED, CHANGED, DELETED, REVOKED, ROTATED

EXEMPTIONS: Final = ("exemption_announced", "exemption_lapsing", "exemption_lapsed")
CLUSTERS: Final = (ADDED, CHANGED, ROTATED, REVOKED, DELETED)
NOTICES: Final = (
    *EXEMPTIONS,
    *CLUSTERS,
    "policy_behind",
    "registry_unsteady",
    "registry_parked",
    "network_offline",
    "network_back",
)


def notice_card(what: str, values: Mapping[str, str]) -> Card:
    """One of NOTICES, from the values that were committed with it."""
    lines = _LINES[what](values)
    blocks = list(sections(lines))
    if values.get("registry"):
        name = values["registry"]
        blocks.append(
            actions(button("History", ids.HISTORY, name), button("Retest", ids.CHECK, name))
        )
    if values.get("cluster") and what != DELETED:
        blocks.append(actions(button("Show", ids.CLUSTER_SHOW, values["cluster"][:LONGEST])))
    return Card("Notice", "\n".join(lines), tuple(blocks))


def _policy_behind(values: Mapping[str, str]) -> list[str]:
    cluster = values.get("cluster", "")
    since = _when(values.get("since", ""))
    command = f"registrar policy --cluster {cluster} --output policy.yaml"
    return [
        f"*🕒 Policy behind* · the cluster {code(cluster)} judges by rules of before {since}",
        f"Print its policy with {code(command)} and apply the file with `kubectl apply -f`.",
    ]


def _unsteady(values: Mapping[str, str]) -> list[str]:
    since = _when(values.get("since", ""))
    rate = escape(values.get("rate", ""), 20)
    return [
        f"*〰️ Unsteady* · *{_registry(values)}* fails now and then since {since}{_owner(values)}",
        (
            f"{rate or 'Some'} of its checks fail, and the ones after them go well. The credential "
            "is accepted, so this is no alert; an overloaded registry or network looks like this."
        ),
        "This is said once.",
    ]


def _parked(values: Mapping[str, str]) -> list[str]:
    tries = escape(values.get("attempts", ""), 10) or "several"
    return [
        f"*⛔ Not checked* · *{_registry(values)}* cannot be checked by Registrar{_owner(values)}",
        (
            f"{tries} checks of it ended before they had an answer, which is a fault of "
            "Registrar's. It is tried once a day, and at once when somebody tests or edits it; "
            "whoever runs Registrar finds the cause in its log."
        ),
    ]


def _offline(values: Mapping[str, str]) -> list[str]:
    since = _when(values.get("since", ""))
    return [
        f"*🔌 Registrar is offline* · since {since} it reaches hardly any registry",
        (
            "Well-known addresses do not answer either, so this is about Registrar's own network. "
            "No registry is blamed for it; checks go on once it is back."
        ),
    ]


def _back(values: Mapping[str, str]) -> list[str]:
    since, until = _read(values.get("since", "")), _read(values.get("until", ""))
    away = f" after {span(until - since)}" if since and until else ""
    return [
        f"*🔌 Registrar is back* · it reaches registries again{away}",
        "What failed only because of that was not counted against any registry.",
    ]


def _registry(values: Mapping[str, str]) -> str:
    return code(values.get("registry", ""))


def _owner(values: Mapping[str, str]) -> str:
    kind, host = escape(values.get("kind_label", ""), 75), escape(values.get("host", ""))
    owner = f"owner <@{escape(values['owner'], 30)}>" if values.get("owner") else ""
    return "".join(f" · {part}" for part in (kind, host, owner) if part)


def _when(text: str) -> str:
    at = _read(text)
    return moment(at) if at else "a while"


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


_LINES: Final[Mapping[str, Callable[[Mapping[str, str]], list[str]]]] = {
    "policy_behind": _policy_behind,
    "registry_unsteady": _unsteady,
    "registry_parked": _parked,
    "network_offline": _offline,
    "network_back": _back,
    **{what: partial(exemption_notice, what) for what in EXEMPTIONS},
    **{what: partial(cluster_notice, what) for what in CLUSTERS},
}
