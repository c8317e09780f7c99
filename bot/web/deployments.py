"""`/api/v1/deployments`: pipelines declare what they deploy, with any token of a cluster."""

from __future__ import annotations

from aiohttp import web

from bot.core.cluster import ClusterView
from bot.errors import InvalidInput
from bot.usecases.deployments import declare, withdraw
from bot.usecases.deps import Deps
from bot.web.bearer import Bearer, refusal
from bot.web.body import json_of

PATH = "/api/v1/deployments"


def deployment_routes(deps: Deps, bearer: Bearer) -> list[web.RouteDef]:
    """POST declares the images of a service, DELETE withdraws it."""

    async def post(request: web.Request, cluster: ClusterView) -> web.Response:
        try:
            found = await declare(deps, cluster, await json_of(request))
        except InvalidInput as error:
            return refusal(400, str(error))
        images = [
            {
                "image": text,
                "allowed": verdict.allowed,
                "registry": verdict.registry or None,
                "reason": verdict.reason,
            }
            for text, verdict in found.verdicts.items()
        ]
        return web.json_response({"place": found.place, "images": images})

    async def delete(request: web.Request, cluster: ClusterView) -> web.Response:
        try:
            body = await json_of(request) if request.can_read_body else dict(request.query)
            place = await withdraw(deps, cluster, body)
        except InvalidInput as error:
            return refusal(400, str(error))
        return web.json_response({"place": place, "images": []})

    return [
        web.post(PATH, bearer.for_any(post)),
        web.delete(PATH, bearer.for_any(delete)),
    ]
