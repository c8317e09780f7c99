"""Secrets in files, and files that are none of a registry's business."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bot.core.secret import Secret
from bot.errors import Unresolved
from bot.references import file
from bot.references.file import Files


def put(path: Path, text: bytes | str = "correct horse\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


async def test_a_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    """`echo secret > file` adds a line end that is no part of the secret."""
    assert await Files().resolve(put(tmp_path / "a")) == Secret("correct horse")
    assert await Files().resolve(put(tmp_path / "b", '{\n"a": 1\n}\n')) == Secret('{\n"a": 1\n}')


async def test_a_changed_file_is_seen_at_once(tmp_path: Path) -> None:
    """Nothing of it is kept."""
    files, place = Files(), put(tmp_path / "a", "first")
    await files.resolve(place)
    put(tmp_path / "a", "second")

    assert await files.resolve(place) == Secret("second")


async def test_a_mounted_secret_of_kubernetes_is_followed(tmp_path: Path) -> None:
    """The kubelet links name -> ..data/name and ..data -> ..2026; all within the directory."""
    put(tmp_path / "..2026_01" / "password")
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "password").symlink_to("..data/password")

    assert await Files().resolve(str(tmp_path / "password")) == Secret("correct horse")


async def test_a_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    """Whoever can put a link into the directory cannot have the rest of the disk read."""
    put(tmp_path / "elsewhere" / "key")
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "a").symlink_to(tmp_path / "elsewhere" / "key")
    (tmp_path / "allowed2").mkdir()  # a neighbour whose name begins the same
    put(tmp_path / "allowed2" / "key")
    (tmp_path / "allowed" / "b").symlink_to("../allowed2/key")

    for name in ("a", "b"):
        with pytest.raises(Unresolved, match="out of its directory"):
            await Files().resolve(str(tmp_path / "allowed" / name))


async def test_registrars_own_files_are_never_given(tmp_path: Path) -> None:
    """The keyring that lies in the same directory, also by a link, a hard link or another name."""
    keys = tmp_path / "keys"
    put(keys)
    (tmp_path / "link").symlink_to("keys")
    os.link(keys, tmp_path / "hard")

    for name in ("keys", "link", "hard"):
        with pytest.raises(Unresolved, match="Registrar's own"):
            await Files([tmp_path / "absent", keys]).resolve(str(tmp_path / name))


async def test_the_system_is_never_read(tmp_path: Path) -> None:
    """A directory that is a link into /proc leads to nobody's environment."""
    (tmp_path / "proc").symlink_to("/proc/self")

    with pytest.raises(Unresolved, match="Registrar's own"):
        await Files().resolve(str(tmp_path / "proc" / "environ"))


async def test_what_is_not_a_plain_file(tmp_path: Path) -> None:
    """A directory, or a pipe to which nobody writes, which would hold a reader for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    for name in ("pipe", "folder"):
        with pytest.raises(Unresolved, match="plain file"):
            await Files().resolve(str(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "empty"), (b"\r\n", "empty"), (b"\xff\xfe", "UTF-8"), (b"a\0b", "binary")],
)
async def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes, sentence: str) -> None:
    """The sentence says what is wrong with it."""
    with pytest.raises(Unresolved, match=sentence):
        await Files().resolve(put(tmp_path / "a", content))


async def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    """One that is larger than the disk is refused as quickly as any."""
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 40)

    with pytest.raises(Unresolved, match="64 KiB"):
        await Files().resolve(str(tmp_path / "huge"))


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Also when its directory is not."""
    for place in (tmp_path / "a", tmp_path / "b" / "a"):
        with pytest.raises(Unresolved, match="no such file"):
            await Files().resolve(str(place))


async def test_a_read_that_hangs_is_waited_for_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network that is away: said so, tried once at a time, and good when it comes back."""
    monkeypatch.setattr(file, "SECONDS", 0.05)
    going, reads = threading.Event(), []
    files, place = Files(), put(tmp_path / "a")
    read = files._read

    def hanging(path: str) -> bytes:
        reads.append(path)
        going.wait(10)
        return read(path)

    monkeypatch.setattr(files, "_read", hanging)
    for _ in range(3):
        with pytest.raises(Unresolved, match="within 2 seconds"):
            await files.resolve(place)
    assert reads == [place]

    going.set()
    monkeypatch.setattr(file, "SECONDS", 10)
    assert await files.resolve(place) == Secret("correct horse")
    files.close()
