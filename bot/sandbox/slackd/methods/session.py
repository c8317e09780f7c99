"""auth.*, api.* and apps.*: who is calling, and the way into Socket Mode."""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal


def auth_test(parts: Parts, args: Args) -> JSON:
    del args
    world = parts.world
    return {
        "url": f"https://{world.team['domain']}.slack.com/",
        "team": world.team["name"],
        "user": "registrar",
        "team_id": world.team["id"],
        "user_id": world.app.user_id,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": False,
    }


def api_test(parts: Parts, args: Args) -> JSON:
    del parts
    if args.get("error"):
        raise Refusal(args.get("error"))
    return {"args": {}}


def open_connection(parts: Parts, args: Args) -> JSON:
    del args
    address = parts.base_url.replace("http://", "ws://", 1)
    app = parts.world.app.id
    return {"url": f"{address}/link?ticket={parts.link.ticket()}&app_id={app}"}


SESSION: Final = {
    "auth.test": Method(auth_test, tier=0),
    "api.test": Method(api_test, tier=4, needs_token=False),
    "apps.connections.open": Method(open_connection, tier=1, app_token=True),
}
