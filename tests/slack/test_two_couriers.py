"""Two processes on one database deliver side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.core.incident import Button, Click
from bot.usecases.incidents import click
from tests.factories import ALICE, add, deps_on, generic
from tests.slack.alarm import fails, listen, local_slack, recovers, rows, waiting

NAMES = [f"registry-{number}" for number in range(5)]


async def test_nothing_is_said_twice_and_everything_in_order(
    database_url: str, tmp_path: Path
) -> None:
    """Each letter once, each thread in its order, while new ones come in."""
    deps = deps_on(database_url)
    for name in NAMES:
        await add(deps, answers=generic(name))
    await listen(deps)
    async with local_slack(deps, tmp_path) as slack:
        couriers = [slack.courier(deps), slack.courier(deps)]
        over = asyncio.Event()

        async def work(number: int) -> None:
            while not over.is_set() or await waiting(deps):
                await couriers[number].deliver_due()
                await asyncio.sleep(0.01)

        working = [asyncio.create_task(work(number)) for number in (0, 1)]
        for name in NAMES:
            await fails(deps, name)
        for button in (Button.ACKNOWLEDGE, Button.UNACKNOWLEDGE, Button.ACKNOWLEDGE):
            for row in await rows(deps):
                await click(deps, ALICE, row.id, Click(button, row.version, "UALICE"))
        for name in NAMES:
            await recovers(deps, name)
        over.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*working)

        posts = [one for one in slack.posts() if one.attachments]
        assert len(posts) == 2  # more than two of a minute wait for a storm, and are over by then
        for post in posts:
            thread = [one.text for one in slack.channel().messages if one.thread_ts == post.ts]
            assert [text.split(" · ")[1][0] for text in thread] == ["🟡", "🔴", "🟡", "✅"]
            assert "Recovered" in post.text
        assert slack.problems == []
    await deps.store.close()
