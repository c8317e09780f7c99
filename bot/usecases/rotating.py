"""Beginning a rotation: what its form asks, and the answers as a draft that is tried like any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.core.access import Actor
from bot.core.rotation import GRACE_MOST
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotFound
from bot.kinds.base import Field
from bot.store import credentials, registries
from bot.usecases import drafts
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers, fields_of
from bot.usecases.draft_begin import refuse_another
from bot.usecases.drafts import DraftView, Page
from bot.usecases.resolving import owned_elsewhere
from bot.usecases.rotation_switch import Plan, sharing

LATEST: Final = timedelta(days=366)
NOTHING: Final = "{name} has no secret to rotate: {why} Nothing has to be done here."
# Answers that belong to the place, not to the credential, and so stay as they are.
_PLACE: Final = frozenset({"region", "project_id", "role_arn", "external_id"})


@dataclass(frozen=True, slots=True)
class RotationForm:
    """What the form to rotate a credential shows.

    `fields` are those of the credential itself; `draft` holds what is stored, or was typed before,
    without secrets. `sharing` are names of registries that get the new credential as well.
    """

    draft: DraftView
    fields: tuple[Field, ...]
    sharing: tuple[str, ...]
    host: str


async def open_form(deps: Deps, actor: Actor, name: str) -> RotationForm:
    """The form for a registry. Managers only; Conflict where there is no secret to rotate here."""
    stored = await drafts.open_edit(deps, actor, name)
    return await _form(deps, actor, stored)


async def load_form(deps: Deps, actor: Actor, draft_id: str) -> RotationForm:
    """The form filled with what was typed minutes ago, to be corrected."""
    return await _form(deps, actor, await drafts.load(deps, actor, draft_id))


async def begin(
    deps: Deps,
    actor: Actor,
    name: str,
    version: int,
    typed: Mapping[str, str],
    secrets: Mapping[str, Secret],
    plan: Plan,
    *,
    registry_id: str = "",
    draft_id: str = "",
    page: Page | None = None,
) -> str:
    """Keep a new credential as a draft, to be tried with `drafts.try_draft`; answers its id.

    `version` and `registry_id` are as for `drafts.begin`. Raises InvalidInput on the
    fields of the credential, on `grace` or `switch_at`, and what `drafts.begin` raises. `page` is
    as for that.
    """
    problems = _plan_faults(plan, deps.clock.now())
    if problems:
        raise InvalidInput(problems)
    form = await open_form(deps, actor, name)
    refuse_another(registry_id, form.draft.registry_id, name)
    asked = {one.name for one in form.fields if not one.secret}
    public = {key: value for key, value in form.draft.answers.public.items() if key != "expires_on"}
    wanted = asked | {"expires_on"}
    public |= {key: value for key, value in typed.items() if key in wanted and value}
    answers = Answers(form.draft.answers.kind, form.draft.answers.variant, public, dict(secrets))
    return await drafts.begin(
        deps, actor, answers, name_of_edited=name, registry_id=registry_id, version=version,
        draft_id=draft_id, plan=plan, page=page,
    )  # fmt: skip


async def check_plan(deps: Deps, actor: Actor, name: str, plan: Plan) -> None:
    """Refuse a plan before its credential is known; raises as `begin` and `open_form` do."""
    if problems := _plan_faults(plan, deps.clock.now()):
        raise InvalidInput(problems)
    await open_form(deps, actor, name)


def credential_fields(kind: str, variant: str) -> tuple[Field, ...]:
    """The fields of a way to sign in that are the credential's own."""
    return tuple(one for one in fields_of(kind, variant) if one.name not in _PLACE)


async def _form(deps: Deps, actor: Actor, draft: DraftView) -> RotationForm:
    answers = draft.answers
    fields = credential_fields(answers.kind, answers.variant)
    if not any(one.secret for one in fields):
        raise Conflict(NOTHING.format(name=draft.editing, why=_why(answers.variant)))
    async with deps.store.reading() as session:
        stored = await registries.live(session, actor.team_id, draft.editing)
        if stored is None:
            raise NotFound(f"There is no registry called {draft.editing} any more.")
        if why := owned_elsewhere(credentials.source_of(stored.credential)):
            raise Conflict(why)
        others = await sharing(session, stored)
    return RotationForm(draft, fields, tuple(one.name for one in others), stored.registry.host)


def _why(variant: str) -> str:
    if variant == "assume_role":
        return "it assumes a role, and every session of that ends by itself."
    return "it is read anonymously."


def _plan_faults(plan: Plan, now: datetime) -> dict[str, str]:
    faults = {}
    if not timedelta() <= plan.grace <= GRACE_MOST:
        faults["grace"] = f"Between 0 and {GRACE_MOST.days * 24} hours."
    if plan.switch_at is not None and plan.switch_at > now + LATEST:
        faults["switch_at"] = "At most a year from now."
    return faults
