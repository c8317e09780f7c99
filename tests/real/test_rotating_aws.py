"""An access key rotated through the engine at moto, which checks signatures, keys and policies.

moto lets an inactive key sign and knows no SimulatePrincipalPolicy; the practice registry does both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from bot.core.auto_rotation import Step
from bot.core.clock import SystemClock
from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.kinds.aws import AwsGateway
from bot.kinds.checker import Checker
from bot.kinds.memory import Memory
from bot.kinds.net import AllowList, Egress
from bot.kinds.rotation.gateway import Rotators
from bot.usecases import rotation_policies, rotations
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from tests.databases import migrated_sqlite
from tests.factories import ALICE, add, deps_on
from tests.programs import DockerRegistryFactory
from tests.real.amazon import HOST, LOGIN, REGION, Key, Moto, OneName
from tests.usecases.test_auto_rotation import begun, run, state

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LIST, CREATE, UPDATE, DELETE = (
    f"iam:{verb}"
    for verb in ("ListAccessKeys", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey")
)


def policy(*actions: str) -> dict[str, object]:
    """Pulling, and these rights besides."""
    allowed = ["ecr:GetAuthorizationToken", *actions]
    statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@dataclass(frozen=True, slots=True)
class Scene:
    """A registry `target` at ECR, its user `ci-pull`, and a neighbour with a key of its own."""

    deps: Deps
    rotators: Rotators
    moto: Moto
    key: Key
    neighbours: dict[str, str]

    def keys(self, user: str = "ci-pull") -> dict[str, str]:
        """The keys of a user and their states."""
        self.moto.relax()
        found = self.moto.iam().list_access_keys(UserName=user)["AccessKeyMetadata"]
        self.moto.enforce()
        return {one["AccessKeyId"]: one["Status"] for one in found}

    async def why(self, rotation: str) -> str:
        return (await rotations.view(self.deps, "T1", rotation)).state.why


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


@asynccontextmanager
async def scene(
    moto: Moto, start_registry: DockerRegistryFactory, folder: Path, ca: trustme.CA, *rights: str
) -> AsyncIterator[Scene]:
    key = moto.user("ci-pull", policy(*rights))
    neighbour = moto.user("neighbour", policy())
    certificate = ca.issue_cert(HOST, "127.0.0.1")
    registry = start_registry(users=dict([LOGIN]), certificate=certificate)
    egress = Egress(allow=AllowList(), ca_file=folder / "ca.pem", resolver=OneName(registry.port))
    aws = AwsGateway(endpoint=lambda _service, _region: moto.url)
    clock = SystemClock()
    made = deps_on(migrated_sqlite(folder))
    deps = replace(made, checker=Checker(egress=egress, aws=aws, clock=clock))
    moto.enforce()
    public = {
        "url": f"https://{HOST}",
        "region": REGION,
        "access_key_id": key.key_id,
        "name": "target",
        "environment": "any",
        "rotate_days": "90",
    }
    secrets = {"secret_access_key": Secret(key.secret)}
    await add(deps, answers=Answers("ecr", "access_keys", public, secrets))
    try:
        rotators = Rotators(egress, aws, clock, Memory(clock))
        yield Scene(deps, rotators, moto, key, {neighbour.key_id: "Active"})
    finally:
        aws.close()
        await egress.close()
        await made.store.close()


async def test_a_key_is_rotated_from_beginning_to_end(
    moto: Moto, start_registry: DockerRegistryFactory, tmp_path: Path, ca: trustme.CA
) -> None:
    """Made, proven, in force, the old one inactive, deleted, and refused by AWS itself."""
    rights = (LIST, CREATE, UPDATE, DELETE)
    async with scene(moto, start_registry, tmp_path, ca, *rights) as at:
        old = at.key.key_id
        rotation = await begun(at.deps, at.rotators, "target")
        await run(at.deps, at.rotators, 12 * HOUR)
        both = at.keys()
        assert await state(at.deps, rotation) == (Phase.GRACE, Step.GRACE)
        await run(at.deps, at.rotators, 18 * HOUR)
        stopped = at.keys()
        await run(at.deps, at.rotators, 4 * DAY)

        assert await state(at.deps, rotation) == (Phase.DEAD, Step.OVER)
        new = next(iter(set(both) - {old}))
        assert both == {old: "Active", new: "Active"}
        assert stopped == {old: "Inactive", new: "Active"}
        assert at.keys() == {new: "Active"}
        assert at.keys("neighbour") == at.neighbours


@pytest.mark.parametrize(
    ("rights", "missing"), [((CREATE, UPDATE, DELETE), LIST), ((LIST, UPDATE, DELETE), CREATE)]
)
async def test_a_missing_right_is_said_and_nothing_is_made(
    moto: Moto,
    start_registry: DockerRegistryFactory,
    tmp_path: Path,
    ca: trustme.CA,
    rights: tuple[str, ...],
    missing: str,
) -> None:
    """AWS refuses what the policy does not allow; the sentence names it."""
    async with scene(moto, start_registry, tmp_path, ca, *rights) as at:
        rotation = await begun(at.deps, at.rotators, "target")
        await run(at.deps, at.rotators, HOUR)

        assert await state(at.deps, rotation) == (Phase.FAILED, Step.FAILED)
        assert missing in await at.why(rotation)
        assert at.keys() == {at.key.key_id: "Active"}


async def test_two_keys_stop_it(
    moto: Moto, start_registry: DockerRegistryFactory, tmp_path: Path, ca: trustme.CA
) -> None:
    """Both are named, with a dry run too, and neither is touched."""
    rights = (LIST, CREATE, UPDATE, DELETE)
    async with scene(moto, start_registry, tmp_path, ca, *rights) as at:
        moto.relax()
        other = moto.another_key("ci-pull")
        moto.enforce()
        rotation = await begun(at.deps, at.rotators, "target")
        await run(at.deps, at.rotators, HOUR)
        planned = await rotation_policies.diagnose(at.deps, at.rotators, ALICE, "target")

        assert await state(at.deps, rotation) == (Phase.FAILED, Step.FAILED)
        for said in (await at.why(rotation), planned.problems[0]):
            assert at.key.key_id in said
            assert other.key_id in said
        assert at.keys() == {at.key.key_id: "Active", other.key_id: "Active"}


async def test_what_cannot_be_known_is_said_in_a_dry_run(
    moto: Moto, start_registry: DockerRegistryFactory, tmp_path: Path, ca: trustme.CA
) -> None:
    """Here nobody may simulate policies; nothing is made to find out."""
    rights = (LIST, CREATE, UPDATE, DELETE)
    async with scene(moto, start_registry, tmp_path, ca, *rights) as at:
        planned = await rotation_policies.diagnose(at.deps, at.rotators, ALICE, "target")

        assert planned.problems == ()
        assert "iam:SimulatePrincipalPolicy" in planned.notes[0]
        assert at.keys() == {at.key.key_id: "Active"}
