"""Robots of Quay: Quay makes a new token, and the old one is dead at once.

Source: Quay, endpoints/api/robot.py: the token can be read again at any time by whoever may make a
new one, and by nobody else. So looking tells who may, and an answer that never came loses nothing.
An organisation's robot needs `org:admin` of one of its administrators, a user's robot
`user:admin` of that very user, whose robots are the only ones that are found without a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

import httpx

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.base import Field
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right, Strategy
from bot.kinds.rotation.manners import (
    NOBODYS,
    REFUSALS,
    Unstoppable,
    call,
    told_secret,
    unexpected,
)
from bot.kinds.visit import json_object, parsed

ROBOT: Final = re.compile(
    r"(?P<owner>[a-z0-9][a-z0-9._-]{1,254})\+(?P<name>[a-z0-9][a-z0-9._-]{1,254})"
)
_REALM: Final = "/v2/auth"
_WITH: Final = "quay_token"
_NEEDS: Final = (
    "It needs Administer Organization, of an administrator of {owner}; where {owner} is a user, "
    "Administer User of {owner}."
)


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot as Quay tells it; `path` is where, `token` its secret in force."""

    path: str
    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class Api:
    """A Quay's API, asked with an OAuth access token."""

    errand: Errand
    registry: Distribution
    token: Secret

    @classmethod
    async def find(cls, errand: Errand) -> Api:
        """By the registry's own challenge; NotDone where it is no Quay, and nothing was sent."""
        token = errand.access.get(_WITH)
        if token is None:
            owner = _match(errand.config)["owner"]
            raise NotDone(f"Put in an OAuth access token of Quay. {_NEEDS.format(owner=owner)}")
        registry = Distribution(errand.visit, errand.config.url)
        if not _is_quay(await registry.ping(), registry):
            raise NotDone(f"{registry.host} is not a Quay that signs in by itself.")
        return cls(errand, registry, token)

    async def call(self, method: str, path: str) -> httpx.Response:
        url = f"{self.registry.base}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {self.token.reveal()}"}
        # Quay reads no body, but a proxy in front of it may want one of known length.
        body: dict[str, object] | None = None if method == "GET" else {}
        return await call(self.errand, method, url, headers, body)


def _is_quay(challenge: Challenge | None, registry: Distribution) -> bool:
    if challenge is None or challenge.scheme != "bearer":
        return False
    realm = parsed(challenge.realm)
    return realm.path == _REALM and realm.host == registry.host


class QuayRobots(Unstoppable):
    """A robot's token is replaced by one that Quay makes, on behalf of an administrator."""

    slug: ClassVar = "quay_robot"
    strategy: ClassVar = Strategy.IN_PLACE
    settles: ClassVar = timedelta()
    rights: ClassVar[tuple[Right, ...]] = (
        Right("org:admin", "of an administrator, to read and replace a token of an organisation"),
        Right("user:admin", "of the user, where the robot is a user's"),
    )
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            _WITH,
            "OAuth access token of Quay",
            secret=True,
            hint="With Administer Organization; for a user's robot, Administer User.",
            max_length=500,
        ),
    )

    def unsuited(self, config: Config) -> str:
        return "" if ROBOT.fullmatch(config.values.get("username", "")) else NOBODYS

    async def ready(self, errand: Errand) -> Readiness:
        api = await Api.find(errand)
        robot = await _find(api)
        problems: tuple[str, ...] = ()
        if not _is_ours(errand, robot):
            problems = (
                "Quay has another token for this robot than is stored here. Put that one in first.",
            )
        return Readiness(_username(errand.config), problems)

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        api = await Api.find(errand)
        robot = await _find(api)
        if not _is_ours(errand, robot):  # an earlier request may have been done after all
            raise Unclear("Quay has another token for this robot than is stored here.")
        answer = await api.call("POST", f"{robot.path}/regenerate")
        if answer.status_code in {401, 403}:
            owner = _match(errand.config)["owner"]
            raise NotDone(
                "Quay does not let this OAuth access token replace the robot's token. "
                f"{_NEEDS.format(owner=owner)}"
            )
        if answer.status_code in REFUSALS:
            raise NotDone("Quay did not replace the robot's token. The robot may be gone.")
        if answer.status_code not in {200, 201}:
            raise unexpected(answer)
        return _issued(errand, told_secret(json_object(answer).get("token"), "A token"))

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        """Quay tells the token again: another one than ours is the new one."""
        robot = await _find(await Api.find(errand))
        return None if _is_ours(errand, robot) else _issued(errand, robot.token)

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        return ()  # nothing is made besides the robot that was there

    async def revoke(self, errand: Errand, handle: str) -> None:
        raise NotDone("Quay ended the old token when it made the new one.")

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        return None


def _username(config: Config) -> str:
    return config.values["username"]


def _match(config: Config) -> re.Match[str]:
    found = ROBOT.fullmatch(_username(config))
    assert found is not None, "asked for robots only"
    return found


def _is_ours(errand: Errand, robot: Robot) -> bool:
    return robot.token.reveal() == errand.config.secrets["password"].reveal()


def _issued(errand: Errand, token: Secret) -> Issued:
    return Issued(_username(errand.config), {"password": token})


async def _find(api: Api) -> Robot:
    """The robot with its token; NotDone with what is missing."""
    match = _match(api.errand.config)
    owner, name = match["owner"], match["name"]
    for path in (f"organization/{owner}/robots/{name}", f"user/robots/{name}"):
        answer = await api.call("GET", path)
        if answer.status_code == 401:
            raise NotDone("Quay refused the OAuth access token: it is wrong, expired or revoked.")
        if answer.status_code in REFUSALS:
            continue
        told = json_object(answer)
        if answer.status_code != 200 or not isinstance(told.get("name"), str):
            raise unexpected(answer)
        # Whoever the token belongs to may have a robot of the same short name.
        if told["name"] == match[0]:
            return Robot(path, _told(told.get("token"), owner))
    raise NotDone(
        f"Quay does not show this OAuth access token a robot {match[0]}. "
        f"{_NEEDS.format(owner=owner)}"
    )


def _told(token: object, owner: str) -> Secret:
    """Quay shows a robot without its token to those who may only look."""
    if token is None:
        raise NotDone(
            "Quay shows this OAuth access token the robot, but lets it replace nothing. "
            f"{_NEEDS.format(owner=owner)}"
        )
    return told_secret(token, "A token")
