"""Who may change things: Slack admins and owners, and whom the settings name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bot.core.preferences import Preferences

MINUTES_MIN: Final = 5
MINUTES_MAX: Final = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who asks. `groups` holds the ids of the settings' user groups they are in.

    `is_guest`: a guest of the workspace, or somebody of another one in a shared channel.
    """

    team_id: str
    user_id: str
    is_admin: bool = False
    is_guest: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """What `/registry settings` shows. `configured` is false until somebody saved it once."""

    alert_channel: str = ""
    recheck_minutes: int = 60
    rotate_days: int = 90
    manager_users: tuple[str, ...] = ()
    manager_groups: tuple[str, ...] = ()
    preferences: Preferences = field(default_factory=Preferences)
    configured: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class Access:
    """The rule itself, and who to name when it says no."""

    settings: WorkspaceSettings = field(default_factory=WorkspaceSettings)

    def may_manage(self, actor: Actor) -> bool:
        return (
            actor.is_admin
            or actor.user_id in self.settings.manager_users
            or bool(actor.groups & set(self.settings.manager_groups))
        )

    def who_can_help(self) -> str:
        """Slack mentions of the managers, for a refusal; admins when nobody is named."""
        named = [f"<@{user}>" for user in self.settings.manager_users[:5]]
        named += [f"<!subteam^{group}>" for group in self.settings.manager_groups[:5]]
        return ", ".join(named) or "a workspace admin"
