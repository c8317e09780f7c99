"""The CNCF registry, added with `/registry` in the sandbox: Basic, tokens, and TLS of a private CA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from bot.sandbox.slackd.person import Person
from tests.e2e.running import started
from tests.programs import DockerRegistry, docker_registry
from tests.real.test_docker_registry import ALICE, WRONG, basic, push
from tests.real.token_service import TokenService

IMAGE = "team/app:1.2"
Start = Callable[..., DockerRegistry]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a CNCF registry that ends with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            docker_registry(tmp_path / "registry", **options)
        )


async def _add(person: Person, url: str, login: tuple[str, str], **more: str) -> str:
    """Fill in the form of a generic registry; answers what the dialog says at the end."""
    await person.type("/registry add generic", "#general")
    await person.wait_for("Registry URL")
    fields = {"Registry URL": url, "Username": login[0], "Password": login[1], **more}
    for label, value in fields.items():
        await person.fill(label, value)
    assert await person.submit() == {}
    await person.wait_for("signing in", 15)
    await person.wait_for("Checking", 15, gone=True)
    said: str = await person.read()
    await person.close(everything=True)
    return said


async def _scenario(registry: DockerRegistry, **environment: Any) -> None:
    """A wrong password is refused, the right one proven, and so is pulling what was pushed."""
    async with started(**environment) as sandbox, sandbox.person() as ada:
        wrong = await _add(ada, registry.url, WRONG)
        good = await _add(ada, registry.url, ALICE, **{"Test image": IMAGE, "Name": "real"})
        problems = (await ada.state())["problems"]

    assert "refused" in wrong
    assert WRONG[1] not in wrong
    assert "Proven and saved" in good
    assert IMAGE in good
    assert problems == []


async def test_basic_sign_in(start: Start) -> None:
    """htpasswd: bad and good credentials, and an image that was really pushed."""
    registry = start(users=dict([ALICE]))
    await push(registry, basic(ALICE))

    await _scenario(registry, EGRESS_ALLOW=registry.url)


async def test_token_sign_in(start: Start, tmp_path: Path) -> None:
    """A token service on another port, which the operator allowed too."""
    tokens = TokenService(dict([ALICE]))
    auth = await tokens.start(tmp_path)
    registry = start(token=auth)
    token = tokens.token("alice", ["repository:team/app:pull,push"])
    await push(registry, {"Authorization": f"Bearer {token}"})

    allowed = f"{registry.url},{auth.realm.removesuffix('/token')}"
    await _scenario(registry, EGRESS_ALLOW=allowed)
    await tokens.close()


async def test_tls_of_a_private_authority(start: Start, tmp_path: Path) -> None:
    """The authority in EGRESS_CA_FILE is trusted beside the practice registries' own."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    registry = start(users=dict([ALICE]), certificate=authority.issue_cert("127.0.0.1"))
    await push(registry, basic(ALICE), authority)

    await _scenario(registry, EGRESS_ALLOW=registry.host, EGRESS_CA_FILE=str(ca_file))
