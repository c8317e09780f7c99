"""`/secret/{link}`: shows a cluster's token once, to whoever has the link and the code.

Looking at the page shows nothing and changes nothing: Slack, and scanners of mail, open every link
that they see.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from bot.core.cluster import ClusterView
from bot.errors import InvalidInput, NotFound, StoreError, Undecryptable, WrongCode
from bot.usecases import secret_links
from bot.usecases.deps import Deps
from bot.usecases.secret_links import GONE, Shown
from bot.web.frame import field, line, page

DOUBLE_CLICK: Final = 5.0
"""Seconds in which the same link and code get the same answer once more."""
BODY_MOST: Final = 1024
AWAY: Final = (
    "Registrar cannot ask its database at the moment. Nothing was shown and nothing is lost: "
    "try again in a moment."
)
UNREADABLE: Final = (
    "The token cannot be opened with the keys that Registrar has now. A manager can make a new one "
    "with `cluster rotate`."
)


class SecretPage:
    """The page. A browser that sends its form twice shows the second answer only; so the answer of
    the last seconds is kept in memory, for the same link and code.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._lately: dict[tuple[str, str], asyncio.Task[Shown]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/secret/{link}", self.ask), web.post("/secret/{link}", self.show)]

    async def ask(self, request: web.Request) -> web.Response:
        """The form that wants the code."""
        try:
            cluster = await secret_links.waiting(self._deps, request.match_info["link"])
        except NotFound:
            return _gone(GONE)
        except StoreError:
            return page("Not now", line(AWAY), status=503)
        return _form(cluster)

    async def show(self, request: web.Request) -> web.Response:
        """The token, or the form again."""
        link, code = request.match_info["link"], await _code(request)
        try:
            return _token(await self._once(link, code))
        except NotFound:
            return _gone(GONE)
        except Undecryptable:
            return _gone(UNREADABLE)
        except StoreError:
            return page("Not now", line(AWAY), status=503)
        except WrongCode as error:
            if not error.left:
                return _gone(f"That was the third wrong code. {GONE}")
            return await self._again(link, f"{error}", 403)
        except InvalidInput as error:
            return await self._again(link, error.fields["code"], 400)

    async def _again(self, link: str, wrong: str, status: int) -> web.Response:
        try:
            return _form(await secret_links.waiting(self._deps, link), wrong, status)
        except NotFound:
            return _gone(GONE)
        except StoreError:
            return page("Not now", line(AWAY), status=503)

    async def _once(self, link: str, code: str) -> Shown:
        """What the link shows; twice the same for a double click, which counts as one try."""
        key = (link, code)
        showing = self._lately.get(key)
        if showing is None:
            showing = asyncio.ensure_future(secret_links.show(self._deps, link, code))
            self._lately[key] = showing
            showing.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(showing)

    def _forget(self, key: tuple[str, str], done: asyncio.Task[Shown]) -> None:
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or (error is not None and not isinstance(error, WrongCode)):
            self._lately.pop(key, None)
        else:
            asyncio.get_running_loop().call_later(DOUBLE_CLICK, self._lately.pop, key, None)


def _form(cluster: ClusterView, wrong: str = "", status: int = 200) -> web.Response:
    hint = "Six letters and digits; they stand beside the link in Slack."
    return page(
        f"Token of {cluster.name}",
        line(
            "It is shown once. Have the place where it goes at hand before you open it, such as a "
            "Secret in the cluster."
        ),
        '<form method="post" action="">',
        field("code", "Code", hint, kind="code", wrong=wrong),
        "<button>Show the token</button>",
        "</form>",
        status=status,
    )


def _token(shown: Shown) -> web.Response:
    cluster = shown.cluster
    return page(
        f"Token of {cluster.name}",
        line("Copy it now: a click selects all of it. This page shows it once."),
        f'<p class="secret" tabindex="0" aria-label="The token">{escape(shown.token.reveal())}</p>',
        line("It signs in the cluster with this id, which is no secret:", "soft"),
        f'<p class="secret" tabindex="0" aria-label="The cluster\'s id">{escape(cluster.id)}</p>',
        line("Lost it, or did somebody look over your shoulder? Make a new one in Slack.", "soft"),
    )


def _gone(why: str) -> web.Response:
    return page("Nothing to show", line(why), status=404)


async def _code(request: web.Request) -> str:
    """The field `code` of a form; empty for whatever else was sent."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_MOST:
            return ""
    try:
        return parse_qs(body.decode("utf-8", "replace")).get("code", [""])[0]
    except ValueError:
        return ""
