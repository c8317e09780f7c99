"""The inputs of the forms, with the vendors' words; shared by the kinds that ask for the same."""

from __future__ import annotations

from bot.kinds.base import Field, Variant


def url(*, fixed: str = "", suggestion: str = "", placeholder: str = "", hint: str = "") -> Field:
    return Field(
        "url",
        "Registry URL",
        fixed=fixed,
        suggestion=fixed or suggestion,
        placeholder=placeholder,
        hint=hint,
        max_length=500,
    )


def region(placeholder: str) -> Field:
    return Field("region", "Region", placeholder=placeholder, max_length=50)


def username(*, placeholder: str = "", hint: str = "") -> Field:
    return Field("username", "Username", placeholder=placeholder, hint=hint, max_length=255)


def token(label: str, *, placeholder: str = "", hint: str = "") -> Field:
    return Field("token", label, secret=True, placeholder=placeholder, hint=hint)


ACCESS_KEYS = (
    Field("access_key_id", "Access Key ID", placeholder="AKIA…", max_length=128),
    Field("secret_access_key", "Secret Access Key", secret=True, max_length=256),
    Field(
        "session_token",
        "Session token",
        secret=True,
        required=False,
        hint="Only for temporary keys, those that begin with ASIA.",
    ),
)

ANONYMOUS = Variant("anonymous", "Anonymous", ())
