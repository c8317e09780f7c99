"""One incident, one message: what a channel sees of it, in a strict local Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from bot.core.health import LESS_OFTEN, UNJUDGED, Trouble
from bot.core.incident import Button
from bot.slack.render_incident import GREEN, GREY, RED, YELLOW
from bot.usecases import registries
from bot.usecases.deps import Deps
from bot.usecases.incidents import take_all, tick_incidents
from tests.factories import ALICE, add, clock_of, cluster, generic
from tests.slack.alarm import (
    ALERTS,
    Slack,
    deliver,
    fails,
    listen,
    local_slack,
    press,
    recovers,
    replaced,
    rows,
    waiting,
)
from tests.usecases.telling import inventory


@pytest.fixture
async def slack(deps: Deps, tmp_path: Path) -> AsyncIterator[Slack]:
    """An alert channel, and a registry whose adding was told there already."""
    async with local_slack(deps, tmp_path) as made:
        await add(deps, answers=generic(owner="UBOB", environment="production"))
        await listen(deps)
        yield made
    assert made.problems == []


async def test_the_alert_counts_who_uses_it(deps: Deps, slack: Slack) -> None:
    """Where that is known."""
    image = "harbor-team.example.com/app:1"
    issued = await cluster(deps)
    pairs = [(f"web/Deployment/{n}", image) for n in range(7)]
    await inventory(deps, issued.cluster.id, pairs)
    await fails(deps)
    await deliver(deps, slack.courier(deps))

    told = [message for message in slack.posts() if message.attachments]
    assert "7 workloads use it." in str(told[-1].attachments)


async def test_the_whole_life_is_one_message(deps: Deps, slack: Slack) -> None:
    """Red, yellow, grey, green: the same message, and a thread entry for each step."""
    courier, seen = slack.courier(deps), []

    async def tell() -> None:
        await deliver(deps, courier)
        (message,) = slack.posts()
        seen.append((message.text.partition(" · ")[0], message.attachments[0]["color"]))

    await fails(deps)
    await tell()
    clock_of(deps).skip(timedelta(minutes=18))
    await press(deps, Button.ACKNOWLEDGE)
    await tell()
    await press(deps, Button.SNOOZE, until=deps.clock.now() + timedelta(hours=1))
    await tell()
    await press(deps, Button.WAKE, "UBOB")
    await tell()
    clock_of(deps).skip(timedelta(minutes=13))
    await replaced(deps, "UALICE")
    await tell()

    assert seen == [
        ("*🔴 Failing*", RED),
        ("*🟡 Acknowledged*", YELLOW),
        ("*💤 Snoozed*", GREY),
        ("*🔴 Failing*", RED),
        ("*✅ Replaced*", GREEN),
    ]
    thread = slack.thread()
    assert [line[0] for line in thread] == ["🟡", "💤", "🔴", "✅"]
    assert thread[0] == "🟡 acknowledged by ada"
    assert "recovered after 31 min" in thread[3]


async def test_it_says_what_stops_since_when_and_what_to_do(deps: Deps, slack: Slack) -> None:
    """The text alone says everything, and the owner is called."""
    await fails(deps)
    await deliver(deps, slack.courier(deps))
    (message,) = slack.posts()

    assert "*`harbor-team`* is refused since <!date^" in message.text
    assert "GitHub refused the token." in message.text
    assert "Create one." in message.text
    assert "pull from harbor-team.example.com will fail; running ones go on." in message.text
    assert "Owner <@UBOB>" in message.text


async def test_what_nobody_could_judge_is_told_calmly(deps: Deps, slack: Slack) -> None:
    """A day of 429: since when, why, what to do; grey, and green with the next good check."""
    courier = slack.courier(deps)
    await fails(deps, trouble=Trouble.UNJUDGED, sentence=UNJUDGED, remedy=LESS_OFTEN)
    await deliver(deps, courier)
    (message,) = slack.posts()
    assert message.text.startswith("*⏳ Not proven* · *`harbor-team`* has not been proven since")
    assert "Every check since then was asked to wait" in message.text
    assert "Raise “Test every (minutes)” with Edit" in message.text
    assert message.attachments[0]["color"] == GREY
    assert not any(word in message.text for word in ("refused", "Failing", "🔴"))

    await recovers(deps, trouble=Trouble.UNJUDGED)
    await deliver(deps, courier)
    (message,) = slack.posts()
    assert message.text.startswith("*✅ Judged again* · *`harbor-team`* is judged again after")


async def test_many_that_nobody_could_judge_are_one_calm_list(deps: Deps, slack: Slack) -> None:
    """Such as every registry at a vendor that counts requests by our address."""
    names = [f"team-{number}" for number in range(8)]
    for name in names:
        await add(deps, answers=generic(name))
        await fails(deps, name, trouble=Trouble.UNJUDGED)
    await deliver(deps, slack.courier(deps))

    told = [message for message in slack.posts() if "8 registries" in message.text]
    assert told[0].text.startswith("*⏳ Not proven · 8 registries have not been proven since")
    assert (told[0].attachments[0]["color"], "🔴" in told[0].text) == (GREY, False)


async def test_nobody_is_called_twice(deps: Deps, slack: Slack) -> None:
    """Mentions stand in the first post only; whoever clicked is named, not called."""
    courier = slack.courier(deps)
    await fails(deps)
    await deliver(deps, courier)
    await press(deps, Button.ACKNOWLEDGE)
    await deliver(deps, courier)
    await recovers(deps)
    await deliver(deps, courier)

    assert "<@" not in slack.posts()[0].text
    assert "<@" not in "".join(slack.thread())


async def test_an_edited_alert_still_names_its_owner(deps: Deps, slack: Slack) -> None:
    """By name from the first edit on: whose it is stays to be seen, and nobody is called again."""
    courier = slack.courier(deps)
    await fails(deps)
    await deliver(deps, courier)
    assert "Owner <@UBOB>" in slack.posts()[0].text
    await press(deps, Button.ACKNOWLEDGE)
    await deliver(deps, courier)

    (message,) = slack.posts()
    assert "Owner mel" in message.text
    assert "<@" not in message.text


async def test_buttons_change_with_the_state(deps: Deps, slack: Slack) -> None:
    """And carry the version that they were shown with."""
    courier = slack.courier(deps)

    def labels() -> list[str]:
        blocks = slack.posts()[0].attachments[0]["blocks"]
        (block,) = [one for one in blocks if one["type"] == "actions"]
        texts = [one.get("text") or one.get("placeholder") for one in block["elements"]]
        return [text["text"] for text in texts]

    await fails(deps)
    await deliver(deps, courier)
    assert labels() == ["Fix credential", "Retest", "Acknowledge", "Snooze", "Mute"]
    await press(deps, Button.ACKNOWLEDGE)
    await deliver(deps, courier)
    assert labels() == ["Fix credential", "Retest", "Unacknowledge", "Snooze", "Mute"]
    await press(deps, Button.SNOOZE)
    await deliver(deps, courier)
    assert labels() == ["Fix credential", "Retest", "Wake now", "Acknowledge", "Mute"]
    await recovers(deps)
    await deliver(deps, courier)
    assert labels() == ["View"]


async def test_nobody_takes_it(deps: Deps, slack: Slack) -> None:
    """After four hours the thread is reminded, after a day it is escalated, each once."""
    await listen(deps, escalation="C0GENERAL1")
    slack.channel("C0GENERAL1").members.add(slack.server.world.app.user_id)
    courier = slack.courier(deps)
    await fails(deps)
    await deliver(deps, courier)
    for _ in range(30):
        clock_of(deps).skip(timedelta(hours=1))
        await tick_incidents(deps)
        await deliver(deps, courier)

    assert [line[0] for line in slack.thread()] == ["⏰", "🚨"]
    (told,) = slack.posts("C0GENERAL1")
    assert "*🚨 Escalated*" in told.text
    assert "Nobody has taken it for 24 h." in told.text
    assert "|The alert>" in told.text


async def test_a_group_is_called_where_the_alert_is(deps: Deps, slack: Slack) -> None:
    """A user group has no channel of its own."""
    await listen(deps, escalation="S0PLATFORM", remind_hours=None)
    courier = slack.courier(deps)
    await fails(deps)
    clock_of(deps).skip(timedelta(hours=25))
    await tick_incidents(deps)
    await deliver(deps, courier)

    assert slack.posts()[1].text.startswith("<!subteam^S0PLATFORM> *🚨 Escalated*")


async def test_quiet_hours_hold_back_what_is_not_production(deps: Deps, slack: Slack) -> None:
    """A staging registry waits for the morning; nobody hears of it when it is over by then."""
    await add(deps, answers=generic("staging-one", environment="staging"))
    await listen(deps, quiet_from=time(13), quiet_to=time(15))  # it is 14:02
    courier = slack.courier(deps)
    before = len(slack.posts())
    await fails(deps, "staging-one")
    await deliver(deps, courier)
    assert len(slack.posts()) == before + 1  # that it was added
    clock_of(deps).skip(timedelta(hours=1))
    await tick_incidents(deps)
    await deliver(deps, courier)

    assert "`staging-one`* is refused" in slack.posts()[-1].text


async def test_a_storm_is_three_messages_that_list_everything(deps: Deps, slack: Slack) -> None:
    """Two at once, then the parent, whose list changes as they recover."""
    courier = slack.courier(deps)
    names = [f"registry-{number:02}" for number in range(20)]
    for name in names:
        await add(deps, answers=generic(name, username=name))
    await deliver(deps, courier)
    slack.channel().messages.clear()
    for name in names:
        await fails(deps, name)
    await deliver(deps, courier)

    assert len(slack.posts()) == 3
    parent = slack.posts()[2]
    assert parent.text.startswith("*🔴 Failing · 20 registries are refused since")
    assert all(f"`{name}`" in parent.text for name in names[:15])
    assert "and 5 more" in parent.text
    assert "lists all of them" in slack.posts()[0].text
    await recovers(deps, names[0])
    await deliver(deps, courier)
    assert "🔴 Failing 19, ✅ Recovered 1." in slack.posts()[2].text
    storm_id = (await rows(deps))[0].storm_id
    assert await take_all(deps, ALICE, storm_id) == 19
    assert await take_all(deps, ALICE, storm_id) == 0
    await deliver(deps, courier)
    assert slack.posts()[2].attachments[0]["color"] == YELLOW
    for name in names[1:]:
        await recovers(deps, name)
    await deliver(deps, courier)
    assert slack.posts()[2].text.startswith("*✅ Recovered · 20 registries work again")
    assert slack.posts()[2].attachments[0]["color"] == GREEN
    assert len(slack.posts()) == 3


@pytest.mark.parametrize("how", ["archived", "removed"])
async def test_a_closed_channel_falls_back_to_the_owner(deps: Deps, slack: Slack, how: str) -> None:
    """By direct message, which says so; later edits and the thread follow it there."""
    courier = slack.courier(deps)
    await deliver(deps, courier)
    if how == "archived":
        slack.channel().is_archived = True
    else:
        slack.channel().members.discard(slack.server.world.app.user_id)
    await fails(deps)
    await deliver(deps, courier)
    await press(deps, Button.ACKNOWLEDGE)
    await deliver(deps, courier)

    (message,) = slack.posts("DUBOB")
    assert message.text.startswith(f"⚠ This could not be posted in <#{ALERTS}>")
    assert "*🟡 Acknowledged*" in message.text
    assert slack.thread("DUBOB") == ["🟡 acknowledged by ada"]


async def test_without_an_owner_the_installer_is_told(deps: Deps, slack: Slack) -> None:
    """Somebody hears of it."""
    await add(deps, answers=generic("nobodys"))
    await listen(deps, installer="UALICE")
    await deliver(deps, slack.courier(deps))
    slack.channel().is_archived = True
    await fails(deps, "nobodys")
    await deliver(deps, slack.courier(deps))

    assert "`nobodys`* is refused" in slack.posts("DUALICE")[0].text


async def test_a_channel_closed_in_between_moves_the_message(deps: Deps, slack: Slack) -> None:
    """The entry of the thread goes under the new message."""
    courier = slack.courier(deps)
    await fails(deps)
    await deliver(deps, courier)
    slack.channel().is_archived = True
    clock_of(deps).skip(timedelta(hours=5))
    await tick_incidents(deps)  # a thread entry, without an edit before it
    await deliver(deps, courier)

    (message,) = slack.posts("DUBOB")
    assert "could not be posted" in message.text
    assert slack.thread("DUBOB")[0].startswith("⏰")


async def test_a_deleted_message_is_posted_anew(deps: Deps, slack: Slack) -> None:
    """Once, and without calling the owner again."""
    courier = slack.courier(deps)
    await fails(deps)
    await deliver(deps, courier)
    slack.server.world.remove(slack.posts()[-1])
    await press(deps, Button.ACKNOWLEDGE)
    await deliver(deps, courier)
    await press(deps, Button.UNACKNOWLEDGE)
    await deliver(deps, courier)

    (message,) = [one for one in slack.posts() if "`harbor-team`* is refused" in one.text]
    assert "<@UBOB>" not in message.text
    assert len(slack.thread()) == 2


async def test_letters_wait_as_long_as_nobody_can_be_told(deps: Deps, slack: Slack) -> None:
    """They are not given up: the channel may be opened again."""
    await add(deps, answers=generic("nobodys"))
    await deliver(deps, slack.courier(deps))
    slack.channel().is_archived = True
    await fails(deps, "nobodys")
    for _ in range(5):
        await slack.courier(deps).deliver_due()
        clock_of(deps).skip(timedelta(hours=1))
    assert [one.what for one in await waiting(deps)] == ["incident"]
    slack.channel().is_archived = False
    await deliver(deps, slack.courier(deps))

    assert "`nobodys`* is refused" in slack.posts()[-1].text


async def test_a_deleted_registry_closes_its_alert(deps: Deps, slack: Slack) -> None:
    """And says who deleted it."""
    courier = slack.courier(deps)
    await fails(deps)
    await deliver(deps, courier)
    await registries.delete(deps, replace(ALICE), "harbor-team", "harbor-team")
    await deliver(deps, courier)

    (message,) = [one for one in slack.posts() if one.attachments]
    assert message.text.startswith("*🗑 Deleted* · *`harbor-team`* was deleted by ada")
