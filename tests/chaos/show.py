"""Plays once: a local Slack in this process, the workers in others."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from bot.sandbox.slackd.server import SlackServer
from bot.store.migrate import ROOT
from tests.chaos.evidence import Evidence, told_by
from tests.chaos.play import Stage, StageClock, read_log


async def show(
    database: str, folder: Path, ticks: int, seed: int, seconds: float
) -> tuple[Evidence, dict[str, Any]]:
    """What is left after so many ticks, and what the driver tells; at most so many seconds long."""
    clock = StageClock(Stage.build(folder / "stage"))
    server = SlackServer(
        bot_token="xoxb-chaos",
        app_token="xapp-chaos",
        clock=clock,
        page_dir=folder,
        rate_limits=False,
    )
    await server.start()
    arguments = (database, server.api_url, str(folder), str(ticks), str(seed))
    driver = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.drive", *arguments, cwd=ROOT, stdout=-1, stderr=-1
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await driver.communicate()
    finally:
        if driver.returncode is None:
            driver.terminate()
            await driver.wait()
        await server.close()
    assert driver.returncode == 0, errors.decode()
    told = told_by(output)
    assert told["crashes"] == 0, errors.decode()
    evidence = Evidence.gather(database, server.world, read_log(folder / "log"))
    return evidence, {**told, "problems": list(server.world.problems)}
