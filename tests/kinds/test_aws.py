"""The AWS gateway uses the credential it is given and nothing of this machine."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from traceback import format_exception

import pytest

from bot.core.check import Cause, Level, Verdict
from bot.core.clock import FixedClock
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.aws import AwsError, AwsGateway, AwsIdentity, AwsUnreachable, Keys
from bot.kinds.checker import Checker
from bot.kinds.net import Address, AllowList, Egress
from tests.kinds.checks import NOON
from tests.kinds.wire import Asked, Handler, Names, Wire, always, answer, serve

KEYS = Keys("AKIAGIVENGIVENGIVEN1", Secret("g" * 40))
DECOY = "AKIADECOYDECOYDECOY1"
CALLER = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ci</Arn><UserId>A</UserId>
<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


def refusal(code: str, status: int = 403, message: str = "no") -> bytes:
    """An error of STS."""
    return answer(
        status,
        f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        "</ErrorResponse>",
        [("Content-Type", "text/xml")],
    )


@contextlib.asynccontextmanager
async def aws(handler: Handler) -> AsyncIterator[tuple[AwsGateway, Wire]]:
    """A gateway whose AWS is a server of ours."""
    async with serve(handler) as wire:
        gateway = AwsGateway(endpoint=lambda _service, _region: wire.url)
        try:
            yield gateway, wire
        finally:
            gateway.close()


@pytest.fixture
def decoys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything by which boto3 would find a credential, an endpoint, a proxy or a profile."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(
        "[default]\nregion = ap-south-1\nendpoint_url = http://127.0.0.1:9\n"
        "[profile decoy]\nrole_arn = arn:aws:iam::1:role/x\ncredential_process = /bin/false\n"
    )
    credentials.write_text(
        f"[default]\naws_access_key_id = {DECOY}\naws_secret_access_key = decoy\n"
    )
    for name, value in {
        "AWS_ACCESS_KEY_ID": DECOY,
        "AWS_SECRET_ACCESS_KEY": "decoy",
        "AWS_SESSION_TOKEN": "decoy-session",
        "AWS_PROFILE": "decoy-that-does-not-exist",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_DEFAULT_REGION": "ap-south-1",
        "AWS_REGION": "ap-south-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": "/nowhere.pem",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CSM_ENABLED": "true",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_MAX_ATTEMPTS": "9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("decoys")
async def test_decoys_of_the_machine_change_nothing() -> None:
    """The given key signs the request, it goes where it should, once, with no session token."""
    xml = [("Content-Type", "text/xml")]
    async with aws(always(answer(200, CALLER, xml))) as (gateway, wire):
        caller = await gateway.caller(KEYS, "eu-west-1")

    assert caller.arn == "arn:aws:iam::123456789012:user/ci"
    (asked,) = wire.asked
    assert KEYS.access_key_id in asked.headers["authorization"]
    assert "/eu-west-1/sts/" in asked.headers["authorization"]
    assert "x-amz-security-token" not in asked.headers
    assert "decoy" not in repr(asked).lower()


@pytest.mark.usefixtures("decoys")
async def test_decoys_do_not_stand_in_for_an_empty_key() -> None:
    """An empty field must not fall through to whatever the machine can do."""
    async with aws(always(answer(200, CALLER))) as (gateway, wire):
        with pytest.raises(ValueError, match="both halves"):
            await gateway.caller(Keys("", Secret("")), "eu-west-1")

    assert wire.asked == []


@pytest.mark.usefixtures("decoys")
def test_real_endpoints_are_those_of_the_region() -> None:
    """Without an override the endpoint is AWS's own, whatever the environment says."""
    gateway = AwsGateway()
    found = {
        gateway._client(KEYS, service, region).meta.endpoint_url
        for service, region in (
            ("sts", "eu-west-1"),
            ("ecr", "eu-west-1"),
            ("ecr-public", "us-east-1"),
            ("sts", "cn-north-1"),
        )
    }
    gateway.close()

    assert found == {
        "https://sts.eu-west-1.amazonaws.com",
        "https://api.ecr.eu-west-1.amazonaws.com",
        "https://api.ecr-public.us-east-1.amazonaws.com",
        "https://sts.cn-north-1.amazonaws.com.cn",
    }


async def test_error_is_not_tried_again() -> None:
    """A failure costs one request: the check has its own time, and AWS its own limits."""
    async with aws(always(refusal("Throttling", 400))) as (gateway, wire):
        with pytest.raises(AwsError) as caught:
            await gateway.caller(KEYS, "eu-west-1")

    assert caught.value.code == "Throttling"
    assert len(wire.asked) == 1


async def test_error_in_xml_where_json_was_due_is_read() -> None:
    """Some servers answer ECR's JSON protocol in XML."""
    async with aws(always(refusal("InvalidClientTokenId"))) as (gateway, _):
        with pytest.raises(AwsError) as caught:
            await gateway.ecr_token(KEYS, "eu-west-1", public=False)

    assert caught.value.code == "InvalidClientTokenId"


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    "body",
    [
        "<!doctype html><html><body>The token a-secret-of-somebody was stopped</body></html>",
        "<html><body>Sign in to the network</body></html>",
        "",
        "{}",
        "[]",
        "null",
        "\x00\x01\xff",
        '{"authorizationData": []}',
        '{"authorizationData": [{"authorizationToken": 5}]}',
        '{"authorizationData": {"authorizationToken": "*"}}',
    ],
)
async def test_answer_that_is_not_amazons_judges_nothing(status: int, body: str) -> None:
    """A proxy's page, say: an error without a name of AWS's, and nothing of the page in it."""
    async with aws(always(answer(status, body))) as (gateway, _):
        calls = (
            gateway.caller(KEYS, "eu-west-1"),
            gateway.ecr_token(KEYS, "eu-west-1", public=False),
            gateway.assume_role(
                AwsIdentity("AKIAOWNOWNOWNOWNOWN1", Secret("o" * 40)),
                "eu-west-1",
                "arn:aws:iam::123456789012:role/pull",
                "external-1",
            ),
        )
        raised = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(error) for error in raised] == [AwsError] * len(calls)
    assert "a-secret-of-somebody" not in "".join(map(traceback, raised))


def traceback(error: object) -> str:
    """All that a log would show of it."""
    assert isinstance(error, Exception)
    return "".join(format_exception(error))


async def test_unreachable_aws_is_told_apart() -> None:
    """Nothing listens: no verdict about the key can follow."""
    gateway = AwsGateway(endpoint=lambda _service, _region: "http://127.0.0.1:1")
    with pytest.raises(AwsUnreachable):
        await gateway.caller(KEYS, "eu-west-1")
    gateway.close()


async def test_token_is_split_at_the_first_colon() -> None:
    """The password may hold colons itself."""
    token = base64.b64encode(b"AWS:one:two").decode()
    body = json.dumps({"authorizationData": [{"authorizationToken": token}]})
    async with aws(always(answer(200, body))) as (gateway, _):
        found = await gateway.ecr_token(KEYS, "eu-west-1", public=False)

    assert (found.username, found.password) == ("AWS", Secret("one:two"))


async def test_threads_are_bounded_and_do_not_hold_the_loop() -> None:
    """While AWS says nothing, everything else goes on: here, what makes it answer."""
    let_go = asyncio.Event()

    async def slow(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.write(answer(200, CALLER, [("Content-Type", "text/xml")]))

    async with aws(slow) as (gateway, _):
        calls = asyncio.gather(*(gateway.caller(KEYS, "eu-west-1") for _ in range(4)))
        await asyncio.sleep(0.05)
        let_go.set()
        assert len(await calls) == 4


def role(external_id: str = "external-1") -> Config:
    return Config(
        "ecr",
        "assume_role",
        "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        {
            "region": "eu-west-1",
            "role_arn": "arn:aws:iam::123456789012:role/pull",
            "external_id": external_id,
        },
    )


@pytest.mark.parametrize(
    ("identity", "reply", "verdict", "cause"),
    [
        (None, refusal("AccessDenied"), Verdict.UNREACHABLE, Cause.NO_BOT_IDENTITY),
        ("own", refusal("AccessDenied"), Verdict.REFUSED, Cause.NO_ACCESS),
        ("own", refusal("InvalidClientTokenId"), Verdict.UNREACHABLE, Cause.NO_BOT_IDENTITY),
        ("own", refusal("ExpiredToken"), Verdict.UNREACHABLE, Cause.NO_BOT_IDENTITY),
        ("own", refusal("Throttling", 400), Verdict.LIMITED, Cause.RATE_LIMITED),
        ("own", refusal("InternalFailure", 500), Verdict.UNREACHABLE, Cause.REGISTRY_ERROR),
        (
            "own",
            refusal("SignatureDoesNotMatch", 403, "Signature expired: 2026 is now earlier"),
            Verdict.UNREACHABLE,
            Cause.CLOCK_SKEW,
        ),
    ],
)
async def test_role_is_judged_by_its_own_errors(
    identity: str | None, reply: bytes, verdict: Verdict, cause: Cause
) -> None:
    """Only AWS's refusal of the role is the person's to mend; the rest is ours or nobody's."""
    asks = answer(401, "", [("WWW-Authenticate", 'Basic realm="ecr"')])
    own = AwsIdentity("AKIAOWNOWNOWNOWNOWN1", Secret("o" * 40)) if identity else None
    async with serve(always(asks)) as registry, serve(always(reply)) as api:
        egress = Egress(
            allow=AllowList(
                plain=frozenset({("123456789012.dkr.ecr.eu-west-1.amazonaws.com", 80)})
            ),
            resolver=Names([Address("127.0.0.1", registry.port, trusted=True)]),
        )
        gateway = AwsGateway(identity=own, endpoint=lambda _service, _region: api.url)
        checker = Checker(egress=egress, aws=gateway, clock=FixedClock(NOON))
        config = role()
        plain = Config(
            config.kind, config.variant, config.url.replace("https", "http"), config.values
        )
        result = await checker.check(plain)
        await egress.close()
        gateway.close()

    assert (result.verdict, result.cause) == (verdict, cause)
    assert result.level is not Level.E3 or result.explicit


NO_ANSWERS: dict[str, bytes] = {
    "hangs up": b"",
    "half an answer": answer(200, CALLER)[:90],
    "a cut answer": answer(200, CALLER)[:-40],
    "a proxy": answer(502, "<html>Bad Gateway</html>"),
    "a failure": refusal("ServiceFailure", 500),
    "too busy": refusal("Throttling", 400, "Rate exceeded"),
    "another clock": refusal("SignatureDoesNotMatch", 403, "Signature expired: now earlier"),
    "elsewhere": answer(307, "", [("Location", "/again")]),
}


@pytest.mark.parametrize("how", list(NO_ANSWERS))
async def test_what_makes_a_key_is_sent_once(how: str) -> None:
    """Whoever took it may have done it, and a key made twice is one nobody knows.

    Neither boto3's retries nor its HTTP library's send it again, also after another call before it.
    """

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if b"CreateAccessKey" not in asked.body:
            writer.write(answer(200, CALLER, [("Content-Type", "text/xml")]))
            return
        writer.write(NO_ANSWERS[how])
        if "answer" in how or "hangs" in how:
            writer.close()

    async with aws(handle) as (gateway, wire):
        await gateway.caller(KEYS, "us-east-1")
        with pytest.raises((AwsError, AwsUnreachable)) as caught:
            await gateway.ask(KEYS, "iam", "us-east-1", "create_access_key")

    made = [one for one in wire.asked if b"CreateAccessKey" in one.body]
    assert len(made) == 1
    assert len(wire.asked) == wire.connections == 2
    assert "CALLER" not in str(caught.value)
