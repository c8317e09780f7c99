"""A practice Quay: robots of an organisation and of a user, and the API that replaces their tokens.

Source: Quay, endpoints/api/robot.py and endpoints/exception.py: whoever may replace a robot's token
may read it again; the old one is dead at once; what is refused is told by 401 without and by 403
with a token that Quay knows; a robot that is not there is a 400. endpoints/v2/v2auth.py signs in.
"""

from __future__ import annotations

import re
from typing import ClassVar

from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.shapes import random_text
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import Bench, PracticeField, Standing, TokenVendor

QUAY = "quay.practice.example"
TEAM = "team+ci"
PERSONAL = "alice+laptop"
ROBOT_API = re.compile(
    r"/api/v1/(?:organization/(?P<owner>[^/]+)|user)/robots/(?P<name>[^/]+)(?P<new>/regenerate)?"
)


class Quay(TokenVendor):
    """One organisation, `team`, and one user, `alice`, who administers it.

    `may` are the scopes of the OAuth access token to copy, which is of `asks`; `looks` makes that
    one a superuser who may look at everything and change nothing.
    """

    slug: ClassVar = "generic"
    label: ClassVar = "Quay"
    host: ClassVar = QUAY
    hosts: ClassVar = re.compile(re.escape(QUAY))
    planes: ClassVar = hosts
    realm: ClassVar = "https://{host}/v2/auth"
    own_states: ClassVar[tuple[State, ...]] = ()

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.personal = Keyring(bench.clock)
        self.make(TEAM)
        self._new(self.personal, PERSONAL)
        self.oauth = random_text(40)
        self.may = {"org:admin", "user:admin"}
        self.asks = "alice"
        self.admins = {"alice"}
        self.looks = False

    def make(self, label: str = "") -> Held:
        """Another robot token of the organisation."""
        return self._new(self.keyring, label or TEAM)

    def _new(self, robots: Keyring, robot: str) -> Held:
        return robots.add(robot, random_text(64), login=robot)

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL of Quay", self.registry_url),
            PracticeField("Robot of Quay", held.login),
            PracticeField("Token of that robot", held.secret, secret=True),
        )

    def managing(self) -> tuple[PracticeField, ...]:
        """The robot and what replaces its token, beside what else is behind the generic kind."""
        return (
            *self.fields_of(self.shown),
            PracticeField("OAuth access token of Quay", self.oauth, secret=True),
        )

    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets(), *self.personal.secrets(), self.oauth)

    def own(self, ask: Ask) -> Answer:
        if ask.method == "GET" and ask.path == "/v2/auth":
            return self._sign_in(ask)
        return super().own(ask)

    def side(self, ask: Ask) -> Answer:
        match = ROBOT_API.fullmatch(ask.path)
        if match is None or ask.method != ("POST" if match["new"] else "GET"):
            return as_text(404, "404 page not found")
        if not self._knows(ask):
            return _error(401, "invalid_token")
        owner = match["owner"] or self.asks
        if not self._may(owner, organisation=match["owner"] is not None):
            if self.looks and not match["new"] and match["owner"]:
                return self._told(f"{owner}+{match['name']}", with_token=False)
            return _error(403, "insufficient_scope")
        robot = f"{owner}+{match['name']}"
        robots = self._robots(robot)
        if robots is None:
            return self._none(robot)
        if match["new"]:
            robots.end(robot)
            self._new(robots, robot)
        return self._told(robot, with_token=True)

    def _knows(self, ask: Ask) -> bool:
        return bool(ask.bearer) and ask.bearer == self.oauth

    def _may(self, owner: str, *, organisation: bool) -> bool:
        if organisation:
            return "org:admin" in self.may and owner == "team" and self.asks in self.admins
        return "user:admin" in self.may

    def _robots(self, robot: str) -> Keyring | None:
        return next((one for one in (self.keyring, self.personal) if one.find(robot)), None)

    def _told(self, robot: str, *, with_token: bool) -> Answer:
        robots = self._robots(robot)
        held = robots.find(robot) if robots else None
        if held is None:
            return self._none(robot)
        told = {
            "name": robot,
            "created": f"{held.made_at:%a, %d %b %Y %H:%M:%S} -0000",
            "last_accessed": None,
            "description": "",
        }
        return as_json(200, {**told, "token": held.secret} if with_token else told)

    def _none(self, robot: str) -> Answer:
        return as_json(400, {"message": f"Could not find robot with username: {robot}"})

    def _sign_in(self, ask: Ask) -> Answer:
        given = ask.basic
        found = None
        if given is not None:
            held = (one.holding(given[1], given[0]) for one in (self.keyring, self.personal))
            found = next((one for one in held if one is not None), None)
        standing = self.standing(given, found)
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            return refusal(401, "UNAUTHORIZED", "Could not find robot with supplied password")
        assert given is not None
        granted = self.granted(ask, standing)
        return as_json(200, self.bench.desk.issue(given[0], ask.host, granted, seconds=3600))


def _error(status: int, kind: str) -> Answer:
    told = {"status": status, "error_type": kind, "title": kind, "detail": "Unauthorized"}
    return as_json(status, {**told, "error_message": "Unauthorized"})
