"""The sandbox as the README starts it: a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.sandbox.slackd.person import ADMIN, Person

START_SECONDS = 30


@dataclass
class Running:
    """A sandbox that runs."""

    url: str
    process: asyncio.subprocess.Process

    def person(self, user: str = ADMIN) -> Person:
        return Person(self.url, user)


@asynccontextmanager
async def started(**environment: str) -> AsyncIterator[Running]:
    """`registrar sandbox` on a free port, ended by SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "sandbox",
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield Running(found[0], process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)
        process._transport.close()  # type: ignore[attr-defined]  # or its pipe warns when collected
