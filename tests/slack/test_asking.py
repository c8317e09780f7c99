"""“May this image run?” in Slack: the answer, the request, the decision, and exemptions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.image import Reference
from bot.core.policy import Policy, Rule
from bot.core.sight import Absence, ImageFacts
from bot.errors import Unseen
from bot.slack import ids
from bot.slack.asking import image_meant
from bot.slack.deliver import Courier
from bot.slack.render_gate import exemptions_card, request_card, verdict_card
from bot.slack.render_sight import HEADS, absent_lines, found_lines
from bot.usecases import workspaces
from bot.usecases.asking import Asked
from bot.usecases.exemptions import ExemptionView, tick_exemptions
from bot.usecases.image_requests import RequestView
from tests.factories import ALICE, NOW, add, clock_of, generic
from tests.slack.payloads import message_problems
from tests.slack.workspace import Office, Person

IMAGE = "quay.io/acme/app:1.2"


@pytest.fixture
async def hall(office: Office) -> Office:
    """A workspace with an alert channel, and a Harbor that anything may come from."""
    settings = await workspaces.settings(office.deps, ALICE)
    wanted = replace(settings, alert_channel="C9", manager_users=("UALICE",))
    await workspaces.change_settings(office.deps, ALICE, wanted)
    await add(office.deps, ALICE, generic("harbor-team"))
    await deliver(office)
    return office


async def deliver(office: Office) -> None:
    await Courier(office.deps, office.client, apart=0).deliver_due()


def standing(office: Office, words: str) -> dict[str, Any]:
    """The one message in Slack that says so."""
    (found,) = [one for one in office.slack.posted.values() if words in one["text"]]
    return found


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """What the buttons carry, by action."""
    elements = [each for block in message["blocks"] for each in block.get("elements", [])]
    return {each["action_id"]: each["value"] for each in elements if "action_id" in each}


def views(office: Office) -> list[dict[str, Any]]:
    """Every modal that was opened or updated, in order."""
    return [call for name, call in office.slack.calls if name in {"views.open", "views.update"}]


async def asked_for(office: Office, bob: Person) -> dict[str, Any]:
    """Bob asked for the image; the request's message."""
    await bob.type(f"check {IMAGE}")
    await bob.press(ids.ASK_REGISTER, buttons(office.slack.responses[-1])[ids.ASK_REGISTER])
    await deliver(office)
    return standing(office, "is asked for")


async def test_an_image_of_a_registry_is_allowed(hall: Office, bob: Person) -> None:
    """With the registry that it belongs to, whoever asks; then that it is really there."""
    hall.looks.facts = ImageFacts(
        "sha256:" + "a" * 64, ("linux/amd64", "linux/arm64"), 2, "linux/amd64", 41_234_567, NOW
    )
    await bob.type("check harbor-team.example.com/web:2")

    (first, second) = [str(call["view"]) for call in views(hall)]
    assert "🟢 Allowed" in first
    assert "It belongs to harbor-team." in first
    assert "Looking for it" in first
    assert "`harbor-team.example.com/web@sha256:aaaa" in second
    assert "for linux/amd64, linux/arm64 · 41.2 MB to pull (linux/amd64) · built just now" in second
    assert ids.ASK_REGISTER not in second
    ((config, image),) = hall.looks.asked
    assert (config.host, str(image)) == (image.host, "harbor-team.example.com/web:2")


@pytest.mark.parametrize("why", Absence)
async def test_an_image_that_is_not_seen_stays_allowed(
    hall: Office, bob: Person, why: Absence
) -> None:
    """The verdict is the gate's; what the registry said is another line, and harmless."""
    hall.looks.facts = Unseen(why, "It says <&> so.", "Do this.")
    await bob.type("check harbor-team.example.com/web:2")

    said = hall.slack.view["blocks"][0]["text"]["text"]
    assert "🟢 Allowed" in said
    assert f"*{HEADS[why]}.* It says &lt;&amp;&gt; so.\nDo this." in said


async def test_nobody_is_asked_for_an_image_of_nobody(hall: Office, bob: Person) -> None:
    """There is no credential to ask with, and strangers' registries are left alone."""
    await bob.type(f"check {IMAGE}")

    assert hall.looks.asked == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("check nginx", "Read as `docker.io/library/nginx`."),
        ("check harbor-taem.example.com/web", "The nearest is `harbor-team`"),
        ("check https://quay.io/a", "is not a valid image reference"),
        ("check <!channel>", "is not a valid image reference"),
        ("check <http://quay.io/a/b|quay.io/a/b>", "`quay.io/a/b`"),
        ("check", "Which image?"),
    ],
)
async def test_a_refusal_says_why(hall: Office, bob: Person, typed: str, said: str) -> None:
    """In words a person can act on, and nothing that was typed has any power."""
    await bob.type(typed)

    (answer,) = hall.slack.responses
    assert said in answer["text"]
    assert "<!" not in answer["text"]


async def test_the_managers_are_asked_once_and_approve(
    hall: Office, alice: Person, bob: Person
) -> None:
    """Approve opens the form filled in; what is saved answers Bob, and the message says so."""
    message = await asked_for(hall, bob)
    await bob.press(ids.ASK_REGISTER, IMAGE)
    await deliver(hall)
    assert message["channel"] == "C9"
    assert "<@UBOB>" in message["text"]

    await alice.press(ids.REQUEST_APPROVE, buttons(message)[ids.REQUEST_APPROVE], inside="posted")
    filled = hall.slack.view["state"]["values"]
    typed = {key.split(":")[1]: next(iter(found.values())) for key, found in filled.items()}
    assert typed["url"]["value"] == "https://quay.io"
    assert typed["path_scope"]["value"] == "acme"
    assert await alice.submit(username="ci", password="correct horse", name="quay-acme") == {}
    await deliver(hall)

    assert "✅ Registered by" in standing(hall, "is asked for")["text"]
    assert buttons(standing(hall, "is asked for")) == {}
    told = standing(hall, "You asked for")
    assert told["channel"] == "UBOB"
    assert "it belongs to `quay-acme` now" in told["text"]


async def test_a_request_is_declined_with_a_reason(
    hall: Office, alice: Person, bob: Person
) -> None:
    """Bob reads it; he cannot decide himself, and nobody decides twice."""
    value = buttons(await asked_for(hall, bob))[ids.REQUEST_DECLINE]

    await bob.press(ids.REQUEST_DECLINE, value, inside="posted")
    assert "Only managers may decide" in hall.slack.said
    await alice.press(ids.REQUEST_DECLINE, value, inside="posted")
    assert await alice.submit(reason=" ") == {"reason": "Say why, for whoever asked."}
    assert await alice.submit(reason="use harbor <!here>") == {}
    await deliver(hall)

    assert "✖ Declined by" in standing(hall, "is asked for")["text"]
    assert "use harbor &lt;!" in standing(hall, "You asked for")["text"]
    await alice.press(ids.REQUEST_APPROVE, value, inside="posted")
    assert "Declined" in hall.slack.said


async def test_a_request_is_allowed_until_a_day(hall: Office, alice: Person, bob: Person) -> None:
    """From then on the check says until when; when it lapses the channel is told."""
    value = buttons(await asked_for(hall, bob))[ids.REQUEST_EXEMPT]
    until = (NOW + timedelta(days=3)).date().isoformat()

    await alice.press(ids.REQUEST_EXEMPT, value, inside="posted")
    assert await alice.submit(until=until, reason="trial", ticket="OPS-7") == {}
    await deliver(hall)
    assert "🕒 Allowed until" in standing(hall, "is asked for")["text"]
    assert "🕒 Allowed until" in standing(hall, "You asked for")["text"]
    await bob.type(f"check {IMAGE}")
    assert "🕒 Allowed until" in hall.slack.responses[-1]["text"]

    clock_of(hall.deps).skip(timedelta(days=3))
    await tick_exemptions(hall.deps)
    await deliver(hall)
    assert "(OPS-7)" in standing(hall, "Exemption lapses soon")["text"]


async def test_a_manager_exempts_and_ends(hall: Office, alice: Person, bob: Person) -> None:
    """Typed with the image or without; the list has a button for each."""
    await bob.type("exempt quay.io/tool/one")
    assert "Only managers may exempt" in hall.slack.said
    await alice.type("exempt quay.io/tool/one:3")
    day = (NOW + timedelta(days=9)).date().isoformat()
    wrong = await alice.submit(image="quay.io/*", until=NOW.date().isoformat(), reason="load")
    assert set(wrong) == {"image"}
    assert await alice.submit(image="quay.io/tool/one:3", until=day, reason="load test") == {}
    await deliver(hall)
    assert "may run until" in standing(hall, "🕒 Exempted")["text"]

    await bob.type("exemptions")
    listed = hall.slack.responses[-1]
    assert "`quay.io/tool/one` until" in listed["text"]
    (end,) = [block["accessory"] for block in listed["blocks"] if "accessory" in block]
    await bob.press(ids.EXEMPTION_END, end["value"])
    assert "Only managers may end" in hall.slack.said
    await alice.press(ids.EXEMPTION_END, end["value"])
    await bob.type("exemptions")
    assert "No image is exempted" in hall.slack.responses[-1]["text"]


def test_limits_hold_at_the_worst() -> None:
    """The longest image, a crowd of askers, and hundreds of exemptions."""
    longest = "quay.io/" + "/".join(["a" * 60] * 4) + "@sha256:" + "f" * 64
    crowd = tuple(f"U{number:09}" for number in range(500))
    request = RequestView("r" * 32, "T1", longest, longest, crowd, "open")
    exempted = ExemptionView("e", longest, "w" * 500, "t" * 200, NOW, NOW, "U" * 30)
    asked = Asked(longest, Policy([Rule("r", "x.example.com")]).decide(longest))
    names = tuple(f"linux/{number}{'a' * 90}" for number in range(20))
    most = ImageFacts("sha512:" + "f" * 128, names, 1000, names[0], 2**50, NOW)
    cards = [
        verdict_card(asked),
        verdict_card(Asked("\x00" * 5000, Policy(()).decide("\x00" * 5000))),
        verdict_card(asked, found_lines(Reference.parse(longest), most, NOW)),
        verdict_card(asked, absent_lines(Unseen(Absence.HIDDEN, "<&" * 5000, "<&" * 5000))),
        request_card(request, "n" * 300),
        exemptions_card([exempted] * 300),
    ]

    assert [message_problems(card.message()) for card in cards] == [[]] * len(cards)


@pytest.mark.parametrize(
    ("words", "image"),
    [
        (["quay.io/a/b:1"], "quay.io/a/b:1"),
        (["<http://quay.io/a/b:1|quay.io/a/b:1>"], "quay.io/a/b:1"),
        (["<https://quay.io/a/b>"], "quay.io/a/b"),
        (["`quay.io/a/b`"], "quay.io/a/b"),
        (["<http://quay.io|quay.io>/a/b:1"], "quay.io/a/b:1"),
        ([], ""),
    ],
)
def test_the_image_is_what_was_meant(words: list[str], image: str) -> None:
    """Slack makes links of what looks like an address."""
    assert image_meant(words) == image
