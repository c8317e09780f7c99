"""Blocks as readable text, for scenario tests and people at a terminal."""

from __future__ import annotations

import html
import re
from typing import Any

from bot.sandbox.slackd.refusal import JSON
from bot.sandbox.slackd.state import KEPT, Values
from bot.sandbox.slackd.world import World


class Plain:
    """Renders for one workspace, whose people and channels it names."""

    def __init__(self, world: World) -> None:
        self._world = world

    def text(self, value: Any) -> str:
        """A text object or text, as a reader sees it: mentions named, links by their words."""
        raw = str(value.get("text", "")) if isinstance(value, dict) else str(value or "")
        return html.unescape(re.sub(r"<([^<>]+)>", self._special, raw))

    def _special(self, match: re.Match[str]) -> str:
        target, _, words = match[1].partition("|")
        if target.startswith("@"):
            user = self._world.users.get(target[1:])
            return f"@{user.real_name if user else words or target[1:]}"
        if target.startswith("#"):
            channel = self._world.channels.get(target[1:])
            return f"#{channel.name if channel else words or target[1:]}"
        if target.startswith("!subteam^"):
            group = self._world.groups.get(target.removeprefix("!subteam^"))
            return f"@{group.handle if group else words}"
        if target.startswith("!"):
            return words or f"@{target[1:]}"
        return words or target

    def blocks(self, blocks: list[JSON], values: Values, errors: dict[str, str]) -> list[str]:
        """The lines of some blocks with the answers and field errors of the moment."""
        lines: list[str] = []
        for block in blocks:
            lines += self._block(block, values)
            error = errors.get(str(block.get("block_id")))
            if error:
                lines.append(f"  ! {error}")
        return lines

    def _block(self, block: JSON, values: Values) -> list[str]:
        answers = values.get(str(block.get("block_id")), {})
        match block["type"]:
            case "header" | "markdown" | "alert":
                return [self.text(block["text"])]
            case "section":
                return self._section(block, answers)
            case "context" | "actions" | "context_actions":
                shown = [self._element(e, answers) for e in block["elements"]]
                return ["  ".join(part for part in shown if part)]
            case "input":
                return self._input(block, answers)
            case "divider":
                return ["---"]
            case "image":
                return [f"(image: {block['alt_text']})"]
            case "rich_text":
                return [self._rich(element) for element in block["elements"]]
            case "table" | "data_table":
                return [" | ".join(self._cell(cell) for cell in row) for row in block["rows"]]
            case "container":
                title = [self.text(block["title"])] if block.get("title") else []
                return [*title, *self.blocks(block["child_blocks"], values, {})]
            case "card":
                keys = ("title", "subtitle", "body")
                texts = [self.text(block[key]) for key in keys if block.get(key)]
                return [*texts, *(self._element(e, answers) for e in block.get("actions") or [])]
            case _:
                return [f"({block['type']})"]

    def _section(self, block: JSON, answers: dict[str, JSON]) -> list[str]:
        lines = self.text(block["text"]).split("\n") if block.get("text") else []
        lines += [self.text(field) for field in block.get("fields") or []]
        if block.get("accessory"):
            lines[-1] += f"  {self._element(block['accessory'], answers)}"
        return lines

    def _input(self, block: JSON, answers: dict[str, JSON]) -> list[str]:
        optional = " (optional)" if block.get("optional") else ""
        label = f"{self.text(block['label'])}{optional}"
        lines = [f"{label}: {self._element(block['element'], answers)}"]
        if block.get("hint"):
            lines.append(f"  {self.text(block['hint'])}")
        return lines

    def _element(self, element: JSON, answers: dict[str, JSON]) -> str:
        kind = element["type"]
        if kind in {"plain_text", "mrkdwn"}:
            return self.text(element)
        if kind == "image":
            return f"(image: {element['alt_text']})"
        if kind in {"button", "workflow_button", "icon_button"}:
            return f"[{self.text(element['text'])}]"
        if kind == "overflow":
            return f"[⋯ {' | '.join(self.text(o['text']) for o in element['options'])}]"
        if kind not in KEPT:
            return f"({kind})"
        state = answers.get(str(element.get("action_id")), {})
        chosen = state.get(KEPT[kind].key)
        if kind in {"radio_buttons", "checkboxes"}:
            return self._choices(element, chosen)
        placeholder = self.text(element.get("placeholder"))
        return f"‹{self._chosen(chosen) or (placeholder and f'({placeholder})')}›"

    def _choices(self, element: JSON, chosen: Any) -> str:
        picked = chosen if isinstance(chosen, list) else [chosen]
        marks = ("(•)", "( )") if element["type"] == "radio_buttons" else ("[x]", "[ ]")
        values = {option["value"] for option in picked if option}
        return "  ".join(
            f"{marks[option['value'] not in values]} {self.text(option['text'])}"
            for option in element["options"]
        )

    def _chosen(self, chosen: Any) -> str:
        if isinstance(chosen, list):
            return ", ".join(self._chosen(item) for item in chosen)
        if isinstance(chosen, dict):
            return self.text(chosen.get("text"))
        if chosen in self._world.users:
            return f"@{self._world.users[chosen].real_name}"
        if chosen in self._world.channels:
            return f"#{self._world.channels[chosen].name}"
        return str(chosen or "")

    def _rich(self, element: JSON) -> str:
        parts = element.get("elements") or []
        if element["type"] == "rich_text_list":
            return "\n".join(f"• {self._rich(item)}" for item in parts)
        return "".join(self._inline(part) for part in parts)

    def _inline(self, part: JSON) -> str:
        match part["type"]:
            case "text":
                return str(part["text"])
            case "link":
                return str(part.get("text") or part["url"])
            case "user":
                return self.text(f"<@{part['user_id']}>")
            case "channel":
                return self.text(f"<#{part['channel_id']}>")
            case "emoji":
                return f":{part['name']}:"
            case "date":
                return str(part.get("fallback", part["timestamp"]))
            case _:
                return f"({part['type']})"

    def _cell(self, cell: JSON) -> str:
        if cell["type"] == "rich_text":
            return " ".join(self._rich(element) for element in cell["elements"])
        return str(cell.get("text", cell.get("value", "")))
