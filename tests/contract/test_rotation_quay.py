"""Robots of the practice Quay are rotated by an administrator, and no answer that is lost matters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.auto_rotation import Step
from bot.core.check import Verdict
from bot.core.config import Config
from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.errors import Conflict, NotDone, Unclear
from bot.kinds.rotation.providers import provider_for
from bot.kinds.rotation.quay import QuayRobots
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import HOSTILE_HOST
from bot.sandbox.practice.vendors.quay import PERSONAL, QUAY, TEAM, Quay
from bot.store import rotation_runs
from bot.store.schema import CURRENT, RETIRED
from bot.usecases import drafts, rotation_policies
from tests.contract.lab import Answers, Lab, open_lab
from tests.contract.rotating import NAME, World, deaf, errand, open_world, unheard
from tests.factories import ALICE, generic
from tests.usecases.test_auto_rotation import begun, in_force, kept, run, state

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
UNUSED = Secret("Rg1-a-secret-that-quay-never-sees")
PROVIDER = QuayRobots()


def quay_of(lab: Lab) -> Quay:
    return lab.practice.generic.quay


def config_of(lab: Lab, robot: str = TEAM) -> Config:
    quay = quay_of(lab)
    held = quay.keyring.find(robot) or quay.personal.find(robot)
    secret = Secret(held.secret if held else "of no robot")
    login: Answers = {"url": f"https://{QUAY}", "username": robot, "password": secret}
    return lab.config("generic", changed=login)


def access_of(lab: Lab) -> dict[str, str]:
    return {"quay_token": quay_of(lab).oauth}


async def opened(world: World) -> Quay:
    quay = quay_of(world.lab)
    await world.save(f"https://{QUAY}", TEAM, quay.shown.secret)
    await world.give(access_of(world.lab))
    return quay


def regenerated(lab: Lab) -> int:
    return len([one for one in lab.practice.log if one.method == "POST"])


async def test_a_robot_is_rotated_from_beginning_to_end(database_url: str) -> None:
    """The token that Quay made is in force at once, and the old one is seen dead."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        old = quay.shown.secret
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert await state(world.deps, rotation) == (Phase.DEAD, Step.OVER)
        assert await in_force(world.deps, NAME) == quay.shown.secret != old
        assert regenerated(world.lab) == 1
        held = await kept(world.deps, NAME)
        assert held[CURRENT] == [True]
        assert not any(held[RETIRED])


async def test_no_secret_travels_in_an_address_or_reaches_the_journal(database_url: str) -> None:
    """Quay tells the token in every answer about the robot."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)
        async with world.deps.store.reading() as session:
            lines = await rotation_runs.journal(session, rotation)
        written = "".join(f"{one.handle} {one.detail}" for one in lines)

        assert "address" not in {manner for _, manner in world.lab.practice.received}
        assert not any(secret in written for secret in quay.secrets())


async def test_an_answer_that_never_came_loses_nothing(database_url: str) -> None:
    """Quay made a new token; it is read, and no other is made."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        world.lab.practice.serve(QUAY, deaf(quay.answer, "POST"))
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, rotation))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == quay.shown.secret
        assert regenerated(world.lab) == 1


async def test_an_outage_right_after_it_loses_nothing(database_url: str) -> None:
    """The answer is lost, and then nothing answers for a while: it is waited for."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        old = quay.shown.secret

        def fails(ask: Ask) -> Answer:
            answer = quay.answer(ask)
            if ask.method == "POST":
                quay.set_state(State.DOWN)
                return as_json(502, {})
            return answer

        world.lab.practice.serve(QUAY, fails)
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        assert (await state(world.deps, rotation))[1] is Step.RECONCILE
        assert await in_force(world.deps, NAME) == old != quay.shown.secret
        quay.set_state(State.HEALTHY)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, rotation))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == quay.shown.secret
        assert regenerated(world.lab) == 1


async def test_a_request_that_never_arrived_is_sent_again(database_url: str) -> None:
    """The token is still ours, so nothing was done."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        world.lab.practice.serve(QUAY, unheard(quay.answer, "POST"))
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, rotation))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == quay.shown.secret


async def test_a_missing_right_is_said_before_anything_is_changed(database_url: str) -> None:
    """Without the scope Quay shows no token; with it, it works."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        old, quay.may = quay.shown.secret, set()
        first = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        assert (await state(world.deps, first))[1] is Step.FAILED
        assert "Administer Organization" in await world.why(first)
        assert (regenerated(world.lab), quay.shown.secret) == (0, old)

        quay.may = {"org:admin"}
        second = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, second))[1] is Step.OVER
        assert await in_force(world.deps, NAME) == quay.shown.secret != old


@pytest.mark.parametrize(
    ("changed", "access", "robot", "said"),
    [
        ({"may": {"user:admin"}}, None, TEAM, "Administer Organization, of an administrator of t"),
        ({"admins": set()}, None, TEAM, "does not show"),
        ({"looks": True, "admins": set()}, None, TEAM, "lets it replace nothing"),
        ({"may": {"org:admin"}}, None, PERSONAL, "Administer User of alice"),
        ({}, None, "team+gone", r"does not show this OAuth access token a robot team\+gone"),
        ({}, {"quay_token": "wrong"}, TEAM, "wrong, expired or revoked"),
        ({}, {}, TEAM, "Put in an OAuth access token"),
    ],
)
async def test_what_is_missing_is_named(
    changed: dict[str, object], access: dict[str, str] | None, robot: str, said: str
) -> None:
    """Nothing is changed by looking, and the sentence says what to do."""
    async with open_lab() as lab:
        for name, value in changed.items():
            setattr(quay_of(lab), name, value)
        with_this = access_of(lab) if access is None else access
        with pytest.raises(NotDone, match=said):
            await PROVIDER.ready(errand(lab, config_of(lab, robot), with_this))

        assert regenerated(lab) == 0


async def test_a_dry_run_finds_all_there_and_changes_nothing(database_url: str) -> None:
    """What the doctor and the dialog ask."""
    async with open_world(database_url) as world:
        await opened(world)
        found = await rotation_policies.diagnose(world.deps, world.rotators, ALICE, NAME)

        assert found.problems == ()
        assert "the old one is dead from then on" in found.steps[0]
        assert {one.method for one in world.lab.practice.log} == {"GET"}


async def test_a_robot_of_a_user_is_replaced_by_that_user_only() -> None:
    """Somebody else with a robot of the same short name would have lost theirs."""
    async with open_lab() as lab:
        quay = quay_of(lab)
        config = config_of(lab, PERSONAL)
        made = await PROVIDER.issue(errand(lab, config, access_of(lab)), "", 90 * DAY, UNUSED)
        assert made.secrets["password"].reveal() == quay.personal.shown.secret

        quay.asks = "bob"
        quay.personal.add("bob+laptop", "the token of somebody else", login="bob+laptop")
        with pytest.raises(NotDone, match="does not show"):
            await PROVIDER.issue(errand(lab, config, access_of(lab)), "", 90 * DAY, UNUSED)
        held = quay.personal.find("bob+laptop")

        assert held is not None
        assert held.secret == "the token of somebody else"


async def test_the_new_token_works_and_the_old_one_does_not() -> None:
    """The practice Quay replaces it at once, and `recover` knows it only then."""
    async with open_lab() as lab:
        config = config_of(lab)
        before = await PROVIDER.recover(errand(lab, config, access_of(lab)), UNUSED)
        made = await PROVIDER.issue(errand(lab, config, access_of(lab)), "", 90 * DAY, UNUSED)
        known = await PROVIDER.recover(errand(lab, config, access_of(lab)), UNUSED)
        after = [
            (await lab.checker().check(each)).verdict
            for each in (config, config.with_secrets(made.secrets))
        ]

        assert before is None
        assert known is not None
        assert known.secrets == made.secrets
        assert after == [Verdict.REFUSED, Verdict.PROVEN]


async def test_a_token_that_is_not_ours_is_never_replaced() -> None:
    """An earlier request may have been done, or a person was faster; that is found out first."""
    async with open_lab() as lab:
        config = config_of(lab)
        await PROVIDER.issue(errand(lab, config, access_of(lab)), "", 90 * DAY, UNUSED)
        ready = await PROVIDER.ready(errand(lab, config, access_of(lab)))
        with pytest.raises(Unclear, match="another token"):
            await PROVIDER.issue(errand(lab, config, access_of(lab)), "", 90 * DAY, UNUSED)

        assert "another token" in ready.problems[0]
        assert regenerated(lab) == 1


@pytest.mark.parametrize("body", [{}, {"name": TEAM, "token": 5}, ["a list"], "text"])
async def test_an_answer_that_holds_no_token_is_in_doubt(body: object) -> None:
    """One was made; it is read afterwards."""
    async with open_lab() as lab:
        quay, config = quay_of(lab), config_of(lab)

        def site(ask: Ask) -> Answer:
            answer = quay.answer(ask)
            return as_json(200, body) if ask.method == "POST" else answer

        lab.practice.serve(QUAY, site)
        with pytest.raises(Unclear):
            await PROVIDER.issue(errand(lab, config, access_of(lab)), "", 90 * DAY, UNUSED)
        known = await PROVIDER.recover(errand(lab, config, access_of(lab)), UNUSED)

        assert known is not None
        assert known.secrets["password"].reveal() == quay.shown.secret


@pytest.mark.parametrize("trouble", [State.DOWN, State.LIMITED])
async def test_a_quay_that_is_away_is_no_answer(trouble: State) -> None:
    """Neither yes nor no."""
    async with open_lab() as lab:
        config, access = config_of(lab), {"quay_token": Secret(quay_of(lab).oauth)}
        lab.practice.set_state("generic", trouble)
        with pytest.raises(Unclear):
            await lab.rotators().run(config, access, PROVIDER.ready)


async def test_no_other_server_is_given_what_rotates() -> None:
    """A registry that is no Quay is said to be none, and is sent nothing secret."""
    async with open_lab() as lab:
        url = lab.practice.generic.registry_url
        secret = Secret(quay_of(lab).shown.secret)
        config = lab.config("generic", changed={"url": url, "username": TEAM, "password": secret})
        with pytest.raises(NotDone, match="not a Quay"):
            await PROVIDER.ready(errand(lab, config, access_of(lab)))

        assert not lab.practice.received


@pytest.mark.parametrize(
    ("name", "robot"),
    [
        ("team+ci", True),
        ("my-team.eu+ci_bot", True),
        ("$oauthtoken", False),
        ("team", False),
        ("team+", False),
        ("..+ci", False),
        ("team/x+ci", False),
        ("robot$team+ci", False),
    ],
)
async def test_only_robots_are_rotated_so(name: str, robot: bool) -> None:
    """By their name, which becomes part of an address."""
    async with open_lab() as lab:
        config = lab.config("generic", changed={"username": name})

    assert (PROVIDER.unsuited(config) == "") is robot
    assert isinstance(provider_for(config)[0], QuayRobots) is robot


async def move(world: World, url: str) -> None:
    """A manager edits the registry to be elsewhere, with a secret of their own, and saves it."""
    answers = generic(NAME, url=url, username=TEAM, password="a secret of their own")
    draft_id = await drafts.begin(world.deps, ALICE, answers, name_of_edited=NAME, version=1)
    await drafts.save_anyway(world.deps, ALICE, draft_id)


def collect(world: World) -> list[str]:
    """A server that says that it is a Quay; what is sent to it."""
    heard: list[str] = []

    def answer(ask: Ask) -> Answer:
        heard.append(ask.headers.get("authorization", ""))
        realm = f'Bearer realm="https://{HOSTILE_HOST}/v2/auth",service="{HOSTILE_HOST}"'
        return as_json(401, {}, ("WWW-Authenticate", realm))

    world.lab.practice.serve(HOSTILE_HOST, answer)
    return heard


async def test_what_rotates_it_follows_it_to_no_other_host(database_url: str) -> None:
    """Whoever may edit a registry cannot read an administrator's token at a server of their own."""
    async with open_world(database_url) as world:
        quay = await opened(world)
        heard = collect(world)
        await move(world, f"https://{HOSTILE_HOST}")
        found = await rotation_policies.diagnose(world.deps, world.rotators, ALICE, NAME)

        assert not any(quay.oauth in one for one in heard)
        assert "Put in an OAuth access token" in found.problems[0]
        assert not (await rotation_policies.view(world.deps, world.rotators, ALICE, NAME)).held


async def test_a_form_that_was_open_before_the_move_is_refused(database_url: str) -> None:
    """Whoever fills it in meant the former address, and looks again before giving a token."""
    async with open_world(database_url) as world:
        quay, heard = quay_of(world.lab), collect(world)
        await world.save(f"https://{QUAY}", TEAM, quay.shown.secret)
        seen = await rotation_policies.view(world.deps, world.rotators, ALICE, NAME)
        await move(world, f"https://{HOSTILE_HOST}")

        with pytest.raises(Conflict, match="Open it again"):
            await world.give(access_of(world.lab), seen.version)
        await rotation_policies.diagnose(world.deps, world.rotators, ALICE, NAME)
        assert not any(quay.oauth in one for one in heard)
