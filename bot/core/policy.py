"""Which images may run: those of a registered registry, and those of an exemption in force.

One pure function of (text, rules), so that Slack, the command line and admission say the same. A
rule is a host and a path, compared whole: `ghcr.io/acme` never stands for `ghcr.io/acme-evil`, nor
`gcr.io` for `gcr.io.evil.example`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from bot.core.image import DOCKER_HUB, Reference
from bot.errors import InvalidReference

ANY: Final = "any"
HUB_ALIASES: Final = frozenset(
    {"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
)
_INVALID: Final = "is not a valid image reference"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a registration covers: everything at `host`, or at `scope` and below it.

    `host` is canonical (see `canonical_host`), `scope` a repository path or empty. `environment` is
    the label of the registry; `any` serves all.
    """

    registry: str
    host: str
    scope: str = ""
    environment: str = ANY

    @property
    def place(self) -> str:
        """`host/scope`."""
        return f"{self.host}/{self.scope}" if self.scope else self.host


@dataclass(frozen=True, slots=True)
class Exemption:
    """One repository, or one image of it by `digest`, that may run until `until`."""

    host: str
    repository: str
    until: datetime
    digest: str = ""

    @property
    def name(self) -> str:
        repository = f"{self.host}/{self.repository}"
        return f"{repository}@{self.digest}" if self.digest else repository


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an image may run.

    `registry` is the one that it belongs to, empty when it belongs to none. `image` is what it was
    read as, empty when it could not be read. `reason` is a clause that begins with the image.
    """

    allowed: bool
    registry: str
    reason: str
    image: str = ""
    exemption: Exemption | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The registrations, indexed; building it takes a look at each rule, deciding does not."""

    rules: Iterable[Rule]
    exemptions: Iterable[Exemption] = ()
    _scopes: Mapping[str, Mapping[str, list[Rule]]] = field(init=False, repr=False, compare=False)
    _exempt: Mapping[str, list[Exemption]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules, exemptions = tuple(self.rules), tuple(self.exemptions)
        scopes: dict[str, dict[str, list[Rule]]] = {}
        for rule in rules:
            scopes.setdefault(canonical_host(rule.host), {}).setdefault(rule.scope, []).append(rule)
        exempt: dict[str, list[Exemption]] = {}
        for one in exemptions:
            exempt.setdefault(f"{one.host}/{one.repository}", []).append(one)
        put = object.__setattr__  # frozen
        put(self, "rules", rules)
        put(self, "exemptions", exemptions)
        put(self, "_scopes", scopes)
        put(self, "_exempt", exempt)

    def decide(self, text: str, environment: str = ANY, now: datetime | None = None) -> Verdict:
        """The verdict for an image as it is written in a manifest; never raises.

        With an `environment`, only registries marked with it, or with `any`, serve. Exemptions
        count when `now` is given.
        """
        try:
            image = _read(text)
        except InvalidReference as error:
            return Verdict(False, "", f"{shown(text)} {_INVALID}: {error}")
        name = f"{image.host}/{image.repository}"
        rule, other = self._owner(image, environment)
        if rule is not None:
            return Verdict(True, rule.registry, f"{name} belongs to {rule.registry}", str(image))
        exemption = self._exemption(image, now)
        if exemption is not None:
            reason = f"{name} is exempted until {exemption.until:%Y-%m-%d %H:%M} UTC"
            return Verdict(True, "", reason, str(image), exemption)
        if other is not None:
            reason = f"{name} belongs to {other.registry}, which is for {other.environment} only"
            return Verdict(False, other.registry, reason, str(image))
        return Verdict(False, "", f"{name} is in no registered registry", str(image))

    def nearest(self, text: str) -> Rule | None:
        """The rule that was meant when an image is one slip away: a boundary, or one edit.

        Looks at every rule; for people, not for admission.
        """
        try:
            image = canonical(Reference.parse(text))
        except InvalidReference:
            return None
        found = [(likeness(image, rule), rule.place, rule) for rule in self.rules]
        best = max(found, default=None, key=lambda one: one[:2])
        return best[2] if best is not None and best[0] > 0 else None

    def _owner(self, image: Reference, environment: str) -> tuple[Rule | None, Rule | None]:
        """The rule with the longest path that serves the environment, and one that does not."""
        scopes = self._scopes.get(image.host)
        other = None
        if scopes is None:
            return None, None
        path = image.repository
        while True:
            for rule in scopes.get(path, ()):
                if environment == ANY or rule.environment in (ANY, environment):
                    return rule, None
                other = other or rule
            if not path:
                return None, other
            path = path.rpartition("/")[0]

    def _exemption(self, image: Reference, now: datetime | None) -> Exemption | None:
        if now is None or not self._exempt:
            return None
        for one in self._exempt.get(f"{image.host}/{image.repository}", ()):
            if one.until > now and one.digest in ("", image.digest):
                return one
        return None


@lru_cache(maxsize=1024)
def _read(text: str) -> Reference:
    """A rollout asks for the same image over and over: of its Deployment and of each pod."""
    return canonical(Reference.parse(text))


def canonical(image: Reference) -> Reference:
    """The same image with its host as registrations write it."""
    host, repository = canonical_host(image.host), image.repository
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"  # Docker.io/nginx is read without it
    if host == image.host and repository == image.repository:
        return image
    return Reference(host, repository, image.tag, image.digest)


def canonical_host(host: str) -> str:
    """Lower case, without the default port; the names of Docker Hub are one."""
    host = host.lower().removesuffix(":443")
    return DOCKER_HUB if host in HUB_ALIASES else host


def shown(text: str, most: int = 120) -> str:
    """A text that comes from anywhere, in quotes, on one line, at most so long."""
    return f"“{plain(text, most)}”"


def plain(text: str, most: int = 300) -> str:
    """The same without quotes."""
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in cut)
    return f"{cut}…" if len(text) > most else cut


def likeness(image: Reference, rule: Rule) -> float:
    """How near an image comes to a rule that does not cover it; 0 when it is another matter."""
    parts = image.repository.split("/")
    depth = rule.scope.count("/") + 1 if rule.scope else 0
    scope = "/".join(parts[:depth])
    if image.host == rule.host:
        near = _one_slip(scope, rule.scope)
        return 2 + SequenceMatcher(None, scope, rule.scope).ratio() if near else 0.0
    if scope == rule.scope and _one_slip(image.host, rule.host):
        return 1 + SequenceMatcher(None, image.host, rule.host).ratio()
    return 0.0


def _one_slip(one: str, other: str) -> bool:
    """One letter changed, left out, put in or swapped with the next; or one begins the other."""
    if one == other or not one or not other:
        return False
    short, long = sorted((one, other), key=len)
    if long.startswith(short) and not long[len(short)].isalnum():
        return True
    if len(long) - len(short) > 1:
        return False
    first = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    rest, longer = short[first:], long[first:]
    if len(long) > len(short):
        return rest == longer[1:]
    return rest[1:] == longer[1:] or (rest[:2] == longer[1::-1] and rest[2:] == longer[2:])
