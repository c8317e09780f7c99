"""`registrar manifest kubernetes` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme
import yaml

from bot.core.secret import Secret
from bot.store.cipher import Keyring
from tests.factories import add, cluster, deps_on, generic

URL = "https://registrar.example.com"


@pytest.fixture
async def environment(sqlite_url: str) -> Mapping[str, str]:
    """A database with a cluster and a registry."""
    keys = Keyring.generate_text()
    deps = deps_on(sqlite_url, ring=Keyring.parse(Secret(keys)))
    await add(deps, answers=generic())
    await cluster(deps)
    await deps.store.close()
    return {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": keys, "PUBLIC_URL": f"{URL}/"}


def printed(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "manifest", "kubernetes", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_all_that_a_cluster_needs(environment: Mapping[str, str], tmp_path: Path) -> None:
    """With the policy of now and an authority of one's own, of which only the certificate is taken."""
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
    words = ("--image", "ghcr.io/acme/registrar:1", "--pull-into", "web", "--ca", str(file))

    done = printed(environment, *words)

    assert done.returncode == 0, done.stderr
    assert "PRIVATE KEY" not in done.stdout
    kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout) if one]
    assert sorted(kinds) == [
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterSecretStore",
        "ConfigMap",
        "CronJob",
        "ExternalSecret",
        "Namespace",
        "ServiceAccount",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ]
    assert f"{URL}/api/v1/clusters/" in done.stdout
    assert "harbor-team.example.com" in done.stdout
    assert done.stdout == printed(environment, *words).stdout


@pytest.mark.parametrize(
    ("words", "setting", "sentence"),
    [
        ((), {"PUBLIC_URL": ""}, "Set PUBLIC_URL"),
        ((), {"PUBLIC_URL": "http://registrar.example.com"}, "must be an https:// address"),
        ((), {"PUBLIC_URL": "https://user@registrar.example.com"}, "Set PUBLIC_URL"),
        (("--cluster", "prod-us"), {}, "Did you mean prod-eu"),
        (("--pull-into", "Web"), {}, "is no namespace"),
        (("--image", "not an image"), {}, "--image"),
        (("--ca", "/nowhere/ca.pem"), {}, "cannot be read"),
        (("--ca", __file__), {}, "holds no certificate"),
    ],
)
def test_what_cannot_be_printed_is_said(
    environment: Mapping[str, str],
    words: tuple[str, ...],
    setting: Mapping[str, str],
    sentence: str,
) -> None:
    """In a sentence, with nothing on standard output that could be applied."""
    done = printed({**environment, **setting}, *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
