"""Alerts at their longest stay inside Slack's limits, and leave nobody out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from bot.core.health import Open, Trouble
from bot.core.incident import Rules, open_incident
from bot.slack.render_incident import escalation_card, incident_card
from bot.slack.render_notice import NOTICES, notice_card
from bot.slack.render_storm import pages_card, rows_of, storm_card, storm_escalation_card
from bot.usecases.incident_view import AffectedView, IncidentView, StormView
from tests.slack.payloads import message_problems, view_problems

NOW: Final = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
NASTY: Final = "<!here> & *_`~>😀漢 " * 30


def test_a_storm_of_2800_registries_fits() -> None:
    """Every registry is in the list or on its pages, and every message inside Slack's limits."""
    affected = [
        AffectedView(
            id=f"r{number}",
            name=f"registry-{number:04}-{'x' * 40}",
            kind="generic",
            kind_label=NASTY,
            host=f"registry-{number}.{'long-' * 20}example.com",
            path_scope="p" * 200,
            environment="production",
            owner=f"UOWNER{number}",
            sentence=NASTY,
            left_at=None,
        )
        for number in range(2_800)
    ]
    incident = open_incident(
        Open(Trouble.REFUSED, NOW, NASTY * 9, NASTY * 9, None, 2), NOW, Rules(), production=True
    ).incident
    views = [
        IncidentView(f"{number:032}", "T1", incident, (one,), storm_id="s")
        for number, one in enumerate(affected)
    ]
    storm = StormView("s" * 32, "T1", Trouble.REFUSED, "C9", "1.0", NOW, tuple(views))
    shared = IncidentView("i" * 32, "T1", incident, tuple(affected))
    rows = rows_of(views)
    pages = [pages_card(f"storm:{storm.id}", rows, number).view() for number in range(1, 71)]

    assert message_problems(storm_card(storm).message()) == []
    assert message_problems(storm_escalation_card(storm, {"to": "S1"}).message()) == []
    assert message_problems(incident_card(shared, by=NASTY).message()) == []
    assert message_problems(escalation_card(shared, {"to": "S1"}, "https://a.b/c").message()) == []
    assert [view_problems(page) for page in (pages[0], pages[34], pages[69])] == [[], [], []]
    listed = "".join(str(page["blocks"]) for page in pages)
    assert all(one.name in listed for one in affected)


@pytest.mark.parametrize("what", NOTICES)
def test_notices_fit(what: str) -> None:
    """Whatever they hold, and also when they hold nothing."""
    names = ("registry", "host", "kind_label", "owner", "rate", "attempts", "since", "until")
    values = dict.fromkeys(names, NASTY * 20) | {"registry": "a" * 100}

    assert message_problems(notice_card(what, values).message()) == []
    assert message_problems(notice_card(what, {}).message()) == []
