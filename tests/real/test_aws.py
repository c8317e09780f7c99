"""Checks of AWS credentials against moto, which really verifies signatures and knows deleted keys.

ECR Public is not here: moto implements none of it (GetAuthorizationToken answers 500), so its checks
are covered by the practice registry, which verifies signatures with botocore's own signer. Neither
can moto tell an inactive key from an active one; the practice registry's "revoked" does.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx
import pytest
import trustme

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.aws import AwsGateway, AwsIdentity
from bot.kinds.form import validate
from bot.kinds.looker import Looker
from bot.kinds.net import AllowList, Egress
from bot.kinds.pacing import Limits, Pacer
from bot.sandbox.practice.shelf import build_image
from tests.images import push_image
from tests.programs import DockerRegistry, DockerRegistryFactory
from tests.real.amazon import (
    ACCOUNT,
    ANYTHING_POLICY,
    EXTERNAL_ID,
    HOST,
    LOGIN,
    PULL_POLICY,
    REGION,
    Key,
    Moto,
    OneName,
)
from tests.real.conftest import MakeChecker
from tests.real.test_docker_registry import basic


@dataclass(frozen=True, slots=True)
class Lab:
    """moto as AWS' APIs, the CNCF registry as ECR's own host, and a way to check a key."""

    moto: Moto
    registry: DockerRegistry
    ca_file: Path
    make_checker: MakeChecker

    async def check(self, key: Key, *, image: str = "") -> CheckResult:
        answers: dict[str, str | Secret] = {
            "url": f"https://{HOST}",
            "region": REGION,
            "access_key_id": key.key_id,
            "secret_access_key": Secret(key.secret),
            "test_image": image,
        }
        return await self._check("access_keys", answers, None)

    async def assume(
        self, identity: Key, role_arn: str, external_id: str = EXTERNAL_ID
    ) -> CheckResult:
        answers: dict[str, str | Secret] = {
            "url": f"https://{HOST}",
            "region": REGION,
            "role_arn": role_arn,
            "external_id": external_id,
        }
        own = AwsIdentity(identity.key_id, Secret(identity.secret))
        return await self._check("assume_role", answers, own)

    async def _check(
        self, variant: str, answers: Mapping[str, str | Secret], identity: AwsIdentity | None
    ) -> CheckResult:
        config = validate("ecr", variant, answers, allow=AllowList())
        checker = await self.make_checker(
            AllowList(),
            ca_file=self.ca_file,
            resolver=OneName(self.registry.port),
            aws=AwsGateway(identity=identity, endpoint=lambda _service, _region: self.moto.url),
        )
        return await checker.check(config)


@pytest.fixture
def lab(
    moto: Moto, start_registry: DockerRegistryFactory, make_checker: MakeChecker, tmp_path: Path
) -> Lab:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    certificate = authority.issue_cert(HOST, "127.0.0.1")
    registry = start_registry(users=dict([LOGIN]), certificate=certificate)
    return Lab(moto, registry, ca_file, make_checker)


async def test_valid_key_is_proven_up_to_the_image(lab: Lab) -> None:
    """Identity by STS, token by ECR, and an image really pulled with that token."""
    key = lab.moto.user("ci-pull", PULL_POLICY)
    lab.moto.enforce()
    context = ssl.create_default_context(cafile=lab.ca_file)
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        await push_image(client, lab.registry.url, "team/app", "1.2", basic(LOGIN))

    result = await lab.check(key, image="team/app:1.2")

    assert (result.verdict, result.level, result.stage) == (Verdict.PROVEN, Level.E3, Stage.IMAGE)
    assert result.identity == f"arn:aws:iam::{ACCOUNT}:user/ci-pull"


async def test_deleted_key_is_refused(lab: Lab) -> None:
    """A key that was deleted is refused by name, with nothing else to suspect."""
    key = lab.moto.user("ci-pull", PULL_POLICY)
    lab.moto.iam().delete_access_key(UserName="ci-pull", AccessKeyId=key.key_id)
    lab.moto.enforce()

    result = await lab.check(key)

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.REVOKED)
    assert result.explicit


async def test_foreign_key_is_refused(lab: Lab) -> None:
    """A key that AWS never gave out is refused like a deleted one."""
    lab.moto.enforce()

    result = await lab.check(Key("AKIAFOREIGNFOREIGN22", "f" * 40))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.REVOKED)


async def test_wrong_secret_is_refused(lab: Lab) -> None:
    """The key exists, the signature does not fit: the secret is wrong."""
    key = lab.moto.user("ci-pull", PULL_POLICY)
    lab.moto.enforce()

    result = await lab.check(Key(key.key_id, "x" * 40))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.BAD_CREDENTIALS)


async def test_key_without_rights_lacks_scope(lab: Lab) -> None:
    """STS knows the user, but ECR gives no token: a right is missing, the key is good."""
    key = lab.moto.user("ci-nothing")
    lab.moto.enforce()

    result = await lab.check(key)

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.MISSING_SCOPE)
    assert "ecr:GetAuthorizationToken" in result.sentence + result.remedy


async def test_assumed_role_is_proven(lab: Lab) -> None:
    """Registrar's own key assumes the role, and the session's keys are the ones that are proven."""
    own = lab.moto.user("registrar", ANYTHING_POLICY)
    role = lab.moto.role("registrar-pull", PULL_POLICY)
    lab.moto.enforce()

    result = await lab.assume(own, role)

    assert (result.verdict, result.level) == (Verdict.PROVEN, Level.E3)
    assert "assumed-role/registrar-pull" in result.identity


async def test_role_with_another_external_id_is_refused(lab: Lab) -> None:
    """The trust policy names an External ID, and it is not this one."""
    own = lab.moto.user("registrar", ANYTHING_POLICY)
    role = lab.moto.role("registrar-pull", PULL_POLICY)
    lab.moto.enforce()

    result = await lab.assume(own, role, "another-external-id")

    assert (result.verdict, result.stage) == (Verdict.REFUSED, Stage.LOGIN)


async def test_role_that_may_not_be_assumed_is_refused(lab: Lab) -> None:
    """Without the right to assume it the role stays closed."""
    own = lab.moto.user("registrar")
    role = lab.moto.role("registrar-pull", PULL_POLICY)
    lab.moto.enforce()

    result = await lab.assume(own, role)

    assert result.verdict is Verdict.REFUSED
    assert result.stage is Stage.LOGIN


def ecr_config(key: Key) -> Config:
    answers: dict[str, str | Secret] = {
        "url": f"https://{HOST}",
        "region": REGION,
        "access_key_id": key.key_id,
        "secret_access_key": Secret(key.secret),
    }
    return validate("ecr", "access_keys", answers, allow=AllowList())


@asynccontextmanager
async def looking(moto: Moto, lab: Lab | None = None) -> AsyncIterator[Looker]:
    """A looker with moto as AWS' APIs, and the registry itself where there is a lab."""
    clock = SystemClock()
    port, ca_file = (lab.registry.port, lab.ca_file) if lab else (1, None)
    egress = Egress(allow=AllowList(), resolver=OneName(port), ca_file=ca_file)
    aws = AwsGateway(endpoint=lambda _service, _region: moto.url)
    try:
        yield Looker(egress=egress, aws=aws, clock=clock, pacer=Pacer(Limits(), clock))
    finally:
        aws.close()
        await egress.close()


def put_image(moto: Moto, repository: str, *tags: str) -> str:
    """An image under some tags in moto's ECR, and its digest."""
    ecr = boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url=moto.url,
        aws_access_key_id="setup",
        aws_secret_access_key="setup",
    )
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    manifest, _ = build_image(f"{repository}{tags}")
    digest = ""
    for tag in tags:
        put = ecr.put_image(
            registryId=ACCOUNT,
            repositoryName=repository,
            imageManifest=manifest.data.decode(),
            imageTag=tag,
        )
        digest = put["image"]["imageId"]["imageDigest"]
    return digest


async def test_repositories_and_tags_are_listed_by_the_api(moto: Moto) -> None:
    """With digest and the time of the push, page by page; the registry itself is not asked."""
    key = moto.user("lister", ANYTHING_POLICY)
    digest = put_image(moto, "team/app", "1.2", "stable")
    for number in range(110):
        put_image(moto, f"team/many-{number:03}", "1")

    async with looking(moto) as looker:
        tags = await looker.tags(ecr_config(key), "team/app", "", "")
        found, cursor = [], ""
        while True:
            page = await looker.repositories(ecr_config(key), "", cursor)
            found += [one.name for one in page.items]
            cursor = page.next
            if not cursor:
                break

    assert {tag.name: tag.digest for tag in tags.items} == {"1.2": digest, "stable": digest}
    assert all(tag.pushed is not None and tag.pushed.tzinfo is not None for tag in tags.items)
    assert sorted(found) == ["team/app", *(f"team/many-{number:03}" for number in range(110))]


async def test_who_may_not_list_is_told_the_action(moto: Moto) -> None:
    """By IAM itself, which refuses what the policy does not allow."""
    put_image(moto, "team/app", "1.2")
    key = moto.user("puller", PULL_POLICY)
    moto.enforce()

    async with looking(moto) as looker:
        with pytest.raises(Unseen) as caught:
            await looker.repositories(ecr_config(key), "", "")

    assert caught.value.why is Absence.DENIED
    assert "ecr:DescribeRepositories" in caught.value.remedy
    assert not caught.value.failed_sign_in


async def test_a_repository_that_ecr_does_not_have_is_said_to_be_gone(moto: Moto, lab: Lab) -> None:
    """Neither the API nor the registry knows it, and no vendor's words are shown."""
    key = moto.user("lister", ANYTHING_POLICY)

    async with looking(moto, lab) as looker:
        with pytest.raises(Unseen) as caught:
            await looker.tags(ecr_config(key), "team/none", "", "")

    assert caught.value.why is Absence.HIDDEN
    assert str(caught.value).startswith("team/none was not found")
