"""Image references read as container runtimes read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.image import Reference, names_host
from bot.errors import InvalidReference

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", "", ""),
        ("nginx:1.25", "docker.io", "library/nginx", "1.25", ""),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", "", ""),
        ("index.docker.io/acme/app:1", "docker.io", "acme/app", "1", ""),
        ("acme/app", "docker.io", "acme/app", "", ""),
        ("ghcr.io/acme/app:1.2", "ghcr.io", "acme/app", "1.2", ""),
        ("ghcr.io:443/acme/app", "ghcr.io:443", "acme/app", "", ""),
        ("localhost/app", "localhost", "app", "", ""),
        ("localhost:5000/app:v1", "localhost:5000", "app", "v1", ""),
        ("localhost:5000", "docker.io", "library/localhost", "5000", ""),
        ("ACME/app", "ACME", "app", "", ""),
        ("GHCR.IO/acme/app", "GHCR.IO", "acme/app", "", ""),
        ("[::1]:5000/app", "[::1]:5000", "app", "", ""),
        (f"ghcr.io/a/b@sha256:{HEX}", "ghcr.io", "a/b", "", f"sha256:{HEX}"),
        (f"ghcr.io/a/b:1@sha256:{HEX}", "ghcr.io", "a/b", "1", f"sha256:{HEX}"),
        (f"sha256:{HEX}", "docker.io", "library/sha256", HEX, ""),
        ("10/app", "docker.io", "10/app", "", ""),
        ("127.1/app", "127.1", "app", "", ""),
        ("a--b/c__d/e.f", "docker.io", "a--b/c__d/e.f", "", ""),
    ],
)
def test_reference_is_read_as_runtimes_read_it(
    text: str, host: str, repository: str, tag: str, digest: str
) -> None:
    """Host, path, tag and digest come apart exactly as the distribution library splits them."""
    assert Reference.parse(text) == Reference(host, repository, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        "https://ghcr.io/x",
        "ghcr.io/acme/../evil",
        "//x",
        "ghcr.io/acme/app/",
        "ghcr.io/Acme/app",
        "ghcr.io./acme/app",
        "user:pw@ghcr.io/app",
        "a_b.c/d",
        "a/b:",
        "a/b:-x",
        f"a/b:{'t' * 129}",
        "a/b@sha256:abc",
        f"a/b@sha256:{'A' * 64}",
        f"a/b@md5:{'a' * 32}",
        "a___b/c",
        "a._b/c",
        "a/b\n",
        "ghcr.io/acme/app:1\n",
        "ghcr.io/аcme/app",
        "a/" + "b" * 260,
        "x" * 2000,
    ],
)
def test_malformed_reference_is_refused(text: str) -> None:
    """What no runtime could run is refused with a sentence."""
    with pytest.raises(InvalidReference, match=r"\.$"):
        Reference.parse(text)


def test_familiar_name_is_the_short_one() -> None:
    """People read `nginx:1`, not `docker.io/library/nginx:1`."""
    assert Reference.parse("docker.io/library/nginx:1").familiar() == "nginx:1"
    assert Reference.parse("ghcr.io/acme/app").familiar() == "ghcr.io/acme/app"


def test_version_defaults_to_latest() -> None:
    """Without tag and digest the registry is asked for `latest`."""
    assert Reference.parse("acme/app").version == "latest"
    assert Reference.parse(f"acme/app:1@sha256:{HEX}").version == f"sha256:{HEX}"


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """No text makes the parser fail in another way, and what it accepts it reads again alike."""
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(reference)) == reference


@given(st.from_regex(r"[a-z0-9./:@A-Z_-]{1,60}", fullmatch=True))
def test_accepted_reference_always_has_a_host(text: str) -> None:
    """A reference without a host could be sent anywhere, so there is none."""
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert reference.host
    assert names_host(f"{reference.host}/{reference.repository}") or reference.host == "docker.io"
