"""Reminders of a credential that registries share: one message for all of them, in both databases."""

import asyncio
from datetime import timedelta

import pytest

from bot.core.registry import RegistryView
from bot.errors import NotAllowed
from bot.store import reminders as rows
from bot.store.outbox import EDIT, POST, THREAD
from bot.store.schema import Reminder
from bot.usecases import outbox, registries, reminder_view, reminders, reporting
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from bot.usecases.reminder_view import Left, ReminderView, Stand
from bot.usecases.reminding import tick_reminders
from tests.factories import ALICE, BOB, add, checker_of, clock_of, generic, proven
from tests.usecases.test_reminders import (
    EVE,
    EXPIRES,
    FIRST,
    OWNER,
    SECOND,
    channel,
    edit,
    look,
    recovered,
    refused_now,
    shown,
    told,
)

DAY = timedelta(days=1)
HOST = "https://harbor.example.com"


def at_harbor(name: str, **public: str) -> Answers:
    """One robot account at one host, for the path of that name."""
    return generic(name, **({"url": HOST, "path_scope": name, "rotate_days": "0"} | public))


async def share(deps: Deps, *names: str, **public: str) -> list[RegistryView]:
    checker_of(deps).answers[:] = [told()]
    return [await add(deps, ALICE, at_harbor(name, **public)) for name in names]


async def replace_secret(deps: Deps, registry: RegistryView) -> None:
    checker_of(deps).answers[:] = [told(EXPIRES + 90 * DAY)]
    await edit(
        deps, registry, url=HOST, path_scope=registry.name, password=f"of {registry.name} alone"
    )


async def speaking(deps: Deps, name: str) -> ReminderView:
    """The reminder that tells of a registry's credential."""
    return await reminders.view(deps, ALICE, (await shown(deps, name)).credential_id)


async def test_registries_that_share_a_secret_have_one_message(deps: Deps) -> None:
    """Three paths of one robot account: one post, that names them all."""
    await channel(deps)
    await share(deps, "a", "b", "c")
    await look(deps)

    (first,) = await look(deps, FIRST)
    assert (first.op, first.what) == (POST, "reminder")
    assert (await speaking(deps, "c")).names == ("a", "b", "c")
    assert sorted(one.op for one in await look(deps, SECOND)) == [EDIT, THREAD]


async def test_the_age_of_a_shared_secret_is_told_once(deps: Deps) -> None:
    """Of different rotation ages the shortest counts."""
    await channel(deps)
    checker_of(deps).answers[:] = [proven()]
    await add(deps, ALICE, at_harbor("a", rotate_days="90"))
    await add(deps, ALICE, at_harbor("b", rotate_days="30"))
    await look(deps)

    assert [one.op for one in await look(deps, clock_of(deps).at + 31 * DAY)] == [POST]
    assert (await speaking(deps, "b")).rotate_days == 30


async def test_the_same_password_at_another_host_is_another_credential(deps: Deps) -> None:
    """Two servers that know nothing of each other: two messages."""
    await channel(deps)
    checker_of(deps).answers[:] = [told()]
    for name in ("a", "b"):
        await add(deps, ALICE, generic(name, rotate_days="0"))
    await look(deps)

    assert [one.op for one in await look(deps, FIRST)] == [POST, POST]


async def test_who_joins_is_added_to_the_message(deps: Deps) -> None:
    """No message of its own, nothing is said again."""
    await channel(deps)
    await share(deps, "a", "b")
    await look(deps)
    (first,) = await look(deps, FIRST)
    await share(deps, "c")

    assert [(one.op, one.subject) for one in await look(deps)] == [(EDIT, first.subject)]
    assert (await speaking(deps, "a")).names == ("a", "b", "c")


@pytest.mark.parametrize("leaver", ["a", "b"])
async def test_who_gets_a_new_secret_leaves_the_message(deps: Deps, leaver: str) -> None:
    """Whether its row spoke for all or not, the message stays where it stands, for the other."""
    await channel(deps)
    both = {one.name: one for one in await share(deps, "a", "b")}
    await look(deps)
    (first,) = await look(deps, FIRST)
    await replace_secret(deps, both[leaver])
    stayer = "b" if leaver == "a" else "a"

    redrawn = await look(deps)
    assert [one.op for one in redrawn] == [EDIT]
    assert await outbox.place(deps, redrawn[0].subject) == ("C1", f"{first.id}.000100")
    view = await speaking(deps, stayer)
    assert (view.stand, view.names) == (Stand.OPEN, (stayer,))
    assert {one.name: one.left for one in view.sharers}[leaver] is Left.REPLACED
    assert sorted(one.op for one in await look(deps, SECOND)) == [EDIT, THREAD]


async def test_the_message_closes_when_all_are_replaced(deps: Deps) -> None:
    """One after the other and at last the one that is left: then it says replaced."""
    await channel(deps)
    a, b = await share(deps, "a", "b")
    await look(deps)
    await look(deps, FIRST)
    await replace_secret(deps, a)
    (last,) = await look(deps)
    await replace_secret(deps, b)

    assert [(one.op, one.subject) for one in await look(deps)] == [(EDIT, last.subject)]
    view = await reminder_view.load(deps, last.values["credential"])
    assert view is not None
    assert (view.stand, view.names) == (Stand.REPLACED, ("a", "b"))
    assert await look(deps, SECOND) == []


async def test_a_deleted_one_leaves_and_comes_back(deps: Deps) -> None:
    """Restored, it is named again, in the same message."""
    await channel(deps)
    await share(deps, "a", "b")
    await look(deps)
    (first,) = await look(deps, FIRST)
    await registries.delete(deps, ALICE, "a", "a")
    await look(deps)
    assert (await speaking(deps, "b")).names == ("b",)
    await registries.restore(deps, ALICE, "a")

    (redrawn,) = await look(deps)
    assert await outbox.place(deps, redrawn.subject) == ("C1", f"{first.id}.000100")
    assert (await speaking(deps, "a")).names == ("a", "b")


async def test_the_message_becomes_the_alert_when_it_dies_everywhere(deps: Deps) -> None:
    """While only one is refused, such as for its path, the message goes on for the other."""
    await channel(deps)
    a, b = await share(deps, "a", "b")
    await look(deps)
    (first,) = await look(deps, FIRST)
    one = await refused_now(deps, a)
    await look(deps)
    view = await speaking(deps, "b")
    assert (view.stand, view.names) == (Stand.OPEN, ("b",))
    other = await refused_now(deps, b)

    (dead,) = await look(deps)
    assert await outbox.place(deps, dead.subject) == ("C1", f"{first.id}.000100")
    view = await speaking(deps, "a")
    assert (view.stand, view.names, view.alert) == (Stand.DIED, ("a", "b"), ("C1", "77.0001"))
    assert await look(deps, FIRST + DAY) == []
    await recovered(deps, one)
    await recovered(deps, other)
    assert [back.op for back in await look(deps)] == [EDIT]
    assert (await speaking(deps, "a")).names == ("a", "b")


async def test_the_plan_and_the_report_count_it_once(deps: Deps) -> None:
    """Six steps of one credential, named with all that have it; one thing that comes up."""
    await channel(deps)
    await share(deps, "a", "b", "c")

    planned = await reminders.plan(deps, BOB, 12)
    assert [one.names for one in planned] == [("a", "b", "c")] * 6
    coming = await reporting.next_up(deps, BOB)
    assert [(one.name, one.others) for one in coming.soon] == [("a", ("b", "c"))]
    assert coming.total == 1


async def test_the_buttons_act_for_all(deps: Deps) -> None:
    """Snoozed, given an owner, and marked as rotated: each of them."""
    await channel(deps)
    await share(deps, "a", "b")
    await look(deps)
    await look(deps, FIRST)
    follower = (await shown(deps, "b")).credential_id

    await reminders.snooze(deps, ALICE, follower, 20)
    assert await look(deps, FIRST + timedelta(minutes=1))
    assert THREAD not in {one.op for one in await look(deps, SECOND)}
    await reminders.assign_owner(deps, ALICE, follower, "UOWNER")
    owners = [(await registries.show(deps, ALICE, name)).details.owner for name in ("a", "b")]
    assert owners == ["UOWNER", "UOWNER"]
    view = await reminders.rotated_elsewhere(deps, OWNER, follower)
    assert (view.stand, view.names, view.aged_from) == (Stand.ROTATED, ("a", "b"), SECOND)
    await look(deps)
    assert THREAD not in {one.op for one in await look(deps, EVE - DAY)}


async def test_who_owns_only_one_of_them_may_not_act_for_all(deps: Deps) -> None:
    """The others are somebody else's."""
    await channel(deps, manager_users=("UALICE",))
    await share(deps, "a", owner="UOWNER")
    await share(deps, "b")
    await look(deps)
    await look(deps, FIRST)

    with pytest.raises(NotAllowed):
        await reminders.snooze(deps, OWNER, (await shown(deps, "a")).credential_id, 1)


async def test_messages_from_before_come_together(deps: Deps) -> None:
    """An earlier release posted one for each: one goes on, the other ends and says why."""
    await channel(deps)
    await share(deps, "a", "b")
    await look(deps)
    await look(deps, FIRST)
    follower = (await shown(deps, "b")).credential_id
    async with deps.store.transaction() as session:
        row = await session.get(Reminder, follower)
        assert row is not None
        row.lead, row.state, row.settings_version = "", rows.OPEN_MESSAGE, -1
        row.channel, row.ts = "C1", "88.0001"
        session.add(row)

    assert [one.op for one in await look(deps)] == [EDIT, EDIT]
    view = await reminder_view.load(deps, follower)
    assert view is not None
    assert view.stand is Stand.SHARED
    assert sorted(one.op for one in await look(deps, SECOND)) == [EDIT, THREAD]


async def test_workers_at_the_same_moment_say_it_once(deps: Deps) -> None:
    """One holds the workspace, the others pass it over."""
    await channel(deps)
    await share(deps, "a", "b", "c")
    await look(deps)
    clock_of(deps).at = FIRST

    assert sum(await asyncio.gather(*(tick_reminders(deps) for _ in range(4)))) == 1


async def test_who_moves_to_another_host_leaves_those_that_stay(deps: Deps) -> None:
    """An edit that keeps the secret takes the message along; the one that stays has its own."""
    await channel(deps)
    a, _ = await share(deps, "a", "b")
    await look(deps)
    await look(deps, FIRST)
    await edit(
        deps, a, url="https://elsewhere.example.com", path_scope="a", password="correct horse"
    )
    await look(deps)

    ops = sorted(one.op for one in [*await look(deps), *await look(deps, SECOND)])
    assert [(await speaking(deps, name)).names for name in ("a", "b")] == [("a",), ("b",)]
    assert ops.count(THREAD) == 2
