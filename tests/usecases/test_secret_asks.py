"""Forms that wait for the secrets that are entered outside Slack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlmodel import col, select

from bot.core.secret import Secret
from bot.errors import InvalidInput, NotAllowed, NotFound, WrongCode
from bot.store.schema import AuditEvent, Draft, SecretAsk
from bot.usecases import drafts, secret_asks
from bot.usecases.deps import Deps
from bot.usecases.draft_answers import Answers
from bot.usecases.link_codes import GOOD_FOR
from bot.usecases.secret_asks import OVERDUE, Asked, Form, Taken
from tests.factories import ALICE, BOB, add, clock_of, generic
from tests.usecases.cloud import no_rotators
from tests.usecases.killed import life

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
    found = await secret_asks.prove(deps, link, asked.code.lower())
    draft_id = await secret_asks.fill(
        deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
    )

    assert (await secret_asks.prove(deps, link, asked.code)).taken
    with pytest.raises(Taken):
        await secret_asks.fill(
            deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
        )
    async with deps.store.reading() as session:
        draft = (await session.exec(select(Draft))).one()
        kept = (await session.exec(select(SecretAsk))).one()
    assert draft.id == draft_id
    assert draft.secrets_json == '{"password": "typed"}'
    assert PASSWORD.reveal() not in kept.form_json + draft.answers_json
    assert link not in kept.digest


async def test_a_wrong_secret_leaves_the_link_good(deps: Deps) -> None:
    """What can be put right on the page may be sent again."""
    link, asked = await _ask(deps)
    found = await secret_asks.prove(deps, link, asked.code)
    with pytest.raises(InvalidInput) as refused:
        await secret_asks.fill(deps, no_rotators(deps.clock), ALICE, link, found, {})

    assert set(refused.value.fields) == {"password"}
    assert not (await secret_asks.waiting(deps, link)).taken


async def test_three_wrong_codes_end_a_link(deps: Deps) -> None:
    """After the third the right code does nothing."""
    link, asked = await _ask(deps)
    wrong = "000-000" if asked.code != "000-000" else "111-111"
    for left in (2, 1, 0):
        with pytest.raises(WrongCode) as refused:
            await secret_asks.prove(deps, link, wrong)
        assert refused.value.left == left
    with pytest.raises(NotFound):
        await secret_asks.prove(deps, link, asked.code)


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
    await add(deps)
    twice = Form(replace(generic(password=""), public={**generic().public, "name": "harbor-other"}))
    with pytest.raises(InvalidInput) as refused:
        await _ask(deps, twice)
    assert set(refused.value.fields) == {"url"}
    with pytest.raises(NotAllowed):
        await secret_asks.ask(deps, BOB, FORM, "C1", "V1")


async def test_what_only_slack_can_mend_ends_the_link(deps: Deps) -> None:
    """The form is shown again there, and gives another link."""
    link, asked = await _ask(deps)
    await add(deps)
    found = await secret_asks.prove(deps, link, asked.code)
    with pytest.raises(InvalidInput):
        await secret_asks.fill(
            deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
        )

    assert (await secret_asks.waiting(deps, link)).taken
    clock_of(deps).skip(OVERDUE)
    assert await secret_asks.left(deps) == []


async def test_the_life_of_a_link_is_in_the_audit(deps: Deps) -> None:
    """Made, a wrong code, three of them, used, expired: who and for what; no secret, no link."""
    link, asked = await _ask(deps)
    wrong = "000-000" if asked.code != "000-000" else "111-111"
    with pytest.raises(WrongCode):
        await secret_asks.prove(deps, link, wrong)
    found = await secret_asks.prove(deps, link, asked.code)
    await secret_asks.fill(
        deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
    )
    shut, _ = await _ask(deps)
    for _ in range(3):
        with pytest.raises(WrongCode):
            await secret_asks.prove(deps, shut, wrong)
    await _ask(deps)
    await secret_asks.told(deps, found)
    clock_of(deps).skip(GOOD_FOR)
    await secret_asks.tick_asks(deps)

    async with deps.store.reading() as session:
        events = (await session.exec(select(AuditEvent).order_by(col(AuditEvent.id)))).all()
    about = [one for one in events if one.action.startswith("secret_")]
    assert [one.action.removeprefix("secret_") for one in about] == [
        "link_made", "code_wrong", "link_used",
        "link_made", "code_wrong", "code_wrong", "link_ended",
        "link_made", "link_expired",
    ]  # fmt: skip
    assert {(one.user_id, one.registry_name, one.details_json) for one in about} == {
        ("UALICE", "harbor-team", '{"for": "new registry"}')
    }
    told = " ".join(str(one.model_dump()) for one in events)
    assert link not in told
    assert asked.code.replace("-", "") not in told.replace("-", "")


async def test_a_draft_whose_process_died_is_taken_over_once(deps: Deps) -> None:
    """After a minute one other process has it; one that Slack shows already is left alone."""
    link, asked = await _ask(deps)
    found = await secret_asks.prove(deps, link, asked.code)
    draft_id = await secret_asks.fill(
        deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
    )
    assert await secret_asks.left(deps) == []
    clock_of(deps).skip(OVERDUE)

    (left,) = await secret_asks.left(deps)
    assert left.draft_id == draft_id
    assert await secret_asks.left(deps) == []
    clock_of(deps).skip(OVERDUE)
    assert len(await secret_asks.left(deps)) == 1
    await secret_asks.told(deps, left)
    clock_of(deps).skip(OVERDUE)
    assert await secret_asks.left(deps) == []


def given(link: str, code: str) -> Callable[[Deps], Awaitable[None]]:
    """The life of a process that is given a secret."""

    async def give(deps: Deps) -> None:
        found = await secret_asks.prove(deps, link, code)
        await secret_asks.fill(
            deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
        )

    return give


async def test_dying_anywhere_leaves_link_or_draft(deps: Deps) -> None:
    """Either the link is still good, or the draft waits to be taken over; never neither."""
    at, ended, drafts_left = 0, False, 0
    while not ended:
        at += 1
        link, asked = await _ask(deps, replace(FORM, answers=generic(f"harbor-{at}", password="")))
        ended = await life(deps, at, given(link, asked.code))

        taken = (await secret_asks.waiting(deps, link)).taken
        clock_of(deps).skip(OVERDUE)
        left = await secret_asks.left(deps)
        assert len(left) == taken, at
        for one in left:
            outcome = await drafts.try_draft(deps, ALICE, one.draft_id)
            assert outcome.saved is not None
            await secret_asks.told(deps, one)
            drafts_left += 1
        if not taken:
            found = await secret_asks.prove(deps, link, asked.code)
            await secret_asks.fill(
                deps, no_rotators(deps.clock), ALICE, link, found, {"password": PASSWORD}
            )
            clock_of(deps).skip(OVERDUE)
            (other,) = await secret_asks.left(deps)
            await secret_asks.told(deps, other)

    assert at > 10
    assert drafts_left >= 1
