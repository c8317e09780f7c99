"""Looks practice names up: they lead to this machine; others exist if the operator allowed them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from bot.kinds.addresses import parse_address
from bot.kinds.allow import AllowList
from bot.kinds.net import Address, Resolver
from bot.sandbox.practice.states import State


class PracticeResolver:
    """`state_of(host)` tells the state of the practice registry behind a name, None for others.

    `ports` are those of the TLS listener, of the plain one, and one that refuses connections.
    """

    def __init__(
        self,
        state_of: Callable[[str], State | None],
        ports: tuple[int, int, int],
        fallback: Resolver | None = None,
        allow: AllowList | None = None,
    ) -> None:
        self._state_of = state_of
        self._tls, self._plain, self._closed = ports
        self._fallback = fallback
        self._allow = allow or AllowList()

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Addresses of this machine for practice names; an OSError for unknown ones."""
        state = self._state_of(host.lower().rstrip("."))
        if state is None:
            return await self._allowed(host, port)
        if state is State.UNKNOWN_HOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if state is State.REFUSES_CONNECTION:
            return [Address("127.0.0.1", self._closed, trusted=True)]
        return [Address("127.0.0.1", self._plain if port == 80 else self._tls, trusted=True)]

    async def _allowed(self, host: str, port: int) -> Sequence[Address]:
        if self._fallback is None or not (self._allow.hosts or self._allow.networks):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = await self._fallback.resolve(host, port)
        if self._allow.lists_host(host, port):
            return found
        # Of other names only what leads into an allowed network: practice stays off the Internet.
        return [address for address in found if self._in_network(address)]

    def _in_network(self, address: Address) -> bool:
        ip = parse_address(address.ip)
        return any(
            ip in network and only in {None, address.port} for network, only in self._allow.networks
        )
