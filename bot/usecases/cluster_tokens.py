"""The tokens that clusters sign in with: made, and judged when one is shown."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

from bot.core.cluster import ClusterView
from bot.core.secret import Secret
from bot.errors import BadToken, NotFound, StoreError
from bot.store import clusters
from bot.store.schema import ClusterToken
from bot.usecases.deps import Deps

log = structlog.get_logger(__name__)

PREFIX: Final = "rgct_"
"""So that scanners for leaked secrets, and our own logs, know one when they see it."""
REFUSED: Final = (
    "No cluster has this id and this token, or the token has ended. "
    "A manager can make a new one with `cluster rotate`."
)
_TOKEN: Final = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_ID: Final = re.compile(r"[0-9a-f]{32}")
_NOTED_EVERY: Final = timedelta(minutes=1)
_NOBODYS: Final = "0" * 64


def new_token() -> Secret:
    """256 random bits, in letters that need no quoting anywhere."""
    return Secret(PREFIX + secrets.token_urlsafe(32))


def digest_of(token: Secret) -> str:
    """What is kept of a token. A plain hash will do: nobody searches 256 random bits."""
    return sha256(token.reveal().encode("utf-8", "replace")).hexdigest()


def is_cluster_id(text: str) -> bool:
    """Whether it has the shape of one; a database is asked for nothing else."""
    return _ID.fullmatch(text) is not None


async def authenticate(deps: Deps, cluster_id: str, token: Secret) -> ClusterView:
    """The cluster that signs in. Raises BadToken, the same whatever is wrong.

    That the token was used is noted at most once a minute, and not at all while the database cannot
    be written to.
    """
    if not is_cluster_id(cluster_id) or not _TOKEN.fullmatch(token.reveal()):
        raise BadToken(REFUSED)
    async with deps.store.reading() as session:
        row, kept = await clusters.with_tokens(session, cluster_id)
        now = await deps.store.now(session)
    match = _matching(kept, digest_of(token), now)
    if row is None or match is None:
        raise BadToken(REFUSED)
    await _note_use(deps, match, now)
    return clusters.view_of(row)


async def authenticate_alone(deps: Deps, token: Secret) -> ClusterView:
    """The cluster that a token is of, for who does not name it, such as a pipeline; BadToken."""
    cluster_id = ""
    if _TOKEN.fullmatch(token.reveal()):
        async with deps.store.reading() as session:
            kept = await clusters.token(session, digest_of(token))
        cluster_id = kept.cluster_id if kept else ""
    return await authenticate(deps, cluster_id, token)


async def identify(deps: Deps, cluster_id: str) -> ClusterView:
    """The cluster of an address, for who cannot sign in, such as an API server; NotFound."""
    if is_cluster_id(cluster_id):
        async with deps.store.reading() as session:
            row = await clusters.by_id(session, cluster_id)
        if row is not None:
            return clusters.view_of(row)
    raise NotFound("There is no such cluster.")


def _matching(kept: Iterable[ClusterToken], digest: str, now: datetime) -> ClusterToken | None:
    """The token with that digest if it is still good; looks at all, so that time tells nothing."""
    match = None
    hmac.compare_digest(_NOBODYS, digest)  # a cluster without tokens takes as long
    for one in kept:
        good = one.expires_at is None or now < one.expires_at
        if hmac.compare_digest(one.digest, digest) and good:
            match = one
    return match


async def _note_use(deps: Deps, token: ClusterToken, now: datetime) -> None:
    since = now - _NOTED_EVERY
    if token.used_at is not None and token.used_at >= since:
        return
    try:
        async with deps.store.transaction() as session:
            await clusters.note_use(session, token.digest, now, since)
    except StoreError:
        log.warning("the use of a cluster's token could not be noted", cluster=token.cluster_id)
