"""The pull secrets of clusters, as External Secrets' webhook provider reads them.

That takes a 404 for “the secret was deleted” and removes it from the cluster, so nothing here ever
answers so; whatever else is not 200 leaves in the cluster what it has.
Source: External Secrets, providers/v1/webhook (GetWebhookData), docs/provider/webhook.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web

from bot.core.cluster import ClusterView
from bot.core.name import is_name
from bot.errors import NoLogin
from bot.usecases.cluster_pull import ClusterPull, PullSecret
from bot.usecases.deps import Deps
from bot.usecases.minting import Mint
from bot.web.bearer import Bearer, refusal
from bot.web.tries import Tries

PER_CLUSTER: Final = 600  # requests a minute; one for each namespace when all are new
NO_NAMESPACE: Final = "Name one namespace: ?namespace=NAME, lower-case letters, digits and dashes."
TOO_OFTEN: Final = "This cluster asks too often. Wait {wait} s."


def pull_secret_routes(deps: Deps, mint: Mint, bearer: Bearer) -> list[web.RouteDef]:
    """`GET /api/v1/clusters/{cluster}/pull-secret?namespace=NAME`."""
    pull, asked = ClusterPull(deps, mint), Tries(deps.clock, PER_CLUSTER)

    async def give(request: web.Request, cluster: ClusterView) -> web.Response:
        names = request.query.getall("namespace", [])
        if len(names) != 1 or not is_name(names[0]):
            return refusal(400, NO_NAMESPACE)
        wait = asked.wait(cluster.id)
        if wait:
            return refusal(429, TOO_OFTEN.format(wait=wait), {"Retry-After": str(wait)})
        asked.failed(cluster.id)  # every request counts here
        try:
            made = await pull.secret(cluster, names[0])
        except NoLogin as error:
            return refusal(503, str(error), {"Retry-After": "60"})
        headers = {"Cache-Control": "no-store", "ETag": f'"{made.tag}"', "Vary": "Authorization"}
        if _has(request, made.tag):
            return web.Response(status=304, headers=headers)
        return web.json_response(_body(made, names[0]), headers=headers)

    path = "/api/v1/clusters/{cluster}/pull-secret"
    return [web.get(path, bearer.for_cluster(give), allow_head=False)]


def _has(request: web.Request, tag: str) -> bool:
    """Whether the caller has this one already (`If-None-Match`)."""
    return any(one.value in {tag, "*"} for one in request.if_none_match or ())


def _body(made: PullSecret, namespace: str) -> dict[str, object]:
    return {
        "dockerconfigjson": made.config.reveal(),
        "namespace": namespace,
        "environment": str(made.environment),
        "expires_at": _written(made.expires_at),
        "good_until": {name: _written(until) for name, until in made.good_until.items()},
        "left_out": [{"registry": name, "reason": why} for name, why in made.left_out],
    }


def _written(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
