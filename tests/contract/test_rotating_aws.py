"""What AWS is asked to rotate an access key, and what is said when it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.rotation.aws import AwsAccessKeys
from bot.kinds.rotation.base import Issued
from bot.kinds.rotation.providers import provider_for
from bot.sandbox.practice.vendors.amazon import OWN_KEYS
from tests.contract.lab import NOON, Lab

AWS = AwsAccessKeys()
SECOND = timedelta(seconds=1)


async def issue(lab: Lab, config: Config) -> Issued:
    return await lab.rotators().run(
        config, {}, lambda errand: AWS.issue(errand, "label", timedelta(), Secret(""))
    )


async def labelled(lab: Lab, config: Config) -> set[str]:
    since = lab.clock.now()
    found = await lab.rotators().run(
        config, {}, lambda errand: AWS.labelled(errand, "label", since, lab.clock.now())
    )
    return {one.handle for one in found}


@pytest.mark.parametrize(
    ("slug", "variant", "changed", "why"),
    [
        ("ecr", "access_keys", {}, ""),
        ("public_ecr", "access_keys", {}, ""),
        ("ecr", "assume_role", {}, "assumes a role"),
        ("public_ecr", "anonymous", {}, "no credential"),
    ],
)
async def test_only_a_key_of_its_own_can_be_rotated(
    lab: Lab, slug: str, variant: str, changed: dict[str, str], why: str
) -> None:
    """Roles and strangers have none."""
    provider, reason = provider_for(lab.config(slug, variant, changed))

    assert (provider is None) is bool(why)
    assert why in reason


async def test_a_temporary_key_is_left_alone(lab: Lab) -> None:
    """It ends by itself, and IAM would refuse it."""
    session = lab.practice.ecr.session
    changed: dict[str, str | Secret] = {
        "access_key_id": session.key_id,
        "secret_access_key": Secret(session.secret),
        "session_token": Secret(session.session_token),
    }
    provider, reason = provider_for(lab.config("ecr", "access_keys", changed))

    assert provider is None
    assert "ASIA" in reason


async def test_a_key_with_all_rights_and_room_is_ready(lab: Lab) -> None:
    """Nothing is made by asking, and nothing is sent but questions."""
    config = lab.config("ecr")
    ready = await lab.rotators().run(config, {}, AWS.ready)
    asked = {entry.path.lstrip("/") for entry in lab.practice.log}

    assert (ready.problems, ready.notes, ready.others) == ((), (), ())
    assert ready.handle == config.values["access_key_id"]
    assert len(lab.practice.ecr.keyring) == 1
    assert asked == {"GetCallerIdentity", "ListAccessKeys", "SimulatePrincipalPolicy"}


@pytest.mark.parametrize("right", OWN_KEYS[:4])
async def test_a_missing_right_is_named_before_anything_is_made(lab: Lab, right: str) -> None:
    """By the list itself, or by IAM's simulation of the policies."""
    lab.practice.ecr.rights.discard(right)
    ready = await lab.rotators().run(lab.config("ecr"), {}, AWS.ready)

    assert len(ready.problems) == 1
    assert right in ready.problems[0]
    assert "${aws:username}" in ready.problems[0]


async def test_what_cannot_be_known_is_said(lab: Lab) -> None:
    """Without the right to simulate, rights show only in the deed."""
    lab.practice.ecr.rights.discard("iam:SimulatePrincipalPolicy")
    ready = await lab.rotators().run(lab.config("ecr"), {}, AWS.ready)

    assert ready.problems == ()
    assert "iam:SimulatePrincipalPolicy" in ready.notes[0]


async def test_two_keys_are_shown_with_their_last_use(lab: Lab) -> None:
    """A person has to choose; Registrar deletes none that it did not make."""
    config, ecr = lab.config("ecr"), lab.practice.ecr
    other = ecr.make()
    other.active = False
    ready = await lab.rotators().run(config, {}, AWS.ready)
    with pytest.raises(NotDone, match="two access keys already"):
        await issue(lab, config)

    own = config.values["access_key_id"]
    assert len(ready.problems) == 1
    assert ready.problems[0] == (
        f"ci-pull has two access keys, the most that AWS allows: {own} (in force here, made "
        f"2026-10-14, last used 2026-11-24) and {other.handle} (inactive, made 2026-11-24, no use "
        "known). Delete in IAM the one that nobody uses; Registrar deletes none that it did not "
        "make."
    )
    assert ready.others == (other.handle,)
    assert {held.handle for held in ecr.keyring} == {own, other.handle}


@pytest.mark.parametrize(
    ("arn", "why"),
    [
        ("arn:aws:iam::123456789012:root", "root user"),
        ("arn:aws:sts::123456789012:federated-user/ci", "no IAM user"),
    ],
)
async def test_whoever_is_no_iam_user_gets_no_key(lab: Lab, arn: str, why: str) -> None:
    """A second key of the root user is the last thing anybody wants."""
    lab.practice.ecr.arn = arn
    ready = await lab.rotators().run(lab.config("ecr"), {}, AWS.ready)

    assert why in ready.problems[0]
    assert len(lab.practice.ecr.keyring) == 1


async def test_a_new_key_works_a_while_after_it_was_made(lab: Lab) -> None:
    """IAM is eventually consistent; the answer holds all that the form needs."""
    config = lab.config("ecr")
    made = await issue(lab, config)
    new = lab.config("ecr", changed={**made.values, **made.secrets})
    early = await lab.checker().check(new)
    lab.clock.skip(8 * SECOND)
    later = await lab.checker().check(new)

    assert (early.verdict.value, later.verdict.value) == ("refused", "proven")
    assert made.handle == made.values["access_key_id"] == lab.practice.ecr.shown.handle
    assert made.expires_at is None


async def test_a_lost_answer_is_unclear_and_not_asked_again(lab: Lab) -> None:
    """boto3 would repeat a 502 by itself; a second key would be one too many."""
    config, ecr = lab.config("ecr"), lab.practice.ecr
    lab.practice.cloud.loses["CreateAccessKey"] = 1
    with pytest.raises(Unclear, match="no clear answer"):
        await issue(lab, config)

    assert len(ecr.keyring) == 2
    assert await labelled(lab, config) == {ecr.shown.handle}


async def test_silence_is_unclear(lab: Lab) -> None:
    """So is a connection that ends, and whatever a proxy says."""
    config = lab.config("ecr")
    lab.practice.ecr.set_state(type(lab.practice.ecr.state).DOWN)
    with pytest.raises(Unclear):
        await issue(lab, config)
    with pytest.raises(Unclear):
        await labelled(lab, config)


async def test_a_key_that_somebody_uses_is_not_ours(lab: Lab) -> None:
    """What was made in doubt was learnt by nobody, so nobody can have used it."""
    config, ecr = lab.config("ecr"), lab.practice.ecr
    made_by_hand = ecr.make()
    unused = await labelled(lab, config)
    made_by_hand.used_at = NOON
    used = await labelled(lab, config)
    made_by_hand.used_at, made_by_hand.made_at = None, NOON - timedelta(minutes=6)
    older = await labelled(lab, config)

    assert (unused, used, older) == ({made_by_hand.handle}, set(), set())


async def test_a_key_is_stopped_started_and_deleted_by_the_other(lab: Lab) -> None:
    """A second time changes nothing and is no error."""
    config, ecr = lab.config("ecr"), lab.practice.ecr
    old = ecr.shown
    made = await issue(lab, config)
    lab.clock.skip(8 * SECOND)
    new = lab.config("ecr", changed={**made.values, **made.secrets})
    run = lab.rotators().run

    await run(new, {}, lambda errand: AWS.disable(errand, old.handle))
    stopped = (old.active, await run(new, {}, lambda errand: AWS.listed(errand, old.handle)))
    await run(new, {}, lambda errand: AWS.enable(errand, old.handle))
    started = (old.active, await run(new, {}, lambda errand: AWS.listed(errand, old.handle)))
    for _ in range(2):
        await run(new, {}, lambda errand: AWS.revoke(errand, old.handle))
    await run(new, {}, lambda errand: AWS.disable(errand, old.handle))
    with pytest.raises(NotDone, match="deleted in IAM"):
        await run(new, {}, lambda errand: AWS.enable(errand, old.handle))

    assert (stopped, started) == ((False, False), (True, True))
    assert {held.handle for held in ecr.keyring} == {made.handle}


async def test_the_key_in_force_is_neither_stopped_nor_deleted(lab: Lab) -> None:
    """Whatever the journal says."""
    config = lab.config("ecr")
    own = config.values["access_key_id"]
    run = lab.rotators().run
    with pytest.raises(NotDone, match="in force"):
        await run(config, {}, lambda errand: AWS.disable(errand, own))
    with pytest.raises(NotDone, match="in force"):
        await run(config, {}, lambda errand: AWS.revoke(errand, own))

    assert lab.practice.ecr.shown.active


async def test_a_refusal_names_the_right_and_quotes_nobody(lab: Lab) -> None:
    """Sentences of our own, without the vendor's words, and without a secret."""
    config = lab.config("ecr")
    lab.practice.ecr.rights.clear()
    run = lab.rotators().run
    said = []
    for call in (
        lambda errand: AWS.issue(errand, "label", timedelta(), Secret("")),
        lambda errand: AWS.disable(errand, "AKIAOTHEROTHEROTHER1"),
        lambda errand: AWS.revoke(errand, "AKIAOTHEROTHEROTHER1"),
        lambda errand: AWS.labelled(errand, "label", NOON, lab.clock.now()),
    ):
        with pytest.raises(NotDone) as caught:
            await run(config, {}, call)
        said.append(str(caught.value))

    assert all(right in "".join(said) for right in OWN_KEYS[:4])
    assert "not authorized to perform" not in "".join(said)
    assert await run(config, {}, lambda errand: AWS.listed(errand, "AKIAOTHEROTHEROTHER1")) is None
