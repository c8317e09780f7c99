"""Looks into the registry of the CNCF, at images that were really pushed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.image import Reference
from bot.core.secret import Secret
from bot.core.sight import Absence
from bot.errors import Unseen
from bot.kinds.aws import AwsGateway
from bot.kinds.form import validate
from bot.kinds.looker import Looker
from bot.kinds.net import AllowList, Egress
from bot.kinds.pacing import Limits, Pacer
from tests.images import push_image, push_index
from tests.programs import DockerRegistry, DockerRegistryFactory
from tests.real.test_docker_registry import ALICE, WRONG, basic


@asynccontextmanager
async def looking(registry: DockerRegistry) -> AsyncIterator[Looker]:
    """A looker that may reach the registry."""
    clock, aws = SystemClock(), AwsGateway()
    egress = Egress(allow=AllowList.parse(registry.url))
    try:
        yield Looker(egress=egress, aws=aws, clock=clock, pacer=Pacer(Limits(), clock))
    finally:
        aws.close()
        await egress.close()


def config_of(registry: DockerRegistry, login: tuple[str, str] = ALICE) -> Config:
    answers: dict[str, str | Secret] = {
        "url": registry.url,
        "username": login[0],
        "password": Secret(login[1]),
    }
    return validate("generic", "account", answers, allow=AllowList.parse(registry.url))


async def pushed(registry: DockerRegistry, *tags: str, repository: str = "team/app") -> list[str]:
    """The digests of images that were pushed under these tags."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return [
            await push_image(client, registry.url, repository, tag, basic(ALICE)) for tag in tags
        ]


async def test_a_pushed_image_is_described(start_registry: DockerRegistryFactory) -> None:
    """With the digest that the registry gave when it was pushed, by tag and by digest."""
    registry = start_registry(users=dict([ALICE]))
    (digest,) = await pushed(registry, "1.2")

    async with looking(registry) as looker:
        name = f"{registry.host}/team/app"
        by_tag = await looker.image(config_of(registry), Reference.parse(f"{name}:1.2"))
        by_digest = await looker.image(config_of(registry), Reference.parse(f"{name}@{digest}"))

    assert by_tag == by_digest
    assert (by_tag.digest, by_tag.platforms) == (digest, ("linux/amd64",))
    assert by_tag.size


async def test_a_pushed_index_is_described(start_registry: DockerRegistryFactory) -> None:
    """Its platforms, and the size and age of the one that most clusters pull."""
    registry = start_registry(users=dict([ALICE]))
    async with httpx.AsyncClient(trust_env=False) as client:
        digest = await push_index(client, registry.url, "team/app", "1.2", basic(ALICE))

    async with looking(registry) as looker:
        image = Reference.parse(f"{registry.host}/team/app:1.2")
        facts = await looker.image(config_of(registry), image)

    assert (facts.digest, facts.measured) == (digest, "linux/amd64")
    assert facts.platforms == ("linux/amd64", "linux/arm64")
    assert facts.size
    assert facts.created is not None
    assert facts.created < datetime.now(UTC) - timedelta(days=2)


@pytest.mark.parametrize(
    ("image", "login", "why"),
    [
        ("team/app:9.9", ALICE, Absence.NO_TAG),
        ("team/none:1.2", ALICE, Absence.NO_TAG),
        ("team/app:1.2", WRONG, Absence.REFUSED),
    ],
)
async def test_what_is_not_seen_is_told_apart(
    start_registry: DockerRegistryFactory, image: str, login: tuple[str, str], why: Absence
) -> None:
    """Nothing of that name, also in a repository that does not exist, and a wrong password."""
    registry = start_registry(users=dict([ALICE]))
    await pushed(registry, "1.2")

    reference = Reference.parse(f"{registry.host}/{image}")

    async with looking(registry) as looker:
        with pytest.raises(Unseen) as caught:
            await looker.image(config_of(registry, login), reference)

    assert caught.value.why is why


async def test_what_was_pushed_is_listed(start_registry: DockerRegistryFactory) -> None:
    """Repositories by name, tags with the newest version first, and page by page."""
    registry = start_registry(users=dict([ALICE]))
    tags = [f"1.{number}" for number in range(18)]
    await pushed(registry, *tags)
    await pushed(registry, "latest", repository="other/tool")

    async with looking(registry) as looker:
        config = config_of(registry)
        repositories = await looker.repositories(config, "", "")
        filtered = await looker.repositories(config, "tool", "")
        first = await looker.tags(config, "team/app", "", "")
        second = await looker.tags(config, "team/app", "", first.next)

    assert [one.name for one in repositories.items] == ["other/tool", "team/app"]
    assert [one.name for one in filtered.items] == ["other/tool"]
    assert [tag.name for tag in (*first.items, *second.items)] == tags[::-1]
    assert second.next == ""


async def test_the_pages_of_a_real_registry_are_turned(
    start_registry: DockerRegistryFactory,
) -> None:
    """By the `Link` that it sends, which is only read for where to go on."""
    registry = start_registry(users=dict([ALICE]))
    names = [f"team/app-{number:03}" for number in range(120)]
    async with httpx.AsyncClient(trust_env=False) as client:
        for name in names:
            await push_image(client, registry.url, name, "1", basic(ALICE))

    async with looking(registry) as looker:
        found, cursor = [], ""
        while True:
            page = await looker.repositories(config_of(registry), "", cursor)
            found += [one.name for one in page.items]
            cursor = page.next
            if not cursor:
                break

    assert found == names
