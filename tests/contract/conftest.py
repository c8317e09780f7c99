"""What contract tests share: a light trust store, and an environment full of decoys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.contract.lab import Lab, open_lab


@pytest.fixture(autouse=True)
def few_authorities(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No authority but those of EGRESS_CA_FILE: loading the system's takes longer than a check."""
    (tmp_path / "none.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """A fresh lab."""
    async with open_lab() as made:
        yield made


@pytest.fixture
def decoys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Fill environment and home with valid-looking credentials, proxies and endpoints.

    The proxy and the endpoints lead to a port where nothing listens, so that using one shows.
    """

    def fill() -> None:
        nowhere = "http://127.0.0.1:9"
        home = tmp_path / "home"
        (home / ".aws").mkdir(parents=True)
        (home / ".docker").mkdir()
        aws = "[default]\naws_access_key_id = AKIADECOYDECOYDECOY2\naws_secret_access_key = decoy\n"
        (home / ".aws" / "credentials").write_text(aws)
        (home / ".aws" / "config").write_text(f"[default]\nendpoint_url = {nowhere}\n")
        docker = {"auths": {"ghcr.io": {"auth": "ZGVjb3k6ZGVjb3k="}}}
        (home / ".docker" / "config.json").write_text(json.dumps(docker))
        (home / ".netrc").write_text("default login decoy password decoy\n")
        (home / "adc.json").write_text(
            json.dumps({"type": "authorized_user", "client_id": "decoy"})
        )
        for name, value in {
            "HOME": str(home),
            "NETRC": str(home / ".netrc"),
            "AWS_ACCESS_KEY_ID": "AKIADECOYDECOYDECOY2",
            "AWS_SECRET_ACCESS_KEY": "decoy",
            "AWS_SESSION_TOKEN": "decoy",
            "AWS_PROFILE": "default",
            "AWS_REGION": "ap-south-1",
            "AWS_DEFAULT_REGION": "ap-south-1",
            "AWS_ENDPOINT_URL": nowhere,
            "AWS_ENDPOINT_URL_STS": nowhere,
            "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/decoy",
            "AWS_CA_BUNDLE": str(home / "none.pem"),
            "GOOGLE_APPLICATION_CREDENTIALS": str(home / "adc.json"),
            "DOCKER_CONFIG": str(home / ".docker"),
            "GITHUB_TOKEN": "decoy",
            "GH_TOKEN": "decoy",
            "CI_JOB_TOKEN": "decoy",
            "SCW_SECRET_KEY": "decoy",
            "HTTP_PROXY": nowhere,
            "HTTPS_PROXY": nowhere,
            "ALL_PROXY": nowhere,
            "http_proxy": nowhere,
            "https_proxy": nowhere,
            "SSL_CERT_FILE": str(home / "none.pem"),
            "REQUESTS_CA_BUNDLE": str(home / "none.pem"),
        }.items():
            monkeypatch.setenv(name, value)

    return fill
