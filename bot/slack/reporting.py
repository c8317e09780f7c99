"""The report that somebody asks for: words in place, and the picture privately."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.core.report import Grid
from bot.errors import InvalidInput
from bot.slack.access import reader
from bot.slack.call import Call
from bot.slack.desk import Desk
from bot.slack.picture import alt_text, draw, title
from bot.slack.render_report import report_card
from bot.slack.trouble import AWAY, code_of
from bot.slack.upload import SharedFile, share
from bot.slack.words import day
from bot.usecases import reporting

log = structlog.get_logger(__name__)

USUAL_DAYS: Final = 30
MOST_DAYS: Final = 365
HERE: Final = "The picture of the last 30 days is in your conversation with Registrar."
NO_PICTURE: Final = (
    "The picture could not be sent ({why}). Whoever runs Registrar may have to install the app "
    "again, so that it may write files."
)


async def show_report(desk: Desk, call: Call, period: str = "") -> None:
    """`/registry report [30d]`: words at once, in place; the picture to the person."""
    now = desk.now()
    since = now - timedelta(days=days_meant(period))
    report = await reporting.report(desk.deps, reader(call), since, now)
    if not report.counters.total:
        await desk.answer(call, report_card(report, now))
        return
    await desk.answer(call, report_card(report, now, HERE))
    picture = await picture_of(report.grid, now)
    lead = f"The report of {day(since)} to {day(now)} that you asked for:"
    posted = await desk.client.chat_postMessage(channel=call.user, text=lead)
    try:
        await share(desk.client, str(posted["channel"]), picture)
    except AWAY as error:
        log.warning("report without its picture", error=code_of(error))
        await desk.client.chat_postMessage(
            channel=call.user, text=NO_PICTURE.format(why=code_of(error))
        )


def days_meant(period: str) -> int:
    """Days of `30d`, `30 days`, `2w` or `30`; InvalidInput for anything else, 30 for nothing."""
    text = period.strip().lower().replace(" ", "")
    if not text:
        return USUAL_DAYS
    for ending, days in (("days", 1), ("day", 1), ("weeks", 7), ("week", 7), ("d", 1), ("w", 7)):
        if text.endswith(ending):
            text, unit = text.removesuffix(ending), days
            break
    else:
        unit = 1
    if text.isdecimal() and len(text) < 5 and 1 <= int(text) * unit <= MOST_DAYS:
        return int(text) * unit
    raise InvalidInput({"period": f"Give a number of days up to {MOST_DAYS}, such as 30d."})


async def picture_of(grid: Grid, until: datetime) -> SharedFile:
    """Drawn in a thread: it takes about half a second of computing."""
    content = await asyncio.to_thread(draw, grid)
    name = f"registries-{until:%Y-%m-%d}.png"
    return SharedFile(name, title(grid), alt_text(grid), content)
