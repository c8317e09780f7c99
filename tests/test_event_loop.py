"""The event loop of the running bot."""

from __future__ import annotations

import asyncio
import sys

import pytest

from bot import event_loop


async def which() -> str:
    return type(asyncio.get_running_loop()).__module__


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")
def test_bot_runs_on_the_fast_loop() -> None:
    """It is a dependency, so a missing one is a mistake of packaging."""
    assert event_loop.run(which()).startswith("uvloop")


def test_bot_runs_on_the_standard_loop_as_well() -> None:
    """For whoever cannot have the other one, or looks for a fault in it."""
    assert event_loop.run(which(), fast=False).startswith("asyncio")
