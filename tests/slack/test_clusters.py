"""`/registry cluster` in Slack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cluster import ClusterView, Mode, NamespaceRule
from bot.core.registry import Environment
from bot.core.secret import Secret
from bot.slack import ids
from bot.slack.cluster_forms import add_form, delete_form
from bot.slack.cluster_line import ClusterLine, parse
from bot.slack.render_cluster import (
    cluster_card,
    clusters_card,
    link_card,
    no_page_card,
    usage_card,
)
from bot.usecases import cluster_rotation, clusters, secret_links, workspaces
from bot.usecases.cluster_tokens import authenticate
from bot.usecases.clusters import ClusterDetails, TokenView
from bot.usecases.deps import Deps
from bot.usecases.secret_links import Link
from tests.factories import ALICE, NOW, cluster
from tests.slack.payloads import message_problems, view_problems
from tests.slack.test_worst_case import NASTY, USER
from tests.slack.workspace import PUBLIC_URL, Office, Person, opened


@pytest.fixture
async def hall(office: Office) -> Office:
    """A workspace that Alice manages, with one cluster."""
    settings = await workspaces.settings(office.deps, ALICE)
    await workspaces.change_settings(
        office.deps, ALICE, replace(settings, manager_users=("UALICE",))
    )
    await cluster(office.deps, mode="warn")
    return office


@pytest.fixture
async def without_page(deps: Deps) -> AsyncIterator[Office]:
    """A bot whose PUBLIC_URL is not set."""
    async with opened(deps, public_url="") as made:
        yield made
    assert made.slack.problems == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ClusterLine("list")),
        ("LIST", ClusterLine("list")),
        ("prod-eu", ClusterLine("show", "prod-eu")),
        ("Show Prod EU", ClusterLine("show", "prod-eu")),
        ("add prod-eu", ClusterLine("add", "prod-eu")),
        (
            "add prod-eu Production warn",
            ClusterLine("add", "prod-eu", environment="production", mode="warn"),
        ),
        ("add production", ClusterLine("add", "production")),
        ("mode prod-eu enforce", ClusterLine("mode", "prod-eu", "", "enforce")),
        ("mode prod-eu web enforce", ClusterLine("mode", "prod-eu", "web", "enforce")),
        ("mode prod-eu/web enforce", ClusterLine("mode", "prod-eu", "web", "enforce")),
        ("mode prod-eu namespace web to WARN", ClusterLine("mode", "prod-eu", "web", "warn")),
        ("mode prod-eu enforce web", ClusterLine("mode", "prod-eu", "web", "enforce")),
        ("mode warn warn", ClusterLine("mode", "warn", "", "warn")),
        ("mode prod-eu web inherit", ClusterLine("mode", "prod-eu", "web", "inherit")),
        ("mode prod-eu strict", ClusterLine("mode", "prod-eu", "", "strict")),
        ("mode prod-eu", ClusterLine("mode", "prod-eu")),
        ("mode", ClusterLine("mode")),
        ("environment prod-eu any", ClusterLine("environment", "prod-eu", "", "any")),
        ("rotate prod-eu", ClusterLine("rotate", "prod-eu")),
        ("revoke prod-eu", ClusterLine("revoke", "prod-eu")),
        ("revoke prod-eu ALL", ClusterLine("revoke", "prod-eu", everything=True)),
        ("revoke all", ClusterLine("revoke", "all")),
        ("delete", ClusterLine("delete")),
    ],
)
def test_what_was_typed_is_read_as_it_was_meant(typed: str, meant: ClusterLine) -> None:
    """Capitals, order and filling words do not matter."""
    assert parse(typed.split()) == meant


async def test_a_cluster_is_added_and_its_token_seen_outside(hall: Office, alice: Person) -> None:
    """The answer holds a link and a code; the token is nowhere in Slack."""
    await alice.type("cluster add staging-eu staging")
    assert await alice.submit(mode="enforce") == {}

    url, code = _link(hall.slack.view["blocks"])
    assert url.startswith(f"{PUBLIC_URL}/secret/")
    shown = await secret_links.show(hall.deps, url.rpartition("/")[2], code)
    assert (shown.cluster.name, shown.cluster.environment) == ("staging-eu", Environment.STAGING)
    assert shown.cluster.mode is Mode.ENFORCE
    await authenticate(hall.deps, shown.cluster.id, shown.token)
    _nowhere(hall, shown.token)


@pytest.mark.parametrize("name", ["Prod EU", "prod-eu", "-", "<!channel>", "x" * 100])
async def test_a_name_that_will_not_do_is_said_on_its_field(
    hall: Office, alice: Person, name: str
) -> None:
    """Nothing that was typed is lost."""
    await alice.type("cluster add")
    errors = await alice.submit(name=name, mode="warn")

    assert set(errors) == {"name"}
    assert [one.name for one in await clusters.list_clusters(hall.deps, ALICE)] == ["prod-eu"]


async def test_a_rotation_answers_with_a_link(hall: Office, alice: Person) -> None:
    """And says how long the old token is good."""
    await alice.type("cluster rotate PROD-EU")

    message = hall.slack.responses[-1]
    url, code = _link(message["blocks"])
    shown = await secret_links.show(hall.deps, url.rpartition("/")[2], code)
    assert "The token before is good until" in message["text"]
    assert code in message["text"]
    _nowhere(hall, shown.token)


async def test_the_card_shows_what_holds_and_what_can_be_done(hall: Office, alice: Person) -> None:
    """Mode, namespaces, tokens; its select and buttons lead on."""
    await clusters.set_mode(hall.deps, ALICE, "prod-eu", "enforce", "web")
    await alice.type("cluster prod-eu")
    said = hall.slack.responses[-1]["text"]
    assert "⚠ warn" in said
    assert "`web` ⛔ enforce" in said
    assert "never used yet" in said

    await alice.choose(ids.CLUSTER_MODE, "enforce:prod-eu")
    assert "*☸ `prod-eu`* · ⛔ enforce" in hall.slack.responses[-1]["text"]
    await alice.press(ids.CLUSTER_ROTATE, "prod-eu")
    _link(hall.slack.responses[-1]["blocks"])
    await alice.press(ids.CLUSTER_REVOKE, "prod-eu")
    assert "1 token has ended" in hall.slack.responses[-1]["text"]
    await alice.press(ids.CLUSTER_REVOKE, "prod-eu")
    assert "no token that was replaced" in hall.slack.responses[-1]["text"]


async def test_modes_and_environments_are_set_by_typing(hall: Office, alice: Person) -> None:
    """For the cluster or a namespace; what is none is answered with those there are."""
    await alice.type("cluster mode prod-eu enforce")
    await alice.type("cluster environment prod-eu web staging")
    found = (await clusters.show(hall.deps, ALICE, "prod-eu")).cluster
    assert found.mode is Mode.ENFORCE
    assert found.environment_of("web") is Environment.STAGING

    await alice.type("cluster mode prod-eu strict")
    assert "It is one of audit, warn, enforce." in hall.slack.responses[-1]["text"]
    await alice.type("cluster mode prod-eu")
    assert "cluster mode prod-eu web enforce" in hall.slack.responses[-1]["text"]
    await alice.type("cluster mode prod-eu We!b warn")
    assert "no name of a namespace" in hall.slack.responses[-1]["text"]


async def test_a_name_that_is_missing_or_wrong_is_answered_with_the_list(
    hall: Office, bob: Person
) -> None:
    """So that a click goes on."""
    await bob.type("cluster rotate")
    assert "Which cluster do you want to rotate?" in hall.slack.responses[-1]["text"]
    await bob.type("cluster show prod-ue")
    said = hall.slack.responses[-1]["text"]
    assert "Did you mean prod-eu?" in said
    assert "*☸ `prod-eu`*" in said
    await bob.press(ids.CLUSTER_SHOW, "prod-eu")
    assert "Its id is" in hall.slack.responses[-1]["text"]


async def test_deleting_asks_for_the_name(hall: Office, alice: Person) -> None:
    """Another answer stands on the field."""
    await alice.type("cluster delete prod-eu")
    assert set(await alice.submit(typed_name="prod")) == {"typed_name"}
    assert await alice.submit(typed_name="prod-eu") == {}

    assert await clusters.list_clusters(hall.deps, ALICE) == []


@pytest.mark.parametrize(
    "typed",
    [
        "cluster add mine",
        "cluster mode prod-eu audit",
        "cluster environment prod-eu any",
        "cluster rotate prod-eu",
        "cluster revoke prod-eu all",
        "cluster delete prod-eu",
    ],
)
async def test_a_member_looks_and_changes_nothing(hall: Office, bob: Person, typed: str) -> None:
    """They are told who can help."""
    before = await clusters.show(hall.deps, ALICE, "prod-eu")
    await bob.type(typed)

    assert "Only managers may" in hall.slack.said
    assert await clusters.show(hall.deps, ALICE, "prod-eu") == before
    assert hall.slack.views == {}


@pytest.mark.parametrize("typed", ["cluster add prod-us", "cluster rotate prod-eu"])
async def test_without_a_page_a_terminal_is_pointed_to(without_page: Office, typed: str) -> None:
    """Nothing is made whose token nobody could see."""
    issued = await cluster(without_page.deps)
    await without_page.person("UALICE").type(typed)

    said = without_page.slack.said
    assert "PUBLIC_URL" in said
    assert f"`registrar {typed}`" in said
    assert len((await clusters.show(without_page.deps, ALICE, "prod-eu")).tokens) == 1
    await authenticate(without_page.deps, issued.cluster.id, issued.token)


async def test_a_cluster_that_was_deleted_meanwhile_is_said(hall: Office, alice: Person) -> None:
    """The card is older than the deed."""
    await clusters.delete(hall.deps, ALICE, "prod-eu", "prod-eu")
    for action in (ids.CLUSTER_SHOW, ids.CLUSTER_ROTATE, ids.CLUSTER_REVOKE, ids.CLUSTER_DELETE):
        await alice.press(action, "prod-eu")
        assert "no cluster called “prod-eu”" in hall.slack.responses[-1]["text"]


async def test_what_is_listed_is_bounded(hall: Office, bob: Person) -> None:
    """Many clusters are shown as some, and a number."""
    for number in range(30):
        await cluster(hall.deps, f"c-{number}")
    await bob.type("cluster")

    assert "And 11 more clusters" in hall.slack.responses[-1]["text"]


def test_everything_at_its_longest_stays_inside_slacks_limits() -> None:
    """1,000 namespaces, hostile words, many tokens."""
    view = ClusterView(
        "c" * 32,
        "T1",
        "n" * 63,
        Environment.DEVELOPMENT,
        Mode.ENFORCE,
        {
            f"{number:04}{'x' * 59}": NamespaceRule(Mode.ENFORCE, Environment.DEVELOPMENT)
            for number in range(1000)
        },
        inventory_at=NOW,
    )
    token = TokenView(NOW, NASTY, NOW + timedelta(hours=24), NOW)
    shown = ClusterDetails(view, (token,) * 10, NOW, USER)
    link = Link(view, "/secret/" + "a" * 43, "ABC-DEF", NOW)
    cards = (
        cluster_card(shown, NOW, NASTY[:500]),
        cluster_card(replace(shown, tokens=()), NOW),
        clusters_card([view] * 1000, "lead"),
        clusters_card([]),
        link_card(link, "https://" + "h" * 250, "lead", NOW),
        no_page_card("cluster add " + "n" * 63),
        usage_card("/registry", "environment"),
    )
    for card in cards:
        assert message_problems(card.message()) == []
        assert view_problems(card.view("C1")) == []
    line = ClusterLine("add", NASTY, environment="moon", mode="splendid")
    for form in (
        add_form(line, "C1", NASTY),
        add_form(ClusterLine("add"), "C1"),
        delete_form(view, "C1"),
    ):
        assert view_problems(form) == []


async def test_a_link_of_another_person_is_not_in_the_channel(hall: Office, alice: Person) -> None:
    """What holds link and code is for one person's eyes."""
    await alice.type("cluster rotate prod-eu")
    await cluster_rotation.revoke(hall.deps, ALICE, "prod-eu")

    assert hall.slack.responses[-1]["response_type"] == "ephemeral"
    assert hall.slack.of("chat.postMessage") == []


def _link(blocks: list[dict[str, Any]]) -> tuple[str, str]:
    """The address of the page, and the code that stands beside it."""
    (url,) = [one["url"] for block in blocks for one in block.get("elements", []) if one.get("url")]
    text = next(block["text"]["text"] for block in blocks if block["type"] == "section")
    return url, text.rpartition("this code: *`")[2].partition("`")[0]


def _nowhere(office: Office, token: Secret) -> None:
    slack = office.slack
    told = json.dumps([slack.calls, slack.responses, slack.views, slack.posted], default=str)
    assert token.reveal() not in told
