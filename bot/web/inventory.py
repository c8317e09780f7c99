"""`POST /api/v1/clusters/{cluster}/inventory`: a page of what a cluster runs."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from bot.core.cluster import ClusterView
from bot.errors import Conflict, InvalidInput
from bot.usecases.deps import Deps
from bot.usecases.inventory import read_page, take
from bot.web.bearer import Bearer, refusal
from bot.web.body import json_of


def inventory_routes(deps: Deps, bearer: Bearer) -> list[web.RouteDef]:
    """202 for a page, 200 for the last one with what the whole inventory holds."""

    async def post(request: web.Request, cluster: ClusterView) -> web.Response:
        try:
            page = read_page(await json_of(request))
            whole = await take(deps, cluster, page)
        except InvalidInput as error:
            return refusal(400, str(error))
        except Conflict as error:
            return refusal(409, str(error))
        said = {"page": page.number, "unreadable": page.unreadable}
        if whole is None:
            return web.json_response(said, status=202)
        return web.json_response({**said, **asdict(whole)})

    return [web.post("/api/v1/clusters/{cluster}/inventory", bearer.for_cluster(post))]
