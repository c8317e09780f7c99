"""Typed settings from the environment; read once, in `bot.__main__`, and passed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.core.secret import Secret
from bot.errors import SettingsError

DEFAULT_DATABASE: Final = "sqlite:///registrar.sqlite3"
MAKE_A_KEY: Final = "registrar keys new"


class Settings(BaseModel):
    """What the environment says. Every name is also read from `NAME_FILE`, a file that holds it.

    The descriptions are the settings table of the README; a test holds the two together.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True, extra="forbid")

    slack_bot_token: Secret | None = Field(
        None, description="Bot token of the Slack app (`xoxb-…`)."
    )
    slack_app_token: Secret | None = Field(
        None, description="App-level token (`xapp-…`); its presence selects Socket Mode."
    )
    slack_signing_secret: Secret | None = Field(
        None, description="Signing secret; needed for HTTP, that is without an app-level token."
    )
    slack_api_url: str = Field(
        "https://slack.com/api/", description="Where Slack's Web API is; another one for tests."
    )
    slack_command: str = Field(
        "/registry", description="The slash command.", pattern=r"^/[a-z0-9_-]{1,31}$"
    )
    database_url: str = Field(
        DEFAULT_DATABASE, description="`sqlite:///FILE` or `postgresql://USER@HOST/NAME`."
    )
    encryption_keys: Secret | None = Field(
        None,
        description=f"Keyring `ID:KEY,…`; the first encrypts. `{MAKE_A_KEY}` prints a new one.",
    )
    host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the web server.")
    public_url: str = Field(
        "",
        description="`https://…` under which clusters, browsers (pages that show a token or take a "
        "secret) and, in HTTP mode, Slack reach this server.",
    )
    egress_allow: str = Field(
        "",
        description="Hosts, host:port or networks that are not public but may be checked, "
        "separated by commas; `http://host:port` also allows plain HTTP.",
    )
    egress_ca_file: Path | None = Field(
        None, description="PEM bundle of further certificate authorities for registries."
    )
    secret_references: str = Field(
        "",
        description="References that may be given instead of secrets, and for which hosts: "
        "`env:REG_* @ registry.example.com,…`; unset: none.",
    )
    aws_identity_access_key_id: str = Field(
        "", description="Registrar's own AWS key, used for nothing but assuming roles."
    )
    aws_identity_secret_access_key: Secret | None = Field(
        None, description="The secret of that key."
    )
    checks_at_once: int = Field(
        200, ge=1, le=2000, description="Checks under way at once in one process."
    )
    checks_per_host: int = Field(4, ge=1, le=64, description="Of these, checks of one host.")
    check_paces: str = Field(
        "",
        description="Checks a minute of a host, `HOST=N,…`, `*` for all others; unset: far below "
        "what its provider publishes.",
    )
    control_hosts: str = Field(
        "registry-1.docker.io,ghcr.io,public.ecr.aws",
        description="Hosts that are asked, without a credential, whether it is us who are offline.",
    )
    heartbeat_url: Secret | None = Field(
        None,
        description="URL of an outside monitor, called every minute while everything is in order.",
    )
    log_level: str = Field(
        "INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`.", pattern=r"^[A-Z]+$"
    )

    @field_validator("slack_api_url")
    @classmethod
    def _slash(cls, url: str) -> str:
        return _safe(url) + "/"

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return _safe(url) if url else ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `environment` (the process's by default); a SettingsError names the setting."""
        variables = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            text = _read(name.upper(), variables)
            if text is not None:
                secret = "Secret" in str(field.annotation)
                values[name] = Secret(text) if secret else text
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            setting, told = str(first["loc"][0]).upper(), first["msg"]
            told = told.removeprefix("Value error, ")  # pydantic's, before a sentence of ours
            raise SettingsError(f"{setting}: {told}.") from None


def _safe(url: str) -> str:
    """An address that secrets may be sent to, without its last slash."""
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ValueError("this must be an https:// address")
    return url.rstrip("/")


def _read(name: str, variables: Mapping[str, str]) -> str | None:
    """The value of `NAME`, or what the file named by `NAME_FILE` holds; empty counts as unset."""
    direct, file = variables.get(name), variables.get(f"{name}_FILE")
    if direct and file:
        raise SettingsError(f"{name} and {name}_FILE are both set; keep one.")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip() or None
        except OSError as error:
            raise SettingsError(f"{name}_FILE cannot be read: {error.strerror}.") from None
    return direct or None
