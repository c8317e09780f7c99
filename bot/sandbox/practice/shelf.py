"""The images of a practice registry: a private one and a public one, small but real."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from bot.sandbox.practice.ask import Answer, Ask, as_json, refusal
from bot.sandbox.practice.paging import after_last

PRIVATE_NAME: Final = "team/app"
PUBLIC_NAME: Final = "public/hello"
PRIVATE_IMAGE: Final = f"{PRIVATE_NAME}:1.2"
PUBLIC_IMAGE: Final = f"{PUBLIC_NAME}:1.2"
AGE: Final = timedelta(days=3)
TAGS: Final = ("1.2", "multi")

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with their media type; the digest is theirs."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    def descriptor(self) -> dict[str, object]:
        """How a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True, slots=True)
class Image:
    """The blobs by digest, and the manifest each tag points at."""

    blobs: Mapping[str, Blob]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pull:
    """What a path below `/v2/` asks for; `reference` is a tag or a digest."""

    repository: str
    what: Literal["manifests", "blobs", "tags"]
    reference: str


def parse_pull(path: str) -> Pull | None:
    """`/v2/team/app/manifests/1.2` taken apart; None when it is no such path."""
    if not path.startswith("/v2/"):
        return None
    repository, slash, rest = path.removeprefix("/v2/").rpartition("/")
    head, _, kind = repository.rpartition("/")
    if not (slash and head and rest):
        return None
    match kind:
        case "manifests" | "blobs":
            return Pull(head, kind, rest)
        case "tags" if rest == "list":
            return Pull(head, "tags", rest)
        case _:
            return None


def layer(text: str) -> bytes:
    """A gzipped tar with one file; the same bytes every time, so digests are stable."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def build_image(
    text: str, architecture: str = "amd64", created: str = ""
) -> tuple[Blob, list[Blob]]:
    """A manifest and the blobs it names: a config and one layer that holds `text`."""
    data = layer(text)
    content = Blob(OCI_LAYER, data)
    diff_id = f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"
    config = Blob(
        OCI_CONFIG,
        json.dumps(
            {
                **({"created": created} if created else {}),
                "architecture": architecture,
                "os": "linux",
                "config": {"Cmd": ["/hello.txt"]},
                "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            }
        ).encode(),
    )
    manifest = Blob(
        OCI_MANIFEST,
        json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": config.descriptor(),
                "layers": [content.descriptor()],
            }
        ).encode(),
    )
    return manifest, [config, content]


def build(text: str, created: str = "") -> Image:
    """Tag `1.2` is a plain manifest, tag `multi` an index of two platforms."""
    blobs: dict[str, Blob] = {}
    entries = []
    manifests = {}
    for architecture in ("amd64", "arm64"):
        manifest, parts = build_image(f"{text}\n", architecture, created)
        blobs |= {blob.digest: blob for blob in (manifest, *parts)}
        platform = {"architecture": architecture, "os": "linux"}
        entries.append({**manifest.descriptor(), "platform": platform})
        manifests[architecture] = manifest.digest
    index = Blob(
        OCI_INDEX,
        json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode(),
    )
    blobs[index.digest] = index
    return Image(blobs, {"1.2": manifests["amd64"], "multi": index.digest})


class Shelf:
    """Answers pulls. `…/team/app` is private and `…/hello` public, below any prefix.

    With `now` its images say when they were built. `crowd` adds so many repositories and tags to
    its lists, and `bare` empties them.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.pushed = now - AGE if now else None
        self.crowd = 0
        self.bare = False
        created = f"{now - AGE:%Y-%m-%dT%H:%M:%SZ}" if now else ""
        self._private = build("A private practice image.", created)
        self._public = build("A public practice image.", created)

    def is_public(self, repository: str) -> bool:
        return repository.rpartition("/")[2] == "hello"

    def holds(self, repository: str) -> bool:
        return self._image(repository) is not None

    def repositories(self, prefix: str = "") -> list[str]:
        """What a list of this shelf has, below a prefix."""
        if self.bare:
            return []
        crowd = [f"team/many-{number:04}" for number in range(self.crowd)]
        return [f"{prefix}{name}" for name in (PUBLIC_NAME, PRIVATE_NAME, *crowd)]

    def tags(self, repository: str) -> dict[str, str]:
        """The tags of a repository with their digests."""
        image = self._image(repository)
        if image is None or self.bare:
            return {}
        crowd = {f"0.{number}": image.tags["1.2"] for number in range(self.crowd)}
        return {**image.tags, **crowd}

    def answer(self, ask: Ask, pull: Pull) -> Answer:
        """The manifest, blob or list of tags, or the spec's 404; rights were judged before."""
        image = self._image(pull.repository)
        if image is None:
            return refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        if pull.what == "tags":
            names, link = after_last(list(self.tags(pull.repository)), ask)
            return as_json(200, {"name": pull.repository, "tags": names}, *link)
        digest = image.tags.get(pull.reference, pull.reference)
        blob = image.blobs.get(digest)
        if blob is None or (pull.what == "manifests" and not accepts(ask, blob.media_type)):
            code = "MANIFEST_UNKNOWN" if pull.what == "manifests" else "BLOB_UNKNOWN"
            return refusal(404, code, f"{pull.what.removesuffix('s')} unknown")
        headers = (
            ("Content-Type", blob.media_type),
            ("Docker-Content-Digest", blob.digest),
            ("Docker-Distribution-Api-Version", "registry/2.0"),
        )
        return Answer(200, blob.data, headers)

    def _image(self, repository: str) -> Image | None:
        if self.is_public(repository):
            return self._public
        if repository == "team/app" or repository.endswith("/team/app"):
            return self._private
        return None


def accepts(ask: Ask, media_type: str) -> bool:
    """Whether the client said that it takes this media type.

    Registries answer 404 for an index to a client that names only single manifests.
    """
    wanted = [part.partition(";")[0].strip() for part in ask.headers.get("accept", "").split(",")]
    return media_type in wanted or (media_type == OCI_MANIFEST and "*/*" in wanted)
