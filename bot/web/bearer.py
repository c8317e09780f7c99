"""Requests of machines, which sign in with `Authorization: Bearer` and the token of a cluster.

Whatever is wrong with them is answered in JSON, `{"error": "one sentence"}`: 401 for a token that
is not good here, 429 after too many of those, 503 while the database cannot be asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from bot.core.cluster import ClusterView
from bot.core.secret import Secret
from bot.errors import BadToken, StoreError
from bot.usecases.cluster_tokens import (
    REFUSED,
    authenticate,
    authenticate_alone,
    digest_of,
    is_cluster_id,
)
from bot.usecases.deps import Deps
from bot.web.tries import Tries

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ClusterHandler = Callable[[web.Request, ClusterView], Awaitable[web.StreamResponse]]

PER_ADDRESS: Final = 20  # failed tries a minute
PER_CLUSTER: Final = 40
KNOWN_MOST: Final = 10_000
AWAY: Final = "Registrar cannot ask its database at the moment. Try again in a moment."
MISSING: Final = "Sign in with the header `Authorization: Bearer TOKEN`, and the cluster's token."
_SCHEME: Final = "bearer"


class Bearer:
    """Who may ask for a cluster.

    A token that was good lately is always judged: strangers who fail often, for the same cluster or
    behind the same proxy, must not shut it out.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._addresses = Tries(deps.clock, PER_ADDRESS)
        self._clusters = Tries(deps.clock, PER_CLUSTER)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def for_cluster(self, handler: ClusterHandler) -> Handler:
        """A handler of a route with `{cluster}` that hears only this cluster."""
        return self._hearing(handler, lambda request: request.match_info["cluster"])

    def for_any(self, handler: ClusterHandler) -> Handler:
        """A handler of a route that names no cluster: a token of one says whose it is."""
        return self._hearing(handler, lambda _request: None)

    def _hearing(
        self, handler: ClusterHandler, named: Callable[[web.Request], str | None]
    ) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                cluster = await self.cluster(request, named(request))
                return await handler(request, cluster)
            except StoreError:
                return refusal(503, AWAY, {"Retry-After": "5"})
            except SignInRefused as refused:
                return refused.response()

        return handle

    async def cluster(self, request: web.Request, cluster_id: str | None) -> ClusterView:
        """The cluster that the request's token is of; raises SignInRefused or StoreError.

        With a `cluster_id` the token must be of that one.
        """
        token = _token(request)
        if token is None:
            raise SignInRefused(401, MISSING)
        address = request.remote or ""
        known = (cluster_id or "", digest_of(token))
        if known not in self._known:
            wait = max(self._addresses.wait(address), self._clusters.wait(cluster_id or ""))
            if wait:
                raise SignInRefused(429, f"Too many failed tries. Wait {wait} s.", wait)
        try:
            if cluster_id is None:
                cluster = await authenticate_alone(self._deps, token)
            else:
                cluster = await authenticate(self._deps, cluster_id, token)
        except BadToken:
            self._known.pop(known, None)
            self._addresses.failed(address)
            if cluster_id is not None and is_cluster_id(cluster_id):
                self._clusters.failed(cluster_id)
            raise SignInRefused(401, REFUSED) from None
        self._remember(known)
        return cluster

    def _remember(self, known: tuple[str, str]) -> None:
        self._known[known] = None
        self._known.move_to_end(known)
        while len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)


class SignInRefused(Exception):  # the tree's names say what happened
    """A request that is not heard; `response()` says so."""

    def __init__(self, status: int, sentence: str, wait: int = 0) -> None:
        self.status = status
        self.wait = wait
        super().__init__(sentence)

    def response(self) -> web.Response:
        headers = {"Retry-After": str(self.wait)} if self.wait else {"WWW-Authenticate": "Bearer"}
        return refusal(self.status, str(self), headers)


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """What is wrong, in JSON, for a machine and whoever reads its log; nobody keeps a copy."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return web.json_response({"error": sentence}, status=status, headers=kept)


def _token(request: web.Request) -> Secret | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return Secret(token) if scheme.lower() == _SCHEME and token else None
