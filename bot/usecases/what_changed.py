"""Words for somebody who was slower: who changed what, and when."""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import Conflict, Overtaken
from bot.store import audit
from bot.store.schema import AuditEvent, Registry


async def conflict(session: AsyncSession, row: Registry, seen: int) -> Conflict:
    """The refusal to overwrite what others did since version `seen`."""
    done = await _done(session, row, seen)
    return Conflict(f"{done} Nothing of yours was saved; open it again to see how it is now.")


async def overtaken(session: AsyncSession, row: Registry, seen: int, draft_id: str) -> Overtaken:
    """The same for an edit, whose answers are kept as the draft `draft_id`."""
    done = await _done(session, row, seen)
    kept = "Nothing of yours was saved; what you typed is kept for 15 minutes."
    return Overtaken(f"{done} {kept}", draft_id)


async def _done(session: AsyncSession, row: Registry, seen: int) -> str:
    events = await audit.of_registry(session, row.id, seen)
    done = "; ".join(_words(event) for event in events[-3:]) or "Somebody else changed it"
    return f"{row.name} was changed while you had it open. {done}."


def _words(event: AuditEvent) -> str:
    verb = event.action.removeprefix("registry_")
    changed = audit.details(event).get("changed", "")
    what = f" ({changed})" if changed else ""
    return f"<@{event.user_id}> {verb} it at {event.at:%H:%M} UTC on {event.at:%d %b}{what}"
