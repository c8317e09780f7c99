"""How old a credential is and when it ends: who says so, and how sure that is."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from bot.core.check import Expiry
from bot.core.registry import CredentialView
from bot.slack.words import ago, ahead, day

PERSON: Final = "person"
NOUNS: Final = {
    "ecr": "access key",
    "public_ecr": "access key",
    "gcp_artifact_registry": "service account key",
    "scaleway": "API key",
    "ghcr": "token",
    "github_enterprise": "token",
    "gitlab": "token",
}
TELLERS: Final = {
    "ecr": "AWS",
    "public_ecr": "AWS",
    "gcp_artifact_registry": "Google",
    "scaleway": "Scaleway",
    "docker_hub": "Docker Hub",
    "ghcr": "GitHub",
    "github_enterprise": "GitHub",
    "gitlab": "GitLab",
    "generic": "the registry",
}


def noun(kind: str) -> str:
    """What a credential of this kind is called."""
    return NOUNS.get(kind, "credential")


def told_by(source: str, kind: str) -> str:
    """Who told a date, in words that say how sure it is; empty for a source nobody knows."""
    match source:
        case "provider" | "header":
            return f"told by {TELLERS.get(kind, 'the provider')}"
        case "jwt":
            return "read from the token, which the registry may end sooner"
        case "person":
            return "typed by a person, not confirmed"
    return ""


def expiry_day(expiry: Expiry, zone: tzinfo = UTC) -> str:
    """The day in the reader's zone; what a person typed is that day everywhere.

    `zone` is where that day is counted: UTC as it is stored, or that of the workspace.
    """
    assert expiry.at is not None
    return calendar_day(expiry.at, zone) if expiry.source == PERSON else day(expiry.at)


def calendar_day(at: datetime, zone: tzinfo = UTC) -> str:
    """A day that is the same for every reader, such as `7 Dec 2026`."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def expiry_words(expiry: Expiry | None, kind: str, now: datetime) -> str:
    """Such as `expires 7 Dec (in 14 days, told by Scaleway)`."""
    if expiry is None:
        return "expiry not known"
    told = told_by(expiry.source, kind)
    if expiry.at is None:
        return f"never expires ({told})" if told else "never expires"
    gone = expiry.at <= now
    verb = "expired" if gone else "expires"
    when = ago(expiry.at, now) if gone else ahead(expiry.at, now)
    return f"{verb} {expiry_day(expiry)} ({', '.join(part for part in (when, told) if part)})"


def age_words(credential: CredentialView, kind: str, now: datetime) -> str:
    """Such as `created 13 Oct (41 days ago, told by AWS)`, else when it was stored here."""
    if credential.issued_at is not None:
        told = f"told by {TELLERS.get(kind, 'the provider')}"
        return f"created {day(credential.issued_at)} ({ago(credential.issued_at, now)}, {told})"
    return f"stored {day(credential.stored_at)} ({ago(credential.stored_at, now)})"


def disagreement(credential: CredentialView, kind: str) -> str:
    """A warning when the provider tells another day than a person typed; empty otherwise."""
    if not credential.disputed or credential.typed is None:
        return ""
    teller = TELLERS.get(kind, "the provider")
    return (
        f"⚠ {calendar_day(credential.typed)} was typed as its expiry, but {teller} tells "
        "otherwise, and that counts. Edit the registry to correct what was typed."
    )
