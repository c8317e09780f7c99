"""Looking at one image: is it there, for which platforms, how large and how old.

Sign-in, manifest, then what is only nice to know: the manifest of one platform and its config.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

import httpx

from bot.core.check import Stage
from bot.core.image import Reference
from bot.core.sight import Absence, ImageFacts
from bot.errors import EgressError, Unseen
from bot.kinds.distribution import Distribution, Pull
from bot.kinds.finding import Stop
from bot.kinds.manifest import (
    CONFIG_MOST,
    PLATFORMS_KEPT,
    Described,
    created_of,
    parts_of,
    platform_of,
    platforms_of,
    preferred,
    read_config,
)
from bot.kinds.reader import authorization_for, denied, hidden, sign_in_refused
from bot.kinds.visit import Visit, json_object

DETAIL_SECONDS: Final = 3.0
"""What the size and the date may take each; without them an answer is still worth having."""
_T = TypeVar("_T")
_DIGEST: Final = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")


async def look_at(visit: Visit, registry: Distribution, image: Reference) -> ImageFacts:
    """The facts of an image; raises Unseen, Stop or EgressError. `image` is below the address."""
    challenge = await registry.ping()
    visit.enter(Stage.PULL)
    authorization = await authorization_for(visit, registry, challenge, image.repository)
    pull, offered, answer = await registry.read(image, authorization)
    if challenge is None and pull is Pull.DENIED and offered is not None:
        # The root is open and the image is not.
        authorization = await authorization_for(visit, registry, offered, image.repository)
        pull, _, answer = await registry.read(image, authorization)
    if pull is not Pull.PULLED:
        raise _absent(visit, registry, image, pull, answer)
    facts = ImageFacts(_digest(answer, image, registry))
    return await _described(visit, registry, image, authorization, json_object(answer), facts)


def _absent(
    visit: Visit, registry: Distribution, image: Reference, pull: Pull, answer: httpx.Response
) -> Unseen | Stop:
    if pull is Pull.NO_TAG:
        # Not that the repository exists: distribution says the same of one that does not.
        name = f"{image.repository}{'@' if image.digest else ':'}{image.version}"
        return Unseen(Absence.NO_TAG, f"{registry.host} has no {name}.")
    if pull is Pull.HIDDEN:
        return hidden(registry, image.repository)
    if pull is Pull.BAD_TOKEN:
        return Unseen(
            Absence.UNREACHABLE,
            f"{registry.host} does not accept the token that its own token service gave.",
        )
    basic = answer.headers.get("www-authenticate", "").lower().startswith("basic")
    if basic and visit.config.kind == "generic" and not visit.config.anonymous:
        # Whoever signed in by Basic is refused a repository with 403.
        return sign_in_refused(registry)
    return denied(visit, registry, image.repository)


def _digest(answer: httpx.Response, image: Reference, registry: Distribution) -> str:
    """The digest of what was sent, which is worth more than what the registry calls it."""
    told: str = answer.headers.get("docker-content-digest", "")
    if answer.extensions.get("truncated") or "prettyjws" in answer.headers.get("content-type", ""):
        # Too long to have here, or of the old form, whose digest is not that of its bytes.
        return image.digest or (told if _DIGEST.fullmatch(told) else "")
    algorithm = image.digest.partition(":")[0] or "sha256"
    real = f"{algorithm}:{hashlib.new(algorithm, answer.content).hexdigest()}"
    if image.digest and real != image.digest:
        raise Unseen(
            Absence.UNREACHABLE,
            f"{registry.host} sent another image than the one with this digest.",
            "Ask who runs this registry to look at its storage.",
        )
    return real


async def _described(
    visit: Visit,
    registry: Distribution,
    image: Reference,
    authorization: str | None,
    manifest: Mapping[str, object],
    facts: ImageFacts,
) -> ImageFacts:
    """The facts with platforms, size and date, as far as they are told and come in time."""
    entries = platforms_of(manifest)
    one: Mapping[str, object] | None = manifest
    if entries is not None:
        names = tuple(dict.fromkeys(entry.platform for entry in entries))
        kept, chosen = names[:PLATFORMS_KEPT], preferred(entries)
        facts = replace(facts, platforms=kept, platform_count=len(names))
        if chosen is None:
            return facts
        facts = replace(facts, measured=chosen.platform)
        one = await _in_time(_manifest_of(registry, image, authorization, chosen))
    if one is None:
        return facts
    config, size = parts_of(one)
    facts = replace(facts, size=size)
    if config is None or config.size > CONFIG_MOST:
        return facts
    blob = registry.blob(image.repository, config.digest, authorization, CONFIG_MOST)
    about = read_config(await _in_time(blob) or b"")
    if entries is None and (platform := platform_of(about)):
        facts = replace(facts, platforms=(platform,), platform_count=1, measured=platform)
    return replace(facts, created=created_of(about, visit.clock.now()))


async def _manifest_of(
    registry: Distribution, image: Reference, authorization: str | None, chosen: Described
) -> Mapping[str, object] | None:
    one = Reference(image.host, image.repository, digest=chosen.digest)
    pull, _, answer = await registry.read(one, authorization)
    right = pull is Pull.PULLED and _digest(answer, one, registry) == chosen.digest
    return json_object(answer) if right else None


async def _in_time(wanted: Awaitable[_T | None]) -> _T | None:
    """What is nice to know; None when it does not come, or not soon."""
    try:
        async with asyncio.timeout(DETAIL_SECONDS):
            return await wanted
    except (Stop, Unseen, EgressError, TimeoutError):
        return None
