"""Secrets that are kept elsewhere: what is stored, what is sent where, and what is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.core.check import Cause, Verdict
from bot.core.health import Standing
from bot.core.image import Reference
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, Unseen
from bot.kinds.pull_login import PullLogin
from bot.references.allowed import parse
from bot.references.env import Environment
from bot.references.resolver import Resolver
from bot.store.schema import AuditEvent, Credential, Draft, Registry
from bot.usecases import (
    checking,
    drafts,
    looking,
    pull_secrets,
    references,
    registries,
    rotating,
    rotation_policies,
)
from bot.usecases.deps import Deps
from bot.usecases.minting import Mint
from bot.usecases.rotation_policies import Wanted
from bot.usecases.rotation_switch import Plan
from bot.usecases.rotations import tick_rotations
from bot.usecases.watch import Watch
from tests.factories import (
    ALICE,
    NOW,
    ScriptedLooks,
    add,
    checker_of,
    clock_of,
    generic,
    proven,
    refused,
    same_host,
)
from tests.kinds.test_form import service_account
from tests.usecases.cloud import no_rotators

ALLOWED = "env:REG_* @ harbor-team.example.com"
VALUE, NEXT = "the value of the variable", "the next value of the variable"


@pytest.fixture
def variables() -> dict[str, str]:
    return {"REG_TEAM": VALUE, "REG_OTHER": "another value there", "ENCRYPTION_KEYS": "k1:secret"}


@pytest.fixture
def deps(deps: Deps, variables: dict[str, str]) -> Deps:
    return following(deps, variables)


def following(deps: Deps, variables: Mapping[str, str], allowed: str = ALLOWED) -> Deps:
    schemes = {"env": Environment(variables, {"ENCRYPTION_KEYS"})}
    return replace(deps, references=Resolver(parse(allowed), schemes))


def referring(name: str = "harbor-team", **changes: str) -> drafts.Answers:
    return generic(name, **{"password": "env:REG_TEAM", **changes})


async def held(deps: Deps, name: str = "harbor-team") -> Credential:
    async with deps.store.reading() as session:
        wanted = (
            select(Credential)
            .join(Registry, col(Registry.id) == col(Credential.registry_id))
            .where(col(Registry.name) == name, col(Credential.state) == "current")
        )
        return (await session.exec(wanted)).one()


async def row_of(deps: Deps, name: str = "harbor-team") -> Registry:
    async with deps.store.reading() as session:
        return (await session.exec(select(Registry).where(col(Registry.name) == name))).one()


async def checked_in_an_hour(deps: Deps) -> None:
    """When a registry is checked first depends on its id, which is made by chance."""
    async with deps.store.transaction() as session:
        row = (await session.exec(select(Registry))).one()
        row.next_check_at = clock_of(deps).now() + timedelta(hours=1)
        session.add(row)


class Pulls:
    """Gives the stored login, as a registry with a password does."""

    async def of(self, config: object) -> PullLogin:
        return PullLogin("ci", config.secrets["password"])  # type: ignore[attr-defined]


async def test_a_reference_is_followed_and_stored_in_place_of_its_secret(deps: Deps) -> None:
    """The registry is asked with the value; what is stored is the reference, and no value."""
    await add(deps, answers=referring())

    assert checker_of(deps).seen[-1].secrets == {"password": Secret(VALUE)}
    kept = await held(deps)
    assert kept.blob is not None
    shown = await registries.show(deps, ALICE, "harbor-team")
    assert shown.credential is not None
    assert shown.credential.sources == ("env:REG_TEAM",)
    async with deps.store.reading() as session:
        drafted = (await session.exec(select(Draft))).all()
    stored = [kept.source, *(one.answers_json + one.secrets_json for one in drafted)]
    assert not any(VALUE in text for text in stored)


async def test_its_fingerprint_is_that_of_the_value(deps: Deps) -> None:
    """So that a registry with the same secret typed is known to share it."""
    await add(deps, answers=referring())
    await add(deps, answers=generic("typed", url="https://harbor-team.example.com",
                                    path_scope="x", password=VALUE))  # fmt: skip

    assert (await held(deps)).fingerprint == (await held(deps, "typed")).fingerprint


async def test_without_references_what_looks_like_one_is_refused(deps: Deps) -> None:
    """The sentence is on the field, and nothing was asked or stored."""
    off = following(deps, {}, "")

    with pytest.raises(InvalidInput) as raised:
        await drafts.begin(off, ALICE, referring())

    assert "SECRET_REFERENCES" in raised.value.fields["password"]
    assert checker_of(deps).seen == []


@pytest.mark.parametrize("text", ["env:ENCRYPTION_KEYS", "env:REG_ABSENT", "file:/etc/passwd"])
async def test_what_is_not_there_or_not_allowed_is_said_at_once(deps: Deps, text: str) -> None:
    """On its field, before anything is kept."""
    with pytest.raises(InvalidInput) as raised:
        await drafts.begin(deps, ALICE, referring(password=text))

    assert raised.value.fields.keys() == {"password"}


async def test_a_reference_is_never_followed_for_another_host(deps: Deps) -> None:
    """An allowed reference typed for a server of one's own is refused, and nothing is sent."""
    with pytest.raises(InvalidInput) as raised:
        await drafts.begin(deps, ALICE, referring(url="https://evil.example.com"))

    assert "evil.example.com" in raised.value.fields["password"]
    assert checker_of(deps).seen == []


async def test_an_edit_cannot_take_a_reference_to_another_host(deps: Deps) -> None:
    """Neither by leaving the secret blank nor by typing the reference again."""
    await add(deps, answers=referring())
    for password in ("", "env:REG_TEAM"):
        moved = referring(url="https://evil.example.com", password=password)
        with pytest.raises(InvalidInput) as raised:
            await drafts.begin(deps, ALICE, moved, name_of_edited="harbor-team", version=1)

        assert "password" in raised.value.fields
    assert {config.host for config in checker_of(deps).seen} == {"harbor-team.example.com"}


async def test_a_row_that_was_moved_in_the_database_is_not_followed(deps: Deps) -> None:
    """Also whoever can write to the database gets no value to another host."""
    await add(deps, answers=referring())
    async with deps.store.transaction() as session:
        row = (await session.exec(select(Registry))).one()
        row.url, row.host = "https://evil.example.com", "evil.example.com"
        session.add(row)

    _, result = await checking.check_registry(deps, ALICE, "harbor-team")

    assert result.verdict is Verdict.UNRESOLVED
    assert len(checker_of(deps).seen) == 1


async def test_another_workspace_has_its_own_references(
    deps: Deps, variables: dict[str, str]
) -> None:
    """An entry that names a workspace leads nowhere for the people of another."""
    theirs = following(deps, variables, f"{ALLOWED} in TOTHER")

    with pytest.raises(InvalidInput):
        await drafts.begin(theirs, ALICE, referring())


async def test_an_edit_keeps_the_reference_and_says_so(deps: Deps) -> None:
    """The form is told where the secret comes from; blank keeps it."""
    await add(deps, answers=referring())
    view = await drafts.open_edit(deps, ALICE, "harbor-team")
    assert view.has_secrets == {"password"}
    assert view.sources == {"password": "env:REG_TEAM"}

    blank = referring(password="", description="changed")
    draft = await drafts.begin(deps, ALICE, blank, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, ALICE, draft)

    assert json.loads((await held(deps)).source) == {"password": "env:REG_TEAM"}
    assert checker_of(deps).seen[-1].secrets == {"password": Secret(VALUE)}


async def test_a_correction_keeps_the_reference_that_was_typed(deps: Deps) -> None:
    """After a refusal the reference is still there, like any secret that was typed."""
    checker_of(deps).answers = [refused()]
    first = await drafts.begin(deps, ALICE, referring())
    await drafts.try_draft(deps, ALICE, first)
    assert (await drafts.load(deps, ALICE, first)).sources == {"password": "env:REG_TEAM"}

    second = await drafts.begin(deps, ALICE, referring(password=""), draft_id=first)
    await drafts.save_anyway(deps, ALICE, second)

    assert (await held(deps)).source == '{"password": "env:REG_TEAM"}'


async def test_a_test_by_a_person_uses_the_value_of_now(
    deps: Deps, variables: dict[str, str]
) -> None:
    """What is stored is where to look, so a changed value is tested and noted."""
    await add(deps, answers=referring())
    before = (await held(deps)).fingerprint
    variables["REG_TEAM"] = NEXT

    _, result = await checking.check_registry(deps, ALICE, "harbor-team")

    assert result.verdict is Verdict.PROVEN
    assert checker_of(deps).seen[-1].secrets == {"password": Secret(NEXT)}
    assert (await held(deps)).fingerprint != before


async def test_a_reference_that_leads_nowhere_condemns_nothing(
    deps: Deps, variables: dict[str, str]
) -> None:
    """A verdict of its own that names the reference; the credential stays proven."""
    await add(deps, answers=referring())
    del variables["REG_TEAM"]

    view, result = await checking.check_registry(deps, ALICE, "harbor-team")

    assert (result.verdict, result.cause) == (Verdict.UNRESOLVED, Cause.REFERENCE)
    assert "env:REG_TEAM" in result.sentence
    assert view.standing is Standing.DOUBTFUL
    assert (await held(deps)).proven
    assert len(checker_of(deps).seen) == 1


async def test_the_watch_tests_a_changed_value_soon(deps: Deps, variables: dict[str, str]) -> None:
    """The change is noticed between two regular checks, tested with the new value, and audited."""
    await add(deps, answers=referring())
    clock_of(deps).skip(timedelta(minutes=3))
    assert await references.tick_references(deps) == 0
    variables["REG_TEAM"] = NEXT

    assert await references.tick_references(deps) == 1
    watch = Watch(deps)
    await watch.tick()
    await watch.drain()

    assert checker_of(deps).seen[-1].secrets == {"password": Secret(NEXT)}
    kept = await held(deps)
    assert kept.proven
    assert kept.stored_at == NOW + timedelta(minutes=3)
    assert await references.tick_references(deps) == 0
    async with deps.store.reading() as session:
        deeds = [one.action for one in await session.exec(select(AuditEvent))]
    assert deeds.count("referenced_secret_changed") == 1


async def test_the_watch_retests_with_the_value_of_now(
    deps: Deps, variables: dict[str, str]
) -> None:
    """Also when a regular check comes before the change was noticed."""
    await add(deps, answers=referring())
    variables["REG_TEAM"] = NEXT
    clock_of(deps).skip(timedelta(hours=2))
    watch = Watch(deps)

    await watch.tick()
    await watch.drain()

    assert checker_of(deps).seen[-1].secrets == {"password": Secret(NEXT)}
    assert await references.tick_references(deps) == 0


async def test_a_new_value_is_tried_although_the_old_one_was_condemned(
    deps: Deps, variables: dict[str, str]
) -> None:
    """The guard against lock-outs holds back a secret that was refused, not the next one."""
    await add(deps, answers=referring())
    checker_of(deps).answers = [refused(cause=Cause.REVOKED, explicit=True)]
    watch = Watch(deps)
    for _ in range(3):
        clock_of(deps).skip(timedelta(hours=2))
        await watch.tick()
    assert (await row_of(deps)).verdict == Verdict.REFUSED
    asked = len(checker_of(deps).seen)

    variables["REG_TEAM"] = NEXT
    assert await references.tick_references(deps) == 1
    await watch.tick()
    await watch.drain()

    assert len(checker_of(deps).seen) == asked + 1


async def test_the_watch_says_when_a_reference_stops_leading_anywhere(
    deps: Deps, variables: dict[str, str]
) -> None:
    """It is checked soon, is unresolved, and is proven again once the secret is back."""
    await add(deps, answers=referring())
    watch = Watch(deps)
    del variables["REG_TEAM"]
    await checked_in_an_hour(deps)

    assert await references.tick_references(deps) == 1
    await watch.tick()
    assert (await row_of(deps)).verdict == Verdict.UNRESOLVED
    assert await references.tick_references(deps) == 0

    variables["REG_TEAM"] = VALUE
    clock_of(deps).skip(timedelta(minutes=3))
    await watch.tick()
    await watch.drain()
    assert (await row_of(deps)).verdict == Verdict.PROVEN
    assert [config.secrets for config in checker_of(deps).seen] == [
        {"password": Secret(VALUE)},
        {"password": Secret(VALUE)},
    ]


async def test_one_lost_reference_harms_no_neighbour(deps: Deps, variables: dict[str, str]) -> None:
    """Registries of one account are checked together; the one that has its secret is proven."""
    await add(deps, answers=referring())
    await add(deps, answers=referring("beside", url="https://harbor-team.example.com",
                                      path_scope="beside", password="env:REG_OTHER"))  # fmt: skip
    del variables["REG_TEAM"]
    clock_of(deps).skip(timedelta(hours=2))
    watch = Watch(deps)

    await watch.tick()
    await watch.drain()

    assert (await row_of(deps)).verdict == Verdict.UNRESOLVED
    assert (await row_of(deps, "beside")).verdict == Verdict.PROVEN


async def test_images_and_pull_secrets_follow_it(deps: Deps) -> None:
    """Looking at an image and the login of a cluster take the value of the moment."""
    await add(deps, answers=referring())
    looks = ScriptedLooks()
    image = Reference.parse("harbor-team.example.com/team/app:1")
    await looking.see_image(deps, looks, ALICE, "harbor-team", image)

    found = await pull_secrets.collect(deps, Mint(deps, Pulls()), ALICE)

    assert looks.asked[0][0].secrets == {"password": Secret(VALUE)}
    assert [entry.login.password for entry in found.entries] == [Secret(VALUE)]


async def test_a_lost_reference_gives_no_image_and_no_login(
    deps: Deps, variables: dict[str, str]
) -> None:
    """The sentence names it, and no registry is asked."""
    await add(deps, answers=referring())
    del variables["REG_TEAM"]
    looks = ScriptedLooks()

    image = Reference.parse("harbor-team.example.com/team/app:1")
    with pytest.raises(Unseen, match="env:REG_TEAM"):
        await looking.see_image(deps, looks, ALICE, "harbor-team", image)
    found = await pull_secrets.collect(deps, Mint(deps, Pulls()), ALICE)

    assert looks.asked == []
    [(name, why)] = found.left_out
    assert name == "harbor-team"
    assert "env:REG_TEAM" in why


async def test_rotating_says_who_changes_it(deps: Deps) -> None:
    """A secret that is kept elsewhere is rotated there; the form says so before anything is typed."""
    await add(deps, answers=referring())

    with pytest.raises(Conflict, match="env:REG_TEAM: whoever keeps it changes it there"):
        await rotating.open_form(deps, ALICE, "harbor-team")
    secrets = {"password": Secret(NEXT)}
    with pytest.raises(Conflict, match="env:REG_TEAM"):
        await rotating.begin(deps, ALICE, "harbor-team", 1, {}, secrets, Plan())


async def test_a_typed_secret_is_rotated_to_a_reference(deps: Deps) -> None:
    """The new credential may be a reference, for all that share the old one."""
    await add(deps)
    await add(deps, answers=same_host("beside"))

    secrets = {"password": Secret("env:REG_TEAM")}
    draft = await rotating.begin(deps, ALICE, "harbor-team", 1, {}, secrets, Plan())
    outcome = await drafts.try_draft(deps, ALICE, draft)

    assert outcome.rotation
    for name in ("harbor-team", "beside"):
        assert (await held(deps, name)).source == '{"password": "env:REG_TEAM"}'


async def test_a_rotation_leaves_references_that_share_the_secret_alone(deps: Deps) -> None:
    """They follow their own reference; a typed secret does not take its place."""
    await add(deps, answers=generic(password=VALUE))
    beside = same_host("beside")
    await add(deps, answers=replace(beside, secrets={"password": Secret("env:REG_TEAM")}))

    secrets = {"password": Secret("a new one that was typed")}
    draft = await rotating.begin(deps, ALICE, "harbor-team", 1, {}, secrets, Plan())
    await drafts.try_draft(deps, ALICE, draft)

    assert (await held(deps, "beside")).source == '{"password": "env:REG_TEAM"}'
    assert (await held(deps)).source == ""


async def test_what_vanished_between_form_and_save_is_not_saved(
    deps: Deps, variables: dict[str, str]
) -> None:
    """A conflict with a sentence, not a registry without a secret."""
    draft = await drafts.begin(deps, ALICE, referring())
    del variables["REG_TEAM"]

    with pytest.raises(Conflict, match="env:REG_TEAM"):
        await drafts.try_draft(deps, ALICE, draft)
    with pytest.raises(Conflict, match="env:REG_TEAM"):
        await drafts.save_anyway(deps, ALICE, draft)


async def test_the_doctor_lists_what_leads_where(deps: Deps, variables: dict[str, str]) -> None:
    """One line a reference, with what is wrong with it; registries with a secret are left out."""
    await add(deps, answers=referring())
    await add(deps, answers=generic("typed"))
    assert await references.survey(deps, ALICE.team_id) == [
        references.Place("harbor-team", "env:REG_TEAM")
    ]
    assert await references.survey(deps, "TOTHER") == []

    del variables["REG_TEAM"]

    [place] = await references.survey(deps, ALICE.team_id)
    assert "started without this variable" in place.problem


async def test_rotating_by_itself_is_refused_with_the_same_words(deps: Deps) -> None:
    """Neither a policy nor a start of one; the view says why."""
    await add(deps, answers=referring())
    rotators = no_rotators(deps.clock)

    view = await rotation_policies.view(deps, rotators, ALICE, "harbor-team")
    told = await rotation_policies.diagnose(deps, rotators, ALICE, "harbor-team")

    assert "env:REG_TEAM: whoever keeps it changes it there" in view.unsuited
    assert told.problems == (view.unsuited,)
    wanted = Wanted(enabled=True, at_age_days=30)
    with pytest.raises(Conflict, match="env:REG_TEAM"):
        await rotation_policies.change(deps, rotators, ALICE, "harbor-team", 0, wanted, {})
    with pytest.raises(Conflict, match="env:REG_TEAM"):
        await rotation_policies.rotate_now(deps, rotators, ALICE, "harbor-team")


async def test_a_key_of_another_identity_is_not_used(deps: Deps, variables: dict[str, str]) -> None:
    """A service account key tells whose it is: another account's is a change for a person to make."""
    host = "europe-west1-docker.pkg.dev"
    variables["REG_GCP"] = service_account()
    gcp = following(deps, variables, f"env:REG_* @ {host}")
    public = {
        **referring("gcp").public,
        "url": f"https://{host}",
        "region": "europe-west1",
        "path_scope": "acme-prod/images",
    }
    secrets = {"service_account_json": Secret("env:REG_GCP")}
    answers = drafts.Answers("gcp_artifact_registry", "service_account", public, secrets)
    saved = await add(gcp, answers=answers)
    assert saved.credential is not None
    assert saved.credential.login == json.loads(variables["REG_GCP"])["client_email"]
    variables["REG_GCP"] = service_account(client_email="other@acme-prod.iam.gserviceaccount.com")

    _, result = await checking.check_registry(gcp, ALICE, "gcp")

    assert result.verdict is Verdict.UNRESOLVED
    assert "another identity" in result.sentence
    assert len(checker_of(gcp).seen) == 1


async def test_a_rotation_to_a_reference_waits_for_its_time_and_sees_the_old_one_dead(
    deps: Deps, variables: dict[str, str]
) -> None:
    """The next credential is followed when its time comes, and beside each try of the old one."""
    await add(deps)
    plan = Plan(switch_at=NOW + timedelta(hours=1))
    secrets = {"password": Secret("env:REG_TEAM")}
    draft = await rotating.begin(deps, ALICE, "harbor-team", 1, {}, secrets, plan)
    await drafts.try_draft(deps, ALICE, draft)
    assert (await held(deps)).source == ""
    variables["REG_TEAM"] = NEXT
    rotators = no_rotators(deps.clock)

    clock_of(deps).skip(timedelta(minutes=61))
    await tick_rotations(deps, rotators)
    assert (await held(deps)).source == '{"password": "env:REG_TEAM"}'
    assert checker_of(deps).seen[-1].secrets == {"password": Secret(NEXT)}

    seen = len(checker_of(deps).seen)
    checker_of(deps).answers = [proven(), refused(cause=Cause.REVOKED, explicit=True)]
    clock_of(deps).skip(timedelta(hours=25))
    for _ in range(3):
        await tick_rotations(deps, rotators)
        clock_of(deps).skip(timedelta(days=8))
    tried = [config.secrets["password"] for config in checker_of(deps).seen[seen:]]
    assert tried[:2] == [Secret(NEXT), Secret("correct horse")]
