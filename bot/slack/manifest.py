"""The app manifest: what Slack must let Registrar do, and no more."""

from __future__ import annotations

from typing import Any, Final

# `commands` for the slash command, `chat:write` to answer and to post news where it is invited,
# `files:write` for the picture of the weekly summary, `users:read` for who is an admin,
# `usergroups:read` for managers named by group.
SCOPES: Final = ("chat:write", "commands", "files:write", "usergroups:read", "users:read")
# To find a message that was sent by a process that died before it noted so, and edit it instead of
# posting it twice: reading where Registrar writes, and nothing but its own messages is looked at.
# Whoever declines these may see such a message twice; nothing else depends on them.
OPTIONAL_SCOPES: Final = ("channels:history", "groups:history", "im:history", "im:write")
ABOUT: Final = (
    "Registrar keeps an organisation's container registries. People add, edit and delete them from "
    "Slack; every credential is tried before it is saved and tried again on a schedule, so that a "
    "mistyped, expired or revoked one is known before a deployment finds out. Start with /registry."
)


def manifest(command: str, public_url: str | None = None) -> dict[str, Any]:
    """For “create an app from a manifest”.

    Socket Mode without `public_url`; with it, requests come to `public_url` + `/slack/events`.
    """
    url = f"{public_url.rstrip('/')}/slack/events" if public_url else None
    slash: dict[str, Any] = {
        "command": command,
        "description": "Keep and test container registries",
        "usage_hint": "list | add | show | edit | test | pause | delete NAME",
        "should_escape": True,
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    events: dict[str, Any] = {"bot_events": ["app_home_opened"]}
    if url:
        slash["url"] = url
        interactivity |= {"request_url": url, "message_menu_options_url": url}
        events["request_url"] = url
    return {
        "display_information": {
            "name": "Registrar",
            "description": "Keeps your container registries and proves their credentials",
            "long_description": ABOUT,
            "background_color": "#1d2b3a",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Registrar", "always_online": True},
            "slash_commands": [slash],
        },
        # Slack wants the optional ones in both lists.
        "oauth_config": {
            "scopes": {
                "bot": [*SCOPES, *OPTIONAL_SCOPES],
                "bot_optional": list(OPTIONAL_SCOPES),
            }
        },
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }
