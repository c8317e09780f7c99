"""What was typed after `cluster`: a verb, a name, a namespace, a mode; forgiving about how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.core.cluster import Mode
from bot.core.registry import Environment
from bot.usecases.clusters import INHERIT

LIST, ADD, SHOW, MODE, ENVIRONMENT = "list", "add", "show", "mode", "environment"
ROTATE, REVOKE, DELETE = "rotate", "revoke", "delete"
VERBS: Final = (LIST, ADD, SHOW, MODE, ENVIRONMENT, ROTATE, REVOKE, DELETE)
ALL: Final = "all"
_FILLERS: Final = frozenset({"to", "for", "in", "of", "namespace", "=", "cluster"})


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """`value` is the mode or environment that was named; `everything` goes with `revoke`."""

    verb: str
    name: str = ""
    namespace: str = ""
    value: str = ""
    environment: str = ""
    mode: str = ""
    everything: bool = False


def parse(words: Sequence[str]) -> ClusterLine:
    """Capitals and filling words do not matter; a name alone means to show it."""
    first, rest = (words[0].lower(), [word.lower() for word in words[1:]]) if words else ("", [])
    if not first:
        return ClusterLine(LIST)
    if first not in VERBS:
        return ClusterLine(SHOW, "-".join([first, *rest]))
    if first in {MODE, ENVIRONMENT}:
        return _setting(first, rest)
    if first == ADD:
        return _adding(rest)
    if first == REVOKE:
        everything = ALL in rest[1:]
        return ClusterLine(
            REVOKE, "-".join(rest[: -1 if everything else None]), everything=everything
        )
    return ClusterLine(first, "-".join(rest))


def _setting(verb: str, rest: list[str]) -> ClusterLine:
    """`NAME [NAMESPACE] VALUE`, in nearly any order; also `NAME/NAMESPACE`."""
    known = {*(Mode if verb == MODE else Environment), INHERIT}
    at = max((number for number, word in enumerate(rest) if word in known and number), default=-1)
    if at < 0:
        at = len(rest) - 1 if len(rest) > 1 else len(rest)
    value = rest[at] if at < len(rest) else ""
    places = [word for number, word in enumerate(rest) if number != at]
    if len(places) > 1:
        places = [places[0], *(word for word in places[1:] if word not in _FILLERS)]
    if len(places) == 1 and "/" in places[0]:
        places = places[0].split("/", 1)
    name, namespace = (*places[:2], "", "")[:2]
    return ClusterLine(verb, name, namespace, value)


def _adding(rest: list[str]) -> ClusterLine:
    """A name, and an environment or a mode where one was said after it."""
    environment, mode, words = "", "", rest[:1]
    for word in rest[1:]:
        if word in set(Environment):
            environment = word
        elif word in set(Mode):
            mode = word
        else:
            words.append(word)
    return ClusterLine(ADD, "-".join(words), environment=environment, mode=mode)
