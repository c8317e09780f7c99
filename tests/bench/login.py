"""100 truthful checks beside 100 `skopeo login`, on one CNCF registry with htpasswd."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

from bot.core.check import Verdict
from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.net import AllowList, Egress
from bot.logs import configure_logs
from tests.bench.cpu import Cost, measured, row
from tests.bench.limits import Limit, judge
from tests.programs import docker_registry, program

COUNT = 100
ROUNDS = 5
AT_ONCE = 16
LIMIT = Limit("ratio per CPU-second", 10, "x")


def main() -> bool:
    """Ours and theirs in turn, five times; the median round counts.

    Answers whether the limit is kept.
    """
    users = {f"user{number}": f"password-{number}" for number in range(COUNT)}
    ours, theirs = [], []
    configure_logs("WARNING")
    with (
        tempfile.TemporaryDirectory() as folder,
        docker_registry(Path(folder), users=users) as registry,
    ):
        for _ in range(ROUNDS):
            ours.append(asyncio.run(_checks(registry.host, users)))
            theirs.append(_logins(registry.host, users))
    mine = sorted(ours, key=lambda cost: cost.own)[ROUNDS // 2]
    skopeo = sorted(theirs, key=lambda cost: cost.children)[ROUNDS // 2]
    print(row("registrar: truthful checks, one process", COUNT, mine.own, mine.wall))
    print(row("skopeo login, one process each", COUNT, skopeo.children, skopeo.wall))
    return judge(LIMIT, skopeo.children / mine.own)


async def _checks(host: str, users: dict[str, str]) -> Cost:
    egress = Egress(allow=AllowList.parse(f"http://{host}"))
    aws = AwsGateway()
    checker = Checker(egress=egress, aws=aws, clock=SystemClock())
    gate = asyncio.Semaphore(AT_ONCE)

    async def check(user: str, password: str) -> None:
        config = Config(
            kind="generic",
            variant="account",
            url=f"http://{host}",
            values={"username": user},
            secrets={"password": Secret(password)},
        )
        async with gate:
            result = await checker.check(config)
        assert result.verdict is Verdict.PROVEN, result.sentence

    with measured() as cost:
        await asyncio.gather(*(check(*pair) for pair in users.items()))
    await egress.close()
    aws.close()
    return cost


def _logins(host: str, users: dict[str, str]) -> Cost:
    skopeo = program("skopeo")
    with tempfile.TemporaryDirectory() as folder, measured() as cost:
        for user, password in users.items():
            subprocess.run(
                [
                    *(skopeo, "login", "--tls-verify=false", "--authfile", f"{folder}/{user}"),
                    *("--username", user, "--password-stdin", host),
                ],
                input=password.encode(),
                stdout=subprocess.DEVNULL,
                check=True,
            )
    return cost
