"""Where one credential may be used by several registries, so that it is rotated for all of them."""

from __future__ import annotations

from typing import Final

_AWS: Final = ("ecr", "public_ecr")
# One vendor answers at all of these hosts: a key for one region is a key for the others.
_ONE_VENDOR: Final = frozenset({*_AWS, "gcp_artifact_registry", "scaleway", "docker_hub", "ghcr"})


def kinds_like(kind: str) -> tuple[str, ...]:
    """The kinds that may have the same credential as one of this kind, itself among them."""
    return _AWS if kind in _AWS else (kind,)


def anywhere(kind: str) -> bool:
    """Whether equal secrets are one credential whatever the host.

    Elsewhere they are only the same password at two servers, and the new one of the first is none
    of the second's business.
    """
    return kind in _ONE_VENDOR


def mark(kind: str, host: str, login: str, fingerprint: str) -> tuple[str, ...]:
    """What is equal for registries of one workspace that share one credential."""
    return (kinds_like(kind)[0], "" if anywhere(kind) else host, login, fingerprint)
