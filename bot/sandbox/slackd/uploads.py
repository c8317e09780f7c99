"""Files: an upload URL, the bytes, and sharing them, as Slack's external upload does."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from bot.sandbox.slackd.refusal import JSON, Refusal

MAX_BYTES: Final = 20 * 1024 * 1024

_KINDS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


@dataclass(slots=True)
class File:
    """An uploaded file. `mimetype` is read from the bytes; what is no picture is plain text."""

    id: str
    name: str
    length: int
    alt_text: str = ""
    title: str = ""
    content: bytes = field(default=b"", repr=False)
    complete: bool = False

    @property
    def mimetype(self) -> str:
        for start, mimetype in _KINDS:
            if self.content.startswith(start):
                return mimetype
        # Never text/html or SVG: the page is served from the same origin.
        return "text/plain"


class Uploads:
    """Files by id, and the upload URLs that are open."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self._open: dict[str, str] = {}

    def begin(self, name: str, length: int, alt_text: str) -> tuple[str, File]:
        """The secret part of the upload URL, and the file to be; raises `invalid_arguments`."""
        if not name or not 0 < length <= MAX_BYTES:
            raise Refusal("invalid_arguments", "filename and length are required")
        file = File(f"F{secrets.token_hex(5).upper()}", name, length, alt_text)
        self.files[file.id] = file
        token = secrets.token_urlsafe(16)
        self._open[token] = file.id
        return token, file

    def receive(self, token: str, content: bytes) -> None:
        """Take the bytes; raises Refusal when the URL is spent or the length differs."""
        file_id = self._open.pop(token, None)
        if file_id is None:
            raise Refusal("upload_url_not_found")
        file = self.files[file_id]
        if len(content) != file.length:
            raise Refusal("length_mismatch", f"{file.length} bytes announced, {len(content)} came")
        file.content = content

    def complete(self, file_id: str, title: str) -> File:
        """Make a file shareable; raises `file_not_found`."""
        file = self.files.get(file_id)
        if file is None or not file.content:
            raise Refusal("file_not_found")
        file.title, file.complete = title or file.name, True
        return file

    def known(self, file_id: str) -> bool:
        return file_id in self.files and self.files[file_id].complete


def public_file(file: File, base_url: str) -> JSON:
    """The file object of the Web API."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "size": len(file.content),
        "alt_txt": file.alt_text,
        "url_private": f"{base_url}/files/{file.id}",
    }
