"""Robots of Harbor: a secret that was chosen here takes the place of the old one.

Source: Harbor, src/server/v2.0/handler/robot.go: `PATCH /robots/ID` changes the secret and nothing
else, so the robot ends when it would have ended. A secret has an upper and a lower case letter and
a digit. handler/user.go tells what the one who asks may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from urllib.parse import urlencode

import httpx

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds import harbor
from bot.kinds.base import Field
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right, Strategy
from bot.kinds.rotation.manners import NOBODYS, PAGES, REFUSALS, Unstoppable, call, unexpected
from bot.kinds.visit import json_object

SOON: Final = timedelta(days=14)
_FULL: Final = 100  # robots on a page
_WHO: Final = "harbor_username"
_WITH: Final = "harbor_secret"


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot as Harbor lists it; `scope` is where rights over it are held."""

    number: int
    scope: str
    ends_at: datetime | None
    disabled: bool


@dataclass(frozen=True, slots=True)
class Api:
    """A Harbor's API, asked as whoever rotates."""

    errand: Errand
    registry: Distribution
    challenge: Challenge
    login: Login

    @classmethod
    async def find(cls, errand: Errand) -> Api:
        """By the registry's own challenge; NotDone where it is no Harbor, and nothing was sent."""
        own = own_login(errand.config)
        registry = Distribution(errand.visit, errand.config.url)
        challenge = await registry.ping()
        if challenge is None or not harbor.is_robot(challenge, registry, own):
            raise NotDone(f"{registry.host} is not a Harbor that signs in by itself.")
        return cls(errand, registry, challenge, _rotator(errand, own))

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        url = f"{self.registry.base}/api/v2.0/{path}"
        # A project may be called by a number, which is not the number that it has.
        headers = {"Authorization": self.login.basic(), "X-Is-Resource-Name": "true"}
        return await call(self.errand, method, url, headers, body)


def own_login(config: Config) -> Login:
    return Login(config.values["username"], config.secrets["password"])


def _rotator(errand: Errand, own: Login) -> Login:
    username, secret = errand.access.get(_WHO), errand.access.get(_WITH)
    if not username and not secret:
        return own
    if not username or not secret:
        raise NotDone("Give the user name and the secret that rotate the robot, or neither.")
    return Login(username.reveal(), secret)


class HarborRobots(Unstoppable):
    """A robot's secret is replaced, by the robot itself or by a user or robot that may."""

    slug: ClassVar = "harbor_robot"
    strategy: ClassVar = Strategy.IN_PLACE
    settles: ClassVar = timedelta()
    rights: ClassVar[tuple[Right, ...]] = (
        Right("robot:list", "to find the robot by its name"),
        Right("robot:update", "to replace its secret"),
    )
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            _WHO,
            "User name that may update robots",
            secret=True,
            required=False,
            hint="Blank: the robot itself.",
            max_length=255,
        ),
        Field(_WITH, "Its password, CLI secret or robot secret", secret=True, required=False),
    )

    def unsuited(self, config: Config) -> str:
        name = config.values.get("username", "")
        return "" if harbor.ROBOT.fullmatch(name) else NOBODYS

    async def ready(self, errand: Errand) -> Readiness:
        api = await Api.find(errand)
        robot = await _find(api)
        problems = []
        if robot.disabled:
            problems.append("The robot is disabled in Harbor.")
        now = errand.visit.clock.now()
        if robot.ends_at is not None and robot.ends_at - now < SOON:
            problems.append(
                f"The robot ends on {robot.ends_at:%Y-%m-%d}, and a new secret does not change "
                "that. Let it last for longer in Harbor first."
            )
        if not await _may_update(api, robot):
            problems.append(
                f"{api.login.username} may not update robots in Harbor. Give it that right, or "
                "name a user or robot that has it."
            )
        return Readiness(own_login(errand.config).username, tuple(problems))

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        api = await Api.find(errand)
        robot = await _find(api)
        answer = await api.call("PATCH", f"robots/{robot.number}", {"secret": proposed.reveal()})
        _must_be_replaced(answer)
        return _issued(errand, proposed, robot.ends_at)

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        """Without a scope Harbor's token service tells whether a secret is the robot's."""
        api = await Api.find(errand)
        login = Login(own_login(errand.config).username, proposed)
        answer = await api.registry.token(api.challenge, login)
        if answer.token is not None:
            return _issued(errand, proposed)
        if answer.refused:
            return None
        raise Unclear(f"{api.registry.host} did not tell whether it has the new secret.")

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        return ()  # nothing is made besides the robot that was there

    async def revoke(self, errand: Errand, handle: str) -> None:
        raise NotDone("Harbor ended the old secret when it took the new one.")

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        return None


def _issued(errand: Errand, secret: Secret, ends_at: datetime | None = None) -> Issued:
    username = own_login(errand.config).username
    return Issued(username, {"password": secret}, expires_at=ends_at)


async def _find(api: Api) -> Robot:
    """The robot of the credential, from the list; NotDone with what is missing."""
    name = own_login(api.errand.config).username
    match = harbor.ROBOT.fullmatch(name)
    assert match is not None, "asked for robots only"
    level, scope = "Level=system", "/system"
    if match["project"]:
        number = await _project(api, match["project"])
        level, scope = f"Level=project,ProjectID={number}", f"/project/{number}"
    for page in range(1, PAGES + 1):
        # Newer versions keep the name with its project's, older ones do not: look for a part of it.
        wanted = f"{level},name=~{match['name']}"
        query = urlencode({"q": wanted, "page": str(page), "page_size": str(_FULL)})
        answer = await api.call("GET", f"robots?{query}")
        _must_be_shown(answer, api, "list robots")
        robots = harbor.listed(answer)
        for one in robots:
            if one.get("name") == name:
                return _robot(one, scope)
        if len(robots) < _FULL:
            break
    raise NotDone(f"{api.registry.host} lists no robot {name}.")


async def _project(api: Api, name: str) -> int:
    answer = await api.call("GET", f"projects/{name}")
    _must_be_shown(answer, api, "see the robot's project")
    number = json_object(answer).get("project_id")
    if not isinstance(number, int):
        raise unexpected(answer)
    return number


def _robot(told: Mapping[str, object], scope: str) -> Robot:
    number = told.get("id")
    if not isinstance(number, int):
        raise Unclear("Harbor lists the robot without its number.")
    ends = harbor.expiry(told.get("expires_at"))
    return Robot(number, scope, ends.at if ends else None, told.get("disable") is True)


async def _may_update(api: Api, robot: Robot) -> bool:
    """By Harbor's own list of what the one who asks may do there.

    Some versions leave robots out of that list altogether; then only trying would tell.
    """
    query = urlencode({"scope": robot.scope, "relative": "true"})
    answer = await api.call("GET", f"users/current/permissions?{query}")
    if answer.status_code != 200:
        return True
    actions = {one.get("action") for one in harbor.listed(answer) if one.get("resource") == "robot"}
    return not actions or "update" in actions


def _must_be_shown(answer: httpx.Response, api: Api, what: str) -> None:
    status, who = answer.status_code, api.login.username
    if status == 200:
        return
    if status == 401:
        raise NotDone(f"Harbor refused {who}, or {who} may not {what}.")
    if status in REFUSALS:
        raise NotDone(f"{who} may not {what} in Harbor.")
    raise unexpected(answer)


def _must_be_replaced(answer: httpx.Response) -> None:
    status = answer.status_code
    if status == 200:
        return
    if status == 401:  # an earlier request may have replaced the secret that asks
        raise Unclear("Harbor refused to sign in whoever rotates.")
    if status == 403:
        raise NotDone("Harbor does not let it update the robot; it needs robot:update.")
    if status == 404:
        raise NotDone("Harbor does not know the robot any more.")
    if status in REFUSALS:
        raise NotDone("Harbor did not take the new secret.")
    raise unexpected(answer)
