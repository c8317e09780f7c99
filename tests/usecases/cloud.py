"""A provider that makes and ends keys, keeps Slack's and AWS's worst manners, and can be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.core.check import CheckResult, Progress
from bot.core.clock import Clock, FixedClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.base import Field
from bot.kinds.rotation.base import Errand, Issued, Labelled, Provider, Readiness, Right, Strategy
from bot.kinds.rotation.gateway import Rotators
from tests.factories import proven, refused
from tests.usecases.provider import OLD

CALLS = ("ready", "issue", "recover", "labelled", "disable", "enable", "revoke")


@dataclass
class Key:
    """A key at the provider; `known_from` is when it begins to work everywhere."""

    handle: str
    secret: str
    made_at: datetime
    label: str = ""
    active: bool = True
    known_from: datetime | None = None


@dataclass
class Cloud:
    """Keys, and what happens to calls: `before` and `after` are told of each, and may raise.

    `after` is told once it is done at the provider, so an exception there is an answer that never
    came.
    """

    clock: FixedClock
    keys: dict[str, Key] = field(default_factory=dict)
    most: int = 2
    settles: timedelta = timedelta()
    before: Callable[[str], None] = lambda _call: None
    after: Callable[[str], None] = lambda _call: None
    calls: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    made: int = 0
    named: str = ""

    def __post_init__(self) -> None:
        self.keys["key-0"] = Key("key-0", OLD, self.clock.now())

    @property
    def working(self) -> set[str]:
        return {key.secret for key in self.keys.values() if key.active}

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        secret, now = config.secrets["password"].reveal(), self.clock.now()
        for key in self.keys.values():
            known = key.known_from is None or key.known_from <= now
            if key.secret == secret and key.active and known:
                return proven(at=now)
        return refused(at=now)

    def begin(self, call: str) -> None:
        self.before(call)
        self.calls.append(call)
        if call in self.refuses:
            raise NotDone(self.refuses[call])

    def end(self, call: str) -> None:
        self.after(call)
        if call in self.deaf:
            raise Unclear("The provider did not answer.")

    def make(self, label: str, secret: str = "") -> Key:
        self.made += 1
        now = self.clock.now()
        handle = f"key-{self.made}"
        key = Key(
            handle,
            secret or f"{self.named}secret number {self.made}",
            now,
            label,
            known_from=now + self.settles,
        )
        self.keys[handle] = key
        return key

    def rotators(self, provider: Provider) -> Rotators:
        unused: Any = None
        return Rotators(unused, unused, self.clock, unused, lambda _config: (provider, ""))


def no_rotators(clock: Clock) -> Rotators:
    """Of a world in which no provider can rotate."""
    unused: Any = None
    return Rotators(unused, unused, clock, unused, lambda _config: (None, "A person has to."))


class Base:
    """What both strategies do alike."""

    slug: ClassVar = "cloud"
    settles: ClassVar = timedelta(seconds=60)
    rights: ClassVar[tuple[Right, ...]] = (Right("keys.create", "to make the new one"),)
    fields: ClassVar[tuple[Field, ...]] = ()

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def unsuited(self, config: Config) -> str:
        return ""

    async def ready(self, errand: Errand) -> Readiness:
        self.cloud.begin("ready")
        secret = errand.config.secrets["password"].reveal()
        mine = next((one for one in self.cloud.keys.values() if one.secret == secret), None)
        if mine is None:
            raise Unclear("The provider does not know this key.")
        problems: tuple[str, ...] = ()
        if len(self.cloud.keys) >= self.cloud.most:
            problems = ("There are two keys already; delete one that nobody uses.",)
        self.cloud.end("ready")
        return Readiness(mine.handle, problems)

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        self.cloud.begin("labelled")
        found = [Labelled(one.handle, one.made_at) for one in self.cloud.keys.values()
                 if one.label == label]  # fmt: skip
        self.cloud.end("labelled")
        return tuple(found)

    async def disable(self, errand: Errand, handle: str) -> None:
        self.cloud.begin("disable")
        self.cloud.keys[handle].active = False
        self.cloud.end("disable")

    async def enable(self, errand: Errand, handle: str) -> None:
        self.cloud.begin("enable")
        self.cloud.keys[handle].active = True
        self.cloud.end("enable")

    async def revoke(self, errand: Errand, handle: str) -> None:
        self.cloud.begin("revoke")
        self.cloud.keys.pop(handle, None)
        self.cloud.end("revoke")

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        return handle in self.cloud.keys


class Dual(Base):
    """Two keys side by side, as AWS has them."""

    strategy: ClassVar = Strategy.DUAL
    reversible: ClassVar = True

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        self.cloud.begin("issue")
        key = self.cloud.make(label)
        self.cloud.end("issue")
        return Issued(key.handle, {"password": Secret(key.secret)})

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        return None


class Plain(Dual):
    """Two keys side by side that can only be deleted, as Scaleway has them."""

    reversible: ClassVar = False


class Slots(Plain):
    """Two slots without labels, of which one must be empty, as Azure's registry has them."""

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        if len(self.cloud.keys) > 1:
            raise NotDone("There are two passwords already.")
        return await super().issue(errand, label, lasts, proposed)

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        self.cloud.begin("labelled")
        found = [Labelled(one.handle, one.made_at) for one in self.cloud.keys.values()
                 if since <= one.made_at <= until]  # fmt: skip
        self.cloud.end("labelled")
        return tuple(found)

    async def revoke(self, errand: Errand, handle: str) -> None:
        if handle in self.cloud.keys and len(self.cloud.keys) == 1:
            raise NotDone("This is the only password.")
        await super().revoke(errand, handle)


class Chosen(Base):
    """One key whose secret may be chosen, as Harbor has it."""

    strategy: ClassVar = Strategy.IN_PLACE
    reversible: ClassVar = False

    async def ready(self, errand: Errand) -> Readiness:
        self.cloud.most = 99
        return await super().ready(errand)

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        self.cloud.begin("issue")
        self.cloud.keys.clear()
        key = self.cloud.make(label, proposed.reveal())
        self.cloud.end("issue")
        return Issued(key.handle, {"password": proposed})

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        self.cloud.begin("recover")
        found = [one for one in self.cloud.keys.values() if one.secret == proposed.reveal()]
        self.cloud.end("recover")
        return Issued(found[0].handle, {"password": proposed}) if found else None


class Told(Chosen):
    """One key whose new secret is told once and never again, as GitLab has it."""

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        self.cloud.begin("issue")
        old = errand.config.secrets["password"].reveal()
        if old not in self.cloud.working:
            self.cloud.keys.clear()  # an ended one was used again: the whole family ends
            raise NotDone("The token was used again after it was rotated.")
        self.cloud.keys.clear()
        key = self.cloud.make(label)
        self.cloud.end("issue")
        return Issued(key.handle, {"password": Secret(key.secret)})

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        return None


class Shown(Told):
    """One key whose secret is made by the provider and can be read again, as Quay has it."""

    async def recover(self, errand: Errand, proposed: Secret) -> Issued | None:
        self.cloud.begin("recover")
        found = next(iter(self.cloud.keys.values()))
        self.cloud.end("recover")
        if found.secret == errand.config.secrets["password"].reveal():
            return None
        return Issued(found.handle, {"password": Secret(found.secret)})


STRATEGIES: dict[str, type[Base]] = {
    "dual": Dual,
    "dual without a stop": Plain,
    "dual, two slots": Slots,
    "in place, chosen": Chosen,
    "in place, told once": Told,
    "in place, shown again": Shown,
}
