"""A call of the Web API: its arguments, however they were sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from bot.sandbox.slackd.refusal import JSON, Refusal


class Args:
    """The arguments of a call. Form values are texts, JSON values are themselves."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {key: value for key, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str, default: str = "") -> str:
        """A text; numbers and booleans of a JSON body are worded."""
        value = self._values.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def need(self, name: str) -> str:
        """The same, or `invalid_arguments`."""
        if self._values.get(name) in (None, ""):
            raise Refusal("invalid_arguments", f"missing required field: {name}")
        return self.get(name)

    def flag(self, name: str) -> bool:
        return self._values.get(name) is True or self.get(name).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        text = self.get(name, str(default))
        if not text.isdigit():
            raise Refusal("invalid_arguments", f"must be an integer [json-pointer:/{name}]")
        return int(text)

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """A list or object, sent as such or as JSON in a text; None when absent."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(error, f"not JSON [json-pointer:/{name}]") from None

    def content(self) -> JSON:
        """What makes up a message: text, blocks, attachments, metadata, thread."""
        body: JSON = {key: self.get(key) for key in ("text", "thread_ts") if key in self}
        body["reply_broadcast"] = self.flag("reply_broadcast")
        for key, error in (
            ("blocks", "invalid_blocks_format"),
            ("attachments", "invalid_attachments"),
            ("metadata", "invalid_metadata_format"),
        ):
            if key in self:
                body[key] = self.structure(key, error)
        if "blocks" in body and not isinstance(body["blocks"], list | None):
            raise Refusal("invalid_blocks_format")
        return body


async def read_args(request: web.Request) -> Args:
    """Arguments from the query, a form or a JSON body; raises `invalid_json` and the like."""
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        return Args({**values, **body})
    form: MultiDictProxy[Any] = await request.post()
    return Args({**values, **form})


def token_of(request: web.Request, args: Args) -> str:
    """The token of the header or, as Slack still allows, of the form."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else args.get("token")
