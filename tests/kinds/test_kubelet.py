"""What Registrar writes, read as the kubelet does: every image that may run finds its login."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.kinds.docker_config import Entry, for_kubernetes
from bot.kinds.pull_login import PullLogin
from tests.kubelet import Keyring, Pair, Unreadable

HOSTS = ("ghcr.io", "docker.io", "harbor.example.com:8443", "gcr.io", "localhost:5000")
SCOPES = (
    "",
    "acme",
    "acme-evil",
    "acme/app",
    "acme/app-two",
    "library",
    "v2",
    "v1/x",
    "v2/x",
    "a/b/c",
)
PATHS = ("", "/app", "/app/deep", "-evil/app", "/app-two", "x")


def entry(host: str, scope: str) -> Entry:
    name = f"{host}/{scope}"
    return Entry(name, host, scope, PullLogin("ci", Secret(f"of {name}")))


def keyring(*entries: Entry) -> Keyring:
    return Keyring(for_kubernetes(entries)[0].reveal())


def first(found: list[Pair]) -> str:
    return found[0].password.removeprefix("of ") if found else ""


def _is_neighbour(image: str, place: str) -> bool:
    """Whether the place is only a plain prefix of the image's name."""
    rest = image.removeprefix(place)
    return rest != image and rest[0] not in "/:@"


@given(
    places=st.sets(st.tuples(st.sampled_from(HOSTS), st.sampled_from(SCOPES)), min_size=1),
    tag=st.sampled_from(("", ":1.0", "@sha256:" + "a" * 64)),
)
@settings(max_examples=150, deadline=None)
def test_an_image_that_may_run_is_pulled_with_the_login_of_its_registry(
    places: set[tuple[str, str]], tag: str
) -> None:
    """Before it only a neighbour's may be tried, whose path is a plain prefix; all are of the host."""
    policy = Policy([Rule(f"{host}/{scope}", host, scope) for host, scope in places])
    keys = keyring(*(entry(*place) for place in sorted(places)))
    for host in HOSTS:
        for image in {
            f"{host}/{scope}{path}{tag}".replace("//", "/") for scope in SCOPES for path in PATHS
        }:
            verdict = policy.decide(image)
            if not verdict.image:
                continue
            tried = [pair.password.removeprefix("of ") for pair in keys.lookup(image)]
            assert all(one.startswith(f"{host}/") for one in tried)
            if verdict.allowed:
                before = tried[: tried.index(verdict.registry)]
                assert all(_is_neighbour(image, one) for one in before), image


def test_short_names_find_the_login_of_docker_hub() -> None:
    """Alone under the key that `docker login` writes, or with others under its path."""
    alone = keyring(entry("docker.io", "library"))
    two = keyring(entry("docker.io", "library"), entry("docker.io", "acme"))
    for image in ("nginx", "library/nginx:1", "docker.io/nginx", "index.docker.io/library/nginx"):
        assert first(alone.lookup(image)) == first(two.lookup(image)) == "docker.io/library"
    assert first(two.lookup("acme/app")) == "docker.io/acme"
    assert two.lookup("other/app") == []


@pytest.mark.parametrize("image", ["GHCR.IO/acme/app", "ghcr.io:443/acme/app", "xghcr.io/acme/app"])
def test_a_host_written_otherwise_finds_no_login(image: str) -> None:
    """The gate reads `GHCR.IO` and `:443` as the same host; the kubelet does not."""
    assert keyring(entry("ghcr.io", "acme")).lookup(image) == []


def test_a_path_is_a_prefix_without_a_boundary() -> None:
    """The login is tried for a neighbour at its own host, after the neighbour's own; never elsewhere."""
    keys = keyring(entry("ghcr.io", "acme"), entry("ghcr.io", "other"))
    both = keyring(entry("ghcr.io", "acme"), entry("ghcr.io", "acme-evil"))

    assert first(keys.lookup("ghcr.io/acme-evil/app")) == "ghcr.io/acme"
    assert first(both.lookup("ghcr.io/acme-evil/app")) == "ghcr.io/acme-evil"
    assert keys.lookup("ghcr.io.evil.example/acme/app") == []
    assert keys.lookup("evil.example/ghcr.io/acme/app") == []
    assert not Policy([Rule("a", "ghcr.io", "acme")]).decide("ghcr.io/acme-evil/app").allowed


def test_of_two_for_the_same_images_the_first_is_written() -> None:
    """There is one key for them; who is left out is said."""
    one, other = entry("ghcr.io", "acme"), entry("ghcr.io", "acme")
    other = Entry("other", other.host, other.scope, other.login)
    text, left_out = for_kubernetes([one, other])

    assert left_out == ["other"]
    assert first(Keyring(text.reveal()).lookup("ghcr.io/acme/app")) == "ghcr.io/acme"


@pytest.mark.parametrize("auth", ["not base64!", base64.b64encode(b"no colon").decode()])
def test_one_auth_that_cannot_be_read_makes_all_useless(auth: str) -> None:
    """Which is why every login is judged before it is written."""
    with pytest.raises(Unreadable):
        Keyring(json.dumps({"auths": {"a.example": {"auth": auth}, "b.example": {"auth": "YTpi"}}}))


def test_what_is_written_survives_odd_passwords() -> None:
    """Colons, quotes, letters beyond ASCII."""
    odd = 'p:ä"\\w ☃='
    one = Entry("a", "ghcr.io", "", PullLogin("ci", Secret(odd)))
    assert keyring(one).lookup("ghcr.io/a/b") == [Pair("ci", odd)]
