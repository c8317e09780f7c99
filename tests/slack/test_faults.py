"""What goes wrong, and what people learn of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core.check import CheckResult, Progress
from bot.core.config import Config
from bot.errors import StoreError
from bot.slack import submission
from bot.usecases import drafts, registries
from bot.usecases.deps import Deps
from tests.factories import ALICE, add, checker_of, proven
from tests.slack.workspace import Office, Person, opened


class Crashing:
    """A checker with a fault of ours in it."""

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        raise ZeroDivisionError(config.host)


class Slow:
    """A checker that takes its time between two stages."""

    async def check(self, config: Config, progress: Progress | None = None) -> CheckResult:
        assert progress is not None
        answer = proven()
        for number in range(1, len(answer.stages) + 1):
            for _ in range(50):
                progress(answer.stages[:number])
            await asyncio.sleep(0.4)
        return answer


def with_checker(deps: Deps, checker: Any) -> Deps:
    return replace(deps, checker=checker)


async def test_a_stale_button_is_answered_politely(office: Office, bob: Person) -> None:
    """Messages outlive the releases that wrote them."""
    response = await bob.press("button_of_last_year")

    assert response.status == 200
    assert "earlier version of Registrar" in office.slack.said


async def test_an_unknown_window_is_answered_politely(office: Office, bob: Person) -> None:
    """It changes into a sentence instead of an error of Slack's."""
    view = {
        "id": "V99",
        "type": "modal",
        "callback_id": "form_of_last_year",
        "private_metadata": "{broken",
        "state": {"values": {}},
        "blocks": [],
    }
    office.slack.views["V99"] = view
    await bob.send_view(view)

    assert "earlier version of Registrar" in str(office.slack.view["blocks"])


async def test_an_unknown_picker_offers_nothing(office: Office, bob: Person) -> None:
    """An empty list is no error."""
    assert await bob.search("pick_of_last_year", "a") == []


async def test_an_unknown_event_is_acknowledged(office: Office, bob: Person) -> None:
    """Slack would repeat it otherwise."""
    body = {"type": "event_callback", "team_id": "T1", "event": {"type": "reaction_added"}}
    response = await bob.send(json.dumps(body), "application/json")

    assert response.status == 200
    assert office.slack.said == ""


async def test_a_fault_of_ours_is_told_with_a_reference(deps: Deps) -> None:
    """The person gets a reference, the log the cause; the window does not hang."""
    async with opened(with_checker(deps, Crashing())) as office:
        alice = office.person("UALICE")
        await alice.type("add generic")
        await alice.submit(
            url="https://registry.example.com", username="ci", password="correct horse"
        )

        shown = str(office.slack.view["blocks"])
        assert "Something went wrong inside Registrar" in shown
        assert "reference" in shown
        assert "ZeroDivisionError" not in shown
        assert (await registries.counters(deps, ALICE)).total == 0


async def test_progress_is_shown_without_a_flood(deps: Deps) -> None:
    """Two hundred steps in 1.6 s become at most two updates a second, and the end."""
    async with opened(with_checker(deps, Slow())) as office:
        alice = office.person("UALICE")
        await alice.type("add generic")
        await alice.submit(
            url="https://registry.example.com", username="ci", password="correct horse"
        )

        updates = [str(update["view"]["blocks"]) for update in office.slack.of("views.update")]
        assert 2 <= len(updates) <= 5
        assert "✓ address" in updates[0]
        assert "Proven and saved" in updates[-1]
        assert office.slack.problems == []


async def test_progress_in_a_message_stays_within_five_answers(deps: Deps) -> None:
    """Slack takes five on one response_url; the end is always among them."""
    await add(deps)
    async with opened(with_checker(deps, Slow())) as office:
        bob = office.person("UBOB")
        await bob.press("check", "harbor-team")

        assert 2 <= len(office.slack.responses) <= 5
        assert "🟢 proven" in office.slack.responses[-1]["text"]
        assert office.slack.problems == []


async def test_an_expired_trigger_is_explained(office: Office, alice: Person) -> None:
    """Slack opens a window within three seconds only."""
    office.slack.fail("views.open", "expired_trigger_id")
    await alice.type("add")

    assert "Slack took too long to open the window" in office.slack.said


async def test_a_slow_answer_opens_a_placeholder(office: Office, alice: Person) -> None:
    """The permission to open a window is used before it expires."""
    office.slack.delays["users.info"] = 1.0
    await alice.type("add generic")

    first, filled = [
        payload["view"] for name, payload in office.slack.calls if name.startswith("views.")
    ]
    assert "Loading" in str(first["blocks"])
    assert filled["callback_id"] == "registry_form"


async def test_a_refusal_after_the_placeholder_stands_in_it(office: Office, bob: Person) -> None:
    """The window that waits says why it stays empty."""
    office.slack.delays["users.info"] = 1.0
    await bob.type("add generic")

    assert "Only managers may" in str(office.slack.view["blocks"])


async def test_when_the_response_url_is_used_up_the_answer_still_arrives(
    office: Office, bob: Person
) -> None:
    """As an ephemeral message, in the same channel."""
    await add(office.deps)
    office.slack.exhausted = True
    await bob.type("show harbor-team")

    assert "fingerprint" in office.slack.of("chat.postEphemeral")[-1]["text"]


async def test_an_update_that_slack_limits_is_told_as_a_message(
    office: Office, bob: Person
) -> None:
    """The end of a check is never lost to a limit."""
    await add(office.deps)
    office.slack.fail("views.update", "ratelimited", **{"Retry-After": "30"})
    await bob.type("test harbor-team")

    assert "🟢 proven" in office.slack.of("chat.postEphemeral")[-1]["text"]


async def test_a_form_that_moved_on_is_left_alone(office: Office, alice: Person) -> None:
    """A newer choice has redrawn it already; nobody is bothered."""
    await alice.type("add generic")
    office.slack.fail("views.update", "hash_conflict")
    await alice.redraw("kind", "gitlab")

    assert office.slack.of("views.push") == []
    assert office.slack.said == ""


async def test_a_refusal_inside_a_window_does_not_take_it_away(office: Office, bob: Person) -> None:
    """It is put on top of what the person is looking at."""
    await add(office.deps)
    await bob.press("show", "harbor-team", inside="home")
    await bob.press("edit", "harbor-team", inside="modal")

    assert "Only managers may" in str(office.slack.of("views.push")[-1]["view"])


async def test_progress_that_does_not_get_through_loses_no_result(
    deps: Deps,
) -> None:
    """The check goes on, and its end is shown."""
    async with opened(with_checker(deps, Slow())) as office:
        office.slack.fail("views.update", "internal_error")
        alice = office.person("UALICE")
        await alice.type("add generic")
        await alice.submit(
            url="https://registry.example.com", username="ci", password="correct horse"
        )

        assert "Proven and saved" in str(office.slack.view["blocks"])


async def test_a_wrong_signature_reaches_nothing(office: Office, bob: Person) -> None:
    """Requests that Slack did not sign are refused."""
    response = await bob.send("command=%2Fregistry&text=help", "text/plain", secret="other")

    assert response.status == 401
    assert office.slack.calls == []


async def test_a_huge_secret_is_refused_on_its_field(office: Office, alice: Person) -> None:
    """Slack stops at 3,000 characters; whoever gets around that is stopped by us."""
    await alice.type("add generic")
    errors = await alice.submit(
        url="https://registry.example.com", username="ci", password="x" * 65_536
    )

    assert set(errors) == {"password"}
    assert checker_of(office.deps).seen == []


async def test_a_locked_database_takes_no_form_away(
    office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form stays with all that was typed, and sending it again works."""

    async def locked(*_: object, **__: object) -> str:
        raise StoreError("The database is busy; nothing was saved.")

    await alice.type("add generic")
    with monkeypatch.context() as patch:
        patch.setattr(drafts, "begin", locked)
        errors = await alice.submit(
            url="https://registry.example.com", username="ci", password="correct horse"
        )
    assert list(errors.values()) == ["The database is busy; nothing was saved."]
    assert office.slack.view["callback_id"] == "registry_form"

    assert await alice.submit() == {}
    assert "Proven and saved" in str(office.slack.view["blocks"])


@pytest.mark.parametrize("served", [True, False])
async def test_a_slow_database_makes_no_ack_late(
    office: Office, alice: Person, monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    """Slack waits three seconds; what takes longer goes on after the ack, and is told."""
    begin, free = drafts.begin, asyncio.Event()

    async def held(*given: Any, **more: Any) -> str:
        await free.wait()
        if served:
            return await begin(*given, **more)
        raise StoreError("The database is busy; nothing was saved.")

    await alice.type("add generic")
    drain = alice.background.drain

    async def acked() -> None:
        free.set()
        await drain()

    monkeypatch.setattr(drafts, "begin", held)
    monkeypatch.setattr(alice.background, "drain", acked)
    monkeypatch.setattr(submission, "IN_TIME", 0.1)
    async with asyncio.timeout(10):
        errors = await alice.submit(
            url="https://registry.example.com", username="ci", password="correct horse"
        )

    assert errors == {}
    expected = "Proven and saved" if served else "The database is busy; nothing was saved."
    assert expected in str(office.slack.view["blocks"])


async def test_running_work_ends_before_the_bot_does(office: Office, alice: Person) -> None:
    """Draining waits for a check that was begun, and it is saved."""
    await alice.type("add generic")
    await alice.submit(url="https://registry.example.com", username="ci", password="correct horse")
    await office.background.drain()

    assert office.background.running == 0
    assert (await registries.counters(office.deps, ALICE)).total == 1
