"""`POST /sandbox/act`: one thing a person does, named by ids, as the page sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from bot.sandbox.slackd.board import Board
from bot.sandbox.slackd.cluster_board import ClusterBoard, act_on
from bot.sandbox.slackd.interactions import Interactions
from bot.sandbox.slackd.refusal import JSON, Impossible
from bot.sandbox.slackd.world import World

OnSkip = Callable[[float], Awaitable[None] | None]
"""Moves the bot's clock forward by seconds."""

LONGEST_SKIP: Final = 366 * 24 * 3600


class Acts:
    """Carries out what the page asks for; raises Impossible with a text for a toast."""

    def __init__(
        self,
        world: World,
        interactions: Interactions,
        board: Board | None,
        on_skip: OnSkip | None,
        cluster: ClusterBoard | None = None,
    ) -> None:
        self._world = world
        self._interactions = interactions
        self._board = board
        self._on_skip = on_skip
        self._cluster = cluster
        self._table: dict[str, Callable[[str, JSON], Awaitable[JSON]]] = {
            "send": self._send,
            "open_home": self._open_home,
            "open_dm": self._open_dm,
            "block": self._block,
            "options": self._options,
            "submit": self._submit,
            "close": self._close,
            "skip": self._skip,
            "practice": self._practice,
            "make_credential": self._make_credential,
            "remove_credential": self._remove_credential,
            "outlive_credential": self._outlive_credential,
            "cluster": self._on_cluster,
            "reset_hint": self._nothing,
        }

    async def act(self, body: JSON) -> JSON:
        """Do `body["do"]` as `body["user"]`; answers keys beside `ok`."""
        user_id = str(body.get("user", ""))
        if user_id not in {user.id for user in self._world.people()}:
            raise Impossible("There is no such person.")
        act = self._table.get(str(body.get("do")))
        if act is None:
            raise Impossible(f"Nobody can do that here: {body.get('do')}")
        return await act(user_id, body)

    async def _nothing(self, user_id: str, body: JSON) -> JSON:
        del user_id, body
        return {}

    async def _send(self, user_id: str, body: JSON) -> JSON:
        channel, text = str(body.get("channel", "")), str(body.get("text", ""))
        await self._interactions.send(user_id, channel, text, str(body.get("thread_ts") or ""))
        return {}

    async def _open_home(self, user_id: str, body: JSON) -> JSON:
        del body
        await self._interactions.open_home(user_id)
        return {}

    async def _open_dm(self, user_id: str, body: JSON) -> JSON:
        del body
        await self._interactions.open_home(user_id, "messages")
        return {"channel": self._world.dm(user_id).id}

    async def _block(self, user_id: str, body: JSON) -> JSON:
        return await self._interactions.block(
            user_id,
            _object(body, "container"),
            str(body.get("block_id")),
            str(body.get("action_id")),
            body.get("value"),
            event=str(body.get("event", "change")),
            confirmed=body.get("confirmed") is True,
        )

    async def _options(self, user_id: str, body: JSON) -> JSON:
        return await self._interactions.options(
            user_id,
            _object(body, "container"),
            str(body.get("block_id")),
            str(body.get("action_id")),
            str(body.get("query", "")),
        )

    async def _submit(self, user_id: str, body: JSON) -> JSON:
        values = _object(body, "values") if body.get("values") else {}
        errors = await self._interactions.submit(user_id, str(body.get("view_id")), values)
        return {"errors": errors}

    async def _close(self, user_id: str, body: JSON) -> JSON:
        everything = body.get("all") is True
        await self._interactions.close(user_id, str(body.get("view_id")), everything=everything)
        return {}

    async def _skip(self, user_id: str, body: JSON) -> JSON:
        del user_id
        seconds = body.get("seconds")
        if self._on_skip is None:
            raise Impossible("Time cannot be skipped here.")
        if not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_SKIP:
            raise Impossible("Skip between a second and a year.")
        moved = self._on_skip(seconds)
        if moved is not None:
            await moved
        self._world.changes.bump()
        return {"now": self._world.clock.now().isoformat()}

    async def _practice(self, user_id: str, body: JSON) -> JSON:
        del user_id
        try:
            self._practised.set_state(str(body.get("slug")), str(body.get("state")))
        except ValueError:
            raise Impossible("That practice registry has no such state.") from None
        self._world.changes.bump()
        return {}

    async def _make_credential(self, user_id: str, body: JSON) -> JSON:
        del user_id
        try:
            self._practised.make(str(body.get("slug")))
        except ValueError:
            raise Impossible("There is no such practice registry.") from None
        self._world.changes.bump()
        return {}

    async def _remove_credential(self, user_id: str, body: JSON) -> JSON:
        del user_id
        try:
            self._practised.remove(str(body.get("slug")), str(body.get("handle")))
        except ValueError:
            raise Impossible("That practice registry has no such credential.") from None
        self._world.changes.bump()
        return {}

    async def _outlive_credential(self, user_id: str, body: JSON) -> JSON:
        del user_id
        slug, handle = str(body.get("slug")), str(body.get("handle"))
        try:
            self._practised.let_outlive(slug, handle, undying=body.get("undying") is True)
        except ValueError:
            raise Impossible("That practice registry has no such credential.") from None
        self._world.changes.bump()
        return {}

    @property
    def _practised(self) -> Board:
        if self._board is None:
            raise Impossible("There are no practice registries here.")
        return self._board

    async def _on_cluster(self, user_id: str, body: JSON) -> JSON:
        del user_id
        await act_on(self._cluster, body)
        self._world.changes.bump()
        return {}


def _object(body: JSON, name: str) -> dict[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise Impossible(f"{name} must be an object.")
    return value
