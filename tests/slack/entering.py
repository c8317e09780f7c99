"""The page outside Slack, in front of a small Slack."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from bot.kinds.rotation.gateway import Rotators
from bot.slack.access import People
from bot.slack.desk import Desk
from bot.web.application import web_application
from bot.web.secret_entry import SecretEntry
from tests.slack.workspace import PUBLIC_URL, Office
from tests.usecases.cloud import no_rotators

Client = TestClient[Any, Any]


def desk_of(office: Office, rotators: Rotators | None = None) -> Desk:
    return Desk(
        office.deps,
        office.client,
        "/registry",
        office.background,
        People(office.client, office.deps),
        office.looks,
        rotators or no_rotators(office.deps.clock),
        PUBLIC_URL,
    )


@asynccontextmanager
async def pages(desk: Desk) -> AsyncIterator[Client]:
    """The page, with the same Slack behind it."""

    async def ready() -> dict[str, bool]:
        return {}

    routes = SecretEntry(desk).routes()
    application = web_application(app=None, ready=ready, clock=desk.deps.clock, routes=routes)
    async with TestClient(TestServer(application)) as made:
        yield made


def shown(office: Office) -> tuple[str, str]:
    text = json.dumps(office.slack.view["blocks"])
    path = re.search(r"/secret/enter/[A-Za-z0-9_-]{43}", text)
    code = re.search(r"`([0-9A-Z]{3}-[0-9A-Z]{3})`", text)
    assert path, text
    assert code, text
    return path[0], code[1]


async def enter(client: Client, path: str, code: str, **fields: str) -> tuple[int, str]:
    form = FormData(default_to_multipart=True)
    for name, value in {"code": code, **fields}.items():
        form.add_field(name, value)
    answer = await client.post(path, data=form)
    return answer.status, await answer.text()
