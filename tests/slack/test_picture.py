"""The picture of the last 30 days."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from PIL import Image

from bot.core.day_counts import DayCounts, DayState, last_days
from bot.core.report import Grid, Line, grid
from bot.slack.picture import COLOURS, GROUND, INK, WORDS, alt_text, draw, title

DAYS = last_days(datetime(2026, 11, 24, tzinfo=UTC), 30)
FINE = dict.fromkeys(DAYS, DayCounts(proven=24))


def lines(count: int) -> list[Line]:
    return [Line(f"harbor-{number:04}", f"kind {number % 9}", FINE) for number in range(count)]


@pytest.mark.parametrize("count", [1, 12, 40, 41, 1_000])
def test_a_picture_is_of_a_size_that_people_can_read(count: int) -> None:
    """A thousand registries make it no higher than a screen or two."""
    image = Image.open(io.BytesIO(draw(grid(lines(count), DAYS))))

    assert image.format == "PNG"
    assert image.width == 1520
    assert 200 < image.height < 2600


def test_an_empty_grid_is_drawn_too() -> None:
    """Nothing to show is no error."""
    assert draw(Grid(DAYS, (), 0)).startswith(b"\x89PNG")


def test_it_has_its_own_ground() -> None:
    """So that it reads the same in the dark and in the light."""
    image = Image.open(io.BytesIO(draw(grid(lines(3), DAYS)))).convert("RGBA")
    corners = [(0, 0), (image.width - 1, 0), (0, image.height - 1)]

    assert {image.getpixel(corner) for corner in corners} == {(255, 255, 255, 255)}
    assert contrast(INK, GROUND) > 7


@pytest.mark.parametrize("last", [23, 24, 25])
def test_no_day_is_cut_off_at_the_edge(last: int) -> None:
    """The label of a Monday that is today, or was a day or two ago: the margin stays free."""
    days = last_days(datetime(2026, 11, last, tzinfo=UTC), 30)
    image = Image.open(io.BytesIO(draw(grid(lines(3), days)))).convert("RGB")
    margin = image.crop((image.width - 6, 0, image.width, image.height))

    assert margin.getcolors() == [(6 * image.height, (255, 255, 255))]


def test_states_are_told_apart_by_more_than_their_colour() -> None:
    """The two that fail differ in brightness from those that do not, and carry marks."""
    shades = sorted(luminance(colour) for colour in COLOURS.values())

    assert all(lighter - darker > 0.03 for darker, lighter in pairwise(shades))
    assert contrast(COLOURS[DayState.FAILED], COLOURS[DayState.WORKED]) > 4.5
    assert set(WORDS) == set(COLOURS) == set(DayState)


def test_every_cell_has_the_colour_of_its_day() -> None:
    """Drawn where it belongs: the last day of the only row."""
    bad = FINE | {DAYS[-1]: DayCounts(refused=24)}
    image = Image.open(io.BytesIO(draw(grid([Line("a", "x", bad)], DAYS)))).convert("RGB")
    row = [image.getpixel((x, height(image))) for x in range(image.width)]

    assert seen(row, COLOURS[DayState.FAILED]) > 15
    assert seen(row[: image.width * 9 // 10], COLOURS[DayState.FAILED]) == 0


def test_the_words_for_it_name_what_failed() -> None:
    """For those who cannot see it."""
    bad = FINE | {DAYS[-1]: DayCounts(refused=24), DAYS[0]: DayCounts(proven=9, refused=1)}
    told = alt_text(grid([*lines(2), Line("ghcr-acme", "x", bad)], DAYS))

    assert title(grid(lines(2), DAYS)) == "2 registries, 26 Oct to 24 Nov, days in UTC"
    assert "ghcr-acme: failed on 1 day, partly on 1 day." in told
    assert "harbor" not in told


def test_the_words_are_never_too_long() -> None:
    """Whatever fails."""
    rng = random.Random(4)
    bad = [
        Line(f"{'long' * 15}-{n}", "x", {day: DayCounts(refused=rng.randint(0, 3)) for day in DAYS})
        for n in range(2_000)
    ]

    assert len(alt_text(grid(bad, DAYS))) <= 2_000


def height(image: Image.Image) -> int:
    """The middle of the only row: below the title and the dates."""
    return round(image.height - (0.45 + 0.235 * 0.25) * 200)


def seen(pixels: Sequence[object], colour: str) -> int:
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return sum(pixel == wanted for pixel in pixels)


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
