"""TLS: whom we trust, and why a certificate was refused, in words."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import certifi

from bot.errors import SettingsError

# Source: OpenSSL, x509_vfy.h.
_REASONS: Final = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate chain ends in a self-signed certificate that is not trusted here",
    20: "its certificate comes from an unknown issuer",
    21: "its certificate comes from an unknown issuer",
    23: "its certificate was revoked",
    62: "its certificate was issued for another host",
    64: "its certificate was issued for another address",
}


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """One context for every connection: the system's authorities and those of `ca_file`.

    Raises SettingsError when the file cannot be read as certificates.
    """
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # ssl.SSLError is one too
            raise SettingsError(
                f"EGRESS_CA_FILE: {ca_file} is not a readable file of PEM certificates."
            ) from error
    return context


def reason(error: BaseException) -> str:
    """Why TLS failed, to follow "HOST: "."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _REASONS.get(error.verify_code, "its certificate cannot be verified")
    text = str(error).upper()
    if any(mark in text for mark in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER")):
        return "it does not speak TLS on this port"
    return "the TLS handshake failed"
