"""A process that is killed at its N-th statement while it saves a draft, for every N in turn.

Run as `python -m tests.store.killed FOLDER`; prints one line of JSON for each place of death. It
forks, so it must be a process of its own that has no threads yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.core.access import WorkspaceSettings
from bot.core.clock import FixedClock
from bot.core.registry import Filter
from bot.core.secret import Secret
from bot.errors import Conflict, NotFound
from bot.store.cipher import Keyring
from bot.store.migrate import migrate
from bot.usecases import draft_trial, drafts, outbox, registries, workspaces
from tests.factories import ALICE, NOW, add, clock_of, deps_on, generic

RING = Keyring.parse(Secret("k1:" + "A" * 43 + "="))


async def prepare(url: str, *, edit: bool) -> str:
    """A database with a draft that is ready to be tried."""
    await migrate(url)
    deps = deps_on(url, ring=RING)
    await workspaces.change_settings(deps, ALICE, WorkspaceSettings(alert_channel="C1"))
    if edit:
        await add(deps)
        (told,) = await outbox.claim(deps, 10)
        await outbox.settle(deps, told)
        answers = generic(password="the new one", description="new")
        draft_id = await drafts.begin(deps, ALICE, answers, name_of_edited="harbor-team", version=1)
    else:
        draft_id = await drafts.begin(deps, ALICE, generic())
    await deps.store.close()
    return draft_id


async def save_and_die(url: str, draft_id: str, number: int) -> None:
    """Try the draft; be killed just before the statement of that number, counted from 1."""
    deps = deps_on(url, ring=RING)
    seen = 0

    @event.listens_for(deps.store.engine.sync_engine, "before_cursor_execute")
    def _count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    await drafts.try_draft(deps, ALICE, draft_id)
    await deps.store.close()


async def look(url: str, draft_id: str) -> dict[str, Any]:
    """What the next process finds, and what it finds after trying once more."""
    deps = deps_on(url, FixedClock(NOW + draft_trial.BUSY_FOR), RING)
    found = await _state(deps)
    found["draft"] = (await drafts.load(deps, ALICE, draft_id)).has_secrets == {"password"}
    try:
        await drafts.try_draft(deps, ALICE, draft_id)
    except (Conflict, NotFound) as error:
        found["again"] = str(error)
    clock_of(deps).skip(timedelta(minutes=5))
    after = await _state(deps)
    await deps.store.close()
    return {"first": found, "after": after}


async def _state(deps: Any) -> dict[str, Any]:
    page = await registries.list_registries(deps, ALICE, Filter())
    messages = await outbox.claim(deps, 10)
    shown = [await registries.show(deps, ALICE, row.name) for row in page.rows]
    return {
        "registries": [
            [one.name, one.version, one.details.description, one.verdict, one.broken]
            for one in shown
        ],
        "messages": [message.what for message in messages],
    }


def walk(folder: Path, *, edit: bool) -> None:
    """Die at the first statement, the second, … until one run comes through."""
    template = folder / f"template-{edit}.sqlite3"
    draft_id = _in_child(lambda: prepare(f"sqlite:///{template}", edit=edit))
    number, survived = 0, False
    while not survived:
        number += 1
        path = folder / f"killed-{edit}-{number}.sqlite3"
        shutil.copy(template, path)
        url = f"sqlite:///{path}"
        at = number
        survived = _in_child(lambda: save_and_die(url, draft_id, at)) == "null"  # noqa: B023 (called at once)
        found = _in_child(lambda: look(url, draft_id))  # noqa: B023 (called at once)
        print(json.dumps({"edit": edit, "at": number, "survived": survived} | json.loads(found)))


def _in_child(work: Any) -> str:
    """The JSON of what `work` answers in a forked process; empty when that was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        answer = asyncio.run(work())
        os.write(writing, (answer if isinstance(answer, str) else json.dumps(answer)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return told


if __name__ == "__main__":
    for edit in (False, True):
        walk(Path(sys.argv[1]), edit=edit)
