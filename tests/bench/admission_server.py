"""The webhook over TLS in its own process, and beside it a handler that only parses and says yes.

    python -m tests.bench.admission_server CERTIFICATE_AND_KEY.pem DATABASE_FILE ours|peer

prints a port and the clusters' ids, and serves until killed. `GET /cpu` answers how many seconds of
processor time the process has used.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path

from aiohttp import web

from bot.event_loop import run
from bot.jobs.metrics import Metrics
from bot.logs import configure_logs
from bot.store.migrate import migrate
from bot.web.gatehouse import Gatehouse
from tests.factories import cluster, deps_on, generic, stored

CLUSTERS = 8
RULES = 200


async def serve(certificate: Path, database: Path, whose: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.router.add_get("/cpu", _cpu)
    ids = ["0" * 32] * CLUSTERS
    if whose == "ours":
        gatehouse, ids = await _gatehouse(database)
        application.router.add_routes(gatehouse.routes())
        await gatehouse.start()
    else:
        application.router.add_post("/admission/{cluster}", _say_yes)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    print(runner.addresses[0][1], *ids, flush=True)
    await asyncio.Event().wait()


async def _gatehouse(database: Path) -> tuple[Gatehouse, list[str]]:
    """Clusters that enforce, and two hundred registries."""
    url = f"sqlite:///{database}"
    await migrate(url)
    deps = deps_on(url)
    for number in range(RULES):
        host = f"https://registry{number % 20}.example.com"
        await stored(
            deps, answers=generic(f"r{number}", url=host, path_scope=f"team{number}", username="u")
        )
    made = [await cluster(deps, f"c{number}", mode="enforce") for number in range(CLUSTERS)]
    return Gatehouse(deps, "/registry", Metrics()), [one.cluster.id for one in made]


async def _say_yes(request: web.Request) -> web.Response:
    """What one would write at least: the body is parsed, and everything is allowed."""
    asked = json.loads(await request.read())
    return web.json_response(
        {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": asked["request"]["uid"], "allowed": True},
        }
    )


async def _cpu(_request: web.Request) -> web.Response:
    return web.json_response({"seconds": time.process_time()})


if __name__ == "__main__":
    configure_logs("ERROR")
    run(serve(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
