"""A token of the practice Azure has its passwords rotated, and none that is in use is ever ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.core.auto_rotation import Step
from bot.core.check import Verdict
from bot.core.config import Config
from bot.core.rotation import Phase
from bot.core.secret import Secret
from bot.errors import NotDone, Unclear
from bot.kinds.rotation.acr import AcrTokens
from bot.kinds.rotation.azure import CLOUDS, allows
from bot.kinds.rotation.providers import provider_for
from bot.sandbox.practice.ask import Answer, Ask, as_json
from bot.sandbox.practice.states import State
from bot.sandbox.practice.vendor import HOSTILE_HOST
from bot.sandbox.practice.vendors.azure import ACR, ENTRA, KIND, MANAGEMENT, TOKEN, Azure
from bot.store import rotation_runs
from bot.usecases import rotation_orphans, rotation_policies, rotations
from tests.contract.lab import NOON, Answers, Lab, open_lab
from tests.contract.rotating import NAME, World, deaf, errand, open_world, unheard
from tests.factories import ALICE
from tests.usecases.test_auto_rotation import begun, in_force, run, state

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
UNUSED = Secret("Rg1-a-secret-that-azure-never-sees")
PROVIDER = AcrTokens()


def azure_of(lab: Lab) -> Azure:
    return lab.practice.generic.azure


def config_of(lab: Lab, **changed: str) -> Config:
    azure = azure_of(lab)
    login: Answers = {
        "url": f"https://{ACR}", "username": TOKEN, "password": Secret(azure.shown.secret)
    }  # fmt: skip
    return lab.config("generic", changed=login | changed)


def access_of(lab: Lab, **changed: str) -> dict[str, str]:
    azure = azure_of(lab)
    return {
        "tenant": azure.tenant,
        "client": azure.client,
        "client_secret": azure.client_secret,
        "registry": azure.path,
    } | changed


async def opened(world: World) -> Azure:
    azure = azure_of(world.lab)
    await world.save(f"https://{ACR}", TOKEN, azure.shown.secret)
    await world.give(access_of(world.lab))
    return azure


def working(lab: Lab) -> set[str]:
    now = lab.clock.now()
    return {one.secret for one in azure_of(lab).keyring if one.works(now)}


def changes(lab: Lab) -> list[str]:
    """What was asked of Azure that changes anything, by method."""
    return [
        one.method for one in lab.practice.log if one.host == MANAGEMENT and one.method != "GET"
    ]


async def test_a_token_is_rotated_from_beginning_to_end_and_again(database_url: str) -> None:
    """Both passwords work through the grace period; then the old slot is empty for the next one."""
    async with open_world(database_url) as world:
        azure = await opened(world)
        old, azure.polls = azure.shown.secret, 3
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        assert (await state(world.deps, rotation))[1] is Step.GRACE
        first = await in_force(world.deps, NAME)
        assert working(world.lab) == {old, first}
        await run(world.deps, world.rotators, 3 * DAY)
        assert await state(world.deps, rotation) == (Phase.DEAD, Step.OVER)
        assert [one.handle for one in azure.keyring] == ["password2"]

        again = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, 4 * DAY)

        assert await state(world.deps, again) == (Phase.DEAD, Step.OVER)
        assert [one.handle for one in azure.keyring] == ["password1"]
        assert working(world.lab) == {await in_force(world.deps, NAME)} != {first}
        ends = azure.shown.expires_at
        assert ends is not None
        assert abs(ends - world.lab.clock.now() - 86 * DAY) < 2 * DAY


@pytest.mark.parametrize("lost", [deaf, unheard])
async def test_an_answer_that_never_came_leaves_no_orphan(
    database_url: str, lost: Callable[..., Callable[[Ask], Answer]]
) -> None:
    """What may have been made is looked for by its time, ended, and another is made."""
    async with open_world(database_url) as world:
        azure = await opened(world)
        old = azure.shown.secret
        world.lab.practice.serve(MANAGEMENT, lost(azure.answer, "POST", 2))
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, 12 * HOUR)

        assert (await state(world.deps, rotation))[1] is Step.GRACE
        assert working(world.lab) == {old, await in_force(world.deps, NAME)}
        assert len(azure.keyring) == 2


async def test_an_outcome_that_is_never_told_ends_as_it_began(database_url: str) -> None:
    """Azure takes every request and lets nobody see what came of it; three times, then no more."""
    async with open_world(database_url) as world:
        azure = await opened(world)
        azure.may.remove(f"{KIND}/operationStatuses/read")
        old = azure.shown.secret
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, DAY)

        assert (await state(world.deps, rotation))[1] is Step.FAILED
        assert working(world.lab) == {old}
        assert len(azure.keyring) == 1
        assert changes(world.lab).count("POST") == 3


async def test_a_password_that_nobody_expected_is_left_alone(database_url: str) -> None:
    """While the old one is in its grace period a person makes another in its slot."""
    async with open_world(database_url) as world:
        azure = await opened(world)
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        theirs = azure.fill("password1", None, timedelta())
        await run(world.deps, world.rotators, 3 * DAY)

        assert (await state(world.deps, rotation))[1] is Step.OVER
        assert working(world.lab) == {theirs.secret, await in_force(world.deps, NAME)}
        assert "PATCH" not in changes(world.lab)


async def test_two_passwords_are_one_too_many(database_url: str) -> None:
    """Which of them is in use nobody can tell, so none is overwritten until a person ended one."""
    async with open_world(database_url) as world:
        azure = await opened(world)
        azure.fill("password2", None, timedelta())
        before = working(world.lab)
        first = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        assert (await state(world.deps, first))[1] is Step.FAILED
        assert "--password1 or --password2" in await world.why(first)
        assert working(world.lab) == before
        assert changes(world.lab) == []

        azure.keyring.end("password2")
        second = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, 3 * DAY)
        assert (await state(world.deps, second))[1] is Step.OVER


async def test_going_back_ends_the_new_one_and_keeps_the_old(database_url: str) -> None:
    """By its slot and time."""
    async with open_world(database_url) as world:
        old = (await opened(world)).shown.secret
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        await rotations.go_back(world.deps, ALICE, rotation)
        await run(world.deps, world.rotators, HOUR)

        assert (await state(world.deps, rotation))[0] is Phase.BACK
        assert working(world.lab) == {old} == {await in_force(world.deps, NAME)}


async def test_no_secret_travels_in_an_address_or_reaches_the_journal(database_url: str) -> None:
    """The client secret goes to Entra in the body of a form; nothing is an orphan afterwards."""
    async with open_world(database_url) as world:
        azure = await opened(world)
        rotation = await begun(world.deps, world.rotators, NAME)
        await run(world.deps, world.rotators, HOUR)
        async with world.deps.store.reading() as session:
            lines = await rotation_runs.journal(session, rotation)
        written = "".join(f"{one.handle} {one.detail}" for one in lines)
        left = await rotation_orphans.find(world.deps, world.rotators, ALICE)

        assert {(ENTRA, "body"), (MANAGEMENT, "bearer")} <= world.lab.practice.received
        assert "address" not in {manner for _, manner in world.lab.practice.received}
        assert not any(secret in written for secret in azure.secrets())
        assert left == rotation_orphans.Found((), ())


async def test_a_dry_run_finds_all_there_and_changes_nothing(database_url: str) -> None:
    """What the doctor and the dialog ask; a sign-in is all that is posted."""
    async with open_world(database_url) as world:
        await opened(world)
        found = await rotation_policies.diagnose(world.deps, world.rotators, ALICE, NAME)

        assert found.problems == ()
        assert "nobody else should make one" in found.notes[0]
        assert changes(world.lab) == []


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("read", f"{KIND}/read"),
        ("tokens/read", f"{KIND}/tokens/read"),
        ("generateCredentials/action", f"allow {KIND}/generateCredentials/action."),
        ("tokens/write", f"allow {KIND}/tokens/write."),
    ],
)
async def test_a_missing_right_is_said_before_anything_is_made(lacks: str, said: str) -> None:
    """By Azure's own list of what the principal may do, or by being refused a look."""
    async with open_lab() as lab:
        azure_of(lab).may.remove(f"{KIND}/{lacks}")
        try:
            ready = await PROVIDER.ready(errand(lab, config_of(lab), access_of(lab)))
            problems = " ".join(ready.problems)
        except NotDone as error:
            problems = str(error)

        assert said in problems
        assert changes(lab) == []


async def test_rights_that_azure_does_not_tell_are_said_to_be_unknown() -> None:
    """They hinder nothing; a refusal later changes nothing either."""
    async with open_lab() as lab:
        azure = azure_of(lab)
        azure.tells_rights = False
        azure.may.remove(f"{KIND}/generateCredentials/action")
        to = errand(lab, config_of(lab), access_of(lab))
        ready = await PROVIDER.ready(to)
        with pytest.raises(NotDone, match="generateCredentials/action"):
            await PROVIDER.issue(to, "", 90 * DAY, UNUSED)

        assert ready.ready
        assert "Azure does not tell" in ready.notes[0]
        assert len(azure.keyring) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tenant": "no tenant/../x"}, "tenant ID is"),
        ({"tenant": "somebody.onmicrosoft.com"}, "Entra refused"),
        ({"client": "registrar"}, "client ID of a service principal is a UUID"),
        ({"client": "11111111-1111-4111-8111-111111111111"}, "Entra refused"),
        ({"client_secret": "not this one, surely"}, "Entra refused"),
        ({"registry": "acmepractice"}, "resource ID is not that of acmepractice"),
        ({"registry": "/subscriptions/x/../y"}, "resource ID is not that of acmepractice"),
    ],
)
async def test_what_was_put_in_wrong_is_named(changed: dict[str, str], said: str) -> None:
    """Before anything is asked of the registry's management."""
    async with open_lab() as lab:
        with pytest.raises(NotDone, match=said):
            await PROVIDER.ready(errand(lab, config_of(lab), access_of(lab, **changed)))

        assert not [one for one in lab.practice.log if one.host == MANAGEMENT]


async def test_what_was_not_put_in_is_asked_for() -> None:
    """Nothing is sent to anybody."""
    async with open_lab() as lab:
        with pytest.raises(NotDone, match="Put in a service principal"):
            await PROVIDER.ready(errand(lab, config_of(lab)))

        assert lab.practice.log == ()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("enabled", False, "disabled in Azure"),
        ("login_server", "acmepractice-b2c3.azurecr.io", f"not at {ACR}"),
    ],
)
async def test_what_stands_in_the_way_is_named(name: str, value: object, said: str) -> None:
    """A token that is off; a registry of the same name somewhere else."""
    async with open_lab() as lab:
        config = config_of(lab)
        setattr(azure_of(lab), name, value)
        try:
            ready = await PROVIDER.ready(errand(lab, config, access_of(lab)))
            problems = " ".join(ready.problems)
        except NotDone as error:
            problems = str(error)

    assert said in problems


async def test_a_new_password_works_after_a_minute_and_an_ended_one_until_then() -> None:
    """The practice Azure takes its time, as the real one does."""
    async with open_lab() as lab:
        config = config_of(lab)
        to = errand(lab, config, access_of(lab))
        made = await PROVIDER.issue(to, "", 90 * DAY, UNUSED)
        new = config.with_secrets(made.secrets)
        check = lab.checker
        early = (await check().check(new)).verdict
        lab.clock.skip(MINUTE)
        known = (await check().check(new)).verdict
        ready = await PROVIDER.ready(to)
        await PROVIDER.revoke(to, "password1")
        lingering = (await check().check(config)).verdict
        lab.clock.skip(MINUTE)
        dead = (await check().check(config)).verdict

    assert (early, known) == (Verdict.REFUSED, Verdict.PROVEN)
    assert (lingering, dead) == (Verdict.PROVEN, Verdict.REFUSED)
    assert "two passwords" in ready.problems[0]
    assert made.handle.startswith("password2@")
    assert made.expires_at is not None
    assert timedelta() <= NOON + 90 * DAY - made.expires_at < DAY


async def test_making_in_a_slot_that_is_filled_is_never_asked_for() -> None:
    """A third password would end one that is in use."""
    async with open_lab() as lab:
        to = errand(lab, config_of(lab), access_of(lab))
        await PROVIDER.issue(to, "", 90 * DAY, UNUSED)
        both = azure_of(lab).secrets()
        with pytest.raises(NotDone, match="any more"):
            await PROVIDER.issue(to, "", 90 * DAY, UNUSED)

        assert azure_of(lab).secrets() == both
        assert changes(lab) == ["POST"]


async def test_ending_one_twice_is_no_error_and_the_last_one_stays() -> None:
    """The second answer may be the first that arrives."""
    async with open_lab() as lab:
        to = errand(lab, config_of(lab), access_of(lab))
        made = await PROVIDER.issue(to, "", 90 * DAY, UNUSED)
        seen = []
        for _ in range(2):
            await PROVIDER.revoke(to, made.handle)
            seen.append(await PROVIDER.listed(to, made.handle))
        with pytest.raises(NotDone, match="only password"):
            await PROVIDER.revoke(to, "password1")

        assert seen == [False, False]
        assert changes(lab) == ["POST", "PATCH"]


@pytest.mark.parametrize("handle", ["", "password3", "password1@", "../password1", "password1@x"])
async def test_a_name_that_is_none_ends_nothing(handle: str) -> None:
    """It is refused before anybody is asked."""
    async with open_lab() as lab:
        with pytest.raises(NotDone):
            await PROVIDER.revoke(errand(lab, config_of(lab), access_of(lab)), handle)

        assert lab.practice.log == ()


@pytest.mark.parametrize(
    "where",
    [f"https://{HOSTILE_HOST}/x", f"http://{MANAGEMENT}/x", "", f"https://{MANAGEMENT}:8443/"],
)
async def test_the_outcome_is_heard_from_nobody_else(where: str) -> None:
    """Whoever is asked for it is sent a token that manages the registry."""
    async with open_lab() as lab:
        azure = azure_of(lab)

        def site(ask: Ask) -> Answer:
            answer = azure.answer(ask)
            return Answer(202, b"", (("Location", where),)) if answer.status == 202 else answer

        lab.practice.serve(MANAGEMENT, site)
        with pytest.raises(Unclear, match="outcome"):
            await PROVIDER.issue(errand(lab, config_of(lab), access_of(lab)), "", 90 * DAY, UNUSED)

        assert HOSTILE_HOST not in {one.host for one in lab.practice.log}


async def test_an_outcome_is_never_asked_for_without_a_pause() -> None:
    """However often Azure says "not yet, and ask again now"."""
    async with open_lab() as lab:
        azure_of(lab).polls = 1_000_000
        call = partial(PROVIDER.issue, label="", lasts=90 * DAY, proposed=UNUSED)
        access = {name: Secret(text) for name, text in access_of(lab).items()}
        with pytest.raises(Unclear, match="in time"):
            await replace(lab.rotators(), long=2.0).run(config_of(lab), access, call)

        asked = [one for one in lab.practice.log if "/operationStatuses/" in one.path]
        assert 0 < len(asked) <= 10


@pytest.mark.parametrize(
    "body", [{}, {"status": "Failed"}, {"passwords": [{"name": "password1", "value": "x"}]}, "text"]
)
async def test_an_outcome_that_holds_no_password_is_in_doubt(body: object) -> None:
    """One may have been made."""
    async with open_lab() as lab:
        azure = azure_of(lab)

        def site(ask: Ask) -> Answer:
            told = "/operationStatuses/" in ask.path
            return as_json(200, body) if told else azure.answer(ask)

        lab.practice.serve(MANAGEMENT, site)
        with pytest.raises(Unclear):
            await PROVIDER.issue(errand(lab, config_of(lab), access_of(lab)), "", 90 * DAY, UNUSED)


async def test_passwords_that_are_not_understood_are_not_overwritten() -> None:
    """A slot of another name may be the one in use."""
    async with open_lab() as lab:
        azure = azure_of(lab)
        azure.keyring.end("password1")
        azure.fill("password9", None, timedelta())
        with pytest.raises(Unclear):
            await PROVIDER.issue(errand(lab, config_of(lab), access_of(lab)), "", 90 * DAY, UNUSED)

        assert changes(lab) == []


@pytest.mark.parametrize("trouble", [State.DOWN, State.LIMITED])
async def test_an_azure_that_is_away_or_limits_is_no_answer(trouble: State) -> None:
    """Neither yes nor no."""
    async with open_lab() as lab:
        config = config_of(lab)
        access = {name: Secret(text) for name, text in access_of(lab).items()}
        lab.practice.set_state("generic", trouble)
        with pytest.raises(Unclear):
            await lab.rotators().run(config, access, PROVIDER.ready)


@pytest.mark.parametrize(
    ("host", "username", "said"),
    [
        (ACR, TOKEN, ""),
        ("acme-x7b2.azurecr.io", TOKEN, "can be rotated"),  # a name has five characters
        ("acmeteam-x7b2.azurecr.us", TOKEN, ""),
        ("acmeteam.azurecr.cn", TOKEN, ""),
        ("acmeteam.azurecr.de", TOKEN, "can be rotated"),
        ("acmeteam.azurecr.io.example.com", TOKEN, "can be rotated"),
        (ACR, "acmepractice", "admin user"),
        (ACR, "11111111-1111-4111-8111-111111111111", "identity of Entra"),
        (ACR, "a/b/../c", "not of a token"),
    ],
)
async def test_only_tokens_are_rotated_so(host: str, username: str, said: str) -> None:
    """By the host, which decides where the client secret goes, and the user name."""
    async with open_lab() as lab:
        config = lab.config("generic", changed={"url": f"https://{host}", "username": username})
    provider, reason = provider_for(config)

    assert (isinstance(provider, AcrTokens), said in reason) == (said == "", True)


def test_each_cloud_has_addresses_of_its_own() -> None:
    """A secret of one is never sent to another."""
    hosts = [host for cloud in CLOUDS.values() for host in (cloud.login, cloud.management)]

    assert len(set(hosts)) == len(hosts) == 6


@pytest.mark.parametrize(
    ("actions", "less", "may"),
    [
        (["*"], [], True),
        (["*/read"], [], False),
        (["microsoft.containerregistry/*"], [], True),
        (["Microsoft.ContainerRegistry/registries/tokens/*"], [], True),
        (["*"], ["Microsoft.ContainerRegistry/registries/tokens/write"], False),
        (["Microsoft.ContainerRegistry.registries/tokens/write"], [], False),
        (["*tokens/write"], [], True),
        (["*Registry*tok*s/*ite"], [], True),
        (["*write*write"], [], False),
        (["Microsoft.ContainerRegistry/registries/tokens/write*write"], [], False),
        (["*" * 299], [], True),
        (["*" * 200 + "!"], [], False),  # an expression would try for years
        (["*e*s*t*r*i*e*s*" * 15], [], False),
    ],
)
def test_stars_stand_for_any_text(actions: list[str], less: list[str], may: bool) -> None:
    """As in role definitions, whatever the case; what is taken out of an entry is out of it.

    However many there are, as a tenant's own roles may have as many as it likes.
    """
    told = [{"actions": actions, "notActions": less}]

    assert allows(told, f"{KIND}/tokens/write") is may
