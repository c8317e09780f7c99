"""A token service for the CNCF registry: RS256, with the certificate in the header.

Source: distribution spec, auth/jwt.md. Version 2.8 wants `aud` to be a string and `x5c` present.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

import jwt
import trustme
from aiohttp import BasicAuth, web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.programs import TokenAuth

SERVICE = "test-registry"
ISSUER = "test-issuer"


class TokenService:
    """Gives each of its users what they ask for, and nobody else anything."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self.users = dict(users)
        self.authority = trustme.CA(key_type=trustme.KeyType.RSA)
        leaf = self.authority.issue_cert("tokens.test.example", key_type=trustme.KeyType.RSA)
        self._key = leaf.private_key_pem.bytes()
        certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
        self._x5c = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
        app = web.Application()
        app.router.add_get("/token", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.port = 0

    async def start(self, folder: Path) -> TokenAuth:
        """Listen, and say how a registry is told to send people here."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        certificate = folder / "tokens.crt"
        self.authority.cert_pem.write_to_path(str(certificate))
        return TokenAuth(f"http://127.0.0.1:{self.port}/token", SERVICE, ISSUER, certificate)

    async def close(self) -> None:
        await self._runner.cleanup()

    def token(self, user: str, scopes: list[str]) -> str:
        """A token for `user` with all the actions of `scopes`."""
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": SERVICE,
            "exp": now + 300,
            "nbf": now - 5,
            "iat": now,
            "jti": secrets.token_hex(8),
            "access": access,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"x5c": [self._x5c]})

    async def _answer(self, request: web.Request) -> web.Response:
        header = request.headers.get("Authorization")
        login = BasicAuth.decode(header) if header else None
        if login is None or self.users.get(login.login) != login.password:
            error = {"code": "UNAUTHORIZED", "message": "incorrect username or password"}
            return web.json_response({"errors": [error]}, status=401)
        token = self.token(login.login, request.query.getall("scope", []))
        return web.json_response({"token": token, "access_token": token, "expires_in": 300})
