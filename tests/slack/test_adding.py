"""Adding a registry, from the command to the saved registry."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.secret import Secret
from bot.kinds.registry_kinds import KINDS
from bot.usecases import registries
from bot.usecases.drafts import Answers
from tests.factories import ALICE, add, checker_of, generic, refused, unproven
from tests.slack.workspace import Office, Person

PASSWORD = "correct horse battery staple"
GENERIC = {
    "url": "https://registry.example.com",
    "username": "ci",
    "password": PASSWORD,
    "name": "harbor-team",
}


async def open_generic(person: Person, **values: Any) -> dict[str, str]:
    """The form of a generic registry, filled in and sent."""
    await person.type("add generic")
    return await person.submit(**{**GENERIC, **values})


async def test_a_good_credential_is_saved(office: Office, alice: Person) -> None:
    """Command, form, check, result: the registry is there, proven."""
    errors = await open_generic(alice)

    assert errors == {}
    assert "Proven and saved" in str(office.slack.view["blocks"])
    shown = await registries.show(office.deps, ALICE, "harbor-team")
    assert shown.details.owner == "UALICE"


async def test_every_kind_has_a_form(office: Office, alice: Person) -> None:
    """`add KIND` opens the form of that kind, which Slack accepts."""
    for kind in KINDS.values():
        await alice.type(f"add {kind.slug}")
        chosen = office.slack.view["state"]["values"]["field:kind:"]["pick_kind"]
        assert chosen["selected_option"]["text"]["text"] == kind.label


async def test_every_variant_can_be_picked(office: Office, alice: Person) -> None:
    """Choosing how to sign in shows the fields that go with it."""
    for kind in KINDS.values():
        await alice.type(f"add {kind.slug}")
        for variant in kind.variants if len(kind.variants) > 1 else ():
            await alice.redraw("variant", variant.slug)
            shown = {block.get("block_id", "").split(":")[1] for block in inputs(office)}
            assert {field.name for field in variant.fields} <= shown


async def test_another_kind_keeps_what_fits(office: Office, alice: Person) -> None:
    """What was typed stays when the kind changes, the other kind's suggestions come in."""
    await alice.type("add generic")
    alice.fill("username", "ci-bot")
    alice.fill("password", PASSWORD)
    alice.fill("test_image", "team/app:1.2")
    await alice.redraw("kind", "gitlab")

    assert typed(office, "username") == "ci-bot"
    assert typed(office, "test_image") == "team/app:1.2"
    assert typed(office, "url") == KINDS["gitlab"].url.suggestion
    assert PASSWORD not in str(office.slack.calls)


async def test_a_typed_url_survives_another_kind(office: Office, alice: Person) -> None:
    """Only a suggestion gives way to another suggestion."""
    await alice.type("add generic")
    alice.fill("url", "https://git.example.com:5050")
    await alice.redraw("kind", "gitlab")

    assert typed(office, "url") == "https://git.example.com:5050"


async def test_shape_errors_are_on_their_fields(office: Office, alice: Person) -> None:
    """Nothing is checked, nothing closes, and the sentence is where the mistake is."""
    errors = await open_generic(alice, url="not a url at all", name="No Good")

    assert set(errors) == {"url", "name"}
    assert checker_of(office.deps).seen == []


async def test_the_form_can_be_sent_again_after_shape_errors(office: Office, alice: Person) -> None:
    """A refused submission is not taken for a repeated one."""
    await open_generic(alice, url="not a url at all")
    errors = await alice.submit(url="https://registry.example.com")

    assert errors == {}
    assert "Proven and saved" in str(office.slack.view["blocks"])


async def test_a_blank_name_is_made_up(office: Office, alice: Person) -> None:
    """The suggested name is used when none is typed."""
    await open_generic(alice, name=None, environment="production")

    (name, _host), *_ = await registries.suggest(office.deps, ALICE, "")
    assert name == "generic-production"


async def test_a_second_registry_of_that_name_is_refused_on_its_field(
    office: Office, alice: Person
) -> None:
    """Names are unique, and that is said before anything is checked."""
    await open_generic(alice)
    errors = await open_generic(alice, url="https://other.example.com")

    assert set(errors) == {"name"}


async def test_a_refused_credential_offers_three_ways_on(office: Office, alice: Person) -> None:
    """The cause, and Correct, Save anyway, Cancel; nothing is saved."""
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice)

    shown = str(office.slack.view["blocks"])
    assert "The registry refused the password." in shown
    assert buttons(office) == ["Correct it", "Save anyway, not proven", "Cancel"]
    assert (await registries.counters(office.deps, ALICE)).total == 0


async def test_a_correction_needs_no_secret_again(office: Office, alice: Person) -> None:
    """The form comes back filled in but for the secret, which is kept on our side."""
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice, username="typo")
    await alice.press("correct", draft(office), inside="modal")
    assert typed(office, "username") == "typo"
    assert typed(office, "password") is None
    checker_of(office.deps).answers = [unproven(), *checker_of(office.deps).answers]
    await alice.submit(username="ci")

    config = checker_of(office.deps).seen[-1]
    assert config.values["username"] == "ci"
    assert config.secrets["password"].reveal() == PASSWORD
    assert PASSWORD not in str(office.slack.calls)


async def test_saving_anyway_is_marked(office: Office, alice: Person) -> None:
    """What could not be proven can be kept, and says so."""
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice)
    await alice.press("save_anyway", draft(office), inside="modal")

    assert "Saved, not proven" in str(office.slack.view["blocks"])
    assert (await registries.show(office.deps, ALICE, "harbor-team")).name == "harbor-team"


async def test_a_double_click_on_save_anyway_saves_once(office: Office, alice: Person) -> None:
    """The second click finds it saved."""
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice)
    view = draft(office)
    await alice.press("save_anyway", view, inside="modal")
    await alice.press("save_anyway", view, inside="modal")

    assert "Saved, not proven" in str(office.slack.view["blocks"])
    assert (await registries.counters(office.deps, ALICE)).total == 1


async def test_late_clicks_tell_what_is_true_by_now(office: Office, alice: Person) -> None:
    """The buttons of a message stay when the choice is made; by now it is saved, and proven."""
    checker = checker_of(office.deps)
    checker.answers = [refused(), *checker.answers]
    await open_generic(alice)
    kept = draft(office)
    await alice.close()
    await alice.press("save_anyway", kept)
    await alice.type("test harbor-team")

    await alice.press("save_anyway", kept)
    assert "Proven and saved" in office.slack.said
    await alice.press("discard", kept)
    assert "saved already" in office.slack.said
    assert (await registries.counters(office.deps, ALICE)).total == 1


async def test_cancel_forgets_what_was_typed(office: Office, alice: Person) -> None:
    """After Cancel there is nothing left to correct."""
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice)
    forgotten = draft(office)
    await alice.press("discard", forgotten, inside="modal")
    assert "forgotten" in str(office.slack.view["blocks"])
    await alice.press("correct", forgotten)

    assert "is gone" in office.slack.said


async def test_a_submission_sent_twice_is_checked_once(office: Office, alice: Person) -> None:
    """A double click on Test and save begins one check."""
    await alice.type("add generic")
    for name, value in GENERIC.items():
        alice.fill(name, value)
    view = dict(office.slack.view)
    await alice.send_view(view)
    await alice.send_view(view)

    assert len(checker_of(office.deps).seen) == 1
    assert (await registries.counters(office.deps, ALICE)).total == 1


async def test_a_window_closed_during_the_check_loses_nothing(
    office: Office, alice: Person
) -> None:
    """The registry is saved, and the person is told where they are."""
    await alice.type("add generic")
    for name, value in GENERIC.items():
        alice.fill(name, value)
    view = dict(office.slack.view)
    office.slack.close()
    await alice.send_view(view)

    (told,) = office.slack.of("chat.postEphemeral")
    assert (told["channel"], told["user"]) == ("C1", "UALICE")
    assert "Proven and saved" in told["text"]


async def test_a_closed_outcome_says_that_nothing_is_saved(office: Office, alice: Person) -> None:
    """Closing instead of choosing leaves the choice open for fifteen minutes."""
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice)
    kept = draft(office)
    await alice.close()

    (told,) = office.slack.of("chat.postEphemeral")
    assert "Nothing was saved" in told["text"]
    await alice.press("correct", kept)
    assert typed(office, "username") == "ci"


async def test_where_registrar_may_not_write_it_writes_to_the_person(
    office: Office, alice: Person
) -> None:
    """The command was typed in a channel that the bot is not in."""
    office.slack.fail("chat.postEphemeral", "channel_not_found")
    checker_of(office.deps).answers = [refused()]
    await open_generic(alice)
    await alice.close()

    assert office.slack.of("chat.postMessage")[-1]["channel"] == "UALICE"


async def test_a_member_is_refused_before_the_form(office: Office, bob: Person) -> None:
    """Who does not manage learns who can help."""
    await bob.type("add generic")

    assert "Only managers may add a registry" in office.slack.said
    assert office.slack.views == {}


async def test_a_form_that_outlived_a_restart_still_works(office: Office, alice: Person) -> None:
    """We do not know the person any more, so the work is done after the ack."""
    await alice.type("add generic")
    restarted = office_again(office)
    person = Person("UALICE", office.slack, restarted[0], restarted[1])
    await person.submit(**GENERIC)

    assert "Proven and saved" in str(office.slack.view["blocks"])


async def test_shape_errors_after_a_restart_bring_the_form_back(
    office: Office, alice: Person
) -> None:
    """Fields can no longer be marked, so the sentences stand above the form."""
    await alice.type("add generic")
    restarted = office_again(office)
    person = Person("UALICE", office.slack, restarted[0], restarted[1])
    await person.submit(**{**GENERIC, "url": "not a url at all"})

    assert office.slack.view["callback_id"] == "registry_form"
    assert "⚠" in str(office.slack.view["blocks"][0])
    assert typed(office, "username") == "ci"


def office_again(office: Office) -> tuple[Any, Any]:
    """The bot as it is after a restart: it knows nobody yet."""
    from bot.slack.app import build_app
    from bot.slack.background import Background
    from tests.slack.workspace import SIGNING
    from tests.usecases.cloud import no_rotators

    background = Background()
    app = build_app(
        deps=office.deps,
        looks=office.looks,
        rotators=no_rotators(office.deps.clock),
        client=office.client,
        signing_secret=SIGNING,
        command="/registry",
        background=background,
    )
    return app, background


@pytest.mark.parametrize(
    "text", ["add docker hub", "add “Docker Hub”", "ADD dockerhub", "add docker"]
)
async def test_a_kind_is_understood_however_it_is_written(
    office: Office, alice: Person, text: str
) -> None:
    """Slug, label, or a part of it."""
    await alice.type(text)

    chosen = office.slack.view["state"]["values"]["field:kind:"]["pick_kind"]
    assert chosen["selected_option"]["value"] == "docker_hub"


async def test_an_unknown_kind_is_answered_with_the_known_ones(
    office: Office, alice: Person
) -> None:
    """Nothing opens for a type that does not exist."""
    await alice.type("add floppy")

    assert "There is no type `floppy`" in office.slack.said
    assert "docker_hub" in office.slack.said


def inputs(office: Office) -> list[dict[str, Any]]:
    return [block for block in office.slack.view["blocks"] if block["type"] == "input"]


def typed(office: Office, name: str) -> Any:
    """What Slack reports as typed into a field of the newest modal."""
    for block_id, elements in office.slack.view["state"]["values"].items():
        if block_id.split(":")[1] == name:
            return next(iter(elements.values())).get("value")
    raise AssertionError(f"no field {name}")


def buttons(office: Office) -> list[str]:
    found = [
        element
        for block in office.slack.view["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]
    return [element["text"]["text"] for element in found]


def draft(office: Office) -> str:
    """The draft that the buttons of the newest modal are about."""
    block = next(block for block in office.slack.view["blocks"] if block["type"] == "actions")
    return str(block["elements"][0]["value"])


async def test_what_another_way_to_sign_in_hides_comes_back(alice: Person, office: Office) -> None:
    """From keys to a role and back: what was typed is there, and a secret is asked for again."""
    await alice.type("add")
    await alice.redraw("kind", "ecr")
    alice.fill("region", "eu-west-1")
    alice.fill("access_key_id", "AKIA2E0EXAMPLE000001")
    alice.fill("secret_access_key", "a-secret-of-the-keys-0123456789")
    await alice.redraw("variant", "assume_role")
    alice.fill("role_arn", "arn:aws:iam::123456789012:role/pull")
    assert "a-secret-of-the-keys" not in office.slack.view["private_metadata"]
    await alice.redraw("variant", "access_keys")

    shown = {one["label"]["text"]: one for one in office.slack.view["blocks"] if "label" in one}
    assert shown["Access Key ID"]["element"]["initial_value"] == "AKIA2E0EXAMPLE000001"
    assert "initial_value" not in shown["Secret Access Key"]["element"]
    assert "Enter it again" in shown["Secret Access Key"]["hint"]["text"]
    await alice.redraw("variant", "assume_role")
    shown = {one["label"]["text"]: one for one in office.slack.view["blocks"] if "label" in one}
    assert shown["Role ARN"]["element"]["initial_value"] == "arn:aws:iam::123456789012:role/pull"
    assert shown["Region"]["element"]["initial_value"] == "eu-west-1"


async def test_the_keys_of_an_edited_registry_come_back_too(alice: Person, office: Office) -> None:
    """Looking at the other way to sign in loses nothing of what is stored."""
    keys = Answers(
        "ecr",
        "access_keys",
        {
            **generic("ecr-prod").public,
            "url": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "region": "eu-west-1",
            "access_key_id": "AKIA2E0EXAMPLE000001",
            "expires_on": "2027-06-01",
        },
        {"secret_access_key": Secret("aSecretOfTheKeysToTest0123456789abcdefgh")},
    )
    await add(office.deps, answers=keys)
    await alice.type("edit ecr-prod")
    await alice.redraw("variant", "assume_role")
    await alice.redraw("variant", "access_keys")

    shown = {one["label"]["text"]: one for one in office.slack.view["blocks"] if "label" in one}
    assert shown["Access Key ID"]["element"]["initial_value"] == "AKIA2E0EXAMPLE000001"
    assert shown["Expires on"]["element"]["initial_date"] == "2027-06-01"
    assert "stored" in shown["Secret Access Key"]["element"]["placeholder"]["text"]
