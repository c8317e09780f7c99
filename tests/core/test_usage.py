"""Uses, judged by rules."""

from __future__ import annotations

import pytest

from bot.core.policy import Policy, Rule
from bot.core.registry import Environment
from bot.core.usage import (
    Judge,
    Source,
    Use,
    changed,
    environment_meant,
    repository_of,
    without_tag,
)
from tests.factories import NOW

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "bare", "repository"),
    [
        ("docker.io/library/nginx:1", "docker.io/library/nginx", "docker.io/library/nginx"),
        ("h.example:5000/a/b:1.2", "h.example:5000/a/b", "h.example:5000/a/b"),
        ("h.example:5000/a", "h.example:5000/a", "h.example:5000/a"),
        (f"ghcr.io/a/b:1@{DIGEST}", f"ghcr.io/a/b@{DIGEST}", "ghcr.io/a/b"),
        ("[::1]:5000/a:1", "[::1]:5000/a", "[::1]:5000/a"),
    ],
)
def test_the_tag_of_a_canonical_image_is_no_part_of_its_name(
    image: str, bare: str, repository: str
) -> None:
    """A port is."""
    assert (without_tag(image), repository_of(image)) == (bare, repository)


def use(image: str, environment: Environment = Environment.ANY) -> Use:
    return Use(Source.INVENTORY, "c", f"web/Pod/{image[-3:]}", image, NOW, NOW, environment)


def test_a_judge_says_what_the_policy_says() -> None:
    """Of every tag, in every environment."""
    policy = Policy([Rule("prod", "ghcr.io", "acme", "production"), Rule("any", "quay.io", "acme")])
    judge = Judge(policy, NOW)
    images = ["ghcr.io/acme/x:1", "ghcr.io/acme/x:2", "quay.io/acme/y", f"quay.io/b/z@{DIGEST}"]

    for image in images:
        for environment in Environment:
            said, meant = judge.of(use(image, environment)), policy.decide(image, environment, NOW)
            assert (said.allowed, said.registry) == (meant.allowed, meant.registry)


def test_a_change_counts_refused_and_heirs() -> None:
    """What was refused before is left alone."""
    before = Judge(Policy([Rule("a", "quay.io", "acme/api"), Rule("b", "quay.io", "acme/w")]), NOW)
    after = Judge(Policy([Rule("b", "quay.io", "acme/w"), Rule("c", "quay.io", "acme/api/x")]), NOW)
    gone, kept = use("quay.io/acme/api:1"), use("quay.io/acme/api/x:2")
    change = changed([gone, kept, use("quay.io/acme/w:1"), use("ghcr.io/o/o")], "a", before, after)

    assert (change.used, change.refused, change.heirs) == ((gone, kept), (gone,), {"c": 1})
    assert change.heir == ""


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Production", "production"),
        ("prod", "any"),
        ("any", "any"),
        ("", "any"),
        ("ſtaging", "any"),
    ],
)
def test_a_pipelines_word_for_an_environment(word: str, meant: str) -> None:
    """One that is not ours limits nothing."""
    assert environment_meant(word) == meant
