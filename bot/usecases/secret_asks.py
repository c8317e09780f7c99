"""Links to a page outside Slack on which the person who asked enters the secrets of a form.

The form without its secrets waits with the link. The secrets go straight into a draft, which is
tried like any other.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.core.access import Actor
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotFound, RegistrarError, StoreError, WrongCode
from bot.kinds.base import Field
from bot.kinds.rotation.gateway import Rotators
from bot.store import audit, secret_asks, workspaces
from bot.store.schema import SecretAsk
from bot.usecases import drafts, rotating, rotation_policies
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers, fields_of
from bot.usecases.link_codes import GOOD_FOR, TRIES, digest, meant, new_link, shapely, shown
from bot.usecases.rotation_policies import Wanted
from bot.usecases.rotation_switch import Plan

GONE: Final = (
    "This link takes nothing any more, or never did: a link is good once, for 15 minutes, and for "
    "three tries at its code. Open the form in Slack again."
)
TAKEN: Final = "This was entered already. Slack shows what became of it."
# Longer than a check lasts, and what is said of it in Slack.
OVERDUE: Final = timedelta(minutes=1)


class Taken(Conflict):
    """Somebody was faster on the page, perhaps a second click."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form without its secrets; with a `plan` it is that of a rotation.

    With `wanted` it lets a credential be rotated automatically, which takes the answers `asked`.

    `editing`, `registry_id`, `version` and `draft` are as for `drafts.begin`. `kept` names the
    secrets, separated by commas, that may be left blank: those of the draft, or else those that are
    stored.
    """

    answers: Answers
    editing: str = ""
    version: int = 0
    draft: str = ""
    plan: Plan | None = None
    kept: str = ""
    wanted: Wanted | None = None
    asked: tuple[Field, ...] = ()
    registry_id: str = ""

    @property
    def name(self) -> str:
        """What to call the registry."""
        return self.editing or self.answers.public.get("name", "")

    @property
    def purpose(self) -> str:
        if self.wanted is not None:
            return "automatic rotation"
        if self.plan is not None:
            return "rotation"
        return "edit" if self.editing else "new registry"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the secrets are entered: `path` is below PUBLIC_URL, `code` is typed there."""

    path: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A form that waits for its secrets, and the place in Slack where it was opened.

    Once it is `taken`, they are kept as the draft `draft_id`, unless the form was refused.
    """

    form: Form
    team: str
    user: str
    channel: str
    view_id: str
    taken: bool
    digest: str = field(default="", repr=False)
    draft_id: str = ""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What is asked on the page."""
        if self.form.wanted is not None:
            return self.form.asked
        asked = fields_of(self.form.answers.kind, self.form.answers.variant)
        return tuple(one for one in asked if one.secret)


async def ask(deps: Deps, actor: Actor, form: Form, channel: str, view_id: str) -> Asked:
    """Keep a form until its secrets come. Managers only.

    Raises InvalidInput for what is wrong in it already, NotAllowed, or NotFound.
    """
    if form.wanted is not None:
        await rotation_policies.check_wanted(deps, actor, form.editing, form.wanted)
    elif form.plan is None:
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
        await workspaces.ensure(session, actor.team_id, now)
        session.add(row)
        await _note(session, row, "secret_link_made", now)
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


async def prove(deps: Deps, link: str, typed: str) -> Waiting:
    """The form that waits behind a link, for whoever knows its code; does not use it up.

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
        right = hmac.compare_digest(digest(f"{link}:{code}"), row.code_digest)
        if found.taken or right:
            return found
        row.tries += 1
        left = TRIES - row.tries
        session.add(row)
        await _note(session, row, "secret_code_wrong" if left else "secret_link_ended", now)
    raise WrongCode(left)


async def fill(
    deps: Deps,
    rotators: Rotators,
    actor: Actor,
    link: str,
    found: Waiting,
    secrets: Mapping[str, Secret],
) -> str:
    """Use the link up and keep the form with its secrets as a draft, or neither; answers its id.

    A rotation policy is stored at once, and has no draft. Raises Taken, and what `drafts.begin` or
    `rotation_policies.change` does. What cannot be put right on the page uses the link
    up as well.
    """
    try:
        return await _keep(deps, rotators, actor, link, found.form, secrets)
    except RegistrarError as error:
        if not isinstance(error, (StoreError, Taken)) and not only_secrets(error, found):
            await _spend(deps, link)
        raise


def only_secrets(error: Exception, found: Waiting) -> bool:
    """Whether all that is wrong can be put right on the page."""
    names = {one.name for one in found.fields}
    return isinstance(error, InvalidInput) and set(error.fields) <= names


async def told(deps: Deps, found: Waiting) -> None:
    """Slack shows what became of it: nobody needs to take it over."""
    async with deps.store.transaction() as session:
        await secret_asks.tell(session, found.digest, await deps.store.now(session))


async def left(deps: Deps) -> list[Waiting]:
    """Drafts that another process was about to try, and died; they are the caller's now."""
    async with deps.store.reading() as session:
        if not await secret_asks.is_left(session, await deps.store.now(session) - OVERDUE):
            return []
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        return [_view(row) for row in await secret_asks.take_over(session, now - OVERDUE, now)]


async def tick_asks(deps: Deps) -> int:
    """Forget links whose time is over; answers how many."""
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        over = await secret_asks.forget_expired(session, now)
        for row in over:
            if row.taken_at is None and row.tries < TRIES:
                await _note(session, row, "secret_link_expired", now)
    return len(over)


async def _keep(
    deps: Deps,
    rotators: Rotators,
    actor: Actor,
    link: str,
    form: Form,
    secrets: Mapping[str, Secret],
) -> str:
    async def take(session: AsyncSession, draft_id: str) -> None:
        now = await deps.store.now(session)
        if not await secret_asks.take(session, digest(link), draft_id, now):
            raise Taken(TAKEN)
        row = await secret_asks.find(session, digest(link), now)
        assert row is not None  # it was taken just now
        await _note(session, row, "secret_link_used", now)

    public = form.answers.public
    if form.wanted is not None:
        await rotation_policies.change(
            deps, rotators, actor, form.editing, form.version, form.wanted, secrets,
            registry_id=form.registry_id, page=take,
        )  # fmt: skip
        return ""
    if form.plan is not None:
        return await rotating.begin(
            deps, actor, form.editing, form.version, public, secrets, form.plan,
            registry_id=form.registry_id, draft_id=form.draft, page=take,
        )  # fmt: skip
    answers = Answers(form.answers.kind, form.answers.variant, public, secrets)
    return await drafts.begin(
        deps, actor, answers, name_of_edited=form.editing, registry_id=form.registry_id,
        version=form.version, draft_id=form.draft, page=take,
    )  # fmt: skip


async def _spend(deps: Deps, link: str) -> None:
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        await secret_asks.take(session, digest(link), "", now)
        await secret_asks.tell(session, digest(link), now)


async def _note(session: AsyncSession, row: SecretAsk, action: str, now: datetime) -> None:
    form = _view(row).form
    deed = audit.Deed(
        row.team_id, row.user_id, action, "", form.name, details={"for": form.purpose}
    )
    await audit.note(session, deed, now)


def _view(row: SecretAsk) -> Waiting:
    kept: dict[str, Any] = json.loads(row.form_json)
    plan = Plan.parse(kept["plan"]) if kept["plan"] else None
    answers = Answers(kept["kind"], kept["variant"], kept["public"])
    wanted = Wanted(**kept["wanted"]) if kept.get("wanted") else None
    form = Form(
        answers,
        kept["editing"],
        kept["version"],
        kept["draft"],
        plan,
        kept.get("kept", ""),
        wanted,
        tuple(Field(**one) for one in kept.get("asked", ())),
        kept.get("registry_id", ""),
    )
    taken = row.taken_at is not None
    return Waiting(
        form, row.team_id, row.user_id, row.channel, row.view_id, taken, row.digest, row.draft_id
    )


def _dump(form: Form) -> str:
    kept = {
        "kind": form.answers.kind,
        "variant": form.answers.variant,
        "public": dict(form.answers.public),
        "editing": form.editing,
        "version": form.version,
        "draft": form.draft,
        "plan": form.plan.dump() if form.plan else "",
        "kept": form.kept,
        "wanted": asdict(form.wanted) if form.wanted else None,
        "asked": [asdict(one) for one in form.asked],
        "registry_id": form.registry_id,
    }
    return json.dumps(kept, ensure_ascii=False)
