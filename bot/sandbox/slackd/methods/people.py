"""users.*, usergroups.*, bots.* and team.*: who there is."""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.world import public_user


def user_info(parts: Parts, args: Args) -> JSON:
    return {"user": public_user(parts.world, parts.world.user(args.need("user")))}


def user_list(parts: Parts, args: Args) -> JSON:
    del args
    members = [public_user(parts.world, user) for user in parts.world.users.values()]
    return {"members": members, "cache_ts": 0, "response_metadata": {"next_cursor": ""}}


def group_list(parts: Parts, args: Args) -> JSON:
    groups = []
    for group in parts.world.groups.values():
        body: JSON = {
            "id": group.id,
            "team_id": parts.world.team["id"],
            "is_usergroup": True,
            "name": group.name,
            "description": "",
            "handle": group.handle,
            "is_external": False,
            "date_delete": 0,
            "prefs": {"channels": [], "groups": []},
        }
        if args.flag("include_users"):
            body["users"] = list(group.users)
        if args.flag("include_count"):
            body["user_count"] = len(group.users)
        groups.append(body)
    return {"usergroups": groups}


def group_users(parts: Parts, args: Args) -> JSON:
    group = parts.world.groups.get(args.need("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": list(group.users)}


def bot_info(parts: Parts, args: Args) -> JSON:
    app = parts.world.app
    if args.get("bot") != app.bot_id:
        raise Refusal("bot_not_found")
    return {"bot": {"id": app.bot_id, "app_id": app.id, "user_id": app.user_id, "name": app.name}}


def team_info(parts: Parts, args: Args) -> JSON:
    del args
    return {"team": dict(parts.world.team)}


PEOPLE: Final = {
    "users.info": Method(user_info, "users:read", tier=4),
    "users.list": Method(user_list, "users:read", tier=2),
    "usergroups.list": Method(group_list, "usergroups:read", tier=2),
    "usergroups.users.list": Method(group_users, "usergroups:read", tier=2),
    "bots.info": Method(bot_info, "users:read", tier=3),
    "team.info": Method(team_info, "team:read", tier=3),
}
