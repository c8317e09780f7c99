"""The other ways to sign in, and the other hosts, of the kinds that have several."""

from __future__ import annotations

import pytest

from bot.core.check import Cause, Level, Stage, Verdict
from bot.core.secret import Secret
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendors.gitlab import DEPLOY_USER
from tests.contract.lab import Answers, open_lab

ANONYMOUS = [
    slug for slug, kind in KINDS.items() if any(one.slug == "anonymous" for one in kind.variants)
]
ROLE = "arn:aws:sts::123456789012:assumed-role/registrar-pull/registrar"


@pytest.mark.parametrize("slug", ANONYMOUS)
async def test_anonymous_use_is_never_green(slug: str) -> None:
    """There is no credential to prove, and none is sent; the public image can be pulled."""
    async with open_lab() as lab:
        changed = {"test_image": "public/hello:1.2"}
        state = State.OPEN if slug == "generic" else State.HEALTHY
        result = await lab.check(slug, state, variant="anonymous", changed=changed)

        assert {manner for _, manner in lab.practice.received} <= {"bearer"}
    assert (result.verdict, result.cause) == (Verdict.UNPROVEN, Cause.NO_CREDENTIAL)
    assert result.stage is Stage.IMAGE


@pytest.mark.parametrize("slug", [slug for slug in ANONYMOUS if slug != "public_ecr"])
async def test_anonymous_use_cannot_pull_what_is_private(slug: str) -> None:
    """A private image is refused to nobody in particular, and the sentence says so."""
    async with open_lab() as lab:
        changed = {"test_image": "team/app:1.2"}
        result = await lab.check(slug, variant="anonymous", changed=changed)

    assert (result.verdict, result.cause) == (Verdict.UNPROVEN, Cause.NO_ACCESS)


async def test_assumed_role_is_proven() -> None:
    """Registrar's own identity assumes the role; the session it gets is the one that is proven."""
    async with open_lab() as lab:
        result = await lab.check("ecr", variant="assume_role")

        assert lab.requests <= 6
    assert (result.verdict, result.level, result.identity) == (Verdict.PROVEN, Level.E3, ROLE)


async def test_assumed_role_without_the_right_to_pull_is_refused() -> None:
    """Its check has one request left for the image, which must show that the word is ECR's."""
    async with open_lab() as lab:
        result = await lab.check("ecr", State.NO_ACCESS, variant="assume_role")

        assert lab.requests <= 6
    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.NO_ACCESS)


@pytest.mark.parametrize(
    "changed",
    [
        {"external_id": "registrar-wrong"},
        {"role_arn": "arn:aws:iam::123456789012:role/nobodys"},
    ],
)
async def test_role_with_a_wrong_answer_is_refused(changed: Answers) -> None:
    """AWS does not say which of ARN, trust policy and External ID is wrong, so neither do we."""
    async with open_lab() as lab:
        result = await lab.check("ecr", variant="assume_role", changed=changed)

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.NO_ACCESS)
    assert result.explicit


async def test_role_without_an_own_identity_is_not_tried() -> None:
    """Registrar has no AWS identity of its own: say so, and ask AWS nothing."""
    async with open_lab() as lab:
        gateway = AwsGateway(endpoint=lab.practice.aws_endpoint)
        checker = Checker(egress=lab.egress, aws=gateway, clock=lab.clock)
        result = await checker.check(lab.config("ecr", "assume_role"))
        gateway.close()

        assert lab.practice.received == frozenset()
    assert result.cause is Cause.NO_BOT_IDENTITY
    assert result.verdict not in {Verdict.PROVEN, Verdict.REFUSED}


async def test_temporary_key_is_proven_with_its_session_token() -> None:
    """`ASIA…` works with its session token, which is part of what is signed."""
    async with open_lab() as lab:
        session = lab.practice.ecr.session
        changed: Answers = {
            "access_key_id": session.key_id,
            "secret_access_key": Secret(session.secret),
            "session_token": Secret(session.session_token),
        }
        result = await lab.check("ecr", changed=changed)

    assert result.verdict is Verdict.PROVEN
    assert result.warnings


async def test_temporary_key_with_a_foreign_session_token_is_refused() -> None:
    """A session token of another session does not open this one."""
    async with open_lab() as lab:
        session = lab.practice.ecr.session
        changed: Answers = {
            "access_key_id": session.key_id,
            "secret_access_key": Secret(session.secret),
            "session_token": Secret("x" * 200),
        }
        result = await lab.check("ecr", changed=changed)

    assert result.verdict is Verdict.REFUSED


async def test_key_of_another_account_is_proven_with_a_warning() -> None:
    """Cross-account access is legal; that the accounts differ is worth saying."""
    async with open_lab() as lab:
        changed: Answers = {
            "url": "https://210987654321.dkr.ecr.us-east-2.amazonaws.com",
            "region": "us-east-2",
        }
        result = await lab.check("ecr", changed=changed)

    assert result.verdict is Verdict.PROVEN
    assert any("210987654321" in warning for warning in result.warnings)


async def test_deploy_token_of_gitlab_is_proven_by_the_token_service() -> None:
    """A deploy token may not ask who it is; that its refusal differs from its welcome proves it."""
    async with open_lab() as lab:
        changed: Answers = {
            "username": DEPLOY_USER,
            "token": Secret(lab.practice.gitlab.deploy_token),
        }
        result = await lab.check("gitlab", changed=changed)

    assert result.verdict is Verdict.PROVEN
    assert result.level >= Level.E2


async def test_wrong_deploy_token_is_refused() -> None:
    """With the right user name and a wrong token, at the sign-in."""
    async with open_lab() as lab:
        changed: Answers = {"username": DEPLOY_USER, "token": Secret("gldt-" + "x" * 20)}
        result = await lab.check("gitlab", changed=changed)

    assert (result.verdict, result.stage) == (Verdict.REFUSED, Stage.LOGIN)


@pytest.mark.parametrize(
    ("slug", "changed"),
    [
        ("gitlab", {"url": "https://registry.gitlab.practice.example"}),
        ("github_enterprise", {"url": "https://containers.github.practice.example"}),
        ("github_enterprise", {"url": "https://containers.other.ghe.com"}),
        ("scaleway", {"url": "https://rg.nl-ams.scw.cloud", "region": "nl-ams"}),
        ("gcp_artifact_registry", {"url": "https://us-docker.pkg.dev", "region": "us"}),
        ("docker_hub", {"url": "https://index.docker.io/v1/"}),
    ],
)
async def test_every_host_of_a_kind_works(slug: str, changed: Answers) -> None:
    """Other regions, tenants, self-managed servers and aliases are checked just the same."""
    async with open_lab() as lab:
        result = await lab.check(slug, changed=changed)

    assert (result.verdict, result.stage) == (Verdict.PROVEN, Stage.IMAGE)


async def test_access_key_of_somebody_else_is_no_pair() -> None:
    """At Scaleway the secret alone signs in; an Access Key it does not know is said to be wrong."""
    async with open_lab() as lab:
        changed = {"access_key": "SCW" + "X" * 17}
        result = await lab.check("scaleway", changed=changed)

    assert (result.verdict, result.cause) == (Verdict.UNPROVEN, Cause.PAIR_NOT_PROVEN)


@pytest.mark.parametrize(
    ("slug", "at", "source"),
    [
        ("ghcr", "2027-01-23T12:00:00+00:00", "header"),
        ("github_enterprise", "2027-01-23T12:00:00+00:00", "header"),
        ("gitlab", "2027-01-08T00:00:00+00:00", "provider"),
        ("scaleway", "2026-12-24T12:00:00+00:00", "provider"),
    ],
)
async def test_expiry_is_told_by_the_provider(slug: str, at: str, source: str) -> None:
    """Where the identity call tells when the credential ends, the check passes it on."""
    async with open_lab() as lab:
        result = await lab.check(slug)

    assert result.expiry is not None
    assert result.expiry.at is not None
    assert (result.expiry.at.isoformat(), result.expiry.source) == (at, source)


@pytest.mark.parametrize("slug", ["ecr", "public_ecr"])
async def test_key_that_sts_has_just_named_is_not_called_gone(
    monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    """ECR does not know keys that are seconds old, or of accounts without its region."""
    async with open_lab() as lab:
        answer = lab.practice.cloud.answer

        def unaware(ask: Ask) -> Answer:
            if "GetAuthorizationToken" not in ask.headers.get("x-amz-target", ""):
                return answer(ask)
            return as_json(400, {"__type": "UnrecognizedClientException", "message": "invalid"})

        monkeypatch.setattr(lab.practice.cloud, "answer", unaware)
        result = await lab.check(slug, variant="access_keys")

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.REGION_MISMATCH)
    assert "not judged" in result.sentence
