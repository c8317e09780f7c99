"""Which repositories and tags are shown for what a person typed."""

from __future__ import annotations

import pytest

from bot.core.check import Verdict
from bot.core.sight import Absence
from bot.errors import NotFound, Unseen
from bot.usecases.browsing import Browsed, Wish, browse
from bot.usecases.deps import Deps
from tests.factories import (
    BOB,
    MALLORY,
    ScriptedLooks,
    add,
    checker_of,
    generic,
    refused,
    stored,
)

SHELF = {"team/app": ["1.2"], "team/app-web": ["2"], "team/tool": ["3"], "other/app": ["4"]}
DENIED = Unseen(Absence.DENIED, "It may not list.", "It needs a right.")


def looks_with(lists: Unseen | None = None) -> ScriptedLooks:
    looks = ScriptedLooks()
    looks.shelf = dict(SHELF)
    looks.lists = lists
    return looks


async def browsed(deps: Deps, text: str = "", looks: ScriptedLooks | None = None) -> Browsed:
    return await browse(deps, looks or looks_with(), BOB, Wish("harbor-team", text))


def names(found: Browsed) -> list[str]:
    assert found.repositories is not None
    return [one.name for one in found.repositories.items]


async def test_repositories_are_named_as_images_are(deps: Deps) -> None:
    """With the host, and the path of the address where it has one."""
    await add(deps, answers=generic(url="https://harbor-team.example.com/artifactory/api/docker/x"))

    found = await browsed(deps)

    assert names(found) == list(SHELF)
    assert found.named("team/app") == "harbor-team.example.com/x/team/app"


@pytest.mark.parametrize(
    "text",
    [
        "team/tool",
        "tool",
        "TOOL",
        "team/tool:3",
        "harbor-team.example.com/team/tool",
        "https://harbor-team.example.com/team/tool@sha256:abc",
    ],
)
async def test_a_text_that_means_one_repository_gives_its_tags(deps: Deps, text: str) -> None:
    """However it was copied."""
    await add(deps)

    found = await browsed(deps, text)

    assert found.repository == "team/tool"
    assert found.tags is not None
    assert [tag.name for tag in found.tags.items] == ["3"]


async def test_an_exact_name_is_preferred(deps: Deps) -> None:
    """`team/app` is not `team/app-web`, and a part of both names lists both."""
    await add(deps)

    assert (await browsed(deps, "team/app")).repository == "team/app"
    assert names(await browsed(deps, "app")) == ["team/app", "team/app-web", "other/app"]


async def test_the_path_scope_bounds_what_is_shown(deps: Deps) -> None:
    """In lists and when a repository is named; the scope itself may be left out."""
    await add(deps, answers=generic(path_scope="team"))

    assert names(await browsed(deps)) == ["team/app", "team/app-web", "team/tool"]
    assert (await browsed(deps, "app")).repository == "team/app"
    looks = looks_with()
    outside = await browse(deps, looks, BOB, Wish("harbor-team", repository="other/app"))
    assert outside.unseen[0].why is Absence.NOT_ASKED
    assert "not below team" in str(outside.unseen[0])
    assert looks.turned == []


async def test_who_may_not_list_sees_the_tags_of_a_named_repository(deps: Deps) -> None:
    """Pulling needs less than listing."""
    await add(deps)

    listed = await browsed(deps, "", looks_with(DENIED))
    named = await browsed(deps, "team/app", looks_with(DENIED))
    wrong = await browsed(deps, "team/none", looks_with(DENIED))

    assert (listed.repositories, listed.unseen) == (None, (DENIED,))
    assert named.tags is not None
    assert [one.why for one in wrong.unseen] == [Absence.DENIED, Absence.HIDDEN]


async def test_what_no_list_has_may_be_there(deps: Deps) -> None:
    """Lists are filtered; nothing matching is said when it is not there either."""
    looks = looks_with()
    await add(deps)
    looks.shelf = {"team/app": ["1.2"]}

    assert names(await browsed(deps, "nothing", looks)) == []
    assert looks.turned[-1] == ("nothing", "", "")


async def test_an_outage_is_not_asked_around(deps: Deps) -> None:
    """One refusal is one question."""
    looks = looks_with(Unseen(Absence.UNREACHABLE, "It is away."))
    await add(deps)

    found = await browsed(deps, "team/app", looks)

    assert [one.why for one in found.unseen] == [Absence.UNREACHABLE]
    assert len(looks.turned) == 1


async def test_a_refused_credential_lists_nothing(deps: Deps) -> None:
    """It is not even tried; nor is a registry of another workspace."""
    looks = looks_with()
    checker_of(deps).answers[:] = [refused()]
    registry = await stored(deps)
    assert registry.verdict is Verdict.REFUSED

    assert (await browsed(deps, "", looks)).unseen[0].why is Absence.REFUSED
    assert looks.turned == []
    with pytest.raises(NotFound):
        await browse(deps, looks, MALLORY, Wish("harbor-team"))
