"""Google service-account keys: their shape, and the assertion they sign.

Only `client_email`, `private_key`, `private_key_id` and `project_id` are used. The URLs in the file
are ignored: whoever made the file could point them anywhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.core.secret import Secret

AUDIENCE: Final = "https://oauth2.googleapis.com/token"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_EMAIL: Final = re.compile(r"[a-z0-9.-]{1,100}@[a-z0-9.:-]{1,200}\.gserviceaccount\.com")
_KEY_ID: Final = re.compile(r"[0-9a-f]{40}")
_PROJECT: Final = re.compile(r"(?:[a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{4,61}[a-z0-9]")
_LIFETIME: Final = timedelta(minutes=30)


class NotAKey(ValueError):
    """The text is not a service-account key; its own text says why, and may be shown."""


@dataclass(frozen=True, slots=True)
class ServiceAccountKey:
    """A parsed key file."""

    email: str
    key_id: str
    project: str
    private_key: RSAPrivateKey = field(repr=False)

    @classmethod
    def parse(cls, secret: Secret) -> ServiceAccountKey:
        """Read the JSON of a key file, plain or base64; raise NotAKey."""
        about = _object(secret.reveal().strip())
        kind = about.get("type")
        if kind != "service_account":
            raise NotAKey(
                'This is not a service-account key: its "type" must be "service_account".'
            )
        return cls(
            _text(about, "client_email", _EMAIL),
            _text(about, "private_key_id", _KEY_ID),
            _text(about, "project_id", _PROJECT),
            _private_key(about.get("private_key")),
        )

    def assertion(self, now: datetime) -> str:
        """A signed request for an access token, good for half an hour from `now`."""
        claims = {
            "iss": self.email,
            "aud": AUDIENCE,
            "scope": _SCOPE,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIFETIME).timestamp()),
        }
        return jwt.encode(claims, self.private_key, algorithm="RS256", headers={"kid": self.key_id})


def wall_time() -> datetime:
    """The real time, which signatures need even where the sandbox has moved its clock."""
    return datetime.now(UTC)


def _object(text: str) -> dict[str, object]:
    if not text.startswith("{"):
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode()
        except (binascii.Error, ValueError):
            raise NotAKey("This is not JSON; paste the whole key file.") from None
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAKey("This JSON is not complete; paste the whole key file.") from None
    if not isinstance(about, dict):
        raise NotAKey("This is not a service-account key.")
    return about


def _text(about: dict[str, object], name: str, shape: re.Pattern[str]) -> str:
    value = about.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise NotAKey(f'This key file has no valid "{name}".')
    return value


def _private_key(value: object) -> RSAPrivateKey:
    if not isinstance(value, str):
        raise NotAKey('This key file has no "private_key".')
    try:
        key = load_pem_private_key(value.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise NotAKey('The "private_key" of this key file is damaged.') from None
    if not isinstance(key, RSAPrivateKey):
        raise NotAKey('The "private_key" of this key file is not an RSA key.')
    return key
