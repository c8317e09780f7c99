import asyncio
from datetime import datetime, timedelta, tzinfo

import pytest
from apscheduler.schedulers import base
from apscheduler.triggers import interval

from bot.core.clock import SystemClock
from bot.errors import NotFound
from bot.jobs.metronome import Metronome, Task


async def test_a_task_runs_again_and_again() -> None:
    """The beat goes on."""
    beats = asyncio.Semaphore(0)

    async def beat() -> None:
        beats.release()

    metronome = Metronome((Task("beat", 0.01, beat),), SystemClock())
    metronome.start()
    async with asyncio.timeout(5):
        await beats.acquire()
        await beats.acquire()
    await metronome.stop()


async def test_a_failing_task_stops_neither_itself_nor_others() -> None:
    """An error is logged; the next beat comes."""
    failed, others = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def fail() -> None:
        failed.release()
        raise NotFound("nothing there")

    async def crash() -> None:
        raise ZeroDivisionError

    async def other() -> None:
        others.release()

    tasks = (Task("fail", 0.01, fail), Task("crash", 0.01, crash), Task("other", 0.01, other))
    metronome = Metronome(tasks, SystemClock())
    metronome.start()
    async with asyncio.timeout(5):
        await failed.acquire()
        await failed.acquire()
        await others.acquire()
    await metronome.stop()


async def test_stopping_waits_for_what_runs() -> None:
    """Work under way ends by itself; nothing is cut off."""
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.sleep(0.1)
        ended.set()

    metronome = Metronome((Task("work", 0.01, work),), SystemClock())
    metronome.start()
    await started.wait()
    await metronome.stop()

    assert ended.is_set()


async def test_a_task_that_hangs_is_cut_off_at_last() -> None:
    """A stop is not held up for ever."""
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.sleep(3600)

    metronome = Metronome((Task("hang", 0.01, hang),), SystemClock())
    metronome.start()
    await started.wait()
    async with asyncio.timeout(5):
        await metronome.stop(patience=0.05)


async def test_a_beat_of_all_runs_every_task_once_and_waits() -> None:
    """When time is skipped, each task has had its turn before the clock goes on."""
    done: list[str] = []

    async def slow() -> None:
        await asyncio.sleep(0.05)
        done.append("slow")

    async def quick() -> None:
        done.append("quick")

    tasks = (Task("slow", 3600, slow), Task("quick", 3600, quick))
    metronome = Metronome(tasks, SystemClock())
    await asyncio.gather(metronome.beat_all(), metronome.beat_all())

    assert sorted(done) == ["quick", "quick", "slow", "slow"]
    assert set(metronome.beats) == {"slow", "quick"}


async def test_the_beat_goes_on_when_the_machines_clock_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hour back, as when a wrong clock is set right: nobody waits for that hour to pass."""
    back = timedelta()

    class Machine(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - back

    for module in (base, interval):  # where APScheduler reads the machine's clock
        monkeypatch.setattr(module, "datetime", Machine)
    beats = asyncio.Semaphore(0)

    async def beat() -> None:
        beats.release()

    metronome = Metronome((Task("beat", 0.1, beat),), SystemClock())
    metronome.start()
    async with asyncio.timeout(5):
        await beats.acquire()
    back = timedelta(hours=1)
    async with asyncio.timeout(5):
        for _ in range(5):
            await beats.acquire()
    await metronome.stop()
