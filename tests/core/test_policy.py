"""Which images may run, for each rule of the allow-list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.policy import Exemption, Policy, Rule

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HEX = "b" * 64
RULES = (
    Rule("ghcr-acme", "ghcr.io", "acme"),
    Rule("ghcr-acme-web", "ghcr.io", "acme/web", "production"),
    Rule("hub-acme", "docker.io", "acme"),
    Rule("hub-official", "docker.io", "library"),
    Rule("harbor", "harbor.example.com:8443"),
    Rule("staging", "staging.example.com", "", "staging"),
    Rule("exact", "registry.gitlab.com", "group/project"),
)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("ghcr.io/acme/app:1", "ghcr-acme"),
        ("ghcr.io/acme/web/front", "ghcr-acme-web"),
        ("ghcr.io/acme/web", "ghcr-acme-web"),
        ("ghcr.io/acme/website", "ghcr-acme"),
        ("ghcr.io/acme", "ghcr-acme"),
        ("GHCR.IO:443/acme/app", "ghcr-acme"),
        ("acme/app", "hub-acme"),
        ("docker.io/acme/app", "hub-acme"),
        ("index.docker.io/acme/app", "hub-acme"),
        ("registry-1.docker.io/acme/app", "hub-acme"),
        ("nginx", "hub-official"),
        ("Docker.io/nginx:1.27", "hub-official"),
        ("harbor.example.com:8443/any/thing", "harbor"),
        ("registry.gitlab.com/group/project:main", "exact"),
        (f"registry.gitlab.com/group/project/sub@sha256:{HEX}", "exact"),
    ],
)
def test_an_image_belongs_to_the_registration_with_the_longest_path(
    image: str, registry: str
) -> None:
    """Whatever its tag or digest, and however its host is written."""
    verdict = Policy(RULES).decide(image)

    assert (verdict.allowed, verdict.registry) == (True, registry)


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/acme-evil/app",
        "ghcr.io/acm",
        "ghcr.io.evil.example/acme/app",
        "evil.example/ghcr.io/acme/app",
        "harbor.example.com/any/thing",
        "harbor.example.com:84430/any",
        "evil/app",
        "registry.gitlab.com/group/project-x",
        "acme.example/app",
    ],
)
def test_an_image_elsewhere_is_refused(image: str) -> None:
    """With the image in the reason, as it was read."""
    verdict = Policy(RULES).decide(image)

    assert (verdict.allowed, verdict.registry) == (False, "")
    assert verdict.reason.endswith("is in no registered registry")
    assert verdict.image


@pytest.mark.parametrize(
    "text", ["", "a_b.c/d", "x" * 1025, "ghcr.io/acme/app\n", HEX, "g\x1b[31m"]
)
def test_what_cannot_be_read_is_refused_and_shown_harmlessly(text: str) -> None:
    """Neither control characters nor a thousand letters reach the reader."""
    verdict = Policy((*RULES, Rule("all", "docker.io"))).decide(text)

    assert not verdict.allowed
    assert verdict.image == ""
    assert "is not a valid image reference" in verdict.reason
    assert verdict.reason.isprintable()
    assert len(verdict.reason) < 300


def test_an_environment_takes_its_own_registries_and_those_for_any() -> None:
    """A longer path of another environment does not hide one that serves."""
    policy = Policy(RULES)

    assert policy.decide("staging.example.com/app", "staging").allowed
    assert policy.decide("ghcr.io/acme/web", "production").registry == "ghcr-acme-web"
    assert policy.decide("ghcr.io/acme/web", "staging").registry == "ghcr-acme"
    refused = policy.decide("staging.example.com/app", "production")
    assert (refused.allowed, refused.registry) == (False, "staging")
    assert refused.reason.endswith("belongs to staging, which is for staging only")


def test_an_exemption_is_for_one_repository_until_its_time() -> None:
    """Or for one digest of it; never for what lies below."""
    digest = f"sha256:{HEX}"
    exemptions = (
        Exemption("quay.io", "tool/one", NOW + timedelta(hours=1)),
        Exemption("quay.io", "tool/two", NOW + timedelta(hours=1), digest),
    )
    policy = Policy(RULES, exemptions)

    assert policy.decide("quay.io/tool/one:3", now=NOW).exemption == exemptions[0]
    assert policy.decide(f"quay.io/tool/two:1@{digest}", now=NOW).allowed
    assert not policy.decide("quay.io/tool/two:1", now=NOW).allowed
    assert not policy.decide("quay.io/tool/one/sub", now=NOW).allowed
    assert not policy.decide("quay.io/tool/one", now=NOW + timedelta(hours=1)).allowed
    assert not policy.decide("quay.io/tool/one").allowed


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("ghcr.io/acme-evil/app", "ghcr-acme"),
        ("ghcr.io/amce/app", "ghcr-acme"),
        ("ghcr.io/acne/app", "ghcr-acme"),
        ("gchr.io/acme/app", "ghcr-acme"),
        ("ghcr.io.evil.example/acme/app", "ghcr-acme"),
        ("harbor.example.com/team/app", "harbor"),
        ("stranger/app", None),
        ("quay.io/other/app", None),
        ("a_b.c/d", None),
    ],
)
def test_the_nearest_registration_is_one_slip_away(image: str, registry: str | None) -> None:
    """A boundary or one edit; anything farther would be a guess."""
    found = Policy(RULES).nearest(image)

    assert (found.registry if found else None) == registry
