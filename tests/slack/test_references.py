"""A reference typed into the forms in place of a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.references.allowed import parse
from bot.references.env import Environment
from bot.references.resolver import Resolver
from bot.usecases import checking, registries
from bot.usecases.deps import Deps
from tests.databases import migrated_sqlite
from tests.factories import ALICE, checker_of, deps_on
from tests.slack.entering import Client, enter
from tests.slack.test_adding import open_generic
from tests.slack.test_outside import ask
from tests.slack.workspace import Office, Person

VALUE = "the value of the variable"


# References here are short: a text of twelve characters that was typed as a secret may be in no log,
# and a reference is shown.
@pytest.fixture
def variables() -> dict[str, str]:
    return {"REG_A": VALUE}


@pytest.fixture
async def deps(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[Deps]:
    made = deps_on(migrated_sqlite(tmp_path))
    allowed = parse("env:REG_* @ registry.example.com")
    yield replace(made, references=Resolver(allowed, {"env": Environment(variables, ())}))
    await made.store.close()


async def test_a_reference_goes_from_the_form_to_the_card(
    office: Office, alice: Person, variables: dict[str, str]
) -> None:
    """Typed, proven with its value, shown as what it is, edited blank, and followed when it changes."""
    await alice.type("add generic")
    assert "Instead of a secret you may enter where it is kept" in str(office.slack.view["blocks"])
    assert await open_generic(alice, password="env:REG_A") == {}
    assert "Proven and saved" in str(office.slack.view["blocks"])
    assert checker_of(office.deps).seen[-1].secrets["password"].reveal() == VALUE

    await alice.type("show harbor-team")
    assert "secret from `env:REG_A`" in office.slack.said

    await alice.type("edit harbor-team")
    form = str(office.slack.view["blocks"])
    assert "It comes from env:REG_A; leave blank to keep that." in form
    assert await alice.submit(description="changed") == {}
    assert "Proven and saved" in str(office.slack.view["blocks"])

    variables["REG_A"] = "the next value of the variable"
    await checking.check_registry(office.deps, ALICE, "harbor-team")
    found = checker_of(office.deps).seen[-1].secrets["password"].reveal()
    assert found == "the next value of the variable"
    assert VALUE not in str(office.slack.calls)


@pytest.mark.parametrize(
    ("password", "url", "told"),
    [
        ("env:REG_Z", "https://registry.example.com", "started without this variable"),
        ("env:DATABASE_URL", "https://registry.example.com", "may not be used"),
        ("env:REG_A", "https://evil.example.com", "may not be used for evil.example.com"),
    ],
)
async def test_a_reference_that_leads_nowhere_is_told_on_its_field(
    office: Office, alice: Person, password: str, url: str, told: str
) -> None:
    """The form stays open with what was typed, and no registry is asked."""
    errors = await open_generic(alice, password=password, url=url)

    [(field, sentence)] = errors.items()
    assert field == "password"
    assert told in sentence
    assert checker_of(office.deps).seen == []


async def test_the_page_outside_takes_a_reference_too(
    office: Office, alice: Person, client: Client
) -> None:
    """It goes into the same draft."""
    path, code = await ask(office, alice)
    status, _ = await enter(client, path, code, password="env:REG_A")
    await office.background.drain()

    assert status == 200
    shown = await registries.show(office.deps, ALICE, "harbor-team")
    assert shown.credential is not None
    assert shown.credential.sources == ("env:REG_A",)


async def test_rotating_leads_to_whoever_keeps_the_secret(office: Office, alice: Person) -> None:
    """Instead of a form that could not be sent, a sentence with the reference."""
    await open_generic(alice, password="env:REG_A")

    await alice.type("rotate harbor-team")

    assert "env:REG_A: whoever keeps it changes it there" in office.slack.said
    assert "Which registry" not in office.slack.said  # it was found


async def test_a_redrawn_form_still_says_where_the_secret_comes_from(
    office: Office, alice: Person
) -> None:
    """A choice in the form draws it anew; so does a correction."""
    await open_generic(alice, password="env:REG_A")
    await alice.type("edit harbor-team")
    await alice.redraw("environment", "production")

    form = str(office.slack.view["blocks"])

    assert "It comes from env:REG_A; leave blank to keep that." in form
    assert "Instead of a secret you may enter where it is kept" in form
