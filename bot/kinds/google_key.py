"""How old a Google service-account key is and when it ends.

Source: Google Cloud documentation, REST projects.serviceAccounts.keys; the public certificates of
a service account at www.googleapis.com/robot/v1/metadata/x509.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from cryptography import x509

from bot.core.check import Expiry
from bot.core.secret import Secret
from bot.kinds.age import Answer, moment
from bot.kinds.service_account import ServiceAccountKey
from bot.kinds.visit import Visit, json_object

REQUESTS: Final = 2
_IAM: Final = "https://iam.googleapis.com/v1"
_CERTIFICATES: Final = "https://www.googleapis.com/robot/v1/metadata/x509"
_NEVER: Final = 9000  # Google writes the year 9999 for a key without an end


async def ask(visit: Visit, key: ServiceAccountKey, token: Secret) -> Answer:
    """From the key's own record where it may be read, else from its public certificate."""
    name = f"projects/{quote(key.project, safe=':')}/serviceAccounts/{quote(key.email, safe='@:')}"
    answer = await visit.request(
        "GET",
        f"{_IAM}/{name}/keys/{key.key_id}",
        {"Authorization": f"Bearer {token.reveal()}"},
        auth=True,
    )
    if answer.status_code == 200:
        about = json_object(answer)
        return _told(moment(about.get("validAfterTime")), moment(about.get("validBeforeTime")))
    public = await visit.request("GET", f"{_CERTIFICATES}/{quote(key.email, safe='@:')}")
    certificate = json_object(public).get(key.key_id) if public.status_code == 200 else None
    return _certified(certificate) if isinstance(certificate, str) else Answer()


def _certified(pem: str) -> Answer:
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        return _told(found.not_valid_before_utc, found.not_valid_after_utc)
    except ValueError:
        return Answer()


def _told(begins: datetime | None, ends: datetime | None) -> Answer:
    if ends is None:
        return Answer(issued_at=begins)
    return Answer(Expiry(None if ends.year >= _NEVER else ends, "provider"), begins)
