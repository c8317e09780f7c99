"""`registrar check`: may these images be deployed, for a person and for CI."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bot.admission import documents, files
from bot.admission.files import Named
from bot.check_report import REPORTS, Judged
from bot.core.access import Actor
from bot.core.policy import plain, shown
from bot.errors import InvalidInput, Unreadable
from bot.settings import Settings
from bot.terminal import TERMINAL, team_of
from bot.tools import open_deps
from bot.usecases import asking
from bot.usecases.asking import Asked

ALL_ALLOWED, SOME_REFUSED = 0, 1

_VARIABLE: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]{0,60})")


async def check_images(
    images: Sequence[str], given: Sequence[str], *, form: str, environment: str, workspace: str
) -> int:
    """Judge images and those that files name, and print a report; exit code 0 or 1.

    Raises Unreadable for a file that cannot be read, and InvalidInput when nothing names an image.
    """
    named = [Named(image, "", 0, 0, "", "", "") for image in images]
    for file in given:
        named += _images_of(file)
    if not named:
        raise InvalidInput({"file": f"No image was found in {', '.join(map(plain, given))}."})
    async with open_deps(Settings.from_environment()) as deps:
        actor = Actor(await team_of(deps, workspace), TERMINAL, is_admin=True)
        asked = await asking.ask_all(deps, actor, (one.image for one in named), environment)
    judged = [Judged(one, asked[one.image], _why(asked[one.image])) for one in named]
    sys.stdout.write(REPORTS[form](judged))
    return ALL_ALLOWED if all(one.asked.verdict.allowed for one in judged) else SOME_REFUSED


def _images_of(file: str) -> list[Named]:
    """The images of a file, `-` being standard input."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(documents.LARGEST + 1)
        else:
            with Path(file).open("rb") as source:
                data = source.read(documents.LARGEST + 1)
        return files.images(file, data)
    except OSError as error:
        raise Unreadable(f"{plain(file)} cannot be read: {error.strerror}.") from None
    except Unreadable as error:
        raise Unreadable(f"{plain(file)}: {error}") from None


def _why(asked: Asked) -> str:
    """One or more sentences: the reason, and what is near."""
    return " ".join(_sentences(asked))


def _sentences(asked: Asked) -> Iterable[str]:
    variable = _VARIABLE.search(asked.text)
    if variable and not asked.verdict.allowed:
        yield f"{shown(asked.text)} has the variable {variable[1]}, which is not filled in."
        yield "Fill it in first, for instance with `docker compose config` or `helm template`."
        return
    yield asked.verdict.reason.removesuffix(".") + "."
    if asked.nearest is not None:
        near = asked.nearest
        yield f"The nearest is {near.registry}, which covers {near.place} and below."
    for name in asked.scopeless[:3]:
        yield (
            f"{name} is at this host but covers nothing: strangers keep images there too, so it "
            "needs a path scope."
        )
