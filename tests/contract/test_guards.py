"""Something stands in front of a provider's API and turns Registrar away: a firewall, a proxy."""

from __future__ import annotations

import pytest

from bot.core.check import Level, Verdict
from bot.sandbox.practice.ask import Answer, Ask, as_html
from tests.contract.lab import open_lab

APIS = [
    ("gcp_artifact_registry", "oauth2.googleapis.com", "/token"),
    ("scaleway", "api.scaleway.com", "/iam/"),
    ("scaleway", "api.scaleway.com", "/registry/"),
    ("docker_hub", "hub.docker.com", "/v2/auth/token"),
    ("ghcr", "api.github.com", "/user"),
    ("github_enterprise", "api.acme.ghe.com", "/user"),
    ("gitlab", "gitlab.com", "/api/v4/"),
]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("slug", "host", "path"), APIS)
async def test_word_of_a_guard_condemns_nobody(
    monkeypatch: pytest.MonkeyPatch, slug: str, host: str, path: str, status: int
) -> None:
    """A page instead of the API's own answer is no verdict of the provider."""
    turned_away: list[str] = []
    async with open_lab() as lab:
        vendor = lab.practice.vendors[slug]
        answer = vendor.answer

        def guarded(ask: Ask) -> Answer:
            if ask.host != host or not ask.path.startswith(path):
                return answer(ask)
            turned_away.append(ask.path)
            return as_html(status, "Access denied")

        monkeypatch.setattr(vendor, "answer", guarded)
        result = await lab.check(slug)

    assert turned_away
    assert (result.verdict, result.level) == (Verdict.UNREACHABLE, Level.E0)
    assert "not judged" in result.sentence


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("slug", ["ecr", "public_ecr"])
async def test_word_of_a_guard_of_amazon_condemns_nobody(
    monkeypatch: pytest.MonkeyPatch, slug: str, status: int
) -> None:
    """Nor in front of STS, whose refusals have names of their own."""
    async with open_lab() as lab:
        monkeypatch.setattr(lab.practice.cloud, "answer", lambda _: as_html(status, "No"))
        result = await lab.check(slug)

    assert (result.verdict, result.level) == (Verdict.UNREACHABLE, Level.E0)
    assert "not judged" in result.sentence
