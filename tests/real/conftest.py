"""Real registries, and a checker that may reach them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from bot.core.clock import SystemClock
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.net import AllowList, Egress, Resolver
from tests.programs import DockerRegistry, DockerRegistryFactory, docker_registry
from tests.real.amazon import Moto, quiet

MakeChecker = Callable[..., Awaitable[Checker]]


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[DockerRegistryFactory]:
    """Start CNCF registries (see `docker_registry`); they end with the test."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def start(**options: Any) -> DockerRegistry:
            folder = tmp_path / f"registry-{next(numbers)}"
            return stack.enter_context(docker_registry(folder, **options))

        yield start


@pytest.fixture
async def make_checker() -> AsyncIterator[MakeChecker]:
    """Make a checker with its own egress; all are closed with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(
            allow: AllowList,
            *,
            ca_file: Path | None = None,
            resolver: Resolver | None = None,
            aws: AwsGateway | None = None,
        ) -> Checker:
            egress = Egress(allow=allow, ca_file=ca_file, resolver=resolver)
            stack.push_async_callback(egress.close)
            gateway = aws or AwsGateway()
            stack.callback(gateway.close)
            return Checker(egress=egress, aws=gateway, clock=SystemClock())

        yield make


@pytest.fixture(scope="module")
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with quiet("moto"):  # a server's log, here in the process of its client
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_server: str) -> Moto:
    moto = Moto(moto_server)
    moto.reset()
    return moto
