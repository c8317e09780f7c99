"""`registrar manifest kubernetes`: what a cluster needs to ask Registrar, printed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bot.admission import policies, wiring
from bot.admission.policies import Format, Group
from bot.admission.wired import Wiring
from bot.core.access import Actor
from bot.core.cluster import ClusterView
from bot.core.image import Reference
from bot.core.name import RULE, is_name
from bot.core.policy import plain
from bot.errors import InvalidInput, InvalidReference, NotFound, SettingsError, Unreadable
from bot.settings import Settings
from bot.terminal import TERMINAL, team_of
from bot.tools import open_deps
from bot.usecases import clusters, static_policy
from bot.usecases.deps import Deps

_NO_URL: Final = (
    "Set PUBLIC_URL to the https:// address under which the cluster reaches Registrar; it has no "
    "user name, ? or #."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for; without `cluster` the only one, without `ca` the usual authorities."""

    cluster: str
    namespace: str
    pull_into: tuple[str, ...]
    image: str
    fail: bool
    ca: Path | None


async def print_kubernetes(wanted: Wanted, workspace: str) -> None:
    """Print it; raises InvalidInput, NotFound, SettingsError or Unreadable with a sentence."""
    settings = Settings.from_environment()
    url = _url(settings.public_url)
    _refuse_faults(wanted)
    ca = _certificates(wanted.ca) if wanted.ca else ""
    async with open_deps(settings) as deps:
        actor = Actor(await team_of(deps, workspace), TERMINAL, is_admin=True)
        cluster = await _cluster(deps, actor, wanted.cluster)
        policy = await _policy(deps, actor, cluster, wanted.namespace, settings.slack_command)
    made = Wiring(
        cluster=cluster.name,
        cluster_id=cluster.id,
        url=url,
        namespace=wanted.namespace,
        pull_into=tuple(dict.fromkeys(wanted.pull_into)),
        image=wanted.image,
        fail=wanted.fail,
        ca=ca,
        policy=policy,
    )
    sys.stdout.write(wiring.text(made))


async def _cluster(deps: Deps, actor: Actor, name: str) -> ClusterView:
    if name:
        async with deps.store.reading() as session:
            row = await clusters.find(session, actor, name)
        return next(one for one in await clusters.list_clusters(deps, actor) if one.id == row.id)
    found = await clusters.list_clusters(deps, actor)
    if not found:
        raise NotFound("There is no cluster yet; `registrar cluster add NAME` makes one.")
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise NotFound(f"There are several clusters; name one with --cluster: {names}.")
    return found[0]


async def _policy(
    deps: Deps, actor: Actor, cluster: ClusterView, namespace: str, command: str
) -> str:
    """The static policy, or in a comment why there is none."""
    inputs = await static_policy.inputs_for(deps, actor, cluster.name, Group(""))
    try:
        return policies.text(
            inputs,
            Format.VAP,
            made_for=f"cluster {cluster.name}",
            command=command,
            own_namespace=namespace,
        )
    except InvalidInput as error:
        return f"# No policy. {error}\n"


def _url(public_url: str) -> str:
    try:
        parts = urlsplit(public_url)
    except ValueError:
        raise SettingsError(_NO_URL) from None
    odd = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme != "https" or not parts.hostname or odd or not public_url.isprintable():
        raise SettingsError(_NO_URL)
    return public_url.rstrip("/")


def _refuse_faults(wanted: Wanted) -> None:
    faults = {name: RULE for name in (wanted.namespace, *wanted.pull_into) if not is_name(name)}
    if faults:
        raise InvalidInput({name: f"{plain(name)} is no namespace. {RULE}" for name in faults})
    if wanted.image:
        try:
            Reference.parse(wanted.image)
        except InvalidReference as error:
            raise InvalidInput({"image": f"--image: {error}"}) from None


def _certificates(path: Path) -> str:
    """The PEM of the file, without whatever else is in it, such as a private key."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"{plain(str(path))} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise Unreadable(f"{plain(str(path))} holds no certificate (PEM).") from None
    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in found)
