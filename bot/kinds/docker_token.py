"""When an organisation's access token of Docker Hub was made and when it ends.

Source: Docker documentation, Hub API, organization access tokens. Tokens of a person are not asked
about: the API refuses what was signed in with one of them (docker/hub-feedback issue 2478).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from bot.core.check import Expiry
from bot.core.secret import Secret
from bot.kinds.age import Answer, moment
from bot.kinds.distribution import claims_of
from bot.kinds.net import LARGE
from bot.kinds.visit import Visit, json_object

PREFIX: Final = "dckr_oat_"
REQUESTS: Final = 1
_API: Final = "https://hub.docker.com/v2/orgs"


async def ask(visit: Visit, organisation: str, token: Secret) -> Answer:
    """From the organisation's list, if `token` may read it; `token` is the API's own."""
    answer = await visit.request(
        "GET",
        f"{_API}/{quote(organisation, safe='')}/access-tokens?page_size=100",
        {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"},
        auth=True,
        limit=LARGE,
    )
    listed = json_object(answer).get("results") if answer.status_code == 200 else None
    found = _ours(listed if isinstance(listed, list) else [], claims_of(token.reveal()))
    if found is None:
        return Answer()
    expiry = Expiry(moment(found.get("expires_at")), "provider")
    return Answer(expiry, moment(found.get("created_at")))


def _ours(listed: list[object], claims: Mapping[str, object]) -> Mapping[str, object] | None:
    """The token that signed in: the one that the API's token names, else the only active one."""
    tokens = [one for one in listed if isinstance(one, dict)]
    source = claims.get("source")
    named = source.get("id") if isinstance(source, dict) else None
    if isinstance(named, str):
        return next((one for one in tokens if one.get("id") == named), None)
    active = [one for one in tokens if one.get("is_active") is True]
    return active[0] if len(active) == 1 else None
