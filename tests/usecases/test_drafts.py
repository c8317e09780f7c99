"""Adding and editing through drafts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from bot.core.check import CheckResult, Expiry, Progress, StageResult, Verdict
from bot.core.config import Config
from bot.core.secret import Secret
from bot.errors import Conflict, InvalidInput, NotAllowed, NotFound, Overtaken
from bot.store.schema import Credential
from bot.usecases import drafts, registries, workspaces
from bot.usecases.deps import Deps
from bot.usecases.drafts import Answers
from tests.factories import (
    ALICE,
    BOB,
    MALLORY,
    NOW,
    ScriptedChecker,
    add,
    checker_of,
    clock_of,
    deps_on,
    generic,
    proven,
    refused,
    stored,
    unproven,
    unreachable,
)


async def test_a_proven_draft_is_saved(deps: Deps) -> None:
    """Trying a good credential makes a registry that everyone of the workspace sees."""
    draft_id = await drafts.begin(deps, ALICE, generic())

    outcome = await drafts.try_draft(deps, ALICE, draft_id)

    assert outcome.saved is not None
    assert outcome.saved.version == 1
    shown = await registries.show(deps, BOB, "harbor-team")
    assert shown.verdict is Verdict.PROVEN
    assert shown.credential is not None
    assert shown.credential.proven
    assert shown.last_check is not None
    assert shown.last_check.stages == proven().stages


async def test_nothing_is_listed_before_the_draft_is_saved(deps: Deps) -> None:
    """A draft is nobody's registry yet."""
    await drafts.begin(deps, ALICE, generic())

    assert (await registries.counters(deps, ALICE)).total == 0
    with pytest.raises(NotFound):
        await registries.show(deps, ALICE, "harbor-team")


async def test_a_refused_draft_waits_without_being_saved(deps: Deps) -> None:
    """A refusal saves nothing, and the answers are still there to be corrected."""
    checker_of(deps).answers = [refused()]
    draft_id = await drafts.begin(deps, ALICE, generic())

    outcome = await drafts.try_draft(deps, ALICE, draft_id)

    assert outcome.saved is None
    view = await drafts.load(deps, ALICE, draft_id)
    assert view.answers.public["username"] == "ci"
    assert view.answers.secrets == {}
    assert view.has_secrets == {"password"}
    assert (await registries.counters(deps, ALICE)).total == 0


async def test_a_correction_need_not_type_the_secret_again(deps: Deps) -> None:
    """The secret of the earlier draft is used for the corrected one, on another host too."""
    checker_of(deps).answers = [refused(), proven()]
    first = await drafts.begin(deps, ALICE, generic(url="https://tpyo.example.com"))
    await drafts.try_draft(deps, ALICE, first)

    second = await drafts.begin(deps, ALICE, generic(password=""), draft_id=first)
    outcome = await drafts.try_draft(deps, ALICE, second)

    assert outcome.saved is not None
    assert checker_of(deps).seen[-1].secrets == {"password": Secret("correct horse")}
    assert checker_of(deps).seen[-1].url == "https://harbor-team.example.com"


async def test_save_anyway_is_marked_not_proven(deps: Deps) -> None:
    """What could not be proven may be kept, and says so."""
    checker_of(deps).answers = [unproven()]

    saved = await stored(deps)

    assert saved.verdict is Verdict.UNPROVEN
    assert saved.needs_attention
    assert saved.credential is not None
    assert not saved.credential.proven


async def test_save_anyway_twice_saves_once(deps: Deps) -> None:
    """The second click gets the same registry."""
    checker_of(deps).answers = [refused()]
    draft_id = await drafts.begin(deps, ALICE, generic())
    await drafts.try_draft(deps, ALICE, draft_id)

    first = await drafts.save_anyway(deps, ALICE, draft_id)
    second = await drafts.save_anyway(deps, ALICE, draft_id)

    assert first == second
    assert (await registries.counters(deps, ALICE)).total == 1


async def test_two_tries_at_once_check_once(deps: Deps) -> None:
    """Of a double click, the second is told that the check is running."""
    draft_id = await drafts.begin(deps, ALICE, generic())

    answers = await asyncio.gather(
        drafts.try_draft(deps, ALICE, draft_id),
        drafts.try_draft(deps, ALICE, draft_id),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Outcome"]
    assert len(checker_of(deps).seen) == 1


async def test_a_saved_draft_is_not_tried_again(deps: Deps) -> None:
    """A late retry of the submission is told that it is saved."""
    draft_id = await drafts.begin(deps, ALICE, generic())
    await drafts.try_draft(deps, ALICE, draft_id)

    with pytest.raises(Conflict, match="saved already"):
        await drafts.try_draft(deps, ALICE, draft_id)


async def test_a_draft_expires_after_fifteen_minutes(deps: Deps) -> None:
    """Then even the person who typed it gets a clear answer."""
    draft_id = await drafts.begin(deps, ALICE, generic())
    clock_of(deps).skip(timedelta(minutes=15))

    with pytest.raises(NotFound, match="15 minutes"):
        await drafts.load(deps, ALICE, draft_id)


async def test_a_draft_belongs_to_the_person_who_typed_it(deps: Deps) -> None:
    """Neither a colleague nor a stranger may load, try or save it."""
    colleague = replace(ALICE, user_id="UCAROL")
    draft_id = await drafts.begin(deps, ALICE, generic())

    for other in (colleague, MALLORY):
        with pytest.raises(NotFound):
            await drafts.load(deps, other, draft_id)
        with pytest.raises(NotFound):
            await drafts.try_draft(deps, other, draft_id)
        with pytest.raises(NotFound):
            await drafts.save_anyway(deps, other, draft_id)


async def test_a_discarded_draft_is_gone(deps: Deps) -> None:
    """Cancel forgets the answers and the secret at once."""
    draft_id = await drafts.begin(deps, ALICE, generic())

    await drafts.discard(deps, ALICE, draft_id)

    with pytest.raises(NotFound):
        await drafts.load(deps, ALICE, draft_id)


async def test_a_member_may_not_add(deps: Deps) -> None:
    """The refusal names who can help."""
    with pytest.raises(NotAllowed, match="Nobody has said yet who they are"):
        await drafts.begin(deps, BOB, generic())


async def test_a_named_manager_may_add(deps: Deps) -> None:
    """Whom the settings name is a manager without being an admin."""
    before = await workspaces.settings(deps, ALICE)
    await workspaces.change_settings(deps, ALICE, replace(before, manager_users=(BOB.user_id,)))

    assert (await add(deps, BOB)).created_by == BOB.user_id


async def test_all_wrong_fields_are_told_at_once(deps: Deps) -> None:
    """The form shows every problem on its field, not one after the other."""
    with pytest.raises(InvalidInput) as caught:
        await drafts.begin(deps, ALICE, generic(url="ftp://x", name="", expires_on="soon"))

    assert set(caught.value.fields) == {"url", "name", "expires_on"}


async def test_a_taken_name_is_told_on_its_field(deps: Deps) -> None:
    """And the sentence says which registry has it."""
    await add(deps)

    with pytest.raises(InvalidInput) as caught:
        await drafts.begin(deps, ALICE, generic(url="https://other.example.com"))

    assert "harbor-team.example.com" in caught.value.fields["name"]


async def test_the_same_place_and_login_is_told_with_the_name(deps: Deps) -> None:
    """Two registrations of one account on one host and scope are one too many."""
    await add(deps)
    again = generic("second", url="https://harbor-team.example.com")

    with pytest.raises(InvalidInput) as caught:
        await drafts.begin(deps, ALICE, again)

    assert "harbor-team is registered" in caught.value.fields["url"]


async def test_another_workspace_may_use_the_same_name(deps: Deps) -> None:
    """Workspaces know nothing of each other."""
    await add(deps, ALICE)

    assert (await add(deps, MALLORY)).name == "harbor-team"


async def test_an_edit_with_a_blank_secret_keeps_the_stored_one(deps: Deps) -> None:
    """And the age of the credential goes on, because it is the same one."""
    await add(deps)
    clock_of(deps).skip(timedelta(days=10))
    edited = generic(password="", description="For the team")

    draft_id = await drafts.begin(deps, ALICE, edited, name_of_edited="harbor-team", version=1)
    saved = (await drafts.try_draft(deps, ALICE, draft_id)).saved

    assert saved is not None
    assert saved.version == 2
    assert saved.details.description == "For the team"
    assert saved.credential is not None
    assert saved.credential.stored_at == NOW
    assert checker_of(deps).seen[-1].secrets == {"password": Secret("correct horse")}


async def test_a_stored_secret_is_not_sent_to_another_host(deps: Deps) -> None:
    """Editing the URL needs the secret again: else an editor could read it on a server of theirs."""
    await add(deps)
    moved = generic(password="", url="https://evil.example.net")

    with pytest.raises(InvalidInput) as caught:
        await drafts.begin(deps, ALICE, moved, name_of_edited="harbor-team", version=1)

    assert "belongs to harbor-team.example.com" in caught.value.fields["password"]


async def test_a_stored_secret_is_not_laundered_through_a_draft(deps: Deps) -> None:
    """A correction that moves the host does not carry the stored secret there either."""
    checker_of(deps).answers = [proven(), refused()]
    await add(deps)
    edit = generic(password="", description="x")
    first = await drafts.begin(deps, ALICE, edit, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, ALICE, first)
    moved = generic(password="", url="https://evil.example.net")

    with pytest.raises(InvalidInput):
        await drafts.begin(
            deps, ALICE, moved, name_of_edited="harbor-team", version=1, draft_id=first
        )


async def test_a_new_credential_that_fails_leaves_the_old_in_force(deps: Deps) -> None:
    """Until it is proven, or saved anyway, checks use the old one."""
    checker_of(deps).answers = [proven(), refused(), proven()]
    await add(deps)
    edit = generic(password="mistyped")
    draft_id = await drafts.begin(deps, ALICE, edit, name_of_edited="harbor-team", version=1)

    outcome = await drafts.try_draft(deps, ALICE, draft_id)

    assert outcome.saved is None
    shown = await registries.show(deps, ALICE, "harbor-team")
    assert shown.verdict is Verdict.PROVEN
    assert shown.version == 1
    assert shown.last_check is not None
    assert shown.last_check.verdict is Verdict.PROVEN


async def test_a_proven_new_credential_replaces_the_old(deps: Deps) -> None:
    """It has another fingerprint and a new age."""
    before = await add(deps)
    clock_of(deps).skip(timedelta(days=1))
    edit = generic(password="battery staple")
    draft_id = await drafts.begin(deps, ALICE, edit, name_of_edited="harbor-team", version=1)

    saved = (await drafts.try_draft(deps, ALICE, draft_id)).saved

    assert saved is not None
    assert saved.credential is not None
    assert before.credential is not None
    assert saved.credential.fingerprint != before.credential.fingerprint
    assert saved.credential.stored_at == NOW + timedelta(days=1)


async def test_the_second_of_two_editors_is_told_who_changed_what(deps: Deps) -> None:
    """Nothing is overwritten in silence."""
    await add(deps)
    carol = replace(ALICE, user_id="UCAROL")
    hers = generic(password="", description="hers")
    draft_id = await drafts.begin(deps, carol, hers, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, carol, draft_id)

    with pytest.raises(Conflict, match=r"<@UCAROL> edited it at 14:02 UTC.*\(description\)"):
        await drafts.begin(
            deps, ALICE, generic(password=""), name_of_edited="harbor-team", version=1
        )


async def test_answers_of_an_overtaken_edit_are_kept_for_the_newer_version(deps: Deps) -> None:
    """The slower one types nothing twice, the secret least of all, and saves on purpose only."""
    await add(deps)
    carol = replace(ALICE, user_id="UCAROL")
    hers = generic(password="", description="hers")
    first = await drafts.begin(deps, carol, hers, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, carol, first)
    mine = generic(password="typed by alice", description="mine")
    with pytest.raises(Overtaken) as caught:
        await drafts.begin(deps, ALICE, mine, name_of_edited="harbor-team", version=1)
    kept = caught.value.draft_id
    with pytest.raises(Overtaken):
        await drafts.save_anyway(deps, ALICE, kept)

    view = await drafts.reopen(deps, ALICE, kept)

    assert (view.editing, view.version) == ("harbor-team", 2)
    assert view.has_secrets == {"password"}
    assert view.answers.public["description"] == "mine"
    again = await drafts.begin(
        deps,
        ALICE,
        generic(password="", description="mine"),
        name_of_edited="harbor-team",
        version=2,
        draft_id=kept,
    )
    saved = (await drafts.try_draft(deps, ALICE, again)).saved
    assert saved is not None
    assert (saved.version, saved.details.description) == (3, "mine")
    assert checker_of(deps).seen[-1].secrets["password"].reveal() == "typed by alice"


async def test_overtaken_answers_are_their_authors_for_15_minutes(deps: Deps) -> None:
    """Nobody else opens them, and later nobody does."""
    await add(deps)
    carol = replace(ALICE, user_id="UCAROL")
    hers = generic(password="", description="hers")
    first = await drafts.begin(deps, carol, hers, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, carol, first)
    with pytest.raises(Overtaken) as caught:
        await drafts.begin(
            deps, ALICE, generic(password=""), name_of_edited="harbor-team", version=1
        )

    with pytest.raises(NotFound):
        await drafts.reopen(deps, carol, caught.value.draft_id)
    clock_of(deps).skip(timedelta(minutes=15))
    with pytest.raises(NotFound, match="gone"):
        await drafts.reopen(deps, ALICE, caught.value.draft_id)


async def test_an_edit_that_loses_the_race_during_its_check_changes_nothing(deps: Deps) -> None:
    """Both drafts were begun at the same version; the later save is refused."""
    await add(deps)
    carol = replace(ALICE, user_id="UCAROL")
    hers = generic(password="", description="hers")
    mine = generic(password="", description="mine")
    first = await drafts.begin(deps, carol, hers, name_of_edited="harbor-team", version=1)
    second = await drafts.begin(deps, ALICE, mine, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, carol, first)

    with pytest.raises(Conflict, match="<@UCAROL>"):
        await drafts.try_draft(deps, ALICE, second)

    shown = await registries.show(deps, ALICE, "harbor-team")
    assert shown.details.description == "hers"


async def test_a_name_taken_during_the_check_is_a_conflict(deps: Deps) -> None:
    """Two people add the same name at once; one gets it, the other keeps the draft."""
    carol = replace(ALICE, user_id="UCAROL")
    first = await drafts.begin(deps, ALICE, generic())
    second = await drafts.begin(deps, carol, generic(url="https://b.example.com"))
    await drafts.try_draft(deps, ALICE, first)

    with pytest.raises(Conflict, match="already a registry of this name"):
        await drafts.try_draft(deps, carol, second)

    assert (await drafts.load(deps, carol, second)).has_secrets == {"password"}


async def test_the_form_of_an_edit_is_filled_without_secrets(deps: Deps) -> None:
    """It says which secrets are stored, and never what they are."""
    await add(deps)

    view = await drafts.open_edit(deps, ALICE, "harbor-team")

    assert view.answers.public["username"] == "ci"
    assert view.answers.secrets == {}
    assert view.has_secrets == {"password"}
    assert (view.editing, view.version) == ("harbor-team", 1)
    assert "correct horse" not in repr(view)


async def test_a_date_typed_by_a_person_is_kept_as_theirs(deps: Deps) -> None:
    """Until the provider tells its own, the expiry's source is the person."""
    saved = await add(deps, answers=generic(expires_on="2027-01-31"))

    assert saved.credential is not None
    assert saved.credential.expiry == Expiry(
        datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC), "person"
    )


async def test_the_providers_expiry_beats_the_persons(deps: Deps) -> None:
    """The provider knows better."""
    told = Expiry(NOW + timedelta(days=14), "provider")
    checker_of(deps).answers = [proven(expiry=told)]

    saved = await add(deps, answers=generic(expires_on="2027-01-31"))

    assert saved.credential is not None
    assert saved.credential.expiry == told


async def test_an_anonymous_registry_shows_no_credential(deps: Deps) -> None:
    """It signs in as nobody, so there is nothing to show."""
    answers = Answers("generic", "anonymous", generic(password="").public)
    checker_of(deps).answers = [unproven()]

    saved = await stored(deps, answers=answers)

    assert saved.credential is None
    assert saved.broken == ""


async def test_progress_is_passed_on(deps: Deps) -> None:
    """The stages reach whoever asked for them."""
    seen: list[tuple[StageResult, ...]] = []
    draft_id = await drafts.begin(deps, ALICE, generic())

    await drafts.try_draft(deps, ALICE, draft_id, seen.append)

    assert seen == [proven().stages]


async def test_an_unreachable_draft_can_be_tried_again_at_once(deps: Deps) -> None:
    """The claim of the first try ends with it."""
    checker_of(deps).answers = [unreachable(), proven()]
    draft_id = await drafts.begin(deps, ALICE, generic())
    await drafts.try_draft(deps, ALICE, draft_id)

    assert (await drafts.try_draft(deps, ALICE, draft_id)).saved is not None


async def test_a_correction_after_fifteen_minutes_asks_for_the_secret(deps: Deps) -> None:
    """It says why, on the field; everything else that was typed is still in the form."""
    first = await drafts.begin(deps, ALICE, generic())
    clock_of(deps).skip(timedelta(minutes=16))

    with pytest.raises(InvalidInput) as caught:
        await drafts.begin(deps, ALICE, generic(password=""), draft_id=first)

    assert caught.value.fields == {
        "password": "Type it again: what you typed before was kept for 15 minutes."
    }


async def test_a_draft_discarded_during_its_check_is_not_saved(deps: Deps) -> None:
    """Cancel means cancel, even when the answer would have been good."""

    class Cancelling(ScriptedChecker):
        async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
            await drafts.discard(deps, ALICE, draft_id)
            return proven(at=NOW)

    draft_id = await drafts.begin(deps, ALICE, generic())
    slow = replace(deps, checker=Cancelling(clock_of(deps)))

    with pytest.raises(Conflict, match="discarded"):
        await drafts.try_draft(slow, ALICE, draft_id)

    assert (await registries.counters(deps, ALICE)).total == 0


async def test_a_new_secret_key_ends_the_old_session_token(deps: Deps) -> None:
    """An optional secret is kept with the secret it belongs to, not with another one."""
    name = "aws-ecr-eu-west-1"
    public = {
        "url": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "region": "eu-west-1",
        "access_key_id": "ASIAIOSFODNN7EXAMPLE",
        "name": name,
    }
    session = {
        "secret_access_key": Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        "session_token": Secret("token-of-the-session"),
    }
    await add(deps, answers=Answers("ecr", "access_keys", public, session))
    lasting = {"secret_access_key": Secret("aJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ")}
    edit = Answers(
        "ecr", "access_keys", public | {"access_key_id": "AKIAIOSFODNN7EXAMPLE"}, lasting
    )

    draft_id = await drafts.begin(deps, ALICE, edit, name_of_edited=name, version=1)
    await drafts.try_draft(deps, ALICE, draft_id)

    assert set(checker_of(deps).seen[0].secrets) == {"secret_access_key", "session_token"}
    assert checker_of(deps).seen[-1].secrets == lasting


async def test_saved_without_any_check_is_due_at_once(deps: Deps) -> None:
    """What nobody has checked yet is not left waiting for an interval."""
    draft_id = await drafts.begin(deps, ALICE, generic())

    saved = await drafts.save_anyway(deps, ALICE, draft_id)

    assert saved.verdict is None
    assert saved.next_check_at == NOW


async def test_a_replaced_secret_is_destroyed(deps: Deps) -> None:
    """The old version is retired with its age, and its ciphertext is gone."""
    await add(deps)
    edit = generic(password="battery staple")
    draft_id = await drafts.begin(deps, ALICE, edit, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, ALICE, draft_id)

    async with deps.store.reading() as session:
        rows = (await session.exec(select(Credential))).all()
    assert {(row.state, row.blob is None, row.destroyed_at is None) for row in rows} == {
        ("current", False, True),
        ("retired", True, False),
    }


async def test_a_copy_of_the_database_reveals_no_secret(sqlite_url: str) -> None:
    """Neither what is stored, nor what was typed into a draft, nor what was replaced."""
    deps = deps_on(sqlite_url)
    await add(deps, answers=generic(password="canary-stored-5d1e"))
    edit = generic(password="canary-replacing-8a2b")
    draft_id = await drafts.begin(deps, ALICE, edit, name_of_edited="harbor-team", version=1)
    await drafts.try_draft(deps, ALICE, draft_id)
    await drafts.begin(deps, ALICE, generic("second", password="canary-drafted-77c0"))
    await deps.store.close()

    path = Path(sqlite_url.removeprefix("sqlite:///"))
    files = [one.read_bytes() for one in path.parent.glob(f"{path.name}*")]
    assert b"harbor-team" in b"".join(files)
    assert b"canary" not in b"".join(files)


async def test_a_registry_has_an_interval_of_its_own(deps: Deps) -> None:
    """It is checked again after the minutes that its form says, and the form keeps them."""
    registry = await add(deps, answers=generic(recheck_minutes="10"))

    assert registry.next_check_at is not None
    assert registry.next_check_at <= NOW + timedelta(minutes=10)
    opened = await drafts.open_edit(deps, ALICE, registry.name)
    assert opened.answers.public["recheck_minutes"] == "10"


@pytest.mark.parametrize("minutes", ["4", "10081", "often"])
async def test_an_impossible_interval_is_said_on_its_field(deps: Deps, minutes: str) -> None:
    """Five minutes to seven days."""
    with pytest.raises(InvalidInput) as refused_input:
        await drafts.begin(deps, ALICE, generic(recheck_minutes=minutes))

    assert set(refused_input.value.fields) == {"recheck_minutes"}
