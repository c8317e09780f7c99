"""Registries at practice providers whose credentials are rotated for real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.core.config import Config
from bot.core.secret import Secret
from bot.kinds.rotation.gateway import Rotators
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.keyring import Keyring
from bot.sandbox.practice.vendors.azure import ACR, MANAGEMENT, TOKEN
from bot.sandbox.practice.vendors.generic import HARBOR
from bot.sandbox.practice.vendors.quay import QUAY, TEAM
from bot.store import rotation_runs
from bot.store.schema import RotationPolicy
from bot.usecases import registries
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from tests.contract.lab import Lab, open_lab
from tests.factories import ALICE, add, clock_of


@dataclass(frozen=True, slots=True)
class Place:
    """One practice provider: which registry, who may rotate, and where its credentials are."""

    slug: str
    host: str
    changed: Callable[[Lab], Mapping[str, str | Secret]]
    access: Callable[[Lab], Mapping[str, Secret]]
    keys: Callable[[Lab], Keyring]
    secret: str
    making: str = "POST"
    calls: list[str] = field(default_factory=list)


def scaleway_access(lab: Lab) -> dict[str, Secret]:
    return {"iam_secret_key": Secret(lab.practice.scaleway.managers.shown.secret)}


def gitlab_access(lab: Lab) -> dict[str, Secret]:
    return {"access_token": Secret(lab.practice.gitlab.managers.shown.secret)}


def docker_access(lab: Lab) -> dict[str, Secret]:
    return {"account_password": Secret(lab.practice.docker_hub.password)}


def deploy_token(lab: Lab) -> dict[str, str | Secret]:
    held = lab.practice.gitlab.deploy_tokens.shown
    return {"username": held.login, "token": Secret(held.secret)}


GITHUB = Place(
    "ghcr",
    "api.github.com",
    lambda _: {},
    lambda _: {},
    lambda lab: lab.practice.ghcr.keyring,
    "token",
)


def no_access(_: Lab) -> dict[str, Secret]:
    return {}


PLACES = {
    "ecr": Place(
        "ecr", "", no_access, no_access, lambda lab: lab.practice.ecr.keyring, "secret_access_key"
    ),
    "public ecr": Place(
        "public_ecr",
        "",
        no_access,
        no_access,
        lambda lab: lab.practice.public_ecr.keyring,
        "secret_access_key",
    ),
    "google": Place(
        "gcp_artifact_registry",
        "iam.googleapis.com",
        no_access,
        no_access,
        lambda lab: lab.practice.google.keyring,
        "service_account_json",
    ),
    "scaleway": Place(
        "scaleway",
        "api.scaleway.com",
        lambda _: {},
        scaleway_access,
        lambda lab: lab.practice.scaleway.keyring,
        "secret_key",
    ),
    "gitlab token": Place(
        "gitlab",
        "gitlab.com",
        lambda _: {},
        lambda _: {},
        lambda lab: lab.practice.gitlab.keyring,
        "token",
    ),
    "gitlab deploy token": Place(
        "gitlab",
        "gitlab.com",
        deploy_token,
        gitlab_access,
        lambda lab: lab.practice.gitlab.deploy_tokens,
        "token",
    ),
    "docker hub": Place(
        "docker_hub",
        "hub.docker.com",
        lambda _: {},
        docker_access,
        lambda lab: lab.practice.docker_hub.keyring,
        "password",
    ),
}


def robot(lab: Lab) -> dict[str, str | Secret]:
    vendor = lab.practice.generic
    vendor.robot_ends_at = None
    return {
        "url": f"https://{HARBOR}",
        "username": vendor.robot,
        "password": Secret(vendor.robot_secret),
        "test_image": "",
    }


ROBOT = Place(
    "generic",
    HARBOR,
    robot,
    no_access,
    lambda lab: lab.practice.generic.robots,
    "password",
    "PATCH",
)


def quay_robot(lab: Lab) -> dict[str, str | Secret]:
    secret = Secret(lab.practice.generic.quay.shown.secret)
    return {"url": f"https://{QUAY}", "username": TEAM, "password": secret, "test_image": ""}


def azure_token(lab: Lab) -> dict[str, str | Secret]:
    secret = Secret(lab.practice.generic.azure.shown.secret)
    return {"url": f"https://{ACR}", "username": TOKEN, "password": secret, "test_image": ""}


def azure_access(lab: Lab) -> dict[str, Secret]:
    azure = lab.practice.generic.azure
    given = {
        "tenant": azure.tenant,
        "client": azure.client,
        "client_secret": azure.client_secret,
        "registry": azure.path,
    }
    return {name: Secret(text) for name, text in given.items()}


QUAY_ROBOT = Place(
    "generic",
    QUAY,
    quay_robot,
    lambda lab: {"quay_token": Secret(lab.practice.generic.quay.oauth)},
    lambda lab: lab.practice.generic.quay.keyring,
    "password",
)
AZURE_TOKEN = Place(
    "generic",
    MANAGEMENT,
    azure_token,
    azure_access,
    lambda lab: lab.practice.generic.azure.keyring,
    "password",
)
OTHERS = {"harbor": ROBOT, "quay": QUAY_ROBOT, "azure": AZURE_TOKEN, "github": GITHUB}


@dataclass(frozen=True, slots=True)
class Scene:
    """A registry at a practice provider, and all that rotates its credential."""

    deps: Deps
    lab: Lab
    rotators: Rotators
    config: Config
    place: Place

    @property
    def keys(self) -> Keyring:
        return self.place.keys(self.lab)

    @property
    def old(self) -> str:
        return self.config.secrets[self.place.secret].reveal()

    @property
    def old_handle(self) -> str:
        held = self.keys.holding(self.old, self.config.values.get("username", ""))
        assert held is not None
        return held.handle

    @property
    def access(self) -> Mapping[str, Secret]:
        return self.place.access(self.lab)

    def working(self) -> set[str]:
        now = self.lab.clock.now()
        return {one.secret for one in self.keys if one.works(now)}

    def deaf(self, times: int, method: str, path: str) -> None:
        """Do what is asked, and lose so many answers to it."""
        if not self.place.host:  # AWS, whose APIs practise under no name of their own
            self.lab.practice.cloud.loses[path] = times
            return
        vendor, left = self.lab.practice.vendors[self.place.slug], [times]

        def site(ask: Ask) -> Answer:
            answer = vendor.answer(ask)
            if ask.method == method and path in ask.path and left[0]:
                left[0] -= 1
                return as_json(502, {"message": "bad gateway"})
            return answer

        self.lab.practice.serve(self.place.host, site)


@asynccontextmanager
async def scene(deps: Deps, name: str, *, access: bool = True) -> AsyncIterator[Scene]:
    """A saved registry named `target`; its policy may rotate it."""
    place = (PLACES | OTHERS)[name]
    async with open_lab(clock_of(deps)) as lab:
        ours = replace(deps, checker=lab.checker(), allow=lab.egress.allow)
        config = lab.config(place.slug, changed=place.changed(lab))
        public = {
            "url": config.url,
            **config.values,
            "path_scope": config.path_scope,
            "test_image": config.test_image,
            "name": "target",
            "description": "",
            "environment": "any",
            "owner": "",
            "rotate_days": "90",
        }
        await add(ours, answers=Answers(place.slug, config.variant, public, dict(config.secrets)))
        if access:
            await let_rotate(ours, place.access(lab))
        yield Scene(ours, lab, lab.rotators(), config, place)


async def let_rotate(deps: Deps, access: Mapping[str, Secret]) -> None:
    shown = await registries.show(deps, ALICE, "target")
    async with deps.store.transaction() as session:
        now = await deps.store.now(session)
        policy = await rotation_runs.policy(session, shown.id) or RotationPolicy(
            registry_id=shown.id, team_id="T1", enabled=True, updated_at=now, updated_by="UALICE"
        )
        session.add(rotation_runs.with_access(policy, access, deps.store.keyring, shown.url))
