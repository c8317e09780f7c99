"""Short-lived registry tokens, as token services hand them out.

Source: distribution spec, `auth/token.md` and `auth/jwt.md`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import jwt

from bot.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: who (nobody when anonymous), for which service, and the actions."""

    subject: str
    audience: str
    access: Mapping[str, tuple[str, ...]]

    def may_pull(self, repository: str) -> bool:
        return "pull" in self.access.get(repository, ())


@dataclass(frozen=True, slots=True)
class Scope:
    """`repository:team/app:pull,push` taken apart."""

    name: str
    actions: tuple[str, ...]


def parse_scopes(values: Iterable[str]) -> list[Scope]:
    """The repository scopes of a token request; others are dropped as token services do."""
    found = []
    for value in " ".join(values).split():
        kind, _, rest = value.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and name:
            found.append(Scope(name, tuple(actions.split(","))))
    return found


class TokenDesk:
    """Issues and opens tokens; the key lives as long as the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def issue(
        self,
        subject: str,
        audience: str,
        access: Iterable[Scope] = (),
        *,
        seconds: int = 300,
        **extra: str,
    ) -> dict[str, object]:
        """The JSON object a token service answers with."""
        now = self._clock.now()
        token = jwt.encode(
            {
                "sub": subject,
                "aud": audience,
                "iat": int(now.timestamp()),
                "exp": int((now + timedelta(seconds=seconds)).timestamp()),
                "jti": secrets.token_hex(8),
                "access": [
                    {"type": "repository", "name": scope.name, "actions": list(scope.actions)}
                    for scope in access
                ],
                **extra,
            },
            self._key,
            algorithm="HS256",
        )
        issued_at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "token": token,
            "access_token": token,
            "expires_in": seconds,
            "issued_at": issued_at,
        }

    def open(self, token: str, audience: str) -> Claims | None:
        """The claims of a token of ours for this service; None for any other text."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=audience,
                # Judged below, by the clock that the sandbox can move.
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        if claims["exp"] <= self._clock.now().timestamp():
            return None
        access = {entry["name"]: tuple(entry["actions"]) for entry in claims["access"]}
        return Claims(claims["sub"], audience, access)
