"""One credential that registries share, as reminders and reports tell of it: once, for all of them.

They share it where one rotation would replace it for all of them, see `bot.kinds.sharing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from bot.core.check import Expiry
from bot.core.reminders import Subject
from bot.kinds.sharing import mark
from bot.store import reminders
from bot.store.reminders import DIED, OPEN_MESSAGE, Wanting
from bot.store.schema import Credential, Reminder

PERSON: Final = "person"
YEARS: Final = range(1990, 9000)  # dates beyond these stand for "unknown" and "never"


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one credential from all the registries that have it.

    `typed` is the soonest date that a person typed, whoever told the expiry; `age_told` says that
    the provider told when it was issued; `proven` that one of them was seen to work.
    """

    subject: Subject
    expiry: Expiry | None
    age_told: bool
    typed: datetime | None
    proven: bool


def grouped(found: Iterable[Wanting]) -> list[list[Wanting]]:
    """Those that share one credential, together; the order is kept."""
    groups: dict[tuple[str, ...], list[Wanting]] = {}
    for one in found:
        groups.setdefault(mark_of(one), []).append(one)
    return list(groups.values())


def mark_of(found: Wanting) -> tuple[str, ...]:
    """What is equal for those that share one credential."""
    registry, held = found.registry, found.credential
    if not held.fingerprint:
        return (held.id,)
    return mark(registry.kind, registry.host, held.login, held.fingerprint)


def lead_of(group: Sequence[Wanting]) -> Wanting:
    """Whose row speaks for all: whose message stands, else the one that always did, or the oldest.

    Two that have messages of their own shared nothing before.
    """
    return min(group, key=_precedence)


def living(group: Sequence[Wanting]) -> list[Wanting]:
    """Those in force that no alert tells of."""
    return [one for one in group if one.kept and not one.dead]


def story_of(group: Sequence[Wanting], lead: Reminder | None, zone: ZoneInfo) -> Story:
    """What its plan is made from, in a workspace's zone; `lead` is the row that speaks for all.

    The soonest end counts and the shortest rotation age, the provider's word before a person's.
    """
    expiry = _expiry(group, zone)
    told = [at for one in group if (at := one.credential.issued_at) and at.year in YEARS]
    since = min(told) if told else min(one.credential.stored_at for one in group)
    rows = [one.reminder for one in group] + [lead]
    aged_from = max([since, *(row.rotated_at for row in rows if row and row.rotated_at)])
    subject = Subject(
        known_at=min(one.credential.stored_at for one in group),
        expires_at=expiry.at if expiry else None,
        aged_from=aged_from,
        rotate_days=min((d for one in group if (d := one.registry.rotate_days) > 0), default=0),
        snooze=reminders.snooze_of(lead),
    )
    typed = [at for one in group if (at := one.credential.expires_typed)]
    return Story(
        subject=subject,
        expiry=expiry,
        age_told=bool(told) and aged_from == since,
        typed=min(typed, default=None),
        proven=any(one.credential.proven for one in group),
    )


def expiry_of(credential: Credential, zone: ZoneInfo) -> Expiry | None:
    """The stored expiry; what a person typed is a day of their calendar, stored as that of UTC."""
    at, source = credential.expires_at, credential.expires_source
    if not source:
        return None
    if at is not None and at.year not in YEARS:
        return Expiry(None, source)
    if at is not None and source == PERSON:
        at = at.replace(tzinfo=zone).astimezone(UTC)
    return Expiry(at, source)


def _expiry(group: Sequence[Wanting], zone: ZoneInfo) -> Expiry | None:
    known = [end for one in group if (end := expiry_of(one.credential, zone)) is not None]
    told = [end for end in known if end.source != PERSON] or known
    return min(told, key=lambda end: end.at or datetime.max.replace(tzinfo=UTC), default=None)


def _precedence(found: Wanting) -> tuple[int, bool, datetime, str, str]:
    row, held = found.reminder, found.credential
    place = 3 if row is None or row.lead else {OPEN_MESSAGE: 0, DIED: 1}.get(row.state, 2)
    return (place, not found.kept, held.stored_at, found.registry.name, held.id)
