"""The resolver of a process, out of what the operator allows and what the process itself holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.core.clock import Clock
from bot.core.reference import AWS, ENV, FILE, NoReferences, References, Scheme
from bot.references.allowed import parse
from bot.references.aws_secretsmanager import Endpoint, SecretsManager
from bot.references.env import Environment
from bot.references.file import Files
from bot.references.resolver import Resolver

# Variables of libraries that name files with credentials of the process.
_FILES: Final = (
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS", "KUBECONFIG",
    "PGPASSFILE", "PGSSLKEY", "REGISTRAR_TOKEN_FILE",
)  # fmt: skip
# Where they look in the home directory when no variable says.
_AT_HOME: Final = (
    ".aws/credentials", ".aws/config", ".kube/config", ".pgpass",
    ".config/gcloud/application_default_credentials.json",
)  # fmt: skip
_VARIABLES: Final = ("REGISTRAR_TOKEN", "REGISTRAR_URL", "REGISTRAR_CLUSTER", "PATH", "HOME")


@contextmanager
def wired(
    allowed: str,
    variables: Mapping[str, str],
    settings: Collection[str],
    database_url: str,
    clock: Clock,
    endpoint: Endpoint,
) -> Iterator[References]:
    """What follows references; `settings` are the names of Registrar's own variables."""
    entries = parse(allowed)
    if not entries:
        yield NoReferences()
        return
    files = [f"{name}_FILE" for name in settings]
    own = [Path(variables[name]) for name in (*files, *_FILES) if variables.get(name)]
    own += [Path(variables["HOME"]) / name for name in _AT_HOME if variables.get("HOME")]
    if database_url.startswith("sqlite:///"):
        database = database_url.removeprefix("sqlite:///").partition("?")[0]
        own += [Path(f"{database}{end}") for end in ("", "-wal", "-shm", "-journal")]
    manager, kept = SecretsManager(clock, endpoint), Files(own)
    schemes: dict[str, Scheme] = {
        ENV: Environment(variables, {*settings, *files, *_FILES, *_VARIABLES}),
        FILE: kept,
        AWS: manager,
    }
    try:
        yield Resolver(entries, schemes)
    finally:
        manager.close()
        kept.close()
