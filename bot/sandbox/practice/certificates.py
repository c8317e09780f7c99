"""Certificates of the practice authority: one per name, made when a client asks for it by SNI."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path

import trustme

from bot.core.clock import SystemClock
from bot.sandbox.practice.states import State

DEFECTS = frozenset({State.TLS_EXPIRED, State.TLS_WRONG_NAME, State.TLS_UNKNOWN_ISSUER})


class Certificates:
    """Mints server contexts. `state_of` says which defect, if any, a name has just now."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="Registrar practice registries")
        self._stranger = trustme.CA(organization_name="Nobody's authority")
        self._contexts: dict[tuple[str, State], ssl.SSLContext] = {}

    def write_authority(self, path: Path) -> None:
        """Put the authority's certificate (PEM) where clients are told to find it."""
        self._authority.cert_pem.write_to_path(str(path))

    def context(self, name: str, state: State = State.HEALTHY) -> ssl.SSLContext:
        """The server context for `name`, with the defect of `state` if it is one."""
        key = (name, state if state in DEFECTS else State.HEALTHY)
        if key not in self._contexts:
            self._contexts[key] = self._mint(*key)
        return self._contexts[key]

    def equip(self, context: ssl.SSLContext, name: str) -> None:
        """Give an existing context the certificate of `name`."""
        self._authority.issue_cert(name).configure_cert(context)

    def _mint(self, name: str, state: State) -> ssl.SSLContext:
        # Certificates live in real time: TLS libraries judge them by the machine's clock.
        now = SystemClock().now()
        match state:
            case State.TLS_EXPIRED:
                leaf = self._authority.issue_cert(
                    name, not_before=now - timedelta(days=90), not_after=now - timedelta(days=1)
                )
            case State.TLS_WRONG_NAME:
                leaf = self._authority.issue_cert("another-name.practice.example")
            case State.TLS_UNKNOWN_ISSUER:
                leaf = self._stranger.issue_cert(name)
            case _:
                leaf = self._authority.issue_cert(name)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        leaf.configure_cert(context)
        return context
