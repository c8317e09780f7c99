"""The states a practice registry can be put in."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """How a practice registry treats the right credential, or misbehaves altogether.

    A wrong credential is refused in every state, in the way its vendor refuses it.
    """

    HEALTHY = "healthy"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a state's name
    EXPIRED = "expired"
    REVOKED = "revoked"
    LACKS_SCOPE = "lacks_scope"
    NO_ACCESS = "no_access"
    LIMITED = "limited"
    SLOW = "slow"
    DOWN = "down"
    HOSTILE_REALM = "hostile_realm"
    NOT_A_REGISTRY = "not_a_registry"
    SSO_REQUIRED = "sso_required"
    CLOCK_SKEW = "clock_skew"
    SESSION_OVER = "session_over"
    BANNED = "banned"
    OPEN = "open"
    ANY_PASSWORD = "any_password"  # noqa: S105 - a state's name
    REDIRECTS = "redirects"
    STUCK = "stuck"
    DRIPS = "drips"
    REFUSES_CONNECTION = "refuses_connection"
    UNKNOWN_HOST = "unknown_host"
    TLS_EXPIRED = "tls_expired"
    TLS_WRONG_NAME = "tls_wrong_name"
    TLS_UNKNOWN_ISSUER = "tls_unknown_issuer"


LABELS: Final = {
    State.HEALTHY: "Healthy",
    State.WRONG_SECRET: "Wrong secret",
    State.EXPIRED: "Expired",
    State.REVOKED: "Revoked or disabled",
    State.LACKS_SCOPE: "Lacks scope",
    State.NO_ACCESS: "No access to the image",
    State.LIMITED: "Rate limited",
    State.SLOW: "Slow (answers late)",
    State.DOWN: "Down (503)",
    State.HOSTILE_REALM: "Hostile realm",
    State.NOT_A_REGISTRY: "Not a registry (a web page)",
    State.SSO_REQUIRED: "Single sign-on required",
    State.CLOCK_SKEW: "Says that our clock is wrong",
    State.SESSION_OVER: "Registry token refused as expired",
    State.BANNED: "Refuses our address",
    State.OPEN: "Open to anyone",
    State.ANY_PASSWORD: "Accepts any password",
    State.REDIRECTS: "Redirects elsewhere",
    State.STUCK: "Never answers",
    State.DRIPS: "Drips a byte a second",
    State.REFUSES_CONNECTION: "Refuses connections",
    State.UNKNOWN_HOST: "Unknown host",
    State.TLS_EXPIRED: "Certificate expired",
    State.TLS_WRONG_NAME: "Certificate of another name",
    State.TLS_UNKNOWN_ISSUER: "Certificate of an unknown issuer",
}

MISBEHAVIOURS: Final = (
    State.HEALTHY,
    State.LIMITED,
    State.SLOW,
    State.DOWN,
    State.HOSTILE_REALM,
    State.NOT_A_REGISTRY,
    State.BANNED,
    State.OPEN,
    State.REDIRECTS,
    State.STUCK,
    State.DRIPS,
    State.REFUSES_CONNECTION,
    State.UNKNOWN_HOST,
    State.TLS_EXPIRED,
    State.TLS_WRONG_NAME,
    State.TLS_UNKNOWN_ISSUER,
)
"""What any registry can do, whatever its make."""

OF_A_TOKEN: Final = (
    State.WRONG_SECRET,
    State.EXPIRED,
    State.REVOKED,
    State.LACKS_SCOPE,
    State.NO_ACCESS,
)
"""What can be wrong with a token that expires and has scopes."""
