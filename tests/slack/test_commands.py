"""What can be typed, and how it is answered."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.access import WorkspaceSettings
from bot.core.check import CheckResult, Verdict
from bot.usecases import registries, workspaces
from tests.factories import (
    ALICE,
    add,
    checker_of,
    clock_of,
    generic,
    proven,
    refused,
    stored,
    unreachable,
)
from tests.slack.workspace import Office, Person


async def set_up(office: Office, **values: object) -> WorkspaceSettings:
    """Somebody saved the settings once."""
    settings = WorkspaceSettings(**values)  # type: ignore[arg-type]
    return await workspaces.change_settings(office.deps, ALICE, settings)


@pytest.mark.parametrize("text", ["", "help", "  HELP ", "“help”"])
async def test_help_is_the_answer_to_nothing(office: Office, bob: Person, text: str) -> None:
    """Empty and help are the same, in private, and lead to the first set-up."""
    await bob.type(text)

    (answer,) = office.slack.responses
    assert answer["response_type"] == "ephemeral"
    assert "Registrar keeps your container registries" in answer["text"]
    assert "not set up here yet" in answer["text"]


async def test_an_unknown_verb_is_answered_with_the_nearest(office: Office, bob: Person) -> None:
    """A typing mistake costs one look."""
    await bob.type("shwo harbor-team")

    assert "Did you mean `/registry show harbor-team`?" in office.slack.said


async def test_what_is_typed_has_no_power_in_the_answer(office: Office, bob: Person) -> None:
    """A mention of everybody in a name is only text."""
    await bob.type("show <!channel>")
    await bob.type("<!here>")

    assert "<!channel>" not in office.slack.said
    assert "<!here>" not in office.slack.said


async def test_help_counts_the_states(office: Office, bob: Person) -> None:
    """One look says whether all is well."""
    await add(office.deps)
    checker_of(office.deps).answers = [refused()]
    await stored(office.deps, answers=generic("quay-team"))
    await bob.type("help")

    assert "2 registries: 🟢 proven 1, 🔴 refused 1." in office.slack.said
    assert "What needs attention (1)" in str(office.slack.responses)


async def test_an_empty_list_says_how_to_begin(office: Office, bob: Person) -> None:
    """Three sentences and a button."""
    await bob.type("list")

    assert "Add your first registry" in str(office.slack.responses[-1]["blocks"])


async def test_the_list_says_everything_in_text_too(office: Office, bob: Person) -> None:
    """A screen reader reads the text instead of the blocks."""
    answers = generic(environment="production", path_scope="team", owner="UALICE")
    await add(office.deps, answers=answers)
    clock_of(office.deps).skip(timedelta(minutes=12))
    await bob.type("list")

    text = office.slack.responses[-1]["text"]
    for part in ("🟢 proven `harbor-team`", "Generic registry", "Production", "<@UALICE>"):
        assert part in text
    assert "harbor-team.example.com/team · checked 12 min ago, next " in text


async def test_the_list_has_pages(office: Office, bob: Person) -> None:
    """Ten on each, turned in place."""
    for number in range(12):
        await add(office.deps, answers=generic(f"harbor-{number:02}"))
    await bob.type("list")
    following = next(
        element
        for block in office.slack.responses[-1]["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == "list_next"
    )
    await bob.press("list_next", following["value"])

    turned = office.slack.responses[-1]
    assert turned["replace_original"] is True
    assert "harbor-11" in turned["text"]
    assert "harbor-00" not in turned["text"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("list production", ["a-one"]),
        ("list two", ["b-two"]),
        ("list attention", ["b-two"]),
        ("list mine", ["a-one"]),
        ("list <@UALICE|alice>", ["b-two"]),
        ("list generic", ["b-two", "a-one"]),
        ("list nothing-like-that", []),
    ],
)
async def test_the_list_is_filtered(
    office: Office, bob: Person, text: str, names: list[str]
) -> None:
    """By words that mean something, and by any other text."""
    await add(office.deps, answers=generic("a-one", environment="production", owner="UBOB"))
    checker_of(office.deps).answers = [refused()]
    await stored(office.deps, answers=generic("b-two", owner="UALICE"))
    await bob.type(text)

    answer = office.slack.responses[-1]["text"]
    assert [name for name in ("b-two", "a-one") if f"`{name}`" in answer] == names


async def test_a_filter_is_picked_from_the_menu(office: Office, bob: Person) -> None:
    """The select of the list does what a typed filter does."""
    await add(office.deps, answers=generic("a-one", environment="production"))
    await add(office.deps, answers=generic("b-two"))
    await bob.choose("list_filter", "environment:production")

    assert "`a-one`" in office.slack.said
    assert "`b-two`" not in office.slack.said


async def test_show_tells_the_credential_without_the_secret(office: Office, bob: Person) -> None:
    """Fingerprint, age and the stages of the last check."""
    await add(office.deps, answers=generic(password="correct horse battery"))
    clock_of(office.deps).skip(timedelta(days=41))
    await bob.type("show Harbor-Team ")

    text = office.slack.responses[-1]["text"]
    for part in ("Credential `ci`", "fingerprint `", "(41 days ago)", "✓ signing in", "no owner"):
        assert part in text
    assert "correct horse" not in str(office.slack.calls)


async def test_a_name_that_does_not_exist_leads_to_the_search(office: Office, bob: Person) -> None:
    """The nearest name, and a picker."""
    await add(office.deps)
    await bob.type("show harbor-taem")

    assert "Did you mean harbor-team?" in office.slack.said
    assert "pick_show" in str(office.slack.responses[-1]["blocks"])


@pytest.mark.parametrize("verb", ["show", "edit", "delete", "test", "history", "images"])
async def test_without_a_name_there_is_a_search(office: Office, alice: Person, verb: str) -> None:
    """Every verb that needs a name offers all of them."""
    await add(office.deps)
    await alice.type(verb)

    assert f"pick_{verb}" in str(office.slack.responses[-1]["blocks"])


@pytest.mark.parametrize("text", ["show", "edit", "delete", "test", "history", "test harbor"])
async def test_without_any_registry_one_can_be_added(
    office: Office, alice: Person, text: str
) -> None:
    """A search through nothing would be a dead end."""
    await alice.type(text)

    shown = str(office.slack.responses[-1]["blocks"])
    assert "Add your first registry" in shown
    assert "pick_" not in shown
    assert ("no registry called harbor" in office.slack.said) == (text == "test harbor")


async def test_the_search_finds_parts_of_names_and_hosts(office: Office, bob: Person) -> None:
    """What is picked goes on to what was asked for."""
    await add(office.deps, answers=generic("harbor-team"))
    await add(office.deps, answers=generic("quay-team"))

    assert await bob.search("pick_show", "") == ["harbor-team", "quay-team"]
    assert await bob.search("pick_show", "quay-team.exam") == ["quay-team"]
    await bob.choose("pick_show", "quay-team")
    assert "`quay-team`" in office.slack.said


async def test_history_lists_the_checks(office: Office, bob: Person) -> None:
    """The newest first, with who asked."""
    await add(office.deps)
    checker_of(office.deps).answers = [unreachable()]
    clock_of(office.deps).skip(timedelta(hours=3))
    await bob.type("test harbor-team")
    await bob.type("history harbor-team")

    lines = office.slack.responses[-1]["text"].splitlines()
    first, second = lines[lines.index("*The last ones*") + 1 :]
    assert "Went well: 24 hours *0 %* · 7 days *0 %* · 30 days *0 %*" in lines
    assert first.startswith("🟠 unreachable")
    assert "asked for by <@UBOB>" in first
    assert second.startswith("🟢 proven")


async def test_a_test_fills_in_where_it_was_asked(office: Office, bob: Person) -> None:
    """A typed test opens a window at once; its end stands in the same window."""
    await add(office.deps)
    await bob.type("test harbor-team")

    opened, *updates = [
        payload for name, payload in office.slack.calls if name in {"views.open", "views.update"}
    ]
    assert "Checking" in str(opened["view"]["blocks"])
    assert "🟢 proven" in str(updates[-1]["view"]["blocks"])


async def test_a_test_of_a_message_is_answered_in_the_message(office: Office, bob: Person) -> None:
    """Clicked in a message that only this person sees, that message changes."""
    await add(office.deps)
    await bob.press("check", "harbor-team")

    assert [answer["replace_original"] for answer in office.slack.responses] == [True, True]
    assert "Checking" in office.slack.responses[0]["text"]
    assert "🟢 proven" in office.slack.responses[-1]["text"]


async def test_a_message_that_others_see_is_not_replaced(office: Office, bob: Person) -> None:
    """News in a channel stays; the answer is for the one who clicked."""
    await add(office.deps)
    await bob.press("show", "harbor-team", inside="posted")

    assert office.slack.responses[-1]["replace_original"] is False


@pytest.mark.parametrize(("answer", "fixable"), [(refused(), True), (unreachable(), False)])
async def test_a_fix_is_offered_where_a_new_credential_helps(
    office: Office, bob: Person, answer: CheckResult, fixable: bool
) -> None:
    """Not for an outage."""
    await add(office.deps)
    checker_of(office.deps).answers = [answer]
    await bob.press("check", "harbor-team")

    assert ("Fix credential" in str(office.slack.responses[-1])) is fixable


async def test_all_are_tested_with_a_summary(office: Office, bob: Person) -> None:
    """Progress while it goes, then the counts and what is wrong."""
    for number in range(3):
        await add(office.deps, answers=generic(f"harbor-{number}"))
    checker_of(office.deps).answers = [refused(), proven()]
    await bob.type("test all")

    shown = str(office.slack.view["blocks"])
    assert "Tested 3 in 0 s: 🟢 proven 2, 🔴 refused 1" in shown
    assert "The registry refused the password." in shown


async def test_a_test_outlives_its_window(office: Office, bob: Person) -> None:
    """Closed meanwhile, the end comes as a message."""
    await add(office.deps)
    begun = asyncio.create_task(bob.type("test harbor-team"))
    await office.slack.window.wait()
    office.slack.close()
    await begun

    assert "🟢 proven" in office.slack.of("chat.postEphemeral")[-1]["text"]


async def test_edit_keeps_a_blank_secret(office: Office, alice: Person) -> None:
    """The form is filled in but for the secret, which stays as it is."""
    await add(office.deps, answers=generic(password="correct horse battery"))
    await alice.type("edit harbor-team")
    shown = str(office.slack.view)
    assert "affects every application" in shown
    assert "Leave blank to keep the stored one." in shown
    assert await alice.submit(description="now with words") == {}

    config = checker_of(office.deps).seen[-1]
    assert config.secrets["password"].reveal() == "correct horse battery"
    assert (await registries.show(office.deps, ALICE, "harbor-team")).version == 2
    assert "correct horse" not in str(office.slack.calls)


async def test_the_second_of_two_editors_is_told_of_the_first(
    office: Office, alice: Person
) -> None:
    """Nothing is overwritten silently."""
    office.slack.admins.add("UBOB")
    bob = office.person("UBOB")
    await add(office.deps)
    await alice.type("edit harbor-team")
    of_alice = dict(office.slack.view)
    await bob.type("edit harbor-team")
    await bob.submit(description="bob was here")
    office.slack.views[of_alice["id"]] = office.slack.views.pop(of_alice["id"])
    await alice.submit(description="alice was here")

    assert "<@UBOB>" in str(office.slack.view["blocks"])
    assert (
        await registries.show(office.deps, ALICE, "harbor-team")
    ).details.description == "bob was here"

    kept = office.slack.view["blocks"][-1]["elements"][0]
    assert kept["text"]["text"] == "Open again with my changes"
    await alice.press(kept["action_id"], kept["value"], inside="modal")
    assert "Description is now “bob was here”" in str(office.slack.view["blocks"])
    assert await alice.submit() == {}
    shown = await registries.show(office.deps, ALICE, "harbor-team")
    assert (shown.version, shown.details.description) == (3, "alice was here")


async def test_delete_asks_for_the_name(office: Office, alice: Person) -> None:
    """Another name deletes nothing."""
    await add(office.deps)
    await alice.type("delete harbor-team")
    assert "Deployments may stop" in str(office.slack.view["blocks"])
    errors = await alice.submit(typed_name="harbor")

    assert errors == {"typed_name": "Type harbor-team to delete it."}
    assert (await registries.counters(office.deps, ALICE)).total == 1


async def test_what_was_deleted_can_be_restored(office: Office, alice: Person) -> None:
    """By the button, by the command, and by the command without a name."""
    await add(office.deps)
    await alice.type("delete harbor-team")
    assert await alice.submit(typed_name="harbor-team", reason="moved") == {}
    assert "`harbor-team` is deleted" in str(office.slack.view["blocks"])
    await alice.type("restore")
    assert "Restore harbor-team" in str(office.slack.responses[-1]["blocks"])
    await alice.type("restore harbor-team")

    assert "`harbor-team` is back" in office.slack.said
    restored = await registries.show(office.deps, ALICE, "harbor-team")
    assert restored.verdict is Verdict.PROVEN


async def test_nothing_to_restore_is_said(office: Office, alice: Person) -> None:
    """An empty list is a sentence."""
    await alice.type("restore")

    assert "Nothing was deleted in the last 7 days." in office.slack.said


@pytest.mark.parametrize(
    "text", ["add", "edit harbor-team", "delete harbor-team", "restore harbor-team", "settings"]
)
async def test_a_member_is_refused_and_told_who_helps(
    office: Office, bob: Person, text: str
) -> None:
    """Looking and testing is everybody's, changing is the managers'."""
    await set_up(office, manager_users=("UMO",))
    await add(office.deps)
    await bob.type(text)

    assert "Only managers may" in office.slack.said
    assert "<@UMO>" in office.slack.said
    assert office.slack.views == {}


async def test_a_member_of_a_managing_group_manages(office: Office, bob: Person) -> None:
    """User groups of the settings count."""
    await set_up(office, manager_groups=("SPLATFORM",))
    office.slack.groups["SPLATFORM"] = ["UBOB"]
    await bob.type("add")

    assert office.slack.view["callback_id"] == "registry_form"


async def test_an_admin_of_another_workspace_is_a_member_here(office: Office) -> None:
    """In a shared channel, `is_admin` of a stranger speaks of their own workspace."""
    office.slack.admins.add("UMALLORY")
    office.slack.strangers.add("UMALLORY")
    mallory = office.person("UMALLORY")
    await mallory.type("add")

    assert "Only managers may" in office.slack.said


async def test_when_slack_does_not_say_who_somebody_is_nothing_is_changed(
    office: Office, alice: Person
) -> None:
    """Neither refused nor allowed: said to be tried again."""
    office.slack.fail("users.info", "internal_error")
    await alice.type("add")

    assert "Slack did not tell whether you may do that" in office.slack.said
    await alice.type("add")
    assert office.slack.view["callback_id"] == "registry_form"
