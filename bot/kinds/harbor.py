"""When a robot account of Harbor was made and when it ends.

Source: Harbor, api/v2.0/swagger.yaml and the robot handler: `expires_at` is in Unix seconds, -1 for
never. Robots are called `robot$NAME` (of the system) or `robot$PROJECT+NAME`; as a project's robot
is kept as `PROJECT+NAME` (controller/robot), it is looked for by a part of that.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import httpx

from bot.core.check import Expiry
from bot.kinds.age import Answer, moment, unix_moment
from bot.kinds.challenge import Challenge
from bot.kinds.distribution import Distribution, Login
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit, json_object, parsed

REQUESTS: Final = 2
SERVICE: Final = "harbor-registry"
ROBOT: Final = re.compile(r"robot\$(?:(?P<project>[a-z0-9._-]+)\+)?(?P<name>[A-Za-z0-9._-]+)")


def is_robot(challenge: Challenge, registry: Distribution, login: Login) -> bool:
    """Whether this is a robot of a Harbor whose API is where its registry is."""
    if challenge.service != SERVICE or not ROBOT.fullmatch(login.username):
        return False
    return parsed(challenge.realm).host == registry.host


async def ask(visit: Visit, registry: Distribution, login: Login) -> Answer:
    """From the list of robots, if the robot may read it."""
    match = ROBOT.fullmatch(login.username)
    assert match is not None, "asked for robots only"
    api = f"{registry.base}/api/v2.0"
    headers = {"Authorization": login.basic(), "Accept": "application/json"}
    level = "Level=system"
    if match["project"]:
        about = await visit.request("GET", f"{api}/projects/{match['project']}", headers, auth=True)
        number = json_object(about).get("project_id") if about.status_code == 200 else None
        if not isinstance(number, int):
            return Answer()
        level = f"Level=project,ProjectID={number}"
    query = urlencode({"q": f"{level},name=~{match['name']}", "page_size": "100"})
    answer = await visit.request("GET", f"{api}/robots?{query}", headers, auth=True, limit=LARGE)
    robots = listed(answer) if answer.status_code == 200 else []
    found = next((one for one in robots if one.get("name") == login.username), None)
    if found is None:
        return Answer()
    return Answer(expiry(found.get("expires_at")), moment(found.get("creation_time")))


def listed(answer: httpx.Response) -> list[dict[str, object]]:
    """The objects of a JSON list; none when the body is anything else."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return []
    return [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []


def expiry(seconds: object) -> Expiry | None:
    """When a robot ends, by its `expires_at`."""
    if seconds == -1:
        return Expiry(None, "provider")
    at: datetime | None = unix_moment(seconds)
    return Expiry(at, "provider") if at is not None else None
