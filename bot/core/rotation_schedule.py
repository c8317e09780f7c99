"""When a credential is rotated by itself: at an age, or some days before it expires, at work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.worktime import WorkHours

DAY: Final = timedelta(days=1)
DAYS_MOST: Final = 3650


@dataclass(frozen=True, slots=True)
class Wish:
    """What a registry's policy says; None: not by that."""

    at_age_days: int | None = None
    before_expiry_days: int | None = None


def due_at(wish: Wish, aged_from: datetime, expires_at: datetime | None) -> datetime | None:
    """The first moment at which it is wished for; None when it never is."""
    moments = []
    if wish.at_age_days is not None:
        moments.append(aged_from + wish.at_age_days * DAY)
    if wish.before_expiry_days is not None and expires_at is not None:
        moments.append(expires_at - wish.before_expiry_days * DAY)
    return min(moments, default=None)


def opens_at(
    due: datetime, now: datetime, hours: WorkHours, frozen_until: datetime | None
) -> datetime:
    """The first moment from now on at which people are at work and nothing is frozen.

    Somebody should be there when a credential changes.
    """
    at = max(due, now, frozen_until or now)
    return at if hours.at_work(at) else hours.opening(at)
