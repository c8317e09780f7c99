"""What the alert channel hears of clusters."""

from __future__ import annotations

from dataclasses import replace

from bot.slack.deliver import Courier
from bot.slack.render_notice import CLUSTERS, notice_card
from bot.usecases import cluster_rotation, clusters, workspaces
from tests.factories import ALICE, cluster
from tests.slack.payloads import message_problems
from tests.slack.test_worst_case import NASTY
from tests.slack.workspace import Office


async def test_the_channel_hears_of_every_change(office: Office) -> None:
    """Who did what, and what it means."""
    deps = office.deps
    settings = await workspaces.settings(deps, ALICE)
    await workspaces.change_settings(deps, ALICE, replace(settings, alert_channel="C9"))
    await cluster(deps, environment="production", mode="warn")
    await clusters.set_mode(deps, ALICE, "prod-eu", "enforce")
    await clusters.set_mode(deps, ALICE, "prod-eu", "audit", "lab")
    await clusters.set_mode(deps, ALICE, "prod-eu", "inherit", "lab")
    await clusters.set_environment(deps, ALICE, "prod-eu", "any")
    await cluster_rotation.rotate(deps, ALICE, "prod-eu")
    await cluster_rotation.revoke(deps, ALICE, "prod-eu")
    await clusters.delete(deps, ALICE, "prod-eu", "prod-eu")

    await Courier(deps, office.client, apart=0).deliver_due()

    said = [post["text"] for post in office.slack.of("chat.postMessage")]
    expected = [
        "Cluster added* · *`prod-eu`* by <@UALICE> · Production · ⚠ warn",
        "is in the mode ⛔ enforce now: what no registry covers is refused.",
        "Its namespace `lab` is in the mode 👀 audit now",
        "Its namespace `lab` has the mode of the cluster now.",
        "is served by registries for any environment now.",
        "New token* · for the cluster *`prod-eu`*",
        "Tokens revoked* · of the cluster *`prod-eu`*",
        "Cluster deleted* · *`prod-eu`*",
    ]
    assert len(said) == len(expected)
    for words in expected:
        assert any(words in text for text in said), words


def test_hostile_values_are_told_within_slacks_limits() -> None:
    """Whatever a row holds."""
    names = ("cluster", "by", "environment", "mode", "namespace", "changed", "to", "until", "left")
    for what in CLUSTERS:
        for values in ({}, dict.fromkeys(names, NASTY)):
            message = notice_card(what, values).message()
            assert message_problems(message) == []
            assert "<!channel>" not in message["text"]
