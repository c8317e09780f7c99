"""Registries reached through the generic kind: a plain one, and others that have an API."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import unquote

from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.paging import after_last, numbered
from bot.sandbox.practice.shapes import random_text
from bot.sandbox.practice.shelf import PRIVATE_IMAGE, parse_pull
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import VERSION, Bench, Denial, PracticeField, Standing, TokenVendor
from bot.sandbox.practice.vendors.azure import Azure
from bot.sandbox.practice.vendors.quay import Quay

# What may be typed in place of the password; the sandbox's environment has it.
REFERENCE = "env:REG_PRACTICE"
HARBOR = "harbor.practice.example"
PROJECT = 7
HARBOR_SERVICE = "harbor-registry"
SECRET = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,128}")
PROJECTS = re.compile(r"/api/v2\.0/projects/(?P<project>[^/]+)/repositories")
ARTIFACTS = re.compile(
    r"/api/v2\.0/projects/(?P<project>[^/]+)/repositories/(?P<name>[^/]+)/artifacts"
)


class Generic(TokenVendor):
    """`registry.practice.example` asks for Basic; `harbor.practice.example` is like Harbor.

    `quay.practice.example` is a Quay and `acmepractice.azurecr.io` one of Azure, vendors of their
    own that share this one's state.
    """

    slug: ClassVar = "generic"
    label: ClassVar = "Generic registry"
    host: ClassVar = "registry.practice.example"
    planes: ClassVar = re.compile(
        rf"(?:registry|harbor)\.practice\.example|{Quay.planes.pattern}|{Azure.planes.pattern}"
    )
    hosts: ClassVar = re.compile(rf"{planes.pattern}|{Azure.hosts.pattern}")
    realm: ClassVar = f"https://{HARBOR}/service/token"
    service: ClassVar = HARBOR_SERVICE
    own_states: ClassVar[tuple[State, ...]] = (
        State.WRONG_SECRET,
        State.REVOKED,
        State.NO_ACCESS,
        State.ANY_PASSWORD,
    )

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.username = "deploy"
        self.make()
        self.robot = "robot$team+ci"
        self.robots = Keyring(bench.clock)
        self.robots.add("11", random_text(32), login=self.robot)
        self.robot_may = {"list", "read", "update"}
        self.robot_disabled = False
        self.maintainer = "maintainer"
        self.maintainer_secret = random_text(24)
        self.robot_made_at = bench.clock.now().replace(microsecond=0) - timedelta(days=10)
        self.robot_ends_at: datetime | None = self.robot_made_at + timedelta(days=30)
        self.quay, self.azure = Quay(bench), Azure(bench)

    @property
    def password(self) -> str:
        """The password to copy."""
        return self.shown.secret

    @property
    def robot_secret(self) -> str:
        """The robot's secret to copy."""
        return self.robots.shown.secret

    def make(self, label: str = "") -> Held:
        """Another password; for a while both are good, as where an account may have several."""
        return self.keyring.add(random_text(8), random_text(24), login=self.username, label=label)

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL", self.registry_url),
            PracticeField("Username", held.login),
            PracticeField("Password", held.secret, secret=True),
            PracticeField("Test image", PRIVATE_IMAGE),
        )

    def managing(self) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL of Harbor", f"https://{HARBOR}"),
            PracticeField("Username of its robot", self.robot),
            PracticeField("Secret of its robot", self.robot_secret, secret=True),
            PracticeField("User name that may update robots", self.maintainer, secret=True),
            PracticeField(
                "Its password, CLI secret or robot secret", self.maintainer_secret, secret=True
            ),
            *self.quay.managing(),
            *self.azure.managing(),
            PracticeField("Or, in place of the password above, a reference", REFERENCE),
        )

    def secrets(self) -> tuple[str, ...]:
        ours = (*super().secrets(), *self.robots.secrets(), self.maintainer_secret)
        return (*ours, *self.quay.secrets(), *self.azure.secrets())

    def set_state(self, state: State) -> None:
        super().set_state(state)
        for one in (self.quay, self.azure):
            one.set_state(state)

    def own(self, ask: Ask) -> Answer:
        for one in (self.quay, self.azure):
            if one.answers_for(ask.host):
                return one.own(ask)
        return super().own(ask) if ask.host == HARBOR else self._plain(ask)

    def side(self, ask: Ask) -> Answer:
        match ask.method, ask.path:
            case "GET", "/service/token":
                return self._harbor_token(ask)
            case "GET", "/api/v2.0/ping":
                return as_text(200, "Pong")
            case "GET", "/api/v2.0/projects/team":
                return self._api(ask, {"project_id": PROJECT, "name": "team"})
            case "GET", "/api/v2.0/robots":
                return self._api(ask, self._robots(ask), "list")
            case "PATCH", "/api/v2.0/robots/11":
                return self._replace(ask)
            case "GET", "/api/v2.0/users/current/permissions":
                may = sorted(self._actions(ask) or ())
                return self._api(ask, [{"resource": "robot", "action": one} for one in may])
            case "GET", path if path.startswith("/api/v2.0/") and "repositories" in path:
                return self._harbor_list(ask)
        return as_text(404, "404 page not found")

    def _api(self, ask: Ask, content: object, needs: str = "") -> Answer:
        """Harbor's own API, for the robot and the maintainer; `needs` is a right over robots."""
        actions = self._actions(ask)
        if actions is None:
            return refusal(401, "UNAUTHORIZED", "unauthorized")
        if needs and needs not in actions:
            return refusal(403, "FORBIDDEN", "forbidden")
        return as_json(200, content)

    def _actions(self, ask: Ask) -> set[str] | None:
        """What whoever asks may do with robots; None for nobody that Harbor knows."""
        if ask.basic == (self.maintainer, self.maintainer_secret):
            return {"create", "delete", "list", "read", "update"}
        known = self._robot_standing(ask) in {Standing.GUEST, Standing.MEMBER}
        return set(self.robot_may) if known else None

    def _replace(self, ask: Ask) -> Answer:
        """The robot's secret is replaced by the one sent, or by a random one that is told."""
        allowed = self._api(ask, {}, "update")
        if allowed.status != 200:
            return allowed
        chosen = str(ask.json.get("secret", ""))
        if chosen and not SECRET.fullmatch(chosen):
            return refusal(400, "BAD_REQUEST", "the secret must be longer and more mixed")
        made = "" if chosen else random_text(32)
        self.robots.end("11")
        self.robots.add("11", chosen or made, login=self.robot)
        return as_json(200, {"secret": made})

    def _robot_standing(self, ask: Ask) -> Standing:
        given = ask.basic
        return self.standing(given, self.robots.holding(given[1], given[0]) if given else None)

    def _harbor_list(self, ask: Ask) -> Answer:
        """Repositories of all projects or of one, or the artifacts of one."""
        if self.now_state is State.NO_ACCESS:
            return refusal(403, "FORBIDDEN", "forbidden")
        shelf = self.bench.shelf
        pushed = f"{shelf.pushed:%Y-%m-%dT%H:%M:%S}.000Z"
        artifacts = ARTIFACTS.fullmatch(ask.path)
        if artifacts is not None:
            name = unquote(unquote(artifacts["name"]))
            tags = shelf.tags(f"{artifacts['project']}/{name}")
            found: list[dict[str, object]] = [
                {
                    "digest": digest,
                    "push_time": pushed,
                    "tags": [{"name": tag, "push_time": pushed}],
                }
                for tag, digest in tags.items()
            ]
            return self._api(ask, numbered(found, ask))
        project = PROJECTS.fullmatch(ask.path)
        names = [
            name
            for name in shelf.repositories()
            if project is None or name.startswith(f"{project['project']}/")
        ]
        listed = [{"name": name, "update_time": pushed, "artifact_count": 2} for name in names]
        return self._api(ask, numbered(listed, ask))

    def _robots(self, ask: Ask) -> list[dict[str, object]]:
        # The name is kept with its project's: only a part of it is found by `ci`.
        level = f"Level=project,ProjectID={PROJECT}"
        if ask.first("q") not in {level, f"{level},name=~ci", f"{level},name=team+ci"}:
            return []
        ends = int(self.robot_ends_at.timestamp()) if self.robot_ends_at else -1
        made = f"{self.robot_made_at:%Y-%m-%dT%H:%M:%S}.000Z"
        return [
            {
                "id": 11,
                "name": self.robot,
                "expires_at": ends,
                "creation_time": made,
                "disable": self.robot_disabled,
            }
        ]

    def denied(self, denial: Denial) -> Answer:
        # Harbor never says 403 here, also to those it knows.
        return self.challenge(denial.ask)

    def _plain(self, ask: Ask) -> Answer:
        given = ask.basic
        held = self.keyring.holding(given[1], given[0]) if given else None
        if self.state is State.ANY_PASSWORD:
            held = self.shown
        standing = self.standing(given, held)
        if standing in {Standing.NOBODY, Standing.REFUSED}:
            header = ("WWW-Authenticate", 'Basic realm="Practice registry, with a comma"')
            return refusal(401, "UNAUTHORIZED", "authentication required", header, VERSION)
        if ask.path in {"/v2/", "/v2"}:
            return as_json(200, {}, VERSION)
        if ask.path == "/v2/_catalog":
            if standing is Standing.GUEST:
                return refusal(403, "DENIED", "requested access to the resource is denied")
            names, link = after_last(self.bench.shelf.repositories(), ask)
            return as_json(200, {"repositories": names}, *link)
        pull = parse_pull(ask.path)
        if pull is None:
            return as_text(404, "404 page not found")
        if standing is Standing.GUEST and not self.bench.shelf.is_public(pull.repository):
            return refusal(403, "DENIED", "requested access to the resource is denied")
        return self.bench.shelf.answer(ask, pull)

    def _harbor_token(self, ask: Ask) -> Answer:
        if ask.first("service") != HARBOR_SERVICE:
            return refusal(400, "BAD_REQUEST", "unable to handle service")
        standing = self._robot_standing(ask)
        known = standing in {Standing.GUEST, Standing.MEMBER}
        if not known and not ask.first("scope"):
            return refusal(401, "UNAUTHORIZED", "unauthorized")
        # With a scope Harbor answers 200 to a wrong secret too, with the actions taken out.
        subject = self.robot if known else "anonymous"
        granted = self.granted(ask, standing)
        return as_json(200, self.bench.desk.issue(subject, HARBOR_SERVICE, granted, seconds=1800))
