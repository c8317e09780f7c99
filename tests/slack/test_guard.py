"""Deleting and narrowing what is in use, in Slack."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.check import Verdict
from bot.core.usage import Change
from bot.slack.card import Card
from bot.slack.delete_form import delete_form
from bot.slack.metadata import ViewMeta
from bot.slack.render_narrowing import would_refuse
from bot.slack.render_news import news_card
from bot.usecases import registries
from bot.usecases.guard import Guard
from tests.factories import ALICE, NOW, add, clock_of, cluster, generic
from tests.slack.payloads import message_problems, view_problems
from tests.slack.test_uses import CLUSTERS, LONG
from tests.slack.test_worst_case import NASTY, REGISTRY, RESULT
from tests.slack.workspace import Office, Person
from tests.usecases.telling import inventory

IMAGE = "quay.io/acme/api:1"


@pytest.fixture
async def prod(office: Office) -> str:
    """The id of a cluster that uses a registry with twelve workloads."""
    await add(office.deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
    made = (await cluster(office.deps, "prod-eu")).cluster.id
    await inventory(office.deps, made, [(f"web/Pod/p{n:02}", IMAGE) for n in range(12)])
    return made


async def test_a_deletion_shows_whom_it_refuses(office: Office, alice: Person, prod: str) -> None:
    """The first ten and how many; a reason is asked for."""
    await alice.type("delete quay")
    shown = str(office.slack.view["blocks"])

    assert "Deployments may stop: 12 workloads in 1 cluster would be refused." in shown
    assert ("web/Pod/p09" in shown, "web/Pod/p10" in shown) == (True, False)
    assert "… and 2 others, 12 in all." in shown
    errors = await alice.submit(typed_name="quay")
    assert errors == {"reason": "It is in use: say why it is deleted all the same."}
    assert await alice.submit(typed_name="quay", reason="we move") == {}
    assert "`quay` is deleted" in str(office.slack.view["blocks"])


async def test_all_of_them_are_sent_as_a_file(office: Office, alice: Person, prod: str) -> None:
    """To the person, while the form stays."""
    await alice.type("delete quay")
    await alice.press("uses_file", "delete:quay", inside="modal")

    (content,) = office.slack.files.values()
    assert content.decode().count("web/Pod/p") == 12
    (shared,) = office.slack.of("files.completeUploadExternal")
    assert (shared["channel_id"], office.slack.of("views.update")) == ("UALICE", [])


async def test_a_file_that_cannot_be_sent_is_said(office: Office, alice: Person, prod: str) -> None:
    """With what to do about it."""
    await alice.type("delete quay")
    office.slack.fail("files.getUploadURLExternal", "missing_scope")
    await alice.press("uses_file", "delete:quay", inside="modal")

    assert "The file could not be sent (missing_scope)" in office.slack.said


async def test_a_deletion_says_who_covers_all_of_it(
    office: Office, alice: Person, prod: str
) -> None:
    """Then it is a move, and nothing is refused."""
    await add(office.deps, answers=generic("api", url="https://quay.io", path_scope="acme/api"))
    await alice.type("delete api")
    view = office.slack.view

    assert "`quay` covers all of it" in str(view["blocks"])
    assert view["submit"]["text"] == "Move and delete"
    await alice.submit(typed_name="api", reason="one is enough")
    assert (await registries.counters(office.deps, ALICE)).total == 1


async def test_a_silent_cluster_is_named(office: Office, alice: Person, prod: str) -> None:
    """It counts as in use."""
    await add(office.deps)
    clock_of(office.deps).skip(timedelta(days=3))
    await alice.type("delete harbor-team")

    shown = str(office.slack.view["blocks"])
    assert "No fresh inventory of `prod-eu` (the last 3 days ago)" in shown
    assert "So it counts as in use." in shown
    assert "reason" in await alice.submit(typed_name="harbor-team")


async def test_a_narrowing_edit_is_saved_after_a_word(
    office: Office, alice: Person, prod: str
) -> None:
    """The check is done, the outcome says whom it concerns, and a click saves it."""
    await alice.type("edit quay")
    assert await alice.submit(path_scope="acme/tools") == {}
    shown = office.slack.view
    said = str(shown["blocks"])

    assert "Proven, and not saved yet" in said
    assert "12 workloads in 1 cluster would be refused" in said
    save = next(
        one["value"]
        for block in shown["blocks"]
        for one in block.get("elements", ())
        if one.get("action_id") == "save_anyway"
    )
    await alice.press("uses_file", f"draft:{save}", inside="modal")
    assert office.slack.files
    assert (await registries.show(office.deps, ALICE, "quay")).path_scope == "acme"
    await alice.press("save_anyway", save, inside="modal")
    assert "Proven and saved" in str(office.slack.view["blocks"])
    assert (await registries.show(office.deps, ALICE, "quay")).path_scope == "acme/tools"


async def test_a_narrowing_edit_can_be_corrected(office: Office, alice: Person, prod: str) -> None:
    """What was typed is kept."""
    await alice.type("edit quay")
    await alice.submit(path_scope="acme/tools")
    blocks = office.slack.view["blocks"]
    draft = next(
        one["value"]
        for block in blocks
        for one in block.get("elements", ())
        if one.get("action_id") == "correct"
    )
    await alice.press("correct", draft, inside="modal")
    assert await alice.submit(path_scope="acme") == {}
    assert "Proven and saved" in str(office.slack.view["blocks"])


HEIRS = {f"{n:02}" + "h" * 61: 1000 for n in range(50)}
MANY = Change((LONG,) * 1000, (LONG,) * 1000, HEIRS)
WORST = Guard("n" * 63, MANY, CLUSTERS, {LONG: "refused"})


@pytest.mark.parametrize(
    "card",
    [
        would_refuse(RESULT, ViewMeta("C1", draft="d" * 32), WORST, NOW),
        would_refuse(replace(RESULT, verdict=Verdict.PROVEN), ViewMeta("C1"), WORST, NOW),
        news_card(
            "registry_deleted",
            {
                "registry": "n" * 63,
                "kind_label": NASTY,
                "workloads": "9" * 9,
                "refused_workloads": "9" * 9,
                "heir": NASTY,
                "silent": NASTY,
                "owner": NASTY,
                "reason": NASTY,
            },
        ),
    ],
    ids=["not proven", "proven", "news"],
)
def test_the_longest_warnings_stay_inside_the_limits(card: Card) -> None:
    """Of Slack, as messages and as windows."""
    assert message_problems(card.message()) == []
    assert view_problems(card.view("C1")) == []


def test_the_longest_form_stays_inside_the_limits() -> None:
    """With a thousand who would be refused."""
    assert view_problems(delete_form(REGISTRY, "C1", WORST, NOW)) == []
