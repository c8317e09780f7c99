"""A request as a practice registry sees it, and what it answers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html; charset=utf-8")
TEXT = ("Content-Type", "text/plain; charset=utf-8")
SECRET_HEADERS = ("authorization", "private-token", "x-auth-token", "x-jfrog-art-api", "cookie")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `host` is lower-case and without port, `headers` are by lower-case name."""

    method: str
    host: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secure: bool = True

    def first(self, name: str) -> str:
        """The first value of a query parameter, or nothing."""
        return next(iter(self.query.get(name, ())), "")

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and secret of Basic authentication, None without or when it is garbled."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, secret) if colon else None

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer` (GitHub also takes `token`), or nothing."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if scheme.lower() in {"bearer", "token"} else ""

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body, the first value of each."""
        return {name: values[0] for name, values in parse_qs(self.body.decode("latin-1")).items()}

    @property
    def json(self) -> dict[str, Any]:
        """The object of a JSON body; empty when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def shows(self) -> str:
        """How a secret came along: `basic`, `bearer`, a header's name, or nothing.

        `signed` is AWS' way: the secret itself stayed at home.
        """
        for name in SECRET_HEADERS:
            if name in self.headers:
                scheme = self.headers[name].partition(" ")[0].lower()
                scheme = "signed" if scheme.startswith("aws4-") else scheme
                return scheme if name == "authorization" else name
        return ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `delay` is waited before it, `drip` between its bytes; both in seconds."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    drip: float = 0.0


def as_json(status: int, payload: object, *headers: tuple[str, str]) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(payload).encode(), (JSON, *headers))


def as_text(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, text.encode(), (TEXT, *headers))


def as_html(status: int, title: str, *headers: tuple[str, str]) -> Answer:
    """A web page, as proxies and portals answer."""
    page = f"<!doctype html><html><head><title>{title}</title></head><body>{title}</body></html>"
    return Answer(status, page.encode(), (HTML, *headers))


def refusal(status: int, code: str, message: str, *headers: tuple[str, str]) -> Answer:
    """An error in the form of the distribution spec: `{"errors":[{code, message, detail}]}`."""
    error = {"code": code, "message": message, "detail": None}
    return as_json(status, {"errors": [error]}, *headers)
