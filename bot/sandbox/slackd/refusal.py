"""How the local Slack says no: an error code of Slack, with the reasons it gives."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]
"""A JSON object as Slack sends and takes it: the dictionary is the interface."""


class Refusal(Exception):
    """Slack's answer `ok: false`: its code, its reasons (`messages`) and further keys."""

    def __init__(self, code: str, *messages: str, **extra: Any) -> None:
        self.code = code
        self.messages = messages
        self.extra = extra
        super().__init__(": ".join((code, *messages)))

    def answer(self) -> JSON:
        """The body of the HTTP answer."""
        body: JSON = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {m}" for m in self.messages]}
        return body


class Impossible(Exception):
    """A person tried something that a Slack client does not offer; the text is shown as a toast."""
