"""News for the alert channel, from the values that were committed with the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.core.check import Verdict
from bot.core.registry import Environment
from bot.slack import ids
from bot.slack.blocks import actions, button, sections
from bot.slack.card import Card
from bot.slack.text import code, escape
from bot.slack.words import ENVIRONMENTS, STATES, count

DEEDS: Final = {
    "registry_added": "added",
    "registry_edited": "edited",
    "registry_deleted": "deleted",
    "registry_restored": "restored",
}


def news_card(what: str, values: Mapping[str, str]) -> Card:
    """Who did what to which registry; an unknown `what` is told plainly, not lost."""
    name = values.get("registry", "")
    by = f"<@{escape(values['by'], 30)}>" if values.get("by") else "Registrar"
    deed = DEEDS.get(what, escape(what.replace("_", " "), 60))
    lines = [f"*{code(name)}* was {deed} by {by}"]
    place = [escape(values.get("kind_label", ""), 75), _host(values), _environment(values)]
    lines[0] += "".join(f" · {part}" for part in place if part)
    if values.get("verdict") in set(Verdict):
        lines.append(STATES[Verdict(values["verdict"])])
    if values.get("sentence"):
        lines.append(escape(values["sentence"], 600))
    if values.get("changed"):
        lines.append(f"Changed: {escape(values['changed'])}.")
    if what == "registry_edited":
        lines.append("The change affects every application that uses this registry.")
    if what == "registry_deleted":
        lines.append(
            "Deployments that pull with its credential will fail. It can be restored for 7 days."
        )
    lines += _concerned(values)
    if values.get("reason"):
        lines.append(f"Reason: {escape(values['reason'])}")
    verb = ids.RESTORE if what == "registry_deleted" else ids.SHOW
    look = actions(button("Restore" if verb == ids.RESTORE else "Show", verb, name))
    return Card("News", "\n".join(lines), (*sections(lines), look))


def _concerned(values: Mapping[str, str]) -> list[str]:
    """Who used it, what became of them, and its owner."""
    lines = []
    used, refused = _number(values, "workloads"), _number(values, "refused_workloads")
    heir, silent = values.get("heir", ""), values.get("silent", "")
    if used:
        lines.append(f"In use by {count(used, 'workload')}.")
    if refused:
        lines.append(f"⚠ New pods of {count(refused, 'workload')} are refused from now on.")
    if heir:
        lines.append(f"All of them belong to {code(heir)} now.")
    if silent:
        lines.append(f"What runs in {escape(silent, 330)} was not known.")
    if values.get("owner"):
        lines.append(f"Owner <@{escape(values['owner'], 30)}>")
    return lines


def _number(values: Mapping[str, str], key: str) -> int:
    found = values.get(key, "")
    return int(found) if found.isdecimal() and len(found) < 10 else 0


def astray_lead(channel: str, why: str = "") -> str:
    """For whoever is told instead, when the alert channel cannot be written to."""
    reason = f" ({escape(why, 60)})" if why else ""
    return (
        f"⚠ This could not be posted in <#{escape(channel, 30)}>{reason}. "
        "Invite Registrar to it, or choose another alert channel in the settings."
    )


def _host(values: Mapping[str, str]) -> str:
    host, scope = values.get("host", ""), values.get("path_scope", "")
    return escape(f"{host}/{scope}" if scope else host)


def _environment(values: Mapping[str, str]) -> str:
    found = values.get("environment", "")
    if found not in set(Environment) or found == Environment.ANY:
        return ""
    return ENVIRONMENTS[Environment(found)]
