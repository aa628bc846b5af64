"""Accrual: cumulative patients by month, target, projection."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from blin_pipeline.report import style
from blin_pipeline.report.figures.drawing import Drawing, text_width
from blin_pipeline.report.figures.ticks import marks, nice_step
from blin_pipeline.report.numbers import count, month_text

#: A projection that ends later than this many months after the cut is told in words only.
LONGEST_PROJECTION_MONTHS: Final = 60.0
_LEADING: Final = 16.0


@dataclass(frozen=True, slots=True)
class Line:
    """Cumulative counts, one per month, with the look of the line."""

    label: str
    counts: Sequence[float]
    color: str
    width: float
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Projection:
    """Months after the cut until the target: middle and interval."""

    middle: float
    lower: float | None
    upper: float | None


def draw(
    first_month: int,
    lines: Sequence[Line],
    target: float | None,
    projection: Projection | None,
    *,
    width: float,
    key: str,
    title: str,
    description: str,
    variant: str,
) -> str:
    """Accrual as inline SVG; ``first_month`` is the running number of the first month (``numbers.month_index``).

    The first line is the total: the projection starts at its end.
    """
    narrow = width < style.WIDE
    months = len(lines[0].counts)
    if projection and max(projection.middle, projection.upper or 0) > LONGEST_PROJECTION_MONTHS:
        projection = None
    top_value = max([line.counts[-1] for line in lines] + ([target] if target else []) + [1])
    step = nice_step(top_value, 5)
    top_value = step * math.ceil(top_value / step)
    if target and top_value - target < 0.08 * top_value:
        top_value += step

    left = 8 + max(text_width(count(top_value)), text_width("0"))
    right, top, height = width - 10, 12.0, 250.0 if narrow else 300.0
    bottom = height - 24
    labels = [f"{line.label} {count(line.counts[-1])}" for line in lines]
    label_room = max(text_width(label, bold=True) for label in labels) + 12
    # The part right of the cut holds the labels of the lines and the projection: at least as wide as the widest label.
    ahead = max(projection.middle, projection.upper or 0) if projection else 0.0
    share = max(ahead / (months + ahead), label_room / (right - left))
    end = months / (1 - share)
    drawing = Drawing(width, height)
    axes = drawing.axes(left, top, right, bottom, x=(0, end), y=(0, top_value))

    def px(month: float) -> float:
        return drawing.place(axes, month, 0)[0]

    def py(value: float) -> float:
        return drawing.place(axes, 0, value)[1]

    for value in marks(top_value, step):
        drawing.line([left, right], [py(value)] * 2, color=style.MUTED if value == 0 else style.GRID)
        drawing.text(left - 6, py(value), count(value), anchor="end", color=style.MUTED)
    _months(drawing, first_month, end, px, bottom)
    drawing.line([px(months)] * 2, [top, bottom], color=style.MUTED, dashes=(1, 3))
    if target:
        drawing.line([left, right], [py(target)] * 2, color=style.ALERT, width=1.5, dashes=(6, 4))
        drawing.text(left + 6, py(target) - 10, f"Target {count(target)}", color=style.ALERT, bold=True)
    if projection and target:
        drawing.line(
            [px(months), px(months + projection.middle)],
            [py(lines[0].counts[-1]), py(target)],
            color=style.BLUE,
            width=2,
            dashes=(2, 3),
        )
        if projection.lower is not None and projection.upper is not None:
            drawing.line(
                [px(months + projection.lower), px(months + projection.upper)],
                [py(target)] * 2,
                color=style.BLUE,
                width=5,
            )
        drawing.dot(px(months + projection.middle), py(target), fill=style.WHITE)
    for line in reversed(lines):
        # A month's count stands from the end of that month.
        (drawn,) = axes.step(
            range(months + 1), [0, *line.counts], where="post", color=line.color, linewidth=line.width, clip_on=False
        )
        if line.dashes:
            drawn.set_dashes([part / line.width for part in line.dashes])
    _labels(drawing, lines, labels, px(months) + 8, py, bottom)
    return drawing.svg(key=key, title=title, description=description, variant=variant)


def _months(drawing: Drawing, first_month: int, end: float, px: Callable[[float], float], bottom: float) -> None:
    """Month names under the axis, at starts of a month, as many as fit."""
    left, right = px(0), px(end)
    room = text_width(month_text(first_month)) + 14
    every = next((step for step in (1, 2, 3, 6, 12, 24, 60) if step * (px(1) - px(0)) >= room), 120)
    month = first_month if every < 3 else first_month + (-first_month) % min(every, 12)
    while px(month - first_month) <= right:
        x = px(month - first_month)
        label = month_text(month)
        half = text_width(label) / 2
        if x + half <= right + 8:
            drawing.line([x, x], [bottom, bottom + 4], color=style.MUTED)
            drawing.text(max(x, left - 20 + half), bottom + 14, label, anchor="middle", color=style.MUTED)
        month += every


def _labels(
    drawing: Drawing,
    lines: Sequence[Line],
    labels: Sequence[str],
    x: float,
    py: Callable[[float], float],
    bottom: float,
) -> None:
    """The name and last count of each line, right of the cut, moved apart where they would touch."""
    wanted = [py(line.counts[-1]) + (11 if index == 0 else 0) for index, line in enumerate(lines)]
    order = sorted(range(len(lines)), key=lambda index: -lines[index].counts[-1])
    heights: dict[int, float] = {}
    floor = -math.inf
    for index in order:
        heights[index] = floor = max(wanted[index], floor + _LEADING)
    ceiling = bottom - 9
    for index in reversed(order):
        heights[index] = ceiling = min(heights[index], ceiling)
        ceiling -= _LEADING
    for index, label in enumerate(labels):
        drawing.text(x, heights[index], label, color=lines[index].color, bold=True)
