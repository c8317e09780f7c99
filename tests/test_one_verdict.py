"""One verdict for an image from Slack, the terminal, the webhook and both static policies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from celpy import celtypes

from bot.admission import policies
from bot.admission.policies import Format, Group
from bot.admission.review import review
from bot.core.access import Actor
from bot.core.cluster import ClusterView, Mode
from bot.core.gate import Gate
from bot.core.policy import Policy
from bot.core.registry import Environment
from bot.settings import Settings
from bot.store.cipher import Keyring
from bot.terminal_check import check_images
from bot.tools import open_deps
from bot.usecases import asking, drafts, exemptions, gate, static_policy
from bot.usecases.deps import Deps
from bot.usecases.exemptions import Wanted
from tests.admission import reviews
from tests.admission.cel_cluster import CelCluster, given, pod
from tests.admission.reviews import asked
from tests.core.bypasses import RULES, bypasses
from tests.core.references import generated
from tests.factories import ALICE, NOW, generic

IMAGES = [*generated(2000), *dict.fromkeys(rule.place + "/app" for rule in RULES)]
DIGEST = "sha256:" + "b" * 64

# By workspace: what is registered as (host, path scope, environment, other places).
REGISTERED: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "T1": (("ghcr.io", "acme", "any", ""), ("docker.io", "library", "any", "")),
    "T2": (("docker.io", "acme", "production", ""), ("ghcr.io", "acme/app", "staging", "")),
    "T3": (
        ("harbor.example.com:8443", "", "production", ""),
        ("registry.gitlab.com", "group/project", "any", "harbor.example.com/proxy"),
    ),
    "T4": (("quay.io", "acme", "any", "harbor.example.com/proxy/quay, ghcr.io/tool"),),
    "T5": (
        ("localhost:5000", "", "any", ""),
        ("ghcr.io", "acme", "production", ""),
        ("ghcr.io", "acme/app/deep", "staging", ""),
        ("docker.io", "tool", "any", ""),
    ),
}
EXEMPTED = {"T1": ("quay.io/acme/app", f"acme/app@{DIGEST}"), "T3": ("nginx",)}
ENVIRONMENTS = {"T1": "any", "T2": "production", "T3": "any", "T4": "staging", "T5": "production"}


@pytest.fixture
async def deps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deps]:
    """A database with five workspaces, which the terminal opens, too."""
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'registrar.sqlite3'}",
        "ENCRYPTION_KEYS": Keyring.generate_text(),
        "EGRESS_ALLOW": "localhost:5000",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with open_deps(Settings.from_environment(variables)) as opened:
        for team in REGISTERED:
            await _fill(opened, team)
        yield opened


async def _fill(deps: Deps, team: str) -> None:
    actor = replace(ALICE, team_id=team)
    for number, (host, scope, environment, also_at) in enumerate(REGISTERED[team]):
        public = {"path_scope": scope, "environment": environment, "also_at": also_at}
        answers = generic(f"r{number}", url=f"https://{host}", **public)
        await drafts.save_anyway(deps, actor, await drafts.begin(deps, actor, answers))
    until = deps.clock.now() + timedelta(days=7)
    for image in EXEMPTED.get(team, ()):
        await exemptions.exempt(deps, actor, Wanted(image, until, "a test"))


@pytest.mark.timeout(300)  # half a minute of one core, which other tests may share
async def test_everybody_says_the_same(deps: Deps, capsys: pytest.CaptureFixture[str]) -> None:
    """Two thousand references by five sets of rules, and some are allowed by each."""
    known: dict[str, Any] = {}
    for team, environment in ENVIRONMENTS.items():
        actor = replace(ALICE, team_id=team)
        slack = await asking.ask_all(deps, actor, IMAGES, environment)
        allowed = {image for image, one in slack.items() if one.verdict.allowed}

        assert 5 < len(allowed) < len(IMAGES) / 2, team
        assert await _by_terminal(capsys, team, environment) == allowed
        assert await _by_webhook(deps, actor, environment) == allowed
        assert await _by_policies(deps, actor, environment, known) == allowed
        few = [*sorted(allowed)[:20], *IMAGES[:20]]
        alone = [await asking.ask(deps, actor, image, environment) for image in few]
        assert [one.verdict for one in alone] == [slack[image].verdict for image in few]


async def _by_terminal(capsys: pytest.CaptureFixture[str], team: str, environment: str) -> set[str]:
    await check_images(IMAGES, (), form="json", environment=environment, workspace=team)
    rows = json.loads(capsys.readouterr().out)
    return {row["image"] for row in rows if row["verdict"] == "allowed"}


async def _by_webhook(deps: Deps, actor: Actor, environment: str) -> set[str]:
    """What a cluster of that environment lets in that asks for each Pod."""
    cluster = ClusterView("c" * 32, actor.team_id, "prod", Environment(environment), Mode.ENFORCE)
    judge, now = Gate(cluster, await gate.policy(deps, actor.team_id)), deps.clock.now()
    answers = {image: review(asked(reviews.pod(image)), judge, now, "/r") for image in IMAGES}
    return {image for image, one in answers.items() if one.reply["response"]["allowed"]}


async def _by_policies(
    deps: Deps, actor: Actor, environment: str, known: dict[str, Any]
) -> set[str]:
    """What the CEL of both formats admits.

    It is one text but for the places and exemptions, so reading the images, which is slow here, is
    done once and kept in `known`.
    """
    inputs = await static_policy.inputs_for(deps, actor, "", Group("enforce", environment))
    vap = next(yaml.safe_load_all(policies.text(inputs, Format.VAP)))["spec"]
    kyverno = next(yaml.safe_load_all(policies.text(inputs, Format.KYVERNO)))["spec"]
    assert (vap["variables"], vap["validations"]) == (kyverno["variables"], kyverno["validations"])
    cluster = CelCluster(vap)
    texts = {one["name"]: one["expression"] for one in vap["variables"]}
    of_rules = {"places", "exempt", "refused"}
    reading = {name: text for name, text in texts.items() if name not in of_rules}
    if not known:
        known |= {"reading": reading, **given(pod(IMAGES), None)}
        cluster.evaluate(known)
    assert known["reading"] == reading
    refused = texts["refused"]
    assert known.setdefault("refused", refused) == refused
    cluster.evaluate(known, only=of_rules)
    judged = {str(key[0]) for key in known["variables"][celtypes.StringType("keys")]}
    assert judged == set(IMAGES)
    return judged - {str(image) for image in known["variables"]["refused"]}


def test_no_bypass_gets_past_a_static_policy() -> None:
    """Each of the corpus, in the CEL as a cluster has it."""
    inputs = policies.Inputs(Policy(RULES), NOW, (Group("enforce"),))
    cluster = CelCluster(next(yaml.safe_load_all(policies.text(inputs, Format.VAP)))["spec"])
    found = [text for text in bypasses() if text]

    assert cluster.refused(found) == set(found)
