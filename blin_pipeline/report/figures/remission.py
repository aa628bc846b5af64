"""Dots and intervals per row: complete remission (filled) and remission without MRD (hollow), by denominator and backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blin_pipeline.report import style
from blin_pipeline.report.figures.drawing import Drawing, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Room of one mark, of the legend and of a heading, px; on a narrow sheet a row's name stands above its marks.
_MARK, _LEGEND, _HEADING, _NAME, _GAP = 17.0, 24.0, 28.0, 18.0, 9.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A fraction with its limits, and the words that stand beside it; hollow for remission without MRD."""

    value: float
    lower: float
    upper: float
    estimate: str
    ratio: str
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """One row: its name and its marks, one below the other."""

    label: str
    marks: Sequence[Mark]
    main: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    heading: str
    intervals: Sequence[Interval]


def draw(
    groups: Sequence[Group],
    *,
    legend: tuple[str, str],
    width: float,
    key: str,
    title: str,
    description: str,
    variant: str,
) -> str:
    """Dots and intervals on one percent axis as inline SVG.

    On a wide sheet words and interval share a line; on a narrow one name and patients stand above interval and estimate.

    Args:
        groups: Rows under their headings.
        legend: What the filled and the hollow dot mean; without a hollow one there is no legend.
        width: Of the sheet, px.
        key: Id.
        title: Title of the drawing.
        description: Its numbers in words.
        variant: CSS class.
    """
    narrow = width < style.WIDE
    rows = [interval for group in groups for interval in group.intervals]
    ratio_room = max(text_width(mark.ratio, bold=row.main) for row in rows for mark in row.marks)
    estimate_room = max(text_width(mark.estimate, bold=row.main) for row in rows for mark in row.marks)
    left = 8.0 if narrow else max(text_width(row.label, bold=row.main) for row in rows) + 16
    right = width - estimate_room - 14 - (0 if narrow else ratio_room + 20)
    top = _LEGEND * (2 if narrow else 1) if any(mark.hollow for row in rows for mark in row.marks) else 0.0
    heights = sum(_height(row, narrow=narrow) for row in rows)
    height = top + _HEADING * len(groups) + heights + 34
    drawing = Drawing(width, height)
    axes = drawing.axes(left, 0, right, height - 26, x=(0, 1), y=(0, 1))
    if top:
        _legend(drawing, legend, narrow=narrow)
    _scale(drawing, axes, top + _HEADING - 4, height - 26, narrow=narrow)
    y = top
    for group in groups:
        drawing.text(0, y + _HEADING / 2, group.heading, color=style.MUTED, bold=True)
        y += _HEADING
        for row in group.intervals:
            _row(drawing, axes, row, y, ratio_room, narrow=narrow)
            y += _height(row, narrow=narrow)
    return drawing.svg(key=key, title=title, description=description, variant=variant)


def _height(row: Interval, *, narrow: bool) -> float:
    return _MARK * len(row.marks) + _GAP + (_NAME if narrow else 0.0)


def _legend(drawing: Drawing, words: tuple[str, str], *, narrow: bool) -> None:
    x, y = 6.0, 9.0
    for text, hollow in zip(words, (False, True), strict=True):
        drawing.dot(x, y, radius=4, fill=style.WHITE if hollow else style.BLUE)
        drawing.text(x + 10, y, text)
        x, y = (6.0, y + 20) if narrow else (x + text_width(text) + 40, y)


def _scale(drawing: Drawing, axes: Axes, top: float, bottom: float, *, narrow: bool) -> None:
    """Percent below, and lines through all rows where there is room for them."""
    for percent in range(0, 101, 25):
        x = drawing.place(axes, percent / 100, 0)[0]
        if not narrow:
            drawing.line([x, x], [top, bottom], color=style.MUTED if percent == 0 else style.GRID)
        if not narrow or percent % 50 == 0:
            drawing.text(
                x,
                bottom + 13,
                f"{percent}%",
                anchor="start" if narrow and percent == 0 else "middle",
                color=style.MUTED,
            )


def _row(drawing: Drawing, axes: Axes, row: Interval, y: float, ratio_room: float, *, narrow: bool) -> None:
    def px(fraction: float) -> float:
        return drawing.place(axes, fraction, 0)[0]

    width = drawing.width
    first = y + _GAP / 2 + _MARK / 2
    drawing.text(0, first, row.label, bold=row.main)
    if narrow:
        drawing.text(width, first, row.marks[0].ratio, anchor="end", color=style.MUTED, bold=row.main)
    for place, mark in enumerate(row.marks):
        ink = first + (_NAME if narrow else 0.0) + _MARK * place
        bold = row.main and not mark.hollow
        if narrow:
            for percent in range(0, 101, 25):
                drawing.line(
                    [px(percent / 100)] * 2, [ink - 6, ink + 6], color=style.MUTED if percent == 0 else style.RULE
                )
        else:
            drawing.text(width, ink, mark.ratio, anchor="end", color=style.MUTED, bold=bold)
        end = width if narrow else width - ratio_room - 12
        color = style.MUTED if mark.hollow else style.INK
        drawing.text(end, ink, mark.estimate, anchor="end", bold=bold, color=color)
        drawing.line([px(mark.lower), px(mark.upper)], [ink, ink], color=style.BLUE, width=3 if bold else 1.75)
        fill = style.WHITE if mark.hollow else style.BLUE
        drawing.dot(px(mark.value), ink, radius=5 if bold else 4, fill=fill)
