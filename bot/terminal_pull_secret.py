"""`registrar pull-secret`: the logins of stored registries, for a cluster or for `docker`."""

from __future__ import annotations

import base64
import json
import sys

from bot.core.access import Actor
from bot.errors import NotFound
from bot.kinds.docker_config import for_docker, for_kubernetes
from bot.settings import Settings
from bot.terminal import TERMINAL, team_of
from bot.tools import open_tools
from bot.usecases import pull_secrets
from bot.usecases.pull_secrets import DOUBLED, Collected

GIVEN, SOME_LEFT_OUT = 0, 1


async def print_pull_secret(
    names: tuple[str, ...],
    *,
    form: str,
    environment: str,
    namespace: str,
    secret_name: str,
    workspace: str,
) -> int:
    """Print a Secret to apply (`kubernetes`) or a `config.json` (`docker`); exit code 0 or 1."""
    settings = Settings.from_environment()
    async with open_tools(settings) as tools:
        actor = Actor(await team_of(tools.deps, workspace), TERMINAL, is_admin=True)
        found = await pull_secrets.collect(tools.deps, tools.mint, actor, names, environment)
    _say(found)
    if not found.entries:
        raise NotFound("No registry here has a login to pull with.")
    if form == "docker":
        text, doubled = for_docker(found.entries)
        for name in doubled:
            _note(name, "left out: docker keeps one login for each host")
        sys.stdout.write(text.reveal())
        return SOME_LEFT_OUT if found.left_out or doubled else GIVEN
    text, doubled = for_kubernetes(found.entries)
    for name in doubled:
        _note(name, f"left out: {DOUBLED}")
    config = base64.b64encode(text.reveal().encode()).decode("ascii")
    sys.stdout.write(json.dumps(_secret(config, namespace, secret_name), indent=2) + "\n")
    return SOME_LEFT_OUT if found.left_out or doubled else GIVEN


def _secret(config: str, namespace: str, name: str) -> dict[str, object]:
    """What `kubectl apply -f -` takes; JSON is YAML."""
    metadata = {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "labels": {"app.kubernetes.io/managed-by": "registrar"},
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": config},
    }


def _say(found: Collected) -> None:
    """Beside the output: how long each login is good, and who is missing and why."""
    for entry in found.entries:
        until = entry.login.expires_at
        good = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "as long as it is stored"
        _note(entry.registry, f"good {good}")
    for name, why in found.left_out:
        _note(name, f"left out: {why}")


def _note(name: str, words: str) -> None:
    sys.stderr.write(f"{name}: {words}\n")
