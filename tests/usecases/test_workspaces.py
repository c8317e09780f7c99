"""Settings of a workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select, update

from bot.core.access import WorkspaceSettings
from bot.errors import Conflict, InvalidInput, NotAllowed
from bot.store.schema import AuditEvent, Registry
from bot.usecases import workspaces
from bot.usecases.deps import Deps
from tests.factories import ALICE, BOB, MALLORY, add, generic


async def test_anyone_may_make_the_first_settings(deps: Deps) -> None:
    """Somebody has to begin."""
    wanted = WorkspaceSettings(alert_channel="C1", manager_users=("UBOB",))

    saved = await workspaces.change_settings(deps, BOB, wanted)

    assert saved == replace(wanted, configured=True, version=1)


async def test_guest_may_not_make_the_first_settings(deps: Deps) -> None:
    """Somebody of the workspace has to begin."""
    guest = replace(BOB, is_guest=True)

    with pytest.raises(NotAllowed, match="Ask a workspace admin"):
        await workspaces.change_settings(deps, guest, WorkspaceSettings())

    assert not (await workspaces.settings(deps, BOB)).configured


async def test_later_only_managers_may_change_them(deps: Deps) -> None:
    """A member is refused, and told whom to ask."""
    first = await workspaces.change_settings(deps, ALICE, WorkspaceSettings(manager_users=("UX",)))

    with pytest.raises(NotAllowed, match="Ask <@UX>"):
        await workspaces.change_settings(deps, BOB, first)


async def test_a_member_of_a_managing_group_may(deps: Deps) -> None:
    """User groups count."""
    wanted = WorkspaceSettings(manager_groups=("S1",))
    first = await workspaces.change_settings(deps, ALICE, wanted)
    carol = replace(BOB, groups=frozenset({"S1"}))

    changed = await workspaces.change_settings(deps, carol, replace(first, recheck_minutes=5))

    assert changed.recheck_minutes == 5


async def test_two_who_change_settings_at_once_do_not_overwrite_each_other(deps: Deps) -> None:
    """The second is told to look again."""
    first = await workspaces.settings(deps, ALICE)
    await workspaces.change_settings(deps, ALICE, replace(first, alert_channel="C1"))

    with pytest.raises(Conflict):
        await workspaces.change_settings(deps, ALICE, replace(first, alert_channel="C2"))

    assert (await workspaces.settings(deps, ALICE)).alert_channel == "C1"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (WorkspaceSettings(recheck_minutes=4), "recheck_minutes"),
        (WorkspaceSettings(recheck_minutes=10081), "recheck_minutes"),
        (WorkspaceSettings(rotate_days=-1), "rotate_days"),
        (WorkspaceSettings(rotate_days=3651), "rotate_days"),
    ],
)
async def test_numbers_out_of_range_are_told_on_their_field(
    deps: Deps, wanted: WorkspaceSettings, field: str
) -> None:
    """Five minutes to seven days; up to ten years."""
    with pytest.raises(InvalidInput) as caught:
        await workspaces.change_settings(deps, ALICE, wanted)

    assert list(caught.value.fields) == [field]


async def test_settings_belong_to_one_workspace(deps: Deps) -> None:
    """A stranger's are the defaults."""
    await workspaces.change_settings(deps, ALICE, WorkspaceSettings(alert_channel="C1"))

    assert await workspaces.settings(deps, MALLORY) == WorkspaceSettings()


async def test_a_change_of_settings_is_audited(deps: Deps) -> None:
    """With what changed, from what to what."""
    await workspaces.change_settings(deps, ALICE, WorkspaceSettings(recheck_minutes=30))

    async with deps.store.reading() as session:
        row = (await session.exec(select(AuditEvent))).one()
    assert (row.user_id, row.action) == ("UALICE", "settings changed")
    assert "60 → 30" in row.details_json


async def test_a_shorter_interval_holds_at_once(deps: Deps) -> None:
    """Not after the week that is under way; what fails or has an interval of its own keeps it."""
    weekly = WorkspaceSettings(recheck_minutes=7 * 1440)
    before = await workspaces.change_settings(deps, ALICE, weekly)
    for name in ("one", "two", "own", "refused"):
        await add(deps, answers=generic(name))
    later = deps.clock.now() + timedelta(days=6)
    async with deps.store.transaction() as session:
        await session.exec(update(Registry).values(next_check_at=later))
        for name, values in (
            ("own", {"recheck_minutes": 10080}),
            ("refused", {"verdict": "refused"}),
        ):
            there = update(Registry).where(col(Registry.name) == name)
            await session.exec(there.values(**values))

    await workspaces.change_settings(deps, ALICE, replace(before, recheck_minutes=5))

    async with deps.store.reading() as session:
        rows = {row.name: row.next_check_at for row in await session.exec(select(Registry))}
    soon = deps.clock.now() + timedelta(minutes=5)
    assert rows["one"] != rows["two"]
    assert all(rows[name] <= soon for name in ("one", "two"))  # type: ignore[operator]
    assert rows["own"] == rows["refused"] == later
