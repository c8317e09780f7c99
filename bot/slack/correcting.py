"""Back to a form with what was typed: that of a registry, or that of a rotation."""

from __future__ import annotations

from bot.slack.call import Call
from bot.slack.desk import Desk, View
from bot.slack.rotating import corrected
from bot.slack.saving import differences, filled
from bot.usecases import drafts


async def correct(desk: Desk, call: Call, draft_id: str) -> None:
    """The form with what was typed, but for the secrets, which are kept."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        draft = await drafts.load(desk.deps, actor, draft_id)
        if draft.plan is not None:
            return await corrected(desk, call, actor, draft_id)
        return await filled(desk, call, draft, draft_id)

    await desk.form(call, build)


async def reopen(desk: Desk, call: Call, draft_id: str) -> None:
    """The form of the newer version with what was typed, and what is different there now."""

    async def build() -> View:
        actor = await desk.people.actor(call)
        draft = await drafts.reopen(desk.deps, actor, draft_id)
        if draft.plan is not None:
            return await corrected(desk, call, actor, draft_id)
        stored = await drafts.open_edit(desk.deps, actor, draft.editing)
        return await filled(desk, call, draft, draft_id, differences(draft, stored))

    await desk.form(call, build)
