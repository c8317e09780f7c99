"""What every practice registry does, whatever its make: misbehave on demand, and serve images."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cached_property
from typing import ClassVar, Final

from bot.core.clock import Clock
from bot.sandbox.practice.ask import Answer, Ask, as_html, as_json, as_text, refusal
from bot.sandbox.practice.keyring import Held, Keyring
from bot.sandbox.practice.shelf import PRIVATE_IMAGE, Pull, Shelf, parse_pull
from bot.sandbox.practice.states import LABELS, OF_A_TOKEN, State
from bot.sandbox.practice.tokens import Claims, Scope, TokenDesk, parse_scopes

HOSTILE_HOST: Final = "tokens.collector.example"
ELSEWHERE_HOST: Final = "landing.collector.example"
RETRY_SECONDS: Final = 120
FOREVER: Final = 3600.0
VERSION: Final = ("Docker-Distribution-Api-Version", "registry/2.0")
REFUSED_STATES: Final = frozenset({State.WRONG_SECRET, State.EXPIRED, State.REVOKED})


@dataclass(frozen=True, slots=True)
class PracticeField:
    """One answer to copy into the form: the form's label and the value."""

    label: str
    value: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class StateChoice:
    """One state to pick for a practice registry."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What the practice registries share. `slow` is how late, in seconds, a slow one answers."""

    clock: Clock
    shelf: Shelf
    desk: TokenDesk
    slow: float = 4.0


class Standing(Enum):
    """Who is asking."""

    NOBODY = auto()  # sent no credential
    REFUSED = auto()  # sent a wrong one, or the right one while it counts as bad
    GUEST = auto()  # known, but without the right to pull the private image
    MEMBER = auto()  # known, and may pull


class Vendor(ABC):
    """One make of registry with all its hosts.

    `hosts` matches every host it answers for, `planes` those that serve images. `keyring` holds the
    credentials that a person may copy, make and remove; a state is the same for all of them.
    `lifetime` is how long one lives from when it is made or the state is set to healthy, None when
    its vendor has no expiry.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    host: ClassVar[str]
    hosts: ClassVar[re.Pattern[str]]
    planes: ClassVar[re.Pattern[str]]
    own_states: ClassVar[tuple[State, ...]]
    lifetime: ClassVar[timedelta | None] = None

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.state = State.HEALTHY

    @property
    def registry_url(self) -> str:
        """What the form asks for as Registry URL."""
        return f"https://{self.host}"

    @cached_property
    def keyring(self) -> Keyring:
        """The credentials of the one who pulls."""
        return Keyring(self.bench.clock)

    @property
    def shown(self) -> Held:
        """The credential to copy."""
        return self.keyring.shown

    @property
    def expires_at(self) -> datetime | None:
        """When the credential to copy expires."""
        return self.shown.expires_at

    @property
    def now_state(self) -> State:
        """The state, or expired once the credential to copy has outlived its time."""
        return self.state_of(self.shown)

    def state_of(self, held: Held) -> State:
        """The state for one credential, or expired once it has outlived its time."""
        over = held.expires_at is not None and self.bench.clock.now() >= held.expires_at
        return State.EXPIRED if over and self.state is State.HEALTHY else self.state

    def set_state(self, state: State) -> None:
        """Change how right credentials are treated; healthy also renews their expiry."""
        self.state = state
        if state is State.HEALTHY and self.lifetime is not None:
            for held in self.keyring:
                held.expires_at = self.new_expiry()

    @abstractmethod
    def make(self, label: str = "") -> Held:
        """One more credential with the rights of the others, as its vendor's web page makes it."""

    def fields(self) -> tuple[PracticeField, ...]:
        """The answers that make a form pass, in the form's order."""
        return self.fields_of(self.shown)

    @abstractmethod
    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        """The answers for one credential."""

    def managing(self) -> tuple[PracticeField, ...]:
        """What automatic rotation asks for besides, and what else there is to be rotated."""
        return ()

    def secrets(self) -> tuple[str, ...]:
        """Every secret text of this registry, for finding out where one turned up."""
        return self.keyring.secrets()

    @abstractmethod
    def own(self, ask: Ask) -> Answer:
        """The answer when the registry does not misbehave."""

    def answers_for(self, host: str) -> bool:
        return self.hosts.fullmatch(host) is not None

    def is_plane(self, host: str) -> bool:
        return self.planes.fullmatch(host) is not None

    def answer(self, ask: Ask) -> Answer:
        """The answer in the state it is in."""
        match self.state:
            case State.STUCK:
                return Answer(200, delay=FOREVER)
            case State.DOWN:
                return as_html(503, "503 Service Unavailable")
            case State.LIMITED:
                return self.limited(ask)
        odd = self._odd_plane(ask) if self.is_plane(ask.host) else None
        return odd or self.own(ask)

    def limited(self, ask: Ask) -> Answer:
        """Asked too often: the distribution spec's 429."""
        return refusal(
            429,
            "TOOMANYREQUESTS",
            f"too many requests to {ask.host}",
            ("Retry-After", str(RETRY_SECONDS)),
        )

    def standing(self, given: object | None, held: Held | None) -> Standing:
        """Who asks with `given`, None for nothing; `held` is the credential it turned out to be."""
        if given is None:
            return Standing.NOBODY
        if held is None or not held.works(self.bench.clock.now()):
            return Standing.REFUSED
        return self.standing_of(held)

    def standing_of(self, held: Held) -> Standing:
        """What the state makes of a right credential."""
        state = self.state_of(held)
        if state in REFUSED_STATES:
            return Standing.REFUSED
        if state in {State.LACKS_SCOPE, State.NO_ACCESS}:
            return Standing.GUEST
        return Standing.MEMBER

    def _odd_plane(self, ask: Ask) -> Answer | None:
        match self.state:
            case State.HOSTILE_REALM:
                realm = f'Bearer realm="https://{HOSTILE_HOST}/token",service="{ask.host}"'
                return refusal(401, "UNAUTHORIZED", "sign in", ("WWW-Authenticate", realm), VERSION)
            case State.NOT_A_REGISTRY:
                return as_html(200, "Welcome to our portal")
            case State.BANNED:
                return as_text(403, "Forbidden")
            case State.REDIRECTS:
                return Answer(307, b"", (("Location", f"https://{ELSEWHERE_HOST}{ask.path}"),))
            case State.OPEN:
                return self._open_plane(ask)
            case State.DRIPS:
                return replace(self.own(ask), body=b" " * 60, drip=1.0)
            case State.SLOW if ask.path in {"/v2/", "/v2"} and not ask.shows:
                return replace(self.own(ask), delay=self.bench.slow)
        return None

    def _open_plane(self, ask: Ask) -> Answer:
        pull = parse_pull(ask.path)
        return self.bench.shelf.answer(ask, pull) if pull else as_json(200, {}, VERSION)

    def new_expiry(self) -> datetime | None:
        """When a credential made now expires."""
        if self.lifetime is None:
            return None
        return self.bench.clock.now().replace(microsecond=0) + self.lifetime


@dataclass(frozen=True, slots=True)
class Denial:
    """A pull with a token that has no right to it."""

    ask: Ask
    claims: Claims
    pull: Pull


class TokenVendor(Vendor):
    """A registry whose images are served against bearer tokens of a token service.

    `realm` is the token service's address (`{host}`, `{parent}` and `{region}` are filled in from
    the registry's host), `service` whom its tokens are for (the host itself when empty), `hint` the
    scope that the challenge of a ping names, if any.
    """

    realm: ClassVar[str]
    service: ClassVar[str] = ""
    hint: ClassVar[str] = ""

    @abstractmethod
    def side(self, ask: Ask) -> Answer:
        """The answer of a host that serves no images: token service, identity API."""

    def audience(self, host: str) -> str:
        """The service that tokens for this host are made out to."""
        return self.service or host

    def challenge(self, ask: Ask) -> Answer:
        """The 401 that names the token service."""
        _, _, parent = ask.host.partition(".")
        realm = self.realm.format(host=ask.host, parent=parent, region=parent.partition(".")[0])
        hint = f',scope="{self.hint}"' if self.hint else ""
        header = f'Bearer realm="{realm}",service="{self.audience(ask.host)}"{hint}'
        message = "authentication required"
        return refusal(401, "UNAUTHORIZED", message, ("WWW-Authenticate", header), VERSION)

    def own(self, ask: Ask) -> Answer:
        if not self.is_plane(ask.host) or not ask.path.startswith("/v2"):
            return self.side(ask)
        claims = self.bench.desk.open(ask.bearer, self.audience(ask.host))
        if claims is None:
            return self.challenge(ask)
        pull = parse_pull(ask.path)
        if ask.path in {"/v2/", "/v2"}:
            return as_json(200, {}, VERSION)
        if pull is None:
            return as_text(404, "404 page not found")
        if claims.may_pull(pull.repository):
            return self.bench.shelf.answer(ask, pull)
        return self.denied(Denial(ask, claims, pull))

    def denied(self, denial: Denial) -> Answer:
        """A token without the right: `insufficient_scope`, as the token specification has it."""
        challenge = dict(self.challenge(denial.ask).headers)["WWW-Authenticate"]
        scope = f'scope="repository:{denial.pull.repository}:pull",error="insufficient_scope"'
        header = ("WWW-Authenticate", f"{challenge.partition(',scope=')[0]},{scope}")
        return refusal(401, "UNAUTHORIZED", "authentication required", header, VERSION)

    def granted(self, ask: Ask, standing: Standing) -> list[Scope]:
        """What of the asked scopes is granted; token services drop the rest silently."""
        shelf = self.bench.shelf
        member = standing is Standing.MEMBER
        return [
            Scope(scope.name, tuple(a for a in scope.actions if a == "pull"))
            for scope in parse_scopes_of(ask)
            if shelf.is_public(scope.name) or (member and shelf.holds(scope.name))
        ]


class AccountVendor(TokenVendor):
    """A hosted registry where a person signs in with a user name and a token of theirs.

    `asks_for` is the form's name for the token.
    """

    own_states: ClassVar[tuple[State, ...]] = OF_A_TOKEN
    username: ClassVar = "acme-ci"
    asks_for: ClassVar[str]

    @property
    def token(self) -> str:
        """The token to copy."""
        return self.shown.secret

    def fields_of(self, held: Held) -> tuple[PracticeField, ...]:
        return (
            PracticeField("Registry URL", self.registry_url),
            PracticeField("Username", self.username),
            PracticeField(self.asks_for, held.secret, secret=True),
            PracticeField("Path scope", "team"),
            PracticeField("Test image", PRIVATE_IMAGE),
        )


def parse_scopes_of(ask: Ask) -> list[Scope]:
    """The scopes of a token request, from its query or from its form."""
    return parse_scopes((*ask.query.get("scope", ()), ask.form.get("scope", "")))


def choices(states: Iterable[State]) -> tuple[StateChoice, ...]:
    """States as they are offered to a person."""
    return tuple(StateChoice(state.value, LABELS[state]) for state in states)
