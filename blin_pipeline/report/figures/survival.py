"""Survival curve with its rows of numbers on the same axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from blin_pipeline.report import style
from blin_pipeline.report.figures.drawing import Drawing, text_width
from blin_pipeline.report.figures.ticks import stride
from blin_pipeline.report.numbers import DAYS_PER_MONTH, count

TICK_MONTHS = 6
#: Ticks for censoring nearer than this (px) are drawn once.
_TICK_GRID = 0.5


@dataclass(frozen=True, slots=True)
class Point:
    """Survival just after a time, in months, with its limits where they exist."""

    months: float
    value: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class CountRow:
    """A row of numbers under the axis: one count per tick of six months, none where the table has none."""

    label: str
    counts: Sequence[float | None]


def draw(
    points: Sequence[Point],
    censored_at: Sequence[float],
    rows: Sequence[CountRow],
    *,
    last_month: float,
    width: float,
    key: str,
    title: str,
    description: str,
    variant: str,
) -> str:
    """A step line with band, ticks for censoring and rows of counts as inline SVG.

    Args:
        points: The curve as far as it is to be drawn, by time.
        censored_at: Months at which somebody was censored, as far as the curve is drawn.
        rows: Counts at 0, 6, 12, ... months.
        last_month: Right end of the axis.
        width: Width of the drawing in px.
        key: Id of the drawing in the page.
        title: What the figure shows.
        description: Its main numbers.
        variant: CSS class that decides where it is shown.
    """
    narrow = width < style.WIDE
    ticks = max(len(row.counts) for row in rows) if rows else math.floor(last_month / TICK_MONTHS) + 1
    end = max(last_month, TICK_MONTHS * (ticks - 1), TICK_MONTHS)
    label_room = max([text_width(row.label) for row in rows] + [0])
    number_room = max([text_width(count(n)) for row in rows for n in row.counts if n is not None] + [14])
    left = 40.0 if narrow else max(40.0, label_room + number_room / 2 + 10)
    right, top = width - number_room / 2 - 4, 10.0
    bottom = top + (200.0 if narrow else 230.0)
    row_height = 32.0 if narrow else 18.0
    first_row = bottom + 54
    height = first_row + row_height * len(rows) - (6 if narrow else 4)
    drawing = Drawing(width, height)
    axes = drawing.axes(left, top, right, bottom, x=(0, end), y=(0, 1))

    for percent in range(0, 101, 25):
        y = drawing.place(axes, 0, percent / 100)[1]
        drawing.line([left, right], [y, y], color=style.MUTED if percent == 0 else style.GRID)
        drawing.text(left - 6, y, f"{percent}%", anchor="end", color=style.MUTED)
    spacing = drawing.place(axes, TICK_MONTHS, 0)[0] - left
    every = stride(spacing, number_room + 10)
    for tick in range(0, ticks, every):
        x = drawing.place(axes, tick * TICK_MONTHS, 0)[0]
        drawing.line([x, x], [bottom, bottom + 4], color=style.MUTED)
        drawing.text(x, bottom + 14, str(tick * TICK_MONTHS), anchor="middle", color=style.MUTED)
    drawing.text((left + right) / 2, bottom + 31, "Months from diagnosis", anchor="middle", color=style.MUTED)

    banded = [point for point in points if point.lower is not None and point.upper is not None]
    if banded:
        axes.fill_between(
            [point.months for point in banded],
            [point.lower or 0 for point in banded],
            [point.upper or 0 for point in banded],
            step="post",
            facecolor=style.BLUE,
            alpha=0.16,
            linewidth=0,
            clip_on=False,
        )
    axes.step(
        [point.months for point in points],
        [point.value for point in points],
        where="post",
        color=style.BLUE,
        linewidth=2,
        clip_on=False,
    )
    _censor_ticks(drawing, [drawing.place(axes, month, _value_at(points, month)) for month in censored_at])

    for index, row in enumerate(rows):
        y = first_row + index * row_height
        drawing.text(
            0 if narrow else left - number_room / 2 - 8,
            y,
            row.label,
            color=style.MUTED,
            anchor="start" if narrow else "end",
        )
        for tick in range(0, len(row.counts), every):
            number = row.counts[tick]
            if number is not None:
                x = drawing.place(axes, tick * TICK_MONTHS, 0)[0]
                drawing.text(x, y + (15 if narrow else 0), count(number), anchor="middle")
    return drawing.svg(key=key, title=title, description=description, variant=variant)


def _value_at(points: Sequence[Point], month: float) -> float:
    """The curve's height at a time: the last point not after it."""
    before = [point.value for point in points if point.months <= month]
    return before[-1] if before else 1.0


def _censor_ticks(drawing: Drawing, places: Sequence[tuple[float, float]]) -> None:
    kept = sorted({(round(x / _TICK_GRID) * _TICK_GRID, y) for x, y in places})
    xs = [value for x, _ in kept for value in (x, x, math.nan)]
    ys = [value for _, y in kept for value in (y - 4, y + 4, math.nan)]
    if kept:
        drawing.line(xs, ys, color=style.INK, width=1)


def to_months(days: float) -> float:
    """Days as months of the axis."""
    return days / DAYS_PER_MONTH
