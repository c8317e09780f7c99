"""Retests on a schedule, from the row that is due to the letter that tells of it."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from bot.core.check import Cause, CheckResult, Progress, Verdict
from bot.core.config import Config
from bot.core.health import Standing, Trouble
from bot.core.incident import Phase
from bot.core.offline import Mode
from bot.store.cipher import Keyring
from bot.store.engine import Store
from bot.store.schema import Credential
from bot.usecases import checking, drafts, pauses, registries
from bot.usecases.deps import Deps
from bot.usecases.watch import Limits, Observed, Watch
from tests.factories import (
    ALICE,
    MALLORY,
    add,
    clock_of,
    generic,
    keyring,
    proven,
    refused,
    unreachable,
)
from tests.usecases.watching import (
    BARE,
    EXPIRED,
    Fleet,
    channel,
    incidents,
    letters,
    records,
    registry,
    run,
    said,
    the_incident,
    tick,
    watching,
    with_fleet,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def test_what_is_due_is_checked_and_due_again(deps: Deps) -> None:
    """The check is recorded as the schedule's, and the row says when it comes again."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    before = (await registry(deps, "harbor-team")).next_check_at
    assert before is not None
    clock_of(deps).at = before

    await watching(deps).tick()

    row = await registry(deps, "harbor-team")
    assert len(await records(deps)) == 1
    assert row.next_check_at is not None
    assert timedelta(minutes=50) < row.next_check_at - before <= HOUR
    assert (row.lease_until, row.attempts, row.verdict) == (None, 0, "proven")
    assert len(fleet.seen) == 2


async def test_nothing_is_checked_before_its_time(deps: Deps) -> None:
    """A tick with nothing due does nothing."""
    deps, fleet = with_fleet(deps)
    await add(deps)

    assert await watching(deps).tick() == 0
    assert len(fleet.seen) == 1


async def test_a_registry_is_checked_as_often_as_promised(deps: Deps) -> None:
    """In a day of hourly checks no gap is longer than the hour."""
    deps, fleet = with_fleet(deps)
    await add(deps)

    await run(deps, watching(deps), timedelta(days=1))

    times = [at for at, _ in fleet.seen]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 24 <= len(gaps) <= 27
    assert max(gaps) <= HOUR


async def test_an_explicit_refusal_is_told_after_one_confirmation(deps: Deps) -> None:
    """One incident, one message, within the interval and two minutes."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps, answers=generic(owner="UOWNER"))
    fleet.fails("harbor-team")
    began = deps.clock.now()

    await run(deps, watching(deps), HOUR + 2 * MINUTE)

    (view,) = await incidents(deps)
    assert view.incident.trouble is Trouble.REFUSED
    assert view.incident.opened_at - view.incident.since == MINUTE
    assert view.incident.opened_at <= began + HOUR + 2 * MINUTE
    assert [one.name for one in view.registries] == ["harbor-team"]
    assert view.owners == ("UOWNER",)
    (letter,) = await letters(deps)
    assert (letter.op, letter.what, letter.channel) == ("post", "incident", "CALERTS")
    assert letter.subject == f"incident:{view.id}"


async def test_a_stray_refusal_is_told_to_nobody(deps: Deps) -> None:
    """Three bare refusals and a good answer are no incident."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    answers = iter([BARE, BARE, BARE])
    fleet.fails("harbor-team", lambda _config, _now: next(answers, proven()))

    await run(deps, watching(deps), 3 * HOUR)

    assert await incidents(deps) == []
    assert await letters(deps) == []


async def test_four_bare_refusals_in_a_row_are_an_incident(deps: Deps) -> None:
    """Within the interval and ten minutes."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    fleet.fails("harbor-team", BARE)

    await run(deps, watching(deps), HOUR + 10 * MINUTE)

    incident = await the_incident(deps)
    assert incident.opened_at - incident.since == 8 * MINUTE


async def test_recovery_closes_the_same_message(deps: Deps) -> None:
    """Post, then an edit and a thread entry; the letters are one subject."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    fleet.fails("harbor-team")
    watch = watching(deps)
    await run(deps, watch, HOUR + 2 * MINUTE)
    await _send_all(deps)
    fleet.works("harbor-team")

    await run(deps, watch, 8 * HOUR)

    (view,) = await incidents(deps)
    assert view.incident.phase is Phase.RECOVERED
    assert await said(deps) == [("post", "opened"), ("edit", "recovered"), ("thread", "recovered")]
    assert len({letter.subject for letter in await letters(deps)}) == 1
    assert (await registries.show(deps, ALICE, "harbor-team")).standing is Standing.HEALTHY


async def test_an_outage_needs_fifteen_minutes(deps: Deps) -> None:
    """Fourteen minutes of silence are told to nobody, sixteen are."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    await add(deps, answers=generic("other"))
    clock_of(deps).skip(HOUR)
    fleet.fails("harbor-team", unreachable())
    watch = watching(deps)
    await tick(deps, watch)

    await run(deps, watch, 14 * MINUTE)
    assert await incidents(deps) == []

    await run(deps, watch, 3 * MINUTE)
    assert (await the_incident(deps)).trouble is Trouble.UNREACHABLE


async def test_a_secret_that_registries_share_is_tried_once(deps: Deps) -> None:
    """Three registrations of one account: one sign-in a turn, and one incident of three."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    for scope in ("one", "two", "three"):
        url = "https://shared.example.com"
        await add(deps, answers=generic(scope, url=url, path_scope=scope))
    fleet.seen.clear()
    fleet.fails("shared")

    await run(deps, watching(deps), HOUR)  # the first rung of the slow ladder comes after it

    (view,) = await incidents(deps)
    assert [one.name for one in view.registries] == ["one", "three", "two"]
    assert len(fleet.seen) == 2  # found, and confirmed
    assert [letter.op for letter in await letters(deps)] == ["post"]


async def test_members_of_an_incident_recover_together(deps: Deps) -> None:
    """The message is closed when the last of them works again, and once."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    for scope in ("one", "two"):
        url = "https://shared.example.com"
        await add(deps, answers=generic(scope, url=url, path_scope=scope))
    fleet.fails("shared")
    watch = watching(deps)
    await run(deps, watch, HOUR + 5 * MINUTE)
    await _send_all(deps)
    fleet.works("shared")

    await run(deps, watch, 8 * HOUR)

    assert (await the_incident(deps)).phase is Phase.RECOVERED
    entries = [entry for op, entry in await said(deps) if op == "thread"]
    assert entries == ["recovered"]


async def test_another_secret_of_the_account_is_checked_by_itself(deps: Deps) -> None:
    """Two secrets of one account are two incidents at most; the good one stays green."""
    deps, fleet = with_fleet(deps)
    url = "https://shared.example.com"
    await add(deps, answers=generic("old", url=url, path_scope="a", password="old secret"))
    await add(deps, answers=generic("new", url=url, path_scope="b", password="new secret"))

    def judge(config: Config, _now: object) -> CheckResult:
        return EXPIRED if config.secrets["password"].reveal() == "old secret" else proven()

    fleet.fails("shared", judge)
    await run(deps, watching(deps), 2 * HOUR)

    (view,) = await incidents(deps)
    assert [one.name for one in view.registries] == ["old"]
    assert (await registry(deps, "new")).verdict == "proven"


async def test_a_week_with_wrong_secrets_locks_no_account(deps: Deps) -> None:
    """Never more than five failed sign-ins in ten minutes, and few in all, whatever is registered."""
    deps, fleet = with_fleet(deps)
    url = "https://shared.example.com"
    for number in range(6):
        secret = f"wrong {number % 3}"
        answers = generic(f"r{number}", url=url, path_scope=f"s{number}", password=secret)
        await add(deps, answers=answers)
    fleet.seen.clear()
    fleet.fails("shared", BARE)

    await run(deps, watching(deps), timedelta(days=7))

    times = [at for at, _ in fleet.seen]
    most = max(sum(start <= at < start + 10 * MINUTE for at in times) for start in times)
    assert most <= 5
    assert len(times) < 60


async def test_a_correct_new_secret_is_testable_at_once(deps: Deps) -> None:
    """The ladder of the condemned one does not hold it back."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    fleet.fails("harbor-team")
    await run(deps, watching(deps), 3 * HOUR)
    fleet.works("harbor-team")

    row = await registry(deps, "harbor-team")
    answers = generic(password="the new one")
    draft = await drafts.begin(
        deps, ALICE, answers, name_of_edited="harbor-team", version=row.version
    )
    outcome = await drafts.try_draft(deps, ALICE, draft)

    assert outcome.saved is not None


async def test_a_person_is_held_back_before_the_lock(deps: Deps) -> None:
    """The sixth wrong secret within ten minutes is not tried, and says until when."""
    deps, fleet = with_fleet(deps)
    fleet.fails("harbor-team", BARE)
    for number in range(5):
        draft = await drafts.begin(deps, ALICE, generic(password=f"wrong {number}"))
        await drafts.try_draft(deps, ALICE, draft)

    draft = await drafts.begin(deps, ALICE, generic(password="wrong again"))
    outcome = await drafts.try_draft(deps, ALICE, draft)

    assert len(fleet.seen) == 5
    assert outcome.result.verdict is Verdict.LIMITED
    assert outcome.result.retry_at == deps.clock.now() + 10 * MINUTE


async def test_a_new_credential_closes_the_incident_as_replaced(deps: Deps) -> None:
    """With the name of who brought it."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    fleet.fails("harbor-team")
    watch = watching(deps)
    await run(deps, watch, 2 * HOUR)
    await _send_all(deps)
    fleet.works("harbor-team")

    row = await registry(deps, "harbor-team")
    draft = await drafts.begin(
        deps, ALICE, generic(password="new"), name_of_edited="harbor-team", version=row.version
    )
    await drafts.try_draft(deps, ALICE, draft)

    incident = await the_incident(deps)
    assert (incident.phase, incident.by) == (Phase.REPLACED, "UALICE")
    assert (await said(deps))[-2:] == [("edit", "replaced"), ("thread", "replaced")]
    assert (await registries.show(deps, ALICE, "harbor-team")).standing is Standing.HEALTHY


async def test_a_secret_saved_anyway_leaves_the_incident_open(deps: Deps) -> None:
    """It closes when the new secret is proven."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    fleet.fails("harbor-team")
    watch = watching(deps)
    await run(deps, watch, 2 * HOUR)
    row = await registry(deps, "harbor-team")
    draft = await drafts.begin(
        deps, ALICE, generic(password="new"), name_of_edited="harbor-team", version=row.version
    )
    await drafts.try_draft(deps, ALICE, draft)
    await drafts.save_anyway(deps, ALICE, draft)
    assert (await the_incident(deps)).is_open
    fleet.works("harbor-team")

    await run(deps, watch, 8 * HOUR)

    assert (await the_incident(deps)).phase is Phase.RECOVERED


async def test_deleting_closes_the_incident(deps: Deps) -> None:
    """As deleted, by whom."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    fleet.fails("harbor-team")
    await run(deps, watching(deps), 2 * HOUR)

    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")

    incident = await the_incident(deps)
    assert (incident.phase, incident.by) == (Phase.DELETED, "UALICE")


async def test_a_restored_registry_starts_calm(deps: Deps) -> None:
    """It is checked at once, and opens a new incident only after confirmation."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    fleet.fails("harbor-team")
    watch = watching(deps)
    await run(deps, watch, 2 * HOUR)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")

    await registries.restore(deps, ALICE, "harbor-team")
    await run(deps, watch, 2 * MINUTE)

    assert [view.incident.phase for view in await incidents(deps)] == [
        Phase.DELETED,
        Phase.FAILING,
    ]


async def test_a_persons_test_counts_as_one_of_two_good_answers(deps: Deps) -> None:
    """Test, and the schedule's confirmation a minute later."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    fleet.fails("harbor-team")
    watch = watching(deps)
    await run(deps, watch, 2 * HOUR)
    fleet.works("harbor-team")

    await checking.check_registry(deps, ALICE, "harbor-team")
    assert (await the_incident(deps)).is_open
    await run(deps, watch, MINUTE)

    assert (await the_incident(deps)).phase is Phase.RECOVERED


async def test_an_account_that_is_back_is_checked_everywhere(deps: Deps) -> None:
    """The test of one registry brings the others of the account back from the slow ladder."""
    deps, fleet = with_fleet(deps)
    url = "https://shared.example.com"
    await add(deps, answers=generic("one", url=url, path_scope="a"))
    await add(deps, answers=generic("two", url=url, path_scope="b"))
    fleet.fails("shared")
    watch = watching(deps)
    await run(deps, watch, timedelta(days=2))
    fleet.works("shared")

    await checking.check_registry(deps, ALICE, "one")
    await run(deps, watch, 5 * MINUTE)

    assert (await registry(deps, "two")).verdict == "proven"
    assert (await the_incident(deps)).phase is Phase.RECOVERED


async def test_planned_work_is_checked_and_not_alerted(deps: Deps) -> None:
    """What fails during a pause is told when it ends, if it still fails."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    await pauses.pause(deps, ALICE, "harbor-team", "4h", "moving the registry")
    fleet.fails("harbor-team")
    watch = watching(deps)

    await run(deps, watch, 3 * HOUR)
    assert len(await incidents(deps)) == 1
    assert await letters(deps) == []

    await run(deps, watch, HOUR + MINUTE)
    assert [letter.op for letter in await letters(deps)] == ["post"]


async def test_planned_work_after_a_recovery_is_not_alerted(deps: Deps) -> None:
    """Failing again within the hour is no reason to speak before the work is over."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    watch = watching(deps)
    fleet.fails("harbor-team")
    await run(deps, watch, 2 * HOUR)
    fleet.works("harbor-team")
    while (await the_incident(deps)).is_open:
        await run(deps, watch, MINUTE)
    before = len(await letters(deps))

    await pauses.pause(deps, ALICE, "harbor-team", "2h")
    fleet.fails("harbor-team")
    await run(deps, watch, HOUR + 50 * MINUTE)
    assert len(await letters(deps)) == before

    await run(deps, watch, 15 * MINUTE)
    assert [letter.op for letter in await letters(deps)][before:] == ["post"]


async def test_resuming_tells_what_fails(deps: Deps) -> None:
    """The end of a pause by hand counts as its end."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    await pauses.pause(deps, ALICE, "harbor-team", "1d")
    fleet.fails("harbor-team")
    watch = watching(deps)
    await run(deps, watch, 3 * HOUR)

    view = await pauses.resume(deps, ALICE, "harbor-team")
    await tick(deps, watch)

    assert view.pause is None
    assert [letter.op for letter in await letters(deps)] == ["post"]


async def test_a_storm_is_one_message(deps: Deps) -> None:
    """Thirty failures at once are three posts at most, and every incident is in the list."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    for number in range(30):
        await add(deps, answers=generic(f"r{number:02}"))
        fleet.fails(f"r{number:02}")
    watch = watching(deps)

    clock_of(deps).skip(HOUR)
    await run(deps, watch, 3 * MINUTE)

    posts = [letter for letter in await letters(deps) if letter.op == "post"]
    assert len(posts) == 3
    assert [letter.what for letter in posts] == ["incident", "incident", "storm"]
    listed = [view for view in await incidents(deps) if view.storm_id]
    assert len(listed) == 30


async def test_one_workspace_learns_nothing_of_another(deps: Deps) -> None:
    """The same account in two workspaces is two incidents, each told at home."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await channel(deps, "COTHER", "T2")
    await add(deps)
    await add(deps, MALLORY)
    fleet.fails("harbor-team")

    await run(deps, watching(deps), 2 * HOUR)

    told = {(letter.team_id, letter.channel) for letter in await letters(deps)}
    assert told == {("T1", "CALERTS"), ("T2", "COTHER")}


async def test_without_a_channel_the_owner_is_told(deps: Deps) -> None:
    """By direct message."""
    deps, fleet = with_fleet(deps)
    await add(deps, answers=generic(owner="UOWNER"))
    fleet.fails("harbor-team")

    await run(deps, watching(deps), 2 * HOUR)

    assert [letter.channel for letter in await letters(deps)] == ["UOWNER"]


async def test_a_broken_row_harms_no_other(deps: Deps) -> None:
    """It is marked, not judged; its neighbour is checked."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    await add(deps, answers=generic("other"))
    async with deps.store.transaction() as session:
        query = "UPDATE credential SET blob = (SELECT c.blob FROM credential c JOIN registry r ON r.id = c.registry_id WHERE r.name = 'other')"
        await (await session.connection()).execute(text(query))
    clock_of(deps).skip(HOUR)
    fleet.seen.clear()

    await watching(deps).tick()

    row = await registry(deps, "harbor-team")
    assert "cannot be opened" in row.broken
    assert row.next_check_at is not None
    assert row.next_check_at > deps.clock.now()
    assert fleet.hosts() == ["other.example.com"]


async def test_a_credential_that_cannot_be_opened_is_told_once(deps: Deps) -> None:
    """Its key is missing: nobody would notice that it is not tested; with the key all is well."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    for name in ("harbor-team", "other"):
        await add(deps, answers=generic(name))
    fleet.seen.clear()
    without = replace(deps, store=replace_keyring(deps, keyring()))
    await run(without, watching(without), 3 * HOUR)

    opened = {view.registries[0].name: view.incident for view in await incidents(deps)}
    assert set(opened) == {"harbor-team", "other"}
    assert {one.trouble for one in opened.values()} == {Trouble.SEALED}
    assert "cannot be opened" in opened["other"].sentence
    assert [letter.op for letter in await letters(deps)] == ["post", "post"]
    assert fleet.seen == []

    await run(deps, watching(deps), 2 * HOUR)
    assert {view.incident.phase for view in await incidents(deps)} == {Phase.RECOVERED}
    assert (await registry(deps, "other")).broken == ""


async def test_a_damaged_copy_of_a_shared_secret_harms_no_other(deps: Deps) -> None:
    """Two registries have the same secret, each in an envelope of its own; one of them is torn."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    url = "https://one.example.com"
    for name in ("first", "second", "third"):
        await add(deps, answers=generic(name, url=url, path_scope=name))
    async with deps.store.transaction() as session:
        torn = select(Credential).where(
            col(Credential.registry_id) == (await registry(deps, "first")).id
        )
        (await session.exec(torn)).one().blob = b"torn"
    fleet.seen.clear()
    await run(deps, watching(deps), 3 * HOUR)

    (view,) = await incidents(deps)
    assert [one.name for one in view.registries] == ["first"]
    assert fleet.seen
    assert [(await registry(deps, name)).broken for name in ("second", "third")] == ["", ""]


def replace_keyring(deps: Deps, ring: Keyring) -> Store:
    """The same database, opened with other keys."""
    return Store(deps.store.engine, ring, deps.clock)


class Poison(Fleet):
    """A checker with a fault of its own for one host."""

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        if config.host == "poison.example.com" and self.seen:
            self.seen.append((self.clock.now(), config))
            raise ZeroDivisionError
        return await super().check(config, progress)


async def test_poison_is_parked_and_told_once(deps: Deps) -> None:
    """Five tries, then once a day, and the neighbours go on."""
    fleet = Poison(clock_of(deps))
    deps = replace(deps, checker=fleet)
    await channel(deps)
    await add(deps, answers=generic("poison"))
    await add(deps)
    fleet.seen.clear()
    fleet.seen.append((deps.clock.now(), Config("generic", "account", "https://x")))

    await run(deps, watching(deps), timedelta(days=3))

    tries = fleet.hosts().count("poison.example.com")
    assert tries == 5 + 2  # and one a day
    assert fleet.hosts().count("harbor-team.example.com") > 70
    assert len(await letters(deps, what="registry_parked")) == 1


class Deadly(Fleet):
    """Its process is killed, out of memory, when it checks one of the hosts."""

    def begin(self) -> None:
        self.died, self.buried = asyncio.Event(), asyncio.Event()

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        if config.host == "deadly.example.com" and hasattr(self, "died"):
            self.died.set()
            await self.buried.wait()
        return await super().check(config, progress)


async def test_a_registry_that_kills_its_process_is_parked_alone(deps: Deps) -> None:
    """Those that were claimed together with it are checked all the same, and soon."""
    fleet = Deadly(clock_of(deps))
    deps = replace(deps, checker=fleet)
    await channel(deps)
    names = [f"r{number:02d}" for number in range(12)]
    for name in (*names[:6], "deadly", *names[6:]):
        await add(deps, answers=generic(name))
    clock_of(deps).skip(2 * HOUR)
    began = clock_of(deps).now()

    for _ in range(7):
        fleet.begin()
        ticking = asyncio.create_task(watching(deps).tick())
        dying = asyncio.create_task(fleet.died.wait())
        await asyncio.wait((ticking, dying), return_when=asyncio.FIRST_COMPLETED)
        for task in (ticking, dying):
            task.cancel()
        await asyncio.gather(ticking, dying, return_exceptions=True)
        fleet.buried.set()
        clock_of(deps).skip(timedelta(seconds=61))

    checked = [(await registry(deps, name)).checked_at for name in names]
    parked = await letters(deps, what="registry_parked")
    assert [at for at in checked if at is None or at < began] == []
    assert [row.subject or json.loads(row.values_json)["registry"] for row in parked] == ["deadly"]


async def test_when_everybody_is_silent_it_is_us(deps: Deps) -> None:
    """Nobody is condemned; it is said once that the bot was offline, and that it is back."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    names = [f"r{number}" for number in range(8)]
    for name in names:
        await add(deps, answers=generic(name))
        fleet.fails(name, unreachable())

    async def nobody() -> int:
        return 0

    watch = Watch(deps, probe=nobody)
    await run(deps, watch, 3 * HOUR)
    during = watch.connection.network.mode
    for name in names:
        fleet.works(name)
    await run(deps, watch, HOUR)

    assert await incidents(deps) == []
    assert (during, watch.connection.network.mode) == (Mode.OFFLINE, Mode.ONLINE)
    assert len(await letters(deps, what="network_offline")) == 1
    assert len(await letters(deps, what="network_back")) == 1


async def test_an_outage_of_others_is_told(deps: Deps) -> None:
    """Everybody is silent but the control addresses answer: it is not us."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    for name in ("a1", "b1", "c1"):
        await add(deps, answers=generic(name))
        fleet.fails(name, unreachable())

    async def three() -> int:
        return 3

    await run(deps, Watch(deps, probe=three), 2 * HOUR)

    assert len(await incidents(deps)) == 3
    assert await letters(deps, what="network_offline") == []


async def test_an_unsteady_registry_is_told_once(deps: Deps) -> None:
    """It fails every fifth turn and comes back by itself each time."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    turn = 0

    def flaky(_config: Config, _now: object) -> CheckResult:
        nonlocal turn
        turn += 1
        return BARE if turn % 5 == 0 else proven()

    fleet.fails("harbor-team", flaky)
    await run(deps, watching(deps), timedelta(days=14))

    (letter,) = await letters(deps, what="registry_unsteady")
    values = json.loads(letter.values_json)
    assert values["registry"] == "harbor-team"
    assert values["rate"].endswith("%")
    assert await incidents(deps) == []


@pytest.mark.parametrize(("steady_after", "said"), [(14, 1), (2, 0)])
async def test_an_unsteady_registry_is_told_after_planned_work(
    deps: Deps, steady_after: int, said: int
) -> None:
    """Once when the pause is over and it still holds; not at all when it has become steady."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    await pauses.pause(deps, ALICE, "harbor-team", "12d", "moving")
    turn, end = 0, clock_of(deps).at + timedelta(days=steady_after)

    def flaky(_config: Config, _now: object) -> CheckResult:
        nonlocal turn
        turn += 1
        return BARE if turn % 5 == 0 and clock_of(deps).at < end else proven()

    fleet.fails("harbor-team", flaky)
    watch = watching(deps)
    await run(deps, watch, timedelta(days=11))
    assert await letters(deps, what="registry_unsteady") == []
    await run(deps, watch, timedelta(days=3))

    assert len(await letters(deps, what="registry_unsteady")) == said


async def test_a_day_of_too_many_requests_is_told_and_ends(deps: Deps) -> None:
    """Asked to wait at every check: one calm incident after 24 hours, over with a good check."""
    deps, fleet = with_fleet(deps)
    await channel(deps)
    await add(deps)
    limited = proven(verdict=Verdict.LIMITED, cause=Cause.RATE_LIMITED, sentence="Wait.")
    fleet.fails("harbor-team", limited)
    watch = watching(deps)
    await run(deps, watch, 23 * HOUR)
    assert await incidents(deps) == []

    await run(deps, watch, 4 * HOUR)
    (row,) = await incidents(deps)
    told = row.incident
    assert (told.trouble, told.phase) == (Trouble.UNJUDGED, Phase.FAILING)
    fleet.fails("harbor-team", proven())
    await run(deps, watch, 2 * HOUR)
    (row,) = await incidents(deps)
    assert row.incident.phase is Phase.RECOVERED


async def test_what_a_provider_tells_is_kept(deps: Deps) -> None:
    """Proven or not is written to the credential when it changes."""
    deps, fleet = with_fleet(deps)
    await add(deps)
    fleet.fails("harbor-team")

    await run(deps, watching(deps), 2 * HOUR)

    view = await registries.show(deps, ALICE, "harbor-team")
    assert view.credential is not None
    assert not view.credential.proven


async def test_workers_at_once_check_every_row_once(deps: Deps) -> None:
    """Four workers tick together: no registry is checked twice in a turn."""
    deps, fleet = with_fleet(deps)
    for number in range(40):
        await add(deps, answers=generic(f"r{number:02}"))
    clock_of(deps).skip(HOUR)
    fleet.seen.clear()
    workers = [watching(deps, batch=7) for _ in range(4)]

    await asyncio.gather(*(worker.tick() for worker in workers))
    await asyncio.gather(*(worker.tick() for worker in workers))

    assert len(fleet.seen) == 40
    assert len(set(fleet.hosts())) == 40
    assert len(await records(deps)) == 40


class Slow(Fleet):
    """A checker that waits until it is let go."""

    gate: asyncio.Event
    at_once = 0
    most = 0

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        return await super().check(config, progress)


async def _slow(deps: Deps, count: int, url: str = "") -> tuple[Deps, Slow]:
    fleet = Slow(clock_of(deps))
    fleet.gate = asyncio.Event()
    fleet.gate.set()
    deps = replace(deps, checker=fleet)
    for number in range(count):
        changes = {"url": url, "username": f"u{number}"} if url else {}
        await add(deps, answers=generic(f"r{number:02}", **changes))
    fleet.gate.clear()
    fleet.seen.clear()
    fleet.most = 0
    clock_of(deps).skip(HOUR)
    return deps, fleet


async def test_a_slow_check_holds_up_nobody(deps: Deps) -> None:
    """The tick ends without it, and a later one writes it down."""
    deps, fleet = await _slow(deps, 1)
    watch = watching(deps)

    assert await watch.tick() == 0
    assert watch.busy == 1
    fleet.gate.set()

    assert await watch.tick() == 1
    assert len(await records(deps)) == 1


async def test_a_host_is_asked_by_few_at_once(deps: Deps) -> None:
    """Four in flight at one host, whatever is due there."""
    deps, fleet = await _slow(deps, 9, "https://one.example.com")
    watch = watching(deps)

    await watch.tick()
    assert fleet.at_once == 4
    fleet.gate.set()
    while watch.busy:
        await watch.tick()

    assert len(fleet.seen) == 9


class Crawling(Fleet):
    """A checker that takes ten seconds for each check, during which another worker ticks."""

    other: Watch | None = None

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        self.clock.skip(timedelta(seconds=10))
        other, self.other = self.other, None
        if other is not None:
            await other.tick()
        self.other = other
        return await super().check(config, progress)


async def test_slow_sign_ins_of_one_account_end_within_their_lease(deps: Deps) -> None:
    """Twelve, ten seconds each, and two workers: each is told once, and nobody starts it anew."""
    url = "https://one.example.com"
    for number in range(12):
        scope = {"path_scope": f"team{number}", "test_image": f"team{number}/app:1"}
        await add(deps, answers=generic(f"r{number:02}", url=url, **scope))
    clock_of(deps).skip(HOUR)
    ours, theirs = Crawling(clock_of(deps)), Fleet(clock_of(deps))
    ours.other = watching(replace(deps, checker=theirs))

    await watching(replace(deps, checker=ours)).tick()

    checked = [config.path_scope for _, config in (*ours.seen, *theirs.seen)]
    assert sorted(checked) == sorted(set(checked))
    assert len(await records(deps)) == len(checked)


async def test_all_checks_together_are_bounded(deps: Deps) -> None:
    """No more than `in_all`, over any number of hosts."""
    deps, fleet = await _slow(deps, 6)
    watch = watching(deps, in_all=3)

    await watch.tick()
    assert fleet.at_once == 3
    fleet.gate.set()
    while watch.busy:
        await watch.tick()

    assert fleet.most == 3


async def test_draining_ends_what_runs_and_lets_go_what_waits(deps: Deps) -> None:
    """After a stop every row is free for others at once."""
    deps, fleet = await _slow(deps, 6, "https://one.example.com")
    watch = watching(deps)
    await watch.tick()
    fleet.gate.set()

    await watch.drain()

    assert len(fleet.seen) == 4
    rows = [await registry(deps, f"r{number:02}") for number in range(6)]
    assert [row.lease_until for row in rows] == [None] * 6
    assert await watching(deps).tick() == 2


async def test_a_late_worker_cannot_write(deps: Deps) -> None:
    """Its lease ran out, another took over: one record, and the other's answer stands."""
    deps, fleet = await _slow(deps, 1)
    late = watching(deps)
    await late.tick()
    clock_of(deps).skip(2 * MINUTE)
    other = Fleet(clock_of(deps))
    assert await Watch(replace(deps, checker=other)).tick() == 1
    fleet.gate.set()
    fleet.fails("r00")

    assert await late.tick() == 0

    assert [record.verdict for record in await records(deps)] == ["proven"]
    assert late.busy == 0


async def test_a_dead_worker_is_followed_after_its_lease(deps: Deps) -> None:
    """Not before, and at the next tick."""
    deps, _fleet = await _slow(deps, 1)
    await watching(deps).tick()
    other = Watch(replace(deps, checker=Fleet(clock_of(deps))))

    clock_of(deps).skip(timedelta(seconds=59))
    assert await other.tick() == 0
    clock_of(deps).skip(timedelta(seconds=1))
    assert await other.tick() == 1


async def test_a_persons_answer_stands_above_a_running_check(deps: Deps) -> None:
    """What a person tested meanwhile is not overwritten by an older look."""
    deps, fleet = await _slow(deps, 1)
    watch = watching(deps)
    await watch.tick()
    person = replace(deps, checker=Fleet(clock_of(deps)))
    await checking.check_registry(person, ALICE, "r00")
    fleet.gate.set()

    assert await watch.tick() == 0
    assert await records(deps) == []


async def test_lateness_is_observed(deps: Deps) -> None:
    """Seconds between the time a check was due and its beginning."""
    deps, _fleet = with_fleet(deps)
    await add(deps)
    due = (await registry(deps, "harbor-team")).next_check_at
    assert due is not None
    clock_of(deps).at = due + timedelta(seconds=7)
    seen: list[Observed] = []

    await Watch(deps, Limits(), observer=seen.append).tick()

    (one,) = seen
    assert (one.kind, one.verdict) == ("generic", Verdict.PROVEN)
    assert one.late == pytest.approx(7)


async def test_a_refusal_of_a_right_is_no_failed_sign_in(deps: Deps) -> None:
    """The account is not held back when it signed in but may not pull."""
    deps, fleet = with_fleet(deps)
    url = "https://shared.example.com"
    await add(deps, answers=generic("one", url=url, path_scope="a", test_image="a/app:1"))
    await add(deps, answers=generic("two", url=url, path_scope="b"))

    def judge(config: Config, _now: object) -> CheckResult:
        return refused(cause=Cause.NO_ACCESS) if config.test_image else proven()

    fleet.fails("shared", judge)
    await run(deps, watching(deps), 3 * HOUR)

    (view,) = await incidents(deps)
    assert [one.name for one in view.registries] == ["one"]
    assert (await registry(deps, "two")).verdict == "proven"


async def _send_all(deps: Deps) -> None:
    """Pretend that everything in the outbox was sent."""
    from bot.usecases import outbox

    while claimed := await outbox.claim(deps, 100):
        for number, message in enumerate(claimed):
            await outbox.settle(deps, message, f"17000000{message.id}.{number:06}")
