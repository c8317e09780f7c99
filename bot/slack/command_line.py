"""What was typed after the slash command: a verb, then an object, forgiving about how."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from bot.core.registry import Environment, Filter

VERBS: Final = (
    "help",
    "list",
    "show",
    "add",
    "edit",
    "delete",
    "restore",
    "test",
    "rotate",
    "freeze",
    "thaw",
    "check",
    "exempt",
    "exemptions",
    "cluster",
    "history",
    "images",
    "uses",
    "unused",
    "uncovered",
    "pause",
    "resume",
    "report",
    "reminders",
    "settings",
)
_STRAIGHT: Final = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "\u00a0": " "}
)
_WORD: Final = re.compile(r'"([^"]*)"|\'([^\']*)\'|(\S+)')
_ATTENTION: Final = frozenset({"attention", "failing", "broken"})
_USER: Final = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed command: `verb` is one of VERBS, or empty when it was not understood.

    Then `unknown` is what was typed and `nearest` what may have been meant. `words` are the rest,
    without quotes.
    """

    verb: str
    words: tuple[str, ...] = ()
    unknown: str = ""
    nearest: str = ""

    @property
    def name(self) -> str:
        """The rest as the name of a registry."""
        return "-".join(self.words).lower()


def parse(text: str) -> Typed:
    """Quotes, smart quotes, capitals and stray spaces do not matter; nothing typed means help."""
    words = tuple(_words(text))
    if not words:
        return Typed("help")
    verb, rest = words[0].lower().lstrip("/-"), words[1:]
    if verb in VERBS:
        return Typed(verb, rest)
    near = difflib.get_close_matches(verb, VERBS, n=1, cutoff=0.5)
    return Typed("", rest, unknown=words[0], nearest=near[0] if near else "")


def kind_meant(words: Iterable[str], kinds: Iterable[tuple[str, str]]) -> str | None:
    """The slug that was meant by a slug, a label or a part of one; None when none fits."""
    wanted = _letters(" ".join(words))
    names = {_letters(name): slug for slug, label in kinds for name in (slug, label)}
    if wanted in names:
        return names[wanted]
    parts = [slug for name, slug in names.items() if wanted and wanted in name]
    if parts and len(set(parts)) == 1:
        return parts[0]
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.6)
    return names[near[0]] if near else None


def filter_meant(words: Iterable[str], user: str, kinds: Iterable[tuple[str, str]]) -> Filter:
    """Known words narrow by their meaning, the others are searched for; `user` asked."""
    slugs = {_letters(name): slug for slug, label in kinds for name in (slug, label)}
    text: list[str] = []
    known: dict[str, str] = {}
    attention = False
    given = list(words)
    for word, following in zip_longest(given, given[1:], fillvalue=""):
        mention = _USER.fullmatch(word)
        if mention:
            known["owner"] = mention[1]
        elif word.lower() in {"mine", "me"}:
            known["owner"] = user
        elif word.lower() in set(Environment) - {Environment.ANY}:
            known["environment"] = word.lower()
        elif word.lower().removeprefix("needs ") in _ATTENTION:
            attention = True
        elif word.lower() in {"need", "needs"} and following.lower() in _ATTENTION:
            pass  # the list itself says “needs attention”
        elif _letters(word) in slugs:
            known["kind"] = slugs[_letters(word)]
        else:
            text.append(word)
    return Filter(text=" ".join(text)[:150], attention=attention, **known)


def _words(text: str) -> Iterable[str]:
    for quoted, single, bare in _WORD.findall(text.translate(_STRAIGHT)):
        word = (quoted or single or bare).strip().strip("\"'")
        if word:
            yield word


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
