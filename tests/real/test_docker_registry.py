"""Checks against the registry of the CNCF, with each of its ways of signing in."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trustme

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.secret import Secret
from bot.kinds.form import validate
from bot.kinds.net import AllowList
from tests.images import push_image
from tests.programs import DockerRegistry, DockerRegistryFactory
from tests.real.conftest import MakeChecker
from tests.real.token_service import TokenService

ALICE = ("alice", "a-password-of-alice")
WRONG = ("alice", "not-her-password-at-all")


async def check(
    make_checker: MakeChecker,
    registry: DockerRegistry,
    login: tuple[str, str],
    *,
    image: str = "",
    allowed: str = "",
    ca_file: Path | None = None,
) -> CheckResult:
    """One check as a person would ask for it, with the operator having allowed the address."""
    allow = AllowList.parse(f"{registry.url} {allowed}")
    answers: dict[str, str | Secret] = {
        "url": registry.url,
        "username": login[0],
        "password": Secret(login[1]),
        "test_image": image,
    }
    config = validate("generic", "account", answers, allow=allow)
    checker = await make_checker(allow, ca_file=ca_file)
    return await checker.check(config)


def basic(login: tuple[str, str]) -> dict[str, str]:
    pair = base64.b64encode(":".join(login).encode()).decode()
    return {"Authorization": f"Basic {pair}"}


async def push(
    registry: DockerRegistry, headers: dict[str, str], ca: trustme.CA | None = None
) -> None:
    """Push `team/app:1.2`."""
    context = ssl.create_default_context()
    if ca:
        ca.configure_trust(context)
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        await push_image(client, registry.url, "team/app", "1.2", headers)


async def test_htpasswd_login_is_proven(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """The right password is refused to strangers and accepted from alice."""
    registry = start_registry(users=dict([ALICE]))

    result = await check(make_checker, registry, ALICE)

    assert (result.verdict, result.level, result.stage) == (Verdict.PROVEN, Level.E2, Stage.LOGIN)


async def test_wrong_htpasswd_password_is_refused(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """A wrong password ends at the sign-in, whatever image was named."""
    registry = start_registry(users=dict([ALICE]))

    result = await check(make_checker, registry, WRONG, image="team/app:1.2")

    assert (result.verdict, result.stage) == (Verdict.REFUSED, Stage.LOGIN)
    assert result.cause is Cause.BAD_CREDENTIALS


async def test_pushed_image_proves_pulling(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """An image that was really pushed is really found."""
    registry = start_registry(users=dict([ALICE]))
    await push(registry, basic(ALICE))

    result = await check(make_checker, registry, ALICE, image="team/app:1.2")

    assert (result.verdict, result.level, result.stage) == (Verdict.PROVEN, Level.E2, Stage.IMAGE)
    assert result.cause is None


async def test_missing_tag_keeps_the_credential_proven(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """A tag that was never pushed says nothing against the password."""
    registry = start_registry(users=dict([ALICE]))
    await push(registry, basic(ALICE))

    result = await check(make_checker, registry, ALICE, image="team/app:9.9")

    assert result.cause is Cause.TAG_NOT_FOUND
    assert result.verdict is Verdict.PROVEN


async def test_changed_password_is_noticed_at_once(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """After a rotation the old password is refused and the new one proven, without a restart."""
    registry = start_registry(users=dict([ALICE]))
    registry.set_users({"alice": "a-rotated-password"})

    old = await check(make_checker, registry, ALICE)
    new = await check(make_checker, registry, ("alice", "a-rotated-password"))

    assert (old.verdict, new.verdict) == (Verdict.REFUSED, Verdict.PROVEN)


async def test_open_registry_is_never_green(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """A registry without sign-in takes any password; `skopeo login` calls that a success."""
    registry = start_registry()
    await push(registry, {})

    result = await check(make_checker, registry, WRONG, image="team/app:1.2")

    assert (result.verdict, result.level) == (Verdict.UNPROVEN, Level.E1)
    assert result.cause is Cause.ACCEPTS_ANYONE


@pytest.fixture
async def tokens() -> AsyncIterator[TokenService]:
    service = TokenService(dict([ALICE]))
    yield service
    await service.close()


async def test_token_login_is_proven(
    start_registry: DockerRegistryFactory,
    make_checker: MakeChecker,
    tokens: TokenService,
    tmp_path: Path,
) -> None:
    """The registry itself verifies the token that its token service gave for the password."""
    auth = await tokens.start(tmp_path)
    registry = start_registry(token=auth)
    token = tokens.token("alice", ["repository:team/app:pull,push"])
    await push(registry, {"Authorization": f"Bearer {token}"})

    result = await check(
        make_checker,
        registry,
        ALICE,
        image="team/app:1.2",
        allowed=auth.realm.removesuffix("/token"),
    )

    assert (result.verdict, result.level, result.stage) == (Verdict.PROVEN, Level.E2, Stage.IMAGE)


async def test_wrong_password_is_refused_by_the_token_service(
    start_registry: DockerRegistryFactory,
    make_checker: MakeChecker,
    tokens: TokenService,
    tmp_path: Path,
) -> None:
    """The token service's 401 is a refusal of the credential."""
    auth = await tokens.start(tmp_path)
    registry = start_registry(token=auth)

    result = await check(make_checker, registry, WRONG, allowed=auth.realm.removesuffix("/token"))

    assert (result.verdict, result.stage) == (Verdict.REFUSED, Stage.LOGIN)
    assert result.cause is Cause.BAD_CREDENTIALS


async def test_token_service_on_a_port_nobody_allowed_gets_nothing(
    start_registry: DockerRegistryFactory,
    make_checker: MakeChecker,
    tokens: TokenService,
    tmp_path: Path,
) -> None:
    """The operator allowed the registry's address, not every service beside it."""
    registry = start_registry(token=await tokens.start(tmp_path))

    result = await check(make_checker, registry, ALICE)

    assert (result.verdict, result.cause) == (Verdict.BLOCKED, Cause.REALM_NOT_TRUSTED)


async def test_tls_with_a_private_authority_is_proven(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker, tmp_path: Path
) -> None:
    """With the authority's certificate in EGRESS_CA_FILE the whole check works over TLS."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    registry = start_registry(users=dict([ALICE]), certificate=authority.issue_cert("127.0.0.1"))
    await push(registry, basic(ALICE), authority)

    result = await check(make_checker, registry, ALICE, image="team/app:1.2", ca_file=ca_file)

    assert (result.verdict, result.stage) == (Verdict.PROVEN, Stage.IMAGE)


async def test_private_authority_is_not_trusted_by_itself(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """Without the authority's certificate nothing is sent."""
    registry = start_registry(users=dict([ALICE]), certificate=trustme.CA().issue_cert("127.0.0.1"))

    result = await check(make_checker, registry, ALICE)

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.TLS_FAILURE)


async def test_stopped_registry_is_unreachable(
    start_registry: DockerRegistryFactory, make_checker: MakeChecker
) -> None:
    """A port where nothing listens says nothing about the password."""
    registry = start_registry(users=dict([ALICE]))
    gone = DockerRegistry(1, registry.htpasswd)

    result = await check(make_checker, gone, ALICE)

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.CONNECT_FAILED)
