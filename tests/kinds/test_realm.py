"""Which token services may see a credential."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kinds.allow import AllowList
from bot.kinds.realm import approve, same_site

PUBLIC = AllowList()


@pytest.mark.parametrize(
    ("registry", "realm", "trusted"),
    [
        ("https://harbor.example.com", "https://harbor.example.com/service/token", True),
        ("https://harbor.example.com", "/service/token", True),
        ("https://harbor.example.com:8443", "https://harbor.example.com:8443/token", True),
        ("https://harbor.example.com:8443", "https://harbor.example.com/token", True),
        ("https://registry.example.com", "https://gitlab.example.com/jwt/auth", True),
        ("https://registry.example.co.uk", "https://auth.example.co.uk/token", True),
        ("https://one.co.uk", "https://two.co.uk/token", False),
        ("https://one.github.io", "https://two.github.io/token", False),
        ("https://registry.example.com", "https://evil.example/token", False),
        ("https://registry.example.com", "https://registry.example.com.evil.example/t", False),
        ("https://registry.example.com", "http://registry.example.com/token", False),
        ("https://registry.example.com", "https://user:pw@registry.example.com/t", False),
        ("https://registry.example.com", "https://registry.example.com:8444/token", False),
        ("https://registry.example.com", "https://169.254.169.254/token", False),
        ("https://registry.example.com", "//evil.example/token", False),
        ("https://registry.example.com", "file:///etc/passwd", False),
        ("https://registry.example.com", "https://[", False),
        ("https://quay.io", "https://quay.io/v2/auth", True),
        ("https://quay.io", "https://evil.quay.io/v2/auth", False),
        (
            "https://registry.digitalocean.com",
            "https://api.digitalocean.com/v2/registry/auth",
            True,
        ),
        ("https://registry.digitalocean.com", "https://www.digitalocean.com/auth", False),
    ],
)
def test_realm_of_a_generic_registry_stays_on_its_site(
    registry: str, realm: str, trusted: bool
) -> None:
    """Same host or same registrable domain, encrypted, and nothing else."""
    approved = approve(realm, httpx.URL(f"{registry}/v2/"), hosts=None, allow=PUBLIC)

    assert (approved is not None) is trusted


@pytest.mark.parametrize(
    ("realm", "trusted"),
    [
        ("https://auth.docker.io/token", True),
        ("https://auth.docker.io:8443/token", False),
        ("https://other.docker.io/token", False),
        ("https://auth.docker.io.evil.example/token", False),
    ],
)
def test_hosted_kind_has_an_exact_list(realm: str, trusted: bool) -> None:
    """For Docker Hub only its own token service will do, whatever the challenge says."""
    registry = httpx.URL("https://registry-1.docker.io/v2/")

    approved = approve(realm, registry, hosts=frozenset({"auth.docker.io"}), allow=PUBLIC)

    assert (approved is not None) is trusted


@pytest.mark.parametrize(
    ("realm", "trusted"),
    [
        ("https://containers.acme.example:8443/token", True),
        ("/token", True),
        ("https://containers.acme.example/token", True),
        ("https://containers.acme.example:9443/token", False),
    ],
)
def test_listed_host_may_have_the_registrys_port(realm: str, trusted: bool) -> None:
    """A GitHub Enterprise Server on a port of its own has its token service there too."""
    host = "containers.acme.example"

    approved = approve(
        realm, httpx.URL(f"https://{host}:8443/v2/"), hosts=frozenset({host}), allow=PUBLIC
    )

    assert (approved is not None) is trusted


def test_empty_list_trusts_nobody() -> None:
    """ECR has no token service, so a Bearer challenge there is never answered."""
    registry = httpx.URL("https://public.ecr.aws/v2/")

    assert (
        approve("https://public.ecr.aws/token", registry, hosts=frozenset(), allow=PUBLIC) is None
    )


def test_query_of_a_realm_is_kept() -> None:
    """A realm may carry parameters of its own; ours are added to them."""
    registry = httpx.URL("https://r.example.com/v2/")

    approved = approve("https://r.example.com/token?a=b", registry, hosts=None, allow=PUBLIC)

    assert approved is not None
    assert approved.params["a"] == "b"


def test_plain_realm_needs_a_plain_registry_and_the_operator() -> None:
    """A realm never leads a credential out of TLS."""
    allow = AllowList.parse("http://10.0.0.1:5000 http://10.0.0.1:5001")
    realm = "http://10.0.0.1:5001/token"
    plain, encrypted = httpx.URL("http://10.0.0.1:5000/v2/"), httpx.URL("https://10.0.0.1/v2/")

    assert approve(realm, plain, hosts=None, allow=allow) is not None
    assert approve(realm, encrypted, hosts=None, allow=allow) is None
    assert approve(realm, plain, hosts=None, allow=PUBLIC) is None


def test_addresses_are_one_site_only_when_equal() -> None:
    """`10.0.0.1` and `11.0.0.1` share no domain, whatever a suffix list makes of the dots."""
    assert same_site("10.0.0.1", "10.0.0.1")
    assert not same_site("10.0.0.1", "11.0.0.1")


@given(st.text(max_size=100))
def test_any_realm_is_judged_without_failing(realm: str) -> None:
    """The text comes from a header of somebody else's server."""
    approved = approve(
        realm, httpx.URL("https://registry.example.com/v2/"), hosts=None, allow=PUBLIC
    )

    assert approved is None or same_site(approved.host, "registry.example.com")
