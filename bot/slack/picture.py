"""The picture of the last 30 days: a row a registry, a column a day, drawn on the CPU.

It brings its own light ground, so that it reads the same in Slack's dark and light themes. Colours
are told apart by people who see few of them, and what failed also has a mark.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from bot.core.day_counts import DayState
from bot.core.report import Grid, GridRow
from bot.slack.text import plain

GROUND: Final = "#ffffff"
INK: Final = "#1d1c1d"
COLOURS: Final = {
    DayState.WORKED: "#8fd3b0",
    DayState.UNPROVEN: "#f2c744",
    DayState.PARTLY: "#f08c2e",
    DayState.FAILED: "#a30200",
    DayState.NOTHING: "#e9e8ea",
}
WORDS: Final = {
    DayState.WORKED: "worked",
    DayState.UNPROVEN: "accepts anyone",
    DayState.PARTLY: "failed partly",
    DayState.FAILED: "failed",
    DayState.NOTHING: "not checked",
}
_MARKS: Final = {DayState.FAILED: ("x", "#ffffff"), DayState.PARTLY: ("_", "#1d1c1d")}
_ORDER: Final = tuple(COLOURS)
_ROW: Final = 0.235  # inches
_WIDTH: Final = 7.6
_LABEL: Final = 30  # characters
_DPI: Final = 200


def draw(grid: Grid) -> bytes:
    """A PNG, at most about 1,500 by 2,600 pixels; takes a second of one core, so use a thread."""
    # Imported late: it is big, and only the weekly summary needs it. No pyplot: it keeps global
    # state and is not safe in threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max(1, len(grid.rows))
    height = rows * _ROW + 1.05
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor=GROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.315, 0.45 / height, 0.675, rows * _ROW / height))
    _cells(axes, grid)
    _labels(axes, grid)
    figure.text(0.012, 1 - 0.24 / height, title(grid), color=INK, size=11, weight="bold")
    _legend(figure)
    written = io.BytesIO()
    figure.savefig(written, format="png", facecolor=GROUND)
    return written.getvalue()


def title(grid: Grid) -> str:
    """Such as `12 registries, 26 Oct to 24 Nov`."""
    word = "registry" if grid.registries == 1 else "registries"
    first, last = grid.days[0], grid.days[-1]
    return f"{grid.registries:,} {word}, {_day(first)} to {_day(last)}, days in UTC"


def alt_text(grid: Grid) -> str:
    """The same in words, for who cannot see it: at most 2,000 characters."""
    bad = [row for row in grid.rows if _days_in(row, DayState.FAILED, DayState.PARTLY)]
    parts = [f"Grid of {title(grid)}: one row a registry, one column a day."]
    if not bad:
        parts.append("None of them failed.")
    for row in bad[:20]:
        failed, partly = _days_in(row, DayState.FAILED), _days_in(row, DayState.PARTLY)
        who = row.label if row.many == 1 else f"{row.many:,} × {row.label}"
        parts.append(f"{who}: failed on {_days(failed)}, partly on {_days(partly)}.")
    if len(bad) > 20:
        parts.append(f"{len(bad) - 20} more rows show failures.")
    return " ".join(parts)[:2000]


def _cells(axes: Any, grid: Grid) -> None:
    from matplotlib.colors import ListedColormap

    values = [[_ORDER.index(state) for state in row.states] for row in grid.rows]
    axes.pcolormesh(
        values or [[len(_ORDER) - 1] * len(grid.days)],
        cmap=ListedColormap(list(COLOURS.values())),
        vmin=-0.5,
        vmax=len(_ORDER) - 0.5,
        edgecolors=GROUND,
        linewidth=1.6,
    )
    for state, (marker, colour) in _MARKS.items():
        places = [
            (column + 0.5, line + 0.5)
            for line, row in enumerate(grid.rows)
            for column, found in enumerate(row.states)
            if found is state and row.many == 1
        ]
        if places:
            across, down = zip(*places, strict=True)
            axes.scatter(across, down, marker=marker, s=22, linewidths=1.4, color=colour)
    for line, row in enumerate(grid.rows):
        _numbers(axes, line, row)


def _numbers(axes: Any, line: int, row: GridRow) -> None:
    """How many of several registries failed, where any did."""
    for column, (failing, state) in enumerate(zip(row.failing, row.states, strict=False)):
        if failing:
            ink = "#ffffff" if state is DayState.FAILED else INK
            place = (column + 0.5, line + 0.53)
            axes.text(*place, str(failing), size=6.5, color=ink, ha="center", va="center")


def _labels(axes: Any, grid: Grid) -> None:
    axes.set_ylim(max(1, len(grid.rows)), 0)
    axes.set_xlim(0, len(grid.days))
    axes.set_yticks([line + 0.5 for line in range(len(grid.rows))], [_label(r) for r in grid.rows])
    ticks = _weeks(grid.days)
    axes.set_xticks([at + 0.5 for at in ticks], [_day(grid.days[at]) for at in ticks])
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK, top=True, bottom=False)
    axes.tick_params(axis="x", labeltop=True, labelbottom=False, pad=1)
    if ticks[-1] > len(grid.days) - 3:  # centred, it would be cut off at the edge
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
    for side in axes.spines.values():
        side.set_visible(False)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    keys = []
    for state, colour in COLOURS.items():
        mark, ink = _MARKS.get(state, ("s", colour))
        square = Line2D([], [], marker="s", ls="", ms=11, color=colour, label=WORDS[state])
        over = Line2D([], [], marker=mark, ls="", ms=5, mew=1.4, color=ink, label=WORDS[state])
        keys.append((square, over))
    from matplotlib.legend_handler import HandlerTuple

    figure.legend(
        keys,
        [WORDS[state] for state in COLOURS],
        loc="lower left",
        bbox_to_anchor=(0.005, 0.0),
        ncols=len(keys),
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        handletextpad=0.3,
        columnspacing=1.2,
        handler_map={tuple: HandlerTuple(ndivide=1, pad=0)},
    )


def _label(row: GridRow) -> str:
    more = f" · {row.many:,} more" if row.failing else ""
    return plain(row.label, _LABEL - len(more)) + more


def _weeks(days: Sequence[date]) -> list[int]:
    """The Mondays; the first day instead when there is none."""
    return [at for at, day in enumerate(days) if day.weekday() == 0] or [0]


def _days_in(row: GridRow, *states: DayState) -> int:
    return sum(state in states for state in row.states)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"
