"""`dockerconfigjson`, as the kubelet reads it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from bot.core.secret import Secret
from bot.errors import NoLogin
from bot.kinds.docker_config import Entry, faults, for_docker, for_kubernetes
from bot.kinds.pull_login import PullLogin

UNTIL = datetime(2026, 11, 24, 21, tzinfo=UTC)


def entry(
    registry: str, host: str, scope: str = "", user: str = "ci", password: str = "p:ä w"
) -> Entry:
    return Entry(registry, host, scope, PullLogin(user, Secret(password), UNTIL))


def read(file: Secret | tuple[Secret, list[str]]) -> dict[str, str]:
    """What the kubelet makes of it: user and password by key."""
    file = file[0] if isinstance(file, tuple) else file
    auths = json.loads(file.reveal())["auths"]
    assert all(set(one) == {"auth"} for one in auths.values())
    return {
        key: base64.b64decode(one["auth"], validate=True).decode() for key, one in auths.items()
    }


def test_one_registry_of_a_host_has_the_host_as_key() -> None:
    """Port and all; Docker Hub under the name that every tool knows."""
    found = read(
        for_kubernetes(
            [
                entry("ghcr", "ghcr.io", "acme"),
                entry("harbor", "harbor.example.com:8443"),
                entry("hub", "docker.io", "acme"),
            ]
        )
    )

    assert set(found) == {"ghcr.io", "harbor.example.com:8443", "https://index.docker.io/v1/"}
    assert set(found.values()) == {"ci:p:ä w"}


def test_two_of_a_host_have_their_paths() -> None:
    """One without a path stays under the host, which is tried last."""
    entries = [
        entry("a", "ghcr.io", "acme", password="1"),
        entry("b", "ghcr.io", "other/team", password="2"),
        entry("h", "harbor.example.com", password="3"),
        entry("i", "harbor.example.com", "team", password="4"),
        entry("d", "docker.io", "acme", password="5"),
        entry("e", "docker.io", "library", password="6"),
    ]

    assert read(for_kubernetes(entries)) == {
        "ghcr.io/acme": "ci:1",
        "ghcr.io/other/team": "ci:2",
        "harbor.example.com": "ci:3",
        "harbor.example.com/team": "ci:4",
        "docker.io/acme": "ci:5",
        "docker.io/library": "ci:6",
    }


def test_docker_keeps_one_login_for_a_host() -> None:
    """Who is left out is said."""
    file, left_out = for_docker([entry("a", "ghcr.io", "x"), entry("b", "ghcr.io", "y")])

    assert set(read(file)) == {"ghcr.io"}
    assert left_out == ["b"]


@pytest.mark.parametrize(
    ("user", "password"),
    [("a:b", "p"), ("a\n", "p"), ("", "p"), ("a", ""), ("a", "p\n"), ("a", "p\x00")],
)
def test_what_would_break_the_whole_secret_is_left_out(user: str, password: str) -> None:
    """The kubelet drops all logins when it cannot read one."""
    assert faults(entry("r", "ghcr.io", user=user, password=password))


def test_a_secret_in_kubernetes_has_a_limit() -> None:
    """1 MiB."""
    many = [entry(str(n), f"r{n}.example.com", password="x" * 2000) for n in range(400)]
    with pytest.raises(NoLogin, match="1 MiB"):
        for_kubernetes(many)
