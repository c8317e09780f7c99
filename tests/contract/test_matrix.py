"""What hostile, broken and merely odd registries do to a check of the generic kind.

Whatever they do: at most six requests, no secret where it does not belong, and never green without
a difference between somebody and nobody.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import datetime, timedelta

import jwt
import pytest

from bot.core.check import Cause, CheckResult, Level, Stage, Verdict
from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.checker import Checker
from bot.kinds.form import validate
from bot.kinds.net import Address, AllowList, Egress
from bot.sandbox.practice.ask import Answer, Ask, as_html, as_json, as_text, refusal
from bot.sandbox.practice.listener import Site
from bot.sandbox.practice.shelf import PRIVATE_IMAGE
from bot.sandbox.practice.vendor import ELSEWHERE_HOST, HOSTILE_HOST
from tests.contract.lab import NOON, Lab, open_lab
from tests.contract.odd import (
    BASIC,
    BEARER,
    BESIDE,
    EMPTY,
    GOOD,
    HOST,
    LOGIN,
    WRONG,
    Odd,
    pull,
    strict_tokens,
    token,
    welcome,
)

MOST_REQUESTS = 6
OWN_HOSTS = {HOST, BESIDE}


def config(login: tuple[str, str] = LOGIN, image: str = PRIVATE_IMAGE, host: str = HOST) -> Config:
    answers: dict[str, str | Secret] = {
        "url": f"https://{host}",
        "username": login[0],
        "password": Secret(login[1]),
        "test_image": image,
    }
    return validate("generic", "account", answers, allow=AllowList())


async def look(
    site: Site, login: tuple[str, str] = LOGIN, image: str = PRIVATE_IMAGE, total: float = 10.0
) -> CheckResult:
    """One check of a registry made for this, and what no registry may ever achieve."""
    async with open_lab() as lab:
        lab.practice.serve(HOST, site)
        lab.practice.serve(BESIDE, site)
        result = await lab.checker(total).check(config(login, image))

        assert {host for host, _ in lab.practice.received} <= OWN_HOSTS
        assert lab.requests <= MOST_REQUESTS
    return result


def shown(result: CheckResult) -> tuple[Verdict, Level, Cause | None]:
    return result.verdict, result.level, result.cause


# -- ways of asking to sign in -------------------------------------------------------------------

PROVEN = (Verdict.PROVEN, Level.E2, None)
UNTRUSTED = (Verdict.BLOCKED, Level.E0, Cause.REALM_NOT_TRUSTED)


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        pytest.param((BASIC,), PROVEN, id="basic"),
        pytest.param(("basic REALM=odd",), PROVEN, id="other-case-and-unquoted"),
        pytest.param((BEARER,), PROVEN, id="bearer-same-host"),
        pytest.param((BEARER.replace(HOST, BESIDE),), PROVEN, id="bearer-beside"),
        pytest.param(('Bearer realm="/token",service="odd"',), PROVEN, id="relative-realm"),
        pytest.param(
            (f'Bearer realm="https://{HOST}/token?account=x",service="odd"',),
            PROVEN,
            id="realm-with-query",
        ),
        pytest.param((f'Bearer realm="https://{HOST}/token"',), PROVEN, id="no-service"),
        pytest.param((f"{BEARER},{BASIC}",), PROVEN, id="two-in-one-line"),
        pytest.param((f"{BASIC}, {BEARER}",), PROVEN, id="two-in-one-line-basic-first"),
        pytest.param(("Negotiate", BASIC), PROVEN, id="two-lines"),
        pytest.param(
            (f'{BEARER},scope="repository:a/b:pull,push",error="say \\"please\\", friend"',),
            PROVEN,
            id="quoted-commas-and-escapes",
        ),
        pytest.param(
            (f'Bearer realm="https://{HOSTILE_HOST}/token",service="odd"',),
            UNTRUSTED,
            id="realm-elsewhere",
        ),
        pytest.param(
            (f'Bearer realm="https://{HOST}.evil.example/token"',), UNTRUSTED, id="realm-suffix"
        ),
        pytest.param(('Bearer realm="https://10.0.0.5/token"',), UNTRUSTED, id="realm-private"),
        pytest.param(
            ('Bearer realm="https://169.254.169.254/token"',), UNTRUSTED, id="realm-metadata"
        ),
        pytest.param((f'Bearer realm="http://{HOST}/token"',), UNTRUSTED, id="realm-http"),
        pytest.param(
            (f'Bearer realm="https://user:word@{HOST}/token"',), UNTRUSTED, id="realm-userinfo"
        ),
        pytest.param(
            (f'Bearer realm="https://{HOST}:8443/token"',), UNTRUSTED, id="realm-other-port"
        ),
        pytest.param(("Bearer realm=file:///etc/passwd",), UNTRUSTED, id="realm-file"),
        pytest.param(
            ("Negotiate", "NTLM"),
            (Verdict.UNREACHABLE, Level.E0, Cause.UNSUPPORTED_SCHEME),
            id="only-negotiate",
        ),
    ],
)
async def test_challenge_is_understood_or_distrusted(
    lines: tuple[str, ...], answer: tuple[Verdict, Level, Cause | None]
) -> None:
    """Every way a registry may ask to sign in, honest or not."""
    assert shown(await look(Odd(lines))) == answer


@pytest.mark.parametrize("lines", [(BASIC,), (BEARER,), (BEARER.replace(HOST, BESIDE),)])
async def test_wrong_password_is_refused(lines: tuple[str, ...]) -> None:
    """By Basic and by the token service alike, at the sign-in."""
    result = await look(Odd(lines), WRONG)

    assert (result.verdict, result.stage) == (Verdict.REFUSED, Stage.LOGIN)


# -- servers where signing in means nothing ------------------------------------------------------


def open_root(ask: Ask) -> Answer:
    """Root and sign-in open to all; images are not."""
    return welcome(ask) if ask.path == "/v2/" else Odd().challenge()


def generous_tokens(ask: Ask) -> Answer:
    """A token for anybody; only the right login gets one that opens something."""
    return token(GOOD if ask.basic == LOGIN else EMPTY)


def scoped_only(ask: Ask) -> Answer:
    """Harbor's trap: with a scope anybody gets a token, without one only who is known."""
    return generous_tokens(ask) if "scope" in ask.query else strict_tokens(ask)


def anything(ask: Ask) -> Answer:
    """Says yes to every sign-in and serves every image, as long as somebody signs in."""
    if not ask.shows:
        return Odd().challenge()
    return welcome(ask) if ask.path == "/v2/" else pull(ask)


def no_sign_in(ask: Ask) -> Answer:
    """Open to all, images included."""
    return welcome(ask) if ask.path == "/v2/" else pull(ask)


ANYONE = (Verdict.UNPROVEN, Level.E1, Cause.ACCEPTS_ANYONE)


@pytest.mark.parametrize(
    ("site", "image", "answer"),
    [
        pytest.param(Odd(ping=open_root), PRIVATE_IMAGE, PROVEN, id="open-root-private-image"),
        pytest.param(Odd(ping=open_root), "", ANYONE, id="open-root"),
        pytest.param(
            Odd((BEARER,), generous_tokens), PRIVATE_IMAGE, PROVEN, id="any-token-private-image"
        ),
        pytest.param(Odd((BEARER,), generous_tokens), "", ANYONE, id="any-token"),
        pytest.param(Odd((BEARER,), scoped_only), PRIVATE_IMAGE, PROVEN, id="harbor"),
        pytest.param(anything, PRIVATE_IMAGE, ANYONE, id="any-password-private-image"),
        pytest.param(anything, "", ANYONE, id="any-password"),
        pytest.param(no_sign_in, PRIVATE_IMAGE, ANYONE, id="no-sign-in-at-all"),
    ],
)
async def test_only_a_difference_proves(
    site: Site, image: str, answer: tuple[Verdict, Level, Cause | None]
) -> None:
    """Where anybody may sign in, only an image that is refused to others proves the login."""
    assert shown(await look(site, LOGIN, image)) == answer


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(Odd(ping=open_root), id="open-root"),
        pytest.param(Odd((BEARER,), generous_tokens), id="any-token"),
        pytest.param(Odd((BEARER,), scoped_only), id="harbor"),
        pytest.param(anything, id="any-password"),
        pytest.param(no_sign_in, id="no-sign-in-at-all"),
    ],
)
@pytest.mark.parametrize("image", [PRIVATE_IMAGE, "public/hello:1.2", ""])
async def test_wrong_password_is_never_proven(site: Site, image: str) -> None:
    """The false positives of `docker login` and `skopeo login`, one by one."""
    result = await look(site, WRONG, image)

    assert result.verdict in {Verdict.REFUSED, Verdict.UNPROVEN}
    assert result.level <= Level.E2


# -- token services ------------------------------------------------------------------------------


def dropped_action(ask: Ask) -> Answer:
    """The spec's way of saying no: a token, with the action taken out of it."""
    if ask.basic != LOGIN:
        return refusal(401, "UNAUTHORIZED", "unauthorized")
    scopes = ask.query.get("scope", [])
    access = [{"type": "repository", "name": s.split(":")[1], "actions": []} for s in scopes]
    return token(jwt.encode({"sub": LOGIN[0], "access": access}, "k" * 32, algorithm="HS256"))


def refusing(answer: Answer) -> Site:
    """A token service that answers so to whom it does not know."""
    return Odd((BEARER,), lambda ask: token(GOOD) if ask.basic == LOGIN else answer)


DENIED = refusal(403, "DENIED", "denied")


@pytest.mark.parametrize(
    ("site", "login", "verdict", "cause"),
    [
        pytest.param(
            Odd((BEARER,), dropped_action),
            LOGIN,
            Verdict.REFUSED,
            Cause.NO_ACCESS,
            id="dropped-action",
        ),
        pytest.param(
            refusing(DENIED), WRONG, Verdict.REFUSED, Cause.BAD_CREDENTIALS, id="403-denied"
        ),
        pytest.param(
            refusing(as_json(401, {"details": "incorrect username or password"})),
            WRONG,
            Verdict.REFUSED,
            Cause.BAD_CREDENTIALS,
            id="hub-details",
        ),
        pytest.param(
            refusing(as_text(401, "Unauthorized")),
            WRONG,
            Verdict.REFUSED,
            Cause.BAD_CREDENTIALS,
            id="plain-401",
        ),
        pytest.param(
            Odd((BEARER,), lambda _: as_html(403, "Blocked")),
            LOGIN,
            Verdict.UNREACHABLE,
            Cause.BLOCKED_BY_REGISTRY,
            id="403-of-a-guard",
        ),
        pytest.param(
            Odd((BEARER,), lambda _: as_html(200, "Portal")),
            LOGIN,
            Verdict.UNREACHABLE,
            Cause.REGISTRY_ERROR,
            id="200-web-page",
        ),
        pytest.param(
            Odd((BEARER,), lambda _: as_json(200, {"token": ""})),
            LOGIN,
            Verdict.UNREACHABLE,
            Cause.REGISTRY_ERROR,
            id="empty-token",
        ),
        pytest.param(
            Odd((BEARER,), lambda _: as_json(200, {"token": "a\r\nX-Evil: 1"})),
            LOGIN,
            Verdict.UNREACHABLE,
            Cause.REGISTRY_ERROR,
            id="token-with-line-break",
        ),
        pytest.param(
            Odd((BEARER,), lambda ask: token(GOOD, "access_token") if ask.basic else DENIED),
            LOGIN,
            Verdict.UNPROVEN,
            Cause.ACCEPTS_ANYONE,
            id="access-token-for-any-password",
        ),
        pytest.param(
            Odd((BEARER,), lambda _: as_html(502, "Bad Gateway")),
            LOGIN,
            Verdict.UNREACHABLE,
            Cause.REGISTRY_ERROR,
            id="502",
        ),
        pytest.param(
            Odd(
                (BEARER,),
                lambda ask: Answer(307, b"", (("Location", f"https://{HOSTILE_HOST}/token"),)),
            ),
            LOGIN,
            Verdict.BLOCKED,
            Cause.REALM_NOT_TRUSTED,
            id="redirects-the-credential",
        ),
    ],
)
async def test_token_service_is_read_rightly(
    site: Site, login: tuple[str, str], verdict: Verdict, cause: Cause
) -> None:
    """Refusals are told from failures, and a token from anything else."""
    result = await look(site, login)

    assert (result.verdict, result.cause) == (verdict, cause)


@pytest.mark.parametrize("login", [LOGIN, WRONG])
async def test_404_of_a_token_service_judges_nobody(login: tuple[str, str]) -> None:
    """Scaleway answers 404 to a bad key and to a missing image alike: never proven, never refused
    as a bad password."""
    result = await look(Odd((BEARER,), lambda _: as_json(404, {"type": "not_found"})), login)

    assert result.verdict not in {Verdict.PROVEN, Verdict.REFUSED}


# -- manifests -----------------------------------------------------------------------------------


def no_head(ask: Ask) -> Answer:
    return Answer(405) if ask.method == "HEAD" else pull(ask)


def answering(status: int, code: str = "") -> Odd:
    """A registry whose manifests all get this answer."""
    answer = refusal(status, code, "no") if code else as_html(status, "no")
    return Odd(manifest=lambda _: answer)


@pytest.mark.parametrize(
    ("site", "answer"),
    [
        pytest.param(Odd(manifest=no_head), PROVEN, id="head-unsupported"),
        pytest.param(
            answering(404, "MANIFEST_UNKNOWN"),
            (Verdict.PROVEN, Level.E2, Cause.TAG_NOT_FOUND),
            id="tag-missing",
        ),
        pytest.param(
            answering(404, "NAME_UNKNOWN"),
            (Verdict.UNPROVEN, Level.E2, Cause.NO_ACCESS),
            id="name-unknown",
        ),
        pytest.param(
            answering(404), (Verdict.UNPROVEN, Level.E2, Cause.NO_ACCESS), id="404-web-page"
        ),
        pytest.param(
            answering(403, "DENIED"), (Verdict.REFUSED, Level.E2, Cause.NO_ACCESS), id="denied"
        ),
        pytest.param(
            answering(401, "UNAUTHORIZED"),
            (Verdict.REFUSED, Level.E2, Cause.NO_ACCESS),
            id="unauthorized",
        ),
        pytest.param(
            answering(400, "UNSUPPORTED"),
            (Verdict.UNREACHABLE, Level.E0, Cause.REGISTRY_ERROR),
            id="stale-bearer-400",
        ),
        pytest.param(
            answering(500), (Verdict.UNREACHABLE, Level.E0, Cause.REGISTRY_ERROR), id="500"
        ),
        pytest.param(
            answering(200), (Verdict.UNREACHABLE, Level.E0, Cause.REGISTRY_ERROR), id="200-web-page"
        ),
        pytest.param(
            answering(307), (Verdict.UNREACHABLE, Level.E0, Cause.REGISTRY_ERROR), id="redirect"
        ),
    ],
)
async def test_manifest_is_read_rightly(
    site: Site, answer: tuple[Verdict, Level, Cause | None]
) -> None:
    """A missing tag, a hidden repository, a missing right and a failure are four things."""
    assert shown(await look(site)) == answer


# -- limits --------------------------------------------------------------------------------------

SOON = NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("headers", "body", "at"),
    [
        pytest.param((("Retry-After", "120"),), "", SOON, id="seconds"),
        pytest.param((("Retry-After", "Tue, 24 Nov 2026 12:02:00 GMT"),), "", SOON, id="date"),
        pytest.param(
            (("X-Retry-After", str(int(SOON.timestamp()))),), "", SOON, id="docker-hub-unix-time"
        ),
        pytest.param((), "retry-after: 880.092µs, allowed: 44000/minute", None, id="go-duration"),
        pytest.param((("Retry-After", "soon"),), "", None, id="garbage"),
        pytest.param(
            (("Retry-After", "99999999999999999999"),), "", NOON + timedelta(days=1), id="for-ever"
        ),
        pytest.param((("Retry-After", "Tue, 24 Nov 1970 12:02:00 GMT"),), "", NOON, id="long-ago"),
        pytest.param((), "", None, id="nothing"),
    ],
)
async def test_retry_time_is_read(
    headers: tuple[tuple[str, str], ...], body: str, at: datetime | None
) -> None:
    """Each vendor says in its own way when to come back; at most a day ahead is believed."""
    answer = refusal(429, "TOOMANYREQUESTS", body, *headers)

    result = await look(lambda _: answer)

    assert (result.verdict, result.retry_at) == (Verdict.LIMITED, at)


@pytest.mark.parametrize("where", ["ping", "tokens", "manifest"])
async def test_limit_anywhere_condemns_nothing(where: str) -> None:
    """429 judges no credential, at whichever step it comes."""
    answer = refusal(429, "TOOMANYREQUESTS", "later", ("Retry-After", "60"))
    parts = {
        "ping": Odd((BEARER,), ping=lambda _: answer),
        "tokens": Odd((BEARER,), lambda _: answer),
        "manifest": Odd((BEARER,), manifest=lambda _: answer),
    }

    result = await look(parts[where])

    assert shown(result) == (Verdict.LIMITED, Level.E0, Cause.RATE_LIMITED)


# -- redirects, pages and floods -----------------------------------------------------------------


def to(location: str) -> Answer:
    return Answer(307, b"", (("Location", location),))


@pytest.mark.parametrize(
    "location",
    [
        f"https://{ELSEWHERE_HOST}/v2/",
        f"//{ELSEWHERE_HOST}/v2/",
        "http://169.254.169.254/latest/meta-data/",
        f"http://{HOST}/v2/",
        f"https://user:word@{HOST}/v2/",
        "file:///etc/passwd",
        "https://[::1]/v2/",
        "https://:bad:/v2/",
        "",
    ],
)
async def test_foreign_redirect_is_not_followed(location: str) -> None:
    """Neither with a credential nor without one; nobody is asked but the registry itself."""
    async with open_lab() as lab:
        lab.practice.serve(HOST, lambda _: to(location))
        result = await lab.checker().check(config())

        assert {entry.host for entry in lab.practice.log} == {HOST}
        assert lab.practice.received == frozenset()
    assert result.verdict in {Verdict.UNREACHABLE, Verdict.BLOCKED}


async def test_redirect_to_the_parent_is_followed_once_without_a_credential() -> None:
    """A registry may have moved to its own domain; what is found there is checked as it is."""
    deeper = f"deeper.{HOST}"
    async with open_lab() as lab:
        lab.practice.serve(deeper, lambda _: to(f"https://{HOST}/v2/"))
        lab.practice.serve(HOST, Odd())
        result = await lab.checker().check(config(host=deeper))

        assert {host for host, _ in lab.practice.received} <= {HOST}
        assert lab.requests <= MOST_REQUESTS
    assert result.verdict is Verdict.PROVEN


async def test_endless_redirects_end() -> None:
    """One redirect is followed; the next one is the registry's problem."""
    result = await look(lambda _: to(f"https://{HOST}/v2/"))

    assert shown(result) == (Verdict.UNREACHABLE, Level.E0, Cause.NOT_A_REGISTRY)


@pytest.mark.parametrize("status", [200, 404, 405, 500])
async def test_web_page_is_not_a_registry(status: int) -> None:
    """A portal, a user interface or a proxy's error page: no verdict on the credential."""
    result = await look(lambda _: as_html(status, "Welcome"))

    assert result.verdict is Verdict.UNREACHABLE
    assert result.cause in {Cause.NOT_A_REGISTRY, Cause.REGISTRY_ERROR}


FLOOD = b"{" + b" " * 10_000_000
BOMB = gzip.compress(b"0" * 50_000_000)
PACKED = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, FLOOD, (("Content-Type", "application/json"),)), id="flood"),
        pytest.param(Answer(200, BOMB, PACKED), id="gzip-bomb"),
    ],
)
@pytest.mark.parametrize("where", ["ping", "tokens", "root", "manifest"])
async def test_flood_is_cut_off(where: str, answer: Answer) -> None:
    """Ten megabytes, or fifty hidden in a packed body, at any step: no green, and no time lost."""
    parts = {
        "ping": Odd((BEARER,), ping=lambda _: answer),
        "tokens": Odd((BEARER,), lambda _: answer),
        "root": Odd(root=lambda _: answer),
        "manifest": Odd(manifest=lambda _: answer),
    }

    result = await look(parts[where])

    assert result.verdict is not Verdict.PROVEN
    assert result.took < 5


@pytest.mark.parametrize("where", ["ping", "tokens", "manifest"])
async def test_silence_ends_in_time(where: str) -> None:
    """A step that never answers ends with the check's own time, and judges nothing."""
    answer = Answer(200, delay=60)
    parts = {
        "ping": Odd((BEARER,), ping=lambda _: answer),
        "tokens": Odd((BEARER,), lambda _: answer),
        "manifest": Odd(manifest=lambda _: answer),
    }

    result = await look(parts[where], total=1.5)

    assert shown(result) == (Verdict.UNREACHABLE, Level.E0, Cause.TIMEOUT)
    assert result.took < 5


async def test_link_to_another_origin_is_not_followed() -> None:
    """Pages of a list come from where the list came from, or not at all."""
    link = ("Link", f'<https://{HOSTILE_HOST}/v2/more>; rel="next"')

    def linked(ask: Ask) -> Answer:
        answer = pull(ask)
        return Answer(answer.status, answer.body, (*answer.headers, link))

    result = await look(Odd(manifest=linked))

    assert result.verdict is Verdict.PROVEN


# -- names and addresses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fd00:ec2::254"],
        ["8.8.8.8", "192.168.1.1"],
    ],
)
async def test_name_that_leads_inside_is_blocked(addresses: list[str]) -> None:
    """Every address of a name must be public; nothing is connected to otherwise."""

    class Inside:
        async def resolve(self, host: str, port: int) -> Sequence[Address]:
            return [Address(ip, port) for ip in addresses]

    async with open_lab() as lab:
        egress = Egress(allow=AllowList(), resolver=Inside())
        result = await Checker(egress=egress, aws=lab.aws, clock=lab.clock).check(config())
        await egress.close()

        assert lab.requests == 0
    assert shown(result) == (Verdict.BLOCKED, Level.E0, Cause.BLOCKED_HOST)
    assert not any(ip in f"{result.sentence}{result.evidence!r}" for ip in addresses)


async def test_second_lookup_that_leads_inside_is_blocked() -> None:
    """DNS rebinding: judged once, public; asked again for the next connection, this machine."""
    async with open_lab() as lab:

        class Rebinding:
            asked = 0

            async def resolve(self, host: str, port: int) -> Sequence[Address]:
                self.asked += 1
                honest = await lab.practice.resolver.resolve(host, port)
                return honest if self.asked == 1 else [Address("127.0.0.1", honest[0].port)]

        answer = Odd().challenge()
        hang_up = Answer(answer.status, answer.body, (*answer.headers, ("Connection", "close")))
        lab.practice.serve(HOST, lambda _: hang_up)
        egress = Egress(allow=AllowList(), ca_file=lab.practice.ca_file, resolver=Rebinding())
        result = await Checker(egress=egress, aws=lab.aws, clock=lab.clock).check(config())
        await egress.close()

        assert (lab.requests, lab.practice.received) == (1, frozenset())
    assert shown(result) == (Verdict.BLOCKED, Level.E0, Cause.BLOCKED_HOST)


async def test_what_is_remembered_of_one_host_says_nothing_of_another() -> None:
    """What a checker remembers of one host says nothing about another."""
    async with open_lab() as lab:
        lab.practice.serve(HOST, anything)
        lab.practice.serve(BESIDE, Odd())
        checker = lab.checker()
        first = await checker.check(config())
        second = await checker.check(config(host=BESIDE))

    assert (first.verdict, second.verdict) == (Verdict.UNPROVEN, Verdict.PROVEN)


async def test_made_up_user_is_tried_once_a_day() -> None:
    """The second check of a host that refuses strangers spends no failed sign-in on one."""
    async with open_lab() as lab:
        lab.practice.serve(HOST, Odd())
        checker = lab.checker()
        await checker.check(config())
        lab.practice.forget()
        result = await checker.check(config())

        assert sum(1 for entry in lab.practice.log if entry.status == 401 and entry.shows) == 0
    assert result.verdict is Verdict.PROVEN


async def test_harbor_robot_is_proven_and_its_wrong_secret_refused() -> None:
    """The whole of Harbor's sign-in, where a scope would hide a wrong secret."""
    async with open_lab() as lab:
        right = await harbor(lab, lab.practice.generic.robot_secret)
        wrong = await harbor(lab, "wrong-secret-of-robot")

    assert (right.verdict, right.level) == (Verdict.PROVEN, Level.E2)
    assert (wrong.verdict, wrong.cause) == (Verdict.REFUSED, Cause.BAD_CREDENTIALS)


async def harbor(lab: Lab, secret: str) -> CheckResult:
    login = (lab.practice.generic.robot, secret)
    return await lab.checker().check(config(login, host="harbor.practice.example"))
