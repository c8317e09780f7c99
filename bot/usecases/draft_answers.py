"""Answers of a form made complete: blank secrets are filled in, then all is validated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import chain
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from bot.core.config import Config
from bot.core.reference import reference_in, unpacked
from bot.core.registry import Details
from bot.core.secret import Secret
from bot.errors import InvalidInput, Unresolved
from bot.kinds.base import Field
from bot.kinds.form import login_of, shown_login, validate, validate_details
from bot.kinds.net import AllowList
from bot.kinds.registry_kinds import KINDS
from bot.store.schema import Registry
from bot.usecases.resolving import Values

CHANGED: Final = Unresolved("Its secret was changed at this moment. Try again.")
TYPED: Final = "typed"
KEPT: Final = "kept"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person typed into the form of a kind: `public` by field name, and the secrets."""

    kind: str
    variant: str
    public: Mapping[str, str]
    secrets: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Secrets that may stand in for blank ones, as they are stored, references among them.

    `typed` were typed by the same person minutes ago, for this kind. `kept` are those of the stored
    credential of the registry at `url`; they go nowhere else.
    """

    typed: Mapping[str, Secret] = field(default_factory=dict)
    kept: Mapping[str, Secret] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Valid answers. `origins` says by secret field whether it was `typed` or `kept`."""

    config: Config
    details: Details
    expires_on: datetime | None
    origins: Mapping[str, str]

    @property
    def login(self) -> str:
        return login_of(self.config)

    @property
    def shown_login(self) -> str:
        return shown_login(self.config)

    def columns(self) -> dict[str, Any]:
        """The columns of a registry that hold these answers."""
        config, details = self.config, self.details
        return {
            "name": details.name,
            "kind": config.kind,
            "variant": config.variant,
            "url": config.url,
            "host": config.host,
            "path_scope": config.path_scope,
            "test_image": config.test_image,
            "login": self.login,
            "values_json": json.dumps(dict(config.values), ensure_ascii=False),
            "description": details.description,
            "environment": str(details.environment),
            "owner": details.owner,
            "rotate_days": details.rotate_days,
            "recheck_minutes": details.recheck_minutes,
            "also_at": "\n".join(details.also_at),
        }


def parse(
    answers: Answers,
    reserve: Reserve,
    allow: AllowList,
    now: datetime,
    values: Values = MappingProxyType({}),
    *,
    awaiting_secrets: bool = False,
) -> Parsed:
    """Fill in blank secrets from the reserve and validate; raises InvalidInput for all at once.

    `values` are what the references among them lead to; `awaiting_secrets` is as for `validate`.
    """
    fields = fields_of(answers.kind, answers.variant)
    given_secrets, origins = _complete(answers, reserve, [one for one in fields if one.secret])
    secrets, references, unresolved = _followed(given_secrets, values)
    wanted = ["url", *(one.name for one in fields if not one.secret), "path_scope", "test_image"]
    given: dict[str, str | Secret] = {
        name: answers.public[name] for name in wanted if name in answers.public
    }
    problems: dict[str, str] = {}
    config, details, expires_on = None, None, None
    try:
        config = validate(
            answers.kind,
            answers.variant,
            given | secrets,
            allow=allow,
            awaiting_secrets=awaiting_secrets,
        )
        config = replace(config, references=references)
        problems |= _astray(config, reserve, origins)
    except InvalidInput as error:
        problems |= error.fields
    problems |= unresolved
    try:
        details = validate_details(answers.public)
    except InvalidInput as error:
        problems |= error.fields
    try:
        expires_on = _date(answers.public.get("expires_on", ""), now)
    except InvalidInput as error:
        problems |= error.fields
    if problems or config is None or details is None:
        raise InvalidInput(problems)
    return Parsed(config, details, expires_on, origins)


def fields_of(kind: str, variant: str) -> tuple[Field, ...]:
    """The inputs of a way to sign in; none for a kind or variant that does not exist."""
    if kind not in KINDS:
        return ()
    return next((one.fields for one in KINDS[kind].variants if one.slug == variant), ())


def references_of(answers: Answers, reserve: Reserve) -> tuple[str, ...]:
    """The references among what was typed and what may stand in for blanks."""
    typed = [reference_in(one) for one in answers.secrets.values()]
    stored = [unpacked(some)[1].values() for some in (reserve.typed, reserve.kept)]
    return tuple(text for text in (*typed, *chain(*stored)) if text)


def stored_config(row: Registry, stored: Mapping[str, Secret]) -> Config:
    """What a stored registry is signed in to with; references in it are not followed yet."""
    secrets, references = unpacked(stored)
    return Config(
        kind=row.kind,
        variant=row.variant,
        url=row.url,
        values=stored_values(row),
        secrets=secrets,
        path_scope=row.path_scope,
        test_image=row.test_image,
        references=references,
    )


def stored_values(row: Registry) -> dict[str, str]:
    """The answers of a stored registry that are not secret; nothing when they are malformed."""
    try:
        found = json.loads(row.values_json)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _followed(
    given: Mapping[str, Secret | str], values: Values
) -> tuple[dict[str, Secret], dict[str, str], dict[str, str]]:
    """Secrets, the references of some of them, and why others have none, by field."""
    secrets: dict[str, Secret] = {}
    references: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name, one in given.items():
        found = one if isinstance(one, Secret) else values.get(one, CHANGED)
        if isinstance(found, Unresolved):
            problems[name] = str(found)
            continue
        secrets[name] = found
        if isinstance(one, str):
            references[name] = one
    return secrets, references, problems


def _complete(
    answers: Answers, reserve: Reserve, fields: list[Field]
) -> tuple[dict[str, Secret | str], dict[str, str]]:
    """The secret of each field, or the reference that stands for it, and whose it is."""
    secrets: dict[str, Secret | str] = {}
    origins: dict[str, str] = {}
    before = [_whole(some) for some in (reserve.typed, reserve.kept)]
    typed = {one.name for one in fields if answers.secrets.get(one.name)}
    # A new secret key ends what belonged to the old one, such as its session token.
    renewed = any(one.required and one.name in typed for one in fields)
    for one in fields:
        if one.name in typed:
            given = answers.secrets[one.name]
            secrets[one.name], origins[one.name] = reference_in(given) or given, TYPED
        elif renewed and not one.required:
            continue
        elif one.name in before[0]:
            secrets[one.name], origins[one.name] = before[0][one.name], TYPED
        elif one.name in before[1]:
            secrets[one.name], origins[one.name] = before[1][one.name], KEPT
    return secrets, origins


def _whole(stored: Mapping[str, Secret]) -> dict[str, Secret | str]:
    secrets, references = unpacked(stored)
    return {**secrets, **references}


def _astray(config: Config, reserve: Reserve, origins: Mapping[str, str]) -> dict[str, str]:
    """Problems with stored secrets that would be sent to another host than they were stored for.

    Otherwise whoever may edit a registry could point it at a server of their own and read there a
    secret that they were never shown.
    """
    if urlsplit(config.url)[:2] == urlsplit(reserve.url)[:2]:
        return {}
    before = urlsplit(reserve.url).netloc
    sentence = f"Type it again: the stored one belongs to {before} and is sent nowhere else."
    return {name: sentence for name, origin in origins.items() if origin == KEPT}


def _date(text: str, now: datetime) -> datetime | None:
    """The end of the day that a person typed, in UTC; None when left blank."""
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput({"expires_on": "Write the date as YYYY-MM-DD."}) from None
    end = datetime.combine(day, time(23, 59, 59), UTC)
    if end < now:
        raise InvalidInput({"expires_on": "This day is past; a credential still works today."})
    return end
