"""Control probes: well-known hosts that tell whether it is us who are offline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from bot.errors import EgressError
from bot.kinds.net import Egress

SECONDS: Final = 5.0


async def reached(egress: Egress, hosts: Sequence[str]) -> int:
    """How many of `hosts` answer at all, asked at once and without any credential."""
    answers = await asyncio.gather(*(_answers(egress, host) for host in hosts))
    return sum(answers)


async def _answers(egress: Egress, host: str) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            await egress.send("GET", f"https://{host}/v2/")
    except (EgressError, TimeoutError):
        return False
    return True
