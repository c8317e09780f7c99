"""`dockerconfigjson`, as the kubelet and `docker` read it.

Source: Kubernetes, pkg/credentialprovider (config.go, keyring.go): only `auth` counts here; one
value that cannot be read makes the whole secret useless, so each is checked before it is written.
Hosts match exactly, port included and in their case; a path is a plain prefix; longer keys come
first. `docker` itself knows keys by host alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.core.image import DOCKER_HUB
from bot.core.secret import Secret
from bot.errors import NoLogin
from bot.kinds.pull_login import PullLogin

MOST: Final = 1024 * 1024  # bytes of a Secret in Kubernetes
_HUB_KEY: Final = "https://index.docker.io/v1/"  # what `docker login` itself writes
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A registry's login, for the images at `host` below `scope`; both canonical."""

    registry: str
    host: str
    scope: str
    login: PullLogin


def faults(entry: Entry) -> str:
    """Why an entry cannot be written; empty when it can."""
    login = entry.login
    if ":" in login.username or _CONTROL.search(login.username):
        return "Its user name has a colon or an invisible character."
    if not login.username or not login.password:
        return "Its user name or its password is empty."
    if _CONTROL.search(login.password.reveal()):
        return "Its password has a line break or an invisible character."
    return ""


def for_kubernetes(entries: Sequence[Entry]) -> tuple[Secret, list[str]]:
    """The file for the kubelet, and which registries had to be left out.

    Of several registries at one host each stands under its path; of several for the very same
    images the first. A path is a plain prefix to the kubelet: the login of `ghcr.io/acme` is also
    tried for `ghcr.io/acme-evil`. It goes to its own host even so, and a longer key is tried first;
    with a slash at its end it would not serve an image called exactly like the path.
    Raises NoLogin when the file is too large for a Secret.
    """
    at_host = Counter(entry.host for entry in entries)
    keyed: dict[str, Entry] = {}
    left_out = []
    for entry in entries:
        key = _host_key(entry.host) if at_host[entry.host] == 1 else _path_key(entry)
        if key in keyed:
            left_out.append(entry.registry)
        keyed.setdefault(key, entry)
    return _written(keyed), left_out


def for_docker(entries: Sequence[Entry]) -> tuple[Secret, list[str]]:
    """The file for `docker`, which keeps one login for each host; and who had to be left out."""
    keyed: dict[str, Entry] = {}
    left_out = []
    for entry in entries:
        key = _host_key(entry.host)
        if key in keyed:
            left_out.append(entry.registry)
        keyed.setdefault(key, entry)
    return _written(keyed), left_out


def _path_key(entry: Entry) -> str:
    # Without a path it is the plain host, of Docker Hub too: the kubelet looks for the key that
    # `docker login` writes only where no other key fits, such as that of a neighbour.
    if not entry.scope:
        return entry.host
    # The kubelet takes a leading `/v1/` or `/v2/` for the version of the protocol, once.
    version = "v2/" if entry.scope.startswith(("v1/", "v2/")) else ""
    return f"{entry.host}/{version}{entry.scope}"


def _host_key(host: str) -> str:
    return _HUB_KEY if host == DOCKER_HUB else host


def _written(keyed: dict[str, Entry]) -> Secret:
    auths = {}
    for key, entry in sorted(keyed.items()):
        login = entry.login
        pair = f"{login.username}:{login.password.reveal()}".encode()
        auths[key] = {"auth": base64.b64encode(pair).decode("ascii")}
    text = json.dumps({"auths": auths}, indent=2) + "\n"
    if len(text) > MOST:
        raise NoLogin("These are too many registries for one secret: it may have 1 MiB.")
    return Secret(text)
