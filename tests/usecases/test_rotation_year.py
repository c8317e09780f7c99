"""A year in which registries rotate by themselves and providers fail now and then."""

from __future__ import annotations

from pathlib import Path

from tests.databases import migrated_sqlite
from tests.factories import deps_on
from tests.usecases.rotation_year import play


async def test_a_year_of_faults_breaks_no_pull_and_leaves_no_key(tmp_path: Path) -> None:
    """Ten registries; the benchmark `rotation` plays 200."""
    deps = deps_on(migrated_sqlite(tmp_path))

    year = await play(deps, registries=10, seed=7)

    await deps.store.close()
    assert year.broken == []
    assert (year.orphans, year.strays, year.not_seen_dead) == (0, [], 0)
    assert year.seen_dead >= 30
    assert set(year.phases) <= {"dead", "failed"}
    assert min(year.faults.values()) > 0
