"""A workspace may have secrets entered on the page outside Slack only."""

from __future__ import annotations

from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import OnlyOnPage
from bot.store import workspaces
from bot.usecases.deps import Deps

REFUSED: Final = (
    "Secrets are entered only on the page outside Slack here, as the settings say. What was typed "
    "in this form as a secret was not kept: use the page, and make a new secret if others saw it."
)


async def holds(deps: Deps, team_id: str) -> bool:
    """Whether that is so in a workspace."""
    async with deps.store.reading() as session:
        settings = await workspaces.settings(session, team_id)
    return settings.preferences.secrets_on_page


async def refuse_typed(session: AsyncSession, team_id: str) -> None:
    """Raise OnlyOnPage where secrets that came through Slack are not taken."""
    settings = await workspaces.settings(session, team_id)
    if settings.preferences.secrets_on_page:
        raise OnlyOnPage({"": REFUSED})
