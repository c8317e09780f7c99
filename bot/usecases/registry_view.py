"""From rows to what people see; a malformed row becomes a broken registry, not an error."""

from __future__ import annotations

from bot.core.check import Expiry, Verdict
from bot.core.registry import CheckView, CredentialView, Details, Environment, RegistryView
from bot.kinds.registry_kinds import KINDS, label_of
from bot.store import credentials
from bot.store.cipher import shown_fingerprint
from bot.store.registries import Stored
from bot.store.schema import Credential, Registry
from bot.usecases.stored_states import pause_of, stored_health


def view_of(stored: Stored, last_check: CheckView | None = None) -> RegistryView:
    """A registry as it may be shown."""
    row = stored.registry
    return RegistryView(
        id=row.id,
        kind=row.kind,
        variant=row.variant,
        kind_label=label_of(row.kind),
        url=row.url,
        host=row.host,
        path_scope=row.path_scope,
        test_image=row.test_image,
        details=details_of(row),
        version=row.version,
        created_by=row.created_by,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
        verdict=_verdict(row),
        sentence=row.sentence,
        remedy=row.remedy,
        checked_at=row.checked_at,
        next_check_at=row.next_check_at,
        credential=_credential(stored.credential),
        last_check=last_check,
        broken=row.broken or _malformed(stored),
        deleted_at=row.deleted_at,
        standing=stored_health(row.health_json).standing,
        pause=pause_of(row),
        recheck_minutes=row.recheck_minutes,
    )


def details_of(row: Registry) -> Details:
    known = row.environment in set(Environment)
    return Details(
        name=row.name,
        description=row.description,
        environment=Environment(row.environment) if known else Environment.ANY,
        owner=row.owner,
        rotate_days=row.rotate_days,
        recheck_minutes=row.recheck_minutes,
        also_at=tuple(row.also_at.split()),
    )


def kinds_like(text: str) -> list[str]:
    """The kinds whose label contains a text."""
    wanted = text.lower()
    return [slug for slug, kind in KINDS.items() if wanted and wanted in kind.label.lower()]


def _verdict(row: Registry) -> Verdict | None:
    return Verdict(row.verdict) if row.verdict in set(Verdict) else None


def _credential(row: Credential | None) -> CredentialView | None:
    """None for an anonymous registry, which signs in as nobody."""
    if row is None or not (row.login or row.fingerprint):
        return None
    expiry = Expiry(row.expires_at, row.expires_source) if row.expires_source else None
    return CredentialView(
        login=row.shown_login,
        fingerprint=shown_fingerprint(row.fingerprint),
        stored_at=row.stored_at,
        proven=row.proven,
        issued_at=row.issued_at,
        expiry=expiry,
        typed=row.expires_typed,
        sources=tuple(credentials.source_of(row).values()),
    )


def _malformed(stored: Stored) -> str:
    row = stored.registry
    if row.kind not in KINDS:
        return f"This release of Registrar does not know the kind {row.kind}."
    if stored.credential is None or stored.credential.blob is None:
        return "The stored credential is missing. Edit the registry and put it in again."
    if row.verdict is not None and row.verdict not in set(Verdict):
        return "The stored answer of the last check cannot be read. Test the registry again."
    return ""
