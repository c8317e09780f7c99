"""Programs nobody here wrote, started for tests: the CNCF registry, with each way of signing in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import trustme

REQUIRE = "REGISTRAR_TESTS_REQUIRE_SYSTEM"
LISTENING = re.compile(rb"listening on 127\.0\.0\.1:(\d+)")
CHEAPEST = 4  # bcrypt's cost rules how many logins a second the registry manages


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """Where the registry sends people for tokens. `certificate` is the PEM file it trusts."""

    realm: str
    service: str
    issuer: str
    certificate: Path


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    """A running registry. `htpasswd` is read again whenever it changes."""

    port: int
    htpasswd: Path
    scheme: str = "http"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def set_users(self, users: Mapping[str, str]) -> None:
        """Replace all users; the very next request is judged by them."""
        write_htpasswd(self.htpasswd, users)


DockerRegistryFactory = Callable[..., DockerRegistry]


def program(name: str) -> str:
    """The path of a system program; without it the test is skipped, or fails where it must not be."""
    found = shutil.which(name)
    if found is None:
        reason = f"the system program {name} is not installed"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{reason}, and {REQUIRE}=1")
        pytest.skip(reason)
    return found


def write_htpasswd(path: Path, users: Mapping[str, str]) -> None:
    lines = [
        f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(CHEAPEST)).decode()}\n"
        for user, password in users.items()
    ]
    path.write_text("".join(lines))


@contextmanager
def docker_registry(
    folder: Path,
    *,
    users: Mapping[str, str] | None = None,
    token: TokenAuth | None = None,
    certificate: trustme.LeafCert | None = None,
) -> Iterator[DockerRegistry]:
    """The CNCF registry on a free loopback port.

    `users` sign in with Basic, `token` sends them to a token service, and with neither the registry
    is open to anyone. `certificate` makes it speak TLS.
    """
    binary = program("docker-registry")
    folder.mkdir(parents=True, exist_ok=True)
    htpasswd = folder / "htpasswd"
    write_htpasswd(htpasswd, users or {})
    config = folder / "config.yml"
    config.write_text(
        configuration(
            folder, htpasswd if users is not None else None, token, _tls(folder, certificate)
        )
    )
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary, "serve", str(config)], stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        port = _wait_for_port(process, log)
        yield DockerRegistry(port, htpasswd, "https" if certificate else "http")
    finally:
        process.terminate()
        process.wait(10)


def configuration(folder: Path, htpasswd: Path | None, token: TokenAuth | None, tls: str) -> str:
    """The registry's YAML file."""
    auth = ""
    if htpasswd is not None:
        auth = f'auth: {{htpasswd: {{realm: test-realm, path: "{htpasswd}"}}}}\n'
    if token is not None:
        auth = (
            f'auth: {{token: {{realm: "{token.realm}", service: "{token.service}", '
            f'issuer: "{token.issuer}", rootcertbundle: "{token.certificate}"}}}}\n'
        )
    return (
        "version: 0.1\n"
        "log: {level: info, accesslog: {disabled: true}}\n"
        f'storage: {{filesystem: {{rootdirectory: "{folder / "data"}"}}, '
        "cache: {blobdescriptor: inmemory}, delete: {enabled: true}, "
        "maintenance: {uploadpurging: {enabled: false}}}\n"
        f'http: {{addr: "127.0.0.1:0", secret: test{tls}}}\n'
        f"{auth}"
    )


def _tls(folder: Path, certificate: trustme.LeafCert | None) -> str:
    if certificate is None:
        return ""
    chain, key = folder / "server.crt", folder / "server.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    return f', tls: {{certificate: "{chain}", key: "{key}"}}'


def _wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = LISTENING.search(log.read_bytes())
        if found:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.005)
    raise RuntimeError(f"docker-registry did not start: {log.read_text()[-2000:]}")
