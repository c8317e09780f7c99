"""What whoever deploys is told: why an image is refused and what to do, or what to mind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.admission.workload import Named, path_of
from bot.core.image import Reference, names_host
from bot.core.policy import Policy, Verdict, canonical_host, shown

REFUSED_SHOWN: Final = 3
WARNINGS_MOST: Final = 5
WARNING_LONGEST: Final = 120  # the server cuts longer ones, and drops those with a newline

Judged = tuple[Named, Verdict]
"""An image that an object names, and what was decided of it."""


def denial(refused: Sequence[Judged], policy: Policy, command: str) -> str:
    """Why each image is refused, which registration was meant, how to ask; of many the first few.

    Only the first is compared with every rule: whoever waits for an answer waits for this.
    """
    first, *others = [_why(*one) for one in refused[:REFUSED_SHOWN]]
    near = policy.nearest(refused[0][0][0])
    meant = [f"The nearest registration is {near.place} ({near.registry})."] if near else []
    sentences = [first, *meant, *others]
    more = len(refused) - REFUSED_SHOWN
    if more > 0:
        sentences.append(f"{more:,} more {'images are' if more > 1 else 'image is'} refused too.")
    asked = next((verdict.image for _, verdict in refused if verdict.image), "")
    if asked:
        sentences.append(f"To ask for it, type in Slack: {command} check {asked}")
    else:
        sentences.append("Write it as HOST/PATH:TAG, in lower case.")
    return " ".join(sentences)


def refusal_warnings(refused: Sequence[Judged], command: str) -> list[str]:
    """The same in short, where nothing is refused yet."""
    short = [_short(*one, command) for one in refused[:WARNINGS_MOST]]
    return _few(short, len(refused))


def hints(allowed: Sequence[Judged]) -> list[str]:
    """What to mind of images that may run: they may not be pulled as they are written."""
    odd = [image for (image, _), verdict in allowed if image != verdict.image]
    found = [hint for image in odd if (hint := _hint(image))]
    return _few(found[:WARNINGS_MOST], len(found))


def _why(named: Named, verdict: Verdict) -> str:
    image, trail = named
    if not verdict.image:
        return f"{verdict.reason.rstrip('.')} ({path_of(trail)})."
    return f"{shown(image)} ({path_of(trail)}) may not run here: {verdict.reason}."


def _short(named: Named, verdict: Verdict, command: str) -> str:
    if not verdict.image:
        return _fit(named[0], " is not a valid image reference")
    if verdict.registry:
        return _fit(named[0], f" is for another environment; see {command} check")
    return _fit(named[0], f" is in no registered registry; see {command} check")


def _hint(image: str) -> str:
    """Nodes look for a pull secret under the host as it is written, case and port included; and
    CRI-O may look for a name without a host elsewhere than at Docker Hub.
    """
    reference = Reference.parse(image)
    host = canonical_host(reference.host)
    if reference.host != host:
        return _fit(image, f": write the host as {host}, or its pull secret is not found")
    if not names_host(image):
        name = f"{host}/{reference.repository}"
        return _fit(image, f": write {name}, as a short name can mean another place")
    return ""


def _fit(image: str, rest: str) -> str:
    room = max(WARNING_LONGEST - len(rest), 20)
    return f"{shown(image, room - 3)}{rest}"[:WARNING_LONGEST]


def _few(warnings: list[str], count: int) -> list[str]:
    more = count - WARNINGS_MOST
    if more <= 0:
        return warnings
    return [*warnings[: WARNINGS_MOST - 1], f"{more + 1:,} more images have the same fault"]
