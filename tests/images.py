"""Pushing a small image to a registry by plain HTTP, as `docker push` does it.

Source: OCI distribution spec, "Push".
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

import httpx

from bot.sandbox.practice.shelf import Blob, build_image


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
