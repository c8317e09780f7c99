"""May this image run, asked by a person."""

from __future__ import annotations

from bot.usecases import asking
from bot.usecases.deps import Deps
from tests.factories import ALICE, add, generic


async def test_the_answer_names_the_registry_or_the_nearest(deps: Deps) -> None:
    """One slip away is said; a stranger is only refused."""
    await add(deps, answers=generic("quay-acme", url="https://quay.io", path_scope="acme"))

    owned = await asking.ask(deps, ALICE, "quay.io/acme/app:1")
    slipped = await asking.ask(deps, ALICE, "quay.io/acme-evil/app:1")
    strange = await asking.ask(deps, ALICE, "nginx")

    assert (owned.verdict.allowed, owned.verdict.registry) == (True, "quay-acme")
    assert slipped.nearest is not None
    assert slipped.nearest.place == "quay.io/acme"
    assert (strange.verdict.allowed, strange.nearest) == (False, None)
    assert strange.verdict.image == "docker.io/library/nginx"


async def test_a_registration_that_covers_nothing_is_named(deps: Deps) -> None:
    """Otherwise people wonder why their registry does not count."""
    await add(deps, answers=generic("quay", url="https://quay.io"))

    asked = await asking.ask(deps, ALICE, "quay.io/acme/app")

    assert not asked.verdict.allowed
    assert asked.scopeless == ("quay",)
