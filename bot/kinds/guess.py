"""Which registration an image asks for: the kind of its host, and the path that is somebody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from bot.core.image import Reference
from bot.core.shared_hosts import is_shared
from bot.kinds.registry_kinds import KINDS

GENERIC: Final = "generic"
_GITLAB: Final = "registry.gitlab.com"
_PROJECT_AND_REPOSITORY: Final = "gcp_artifact_registry"


def kind_at(host: str) -> str:
    """The slug of the kind that lives at a canonical host; `generic` for any other."""
    if host == _GITLAB:
        return "gitlab"
    for slug, kind in KINDS.items():
        fixed = urlsplit(kind.url.fixed).netloc
        if host == fixed or (not fixed and kind.hosts is not None and kind.hosts.fullmatch(host)):
            return slug
    return GENERIC


def answers_for(image: Reference) -> tuple[str, Mapping[str, str]]:
    """Kind and answers of a form that would register a canonical image; nothing of it is secret."""
    slug = kind_at(image.host)
    answers = {"test_image": str(image).removeprefix(f"{image.host}/")}
    if not KINDS[slug].url.fixed:
        answers["url"] = f"https://{image.host}"
    if is_shared(image.host):
        parts = image.repository.split("/")
        answers["path_scope"] = "/".join(parts[: 2 if slug == _PROJECT_AND_REPOSITORY else 1])
    return slug, answers
