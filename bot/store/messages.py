"""Where the message of a subject stands in Slack: its channel and timestamp, once it was posted."""

from __future__ import annotations

from typing import Any, Final

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.store.schema import ImageRequest, IncidentRow, Reminder, RotationRow, Storm

_HOLDERS: Final[dict[str, tuple[Any, Any]]] = {
    "incident": (IncidentRow, IncidentRow.id),
    "storm": (Storm, Storm.id),
    "reminder": (Reminder, Reminder.credential_id),
    "image_request": (ImageRequest, ImageRequest.id),
    "rotation": (RotationRow, RotationRow.id),
}


async def note_receipt(session: AsyncSession, subject: str, channel: str, ts: str) -> None:
    """Remember where the message of a subject such as `incident:ID` stands."""
    kind, _, name = subject.partition(":")
    if kind not in _HOLDERS or not ts:
        return
    table, key = _HOLDERS[kind]
    await session.exec(update(table).where(key == name).values(channel=channel, ts=ts))


async def place(session: AsyncSession, subject: str) -> tuple[str, str] | None:
    """The channel and timestamp of a subject's message; None before it was posted."""
    kind, _, name = subject.partition(":")
    if kind not in _HOLDERS:
        return None
    table, key = _HOLDERS[kind]
    found = (
        await session.exec(select(col(table.channel), col(table.ts)).where(key == name))
    ).first()
    return (found[0], found[1]) if found and found[1] else None
