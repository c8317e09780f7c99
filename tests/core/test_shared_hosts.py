"""Hosts that strangers share."""

from __future__ import annotations

import pytest

from bot.core.shared_hosts import is_shared


@pytest.mark.parametrize(
    "host",
    [
        "docker.io", "ghcr.io", "quay.io", "registry.gitlab.com", "public.ecr.aws", "gcr.io",
        "eu.gcr.io", "europe-west1-docker.pkg.dev", "rg.fr-par.scw.cloud", "icr.io", "de.icr.io",
        "registry.digitalocean.com", "fra.ocir.io", "registry.cn-hangzhou.aliyuncs.com",
    ],
)  # fmt: skip
def test_everybody_keeps_images_there(host: str) -> None:
    """So a registration needs a path to mean anything."""
    assert is_shared(host)


@pytest.mark.parametrize(
    "host",
    [
        "123456789012.dkr.ecr.eu-west-3.amazonaws.com", "acme.azurecr.io", "acme.jfrog.io",
        "containers.acme.ghe.com", "harbor.example.com", "docker.io.example.com",
        "ghcr.io:8443", "xdocker.io",
    ],
)  # fmt: skip
def test_such_a_host_has_one_owner(host: str) -> None:
    """The host alone says whose images they are."""
    assert not is_shared(host)
