"""Looking, deleting, restoring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, update
from sqlmodel import col, select

from bot.core.check import Verdict
from bot.core.registry import Filter
from bot.errors import Conflict, InvalidInput, NotAllowed, NotFound
from bot.store.schema import AuditEvent, Credential, Registry
from bot.usecases import checking, drafts, purge, registries
from bot.usecases.deps import Deps
from tests.factories import (
    ALICE,
    BOB,
    MALLORY,
    NOW,
    add,
    checker_of,
    clock_of,
    deps_on,
    generic,
    proven,
    refused,
    stored,
)


async def test_what_needs_attention_is_listed_first(deps: Deps) -> None:
    """Then everything else, each by name."""
    checker_of(deps).answers = [proven(), proven(), refused()]
    await add(deps, answers=generic("b-good"))
    await add(deps, answers=generic("a-good"))
    await stored(deps, answers=generic("z-bad"))

    page = await registries.list_registries(deps, BOB, Filter())

    assert [row.name for row in page.rows] == ["z-bad", "a-good", "b-good"]
    assert (page.total, page.attention) == (3, 1)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Filter(text="ALPHA"), ["alpha"]),
        (Filter(text="beta.example"), ["beta"]),
        (Filter(text="team/b"), ["beta"]),
        (Filter(text="generic reg"), ["beta", "alpha"]),
        (Filter(text="100%"), []),
        (Filter(text="_"), []),
        (Filter(kind="ghcr"), []),
        (Filter(environment="production"), ["alpha"]),
        (Filter(owner="UBOB"), ["beta"]),
        (Filter(attention=True), ["beta"]),
    ],
)
async def test_a_list_is_filtered(deps: Deps, wanted: Filter, names: list[str]) -> None:
    """By words in name, host, scope and kind; by kind, environment, owner and attention."""
    checker_of(deps).answers = [proven(), refused()]
    await add(deps, answers=generic("alpha", environment="production"))
    await stored(deps, answers=generic("beta", owner="UBOB", path_scope="team/b"))

    page = await registries.list_registries(deps, BOB, wanted)

    assert [row.name for row in page.rows] == names
    assert page.total == len(names)


async def test_pages_beyond_the_last_show_the_last(deps: Deps) -> None:
    """Something was deleted since the button was drawn."""
    for number in range(5):
        await add(deps, answers=generic(f"registry-{number}"))

    page = await registries.list_registries(deps, BOB, Filter(), page=99, size=2)

    assert (page.number, page.pages) == (3, 3)
    assert [row.name for row in page.rows] == ["registry-4"]


async def test_a_thousand_registries_are_listed_in_two_queries(deps: Deps) -> None:
    """One for the numbers and one for the page, however many there are."""
    await _insert_many(deps, 1000)

    with _statements(deps) as statements:
        page = await registries.list_registries(deps, ALICE, Filter(), page=50, size=20)

    assert len(page.rows) == 20
    assert page.total == 1000
    assert len([one for one in statements if one.lstrip().startswith("SELECT")]) == 2


async def test_a_picker_gets_a_hundred_of_a_thousand_names_in_one_query(deps: Deps) -> None:
    """Names that begin with what was typed come first."""
    await _insert_many(deps, 1000)

    with _statements(deps) as statements:
        found = await registries.suggest(deps, ALICE, "registry-09")

    assert found[0] == ("registry-0900", "registry-0900.example.com")
    assert len(found) == 100
    assert len([one for one in statements if one.lstrip().startswith("SELECT")]) == 1


async def test_counters_tell_every_state(deps: Deps) -> None:
    """Saved without a check is neither good nor bad."""
    checker_of(deps).answers = [proven(), refused()]
    await add(deps, answers=generic("good"))
    await stored(deps, answers=generic("bad"))
    unchecked = await drafts.begin(deps, ALICE, generic("unchecked"))
    await drafts.save_anyway(deps, ALICE, unchecked)

    counted = await registries.counters(deps, BOB)

    assert counted.total == 3
    assert counted.by_verdict == {Verdict.PROVEN: 1, Verdict.REFUSED: 1}
    assert (counted.unchecked, counted.attention, counted.broken) == (1, 1, 0)


async def test_a_stranger_sees_nothing(deps: Deps) -> None:
    """Not in a list, not by name, not by number, and may not touch it."""
    await add(deps)

    page = await registries.list_registries(deps, MALLORY, Filter())

    assert page.rows == ()
    assert await registries.suggest(deps, MALLORY, "") == []
    assert (await registries.counters(deps, MALLORY)).total == 0
    assert await registries.restorable(deps, MALLORY) == []
    for attempt in (
        registries.show(deps, MALLORY, "harbor-team"),
        registries.history(deps, MALLORY, "harbor-team"),
        registries.delete(deps, MALLORY, "harbor-team", "harbor-team"),
        registries.restore(deps, MALLORY, "harbor-team"),
        drafts.open_edit(deps, MALLORY, "harbor-team"),
        checking.check_registry(deps, MALLORY, "harbor-team"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_misspelt_name_gets_a_hint(deps: Deps) -> None:
    """Near names are told."""
    await add(deps)

    with pytest.raises(NotFound, match="Did you mean harbor-team"):
        await registries.show(deps, BOB, "habor-team")


async def test_deleting_needs_the_name_typed(deps: Deps) -> None:
    """Anything else is told on the field and deletes nothing."""
    await add(deps)

    with pytest.raises(InvalidInput) as caught:
        await registries.delete(deps, ALICE, "harbor-team", "harbor")

    assert "typed_name" in caught.value.fields
    assert (await registries.show(deps, ALICE, "harbor-team")).version == 1


async def test_a_deleted_registry_can_be_restored_for_seven_days(deps: Deps) -> None:
    """With its credential, which never left."""
    await add(deps)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team", "not used")
    assert (await registries.counters(deps, ALICE)).total == 0
    clock_of(deps).skip(timedelta(days=6, hours=23))
    assert await registries.restorable(deps, ALICE) == [("harbor-team", NOW)]

    restored = await registries.restore(deps, ALICE, "harbor-team")

    assert restored.credential is not None
    assert (await registries.show(deps, BOB, "harbor-team")).broken == ""


async def test_after_seven_days_the_secret_is_destroyed(deps: Deps) -> None:
    """The row stays as a trace, without its secret, and cannot be restored."""
    await add(deps)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")
    clock_of(deps).skip(timedelta(days=7))

    assert await purge.purge_deleted(deps) == 2  # the registry, and the draft it was made from

    async with deps.store.reading() as session:
        blobs = (await session.exec(select(Credential.blob))).all()
    assert blobs == [None]
    with pytest.raises(NotFound, match="more than 7 days ago"):
        await registries.restore(deps, ALICE, "harbor-team")
    assert await purge.purge_deleted(deps) == 0


async def test_a_late_restore_is_refused_even_before_the_purge(deps: Deps) -> None:
    """Seven days are seven days, whether the clock's task ran or not."""
    await add(deps)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")
    clock_of(deps).skip(timedelta(days=7))

    with pytest.raises(NotFound):
        await registries.restore(deps, ALICE, "harbor-team")


async def test_a_restore_does_not_push_out_a_successor(deps: Deps) -> None:
    """The name was given to another registry meanwhile."""
    await add(deps)
    await registries.delete(deps, ALICE, "harbor-team", "harbor-team")
    await add(deps, answers=generic(url="https://other.example.com"))

    with pytest.raises(Conflict, match="already a registry of this name"):
        await registries.restore(deps, ALICE, "harbor-team")


async def test_the_name_of_a_deleted_registry_is_free(deps: Deps) -> None:
    """And the latest one that was deleted is the one that comes back."""
    for _ in range(2):
        await add(deps)
        clock_of(deps).skip(timedelta(hours=1))
        await registries.delete(deps, ALICE, "harbor-team", "harbor-team")

    restored = await registries.restore(deps, ALICE, "harbor-team")

    assert restored.updated_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize("verb", ["delete", "restore"])
async def test_a_refusal_is_audited(deps: Deps, verb: str) -> None:
    """A member is told who can help, and the attempt is on record."""
    await add(deps)
    attempt = {
        "delete": registries.delete(deps, BOB, "harbor-team", "harbor-team"),
        "restore": registries.restore(deps, BOB, "harbor-team"),
    }

    for name, coroutine in attempt.items():
        if name != verb:
            coroutine.close()
            continue
        with pytest.raises(NotAllowed, match="Nobody has said yet who they are"):
            await coroutine

    async with deps.store.reading() as session:
        events = (
            await session.exec(select(AuditEvent).where(AuditEvent.action == "refused"))
        ).all()
    assert [(event.user_id, event.registry_name) for event in events] == [("UBOB", "harbor-team")]


async def test_an_expired_draft_is_purged_with_its_secret(deps: Deps) -> None:
    """Fifteen minutes later nothing of it is left in the database."""
    await drafts.begin(deps, ALICE, generic())
    clock_of(deps).skip(timedelta(minutes=15))

    assert await purge.purge_deleted(deps) == 1

    async with deps.store.reading() as session:
        assert (await session.exec(select(Credential))).all() == []
        assert (await session.exec(select(Registry))).all() == []


async def test_purging_the_draft_of_an_edit_leaves_the_registry(deps: Deps) -> None:
    """Only the draft's own credential goes."""
    await add(deps)
    edit = generic(password="other one")
    await drafts.begin(deps, ALICE, edit, name_of_edited="harbor-team", version=1)
    clock_of(deps).skip(timedelta(minutes=15))

    await purge.purge_deleted(deps)

    assert (await registries.show(deps, ALICE, "harbor-team")).broken == ""


async def test_a_broken_row_harms_no_other(deps: Deps) -> None:
    """It is shown as broken, is listed, and the rest works."""
    await add(deps, answers=generic("healthy"))
    await add(deps, answers=generic("damaged"))
    await _damage(deps, "damaged", blob=b"\x01garbage")

    shown = await registries.show(deps, BOB, "damaged")

    assert "damaged" in shown.broken
    assert "Edit the registry" in shown.broken
    page = await registries.list_registries(deps, BOB, Filter())
    assert [(row.name, bool(row.broken)) for row in page.rows] == [
        ("damaged", True),
        ("healthy", False),
    ]
    assert (await registries.counters(deps, BOB)).broken == 1
    assert (await registries.show(deps, BOB, "healthy")).broken == ""


async def test_swapped_credentials_are_found_out(deps: Deps) -> None:
    """Somebody with write access to the database cannot move a secret to another registry."""
    await add(deps, answers=generic("first"))
    await add(deps, answers=generic("second"))
    async with deps.store.reading() as session:
        rows = (await session.exec(select(Credential))).all()
    for row, other in zip(rows, reversed(rows), strict=True):
        async with deps.store.transaction() as session:
            swap = update(Credential).where(col(Credential.id) == row.id).values(blob=other.blob)
            await session.exec(swap)

    assert "moved from another row" in (await registries.show(deps, BOB, "first")).broken
    assert "moved from another row" in (await registries.show(deps, BOB, "second")).broken


async def test_malformed_words_in_a_row_harm_nothing(deps: Deps) -> None:
    """Unknown kind, verdict, environment and broken JSON are shown as they can be."""
    await add(deps)
    async with deps.store.transaction() as session:
        await session.exec(
            update(Registry).values(
                kind="floppy", verdict="splendid", environment="moon", values_json="{"
            )
        )

    page = await registries.list_registries(deps, BOB, Filter())

    assert page.rows[0].kind_label == "floppy"
    assert "does not know the kind" in page.rows[0].broken
    assert (await registries.show(deps, BOB, "harbor-team")).needs_attention
    assert (await drafts.open_edit(deps, ALICE, "harbor-team")).answers.kind == "floppy"


async def test_a_lost_key_is_told_and_its_return_heals(database_url: str) -> None:
    """Restarted with another key, then with the right one again."""
    right = deps_on(database_url)
    await add(right)
    await right.store.close()
    wrong = deps_on(database_url)
    assert (await registries.show(wrong, BOB, "harbor-team")).broken
    await wrong.store.close()
    again = deps_on(database_url, ring=right.store.keyring)

    assert (await registries.show(again, BOB, "harbor-team")).broken == ""
    assert (await registries.counters(again, BOB)).broken == 0
    await again.store.close()


async def test_history_is_told_newest_first(deps: Deps) -> None:
    """With why each check was made and by whom."""
    checker_of(deps).answers = [proven(), refused()]
    await add(deps)
    await checking.check_registry(deps, BOB, "harbor-team")

    told = await registries.history(deps, BOB, "harbor-team")

    assert [(one.verdict, one.trigger, one.by) for one in told] == [
        (Verdict.REFUSED, "person", "UBOB"),
        (Verdict.PROVEN, "save", "UALICE"),
    ]


@contextmanager
def _statements(deps: Deps) -> Iterator[list[str]]:
    """The SQL that is executed meanwhile."""
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = deps.store.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def _insert_many(deps: Deps, count: int) -> None:
    """Copies of one real registry; only the names and hosts differ."""
    await add(deps, answers=generic("registry-0000"))
    async with deps.store.transaction() as session:
        original = (await session.exec(select(Registry))).one().model_dump()
        for number in range(1, count):
            name = f"registry-{number:04}"
            own = {"id": name, "name": name, "host": f"{name}.example.com", "login": name}
            session.add(Registry(**(original | own)))


async def _damage(deps: Deps, name: str, blob: bytes) -> None:
    async with deps.store.transaction() as session:
        wanted = select(Registry.id).where(Registry.name == name)
        found = col(Credential.registry_id).in_(wanted)
        await session.exec(update(Credential).where(found).values(blob=blob))
