"""A look at an image, at every kind's practice registry: there, not there, and not to be seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import structlog.testing

from bot.core.config import Config
from bot.core.image import Reference
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.looker import Looker
from bot.kinds.pacing import Limits, Pacer
from bot.kinds.registry_kinds import KINDS
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.shelf import AGE, OCI_MANIFEST
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import VERSION
from tests.contract.lab import NOON, Lab, open_lab
from tests.contract.odd import HOST

MOST_REQUESTS = 7
"""Ping, AWS's two or Google's one, token, index, manifest, config."""
LACKS = {"public_ecr"}  # whatever a sign-in there lacks, everything is public


def looker_of(lab: Lab, total: float = 10.0) -> Looker:
    pacer = Pacer(Limits(), lab.clock)
    return Looker(egress=lab.egress, aws=lab.aws, clock=lab.clock, pacer=pacer, total=total)


def image_of(config: Config, version: str, name: str = "team/app") -> Reference:
    prefix = "acme-practice/" if config.kind == "gcp_artifact_registry" else ""
    return Reference.parse(f"{config.host}/{prefix}{name}:{version}")


async def unseen(lab: Lab, config: Config, image: Reference, total: float = 10.0) -> Unseen:
    with pytest.raises(Unseen) as caught:
        await looker_of(lab, total).image(config, image)
    return caught.value


@pytest.mark.parametrize("slug", list(KINDS))
async def test_an_image_is_described(slug: str) -> None:
    """Digest, platform, size and date, by the kind's own way of signing in."""
    async with open_lab() as lab:
        config = lab.config(slug)
        facts = await looker_of(lab).image(config, image_of(config, "1.2"))
        shelf = lab.practice.generic.bench.shelf._private

    assert facts.digest == shelf.tags["1.2"]
    assert (facts.platforms, facts.platform_count) == (("linux/amd64",), 1)
    manifest = json.loads(shelf.blobs[facts.digest].data)
    assert facts.size == manifest["config"]["size"] + manifest["layers"][0]["size"]
    assert facts.created == NOON - AGE


@pytest.mark.parametrize("slug", list(KINDS))
async def test_an_index_lists_its_platforms(slug: str) -> None:
    """All of them, with the size and date of the one that most clusters pull; few requests."""
    async with open_lab() as lab:
        config = lab.config(slug)
        facts = await looker_of(lab).image(config, image_of(config, "multi"))
        asked = lab.requests

    assert facts.platforms == ("linux/amd64", "linux/arm64")
    assert facts.measured == "linux/amd64"
    assert facts.size
    assert facts.created == NOON - AGE
    assert asked <= MOST_REQUESTS


@pytest.mark.parametrize("slug", list(KINDS))
async def test_a_missing_tag_and_a_missing_repository_are_told_apart(slug: str) -> None:
    """Where the registry tells; a hidden repository looks like one that does not exist."""
    async with open_lab() as lab:
        config = lab.config(slug)
        tag = await unseen(lab, config, image_of(config, "9.9"))
        gone = await unseen(lab, config, image_of(config, "1.2", "team/none"))

    assert tag.why is Absence.NO_TAG
    assert "team/app:9.9." in str(tag)
    assert gone.why in {Absence.HIDDEN, Absence.DENIED}
    assert not gone.failed_sign_in


@pytest.mark.parametrize("slug", [slug for slug in KINDS if slug not in LACKS])
async def test_no_right_is_said(slug: str) -> None:
    """The sign-in is good, so no lock-out is near, and the sentence names the repository."""
    async with open_lab() as lab:
        config = lab.config(slug)
        lab.practice.set_state(slug, State.NO_ACCESS)
        found = await unseen(lab, config, image_of(config, "1.2"))

    assert found.why in {Absence.DENIED, Absence.HIDDEN}
    assert "team/app" in str(found)
    assert not found.failed_sign_in


@pytest.mark.parametrize(
    "slug", ["ecr", "gcp_artifact_registry", "docker_hub", "ghcr", "gitlab", "generic"]
)
async def test_a_refused_sign_in_counts(slug: str) -> None:
    """The registry saw it fail, and accounts are locked after some of those."""
    async with open_lab() as lab:
        config = lab.config(slug)
        lab.practice.set_state(slug, State.WRONG_SECRET)
        found = await unseen(lab, config, image_of(config, "1.2"))

    assert found.why is Absence.REFUSED
    assert found.failed_sign_in


@pytest.mark.parametrize("slug", list(KINDS))
@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.DOWN, Absence.UNREACHABLE),
        (State.LIMITED, Absence.LIMITED),
        (State.STUCK, Absence.UNREACHABLE),
        (State.HOSTILE_REALM, Absence.BLOCKED),
        (State.NOT_A_REGISTRY, Absence.UNREACHABLE),
        (State.TLS_EXPIRED, Absence.UNREACHABLE),
        (State.UNKNOWN_HOST, Absence.UNREACHABLE),
    ],
)
async def test_an_outage_says_nothing_of_the_image(slug: str, state: State, why: Absence) -> None:
    """Nor is a credential judged, nor sent anywhere else, nor a secret told."""
    async with open_lab() as lab:
        config = lab.config(slug)
        lab.practice.set_state(slug, state)
        # Short only where nothing ever answers: a busy machine must not look like a silent host.
        total = 0.6 if state is State.STUCK else 10.0
        found = await unseen(lab, config, image_of(config, "1.2"), total=total)
        received = lab.practice.received

    assert found.why is why
    assert "not judged" not in str(found)
    assert not [pair for pair in received if "collector" in pair[0]]
    told = f"{found} {found.remedy}"
    assert not any(secret.reveal() in told for secret in config.secrets.values())


async def test_the_log_says_what_was_asked() -> None:
    """Of whom, and with which answer; never with what."""
    async with open_lab() as lab:
        config = lab.config("ghcr")
        with structlog.testing.capture_logs() as logs:
            await looker_of(lab).image(config, image_of(config, "1.2"))

    (looked,) = [line for line in logs if line["event"] == "looked"]
    assert (looked["kind"], looked["host"]) == ("ghcr", "ghcr.io")
    assert "GET ghcr.io/v2/team/app/manifests/1.2 200" in looked["requests"]
    assert not any(secret.reveal() in str(logs) for secret in config.secrets.values())


async def test_a_host_that_limits_is_left_alone() -> None:
    """The next look waits until the time that the registry named, and asks nobody."""
    async with open_lab() as lab:
        config = lab.config("ghcr")
        lab.practice.set_state("ghcr", State.LIMITED)
        looker = looker_of(lab)
        for _ in range(2):
            with pytest.raises(Unseen) as caught:
                await looker.image(config, image_of(config, "1.2"))
        asked = lab.requests

    assert asked == 1
    assert caught.value.why is Absence.LIMITED
    assert caught.value.retry_at is not None
    assert caught.value.retry_at > NOON + timedelta(seconds=60)


@pytest.mark.parametrize("slug", ["docker_hub", "ghcr", "gitlab", "public_ecr", "generic"])
async def test_an_anonymous_registry_shows_public_images(slug: str) -> None:
    """Without any credential; what is private is said to be that, or not there."""
    async with open_lab() as lab:
        if slug == "generic":
            lab.practice.set_state(slug, State.OPEN)
        config = lab.config(slug, "anonymous")
        facts = await looker_of(lab).image(config, image_of(config, "1.2", "public/hello"))
        gone = await unseen(lab, config, image_of(config, "1.2", "team/none"))

    assert facts.created == NOON - AGE
    assert gone.why in {Absence.DENIED, Absence.HIDDEN}


def odd_config(lab: Lab) -> Config:
    return lab.config("generic", changed={"url": f"https://{HOST}"})


Site = Callable[[Ask], Answer]


def serving(answer: Site) -> Site:
    """A registry with Basic sign-in that answers everything below the root by `answer`."""

    def site(ask: Ask) -> Answer:
        if ask.path == "/v2/" and ask.basic is None:
            return as_json(401, {}, ("WWW-Authenticate", "Basic realm=odd"), VERSION)
        return answer(ask)

    return site


async def test_a_blob_elsewhere_is_fetched_without_the_credential() -> None:
    """Storage services have their own signature in the address; ours would be stolen there."""
    async with open_lab() as lab:
        shelf = lab.practice.generic.bench.shelf

        def stored(ask: Ask) -> Answer:
            digest = ask.path.rpartition("/")[2]
            return Answer(200, shelf._private.blobs[digest].data)

        def moved(ask: Ask) -> Answer:
            if "/blobs/" in ask.path:
                where = f"https://store.practice.example{ask.path}?signature=theirs"
                return Answer(307, b"", (("Location", where),))
            return lab.practice.generic.answer(
                Ask(ask.method, lab.practice.generic.host, ask.path, ask.query, ask.headers)
            )

        lab.practice.serve(HOST, serving(moved))
        lab.practice.serve("store.practice.example", stored)
        config = odd_config(lab)
        facts = await looker_of(lab).image(config, image_of(config, "1.2"))
        received = {host for host, _ in lab.practice.received}

    assert facts.created == NOON - AGE
    assert HOST in received
    assert "store.practice.example" not in received


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1/blob",
        "https://10.0.0.1/blob",
        "http://store.practice.example/blob",
        "https://user:secret@store.practice.example/blob",
        "https://[::1",
        "",
    ],
)
async def test_a_blob_at_a_forbidden_place_is_left_out(location: str) -> None:
    """The image is there all the same; only its date is not known."""
    async with open_lab() as lab:

        def moved(ask: Ask) -> Answer:
            if "/blobs/" in ask.path:
                return Answer(307, b"", (("Location", location),))
            return lab.practice.generic.answer(
                Ask(ask.method, lab.practice.generic.host, ask.path, ask.query, ask.headers)
            )

        lab.practice.serve(HOST, serving(moved))
        config = odd_config(lab)
        facts = await looker_of(lab).image(config, image_of(config, "1.2"))

    assert facts.created is None
    assert facts.size


@pytest.mark.parametrize(
    "manifest",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"manifests": {}}',
        b'{"manifests": [{"digest": "sha256:../..", "size": 1, "platform": {"os": "linux"}}]}',
        b'{"config": {"digest": "sha256:' + b"a" * 64 + b'", "size": 99}, "layers": [1]}',
        b'{"a":' * 20000,
        b" " * (5 * 1024 * 1024),
    ],
)
async def test_a_hostile_manifest_is_only_there(manifest: bytes) -> None:
    """Its digest is that of its bytes where they are few enough; nothing else is believed."""
    async with open_lab() as lab:

        def answer(ask: Ask) -> Answer:
            if "/manifests/" in ask.path:
                return Answer(200, manifest, (("Content-Type", OCI_MANIFEST),))
            return as_json(404, {})

        lab.practice.serve(HOST, serving(answer))
        config = odd_config(lab)
        facts = await looker_of(lab).image(config, image_of(config, "1.2"))

    assert (facts.platforms, facts.size, facts.created) == ((), None, None)


async def test_another_image_than_the_digest_names_is_not_taken() -> None:
    """A registry, or somebody before it, sends what was not asked for."""
    async with open_lab() as lab:

        def answer(ask: Ask) -> Answer:
            return Answer(200, b"{}", (("Content-Type", OCI_MANIFEST),))

        lab.practice.serve(HOST, serving(answer))
        config = odd_config(lab)
        image = Reference.parse(f"{HOST}/team/app@sha256:{'a' * 64}")
        found = await unseen(lab, config, image)

    assert found.why is Absence.UNREACHABLE
    assert "sent another image" in str(found)
