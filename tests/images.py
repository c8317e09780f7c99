"""Pushing a small image to a registry by plain HTTP, as `docker push` does it.

Source: OCI distribution spec, "Push".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import httpx

from bot.sandbox.practice.shelf import OCI_MANIFEST, Blob, build, build_image


async def push_image(
    client: httpx.AsyncClient,
    base: str,
    repository: str,
    tag: str,
    headers: Mapping[str, str],
) -> str:
    """Push an image below `base` (a registry's URL) and return its digest.

    `headers` carry the authorization, which must allow pushing.
    """
    manifest, blobs = build_image(f"{repository}:{tag}\n")
    for blob in blobs:
        await _push_blob(client, f"{base}/v2/{repository}/blobs/uploads/", blob, headers)
    answer = await client.put(
        f"{base}/v2/{repository}/manifests/{tag}",
        content=manifest.data,
        headers={**headers, "Content-Type": manifest.media_type},
    )
    answer.raise_for_status()
    return answer.headers["docker-content-digest"]


async def push_index(
    client: httpx.AsyncClient,
    base: str,
    repository: str,
    tag: str,
    headers: Mapping[str, str],
) -> str:
    """Push an image of two platforms, built three days ago, and return the index's digest."""
    image = build(
        f"{repository}:{tag}", f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
    )
    index = image.blobs[image.tags["multi"]]
    manifests = [blob for blob in image.blobs.values() if blob.media_type == OCI_MANIFEST]
    for blob in image.blobs.values():
        if blob is not index and blob not in manifests:
            await _push_blob(client, f"{base}/v2/{repository}/blobs/uploads/", blob, headers)
    for blob, reference in [*((one, one.digest) for one in manifests), (index, tag)]:
        answer = await client.put(
            f"{base}/v2/{repository}/manifests/{reference}",
            content=blob.data,
            headers={**headers, "Content-Type": blob.media_type},
        )
        answer.raise_for_status()
    return index.digest


async def _push_blob(
    client: httpx.AsyncClient, uploads: str, blob: Blob, headers: Mapping[str, str]
) -> None:
    begun = await client.post(uploads, headers=headers)
    begun.raise_for_status()
    location = httpx.URL(urljoin(uploads, begun.headers["location"]))
    answer = await client.put(
        location.copy_merge_params({"digest": blob.digest}),
        content=blob.data,
        headers={**headers, "Content-Type": "application/octet-stream"},
    )
    answer.raise_for_status()
