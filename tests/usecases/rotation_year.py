"""A year of automatic rotations at a provider whose answers fail now and then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlmodel import col, select

from bot.core.check import CheckResult, Progress
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.rotation import Phase
from bot.errors import Unclear
from bot.kinds.rotation.base import Provider
from bot.kinds.rotation.gateway import Rotators
from bot.store import credentials
from bot.store.schema import CURRENT, Credential, Registry, RotationRow
from bot.usecases import drafts, rotation_orphans, rotation_policies
from bot.usecases.deps import Deps
from bot.usecases.rotation_policies import Wanted, tick_rotation_policies
from bot.usecases.rotations import tick_rotations
from tests.factories import ALICE, generic
from tests.usecases.cloud import Cloud, Dual, Plain
from tests.usecases.provider import OLD

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATE = 6 * HOUR
"""Clusters that pull have copied the credential in force at most so long ago."""
FAILS, AMBIGUOUS = 0.05, 0.01


@dataclass
class Sky:
    """A cloud for each registry, and when each secret was in force last."""

    clock: FixedClock
    random: Random
    clouds: dict[str, Cloud] = field(default_factory=dict)
    in_force: dict[str, datetime] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    calm: bool = False

    def add(self, host: str, secret: str) -> None:
        cloud = Cloud(self.clock)
        cloud.keys["key-0"].secret = secret
        cloud.most, cloud.named = 3, f"{host} "
        cloud.before = self._before
        cloud.after = lambda call: self._after(host, call)
        self.clouds[host] = cloud

    def _before(self, _call: str) -> None:
        if not self.calm and self.random.random() < FAILS:
            self.faults["failed"] += 1
            raise Unclear("The provider did not answer.")

    def _after(self, host: str, call: str) -> None:
        if call in {"disable", "revoke"}:
            self._look(host)
        if not self.calm and self.random.random() < AMBIGUOUS:
            self.faults["ambiguous"] += 1
            raise Unclear("The answer never came.")

    def _look(self, host: str) -> None:
        """Whoever copied the credential lately must still be able to pull."""
        working, now = self.clouds[host].working, self.clock.now()
        for secret, at in self.in_force.items():
            if secret.startswith(host) and now - at < LATE and secret not in working:
                self.broken.append(f"{host} ended a credential in use at {now:%d %b %H:%M}")

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        return await self.clouds[config.host].check(config, progress)

    def find(self, config: Config) -> tuple[Provider | None, str]:
        cloud = self.clouds[config.host]
        even = sum(config.host.encode()) % 2 == 0
        return (Dual(cloud) if even else Plain(cloud)), ""

    @property
    def rotators(self) -> Rotators:
        unused: Any = None
        return Rotators(unused, unused, self.clock, unused, self.find)


@dataclass(frozen=True)
class Year:
    """What came of it: rotations by phase, keys at the providers, and what went wrong."""

    phases: Counter[str]
    faults: Counter[str]
    broken: list[str]
    orphans: int
    strays: list[str]
    seen_dead: int
    not_seen_dead: int


async def play(deps: Deps, registries: int, seed: int, days: int = 365) -> Year:
    """Let that many registries rotate by themselves for so long, from a Monday morning."""
    clock = deps.clock
    assert isinstance(clock, FixedClock)
    sky = Sky(clock, Random(seed))
    deps = replace(deps, checker=sky)
    await _prepare(deps, sky, registries)
    end = clock.now() + days * DAY
    while clock.now() < end:
        await tick_rotation_policies(deps, sky.rotators)
        await _work(deps, sky, min(end, clock.now() + 7 * DAY))
    sky.calm = True
    await _work(deps, sky, clock.now() + 10 * DAY)
    return await _sum_up(deps, sky)


async def _prepare(deps: Deps, sky: Sky, registries: int) -> None:
    for number in range(registries):
        name = f"reg-{number:03}"
        host, secret = f"{name}.example.com", f"{name}.example.com {OLD}"
        sky.add(host, secret)
        draft = await drafts.begin(deps, ALICE, generic(name, password=secret))
        assert (await drafts.try_draft(deps, ALICE, draft)).saved is not None
        wanted = Wanted(enabled=True, at_age_days=60 + number % 30)
        await rotation_policies.change(deps, sky.rotators, ALICE, name, 0, wanted, {})
        sky.in_force[secret] = sky.clock.now()


async def _work(deps: Deps, sky: Sky, until: datetime) -> None:
    """From one thing that is due to the next."""
    while True:
        await _note_in_force(deps, sky)
        while await tick_rotations(deps, sky.rotators):
            pass
        await _note_in_force(deps, sky)
        async with deps.store.reading() as session:
            times = select(RotationRow.next_at, RotationRow.lease_until)
            due = (await session.exec(times.where(col(RotationRow.closed_at).is_(None)))).all()
        ahead = [at for row in due for at in row if at is not None and at > sky.clock.now()]
        following = min(ahead, default=until)
        sky.clock.skip(max(timedelta(), min(following, until) - sky.clock.now()))
        if following >= until:
            return


async def _note_in_force(deps: Deps, sky: Sky) -> None:
    """What those that are being rotated sign in with now; it must work."""
    wanted = (
        select(Registry.host, Credential)
        .join(RotationRow, col(RotationRow.registry_id) == col(Registry.id))
        .join(Credential, col(Credential.registry_id) == col(Registry.id))
        .where(col(RotationRow.closed_at).is_(None), col(Credential.state) == CURRENT)
    )
    async with deps.store.reading() as session:
        found = (await session.exec(wanted)).all()
    for host, held in found:
        if held.id not in sky.opened:
            opened = credentials.opened(held, deps.store.keyring)
            sky.opened[held.id] = opened["password"].reveal()
        secret = sky.opened[held.id]
        sky.in_force[secret] = sky.clock.now()
        if secret not in sky.clouds[host].working:
            sky.broken.append(f"{host} is in force and does not work")


async def _sum_up(deps: Deps, sky: Sky) -> Year:
    async with deps.store.reading() as session:
        rows = (await session.exec(select(RotationRow))).all()
    found = await rotation_orphans.find(deps, sky.rotators, ALICE)
    strays = [
        f"{host}: {sorted(cloud.keys)}"
        for host, cloud in sky.clouds.items()
        if len(cloud.keys) != 1
    ]
    phases = Counter(row.phase for row in rows)
    return Year(
        phases=phases,
        faults=sky.faults,
        broken=sky.broken,
        orphans=len(found.orphans) + len(found.unseen),
        strays=strays,
        seen_dead=phases[str(Phase.DEAD)],
        not_seen_dead=sum(1 for row in rows if row.phase in {Phase.GRACE, Phase.ENDING}),
    )
