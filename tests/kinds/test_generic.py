"""Generic registries: a sign-in counts only if strangers are refused."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from bot.core.check import Cause, Expiry, Level, Mark, Stage, Verdict
from bot.core.clock import FixedClock
from bot.kinds.visit import MOST_REQUESTS
from tests.kinds.checks import NOON, PASSWORD, VERSION, check, checker_for, generic
from tests.kinds.wire import Asked, Wire, always, answer, reply, serve

MANIFEST = [("Docker-Content-Digest", "sha256:" + "a" * 64)]
IMAGE = "team/app:1.2"


def denied(status: int = 401, *challenge: str) -> bytes:
    """A registry's refusal."""
    headers = [VERSION, *(("WWW-Authenticate", line) for line in challenge)]
    body = json.dumps({"errors": [{"code": "UNAUTHORIZED" if status == 401 else "DENIED"}]})
    return answer(status, body, headers)


@dataclass(slots=True)
class Basic:
    """A registry with Basic sign-in. `anyone`: it takes any password; `private`: its image is not
    for guests; `heads`: it knows HEAD; `tagged`: the image has the tag; `guard` answers for images
    in its place, `strangers_guard` to all but alice."""

    anyone: bool = False
    private: bool = True
    heads: bool = True
    tagged: bool = True
    guard: bytes = b""
    strangers_guard: bytes = b""
    users: list[str] = field(default_factory=list)

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(asked, self._answer(asked)))

    def _answer(self, asked: Asked) -> bytes:
        given = asked.headers.get("authorization")
        if given is None:
            return denied(401, 'Basic realm="https://not-to-be-fetched.example/"')
        user, _, password = base64.b64decode(given.split()[1]).decode().partition(":")
        self.users.append(user)
        member = (user, password) == ("alice", PASSWORD)
        if not member and not self.anyone:
            return denied(401, 'Basic realm="x"')
        if asked.path == "/v2/":
            return answer(200, "{}", [VERSION])
        guard = self.guard or (self.strangers_guard if user != "alice" else b"")
        if guard:
            return guard
        if self.private and not member:
            return denied(403)
        if asked.method == "HEAD" and not self.heads:
            return answer(404)
        if not self.tagged:
            return answer(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN"}]}), [VERSION])
        return answer(200, "", MANIFEST)


@dataclass(slots=True)
class Bearer:
    """A registry with a token service at its side.

    `open_to_all`: it gives anyone a token; `lenient`: with a scope it gives a token for a wrong
    password too (as Harbor does); `scoped`: without a scope it answers 400 to alice (as
    DigitalOcean does); `private`: the image is for members; `challenge`: how it asks.
    """

    wire: Wire | None = None
    open_to_all: bool = False
    lenient: bool = False
    scoped: bool = False
    private: bool = True
    challenge: str = 'Bearer realm="/token",service="reg",scope="repository:a/b:pull,push"'

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        token = asked.path == "/token"
        writer.write(reply(asked, self._token(asked) if token else self._registry(asked)))

    def _token(self, asked: Asked) -> bytes:
        query = parse_qs(urlsplit(asked.target).query)
        given = asked.headers.get("authorization", "")
        pair = base64.b64decode(given.removeprefix("Basic ")).decode()
        if pair == f"alice:{PASSWORD}":
            if self.scoped and "scope" not in query:
                return answer(400, "{}")
            return answer(200, json.dumps({"token": "member", "expires_in": 60}))
        if self.open_to_all or (self.lenient and "scope" in query):
            return answer(200, json.dumps({"access_token": "guest"}))
        return denied(401)

    def _registry(self, asked: Asked) -> bytes:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token == "member" or (token == "guest" and (asked.path == "/v2/" or not self.private)):
            return answer(200, "{}" if asked.method == "GET" else "", [VERSION, *MANIFEST])
        return denied(401, self.challenge)


async def test_basic_sign_in_is_proven_against_strangers() -> None:
    """Alice is let in and somebody made up is not: that is a proof."""
    registry = Basic()
    async with serve(registry) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.level, result.stage) == (Verdict.PROVEN, Level.E2, Stage.LOGIN)
    assert registry.users[0] == "alice"
    assert registry.users[1].startswith("registrar-")


async def test_registry_that_takes_any_password_is_never_green() -> None:
    """`docker login` and `skopeo login` call this a success."""
    async with serve(Basic(anyone=True)) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.level) == (Verdict.UNPROVEN, Level.E1)
    assert result.cause is Cause.ACCEPTS_ANYONE


async def test_private_image_proves_a_sign_in_that_takes_any_password() -> None:
    """What strangers may not pull and alice may, only alice's password can open."""
    async with serve(Basic(anyone=True)) as wire:
        result = await check(wire, generic(wire, IMAGE))

    assert (result.verdict, result.level, result.stage) == (Verdict.PROVEN, Level.E2, Stage.IMAGE)


async def test_public_image_proves_nothing_where_any_password_is_taken() -> None:
    """Strangers pull it as well."""
    async with serve(Basic(anyone=True, private=False)) as wire:
        result = await check(wire, generic(wire, IMAGE))

    assert (result.verdict, result.cause) == (Verdict.UNPROVEN, Cause.ACCEPTS_ANYONE)


@pytest.mark.parametrize(("heads", "tagged"), [(True, False), (False, True), (False, False)])
async def test_strangers_are_asked_what_told_of_us(heads: bool, tagged: bool) -> None:
    """Where only GET tells, a stranger's HEAD tells no difference, and one would look like proof."""
    registry = Basic(anyone=True, private=False, heads=heads, tagged=tagged)
    async with serve(registry) as wire:
        result = await check(wire, generic(wire, IMAGE, password="wrong"))

    assert (result.verdict, result.cause) == (Verdict.UNPROVEN, Cause.ACCEPTS_ANYONE)


@pytest.mark.parametrize("image", ["", IMAGE])
async def test_wrong_password_is_sent_once(image: str) -> None:
    """Repeated failures lock people out, so alice's name is used once."""
    registry = Basic()
    async with serve(registry) as wire:
        result = await check(wire, generic(wire, image, password="wrong"))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.BAD_CREDENTIALS)
    assert not result.explicit
    assert registry.users == ["alice"]


async def test_strangers_are_tried_once_a_day_per_host() -> None:
    """A made-up name now and then is harmless; every hour it would look like an attack."""
    registry, clock = Basic(), FixedClock(NOON)
    async with serve(registry) as wire, checker_for(wire.allow, clock) as checker:
        for _ in range(3):
            await checker.check(generic(wire))
        clock.skip(timedelta(days=1, seconds=1))
        await checker.check(generic(wire))

    assert sum(user != "alice" for user in registry.users) == 2


async def test_concurrent_checks_try_one_stranger() -> None:
    """Sixteen checks of one host at once do not send sixteen made-up names."""
    registry = Basic()
    async with serve(registry) as wire, checker_for(wire.allow) as checker:
        results = await asyncio.gather(*(checker.check(generic(wire)) for _ in range(16)))

    assert {result.verdict for result in results} == {Verdict.PROVEN}
    assert sum(user != "alice" for user in registry.users) == 1


@pytest.mark.parametrize("image", ["", IMAGE])
@pytest.mark.parametrize("lenient", [False, True])
async def test_bearer_sign_in_is_proven(image: str, lenient: bool) -> None:
    """The token service refuses strangers when no scope is asked, which is what counts."""
    async with serve(Bearer(lenient=lenient)) as wire:
        result = await check(wire, generic(wire, image))

    assert (result.verdict, result.level) == (Verdict.PROVEN, Level.E2)
    assert len(result.evidence) <= MOST_REQUESTS


async def test_token_that_its_registry_does_not_take_proves_nothing() -> None:
    """The token service says yes, but nobody can pull: its keys and the registry's differ."""

    async def split(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path != "/token":
            writer.write(denied(401, 'Bearer realm="/token",service="reg"'))
        elif base64.b64decode(asked.headers["authorization"][6:]).startswith(b"alice:"):
            writer.write(answer(200, '{"token": "of-another-key"}'))
        else:
            writer.write(denied(401))

    async with serve(split) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.REGISTRY_ERROR)
    assert wire.asked[-1].headers["authorization"] == "Bearer of-another-key"


async def test_lenient_token_service_does_not_hide_a_wrong_password() -> None:
    """Harbor gives a token for a wrong password if a scope is asked; so none is asked first."""
    async with serve(Bearer(lenient=True)) as wire:
        result = await check(wire, generic(wire, IMAGE, password="wrong"))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.BAD_CREDENTIALS)


@pytest.mark.parametrize(
    ("image", "private", "verdict"),
    [
        ("", True, Verdict.UNPROVEN),
        (IMAGE, True, Verdict.PROVEN),
        (IMAGE, False, Verdict.UNPROVEN),
    ],
)
async def test_open_token_service_needs_a_private_image(
    image: str, private: bool, verdict: Verdict
) -> None:
    """A token for everybody proves nothing; an image that only alice can pull does."""
    async with serve(Bearer(open_to_all=True, private=private)) as wire:
        result = await check(wire, generic(wire, image))

    assert result.verdict is verdict
    assert len(result.evidence) <= MOST_REQUESTS


@pytest.mark.parametrize(
    ("image", "password", "verdict", "cause"),
    [
        ("", PASSWORD, Verdict.UNPROVEN, Cause.IMAGE_NEEDED),
        ("", "wrong", Verdict.REFUSED, Cause.BAD_CREDENTIALS),
        (IMAGE, PASSWORD, Verdict.PROVEN, None),
        (IMAGE, "wrong", Verdict.REFUSED, Cause.BAD_CREDENTIALS),
    ],
)
async def test_service_that_gives_tokens_for_images_only_is_not_called_open(
    image: str, password: str, verdict: Verdict, cause: Cause | None
) -> None:
    """It accepts nobody but alice; there is only nothing to ask it for without an image."""
    async with serve(Bearer(scoped=True)) as wire:
        result = await check(wire, generic(wire, image, password))

    assert (result.verdict, result.cause) == (verdict, cause)
    assert "anyone" not in f"{result.sentence} {result.stages}"
    assert len(result.evidence) <= MOST_REQUESTS


async def test_wrong_password_at_an_open_token_service_is_not_green() -> None:
    """The service gives a guest's token instead of an error, and the image tells."""
    async with serve(Bearer(open_to_all=True)) as wire:
        result = await check(wire, generic(wire, IMAGE, password="wrong"))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.NO_ACCESS)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<html>It works</html>", [("Content-Type", "text/html")]),
        ("OK", [("Content-Type", "text/plain")]),
        ('{"status": "up"}', [("Content-Type", "application/json")]),
    ],
)
async def test_server_that_says_200_to_everything_is_not_a_registry(
    body: str, headers: list[tuple[str, str]]
) -> None:
    """Both `docker login` and `skopeo login` succeed there."""
    async with serve(always(answer(200, body, headers))) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.NOT_A_REGISTRY)
    assert result.stage is Stage.REGISTRY


async def test_password_protected_web_page_is_not_a_registry() -> None:
    """A 401 with Basic and then a page: the password may be right, but images there are none."""
    page = answer(200, "<html>", [("Content-Type", "text/html")])
    asks = answer(401, "", [("WWW-Authenticate", 'Basic realm="Staff"')])
    async with serve(always(asks, page)) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.NOT_A_REGISTRY)


@pytest.mark.parametrize(
    ("status", "verdict", "cause"),
    [
        (403, Verdict.UNREACHABLE, Cause.BLOCKED_BY_REGISTRY),
        (404, Verdict.UNREACHABLE, Cause.NOT_A_REGISTRY),
        (405, Verdict.UNREACHABLE, Cause.NOT_A_REGISTRY),
        (429, Verdict.LIMITED, Cause.RATE_LIMITED),
        (500, Verdict.UNREACHABLE, Cause.REGISTRY_ERROR),
        (503, Verdict.UNREACHABLE, Cause.REGISTRY_ERROR),
    ],
)
@pytest.mark.parametrize("at", ["ping", "sign-in"])
async def test_no_status_but_a_refusal_condemns(
    status: int, verdict: Verdict, cause: Cause, at: str
) -> None:
    """Outages, limits and bans judge no credential, at whatever step they come."""
    odd = answer(status, "", [VERSION])
    asks = denied(401, 'Basic realm="x"')
    async with serve(always(odd) if at == "ping" else always(asks, odd)) as wire:
        result = await check(wire, generic(wire))

    assert result.verdict in {verdict, Verdict.UNREACHABLE}
    assert at == "sign-in" or result.cause is cause


async def test_registrys_own_403_condemns() -> None:
    """With an error code it is the registry that speaks, not a guard in front of it."""
    async with serve(always(denied(401, 'Basic realm="x"'), denied(403))) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.BAD_CREDENTIALS)


@pytest.mark.parametrize("body", ["", "<html>Access denied</html>", '{"message": "Forbidden"}'])
async def test_guards_403_to_a_pull_judges_nobody(body: str) -> None:
    """A firewall's word is none of the registry's, whoever signed in before it spoke."""
    registry = Basic(guard=answer(403, body))
    async with serve(registry) as wire:
        result = await check(wire, generic(wire, IMAGE))

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.BLOCKED_BY_REGISTRY)
    assert len(result.evidence) <= MOST_REQUESTS


async def test_registrys_own_403_to_a_pull_condemns() -> None:
    """HEAD shows the status only; GET shows that the registry itself says no."""
    registry = Basic(guard=denied(403))
    async with serve(registry) as wire:
        result = await check(wire, generic(wire, IMAGE))

    assert (result.verdict, result.cause) == (Verdict.REFUSED, Cause.NO_ACCESS)
    assert "DENIED" in {each.code for each in result.evidence}


async def test_guard_that_stops_only_strangers_proves_nothing() -> None:
    """Or a wrong password would be green where anybody is let in and a firewall counts requests."""
    registry = Basic(anyone=True, private=False, strangers_guard=answer(403, "<html>"))
    async with serve(registry) as wire:
        result = await check(wire, generic(wire, IMAGE, password="wrong"))

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.BLOCKED_BY_REGISTRY)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (("Retry-After", "90"), 90),
        (("Retry-After", "Tue, 24 Nov 2026 12:05:00 GMT"), 300),
        (("X-Retry-After", str(int(datetime(2026, 11, 24, 12, 10, tzinfo=UTC).timestamp()))), 600),
        (("Retry-After", "99999999999999"), 86400),
        (("Retry-After", "1.5"), 1.5),
        (("Retry-After", "Tuesday, 24-Nov-26 12:05:00 GMT"), 300),
        (("Retry-After", "Tue Nov 24 12:05:00 2026"), 300),
        (("Retry-After", "Tue, 24 Nov 2026 11:00:00 GMT"), 0),
        (("X-Ms-Retry-After-Ms", "2500"), 2.5),
        (("X-RateLimit-Reset", str(int(NOON.timestamp()) + 60)), 60),
        (("RateLimit-Reset", "45"), 45),
        (("X-Retry-After", "9" * 15), None),
        (("Retry-After", "880.092µs"), None),
        (("Retry-After", "Tue, 99 Foo"), None),
        (("X-Other", "1"), None),
    ],
)
async def test_limit_tells_when_to_come_back(
    header: tuple[str, str], seconds: float | None
) -> None:
    """Seconds, dates and Docker Hub's unix times are read, nonsense is not."""
    async with serve(always(answer(429, "", [header]))) as wire:
        result = await check(wire, generic(wire))

    assert result.verdict is Verdict.LIMITED
    expected = NOON + timedelta(seconds=seconds) if seconds is not None else None
    assert result.retry_at == expected


async def test_failing_host_may_ask_for_patience() -> None:
    """A 503 may say how long; the spent budget of some other minute is not a reason to wait."""
    patience = answer(503, "", [("Retry-After", "120"), ("RateLimit-Reset", "3000")])
    async with serve(always(patience)) as wire:
        result = await check(wire, generic(wire))

    assert result.verdict is Verdict.UNREACHABLE
    assert result.retry_at == NOON + timedelta(seconds=120)


async def test_foreign_realm_gets_nothing() -> None:
    """A registry that sends people to another host for their password is stopped at once."""
    asks = denied(401, 'Bearer realm="https://collector.example/token",service="x"')
    async with serve(always(asks)) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.BLOCKED, Cause.REALM_NOT_TRUSTED)
    assert "collector.example" in result.sentence
    assert all("authorization" not in asked.headers for asked in wire.asked)


async def test_realm_at_an_address_is_not_shown() -> None:
    """Or the sentence would tell what the inside of a network looks like."""
    asks = denied(401, 'Bearer realm="http://169.254.169.254/latest",service="x"')
    async with serve(always(asks)) as wire:
        result = await check(wire, generic(wire))

    assert result.verdict is Verdict.BLOCKED
    assert "169.254" not in result.sentence


async def test_token_service_that_redirects_is_not_followed() -> None:
    """The credential stays where it was sent."""
    asks = denied(401, 'Bearer realm="/token",service="x"')
    async with serve(
        always(asks, answer(307, "", [("Location", "https://collector.example/")]))
    ) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.BLOCKED, Cause.REALM_NOT_TRUSTED)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/v2/",
        "https://elsewhere.example/v2/",
        "//evil.example/v2/",
        "http://[",
    ],
)
async def test_redirect_elsewhere_is_not_followed(location: str) -> None:
    """Not even without a credential: it would make us ask addresses for somebody else."""
    async with serve(always(answer(301, "", [("Location", location)]))) as wire:
        result = await check(wire, generic(wire))

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.NOT_A_REGISTRY)
    assert len(wire.asked) == 1


async def test_redirect_on_the_same_host_is_followed_once() -> None:
    """Some installations send `/v2/` to where their repository really is."""
    registry = Basic()

    async def moved(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path == "/v2/" and "authorization" not in asked.headers:
            writer.write(answer(301, "", [("Location", "/docker/v2/")]))
        else:
            path = asked.target.removeprefix("/docker")
            await registry(Asked(asked.method, path, asked.headers, b"", 0), writer)

    async with serve(moved) as wire:
        result = await check(wire, generic(wire))

    assert result.verdict is Verdict.PROVEN
    assert wire.asked[-1].path == "/docker/v2/"


async def test_path_prefix_is_kept() -> None:
    """Artifactory's registries live below a path."""
    async with serve(Basic()) as wire:
        await check(wire, generic(wire, IMAGE, prefix="/artifactory/api/docker/team"))

    assert {asked.path for asked in wire.asked} >= {"/artifactory/api/docker/team/v2/"}


async def test_silent_registry_ends_by_the_total_time() -> None:
    """A check never takes longer than its limit, and says who was silent."""

    async def silence(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with serve(silence) as wire:
        result = await check(wire, generic(wire), total=0.3)

    assert (result.verdict, result.cause) == (Verdict.UNREACHABLE, Cause.TIMEOUT)
    assert "127.0.0.1" in result.sentence
    assert result.took < 2


async def test_jwt_password_tells_its_expiry() -> None:
    """Some registries' tokens are JWTs; then nobody needs to type when they end."""
    ends = NOON + timedelta(days=30)
    password = jwt.encode({"exp": ends, "iat": NOON}, "k" * 32, algorithm="HS256")
    async with serve(Basic()) as wire:
        result = await check(wire, generic(wire, password=password))

    assert result.expiry == Expiry(ends, "jwt")
    assert result.issued_at == NOON


async def test_stages_are_told_as_they_go() -> None:
    """Who watches sees each stage begin and end, and in the end all six."""
    seen: list[tuple[tuple[Stage, Mark], ...]] = []
    async with serve(Basic()) as wire, checker_for(wire.allow) as checker:
        result = await checker.check(
            generic(wire, IMAGE),
            lambda stages: seen.append(tuple((one.stage, one.mark) for one in stages)),
        )

    assert seen[0] == ((Stage.ADDRESS, Mark.RUNNING),)
    assert [one.stage for one in result.stages] == list(Stage)
    assert (Stage.LOGIN, Mark.RUNNING) in seen[-1] or (Stage.LOGIN, Mark.PASSED) in seen[-1]
    assert {one.mark for one in result.stages} == {Mark.PASSED, Mark.SKIPPED}


async def test_no_secret_is_in_the_result() -> None:
    """Neither the password nor a header made of it is in anything that is kept or shown."""
    async with serve(Bearer()) as wire:
        result = await check(wire, generic(wire, IMAGE))

    everything = repr(result) + repr(result.evidence)
    assert PASSWORD not in everything
    assert base64.b64encode(f"alice:{PASSWORD}".encode()).decode() not in everything
    assert "member" not in everything


@pytest.mark.parametrize(
    "after",
    ['Bearer realm="/token",service="new"', 'Bearer realm="/token?v=2",service="old"'],
)
async def test_changed_challenge_ends_what_is_known_of_strangers(after: str) -> None:
    """Another token service, or another service of it, may let in whom the former refused."""
    registry = Bearer(challenge='Bearer realm="/token",service="old"')
    async with serve(registry) as wire, checker_for(wire.allow) as checker:
        before = await checker.check(generic(wire))
        registry.challenge, registry.open_to_all = after, True
        later = await checker.check(generic(wire))

    assert (before.verdict, later.verdict) == (Verdict.PROVEN, Verdict.UNPROVEN)
