"""Rotating the passwords of a token of Azure Container Registry: two slots, of which one is empty.

Azure tells no password again and puts no label on one, only a slot and the time when it was made;
and making one in a slot ends what was there. So a password is only ever made in a slot that is
seen empty, and where both are filled a person empties the one that nobody uses: no mistake, here or
in a form, can then end the one in use. What is ended is named by its slot and its time, so that one
that somebody made there since is left alone.
Source: Azure REST API, container registry, registries and tokens; Azure CLI, acr/token.py, which
ends a password by naming those that stay; Azure documentation, repository permissions by tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.age import moment
from bot.kinds.base import Field
from bot.kinds.rotation.acr_registry import (
    FIELDS,
    HANDLE,
    HOST,
    KIND,
    MAKES,
    SLOTS,
    WRITES,
    Password,
    Place,
    Token,
)
from bot.kinds.rotation.azure import allows
from bot.kinds.rotation.base import Errand, Issued, Labelled, Readiness, Right
from bot.kinds.rotation.manners import (
    NOBODYS,
    REFUSALS,
    SideBySide,
    Unstoppable,
    end_of,
    told_secret,
    unexpected,
)
from bot.kinds.shape import UUID
from bot.kinds.visit import json_object

SKEW: Final = timedelta(minutes=5)
"""By so much our clock may differ from the one by which Azure dates passwords."""

_PERMISSIONS: Final = "2022-04-01"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{5,50}")
_UNTOLD: Final = (
    f"Azure does not tell whether the service principal may make ({MAKES}) and end ({WRITES}) "
    "passwords; that shows only when it does."
)
_ALONE: Final = (
    "Azure puts no label on a password: while this one is rotated, nobody else should make one for "
    "the same token, for it could be taken for ours in doubt."
)


class AcrTokens(SideBySide, Unstoppable):
    """A token's other password is made and its old one ended, by a service principal that may."""

    slug: ClassVar = "acr_token"
    settles: ClassVar = timedelta(minutes=1)
    rights: ClassVar[tuple[Right, ...]] = (
        Right(f"{KIND}/read", "to see that it is this registry"),
        Right(f"{KIND}/tokens/read", "to see which passwords there are"),
        Right(MAKES, "to make the new one"),
        Right(f"{KIND}/operationStatuses/read", "to be told it"),
        Right(WRITES, "to end the old one"),
    )
    fields: ClassVar[tuple[Field, ...]] = FIELDS

    def unsuited(self, config: Config) -> str:
        host = HOST.fullmatch(config.host)
        username = config.values.get("username", "")
        if host is None:
            return NOBODYS
        if username.lower() == host["name"]:
            return "This is the registry's admin user. Only its tokens are rotated; make one."
        if UUID.fullmatch(username):
            return "This is an identity of Entra, not a token of the registry; make one."
        return "" if _TOKEN.fullmatch(username) else "The user name is not of a token of Azure."

    async def ready(self, errand: Errand) -> Readiness:
        place = await Place.find(errand)
        await place.must_be_this_registry()
        token = await place.token()
        if not token.passwords:
            return Readiness(problems=("The token has no password in Azure.",))
        problems = [] if token.enabled else ["The token is disabled in Azure."]
        if len(token.passwords) > 1:
            problems.append(_full(errand, token))
        missing, notes = await _rights(place)
        own = token.passwords[0].handle
        return Readiness(own, (*problems, *missing), (*notes, _ALONE))

    async def issue(self, errand: Errand, label: str, lasts: timedelta, proposed: Secret) -> Issued:
        place = await Place.find(errand)
        token = await place.token()
        slot = next((one for one in SLOTS if one not in token.slots), None)
        if slot is None or not token.passwords:
            raise NotDone(
                "The token does not have one password and one empty slot in Azure any more."
            )
        expires = end_of(errand, lasts)
        body = {"tokenId": place.token_path, "name": slot, "expiry": expires}
        answer = await place.ask("POST", f"{place.registry}/generateCredentials", body)
        if answer.status_code in REFUSALS:
            raise NotDone("Azure did not make the password.")
        if answer.status_code not in {200, 202}:
            raise unexpected(answer)
        made = _of_slot(await place.manager.outcome(answer), slot)
        secret = told_secret(made.get("value"), "A password")
        handle = Password.read(slot, made).handle
        return Issued(handle, {"password": secret}, expires_at=moment(made.get("expiry")))

    async def labelled(
        self, errand: Errand, label: str, since: datetime, until: datetime
    ) -> tuple[Labelled, ...]:
        """What was made then; the one in force and what was there before are told by handle."""
        token = await (await Place.find(errand)).token()
        return tuple(
            Labelled(one.handle, one.made_at)
            for one in token.passwords
            if one.made_at is not None and since - SKEW <= one.made_at <= until + SKEW
        )

    async def revoke(self, errand: Errand, handle: str) -> None:
        slot = _slot(handle)
        place = await Place.find(errand)
        token = await place.token()
        if not any(one.is_called(handle) for one in token.passwords):
            return
        staying = [{"name": one} for one in token.slots if one != slot]
        if not staying:
            raise NotDone("This is the only password of the token, which Registrar does not end.")
        body = {"properties": {"credentials": {"passwords": staying}}}
        answer = await place.ask("PATCH", place.token_path, body)
        if answer.status_code in REFUSALS:
            raise NotDone("Azure did not end the password.")
        if answer.status_code not in {200, 201, 202, 204}:
            raise unexpected(answer)

    async def listed(self, errand: Errand, handle: str) -> bool | None:
        _slot(handle)
        token = await (await Place.find(errand)).token()
        return any(one.is_called(handle) for one in token.passwords)


def _slot(handle: str) -> str:
    match = HANDLE.fullmatch(handle)
    if match is None:
        raise NotDone("This is not a password of a token.")
    return match["slot"]


def _of_slot(told: Mapping[str, object], slot: str) -> Mapping[str, object]:
    """The new password in what Azure tells of the outcome, by either way of telling one."""
    within = told.get("properties")
    passwords = told.get("passwords") or (
        within.get("passwords") if isinstance(within, dict) else []
    )
    for one in passwords if isinstance(passwords, list) else []:
        if isinstance(one, dict) and one.get("name") == slot:
            return one
    raise Unclear("A password was made, but the answer does not hold it.")


def _full(errand: Errand, token: Token) -> str:
    """Both slots are filled; which of them is in use is known of one that Registrar made."""
    ours = next(
        (one for one in token.passwords if errand.made and one.is_called(errand.made)), None
    )
    shown = " and ".join(_shown(one, mine=one is ours) for one in token.passwords)
    name = errand.config.values["username"]
    return (
        f"The token has two passwords: {shown}. Azure does not tell which of them is in use, and "
        "Registrar overwrites none. End the one that nobody uses: az acr token credential delete "
        f"--name {name} with --password1 or --password2."
    )


def _shown(one: Password, *, mine: bool) -> str:
    about = ["in force here"] if mine else []
    about += [f"made {one.made_at:%Y-%m-%d}"] if one.made_at else []
    return f"{one.slot} ({', '.join(about)})" if about else one.slot


async def _rights(place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is missing, and what cannot be known, by Azure's list of what the principal may do."""
    path = f"{place.registry}/providers/Microsoft.Authorization/permissions"
    answer = await place.manager.call("GET", path, _PERMISSIONS)
    told = json_object(answer)
    if answer.status_code != 200 or not isinstance(told.get("value"), list):
        return (), (_UNTOLD,)
    missing = [one for one in (MAKES, WRITES) if not allows(told["value"], one)]
    if not missing:
        return (), ()
    if told.get("nextLink"):
        return (), (_UNTOLD,)
    return (f"The service principal may not rotate it: allow {' and '.join(missing)}.",), ()
