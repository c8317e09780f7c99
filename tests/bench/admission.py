"""How long a verdict takes, and how many reviews a second one core answers over TLS.

The server is a process of its own and tells its processor time, so that the client costs nothing
here; the other processes of the machine do not count either.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from bot.admission.review import Outcome, review
from bot.core.cluster import ClusterView, Mode
from bot.core.gate import Gate
from bot.core.policy import Policy, Rule
from bot.core.registry import Environment
from bot.event_loop import run
from tests.admission.reviews import NOW, asked, pod
from tests.bench.limits import Limit, judge

IMAGES, RULES = 100, 200
DECISIONS = 1_000
REVIEWS = 4_800
CONNECTIONS = 16
ROUNDS = 5
DECISION = Limit("p99 of a verdict on 100 images by 200 rules", 5, " ms", at_most=True)
RATE = Limit("reviews per CPU-second", 2_500, "")


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    clusters: tuple[str, ...]
    ca: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Round:
    """Processor seconds of the server and wall seconds for all reviews, and how long each took."""

    cpu: float
    wall: float
    took: list[float]


def main() -> bool:
    """Verdicts in process, then reviews to us and to the peer in turn; the best round counts.

    What else the machine does makes processor time longer, never shorter. Answers whether the
    limits are kept.
    """
    kept = [_decisions(allowed=True), _decisions(allowed=False)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, context = _certificate(folder)
        with (
            _server(folder, certificate, context, "ours") as ours,
            _server(folder, certificate, context, "peer") as peer,
        ):
            rounds = [(run(_reviews(ours)), run(_reviews(peer))) for _ in range(ROUNDS)]
    mine = min((one for one, _ in rounds), key=lambda one: one.cpu)
    theirs = min((one for _, one in rounds), key=lambda one: one.cpu)
    print(_row("registrar: judged by 200 rules, noted", mine))
    print(_row("bare aiohttp: parsed, always yes", theirs))
    print(f"of the peer's rate: {theirs.cpu / mine.cpu:.0%}")
    return all([*kept, judge(RATE, REVIEWS / mine.cpu)])


def _decisions(*, allowed: bool) -> bool:
    """From the bytes of the review to those of the reply, in this process."""
    rules = [Rule(f"r{at}", f"registry{at % 20}.example.com", f"team{at}") for at in range(RULES)]
    view = ClusterView("c" * 32, "T1", "c", Environment.PRODUCTION, Mode.ENFORCE)
    gate = Gate(view, Policy(rules))
    team = "team" if allowed else "taem"
    cpu, wall = [], []
    for number in range(DECISIONS):
        body = json.dumps(asked(pod(*_images(team, number)))).encode()
        began, worked = time.perf_counter(), time.thread_time()
        answer = review(json.loads(body), gate, NOW, "/registry")
        json.dumps(answer.reply).encode()
        cpu.append(time.thread_time() - worked)
        wall.append(time.perf_counter() - began)
        assert answer.outcome is (Outcome.ALLOWED if allowed else Outcome.DENIED)
    what = "all allowed" if allowed else "all refused"
    print(f"{what}: {_percentiles(cpu)} of processor time, {_percentiles(wall)} of wall clock")
    return judge(DECISION, _percentile(cpu, 0.99) * 1000)


def _images(team: str, number: int) -> list[str]:
    """None of which was asked for before."""
    return [f"registry{at % 20}.example.com/{team}{at}/web:{number}" for at in range(IMAGES)]


async def _reviews(server: Server) -> Round:
    share = REVIEWS // CONNECTIONS
    clients = [await _connect(server, number) for number in range(CONNECTIONS)]
    before, began = await _cpu(server), time.perf_counter()
    took = await asyncio.gather(*(client.ask(share) for client in clients))
    wall = time.perf_counter() - began
    cpu = await _cpu(server) - before
    for client in clients:
        client.writer.close()
    return Round(cpu, wall, [one for several in took for one in several])


@dataclass(frozen=True, slots=True)
class Client:
    """A kept connection, on which the same review is sent again and again."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes

    async def ask(self, times: int) -> list[float]:
        took = []
        for _ in range(times):
            began = time.perf_counter()
            self.writer.write(self.request)
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await self.reader.readexactly(length)
            took.append(time.perf_counter() - began)
            assert b'"allowed": true' in body, body
        return took


async def _connect(server: Server, number: int) -> Client:
    body = json.dumps(asked(_pod(number))).encode()
    path = f"/admission/{server.clusters[number % len(server.clusters)]}?timeout=3s"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=server.ca, server_hostname="localhost"
    )
    return Client(reader, writer, head.encode() + body)


def _pod(number: int) -> dict[str, Any]:
    """Three containers with what a pod usually has around them."""
    images = [f"registry{at}.example.com/team{at}/app:1.{number}" for at in range(3)]
    made = pod(*images, name=f"web-{number}", labels={"app": "web", "tier": "front"})
    for container in made["spec"]["containers"]:
        container |= {
            "env": [{"name": f"SETTING_{at}", "value": "something"} for at in range(5)],
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}},
            "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets", "readOnly": True}],
            "terminationMessagePath": "/dev/termination-log",
            "imagePullPolicy": "IfNotPresent",
        }
    projected = {"sources": [{"serviceAccountToken": {"expirationSeconds": 3607}}]}
    made["spec"]["volumes"] = [{"name": "token", "projected": projected}]
    return made


async def _cpu(server: Server) -> float:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=server.ca, server_hostname="localhost"
    )
    writer.write(b"GET /cpu HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    seconds: float = json.loads(answer.partition(b"\r\n\r\n")[2])["seconds"]
    return seconds


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    authority, path = trustme.CA(), folder / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return path, context


@contextmanager
def _server(folder: Path, certificate: Path, ca: ssl.SSLContext, whose: str) -> Iterator[Server]:
    command: list[str | Path] = [
        "-m",
        "tests.bench.admission_server",
        certificate,
        folder / "bench.sqlite3",
        whose,
    ]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port, *clusters = process.stdout.readline().split()
        yield Server(int(port), tuple(clusters), ca)
    finally:
        process.terminate()
        process.wait()


def _row(name: str, one: Round) -> str:
    rates = f"{REVIEWS / one.cpu:6.0f}/CPU-s  {REVIEWS / one.wall:6.0f}/s of wall clock"
    return f"{name:<40} {rates}  {_percentiles(one.took)} each"


def _percentiles(seconds: list[float]) -> str:
    return " ".join(
        f"{name} {_percentile(seconds, share) * 1000:.2f} ms"
        for name, share in (("p50", 0.5), ("p99", 0.99))
    )


def _percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[int(len(seconds) * share)]
