"""What Google is asked to rotate a service account's key, and what is said when it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.rotation.base import Issued
from bot.kinds.rotation.gcp import GoogleKeys
from bot.sandbox.practice.ask import Answer, Ask, as_json, as_text
from bot.sandbox.practice.vendors.google import KEY_RIGHTS, google_error
from tests.contract.lab import NOON, Lab

GOOGLE = GoogleKeys()
SLUG = "gcp_artifact_registry"
OTHER = "0" * 40


async def issue(lab: Lab, config: Config) -> Issued:
    return await lab.rotators().run(
        config, {}, lambda errand: GOOGLE.issue(errand, "label", timedelta(), Secret(""))
    )


def answering(lab: Lab, method: str, answer: Answer) -> None:
    """Let IAM answer requests of this method so, whatever is asked."""
    google = lab.practice.google

    def site(ask: Ask) -> Answer:
        return answer if ask.method == method else google.answer(ask)

    lab.practice.serve("iam.googleapis.com", site)


async def test_an_account_with_all_rights_and_room_is_ready(lab: Lab) -> None:
    """Asked with two questions; nothing is made by them."""
    google = lab.practice.google
    other = google.make()
    config = lab.config(SLUG, changed={"service_account_json": Secret(google.account.text)})
    ready = await lab.rotators().run(config, {}, GOOGLE.ready)

    assert (ready.problems, ready.notes) == ((), ())
    assert (ready.handle, ready.others) == (google.account.key_id, (other.handle,))
    assert len(google.keyring) == 2


@pytest.mark.parametrize("right", KEY_RIGHTS[1:])
async def test_a_missing_right_is_named_before_anything_is_made(lab: Lab, right: str) -> None:
    """By the list itself, or by what Google tells anyone of their own rights."""
    lab.practice.google.rights.discard(right)
    ready = await lab.rotators().run(lab.config(SLUG), {}, GOOGLE.ready)

    assert len(ready.problems) == 1
    assert right in ready.problems[0]
    assert "Service Account Key Admin" in ready.problems[0]


async def test_ten_keys_are_too_many(lab: Lab) -> None:
    """The oldest are named, and none of them is deleted."""
    google = lab.practice.google
    config = lab.config(SLUG)
    for day in range(1, 10):
        google.keyring.add(f"{day}" * 40, f"a key of practice {day}").made_at = NOON - timedelta(
            days=100 - day
        )
    ready = await lab.rotators().run(config, {}, GOOGLE.ready)
    with pytest.raises(NotDone, match="has 10 already"):
        await issue(lab, config)

    assert "has 10 keys" in ready.problems[0]
    assert "11111111… of 2026-08-17, 22222222…" in ready.problems[0]
    assert len(google.keyring) == 10


async def test_a_policy_against_keys_is_explained(lab: Lab) -> None:
    """Google says the same as for a full account; only the details differ."""
    lab.practice.google.blocked = True
    with pytest.raises(NotDone, match="forbids keys for service accounts"):
        await issue(lab, lab.config(SLUG))

    assert len(lab.practice.google.keyring) == 1


async def test_a_disabled_api_is_explained(lab: Lab) -> None:
    """It is the project's, not the key's."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
    answering(lab, "GET", google_error(403, "PERMISSION_DENIED", info))
    ready = await lab.rotators().run(lab.config(SLUG), {}, GOOGLE.ready)

    assert "iam.googleapis.com" in ready.problems[0]


async def test_a_new_key_works_a_minute_after_it_was_made(lab: Lab) -> None:
    """The answer holds the whole file, once; a key has no end unless a policy sets one."""
    config, google = lab.config(SLUG), lab.practice.google
    made = await issue(lab, config)
    new = lab.config(SLUG, changed=dict(made.secrets))
    early = await lab.checker().check(new)
    lab.clock.skip(timedelta(seconds=60))
    later = await lab.checker().check(new)

    assert (early.verdict.value, later.verdict.value) == ("refused", "proven")
    assert made.handle == google.shown.handle
    assert (made.values, made.expires_at) == ({}, None)


@pytest.mark.parametrize(
    "answer",
    [
        as_json(200, {"name": "x", "privateKeyData": "not base64"}),
        as_json(200, {"name": "x", "privateKeyData": "e30="}),
        as_json(200, {}),
        as_text(200, "<html>"),
        as_json(503, {}),
        as_json(429, {}),
        as_json(302, {}),
    ],
)
async def test_an_answer_without_the_key_is_unclear(lab: Lab, answer: Answer) -> None:
    """One may have been made; it is asked about, not made again."""
    config = lab.config(SLUG)
    answering(lab, "POST", answer)
    with pytest.raises(Unclear):
        await issue(lab, config)

    posts = [one for one in lab.practice.log if "serviceAccounts" in one.path]
    assert len(posts) == 1


async def test_what_was_made_since_is_found(lab: Lab) -> None:
    """The key in force is not among it, nor is what was there a while before."""
    google = lab.practice.google
    config = lab.config(SLUG)
    google.keyring.add(OTHER, "an old key of practice").made_at = NOON - timedelta(hours=1)
    await issue(lab, config)
    found = await lab.rotators().run(
        config, {}, lambda errand: GOOGLE.labelled(errand, "label", NOON, lab.clock.now())
    )

    assert [one.handle for one in found] == [google.shown.handle]


async def test_a_key_is_stopped_started_and_deleted_by_the_other(lab: Lab) -> None:
    """A second time changes nothing and is no error."""
    config, google = lab.config(SLUG), lab.practice.google
    old = google.shown
    made = await issue(lab, config)
    lab.clock.skip(timedelta(seconds=60))
    new = lab.config(SLUG, changed=dict(made.secrets))
    run = lab.rotators().run

    await run(new, {}, lambda errand: GOOGLE.disable(errand, old.handle))
    stopped = (old.active, await run(new, {}, lambda errand: GOOGLE.listed(errand, old.handle)))
    await run(new, {}, lambda errand: GOOGLE.enable(errand, old.handle))
    started = (old.active, await run(new, {}, lambda errand: GOOGLE.listed(errand, old.handle)))
    for _ in range(2):
        await run(new, {}, lambda errand: GOOGLE.revoke(errand, old.handle))
    await run(new, {}, lambda errand: GOOGLE.disable(errand, old.handle))
    with pytest.raises(NotDone, match="was deleted"):
        await run(new, {}, lambda errand: GOOGLE.enable(errand, old.handle))

    assert (stopped, started) == ((False, False), (True, True))
    assert [held.handle for held in google.keyring] == [made.handle]


async def test_the_key_in_force_is_neither_stopped_nor_deleted(lab: Lab) -> None:
    """Nor is anything asked for that is no key's id."""
    config, google = lab.config(SLUG), lab.practice.google
    own, run = google.account.key_id, lab.rotators().run
    with pytest.raises(NotDone, match="in force"):
        await run(config, {}, lambda errand: GOOGLE.disable(errand, own))
    with pytest.raises(NotDone, match="in force"):
        await run(config, {}, lambda errand: GOOGLE.revoke(errand, own))
    with pytest.raises(NotDone, match="not the id"):
        await run(config, {}, lambda errand: GOOGLE.revoke(errand, f"../{own}"))

    assert google.shown.active


async def test_a_refusal_names_the_right(lab: Lab) -> None:
    """Sentences of our own, each with what is missing for it."""
    config = lab.config(SLUG)
    lab.practice.google.rights.clear()
    run = lab.rotators().run
    said = []
    for call in (
        lambda errand: GOOGLE.issue(errand, "label", timedelta(), Secret("")),
        lambda errand: GOOGLE.disable(errand, OTHER),
        lambda errand: GOOGLE.enable(errand, OTHER),
        lambda errand: GOOGLE.revoke(errand, OTHER),
        lambda errand: GOOGLE.labelled(errand, "label", NOON, lab.clock.now()),
    ):
        with pytest.raises(NotDone) as caught:
            await run(config, {}, call)
        said.append(str(caught.value))

    assert all(right in "".join(said) for right in KEY_RIGHTS[1:])
    assert await run(config, {}, lambda errand: GOOGLE.listed(errand, OTHER)) is None
