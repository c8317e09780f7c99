"""Help, the first steps, pickers, and plain answers."""

from __future__ import annotations

from typing import Final

from bot.core.access import WorkspaceSettings
from bot.core.check import Verdict
from bot.core.registry import Counters, Filter
from bot.slack import ids
from bot.slack.blocks import Block, Element, actions, button, section
from bot.slack.card import Card, say
from bot.slack.metadata import ListState
from bot.slack.words import registries, state

VERBS: Final = (
    ("list [FILTER]", "all registries; filter by a word, a type, an environment, `mine`"),
    ("show NAME", "one registry, its credential and its last check"),
    ("add [TYPE]", "add a registry: its credential is tried before it is saved"),
    ("edit NAME", "change it; a blank secret keeps the stored one"),
    ("test NAME|all", "sign in now"),
    ("check IMAGE", "may this image be deployed, is it there, and if not, why; ask with a click"),
    ("images NAME [FILTER]", "its repositories and tags, to copy a reference that exists"),
    ("uses NAME", "what runs with its images; `unused` registries, `uncovered` images"),
    ("exemptions", "images that may run for a while all the same; `exempt IMAGE` adds one"),
    ("cluster", "Kubernetes clusters: `cluster add NAME`, `mode`, `rotate`, `revoke`, `delete`"),
    ("history NAME", "the last checks, and how many went well in a day, a week and a month"),
    ("report [30d]", "what failed, what was rotated, what comes next, and a picture of it"),
    ("reminders [12 months]", "what will be said when, before anything expires or grows old"),
    ("rotate NAME", "a new credential in four steps; the old one is seen dead; `auto`: by itself"),
    ("freeze for 2d", "no rotation by itself until then; `thaw` ends it"),
    ("pause NAME for 2h [REASON]", "planned work: no alerts until then; `resume NAME` ends it"),
    ("delete NAME", "delete it; `restore NAME` brings it back for 7 days"),
    ("settings", "alert channel, how often to check, who manages"),
)
ASKS: Final = {"uses": "Whose uses?", "history": "Whose history?", "images": "Whose images?"}
SET_UP: Final = (
    "Registrar is not set up here yet: say which channel hears its news and who manages registries."
)


def help_card(
    counters: Counters, settings: WorkspaceSettings, command: str, lead: str = ""
) -> Card:
    """What there is and what can be asked; `lead` answers a verb that was not understood."""
    lines = [lead] if lead else []
    lines.append(f"Registrar keeps your container registries. {summary(counters)}")
    lines += [f"`{command} {verb}` {what}" for verb, what in VERBS]
    if not settings.configured:
        lines.append(SET_UP)
    return say("Registrar", *lines, buttons=[actions(*_buttons(counters, settings))])


def summary(counters: Counters) -> str:
    """Such as `12 registries: 🟢 proven 10, 🔴 refused 1, ⚪ never checked 1.`, in one sentence."""
    if not counters.total:
        return "None is registered yet."
    parts = [
        f"{state(verdict)} {counters.by_verdict[verdict]:,}"
        for verdict in Verdict
        if counters.by_verdict.get(verdict)
    ]
    if counters.unchecked:
        parts.append(f"{state(None)} {counters.unchecked:,}")
    if counters.broken:
        parts.append(f"⛔ broken {counters.broken:,}")
    return f"{registries(counters.total)}: {', '.join(parts)}."


def set_up_block() -> Block:
    """Leads to the settings, while nobody has saved them."""
    return section(SET_UP, button("Set up", ids.SETTINGS, "-", style="primary"))


def picker_card(verb: str, lead: str = "") -> Card:
    """A search through all names that goes on to `verb`."""
    ask = ASKS.get(verb, f"Which registry do you want to {verb}?")
    text = f"{lead} {ask}".strip()
    element: Element = {
        "type": "external_select",
        "action_id": ids.picker(verb),
        "min_query_length": 0,
        "placeholder": {"type": "plain_text", "text": "Type a part of its name or host"},
    }
    return Card("Pick a registry", text, (section(text, element, block_id=f"picker:{verb}"),))


def attention_button(counters: Counters) -> Element:
    value = ListState(1, Filter(attention=True)).dump()
    return button(f"What needs attention ({counters.attention:,})", ids.LIST_ATTENTION, value)


def _buttons(counters: Counters, settings: WorkspaceSettings) -> list[Element]:
    if not settings.configured:
        first = [button("Set up", ids.SETTINGS, "-", style="primary")]
    else:
        first = []
    add = button("Add a registry", ids.ADD, "-", style="" if first else "primary")
    buttons = [*first, add, button("List", ids.LIST, ListState().dump())]
    if counters.attention:
        buttons.append(attention_button(counters))
    return buttons
