"""When a credential was made and when it ends, as each provider tells it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.check import Expiry, Verdict
from bot.core.secret import Secret
from bot.kinds.visit import MOST_REQUESTS
from bot.sandbox.practice.ask import Answer, Ask, as_html
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendors.generic import HARBOR
from tests.contract.lab import NOON, Answers, Lab, open_lab

DAY = timedelta(days=1)


def harbor(lab: Lab) -> Answers:
    """The practice Harbor, signed in to as its robot."""
    vendor = lab.practice.generic
    return {
        "url": f"https://{HARBOR}",
        "username": vendor.robot,
        "password": Secret(vendor.robot_secret),
    }


def down(_: Ask) -> Answer:
    return as_html(503, "503 Service Unavailable")


def organisation(lab: Lab) -> Answers:
    vendor = lab.practice.docker_hub
    return {
        "username": vendor.organisation,
        "password": Secret(vendor.organisation_token),
    }


@pytest.mark.parametrize("slug", ["ghcr", "github_enterprise", "gitlab", "scaleway"])
async def test_what_every_check_is_told_of_the_expiry(slug: str) -> None:
    """GitHub by a header, GitLab and Scaleway by the token's own record."""
    async with open_lab() as lab:
        result = await lab.check(slug)
        expires_at = lab.practice.vendors[slug].expires_at

    assert expires_at is not None
    assert result.expiry is not None
    assert result.expiry.at is not None
    assert abs(result.expiry.at - expires_at) < DAY  # GitLab tells the day
    assert result.expiry.source in {"provider", "header"}


async def test_aws_tells_the_age_of_a_key_that_may_list_itself() -> None:
    """41 days; a key has no end, so none is told."""
    async with open_lab() as lab:
        result = await lab.check("ecr")

        assert lab.requests <= MOST_REQUESTS
    assert (result.issued_at, result.expiry) == (NOON - 41 * DAY, None)


async def test_a_key_that_may_not_list_itself_is_proven_all_the_same() -> None:
    """AWS refuses the question, not the credential."""
    async with open_lab() as lab:
        lab.practice.public_ecr.rights.clear()
        result = await lab.check("public_ecr")

        assert lab.practice.log[-1].status == 403
    assert (result.verdict, result.issued_at) == (Verdict.PROVEN, None)


async def test_google_tells_by_the_public_certificate() -> None:
    """The account may not read its own keys; its certificate is for everyone, and has no end."""
    async with open_lab() as lab:
        lab.practice.google.rights.clear()
        result = await lab.check("gcp_artifact_registry")

        assert lab.requests <= MOST_REQUESTS
    assert result.expiry == Expiry(None, "provider")
    assert result.issued_at == NOON - 20 * DAY


@pytest.mark.parametrize("reads", [True, False])
async def test_google_tells_when_a_key_ends(*, reads: bool) -> None:
    """In the key's record and in its certificate alike."""
    async with open_lab() as lab:
        if not reads:
            lab.practice.google.rights.clear()
        lab.practice.google.shown.expires_at = NOON + 60 * DAY
        result = await lab.check("gcp_artifact_registry")

    assert result.expiry == Expiry(NOON + 60 * DAY, "provider")


async def test_docker_hub_tells_the_end_of_an_organisations_token() -> None:
    """The only active one in the organisation's list."""
    async with open_lab() as lab:
        result = await lab.check("docker_hub", changed=organisation(lab))

        assert lab.requests <= MOST_REQUESTS
    assert result.verdict is Verdict.PROVEN
    assert result.expiry == Expiry(NOON + 60 * DAY, "provider")
    assert result.issued_at == NOON - 30 * DAY


async def test_docker_hub_is_not_asked_about_a_persons_token() -> None:
    """It would refuse to tell."""
    async with open_lab() as lab:
        result = await lab.check("docker_hub")

        assert not any("access-tokens" in entry.path for entry in lab.practice.log)
    assert result.expiry is None


async def test_harbor_tells_the_end_of_a_robot() -> None:
    """The first check has a made-up user to try, so it is the second that has requests left."""
    async with open_lab() as lab:
        checker = lab.checker()
        config = lab.config("generic", changed=harbor(lab))
        first = await checker.check(config)
        before = lab.requests
        second = await checker.check(config)

        assert lab.requests - before <= MOST_REQUESTS
    assert (first.verdict, first.expiry) == (Verdict.PROVEN, None)
    assert second.expiry == Expiry(NOON + 20 * DAY, "provider")
    assert second.issued_at == NOON - 10 * DAY


async def test_a_robot_without_an_end() -> None:
    """Harbor writes -1."""
    async with open_lab() as lab:
        lab.practice.generic.robot_ends_at = None
        result = await lab.check("generic", changed=harbor(lab) | {"test_image": ""})

    assert result.expiry == Expiry(None, "provider")


async def test_the_question_is_asked_once_a_day() -> None:
    """In between the answer is remembered; the next day it is asked again."""
    async with open_lab() as lab:
        checker, config = lab.checker(), lab.config("ecr")
        counts = []
        for hours in (0, 1, 24):
            lab.clock.at = NOON + timedelta(hours=hours)
            before = lab.requests
            result = await checker.check(config)
            counts.append(lab.requests - before)
            assert result.issued_at == NOON - 41 * DAY

    assert counts == [6, 5, 6]


async def test_another_credential_is_asked_about_for_itself() -> None:
    """The answer belongs to the secret, not to the host."""
    async with open_lab() as lab:
        checker = lab.checker()
        person = await checker.check(lab.config("docker_hub"))
        token = await checker.check(lab.config("docker_hub", changed=organisation(lab)))

    assert (person.expiry, token.expiry) == (None, Expiry(NOON + 60 * DAY, "provider"))


async def test_a_provider_that_fails_to_tell_harms_no_check() -> None:
    """503 to the question alone: proven, and asked again in an hour."""
    async with open_lab() as lab:
        checker, config = lab.checker(), lab.config("gcp_artifact_registry")
        lab.practice.serve("iam.googleapis.com", down)
        counts, told = [], set()
        for minutes in (0, 30, 61):
            lab.clock.at = NOON + timedelta(minutes=minutes)
            before = lab.requests
            result = await checker.check(config)
            counts.append(lab.requests - before)
            told.add((result.verdict, result.expiry))

    assert told == {(Verdict.PROVEN, None)}
    assert counts == [5, 4, 5]


async def test_a_refused_credential_is_not_asked_about() -> None:
    """No question follows a refusal."""
    async with open_lab() as lab:
        await lab.check("ecr", State.REVOKED)

        assert not any("ListAccessKeys" in entry.path for entry in lab.practice.log)
