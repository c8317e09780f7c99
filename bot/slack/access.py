"""Who the person is: their rank and user groups, asked of Slack and kept for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.access import Actor
from bot.core.clock import Clock
from bot.errors import RegistrarError
from bot.slack.call import Call
from bot.slack.trouble import AWAY
from bot.usecases import workspaces
from bot.usecases.deps import Deps

FRESH: Final = timedelta(minutes=1)
USABLE: Final = timedelta(minutes=10)
MOST: Final = 2_000
K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    at: datetime


@dataclass(frozen=True, slots=True)
class _Rank:
    admin: bool
    guest: bool


class UnknownPerson(RegistrarError):
    """Slack did not tell who the person is, so nothing may be changed for them now."""


def reader(call: Call) -> Actor:
    """The person without asking anybody: enough to read, which everyone may."""
    return Actor(call.team, call.user)


class People:
    """Asks Slack for a person's rank and groups, at most once a minute each."""

    def __init__(self, client: AsyncWebClient, deps: Deps) -> None:
        self._client = client
        self._deps = deps
        self._clock: Clock = deps.clock
        self._ranks: dict[tuple[str, str], _Kept[_Rank]] = {}
        self._members: dict[tuple[str, str], _Kept[frozenset[str]]] = {}

    async def actor(self, call: Call) -> Actor:
        """The person with their rank. Raises UnknownPerson when Slack does not answer."""
        try:
            rank = await self._rank(call)
            groups = [g for g in await self._named_groups(call) if await self._is_in(call, g)]
        except AWAY as error:
            raise UnknownPerson(
                "Slack did not tell whether you may do that, so nothing was done. "
                "Try again in a moment."
            ) from error
        return Actor(call.team, call.user, rank.admin, rank.guest, frozenset(groups))

    async def known(self, call: Call) -> Actor | None:
        """The person as Slack told it within ten minutes, without asking; None when unknown.

        For the three seconds before an ack, in which nothing is asked of the network.
        """
        rank = self._usable(self._ranks.get((call.team, call.user)))
        if rank is None:
            return None
        groups = set()
        for group in await self._named_groups(call):
            members = self._usable(self._members.get((call.team, group)))
            if members is None:
                return None
            if call.user in members:
                groups.add(group)
        return Actor(call.team, call.user, rank.admin, rank.guest, frozenset(groups))

    async def _named_groups(self, call: Call) -> tuple[str, ...]:
        return (await workspaces.settings(self._deps, reader(call))).manager_groups

    async def _rank(self, call: Call) -> _Rank:
        key = (call.team, call.user)
        kept = self._ranks.get(key)
        if kept is None or self._age(kept.at) > FRESH:
            answer = await self._client.users_info(user=call.user)
            kept = _Kept(_rank_of(answer.get("user") or {}, call.team), self._clock.now())
            _keep(self._ranks, key, kept)
        return kept.value

    async def _is_in(self, call: Call, group: str) -> bool:
        key = (call.team, group)
        kept = self._members.get(key)
        if kept is None or self._age(kept.at) > FRESH:
            answer = await self._client.usergroups_users_list(usergroup=group)
            kept = _Kept(frozenset(answer.get("users") or ()), self._clock.now())
            _keep(self._members, key, kept)
        return call.user in kept.value

    def _usable(self, kept: _Kept[T] | None) -> T | None:
        return kept.value if kept is not None and self._age(kept.at) <= USABLE else None

    def _age(self, at: datetime) -> timedelta:
        return self._clock.now() - at


def _rank_of(user: Mapping[str, Any], team: str) -> _Rank:
    """Admin or owner of this workspace, or a guest or stranger in it.

    In a channel shared with another company its people can click too, and `is_admin` then speaks of
    their own workspace.
    """
    at_home = user.get("team_id", team) == team and not user.get("is_stranger")
    guest = user.get("is_restricted") or user.get("is_ultra_restricted") or user.get("deleted")
    member = bool(at_home and not guest)
    return _Rank(member and bool(user.get("is_admin") or user.get("is_owner")), not member)


def _keep(kept: dict[K, _Kept[T]], key: K, value: _Kept[T]) -> None:
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > MOST:
        del kept[next(iter(kept))]
