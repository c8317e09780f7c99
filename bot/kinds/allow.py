"""What the operator allows beyond the public Internet (`EGRESS_ALLOW`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final, Self

from bot.errors import SettingsError
from bot.kinds.addresses import IPAddress, IPNetwork, is_metadata, is_public, parse_address

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PUBLIC_NAME: Final = re.compile(
    rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])"
)
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts, `host:port` and networks that are not public and may be reached all the same.

    A port of None means any port. `plain` lists where plain HTTP may be spoken.
    """

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[IPNetwork, int | None], ...] = ()
    plain: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read entries separated by commas or white space; raise SettingsError naming a bad one."""
        hosts: set[tuple[str, int | None]] = set()
        networks: list[tuple[IPNetwork, int | None]] = []
        plain: set[tuple[str, int]] = set()
        for entry in text.replace(",", " ").split():
            host, port, is_plain = _split(entry.lower())
            network = _network(host)
            if network is not None:
                networks.append((network, port))
            elif _NAME.fullmatch(host):
                hosts.add((host, port))
            else:
                raise SettingsError(
                    f"EGRESS_ALLOW: {entry!r} is not a host, host:port, network or http://host:port."
                )
            if is_plain:
                plain.add((host, port or 80))
        return cls(frozenset(hosts), tuple(networks), frozenset(plain))

    def lists_host(self, host: str, port: int) -> bool:
        """Whether the operator named this host (for this port)."""
        return (host, port) in self.hosts or (host, None) in self.hosts

    def permits_name(self, host: str, port: int) -> bool:
        """Whether `host` may be tried at all: a public-looking name, or one the operator listed."""
        address = parse_address(host)
        if address is not None:
            return self.permits_address(address, port, host)
        return _PUBLIC_NAME.fullmatch(host) is not None or self.lists_host(host, port)

    def permits_address(self, address: IPAddress, port: int, host: str = "") -> bool:
        """Whether a connection for `host` may go to `address`."""
        if is_public(address):
            return True
        if any(
            address in network for network, only in self.networks if only is None or only == port
        ):
            return True
        return self.lists_host(host, port) and not is_metadata(address)

    def permits_plain(self, host: str, port: int) -> bool:
        """Whether plain HTTP may be spoken with `host` on `port`."""
        return (host.strip("[]"), port) in self.plain or (host, port) in self.plain


def _split(entry: str) -> tuple[str, int | None, bool]:
    is_plain = entry.startswith("http://")
    rest = entry.removeprefix("http://").removeprefix("https://").removesuffix("/")
    bracketed = re.fullmatch(r"\[([0-9a-f:.]+)\](?::([0-9]{1,5}))?", rest)
    named = re.fullmatch(r"([^:/\s]+):([0-9]{1,5})", rest)
    match = bracketed or named
    if match is None:
        return rest, None, is_plain
    port = int(match[2]) if match[2] else None
    if port is not None and not 1 <= port <= 65535:
        raise SettingsError(f"EGRESS_ALLOW: {entry!r} has no valid port.")
    return match[1], port, is_plain


def _network(host: str) -> IPNetwork | None:
    try:
        return ip_network(host, strict=False)
    except ValueError:
        return None
