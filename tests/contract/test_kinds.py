"""The nine kinds under the contract; each says only who may be shown its credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bot.core.secret import Secret
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice.shapes import service_account
from tests.contract.contract import KindContract, approved

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


class TestEcr(KindContract):
    slug: ClassVar = "ecr"
    approved: ClassVar = approved(
        "sts.eu-west-1.amazonaws.com signed",
        "api.ecr.eu-west-1.amazonaws.com signed",
        f"{ECR} basic",
        "iam.eu-west-1.amazonaws.com signed",
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {"secret_access_key": Secret("x" * 40)}


class TestGcpArtifactRegistry(KindContract):
    slug: ClassVar = "gcp_artifact_registry"
    approved: ClassVar = approved(
        "oauth2.googleapis.com body",
        "europe-west1-docker.pkg.dev basic",
        "europe-west1-docker.pkg.dev bearer",
        "artifactregistry.googleapis.com bearer",
        "iam.googleapis.com bearer",
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {
        "service_account_json": Secret(service_account("acme-practice").text)
    }


class TestScaleway(KindContract):
    slug: ClassVar = "scaleway"
    approved: ClassVar = approved(
        "api.scaleway.com x-auth-token", "api.scaleway.com basic", "rg.fr-par.scw.cloud bearer"
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {
        "secret_key": Secret("11111111-2222-4333-8444-555555555555")
    }


class TestDockerHub(KindContract):
    slug: ClassVar = "docker_hub"
    approved: ClassVar = approved(
        "auth.docker.io basic", "hub.docker.com body", "registry-1.docker.io bearer"
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {"password": Secret("dckr_pat_" + "x" * 27)}


class TestGhcr(KindContract):
    slug: ClassVar = "ghcr"
    approved: ClassVar = approved("api.github.com bearer", "ghcr.io basic", "ghcr.io bearer")
    wrong: ClassVar[Mapping[str, str | Secret]] = {"token": Secret("ghp_" + "x" * 36)}


class TestGitHubEnterprise(KindContract):
    slug: ClassVar = "github_enterprise"
    approved: ClassVar = approved(
        "api.acme.ghe.com bearer", "containers.acme.ghe.com basic", "containers.acme.ghe.com bearer"
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {"token": Secret("ghp_" + "x" * 36)}


class TestGitLab(KindContract):
    slug: ClassVar = "gitlab"
    approved: ClassVar = approved(
        "gitlab.com private-token", "gitlab.com basic", "registry.gitlab.com bearer"
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {"token": Secret("glpat-" + "x" * 20)}


class TestPublicEcr(KindContract):
    slug: ClassVar = "public_ecr"
    approved: ClassVar = approved(
        "sts.us-east-1.amazonaws.com signed",
        "ecr-public.us-east-1.amazonaws.com signed",
        "public.ecr.aws basic",
        "public.ecr.aws bearer",
        "iam.us-east-1.amazonaws.com signed",
    )
    wrong: ClassVar[Mapping[str, str | Secret]] = {"secret_access_key": Secret("x" * 40)}


class TestGeneric(KindContract):
    slug: ClassVar = "generic"
    approved: ClassVar = approved("registry.practice.example basic")
    wrong: ClassVar[Mapping[str, str | Secret]] = {"password": Secret("x" * 24)}


def test_every_kind_is_under_the_contract() -> None:
    """A kind that is added without a contract class fails here."""
    assert [contract.slug for contract in KindContract.__subclasses__()] == list(KINDS)
