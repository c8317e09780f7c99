"""Practice credentials: random at every start, in the shape the vendor gives its own.

They open nothing but this process' practice registries, so they are plain texts that the sandbox
shows for copying.
"""

from __future__ import annotations

import json
import secrets
import string
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ALNUM: Final = string.ascii_letters + string.digits
AWS_ID: Final = string.ascii_uppercase + "234567"


def random_text(length: int, alphabet: str = ALNUM) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def github_token() -> str:
    """A classic personal access token."""
    return f"ghp_{random_text(36)}"


def gitlab_token() -> str:
    return f"glpat-{random_text(20)}"


def gitlab_deploy_token() -> str:
    return f"gldt-{random_text(20)}"


def docker_token() -> str:
    return f"dckr_pat_{random_text(27)}"


def docker_organisation_token() -> str:
    return f"dckr_oat_{random_text(27)}"


def aws_key_id(prefix: str = "AKIA") -> str:
    """`AKIA…` for a long-term key, `ASIA…` for a session."""
    return prefix + random_text(16, AWS_ID)


def aws_secret() -> str:
    return random_text(40, ALNUM + "+/")


def scaleway_key_id() -> str:
    return f"SCW{random_text(17, string.ascii_uppercase + string.digits)}"


def scaleway_secret() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A Google service account with one key. `text` is the JSON file, `public_key` its PEM half."""

    project: str
    email: str
    key_id: str
    text: str
    public_key: str

    def certificate(self, begins: datetime, ends: datetime) -> str:
        """The public half as a certificate, PEM, as Google publishes it."""
        key = serialization.load_pem_private_key(
            json.loads(self.text)["private_key"].encode(), None
        )
        assert isinstance(key, rsa.RSAPrivateKey)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.project[:64])])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(begins)
            .not_valid_after(ends)
            .sign(key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


def service_account(project: str, email: str = "") -> ServiceAccount:
    """A service account of `project`, a new one or another key of the one with this `email`.

    Making the RSA key takes a tenth of a second.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    email = email or f"ci-pull@{project}.iam.gserviceaccount.com"
    key_id = random_text(40, "0123456789abcdef")
    text = json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": key_id,
            "private_key": private,
            "client_email": email,
            "client_id": random_text(21, string.digits),
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        }
    )
    return ServiceAccount(project, email, key_id, text, public.decode())
