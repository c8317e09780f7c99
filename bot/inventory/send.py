"""Sending an inventory to Registrar, in pages that count once all of them are there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp

from bot.core.secret import Secret
from bot.errors import InventoryFailed
from bot.inventory.look import LONGEST_WAIT, Seen, Sleep
from bot.inventory.owners import Workload

PAGE_WORKLOADS: Final = 250
PAGE_LETTERS: Final = 400_000  # of names and images; a body may have 1 MB
IMAGES_MOST: Final = 200
TIMEOUT: Final = aiohttp.ClientTimeout(total=60)
TRIES: Final = 6
_NUMBERS: Final = ("workloads", "images", "uncovered")
_PARTS: Final = ("namespace", "kind", "name")


@dataclass(frozen=True, slots=True)
class Summary:
    """What Registrar made of it."""

    workloads: int
    images: int
    uncovered: int
    unreadable: int


class Registrar:
    """Registrar's API, with the token of this cluster."""

    def __init__(self, url: str, cluster: str, token: Secret, sleep: Sleep = asyncio.sleep) -> None:
        parts = urlsplit(url)
        local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise InventoryFailed("The URL of Registrar must begin with https://.")
        self._url = f"{url.rstrip('/')}/api/v1/clusters/{cluster}/inventory"
        self._token = token
        self._sleep = sleep
        self._run = uuid4().hex
        self._number = 0

    async def begin(self) -> None:
        """The empty first page: the inventory is as old as this, not as its end."""
        await self._post({"workloads": []})

    async def send(self, seen: Seen) -> Summary:
        """All the rest; the last page makes it count."""
        pages = list(_pages(seen.workloads)) or [[]]
        unreadable = 0
        for number, workloads in enumerate(pages, 1):
            page: dict[str, Any] = {"workloads": workloads, "last": number == len(pages)}
            if page["last"] and seen.policy_hash is not None:
                page["policy_hash"] = seen.policy_hash
            said = await self._post(page)
            unreadable += int(said.get("unreadable") or 0)
        running, images, uncovered = (int(said.get(name) or 0) for name in _NUMBERS)
        return Summary(running, images, uncovered, unreadable)

    async def _post(self, page: Mapping[str, Any]) -> dict[str, Any]:
        self._number += 1
        body = {"run": self._run, "page": self._number, **page}
        wait, trouble = 0.5, ""
        for attempt in range(TRIES):
            if attempt:
                await self._sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
            try:
                status, asked, said = await self._ask(body)
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = type(error).__name__
                continue
            if status in {200, 202}:
                return said
            if status != 429 and status < 500:
                raise InventoryFailed(_refusal(status, said))
            trouble = f"HTTP {status}"
            if asked.isdecimal():
                wait = min(float(asked), LONGEST_WAIT)
        raise InventoryFailed(f"Registrar could not be told ({trouble}).")

    async def _ask(self, body: Mapping[str, Any]) -> tuple[int, str, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.post(self._url, json=body, headers=headers, allow_redirects=False) as answer,
        ):
            try:
                said = await answer.json(content_type=None)
            except ValueError:
                said = {}
            retry = answer.headers.get("Retry-After", "")
            return answer.status, retry, said if isinstance(said, dict) else {}


def _pages(workloads: Mapping[Workload, list[str]]) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    letters = 0
    for workload, images in workloads.items():
        for start in range(0, len(images), IMAGES_MOST):
            # More than a thousand letters are no image: it is counted as that, not sent whole.
            some = [image[:1025] for image in images[start : start + IMAGES_MOST]]
            size = sum(map(len, (*workload, *some)))
            if page and (len(page) == PAGE_WORKLOADS or letters + size > PAGE_LETTERS):
                yield page
                page, letters = [], 0
            page.append({**dict(zip(_PARTS, workload, strict=True)), "images": some})
            letters += size
    if page:
        yield page


def _refusal(status: int, said: Mapping[str, Any]) -> str:
    sentence = said.get("error")
    if isinstance(sentence, str) and sentence:
        return f"Registrar refused it: {sentence[:300]}"
    return f"Registrar refused it (HTTP {status})."
