"""The address policy against a corpus of the places a hostile name may lead to."""

from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.kinds.addresses import is_metadata, is_public, parse_address
from bot.kinds.allow import AllowList

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "4000::1",
    "100::1",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_address_that_is_not_public_is_refused(text: str) -> None:
    """Nothing special-purpose passes, in whatever notation it is wrapped."""
    address = parse_address(text)

    assert address is not None
    assert not is_public(address)


@pytest.mark.parametrize(
    "text",
    ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"],
)
def test_public_address_passes(text: str) -> None:
    """Ordinary addresses pass, also public IPv4 behind NAT64."""
    address = parse_address(text)

    assert address is not None
    assert is_public(address)


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "0.0.0.0"],
)
def test_listed_host_name_does_not_lead_to_metadata(text: str) -> None:
    """An operator who lists a host name did not mean the cloud's metadata service."""
    allow = AllowList.parse("harbor.corp.example")
    address = parse_address(text)

    assert address is not None
    assert is_metadata(address)
    assert not allow.permits_address(address, 443, "harbor.corp.example")


@pytest.mark.parametrize(
    ("entries", "host", "port", "allowed"),
    [
        ("", "registry.example.com", 443, True),
        ("", "localhost", 443, False),
        ("", "registry", 443, False),
        ("", "127.0.0.1", 443, False),
        ("", "127.1", 443, False),
        ("", "2130706433", 443, False),
        ("", "0x7f000001", 443, False),
        ("", "0x7f.1", 443, False),
        ("", "017700000001", 443, False),
        ("", "[::1]", 443, False),
        ("", "example.com.", 443, False),
        ("", "exa_mple.com", 443, False),
        ("", "example.com\n", 443, False),
        ("", "1.1.1.1", 443, True),
        ("localhost", "localhost", 5000, True),
        ("localhost:5000", "localhost", 5000, True),
        ("localhost:5000", "localhost", 5001, False),
        ("127.0.0.0/8", "127.0.0.1", 5000, True),
        ("127.0.0.0/8", "localhost", 5000, False),
        ("127.0.0.1:5000", "127.0.0.1", 5000, True),
        ("127.0.0.1:5000", "127.0.0.1", 22, False),
        ("[::1]:5000", "::1", 5000, True),
        ("fd00::/8", "fd12::1", 443, True),
        ("harbor", "harbor", 443, True),
        ("http://harbor:8080", "harbor", 8080, True),
        ("http://harbor:8080", "harbor", 443, False),
        ("one, two\nthree", "two", 443, True),
    ],
)
def test_allow_list_permits_names(entries: str, host: str, port: int, allowed: bool) -> None:
    """One-word and numeric hosts pass only when listed; ports count when they are given."""
    assert AllowList.parse(entries).permits_name(host, port) is allowed


def test_plain_http_needs_its_own_entry() -> None:
    """Listing a host does not allow to speak to it unencrypted."""
    allow = AllowList.parse("harbor:8080 http://nexus:8081")

    assert not allow.permits_plain("harbor", 8080)
    assert allow.permits_plain("nexus", 8081)
    assert not allow.permits_plain("nexus", 8082)


@pytest.mark.parametrize(
    "entry",
    ["ftp://x", "*.example.com", "host:0", "host:99999", "host:abc", "a/b/c", "10.0.0.0/40"],
)
def test_bad_allow_list_entry_is_named(entry: str) -> None:
    """A typing mistake must not silently allow or forbid something else."""
    with pytest.raises(SettingsError, match="EGRESS_ALLOW"):
        AllowList.parse(entry)
