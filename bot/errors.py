"""The exception tree.

RegistrarError                 its text is one sentence, fit to show to the person who asked
├── InvalidInput               a form or an argument does not have the right shape
│   └── OnlyOnPage             a secret came through Slack where it may not
├── InvalidReference           a text is not an image reference
├── Unreadable                 a file that was handed over is not what it should be
├── NotFound                   no such registry, draft or workspace, or it expired
├── NotAllowed                 this person may not do that
│   ├── NotSetUp               not yet: first somebody has to say who manages
│   ├── BadToken               what a machine signed in with is not good here
│   └── WrongCode              the code typed for a secret is not the one; `left` tries are left
├── Conflict                   somebody else changed it first, or the name is taken
│   └── Overtaken              what was typed is kept and can be put on the newer version
├── Undecryptable              a stored credential cannot be opened with the keys we hold
├── Unresolved                 a reference leads to no secret, or may not be followed here
├── NoLogin                    a registry has no login to pull with at the moment
├── Unseen                     a look into a registry showed nothing; `why` says which way
├── InventoryFailed            a cluster could not be looked at as a whole, or not be told of
├── StoreError                 the database is locked, full or away; nothing was saved
├── SettingsError              the process cannot start as it is configured
└── EgressError                an outgoing request was refused or failed; `cause` says which
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.check import Cause
    from bot.core.sight import Absence


class RegistrarError(Exception):
    """Anything Registrar refuses or cannot do; `str()` of it may be shown to a person."""


class InvalidInput(RegistrarError):
    """Answers of a form that do not have the right shape.

    `fields` maps a field's name to the sentence to show on that field.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__(" ".join(self.fields.values()))


class OnlyOnPage(InvalidInput):
    """A secret came through Slack, and the workspace takes them on the page outside only."""


class InvalidReference(RegistrarError):
    """A text that is not an image reference."""


class Unreadable(RegistrarError):
    """A file that was handed over is not what it should be; the sentence names the line."""


class NotFound(RegistrarError):
    """What was asked for does not exist, or exists no more."""


class NotAllowed(RegistrarError):
    """The person may not do this; the sentence names who can help."""


class NotSetUp(NotAllowed):
    """Nobody said yet who manages; the person may do so, and be a manager then."""


class BadToken(NotAllowed):
    """A machine's token is not good here; says neither why nor what would be."""


class WrongCode(NotAllowed):
    """Not the code that was given for a secret; `left` is how often another may be typed."""

    def __init__(self, left: int) -> None:
        self.left = left
        super().__init__(f"That is not the code. Tries left: {left}.")


class Conflict(RegistrarError):
    """Somebody else changed it first, or the name is taken; the sentence says who and what."""


class Overtaken(Conflict):
    """Somebody else saved first. What the slower one typed is kept as the draft `draft_id`."""

    def __init__(self, sentence: str, draft_id: str) -> None:
        self.draft_id = draft_id
        super().__init__(sentence)


class Undecryptable(RegistrarError):
    """A stored credential cannot be opened: wrong key, moved row or damaged bytes."""


class Unresolved(RegistrarError):
    """A reference leads to no secret, or may not be followed here; the sentence says what to do.

    It names no more than the reference: what was typed may be a secret that looks like one.
    """


class NoLogin(RegistrarError):
    """A registry has no login to pull with at the moment; the sentence says why."""


class Unseen(RegistrarError):
    """What was looked for in a registry cannot be seen; the sentence says why.

    `failed_sign_in` says that the registry saw a failed sign-in, which counts towards a lock-out.
    """

    def __init__(
        self,
        why: Absence,
        sentence: str,
        remedy: str = "",
        *,
        retry_at: datetime | None = None,
        failed_sign_in: bool = False,
    ) -> None:
        self.why = why
        self.remedy = remedy
        self.retry_at = retry_at
        self.failed_sign_in = failed_sign_in
        super().__init__(sentence)


class InventoryFailed(RegistrarError):
    """A cluster could not be looked at as a whole, or Registrar not told; nothing counts of it."""


class StoreError(RegistrarError):
    """The database is locked, full or away. What was being done is undone; nothing was saved."""


class SettingsError(RegistrarError):
    """The process cannot start as it is configured; the sentence says what to set."""


class EgressError(RegistrarError):
    """An outgoing request that was refused by us or failed on the way.

    `cause` is one of the reach causes of `bot.core.check.Cause` (blocked, DNS, TLS, timeout, …).
    The text never holds a resolved address, a header or a body.
    """

    def __init__(self, cause: Cause, sentence: str) -> None:
        self.cause = cause
        super().__init__(sentence)


class NotDone(RegistrarError):
    """A provider refused to make, stop or end a credential; nothing was changed."""


class Unclear(RegistrarError):
    """A provider may or may not have done what was asked; look before it is asked again."""
