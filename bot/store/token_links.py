"""Pages outside Slack that show a cluster's token once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.secret import Secret
from bot.errors import Undecryptable
from bot.store.cipher import Keyring, Place
from bot.store.schema import Cluster, TokenLink


def sealed(row: TokenLink, token: Secret, code: str, place: Place, keyring: Keyring) -> TokenLink:
    """Put the token, and the code that has to be typed for it, into the row."""
    row.blob = keyring.seal({"token": token, "code": Secret(code)}, place)
    return row


def opened(row: TokenLink, place: Place, keyring: Keyring) -> tuple[Secret, str]:
    """The token and the code; raises Undecryptable when there is nothing that opens."""
    if row.blob is None:
        raise Undecryptable("The token of this link is gone.")
    found = keyring.open(row.blob, place)
    return found["token"], found["code"].reveal()


def place_of(row: TokenLink, cluster: Cluster) -> Place:
    """The row that its ciphertext is bound to."""
    return Place(cluster.team_id, cluster.id, f"token link {row.digest}")


async def add(session: AsyncSession, row: TokenLink) -> None:
    session.add(row)
    await session.flush()


async def waiting(
    session: AsyncSession, digest: str, now: datetime, *, lock: bool = False
) -> TokenLink | None:
    """The link with that digest if its token may still be shown."""
    wanted = select(TokenLink).where(
        col(TokenLink.digest) == digest,
        col(TokenLink.blob).is_not(None),
        col(TokenLink.expires_at) > now,
    )
    return (await session.exec(wanted.with_for_update() if lock else wanted)).first()


async def end_unseen(session: AsyncSession, cluster_id: str) -> list[str]:
    """Destroy what the open links of a cluster hold; the digests of tokens that nobody saw."""
    mine = (col(TokenLink.cluster_id) == cluster_id, col(TokenLink.blob).is_not(None))
    unseen = (await session.exec(select(TokenLink.token_digest).where(*mine))).all()
    await session.exec(update(TokenLink).where(*mine).values(blob=None))
    return list(unseen)


async def expired(session: AsyncSession, now: datetime, limit: int) -> Sequence[TokenLink]:
    wanted = select(TokenLink).where(col(TokenLink.expires_at) <= now)
    return (await session.exec(wanted.limit(limit))).all()


async def forget(session: AsyncSession, digests: Sequence[str]) -> None:
    await session.exec(delete(TokenLink).where(col(TokenLink.digest).in_(digests)))
