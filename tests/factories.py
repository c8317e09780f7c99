"""People, answers and registries for tests, made through the real use cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from bot.core.access import Actor
from bot.core.check import (
    Cause,
    CheckResult,
    Evidence,
    Expiry,
    Level,
    Mark,
    Progress,
    Stage,
    StageResult,
    Verdict,
)
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.image import Reference
from bot.core.listing import FoundRepository, FoundTag, Page
from bot.core.registry import RegistryView
from bot.core.secret import Secret
from bot.core.sight import Absence, ImageFacts
from bot.errors import Unseen
from bot.kinds.net import AllowList
from bot.store.cipher import Keyring
from bot.store.engine import Store, open_store
from bot.usecases import clusters, drafts
from bot.usecases.clusters import Wanted
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from bot.usecases.issuing import Issued

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)

ALICE = Actor("T1", "UALICE", is_admin=True)  # an admin
BOB = Actor("T1", "UBOB")  # a member of the same workspace
MALLORY = Actor("T2", "UMALLORY", is_admin=True)  # an admin of another workspace


def passed(*stages: Stage) -> tuple[StageResult, ...]:
    return tuple(StageResult(stage, Mark.PASSED) for stage in stages)


def proven(**changes: object) -> CheckResult:
    """The answer for a credential that works."""
    result = CheckResult(
        verdict=Verdict.PROVEN,
        level=Level.E2,
        stage=Stage.LOGIN,
        sentence="Signed in, and refused without the credential.",
        at=NOW,
        took=0.4,
        stages=passed(Stage.ADDRESS, Stage.TLS, Stage.REGISTRY, Stage.LOGIN),
        evidence=(Evidence(Stage.REGISTRY, "GET", "registry.example.com", "/v2/", 401),),
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def refused(**changes: object) -> CheckResult:
    """The answer for a credential that is wrong."""
    result = replace(
        proven(),
        verdict=Verdict.REFUSED,
        level=Level.E0,
        cause=Cause.BAD_CREDENTIALS,
        sentence="The registry refused the password.",
        remedy="Check that you copied all of it.",
        stages=(
            *passed(Stage.ADDRESS, Stage.TLS, Stage.REGISTRY),
            StageResult(Stage.LOGIN, Mark.FAILED),
        ),
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def unproven(**changes: object) -> CheckResult:
    """The answer of a registry that accepts anyone."""
    result = replace(
        proven(),
        verdict=Verdict.UNPROVEN,
        level=Level.E1,
        cause=Cause.ACCEPTS_ANYONE,
        sentence="The registry accepts anyone.",
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def unreachable(**changes: object) -> CheckResult:
    """The answer when the host does not answer."""
    result = replace(
        proven(),
        verdict=Verdict.UNREACHABLE,
        level=Level.E0,
        stage=Stage.ADDRESS,
        cause=Cause.TIMEOUT,
        sentence="registry.example.com did not answer within 10 seconds.",
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def expiring(at: datetime) -> CheckResult:
    return proven(expiry=Expiry(at, "provider"))


class ScriptedChecker:
    """A checker that answers what it was told to, the last answer for ever, and keeps the configs."""

    def __init__(self, clock: FixedClock, answers: Iterable[CheckResult] = ()) -> None:
        self.clock = clock
        self.answers = list(answers) or [proven()]
        self.seen: list[Config] = []

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        self.seen.append(config)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if progress is not None:
            progress(answer.stages)
        return replace(answer, at=self.clock.now())


class ScriptedLooks:
    """Sees what it is told to, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.facts: ImageFacts | Unseen = ImageFacts("sha256:" + "a" * 64)
        self.asked: list[tuple[Config, Reference]] = []
        self.shelf: dict[str, list[str]] = {}
        self.lists: Unseen | None = None
        self.next = ""
        self.turned: list[tuple[str, ...]] = []

    async def repositories(self, config: Config, text: str, cursor: str) -> Page[FoundRepository]:
        self.turned.append((text, cursor))
        if self.lists is not None:
            raise self.lists
        names = [name for name in self.shelf if text in name and config.covers(name)]
        return Page(tuple(FoundRepository(name, NOW) for name in names), self.next)

    async def tags(self, config: Config, repository: str, text: str, cursor: str) -> Page[FoundTag]:
        self.turned.append((repository, text, cursor))
        if repository not in self.shelf:
            raise Unseen(Absence.HIDDEN, f"{repository} was not found.")
        found = [FoundTag(tag, "sha256:" + "b" * 64, NOW) for tag in self.shelf[repository]]
        return Page(tuple(found), self.next)

    async def image(self, config: Config, image: Reference) -> ImageFacts:
        self.asked.append((config, image))
        if isinstance(self.facts, Unseen):
            raise self.facts
        return self.facts


def keyring() -> Keyring:
    return Keyring.parse(Secret(Keyring.generate_text()))


def deps_on(url: str, clock: FixedClock | None = None, ring: Keyring | None = None) -> Deps:
    """Use cases on a database, with a scripted checker; close the store yourself."""
    clock = clock or FixedClock(NOW)
    store: Store = open_store(url, ring or keyring(), clock)
    return Deps(store, ScriptedChecker(clock), clock, AllowList.parse(""))


def checker_of(deps: Deps) -> ScriptedChecker:
    assert isinstance(deps.checker, ScriptedChecker)
    return deps.checker


def clock_of(deps: Deps) -> FixedClock:
    assert isinstance(deps.clock, FixedClock)
    return deps.clock


def generic(name: str = "harbor-team", **changes: str) -> Answers:
    """Answers of a generic registry; `password` is the secret, everything else is public."""
    password = changes.pop("password", "correct horse")
    public = {
        "url": f"https://{name}.example.com",
        "username": "ci",
        "path_scope": "",
        "test_image": "",
        "name": name,
        "description": "",
        "environment": "any",
        "owner": "",
        "rotate_days": "90",
        **changes,
    }
    secrets = {"password": Secret(password)} if password else {}
    return Answers("generic", "account", public, secrets)


def same_host(name: str) -> Answers:
    """Answers of a registry at the host of `generic()` with the same sign-in, for another path."""
    return generic(name, url="https://harbor-team.example.com", path_scope=name)


async def add(deps: Deps, actor: Actor = ALICE, answers: Answers | None = None) -> RegistryView:
    """A registry that was proven and saved."""
    draft_id = await drafts.begin(deps, actor, answers or generic())
    saved = (await drafts.try_draft(deps, actor, draft_id)).saved
    assert saved is not None
    return saved


async def stored(deps: Deps, actor: Actor = ALICE, answers: Answers | None = None) -> RegistryView:
    """A registry that was saved anyway, with the last answer of the checker."""
    draft_id = await drafts.begin(deps, actor, answers or generic())
    await drafts.try_draft(deps, actor, draft_id)
    return await drafts.save_anyway(deps, actor, draft_id)


async def cluster(
    deps: Deps, name: str = "prod-eu", actor: Actor = ALICE, **changes: str
) -> Issued:
    """A cluster with its first token."""
    return await clusters.add(deps, actor, Wanted(name, **changes))
