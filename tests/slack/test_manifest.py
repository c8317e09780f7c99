"""The app manifest, held to the limits that Slack publishes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from bot.slack.manifest import manifest

# Written down from Slack's manifest reference (docs.slack.dev/reference/app-manifest); unknown keys
# are refused, as Slack does.
URL = {"type": "string", "pattern": "^https://"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["display_information", "features", "oauth_config", "settings"],
    "additionalProperties": False,
    "properties": {
        "display_information": {
            "type": "object",
            "required": ["name", "description"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 35},
                "description": {"type": "string", "minLength": 1, "maxLength": 140},
                "long_description": {"type": "string", "minLength": 175, "maxLength": 4000},
                "background_color": {"type": "string", "pattern": "^#([0-9a-f]{3}|[0-9a-f]{6})$"},
            },
        },
        "features": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "app_home": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "home_tab_enabled": {"type": "boolean"},
                        "messages_tab_enabled": {"type": "boolean"},
                        "messages_tab_read_only_enabled": {"type": "boolean"},
                    },
                },
                "bot_user": {
                    "type": "object",
                    "required": ["display_name"],
                    "additionalProperties": False,
                    "properties": {
                        "display_name": {"type": "string", "maxLength": 80},
                        "always_online": {"type": "boolean"},
                    },
                },
                "slash_commands": {
                    "type": "array",
                    "maxItems": 50,
                    "items": {
                        "type": "object",
                        "required": ["command", "description"],
                        "additionalProperties": False,
                        "properties": {
                            "command": {"type": "string", "pattern": "^/[^ ]+$", "maxLength": 32},
                            "url": URL,
                            "description": {"type": "string", "minLength": 1, "maxLength": 2000},
                            "usage_hint": {"type": "string", "maxLength": 1000},
                            "should_escape": {"type": "boolean"},
                        },
                    },
                },
            },
        },
        "oauth_config": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "scopes": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        name: {
                            "type": "array",
                            "maxItems": 255,
                            "uniqueItems": True,
                            "items": {"type": "string", "pattern": r"^[a-z._]+(:[a-z._]+)?$"},
                        }
                        for name in ("bot", "bot_optional")
                    },
                }
            },
        },
        "settings": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "interactivity": {
                    "type": "object",
                    "required": ["is_enabled"],
                    "additionalProperties": False,
                    "properties": {
                        "is_enabled": {"type": "boolean"},
                        "request_url": URL,
                        "message_menu_options_url": URL,
                    },
                },
                "event_subscriptions": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "request_url": URL,
                        "bot_events": {"type": "array", "maxItems": 100, "uniqueItems": True},
                    },
                },
                "org_deploy_enabled": {"type": "boolean"},
                "socket_mode_enabled": {"type": "boolean"},
                "token_rotation_enabled": {"type": "boolean"},
            },
        },
    },
}


@pytest.mark.parametrize("url", [None, "https://registrar.example.com", "https://example.com/bot/"])
def test_the_manifest_is_one_that_slack_takes(url: str | None) -> None:
    """Socket Mode and HTTP, held to the schema."""
    jsonschema.validate(manifest("/registry", url), SCHEMA)


def test_socket_mode_needs_no_url() -> None:
    """Nothing of this machine is reachable from outside, and nothing needs to be."""
    made = manifest("/registry", None)

    assert made["settings"]["socket_mode_enabled"] is True
    assert "url" not in str(made["features"])


def test_over_http_everything_comes_to_one_address() -> None:
    """Commands, clicks, searches and events."""
    made = manifest("/registry", "https://example.com/bot/")
    url = "https://example.com/bot/slack/events"

    assert made["settings"]["socket_mode_enabled"] is False
    assert made["features"]["slash_commands"][0]["url"] == url
    assert made["settings"]["interactivity"]["request_url"] == url
    assert made["settings"]["interactivity"]["message_menu_options_url"] == url
    assert made["settings"]["event_subscriptions"]["request_url"] == url


def test_no_more_scopes_than_are_used() -> None:
    """Nothing that is needed reads conversations; what does may be declined at installation."""
    scopes = manifest("/registry", None)["oauth_config"]["scopes"]
    needed = set(scopes["bot"]) - set(scopes["bot_optional"])

    assert needed == {"chat:write", "commands", "files:write", "usergroups:read", "users:read"}
    assert set(scopes["bot_optional"]) == {
        "channels:history",
        "groups:history",
        "im:history",
        "im:write",
    }


def test_the_command_can_be_renamed() -> None:
    """Where another app has `/registry`."""
    made = manifest("/images", None)

    assert made["features"]["slash_commands"][0]["command"] == "/images"
