"""A workspace that has secrets entered on the page outside Slack only."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from sqlmodel import select

from bot.core.check import Verdict
from bot.core.secret import Secret
from bot.errors import OnlyOnPage
from bot.kinds.base import Field
from bot.kinds.registry_kinds import KINDS
from bot.kinds.rotation.gateway import Rotators
from bot.kinds.rotation.providers import PROVIDERS
from bot.slack import ids
from bot.slack.forms import FormState, registry_form
from bot.slack.metadata import ViewMeta
from bot.slack.policy_form import policy_form, policy_meta
from bot.slack.rotation_form import RotationState, rotation_form
from bot.slack.secret_blocks import OUTSIDE, TO_PAGE
from bot.store.schema import Credential, Draft, RotationPolicy
from bot.usecases import drafts, registries, rotation_policies, workspaces
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers
from bot.usecases.drafts import DraftView
from bot.usecases.rotating import RotationForm, credential_fields
from bot.usecases.rotation_policies import PolicyView, Wanted
from tests.factories import ALICE, add, checker_of, generic, proven, refused
from tests.slack.entering import Client, desk_of, enter, pages, shown
from tests.slack.payloads import view_problems
from tests.slack.workspace import Office, Person, opened
from tests.usecases.cloud import Dual
from tests.usecases.test_auto_rotation import with_cloud

PASSWORD = "correct horse battery staple"
OTHER = "another good pass phrase"
URL = "https://registry.example.com"
EXPECTED = "entered only on the page outside Slack"
ALL_SECRETS = {
    one.name
    for kind in KINDS.values()
    for variant in kind.variants
    for one in variant.fields
    if one.secret
} | {one.name for many in PROVIDERS.values() for each in many for one in each.fields if one.secret}


class Asking(Dual):
    """A provider whose keys are made with a credential of its own."""

    fields: ClassVar[tuple[Field, ...]] = (
        Field("admin_user", "User name that may make keys", secret=True, required=False),
        Field("admin_token", "Token that may make keys", secret=True),
        Field("place", "Project", required=False),
    )


@pytest.fixture
def clouded(deps: Deps) -> tuple[Deps, Rotators]:
    made, cloud = with_cloud(deps)
    return made, cloud.rotators(Asking(cloud))


@pytest.fixture
async def office(deps: Deps) -> AsyncIterator[Office]:
    """A workspace with the setting on; no view that it was ever shown asks for a secret."""
    async with opened(deps) as made:
        await require(made.deps)
        yield made
        assert asked_in_slack(made) == set()
    assert made.slack.problems == []


async def require(deps: Deps, *, page: bool = True) -> None:
    settings = await workspaces.settings(deps, ALICE)
    preferences = replace(settings.preferences, secrets_on_page=page)
    await workspaces.change_settings(deps, ALICE, replace(settings, preferences=preferences))


def inputs(view: dict[str, Any]) -> set[str]:
    """The names of the fields of a view."""
    return {
        str(block["block_id"]).split(":")[1]
        for block in view["blocks"]
        if block["type"] == "input" and ":" in str(block.get("block_id", ""))
    }


def asked_in_slack(office: Office) -> set[str]:
    views = [call["view"] for name, call in office.slack.calls if name.startswith("views.")]
    views += office.slack.views.values()
    return set().union(*(inputs(view) for view in views if "blocks" in view)) & ALL_SECRETS


def submit_word(view: dict[str, Any]) -> str:
    return str(view["submit"]["text"])


async def secrets_kept(deps: Deps) -> int:
    async with deps.store.reading() as session:
        held = len((await session.exec(select(Credential))).all())
        policies = (await session.exec(select(RotationPolicy))).all()
        waiting = len((await session.exec(select(Draft))).all())
    return held + waiting + sum(1 for one in policies if one.access_blob is not None)


def variants() -> list[tuple[str, str]]:
    return [(kind.slug, variant.slug) for kind in KINDS.values() for variant in kind.variants]


@pytest.mark.parametrize(("kind", "variant"), variants())
async def test_no_kind_asks_for_a_secret(
    office: Office, alice: Person, kind: str, variant: str
) -> None:
    """Neither when it is added, by choosing type and way to sign in, nor edited, nor corrected."""
    fields = next(one.fields for one in KINDS[kind].variants if one.slug == variant)
    secrets = {one.name for one in fields if one.secret}
    await alice.type("add")
    await alice.redraw("kind", kind)
    if len(KINDS[kind].variants) > 1:
        await alice.redraw("variant", variant)

    assert inputs(office.slack.view) & secrets == set()
    assert (submit_word(office.slack.view) == TO_PAGE) == bool(secrets)
    for kept, draft in ((secrets, ""), (secrets, "draft"), (set(), "")):
        held = ",".join(sorted(kept))
        meta = ViewMeta("C1", kind, variant, "x", 7, draft, held, page=True)
        view = registry_form(FormState(meta))
        assert view_problems(view) == []
        assert inputs(view) & secrets == set()
        assert secrets <= kept or submit_word(view) == TO_PAGE
        assert not kept or OUTSIDE in json.dumps(view)


@pytest.mark.parametrize(("kind", "variant"), variants())
def test_no_rotation_asks_for_a_secret(kind: str, variant: str) -> None:
    """Whatever is rotated, the form's own button leads to the page."""
    fields = credential_fields(kind, variant)
    secrets = {one.name for one in fields if one.secret}
    form = RotationForm(
        DraftView(Answers(kind, variant, {}), frozenset(), "x", 7), fields, (), "example.com"
    )
    meta = ViewMeta("C1", kind, variant, "x", 7, page=True)
    view = rotation_form(RotationState(form, meta))

    assert view_problems(view) == []
    assert inputs(view) & secrets == set()
    assert (submit_word(view) == TO_PAGE) == bool(secrets)


@pytest.mark.parametrize("provider", [one for many in PROVIDERS.values() for one in many])
@pytest.mark.parametrize("held", [False, True])
def test_no_policy_asks_for_a_secret(provider: Any, *, held: bool) -> None:
    """What a provider rotates with is entered on the page as well."""
    view = PolicyView(
        "x", "generic", Wanted(enabled=True), 1, strategy=provider.strategy, rights=provider.rights,
        fields=provider.fields, held=held,
    )  # fmt: skip
    form = policy_form(view, policy_meta(view, "C1", page=True))

    assert view_problems(form) == []
    assert inputs(form) & {one.name for one in provider.fields} == set()
    assert (submit_word(form) == "Save") == (held or not provider.fields)


async def test_the_forms_own_button_leads_to_the_page(
    office: Office, alice: Person, client: Client
) -> None:
    """Add, in one go: the form, the page, the outcome."""
    await alice.type("add generic")
    assert await alice.submit(url=URL, username="ci", name="harbor-team") == {}
    path, code = shown(office)
    status, _ = await enter(client, path, code, password=PASSWORD)
    await office.background.drain()

    assert status == 200
    assert "Proven and saved" in str(office.slack.view["blocks"])


async def test_wrong_answers_are_marked_before_the_page(office: Office, alice: Person) -> None:
    """Each on its field, as ever; no link is made."""
    await alice.type("add generic")
    errors = await alice.submit(url=URL, username="ci", name="Not A Name")
    assert set(errors) == {"name"}
    assert "/secret/enter/" not in str(office.slack.view)


async def test_a_stored_secret_is_kept_without_the_page(office: Office, alice: Person) -> None:
    """Who changes a description enters nothing."""
    await require(office.deps, page=False)
    await add(office.deps)
    await require(office.deps)
    await alice.type("edit harbor-team")
    assert await alice.submit(description="of the team") == {}

    changed = await registries.show(office.deps, ALICE, "harbor-team")
    assert changed.details.description == "of the team"


async def test_a_stored_secret_that_may_not_move_is_asked_on_the_page(
    office: Office, alice: Person, client: Client
) -> None:
    """At another address the stored one is not used: the same button leads to the page."""
    await require(office.deps, page=False)
    await add(office.deps)
    await require(office.deps)
    await alice.type("edit harbor-team")
    assert await alice.submit(url="https://other.example.com") == {}
    path, code = shown(office)
    await enter(client, path, code, password=OTHER)
    await office.background.drain()

    assert (await registries.show(office.deps, ALICE, "harbor-team")).host == "other.example.com"


async def test_a_refused_credential_is_fixed_on_the_page(
    office: Office, alice: Person, client: Client
) -> None:
    """Fix credential, refused once more, corrected, proven: never a secret in Slack."""
    await require(office.deps, page=False)
    await add(office.deps)
    await require(office.deps)
    checker_of(office.deps).answers = [refused(), refused(), proven()]
    await alice.type("test harbor-team")
    await alice.press(ids.EDIT, "harbor-team", inside="modal")
    await alice.press(ids.OUTSIDE, inside="modal")
    await enter(client, *shown(office), password="a wrong pass phrase")
    await office.background.drain()
    assert "not saved" in str(office.slack.view["blocks"])
    buttons = [block for block in office.slack.view["blocks"] if block["type"] == "actions"]
    await alice.press(ids.CORRECT, buttons[0]["elements"][0]["value"], inside="modal")
    await alice.press(ids.OUTSIDE, inside="modal")
    await enter(client, *shown(office), password=OTHER)
    await office.background.drain()

    assert "Proven and saved" in str(office.slack.view["blocks"])
    registry = await registries.show(office.deps, ALICE, "harbor-team")
    assert registry.verdict is Verdict.PROVEN
    assert checker_of(office.deps).seen[-1].secrets["password"].reveal() == OTHER


async def test_a_rotation_goes_through_the_page(
    office: Office, alice: Person, client: Client
) -> None:
    """The guided form's own button, a failure, the correction, and in force."""
    await require(office.deps, page=False)
    await add(office.deps)
    await require(office.deps)
    checker_of(office.deps).answers = [refused(), proven()]
    await alice.type("rotate harbor-team")
    assert await alice.submit(grace="48") == {}
    await enter(client, *shown(office), password="a wrong pass phrase")
    await office.background.drain()
    buttons = [block for block in office.slack.view["blocks"] if block["type"] == "actions"]
    await alice.press(ids.CORRECT, buttons[0]["elements"][0]["value"], inside="modal")
    await alice.press(ids.OUTSIDE, inside="modal")
    await enter(client, *shown(office), password=OTHER)
    await office.background.drain()

    assert "in force" in str(office.slack.view["blocks"])
    assert checker_of(office.deps).seen[-1].secrets["password"].reveal() == OTHER


@pytest.mark.parametrize("command", ["add generic", "edit harbor-team", "rotate harbor-team"])
async def test_a_form_opened_before_is_refused(deps: Deps, command: str) -> None:
    """Its secret is kept nowhere; the form comes again without its field, and with the rest."""
    async with opened(deps) as office:
        alice = office.person("UALICE")
        await add(deps)
        await alice.type(command)
        before = await secrets_kept(deps)
        await require(deps)
        rest = {"url": URL, "username": "someone"} if "add" in command else {"username": "someone"}
        assert await alice.submit(password=OTHER, **rest) == {}

        view = office.slack.view
        assert EXPECTED in view["blocks"][0]["text"]["text"]
        assert "password" not in inputs(view)
        assert "someone" in json.dumps(view["blocks"])
        assert await secrets_kept(deps) == before
        assert OTHER not in json.dumps(office.slack.calls) + json.dumps(view["blocks"])
        assert office.slack.problems == []


async def test_a_forged_secret_is_refused(office: Office, alice: Person) -> None:
    """A submission may say more than its form shows."""
    await alice.type("add generic")
    for name, value in {"url": URL, "username": "ci", "name": "harbor-team"}.items():
        alice.fill(name, value)
    view = copy.deepcopy(office.slack.view)
    typed = {ids.TYPED: {"type": "plain_text_input", "value": PASSWORD}}
    view["state"]["values"][ids.field_block("password")] = typed
    await alice.send_view(view)

    assert EXPECTED in office.slack.view["blocks"][0]["text"]["text"]
    assert await secrets_kept(office.deps) == 0


async def test_an_old_form_that_is_redrawn_loses_its_secret_fields(deps: Deps) -> None:
    """Also when it was opened before the setting."""
    async with opened(deps) as office:
        alice = office.person("UALICE")
        await alice.type("add generic")
        assert "password" in inputs(office.slack.view)
        await require(deps)
        await alice.redraw("environment", "production")
        assert inputs(office.slack.view) & ALL_SECRETS == set()


async def test_the_use_case_takes_no_secret_from_slack(deps: Deps) -> None:
    """Whatever form it came through."""
    await add(deps)
    await require(deps)
    with pytest.raises(OnlyOnPage):
        await drafts.begin(deps, ALICE, generic("harbor-other"))
    edited = replace(generic(), secrets={"password": Secret(OTHER)})
    with pytest.raises(OnlyOnPage):
        await drafts.begin(deps, ALICE, edited, name_of_edited="harbor-team", version=1)


async def test_command_text_is_no_way(office: Office, alice: Person) -> None:
    """What is typed after a command fills no secret in and keeps none."""
    for text in (f"add generic {PASSWORD}", f"add generic password={PASSWORD}"):
        await alice.type(text)
    assert office.slack.views == {}
    assert await secrets_kept(office.deps) == 0


async def test_a_policy_takes_its_credential_from_the_page(clouded: tuple[Deps, Rotators]) -> None:
    """The form of automatic rotation: its button leads to the page, its old form is refused."""
    deps, rotators = clouded
    async with opened(deps, rotators=rotators) as office:
        alice = office.person("UALICE")
        await add(deps)
        await alice.type("rotate harbor-team auto")
        before = await secrets_kept(deps)
        await require(deps)
        # Not all that is needed: a secret is refused before anything is asked for.
        assert await alice.submit(enabled="on", at_age_days="60", admin_user=PASSWORD) == {}
        assert EXPECTED in office.slack.view["blocks"][0]["text"]["text"]
        assert inputs(office.slack.view) & {"admin_user", "admin_token", "place"} == set()
        assert await secrets_kept(deps) == before

        assert await alice.submit() == {}
        path, code = shown(office)
        async with pages(desk_of(office, rotators)) as page:
            asked = await (await page.get(path)).text()
            assert 'id="place" name="place" type="text"' in asked
            assert (await enter(page, path, code))[0] == 400
            status, _ = await enter(page, path, code, admin_token=PASSWORD, place="team")
        await office.background.drain()

        assert status == 200
        assert "is rotated by itself" in json.dumps(office.slack.view["blocks"])
        view = await rotation_policies.view(deps, rotators, ALICE, "harbor-team")
        assert (view.held, view.wanted.at_age_days) == (True, 60)
        assert await secrets_kept(deps) == before + 1
        assert PASSWORD not in json.dumps(office.slack.calls)
        assert office.slack.problems == []


async def test_the_setting_needs_pages(deps: Deps) -> None:
    """Without PUBLIC_URL nobody could enter a secret any more: it is refused on its field."""
    async with opened(deps, public_url="") as office:
        alice = office.person("UALICE")
        await alice.type("settings")
        errors = await alice.submit(secrets="page")
        assert "PUBLIC_URL" in errors["secrets"]
        assert not (await workspaces.settings(deps, ALICE)).preferences.secrets_on_page


async def test_the_setting_is_in_the_form(deps: Deps) -> None:
    """Set, shown, and taken back."""
    async with opened(deps) as office:
        alice = office.person("UALICE")
        for chosen in ("page", "anywhere"):
            await alice.type("settings")
            assert await alice.submit(secrets=chosen) == {}
            settings = await workspaces.settings(deps, ALICE)
            assert settings.preferences.secrets_on_page is (chosen == "page")
        assert office.slack.problems == []


async def test_lost_pages_are_told_of(deps: Deps) -> None:
    """Where PUBLIC_URL was taken away after the setting was made, the form says who can help."""
    async with opened(deps, public_url="") as office:
        alice = office.person("UALICE")
        await require(deps)
        await alice.type("add generic")
        errors = await alice.submit(url=URL, username="ci", name="harbor-team")
        assert "PUBLIC_URL" in "".join(errors.values())
