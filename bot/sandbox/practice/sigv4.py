"""Verifies AWS Signature Version 4, with the signer that made it.

Source: AWS General Reference, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bot.sandbox.practice.ask import Ask

HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, ?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What the Authorization header of a signed request says. `stamp` is `20261124T021000Z`."""

    key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    stamp: str
    session_token: str

    def matches(self, ask: Ask, secret: str) -> bool:
        """Whether the request was signed with this secret, and nothing was changed since."""
        request = AWSRequest(
            method=ask.method,
            url=f"http://{ask.headers.get('host', '')}{ask.path}",
            headers={name: ask.headers[name] for name in self.headers if name in ask.headers},
            data=ask.body,
        )
        request.context["timestamp"] = self.stamp
        signer = SigV4Auth(Credentials(self.key_id, secret), self.service, self.region)
        canonical = signer.canonical_request(request)
        wanted = signer.signature(signer.string_to_sign(request, canonical), request)
        return hmac.compare_digest(wanted, self.signature)


def parse_signature(ask: Ask) -> Signature | None:
    """The signature of a request, None when it has none."""
    found = HEADER.fullmatch(ask.headers.get("authorization", ""))
    if found is None:
        return None
    return Signature(
        found["key"],
        found["region"],
        found["service"],
        tuple(found["headers"].split(";")),
        found["signature"],
        ask.headers.get("x-amz-date", ""),
        ask.headers.get("x-amz-security-token", ""),
    )
