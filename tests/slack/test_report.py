"""The report: asked for, and every week."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from slack_sdk.errors import SlackApiError

from bot.errors import InvalidInput
from bot.slack.reporting import days_meant
from bot.slack.weekly import send_summary
from bot.store import outbox, workspaces
from bot.store.outbox import UPLOAD, Letter
from bot.usecases.deps import Deps
from bot.usecases.outbox import OutboxMessage, claim
from bot.usecases.workspaces import change_settings, settings
from tests.factories import ALICE, NOW, add, generic
from tests.slack.workspace import Office, Person

PNG = b"\x89PNG\r\n\x1a\n"


async def letter(deps: Deps, channel: str = "C1") -> OutboxMessage:
    values = {"since": (NOW - timedelta(days=7)).isoformat(), "until": NOW.isoformat()}
    async with deps.store.transaction() as session:
        await workspaces.ensure(session, "T1", NOW)
        put = Letter("T1", "weekly", channel, "weekly_summary", values, op=UPLOAD)
        await outbox.put(session, put, NOW)
    (message,) = await claim(deps, 10)
    return message


async def test_words_come_at_once_and_the_picture_privately(office: Office, bob: Person) -> None:
    """The words where the report was asked for, the picture in one's own conversation."""
    await add(office.deps)
    await bob.type("report 7d")

    assert "*Failed*: nothing" in office.slack.said
    (shared,) = office.slack.of("files.completeUploadExternal")
    assert shared["channel_id"] == "UBOB"
    assert next(iter(office.slack.files.values())).startswith(PNG)


async def test_a_report_of_nothing_has_no_picture(office: Office, bob: Person) -> None:
    """There is nothing to draw."""
    await bob.type("report")

    assert "None is registered yet." in office.slack.said
    assert office.slack.of("files.getUploadURLExternal") == []


async def test_an_odd_period_is_explained(office: Office, bob: Person) -> None:
    """With one that is understood."""
    await bob.type("report soon")

    assert "such as 30d" in office.slack.said


async def test_without_the_permission_the_words_are_there(office: Office, bob: Person) -> None:
    """An app that was installed by an earlier release may not write files."""
    await add(office.deps)
    office.slack.fail("files.getUploadURLExternal", "missing_scope")
    await bob.type("report")

    assert "*Coming up*" in office.slack.said
    assert "could not be sent (missing_scope)" in office.slack.said


async def test_the_summary_is_one_message_with_its_picture(office: Office) -> None:
    """Words above, alternative text for those who cannot see it."""
    await add(office.deps)
    await send_summary(office.deps, office.client, await letter(office.deps))
    (begun,) = office.slack.of("files.getUploadURLExternal")
    (shared,) = office.slack.of("files.completeUploadExternal")

    assert begun["alt_txt"].startswith("Grid of 1 registry")
    assert shared["channel_id"] == "C1"
    assert "*Rotated*: nothing" in shared["initial_comment"]


async def test_a_summary_calls_on_nobody(office: Office) -> None:
    """It names the owners of what comes up; a mention would ring at their desks each week."""
    await add(office.deps, answers=generic(owner="UBOB", rotate_days="30"))
    await send_summary(office.deps, office.client, await letter(office.deps))
    (shared,) = office.slack.of("files.completeUploadExternal")

    assert "· owner somebody" in shared["initial_comment"]
    assert "<@" not in shared["initial_comment"]


async def test_a_summary_without_the_permission_goes_in_words(office: Office) -> None:
    """And says what is missing."""
    await add(office.deps)
    office.slack.fail("files.getUploadURLExternal", "missing_scope")
    receipt = await send_summary(office.deps, office.client, await letter(office.deps))

    assert receipt.startswith("17")
    assert "could not be sent (missing_scope)" in office.slack.said


async def test_a_summary_for_a_closed_channel_goes_to_the_installer(office: Office) -> None:
    """In words, with the reason before them."""
    await add(office.deps)
    message = await letter(office.deps)
    office.slack.fail("files.completeUploadExternal", "is_archived")
    with pytest.raises(SlackApiError):
        await send_summary(office.deps, office.client, message)
    before = await settings(office.deps, ALICE)
    wanted = replace(before, preferences=replace(before.preferences, installer="UBOSS"))
    await change_settings(office.deps, ALICE, wanted)
    office.slack.fail("files.completeUploadExternal", "is_archived")
    await send_summary(office.deps, office.client, message)

    assert office.slack.of("chat.postMessage")[-1]["channel"] == "UBOSS"
    assert "could not be posted in <#C1> (is_archived)" in office.slack.said


async def test_a_summary_that_was_sent_before_is_not_sent_again(office: Office) -> None:
    """The process died between Slack's answer and our note of it."""
    await add(office.deps)
    message = await letter(office.deps)
    first = await send_summary(office.deps, office.client, message)
    name = office.slack.of("files.getUploadURLExternal")[0]["filename"]
    posted = {"channel": "C1", "ts": "1.1", "files": [{"id": first, "name": name}]}
    office.slack.posted["1.1"] = posted
    again = await send_summary(office.deps, office.client, replace(message, attempts=2))

    assert again == first
    assert len(office.slack.of("files.completeUploadExternal")) == 1


async def test_without_the_right_to_look_it_is_sent_again(office: Office) -> None:
    """Twice is better than never."""
    await add(office.deps)
    message = await letter(office.deps)
    office.slack.fail("conversations.history", "missing_scope")
    await send_summary(office.deps, office.client, replace(message, attempts=2))

    assert len(office.slack.of("files.completeUploadExternal")) == 1


@pytest.mark.parametrize(
    ("text", "days"),
    [("", 30), ("7d", 7), ("7 days", 7), ("2w", 14), ("1 week", 7), ("365", 365)],
)
def test_a_period_is_read_kindly(text: str, days: int) -> None:
    """With or without its unit."""
    assert days_meant(text) == days


@pytest.mark.parametrize("text", ["0d", "366", "soon", "-1", "1.5d", "99999999999999"])
def test_a_period_out_of_reason_is_refused(text: str) -> None:
    """Daily counts are kept for a good year."""
    with pytest.raises(InvalidInput):
        days_meant(text)
