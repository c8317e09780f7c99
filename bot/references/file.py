"""`file:/path`: a file that the operator puts beside Registrar, such as a mounted secret.

Kubernetes mounts a secret as a link to a link in the same directory and replaces the latter when
the secret changes; so links are followed, but never out of the directory that was named.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bot.core.reference import LARGEST
from bot.core.secret import Secret
from bot.errors import Unresolved
from bot.references.allowed import SYSTEM
from bot.references.text import one_line_end

_THREADS: Final = 4
SECONDS: Final = 2.0
"""A file on a network that is away answers late or never."""
# Mounted in every pod; what they open is the cluster or the cloud, not a registry.
_PODS: Final = (
    "/run/secrets/kubernetes.io",
    "/run/secrets/eks.amazonaws.com",
    "/var/run/secrets/kubernetes.io",
    "/var/run/secrets/eks.amazonaws.com",
)
_OWN: Final = "This file is Registrar's own and is never given to a registry."


class Files:
    """Files, without those that hold Registrar's own secrets (`own`), under whatever name."""

    def __init__(self, own: Collection[Path] = ()) -> None:
        self._own = tuple(own)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="files")
        self._asked: dict[str, asyncio.Future[bytes]] = {}

    async def resolve(self, place: str) -> Secret:
        asked = self._asked.get(place)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, self._read, place)
            self._asked[place] = asked
            asked.add_done_callback(lambda done: self._done(place, done))
        try:
            # A read that hangs goes on to hold one thread, not one more each time.
            found = await asyncio.wait_for(asyncio.shield(asked), SECONDS)
        except TimeoutError:
            raise Unresolved("The file could not be read within 2 seconds.") from None
        return one_line_end(found, "The file")

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, place: str, done: asyncio.Future[bytes]) -> None:
        self._asked.pop(place, None)
        if not done.cancelled():
            done.exception()  # somebody may have heard it; nobody has to

    def _read(self, place: str) -> bytes:
        try:
            real = os.path.realpath(place, strict=True)
            home = os.path.realpath(os.path.dirname(place), strict=True)  # noqa: PTH120  # text
            if not real.startswith(f"{home}/"):
                raise Unresolved("The file is a link that leads out of its directory.")
            if any(real.startswith(f"{one}/") for one in (*SYSTEM, *_PODS)):
                raise Unresolved(_OWN)
            # A pipe that nobody writes to must not hold the thread.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            opened = os.open(real, flags)
            try:
                self._judge(os.fstat(opened))
                with os.fdopen(opened, "rb", closefd=False) as file:
                    return file.read(LARGEST + 1)
            finally:
                os.close(opened)
        except FileNotFoundError:
            raise Unresolved("There is no such file; put it there or correct the path.") from None
        except PermissionError:
            raise Unresolved("Registrar may not read the file; give its user the right.") from None
        except OSError as error:
            raise Unresolved(f"The file cannot be read: {error.strerror}.") from None

    def _judge(self, opened: os.stat_result) -> None:
        if not stat.S_ISREG(opened.st_mode):
            raise Unresolved("This is not a plain file.")
        for path in self._own:
            try:
                own = path.stat()
            except OSError:
                continue
            if (own.st_dev, own.st_ino) == (opened.st_dev, opened.st_ino):
                raise Unresolved(_OWN)
