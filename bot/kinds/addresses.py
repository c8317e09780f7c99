"""Which addresses are public: the last word on where an outgoing connection may go.

Our own table instead of `ipaddress.is_global`, whose answer changes between releases of Python.
Source: IANA special-purpose address registries (IPv4 and IPv6).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers, and Alibaba's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent has a public address
        "169.254.0.0/16",  # link-local: the metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and Oracle's metadata service
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4 hides an IPv4 address
        "3fff::/20",
    )
)
# Never reachable through an entry that names only a host: an answer of the DNS must not lead there.
_NEVER_BY_NAME: Final = tuple(
    IPv4Network(text) for text in ("0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "224.0.0.0/3")
)
_NEVER_BY_NAME_6: Final = tuple(
    IPv6Network(text) for text in ("::/128", "fe80::/10", "fd00:ec2::/32", "ff00::/8")
)


def parse_address(text: str) -> IPAddress | None:
    """The address that `text` writes (brackets allowed), or None if it is a name."""
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_public(address: IPAddress) -> bool:
    """Whether anybody on the Internet could mean this address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:  # IPv6-only networks reach public IPv4 registries this way
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_metadata(address: IPAddress) -> bool:
    """Link-local, multicast, unspecified or metadata: refused even for host names on the list."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_metadata(inner)
        return any(address in network for network in _NEVER_BY_NAME_6)
    return any(address in network for network in _NEVER_BY_NAME)
