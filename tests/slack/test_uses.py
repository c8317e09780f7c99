"""Who uses what, asked in Slack."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.cluster import ClusterView, Mode
from bot.core.registry import Environment
from bot.core.usage import Running, Source, Use
from bot.slack.card import Card
from bot.slack.render_uses import PAGE, uncovered_card, unused_card, uses_card
from bot.usecases.uses import OfRegistry, Uncovered, Unused
from tests.factories import NOW, add, clock_of, cluster, generic
from tests.slack.payloads import message_problems, view_problems
from tests.slack.workspace import Office, Person
from tests.usecases.telling import declared, inventory

IMAGE = "quay.io/acme/api:1"


@pytest.fixture
async def prod(office: Office) -> str:
    """The id of a cluster, in a workspace with a registry."""
    await add(office.deps, answers=generic("quay", url="https://quay.io", path_scope="acme"))
    return (await cluster(office.deps, "prod-eu")).cluster.id


async def test_uses_are_told_by_cluster_and_namespace(
    office: Office, bob: Person, prod: str
) -> None:
    """And those of a pipeline by project and environment."""
    await inventory(office.deps, prod, [("web/Deployment/api", IMAGE), ("jobs/Job/x", IMAGE)])
    await declared(office.deps, "shop/production/web", IMAGE)
    clock_of(office.deps).skip(timedelta(minutes=12))
    await bob.type("uses quay")

    lines = office.slack.responses[-1]["text"].splitlines()
    assert lines == [
        "*`quay` is used by 2 workloads in 1 cluster and 1 declared service*",
        "*shop/production*",
        "• web · `quay.io/acme/api:1` · declared by a pipeline 12 min ago",
        "*prod-eu / jobs*",
        "• Job/x · `quay.io/acme/api:1` · in its cluster's inventory 12 min ago",
        "*prod-eu / web*",
        "• Deployment/api · `quay.io/acme/api:1` · in its cluster's inventory 12 min ago",
    ]


async def test_many_uses_have_pages(office: Office, bob: Person, prod: str) -> None:
    """Turned in place."""
    many = [(f"web/Deployment/api-{n:02}", IMAGE) for n in range(PAGE + 1)]
    await inventory(office.deps, prod, many)
    await bob.type("uses quay")
    assert "api-15" not in office.slack.responses[-1]["text"]
    await bob.press("uses_next", "quay:2")

    shown = office.slack.responses[-1]
    assert ("api-15" in shown["text"], shown["replace_original"]) == (True, True)
    assert "Page 2 of 2" in shown["text"]


async def test_what_is_not_known_is_said(office: Office, bob: Person, prod: str) -> None:
    """A cluster that never told may run anything."""
    await bob.type("uses quay")

    said = office.slack.responses[-1]["text"]
    assert "Nothing is known to use `quay`" in said
    assert "No fresh inventory of `prod-eu` (never one)" in said


async def test_the_list_and_the_card_count_workloads(
    office: Office, bob: Person, prod: str
) -> None:
    """With a button to see them."""
    await inventory(office.deps, prod, [("web/Deployment/api", IMAGE), ("web/Pod/b", IMAGE)])
    await bob.type("list")
    assert "used by 2" in office.slack.responses[-1]["text"]
    await bob.type("show quay")

    shown = office.slack.responses[-1]
    assert "Used by 2 workloads in 1 cluster." in shown["text"]
    assert "'action_id': 'uses'" in str(shown["blocks"])


async def test_unused_registries_are_listed(office: Office, bob: Person, prod: str) -> None:
    """With the reason to doubt it."""
    await add(office.deps, answers=generic("idle"))
    await inventory(office.deps, prod, [("web/Deployment/api", IMAGE)])
    await cluster(office.deps, "silent")
    await bob.type("unused")

    said = office.slack.responses[-1]["text"]
    assert "*1 registry that nothing is known to use*\n`idle`" in said
    assert "No fresh inventory of `silent`" in said


async def test_without_a_cluster_unused_says_what_is_missing(office: Office, bob: Person) -> None:
    """Nothing tells anything."""
    await add(office.deps)
    await bob.type("unused")

    assert "No cluster tells what it runs" in office.slack.responses[-1]["text"]


async def test_uncovered_images_can_be_asked_for(
    office: Office, alice: Person, bob: Person, prod: str
) -> None:
    """With the click that a refused check has."""
    await inventory(office.deps, prod, [("web/Pod/a", "ghcr.io/other/app:1"), ("web/Pod/b", IMAGE)])
    await bob.type("uncovered")

    shown = office.slack.responses[-1]
    assert (
        "`ghcr.io/other/app` · 1 workload in 1 cluster, such as prod-eu/web/Pod/a" in shown["text"]
    )
    await bob.press("ask_register", "ghcr.io/other/app")
    assert "`ghcr.io/other/app`" in office.slack.said


async def test_everything_covered_is_good_news(office: Office, bob: Person, prod: str) -> None:
    """Said plainly."""
    await inventory(office.deps, prod, [("web/Pod/b", IMAGE)])
    await bob.type("uncovered")

    assert office.slack.responses[-1]["text"] == (
        "*Registered registries cover every image that is known to run.*"
    )


LONG = Use(
    Source.SIGHTED,
    "c" * 63,
    "n" * 63 + "/" + "K" * 300 + "/" + "&" * 330,
    "h.io/" + "i" * 1000,
    NOW,
    NOW,
)
CLUSTERS = tuple(
    ClusterView(f"{n:032x}", "T1", f"{n:02}" + "c" * 61, Environment.ANY, Mode.AUDIT)
    for n in range(99)
)
RUNNING = Running((LONG,), CLUSTERS, 99)


@pytest.mark.parametrize(
    "card",
    [
        uses_card(OfRegistry("n" * 63, (LONG,) * 1000, RUNNING), NOW, 30),
        unused_card(Unused(("n" * 63,) * 1000, ("m" * 63,) * 1000, RUNNING), NOW),
        uncovered_card(
            Uncovered({f"{n:04}" + "h" * 1000: (LONG,) * 9 for n in range(100)}, RUNNING), NOW
        ),
        uses_card(
            OfRegistry("n", (replace(LONG, cluster="", place="a/b/" + "<" * 200),), RUNNING), NOW
        ),
    ],
    ids=["uses", "unused", "uncovered", "declared"],
)
def test_the_longest_answers_stay_inside_the_limits(card: Card) -> None:
    """Of Slack, as messages and as windows."""
    assert message_problems(card.message()) == []
    assert view_problems(card.view("C1")) == []
