"""What manifests, indexes and configs tell of an image. They come from others: all is bounded.

Source: OCI image specification, manifest.md, image-index.md, config.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.kinds.age import moment

ENTRIES_READ: Final = 1000
PLATFORMS_KEPT: Final = 20
CONFIG_MOST: Final = 1024 * 1024
FIRST_CHOICE: Final = "linux/amd64"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9._-]{1,32}")
_SIZE_MOST: Final = 2**50
# Builds that are to be reproducible say 1970 or 1980; containers came in 2013.
_EARLIEST: Final = datetime(2013, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Described:
    """One descriptor of an index or manifest; `platform` is such as `linux/arm64/v8`, or empty."""

    digest: str
    size: int
    platform: str = ""


def platforms_of(index: Mapping[str, object]) -> list[Described] | None:
    """The images of an index, without its attestations; None when this is no index."""
    listed = index.get("manifests")
    if not isinstance(listed, list):
        return None
    entries = [_described(one) for one in listed[:ENTRIES_READ]]
    return [one for one in entries if one is not None and one.platform]


def preferred(entries: list[Described]) -> Described | None:
    """The one to say more about: linux/amd64 where there is one, otherwise the first."""
    first = entries[0] if entries else None
    return next((one for one in entries if one.platform == FIRST_CHOICE), first)


def parts_of(manifest: Mapping[str, object]) -> tuple[Described | None, int | None]:
    """The config of a manifest, and what all its blobs weigh; None for what it does not tell."""
    config = _described(manifest.get("config"))
    layers = manifest.get("layers")
    if config is None or not isinstance(layers, list):
        return config, None
    read = [_described(one) for one in layers[:ENTRIES_READ]]
    if len(layers) > ENTRIES_READ or None in read:
        return config, None
    return config, config.size + sum(one.size for one in read if one is not None)


def platform_of(about: Mapping[str, object]) -> str:
    """`linux/arm64/v8` of a config or of an entry's `platform`; empty when it tells none."""
    system, architecture = about.get("os"), about.get("architecture")
    if not _is_name(system) or not _is_name(architecture) or "unknown" in {system, architecture}:
        return ""  # BuildKit lists its attestations as unknown/unknown
    variant = about.get("variant")
    return f"{system}/{architecture}" + (f"/{variant}" if _is_name(variant) else "")


def read_config(body: bytes) -> Mapping[str, object]:
    """The config of an image; empty when it is anything else."""
    try:
        config = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def created_of(config: Mapping[str, object], now: datetime) -> datetime | None:
    """When the image was built; None when the config does not tell or surely not the truth."""
    at = moment(config.get("created"))
    return at if at is not None and _EARLIEST <= at <= now + timedelta(days=1) else None


def _described(entry: object) -> Described | None:
    if not isinstance(entry, dict):
        return None
    digest, size, platform = entry.get("digest"), entry.get("size"), entry.get("platform")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        return None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _SIZE_MOST:
        return None
    return Described(digest, size, platform_of(platform) if isinstance(platform, dict) else "")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
