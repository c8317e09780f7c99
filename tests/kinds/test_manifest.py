"""What is read of manifests, indexes and configs that anybody may have written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.kinds.manifest import created_of, parts_of, platform_of, platforms_of, preferred

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def entry(letter: str = "a", size: object = 5, **platform: object) -> dict[str, Any]:
    return {"digest": "sha256:" + letter * 64, "size": size, "platform": platform}


def test_attestations_are_no_platforms() -> None:
    """BuildKit adds entries of unknown/unknown to an index."""
    index = {
        "manifests": [
            entry("a", os="linux", architecture="arm64", variant="v8"),
            entry("b", os="unknown", architecture="unknown"),
        ]
    }

    assert [one.platform for one in platforms_of(index) or ()] == ["linux/arm64/v8"]


def test_amd64_is_told_of_before_others() -> None:
    """It is what most clusters pull; without it the first will do."""
    arm = entry("a", os="linux", architecture="arm64")
    amd = entry("b", os="linux", architecture="amd64")

    for listed, expected in (([arm, amd], "linux/amd64"), ([arm], "linux/arm64")):
        chosen = preferred(platforms_of({"manifests": listed}) or [])
        assert chosen is not None
        assert chosen.platform == expected
    assert preferred([]) is None


@pytest.mark.parametrize(
    "hostile",
    [
        {"digest": "sha256:../../x", "size": 1},
        {"digest": 7, "size": 1},
        {"digest": "sha256:" + "a" * 64, "size": -1},
        {"digest": "sha256:" + "a" * 64, "size": 2**70},
        {"digest": "sha256:" + "a" * 64, "size": True},
        "text",
        None,
    ],
)
def test_a_bad_descriptor_is_none(hostile: object) -> None:
    """A size is told only when every layer has one."""
    good = {"digest": "sha256:" + "b" * 64, "size": 10}

    assert parts_of({"config": good, "layers": [hostile]})[1] is None
    assert parts_of({"config": hostile, "layers": [good]}) == (None, None)
    assert platforms_of({"manifests": [hostile]}) == []
    assert parts_of({"config": good, "layers": [good, good]})[1] == 30


def test_a_thousand_entries_are_read() -> None:
    """However long an index is."""
    found = platforms_of({"manifests": [entry(os="linux", architecture="amd64")] * 5000})

    assert found is not None
    assert len(found) == 1000


@pytest.mark.parametrize(
    ("about", "platform"),
    [
        ({"os": "linux", "architecture": "amd64"}, "linux/amd64"),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"os": "linux", "architecture": "amd64", "variant": "<!here>"}, "linux/amd64"),
        ({"os": "Linux\n", "architecture": "amd64"}, ""),
        ({"os": "linux"}, ""),
        ({}, ""),
    ],
)
def test_a_platform_is_a_plain_name(about: dict[str, object], platform: str) -> None:
    """Nothing else is shown to people."""
    assert platform_of(about) == platform


@pytest.mark.parametrize(
    ("created", "told"),
    [
        ("2026-11-01T08:30:00.123456789Z", datetime(2026, 11, 1, 8, 30, 0, 123456, UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("1980-01-01T00:00:01Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("2126-11-01T08:30:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_date_that_cannot_be_is_not_told(created: object, told: datetime | None) -> None:
    """Reproducible builds set their date to 1970 or 1980."""
    assert created_of({"created": created}, NOW) == told
