"""The capability to list: what a kind gives, and how the pages of any API are read.

Lists come from others: names are judged, pages are bounded, and no link is ever followed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlencode

import httpx

from bot.core.check import Cause, Stage
from bot.core.image import is_repository, is_tag
from bot.core.listing import Found, FoundRepository, FoundTag, Page
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.finding import refused, unreachable
from bot.kinds.visit import Visit, json_object

PER_PAGE: Final = 100
READ_MOST: Final = 10_000
SHOWN: Final = 15
SCANNED: Final = 5
CURSOR_MOST: Final = 1200  # a button of Slack carries 2,000 characters in all

Turn = Callable[[str], Awaitable[Page[Found]]]
"""Gives the page of a list that a token stands for, the first one for none."""

_TOKEN: Final = re.compile(r"[!#-\[\]-~]{1,1190}")  # nothing that JSON would lengthen
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_CURSOR: Final = re.compile(r"(?P<skip>[0-9]{1,5})\|(?P<token>[!#-\[\]-~]{0,1190})")
_LINK: Final = re.compile(r"<(?P<url>[^<>]{1,4000})>\s*;[^,]*\brel=\"?next\"?")
# What may go on to the next page out of a link; the rest of the address is ours.
_GOES_ON: Final = frozenset({"last", "next_page", "n"})


@runtime_checkable
class Lists(Protocol):
    """A kind that can list. Both sign in, and give what turns the pages; they raise Unseen.

    Names are those below the registry's address; those of other path scopes may be among them.
    """

    async def repositories(self, visit: Visit) -> Turn[FoundRepository]: ...

    async def tags(self, visit: Visit, repository: str) -> Turn[FoundTag]: ...


async def gather(turn: Turn[Found], wanted: Callable[[Found], bool], cursor: str) -> Page[Found]:
    """The next few items that are `wanted`, out of at most `SCANNED` pages of the registry.

    It may have found none and not be at the end: then the next page goes on.
    """
    skip, token = _parse(cursor)
    found: list[Found] = []
    left_out = 0
    for _ in range(SCANNED):
        page = await turn(token)
        left_out += page.left_out
        for at, item in enumerate(page.items):
            if at < skip or not wanted(item):
                continue
            if len(found) == SHOWN:
                return _ending_at(found, at, token, left_out)
            found.append(item)
        if not page.next or page.next == token:
            return Page(tuple(found), "", left_out, page.cut)
        skip, token = 0, page.next
        if len(found) == SHOWN:
            break
    return _ending_at(found, skip, token, left_out)


def falling_back(turn: Turn[Found], other: Callable[[], Awaitable[Turn[Found]]]) -> Turn[Found]:
    """Turns by an API, or where that is not for this sign-in, by what `other` gives."""
    instead: Turn[Found] | None = None

    async def either(page: str) -> Page[Found]:
        nonlocal instead
        if instead is None:
            try:
                return await turn(page)
            except Unseen as unseen:
                if unseen.why not in {Absence.DENIED, Absence.HIDDEN}:
                    raise
            instead = await other()
        return await instead(page)

    return either


def repositories_of(
    found: Iterable[tuple[object, Any]], next_token: str = ""
) -> Page[FoundRepository]:
    """A page of (name, when it was updated); names that no image can have are left out."""
    named = list(found)[:READ_MOST]
    good = [
        FoundRepository(name, at)
        for name, at in named
        if isinstance(name, str) and is_repository(name)
    ]
    return Page(tuple(good), token_of(next_token), len(named) - len(good))


def tags_of(found: Iterable[tuple[object, object, Any]], next_token: str = "") -> Page[FoundTag]:
    """A page of (tag, digest, when it was pushed), in the order given."""
    named = list(found)[:READ_MOST]
    good = [
        FoundTag(name, digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else "", at)
        for name, digest, at in named
        if isinstance(name, str) and is_tag(name)
    ]
    return Page(tuple(good), token_of(next_token), len(named) - len(good))


def token_of(value: object) -> str:
    """A token for the next page that can be carried; otherwise nothing, and the list ends."""
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else ""


def next_number(page: str, count: int) -> str:
    """The number of the page after `page`; nothing when this one was not full."""
    return str(number_of(page) + 1) if count >= PER_PAGE else ""


def number_of(page: str) -> int:
    return int(page) if page.isascii() and page.isdigit() and len(page) <= 6 else 1


def next_of(answer: httpx.Response) -> str:
    """What a `Link` header asks for next, as a query for the same path; nothing at the end.

    A link to another host is the end: it would be asked with our credential.
    """
    match = _LINK.search(answer.headers.get("link", ""))
    if match is None:
        return ""
    here = answer.request.url
    try:
        target = here.join(match["url"])
    except httpx.InvalidURL:
        return ""
    if (target.scheme, target.host, target.port) != (here.scheme, here.host, here.port):
        return ""
    query = [pair for pair in parse_qsl(target.query.decode("latin-1")) if pair[0] in _GOES_ON]
    return token_of(urlencode(query))


def objects(answer: httpx.Response, name: str = "") -> list[dict[str, Any]]:
    """The objects of a list that is the body, or that the body has under `name`."""
    body: object = json_object(answer).get(name) if name else _list(answer)
    if not isinstance(body, list):
        return []
    return [one for one in body[:READ_MOST] if isinstance(one, dict)]


def must_be_listed(
    visit: Visit, answer: httpx.Response, what: str, right: str, *, proven: bool = False
) -> None:
    """Return when the API gave a list, otherwise raise why it did not.

    `what` was to be listed, and `right` is what the sign-in needs for it; with a `proven` one a 401
    is about the right as well.
    """
    host, status = answer.request.url.host, answer.status_code
    if answer.extensions.get("truncated"):
        raise Unseen(Absence.UNREACHABLE, f"{host} sent a longer list than is read at once.")
    if status == 200:
        return
    if status == 401 and not (proven or visit.config.anonymous):
        raise refused(
            Stage.LOGIN,
            Cause.BAD_CREDENTIALS,
            f"{host} refused the stored credential, so {what} could not be listed.",
            "Test the registry to see what is wrong with it.",
        )
    if status in {401, 403}:
        raise may_not(what, right)
    if status == 404:
        raise Unseen(
            Absence.HIDDEN,
            f"{host} knows no such place: it does not exist, or is hidden from this sign-in.",
            "Check the path scope of the registry.",
        )
    raise unreachable(
        visit.stage,
        Cause.REGISTRY_ERROR,
        f"{host} gave an unexpected answer ({status}) when asked for {what}.",
        "Try again later.",
    )


def may_not(what: str, right: str) -> Unseen:
    """The sign-in is good and may not list; pulling may still work."""
    return Unseen(Absence.DENIED, f"The stored sign-in may not list {what}.", f"It needs {right}.")


def _list(answer: httpx.Response) -> object:
    if answer.content.lstrip()[:1] != b"[":
        return None
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _ending_at(found: list[Found], skip: int, token: str, left_out: int) -> Page[Found]:
    cursor = f"{skip}|{token}"
    if len(cursor) > CURSOR_MOST:
        return Page(tuple(found), "", left_out, cut=True)
    return Page(tuple(found), cursor, left_out)


def _parse(cursor: str) -> tuple[int, str]:
    match = _CURSOR.fullmatch(cursor)
    return (int(match["skip"]), match["token"]) if match else (0, "")
