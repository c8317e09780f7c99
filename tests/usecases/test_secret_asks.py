"""Forms that wait for the secrets that are entered outside Slack."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.core.secret import Secret
from bot.errors import InvalidInput, NotAllowed, NotFound, WrongCode
from bot.store.schema import Draft, SecretAsk
from bot.usecases import secret_asks
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers
from bot.usecases.link_codes import GOOD_FOR
from bot.usecases.secret_asks import Asked, Form
from tests.factories import ALICE, BOB, clock_of

PUBLIC = {
    "url": "https://registry.example.com",
    "username": "ci",
    "name": "harbor-team",
    "owner": "UALICE",
    "rotate_days": "90",
    "environment": "any",
}
FORM = Form(Answers("generic", "account", PUBLIC))
PASSWORD = Secret("correct horse battery staple")


async def _ask(deps: Deps, form: Form = FORM) -> tuple[str, Asked]:
    asked = await secret_asks.ask(deps, ALICE, form, "C1", "V1")
    return asked.path.rpartition("/")[2], asked


async def test_a_form_gets_its_secret_once(deps: Deps) -> None:
    """The code uses the link up; the draft has the secret sealed, the waiting form never had it."""
    link, asked = await _ask(deps)
    found = await secret_asks.claim(deps, link, asked.code.lower())
    draft_id = await secret_asks.fill(deps, ALICE, link, found, {"password": PASSWORD})

    assert (await secret_asks.claim(deps, link, asked.code)).taken
    async with deps.store.reading() as session:
        draft = (await session.exec(select(Draft))).one()
        kept = (await session.exec(select(SecretAsk))).one()
    assert draft.id == draft_id
    assert draft.secrets_json == '{"password": "typed"}'
    assert PASSWORD.reveal() not in kept.form_json + draft.answers_json
    assert link not in kept.digest


async def test_a_wrong_secret_gives_the_link_back(deps: Deps) -> None:
    """What can be put right on the page may be sent again."""
    link, asked = await _ask(deps)
    found = await secret_asks.claim(deps, link, asked.code)
    with pytest.raises(InvalidInput) as refused:
        await secret_asks.fill(deps, ALICE, link, found, {})

    assert set(refused.value.fields) == {"password"}
    assert not (await secret_asks.waiting(deps, link)).taken


async def test_three_wrong_codes_end_a_link(deps: Deps) -> None:
    """After the third the right code does nothing."""
    link, asked = await _ask(deps)
    wrong = "000-000" if asked.code != "000-000" else "111-111"
    for left in (2, 1, 0):
        with pytest.raises(WrongCode) as refused:
            await secret_asks.claim(deps, link, wrong)
        assert refused.value.left == left
    with pytest.raises(NotFound):
        await secret_asks.claim(deps, link, asked.code)


async def test_a_link_ends_and_is_forgotten(deps: Deps) -> None:
    """After 15 minutes nothing waits, and the row goes."""
    link, _ = await _ask(deps)
    assert await secret_asks.tick_asks(deps) == 0
    clock_of(deps).skip(GOOD_FOR)
    with pytest.raises(NotFound):
        await secret_asks.waiting(deps, link)
    assert await secret_asks.tick_asks(deps) == 1


async def test_a_form_is_right_before_it_waits(deps: Deps) -> None:
    """Wrong answers and people who manage nothing get no link."""
    wrong = Form(Answers("generic", "account", PUBLIC | {"name": "Not A Name"}))
    with pytest.raises(InvalidInput) as refused:
        await _ask(deps, wrong)
    assert set(refused.value.fields) == {"name"}
    with pytest.raises(NotAllowed):
        await secret_asks.ask(deps, BOB, FORM, "C1", "V1")
