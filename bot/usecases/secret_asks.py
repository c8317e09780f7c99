"""Links to a page outside Slack on which the person who asked enters the secrets of a form.

The form without its secrets waits with the link. The secrets go straight into a draft, which is
tried like any other.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bot.core.access import Actor
from bot.core.secret import Secret
from bot.errors import InvalidInput, NotFound, RegistrarError, StoreError, WrongCode
from bot.kinds.base import Field
from bot.store import secret_asks
from bot.store.schema import SecretAsk
from bot.usecases import drafts, rotating
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers, fields_of
from bot.usecases.link_codes import GOOD_FOR, TRIES, digest, meant, new_link, shapely, shown
from bot.usecases.rotation_switch import Plan

GONE: Final = (
    "This link takes nothing any more, or never did: a link is good once, for 15 minutes, and for "
    "three tries at its code. Open the form in Slack again."
)
TAKEN: Final = "This was entered already. Slack shows what became of it."


@dataclass(frozen=True, slots=True)
class Form:
    """A form without its secrets; with a `plan` it is that of a rotation.

    `editing`, `version` and `draft` are as for `drafts.begin`.
    """

    answers: Answers
    editing: str = ""
    version: int = 0
    draft: str = ""
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the secrets are entered: `path` is below PUBLIC_URL, `code` is typed there."""

    path: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A form that waits for its secrets, and the place in Slack where it was opened."""

    form: Form
    team: str
    user: str
    channel: str
    view_id: str
    taken: bool

    @property
    def fields(self) -> tuple[Field, ...]:
        """What is asked on the page."""
        asked = fields_of(self.form.answers.kind, self.form.answers.variant)
        return tuple(one for one in asked if one.secret)


async def ask(deps: Deps, actor: Actor, form: Form, channel: str, view_id: str) -> Asked:
    """Keep a form until its secrets come. Managers only.

    Raises InvalidInput for what is wrong in it already, NotAllowed, or NotFound.
    """
    if form.plan is None:
        await drafts.check_public(deps, actor, form.answers, name_of_edited=form.editing)
    else:
        await rotating.check_plan(deps, actor, form.editing, form.plan)
    link, code = new_link()
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = SecretAsk(
            digest=digest(link),
            code_digest=digest(f"{link}:{code}"),
            team_id=actor.team_id,
            user_id=actor.user_id,
            channel=channel,
            view_id=view_id,
            form_json=_dump(form),
            created_at=now,
            expires_at=now + GOOD_FOR,
        )
        session.add(row)
        return Asked(f"/secret/enter/{link}", shown(code), row.expires_at)


async def waiting(deps: Deps, link: str) -> Waiting:
    """The form that waits behind a link; changes nothing. NotFound when none does."""
    if not shapely(link):
        raise NotFound(GONE)
    async with deps.store.reading() as session:
        row = await secret_asks.find(session, digest(link), await deps.store.now(session))
    if row is None or row.tries >= TRIES:
        raise NotFound(GONE)
    return _view(row)


async def claim(deps: Deps, link: str, typed: str) -> Waiting:
    """Use the link up, with its code; of two who come at once, the second finds it `taken`.

    Raises NotFound, InvalidInput on `code` when it cannot be one, or WrongCode; the third ends it.
    """
    if not shapely(link):
        raise NotFound(GONE)
    code = meant(typed)
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await secret_asks.find(session, digest(link), now, lock=True)
        if row is None or row.tries >= TRIES:
            raise NotFound(GONE)
        found = _view(row)
        if found.taken:
            return found
        right = hmac.compare_digest(digest(f"{link}:{code}"), row.code_digest)
        if right:
            row.taken_at = now
        else:
            row.tries += 1
        left = TRIES - row.tries
        session.add(row)
    if not right:
        raise WrongCode(left)
    return found


async def fill(
    deps: Deps, actor: Actor, link: str, found: Waiting, secrets: Mapping[str, Secret]
) -> str:
    """Keep the claimed form with its secrets as a draft; answers its id.

    Raises what `drafts.begin` does. The link is good again when only the secrets are wrong, or the
    database was away.
    """
    form = found.form
    try:
        if form.plan is not None:
            public = form.answers.public
            return await rotating.begin(
                deps, actor, form.editing, form.version, public, secrets, form.plan,
                draft_id=form.draft,
            )  # fmt: skip
        answers = Answers(form.answers.kind, form.answers.variant, form.answers.public, secrets)
        return await drafts.begin(
            deps,
            actor,
            answers,
            name_of_edited=form.editing,
            version=form.version,
            draft_id=form.draft,
        )
    except RegistrarError as error:
        if isinstance(error, StoreError) or only_secrets(error, found):
            await _give_back(deps, link)
        raise


def only_secrets(error: Exception, found: Waiting) -> bool:
    """Whether all that is wrong can be put right on the page."""
    names = {one.name for one in found.fields}
    return isinstance(error, InvalidInput) and set(error.fields) <= names


async def tick_asks(deps: Deps) -> int:
    """Forget links whose time is over; answers how many."""
    async with deps.store.transaction() as session:
        return await secret_asks.forget_expired(session, await deps.store.now(session))


async def _give_back(deps: Deps, link: str) -> None:
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        row = await secret_asks.find(session, digest(link), now, lock=True)
        if row is not None:
            row.taken_at = None
            session.add(row)


def _view(row: SecretAsk) -> Waiting:
    kept: dict[str, Any] = json.loads(row.form_json)
    plan = Plan.parse(kept["plan"]) if kept["plan"] else None
    answers = Answers(kept["kind"], kept["variant"], kept["public"])
    form = Form(answers, kept["editing"], kept["version"], kept["draft"], plan)
    taken = row.taken_at is not None
    return Waiting(form, row.team_id, row.user_id, row.channel, row.view_id, taken)


def _dump(form: Form) -> str:
    kept = {
        "kind": form.answers.kind,
        "variant": form.answers.variant,
        "public": dict(form.answers.public),
        "editing": form.editing,
        "version": form.version,
        "draft": form.draft,
        "plan": form.plan.dump() if form.plan else "",
    }
    return json.dumps(kept, ensure_ascii=False)
