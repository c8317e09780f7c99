"""`registrar policy`: the policy that a cluster has in itself, printed and verified."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.admission import documents, policies
from bot.admission.policies import MADE_FOR, Format, Group, State
from bot.core.access import Actor
from bot.core.policy import plain
from bot.errors import Unreadable
from bot.settings import Settings
from bot.terminal import TERMINAL, team_of
from bot.tools import open_deps
from bot.usecases import static_policy

EXIT: Final = {State.CURRENT: 0, State.BEHIND: 1, State.DAMAGED: 2}
_OF_CLUSTER: Final = "cluster"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to print; a `cluster` brings its own mode and environment."""

    form: str
    mode: str
    environment: str
    cluster: str
    own_namespace: str

    @property
    def made_for(self) -> str:
        """Two words, from which `--verify` knows what to compare with."""
        return " ".join(
            (_OF_CLUSTER, self.cluster) if self.cluster else (self.mode, self.environment)
        )


async def print_policy(wanted: Wanted, output: str, workspace: str) -> int:
    """Print it, or put it into the file `output`; InvalidInput for rules no cluster can hold."""
    settings = Settings.from_environment()
    async with open_deps(settings) as deps:
        actor = Actor(await team_of(deps, workspace), TERMINAL, is_admin=True)
        group = Group(wanted.mode, wanted.environment)
        inputs = await static_policy.inputs_for(deps, actor, wanted.cluster, group)
    text = policies.text(
        inputs,
        Format(wanted.form),
        made_for=wanted.made_for,
        command=settings.slack_command,
        own_namespace=wanted.own_namespace,
    )
    if output:
        _replace(Path(output), text)
    else:
        sys.stdout.write(text)
    return 0


async def verify_policy(file: str, workspace: str) -> int:
    """Say what a printed file is worth; the exit code is that of its state."""
    data = _read(file)
    marks = policies.marks_of(data)
    if marks is None:
        return _say(file, State.DAMAGED, "It is cut off or was changed; print it anew.")
    async with open_deps(Settings.from_environment()) as deps:
        actor = Actor(await team_of(deps, workspace), TERMINAL, is_admin=True)
        first, _, second = marks[MADE_FOR].partition(" ")
        name, group = (second, Group("")) if first == _OF_CLUSTER else ("", Group(first, second))
        inputs = await static_policy.inputs_for(deps, actor, name, group)
    state = policies.verify(data, policies.current_hash(inputs))
    more = "Print it anew and apply it." if state is State.BEHIND else "It says the rules of now."
    return _say(file, state, more)


def _say(file: str, state: State, more: str) -> int:
    sys.stdout.write(f"{plain(file)} is {state}. {more}\n")
    return EXIT[state]


def _read(file: str) -> bytes:
    try:
        with Path(file).open("rb") as source:
            return source.read(documents.LARGEST + 1)
    except OSError as error:
        raise Unreadable(f"{plain(file)} cannot be read: {error.strerror}.") from None


def _replace(path: Path, text: str) -> None:
    """The file is the old one until the new one is whole on the disk, whatever happens."""
    target = Path(os.path.realpath(path))  # a link stays one
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as part:
                part.write(text)
                part.flush()
                os.fsync(part.fileno())
            Path(name).chmod(0o644)  # it is no secret, and kubectl may run as somebody else
            Path(name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise Unreadable(f"{plain(str(path))} cannot be written: {error.strerror}.") from None
