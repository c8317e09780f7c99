"""Encryption of stored credentials: AES-256-GCM, bound to the row that holds it.

The envelope is version (1 byte), length of the key id (1), key id, nonce (12), ciphertext with tag.
The associated data names workspace, registry and credential, so a ciphertext that is copied into
another row does not open there. Nonces are random: with one key that is safe for 2^32 credentials.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.core.secret import Secret
from bot.errors import SettingsError, Undecryptable

VERSION: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FINGERPRINT_BYTES: Final = 16
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


@dataclass(frozen=True, slots=True)
class Place:
    """The row that a credential belongs to; what its ciphertext is bound to.

    `what` keeps apart the rows of different tables that belong to the same credential.
    """

    team_id: str
    registry_id: str
    credential_id: str
    what: str = "credential"

    def associated_data(self, header: bytes) -> bytes:
        """Unambiguous bytes: every part carries its length, so no two places share them."""
        parts = [f"registrar {self.what}".encode(), header]
        parts += [text.encode() for text in (self.team_id, self.registry_id, self.credential_id)]
        return b"".join(len(part).to_bytes(2) + part for part in parts)


@final
class Keyring:
    """Keys by id. The first encrypts, all decrypt.

    Adding a key in front and later dropping old ones at the end is how keys are replaced. The
    fingerprint key is derived from the last, oldest key, so that adding a key in front changes no
    fingerprint; only dropping the oldest does, and then they are computed again on re-encryption.
    """

    __slots__ = ("_ciphers", "_fingerprint_key", "_first")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._first = next(iter(keys))
        oldest = list(keys.values())[-1]
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"registrar fingerprint v1")
        self._fingerprint_key = derive.derive(oldest)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    @classmethod
    def parse(cls, keys: Secret) -> Keyring:
        """Read `id:base64 of 32 bytes,id2:…`; raises SettingsError, which never quotes a key."""
        found: dict[str, bytes] = {}
        for number, entry in enumerate(keys.reveal().split(","), start=1):
            name, colon, encoded = entry.strip().partition(":")
            if not colon or not _KEY_ID.fullmatch(name):
                raise SettingsError(f"ENCRYPTION_KEYS: entry {number} is not of the form id:key.")
            if name in found:
                raise SettingsError(f"ENCRYPTION_KEYS: the key id {name} is there twice.")
            found[name] = _key(encoded, name)
        return cls(found)

    @classmethod
    def generate_text(cls, key_id: str = "k1") -> str:
        """A new keyring of one key, as ENCRYPTION_KEYS wants it."""
        return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"

    @property
    def first(self) -> str:
        """The id of the key that encrypts."""
        return self._first

    def seal(self, secrets: Mapping[str, Secret], place: Place) -> bytes:
        """Encrypt a credential's secrets for one row."""
        name = self._first.encode()
        header = bytes((VERSION, len(name))) + name
        nonce = os.urandom(NONCE_BYTES)
        plain = json.dumps({key: secret.reveal() for key, secret in secrets.items()}).encode()
        cipher = self._ciphers[self._first]
        return header + nonce + cipher.encrypt(nonce, plain, place.associated_data(header))

    def open(self, blob: bytes, place: Place) -> dict[str, Secret]:
        """Decrypt what `seal` made for the same row; raises Undecryptable for anything else."""
        key_id, header, nonce, sealed = _split(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Undecryptable(
                f"The stored credential was encrypted with the key {key_id}, "
                "which ENCRYPTION_KEYS does not hold."
            )
        try:
            plain = cipher.decrypt(nonce, sealed, place.associated_data(header))
        except InvalidTag:
            raise Undecryptable(
                "The stored credential cannot be opened: it was changed, moved from another row, "
                "or encrypted with another key of the same id."
            ) from None
        return {name: Secret(text) for name, text in json.loads(plain.decode()).items()}

    def fingerprint(self, secrets: Mapping[str, Secret], team_id: str) -> str:
        """32 hex digits that are equal for equal secrets of one workspace; empty without secrets.

        Keyed, because a plain hash of a short password can be searched for.
        """
        if not secrets:
            return ""
        mac = hmac.new(self._fingerprint_key, digestmod=sha256)
        parts = [team_id.encode()] + [secrets[name].reveal().encode() for name in sorted(secrets)]
        for part in parts:
            mac.update(len(part).to_bytes(4) + part)
        return mac.digest()[:FINGERPRINT_BYTES].hex()


def shown_fingerprint(fingerprint: str) -> str:
    """The first eight digits in groups of four, as people see it: `9f3c 11ab`."""
    return f"{fingerprint[:4]} {fingerprint[4:8]}".strip()


def key_id_of(blob: bytes) -> str:
    """The id of the key that a blob was encrypted with; raises Undecryptable for damaged bytes."""
    return _split(blob)[0]


def _key(encoded: str, name: str) -> bytes:
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"ENCRYPTION_KEYS: the key {name} is not base64 of 32 bytes.")
    return key


def _split(blob: bytes) -> tuple[str, bytes, bytes, bytes]:
    """Key id, header, nonce and ciphertext of an envelope."""
    damaged = "The stored credential is damaged."
    if len(blob) < 2 or blob[0] != VERSION:
        raise Undecryptable(damaged)
    end = 2 + blob[1]
    header, nonce, sealed = blob[:end], blob[end : end + NONCE_BYTES], blob[end + NONCE_BYTES :]
    try:
        key_id = header[2:].decode("ascii")
    except UnicodeDecodeError:
        raise Undecryptable(damaged) from None
    if len(nonce) != NONCE_BYTES or not sealed or not _KEY_ID.fullmatch(key_id):
        raise Undecryptable(damaged)
    return key_id, header, nonce, sealed
