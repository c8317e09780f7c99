"""What a registry kind is: data for the form, and a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the form, with the vendor's own word as its label.

    `fixed` gives the only possible value (shown, not asked); `suggestion` prefills it. A `secret`
    field is never sent back to Slack.
    """

    name: str
    label: str
    secret: bool = False
    required: bool = True
    hint: str = ""
    placeholder: str = ""
    suggestion: str = ""
    fixed: str = ""
    multiline: bool = False
    max_length: int = 3000


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to sign in (`account`, `anonymous`, `access_keys`, …) and its fields."""

    slug: str
    label: str
    fields: tuple[Field, ...]


class Kind(Protocol):
    """A make of registry.

    `url` is the Registry URL field; `shared_host` says that many organisations live on one host,
    so a path scope is asked for.
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    url: ClassVar[Field]
    variants: ClassVar[tuple[Variant, ...]]
    shared_host: ClassVar[bool]
