"""Where GitLab's API is, and what a path may be in it; shared by all who ask it.

Source: GitLab documentation, REST API, and container registry API.
"""

from __future__ import annotations

from urllib.parse import quote

import httpx

from bot.kinds.registry_kinds import KINDS
from bot.kinds.visit import Visit


async def realm_of(visit: Visit) -> httpx.URL:
    """Where the registry has its tokens given, which is where GitLab is; vetted."""
    registry = KINDS["gitlab"].registry(visit)
    challenge = await registry.ping()
    if challenge is None or challenge.scheme != "bearer":
        raise registry.not_a_registry()
    return registry.approve(challenge)


def api_url(realm: httpx.URL, path: str) -> httpx.URL:
    """`path` is below the API, with its query."""
    below = realm.path.partition("/jwt/")[0]  # GitLab may live below a path
    return realm.copy_with(raw_path=f"{below}/api/v4/{path}".encode(), fragment=None)


def places_of(path: str) -> list[str]:
    """What a path may be, the likeliest first: a project, a group, an image of a project."""
    whole, above = quote(path, safe=""), quote(path.rpartition("/")[0], safe="")
    if "/" not in path:
        return [f"groups/{whole}"]
    places = [f"projects/{whole}", f"groups/{whole}"]
    return [*places, f"projects/{above}"] if "%2F" in above else places
