"""A reference says where a secret is (`env:NAME`, `file:/path`), and is stored in its place.

The reference itself is not secret. What it leads to is looked up at each use and never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from bot.core.secret import Secret
from bot.errors import Unresolved

ENV: Final = "env"
FILE: Final = "file"
AWS: Final = "aws-secretsmanager"
SCHEMES: Final = (ENV, FILE, AWS)
LONGEST: Final = 600
LARGEST: Final = 64 * 1024
"""So many bytes may lie behind a reference; the longest service account key has three thousand."""
# A field's name with this in front holds a reference; no field has a colon in its name.
_MARK: Final = "reference:"
OFF: Final = (
    "This looks like a reference to a secret, and references are switched off. Whoever runs "
    "Registrar allows them in SECRET_REFERENCES."
)


@dataclass(frozen=True, slots=True)
class Use:
    """What a secret is wanted for: to sign in at `host`, for the workspace `team_id`."""

    team_id: str
    host: str


class Scheme(Protocol):
    """Where secrets of one scheme are kept; one file of `bot.references` each.

    `place` is the reference without its scheme, and allowed. Raises Unresolved with a sentence that
    says what to do and quotes nothing of the value.
    """

    async def resolve(self, place: str) -> Secret: ...


class References(Protocol):
    """Looks up what a reference leads to, for a use that is allowed; raises Unresolved."""

    async def resolve(self, text: str, use: Use, /) -> Secret: ...


class NoReferences:
    """References are switched off: none leads anywhere."""

    async def resolve(self, _text: str, _use: Use) -> Secret:
        raise Unresolved(OFF)


def reference_in(typed: Secret | None) -> str:
    """The reference that was typed in place of a secret; empty when it is a secret itself."""
    text = typed.reveal().strip() if typed is not None else ""
    return text if text.partition(":")[0] in SCHEMES and ":" in text else ""


def packed(secrets: Mapping[str, Secret], references: Mapping[str, str]) -> dict[str, Secret]:
    """What is stored of a credential: references in place of the secrets that they lead to."""
    kept = {name: secret for name, secret in secrets.items() if name not in references}
    return kept | {f"{_MARK}{name}": Secret(text) for name, text in references.items()}


def unpacked(stored: Mapping[str, Secret]) -> tuple[dict[str, Secret], dict[str, str]]:
    """The secrets that are stored, and the references that stand for others, by field name."""
    secrets = {name: one for name, one in stored.items() if not name.startswith(_MARK)}
    references = {
        name.removeprefix(_MARK): one.reveal()
        for name, one in stored.items()
        if name.startswith(_MARK)
    }
    return secrets, references
