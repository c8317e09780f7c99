"""Everything that Registrar shows, at its longest, stays inside Slack's limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.access import WorkspaceSettings
from bot.core.check import (
    Cause,
    CheckResult,
    Expiry,
    Level,
    Mark,
    Stage,
    StageResult,
    Verdict,
)
from bot.core.day_counts import DayState
from bot.core.health import Trouble
from bot.core.registry import (
    CheckView,
    Counters,
    CredentialView,
    Details,
    Environment,
    Filter,
    RegistryPage,
    RegistryView,
)
from bot.core.report import (
    Coming,
    ComingUp,
    Failure,
    Grid,
    GridRow,
    Next,
    Report,
    Rotated,
)
from bot.core.strip import SPANS, Tally
from bot.kinds.registry_kinds import KINDS
from bot.slack.card import Card
from bot.slack.delete_form import delete_form, deleted_card
from bot.slack.forms import FormState, kind_labels, registry_form
from bot.slack.letters import with_lead
from bot.slack.metadata import ListState, ViewMeta
from bot.slack.picture import alt_text
from bot.slack.render_help import help_card, picker_card
from bot.slack.render_history import history_card
from bot.slack.render_home import home_view
from bot.slack.render_list import list_card
from bot.slack.render_news import astray_lead, news_card
from bot.slack.render_report import report_card
from bot.slack.render_result import (
    all_checked,
    all_progress,
    checked,
    checking,
    not_saved,
    saved,
    waiting,
)
from bot.slack.render_show import show_card
from bot.slack.settings_form import saved_card, settings_form
from bot.usecases.guard import Guard
from bot.usecases.homes import HomeContent
from bot.usecases.looking_back import LookBack
from tests.slack.payloads import message_problems, view_problems

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
NASTY = "<!channel> & <@U0EVIL> @here `*_~ 💥\u202e漢字\n" * 200
NAME = "n" * 63
USER = "U" + "W" * 20
DRAFT = "d" * 32
STAGES = tuple(StageResult(stage, Mark.FAILED, NASTY) for stage in Stage)
CHECK = CheckView(
    at=NOW,
    took=9.99,
    verdict=Verdict.UNREACHABLE,
    sentence=NASTY,
    remedy=NASTY,
    cause=Cause.TIMEOUT,
    stages=STAGES,
    trigger=NASTY,
    by=USER,
)
RESULT = CheckResult(
    verdict=Verdict.REFUSED,
    level=Level.E0,
    stage=Stage.LOGIN,
    sentence=NASTY,
    remedy=NASTY,
    at=NOW,
    took=9.99,
    identity=NASTY,
    warnings=(NASTY,) * 20,
    retry_at=NOW,
    stages=STAGES,
)
REGISTRY = RegistryView(
    id="r" * 32,
    kind="github_enterprise",
    variant="account",
    kind_label="GitHub Enterprise Container Registry",
    url="https://" + "h" * 250,
    host="h" * 253,
    path_scope="p" * 255,
    test_image="i" * 300,
    details=Details(NAME, NASTY, Environment.DEVELOPMENT, USER, 3650),
    version=10**9,
    created_by=USER,
    updated_by=USER,
    updated_at=NOW,
    verdict=Verdict.UNREACHABLE,
    sentence=NASTY,
    remedy=NASTY,
    checked_at=NOW - timedelta(days=4000),
    next_check_at=NOW + timedelta(days=7),
    credential=CredentialView(
        login=NASTY,
        fingerprint="9f3c 11ab",
        stored_at=NOW - timedelta(days=4000),
        proven=False,
        issued_at=NOW - timedelta(days=4000),
        expiry=Expiry(NOW, "provider"),
    ),
    last_check=CHECK,
)
LOOK = LookBack(
    checks=(CHECK,) * 20,
    hours=tuple(Tally(NOW, 1, 1) for _ in range(24)),
    days=tuple(Tally(NOW) for _ in range(30)),
    shares=tuple((span, 0.123) for span in SPANS),
)
COMING = ComingUp(
    soon=(
        Coming(
            NAME, "github_enterprise", NOW + timedelta(days=3650), Next.EXPIRY, "provider", USER
        ),
    )
    * 5,
    overdue=(
        Coming(NAME, "github_enterprise", NOW - timedelta(days=3650), Next.ROTATION, "", USER),
    )
    * 1_000,
    total=1_000,
)
LONG_FILTER = Filter(NASTY[:150], "github_enterprise", "development", USER, attention=True)
PAGE = RegistryPage((REGISTRY,) * 10, 50, 100, 1_000, 1_000, LONG_FILTER)
COUNTERS = Counters(1_000, dict.fromkeys(Verdict, 160), 40, 1_000, 1_000)
REPORT = Report(
    since=NOW - timedelta(days=365),
    until=NOW,
    counters=COUNTERS,
    failures=(Failure((NAME,) * 1_000, Trouble.UNREACHABLE, NASTY, NOW - timedelta(days=300)),)
    * 1_000,
    rotated=(Rotated(NAME, NOW, USER),) * 1_000,
    coming=COMING,
    unproven=(NAME,) * 1_000,
    idle=(NAME,) * 1_000,
    grid=Grid((NOW.date(),), (GridRow(NASTY, (DayState.FAILED,)),) * 49, 1_000),
)
GROUPS = [(f"S{number:09}", NASTY[:80]) for number in range(1_000)]
SETTINGS = WorkspaceSettings(
    alert_channel="C" + "9" * 20,
    recheck_minutes=10_080,
    rotate_days=3650,
    manager_users=(USER,) * 50,
    manager_groups=tuple(group for group, _ in GROUPS[:100]),
    configured=True,
    version=10**9,
)
NEWS = {
    "registry": NAME,
    "kind_label": NASTY,
    "host": NASTY,
    "path_scope": NASTY,
    "environment": "development",
    "by": USER,
    "verdict": "refused",
    "sentence": NASTY,
    "reason": NASTY,
    "changed": NASTY,
}
META = ViewMeta("C" * 20, "github_enterprise", "account", NAME, 10**9, DRAFT, "x,y,z")

CARDS = {
    "help": help_card(COUNTERS, WorkspaceSettings(), "/registry", "l" * 500),
    "picker": picker_card("history", "l" * 900),
    "list": list_card(PAGE, NOW, kind_labels()),
    "broken": list_card(
        replace(PAGE, rows=(replace(REGISTRY, broken=NASTY),) * 10), NOW, kind_labels()
    ),
    "show": show_card(REGISTRY, NOW),
    "show broken": show_card(replace(REGISTRY, broken=NASTY), NOW),
    "never checked": show_card(
        replace(REGISTRY, verdict=None, last_check=None, credential=None), NOW
    ),
    "history": history_card(NAME, LOOK, NOW),
    "report": report_card(REPORT, NOW, "n" * 1000),
    "checking": checking(NASTY, STAGES, META),
    "saved": saved(REGISTRY, RESULT, NOW, new=True),
    "saved anyway": saved(REGISTRY, None, NOW, new=False),
    "not saved": not_saved(RESULT, META),
    "waiting": waiting(DRAFT, "You closed the window."),
    "checked": checked(REGISTRY, RESULT, NOW),
    "progress": all_progress(999, 1_000, NAME),
    "all": all_checked(((REGISTRY, RESULT),) * 1_000, 999.0),
    "none": all_checked((), 0.0),
    "deleted": deleted_card(NAME, "/" + "c" * 31),
    "settings": saved_card(SETTINGS, "p" * 500),
    "news": news_card("registry_deleted", NEWS),
    "other news": news_card(NASTY, {}),
}
ANSWERS = {
    **dict.fromkeys(("url", "region", "username", "role_arn", "external_id"), NASTY),
    **dict.fromkeys(("access_key_id", "project_id", "access_key"), NASTY),
    **dict.fromkeys(("path_scope", "test_image", "description"), NASTY),
    "name": NAME,
    "environment": "development",
    "owner": USER,
    "rotate_days": "3650",
    "expires_on": "2030-01-01",
}


@pytest.mark.parametrize("name", CARDS)
def test_every_card_fits_a_message_and_a_window(name: str) -> None:
    """With a text that says something, and no power of what people wrote."""
    card: Card = CARDS[name]

    assert message_problems(card.message()) == []
    assert view_problems(card.view("C" * 20)) == []
    shown = json.dumps(list(texts(card.message())))
    assert "<!channel>" not in shown
    assert "<@U0EVIL>" not in shown


def texts(found: Any) -> Iterator[str]:
    """Every text that is shown; what buttons carry is not."""
    if isinstance(found, dict):
        for key, value in found.items():
            if isinstance(value, str) and key == "text":
                yield value
            yield from texts(value)
    elif isinstance(found, list):
        for each in found:
            yield from texts(each)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("editing", ["", NAME])
def test_every_form_fits(kind: str, editing: str) -> None:
    """New, edited and corrected, of every variant."""
    for variant in KINDS[kind].variants:
        kept = ",".join(field.name for field in variant.fields if field.secret)
        meta = replace(META, kind=kind, variant=variant.slug, editing=editing, kept=kept)
        form = registry_form(FormState(meta, ANSWERS, (NASTY,) * 5))
        assert view_problems(form) == []
        assert view_problems(registry_form(FormState(replace(meta, draft="", kept="")))) == []


def test_the_other_forms_fit() -> None:
    """Delete, and settings with a thousand user groups or none."""
    forms: list[dict[str, Any]] = [
        delete_form(REGISTRY, "C" * 20, Guard(NAME), NOW),
        settings_form(SETTINGS, GROUPS, "C" * 20),
        settings_form(SETTINGS, GROUPS[:50], "C" * 20),
        settings_form(WorkspaceSettings(), [], ""),
    ]

    assert [view_problems(form) for form in forms] == [[], [], [], []]


def test_the_home_tab_fits() -> None:
    """With a thousand registries that all need attention."""
    page = replace(PAGE, rows=(REGISTRY,) * 20)
    shown = HomeContent(COUNTERS, WorkspaceSettings(), page, COMING, page)
    view = home_view(shown, NOW, kind_labels())

    assert view_problems(view) == []
    assert len(view["blocks"]) <= 60


def test_a_pictures_words_fit() -> None:
    """The alternative text of an image has 2,000 characters, and so has no more."""
    assert len(alt_text(REPORT.grid)) <= 2000


def test_news_that_could_not_be_posted_fit() -> None:
    """With the reason before them."""
    stray = with_lead(CARDS["news"], astray_lead("C" * 20, NASTY))

    assert message_problems(stray.message()) == []


def test_what_buttons_carry_fits() -> None:
    """A filter of any letters in a button's 2,000 characters."""
    state = ListState(100, replace(LONG_FILTER, text="漢\x00" * 400))

    assert len(state.dump()) <= 2000
    assert ListState.parse(state.dump()).page == 100


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"page":"x","text":3,"version":"y"}', "null"]
)
def test_what_another_release_wrote_is_read_as_nothing(text: str) -> None:
    """Metadata and buttons live longer than a release."""
    assert ViewMeta.parse(text) == ViewMeta()
    assert ListState.parse(text) == ListState()


def test_what_a_form_hides_fits() -> None:
    """The shorter answers are kept, and one that has no room is asked for again."""
    meta = META.put_away({"role_arn": "r" * 600, "external_id": "漢" * 1224})

    assert (dict(meta.away), len(meta.dump()) < 3000) == ({"role_arn": "r" * 600}, True)
    assert ViewMeta.parse(meta.dump()) == meta


def test_what_a_window_remembers_comes_back() -> None:
    """And stays within what Slack keeps."""
    assert ViewMeta.parse(META.dump()) == META
    assert len(META.dump()) < 3000
