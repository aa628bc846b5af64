"""Dot and interval per row: complete remission by denominator and by backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blin_pipeline.report import style
from blin_pipeline.report.figures.drawing import Drawing, text_width


@dataclass(frozen=True, slots=True)
class Interval:
    """One row: a fraction with its limits, and the words that stand beside it."""

    label: str
    value: float
    lower: float
    upper: float
    estimate: str
    ratio: str
    main: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    heading: str
    intervals: Sequence[Interval]


def draw(groups: Sequence[Group], *, width: float, key: str, title: str, description: str, variant: str) -> str:
    """Dots and intervals on one percent axis as inline SVG.

    On a wide sheet words and interval share a line; on a narrow one name and patients stand above interval and estimate.
    """
    narrow = width < style.WIDE
    every = [interval for group in groups for interval in group.intervals]
    ratio_room = max(text_width(interval.ratio, bold=interval.main) for interval in every)
    estimate_room = max(text_width(interval.estimate, bold=interval.main) for interval in every)
    label_room = max(text_width(interval.label, bold=interval.main) for interval in every)
    row, heading = (40.0, 28.0) if narrow else (25.0, 28.0)
    left = 8.0 if narrow else label_room + 16
    right = width - estimate_room - 14 - (0 if narrow else ratio_room + 20)
    height = sum(heading + row * len(group.intervals) for group in groups) + 34
    bottom = height - 26
    drawing = Drawing(width, height)
    axes = drawing.axes(left, 0, right, bottom, x=(0, 1), y=(0, 1))

    def px(fraction: float) -> float:
        return drawing.place(axes, fraction, 0)[0]

    for percent in range(0, 101, 25):
        x = px(percent / 100)
        if not narrow:
            drawing.line([x, x], [heading - 4, bottom], color=style.MUTED if percent == 0 else style.GRID)
        if not narrow or percent % 50 == 0:
            drawing.text(
                x,
                bottom + 13,
                f"{percent}%",
                anchor="start" if narrow and percent == 0 else "middle",
                color=style.MUTED,
            )
    y = 0.0
    for group in groups:
        drawing.text(0, y + heading / 2, group.heading, color=style.MUTED, bold=True)
        y += heading
        for interval in group.intervals:
            words = y + (10 if narrow else row / 2)
            ink = y + (27 if narrow else row / 2)
            if narrow:
                for percent in range(0, 101, 25):
                    drawing.line(
                        [px(percent / 100)] * 2, [ink - 6, ink + 6], color=style.MUTED if percent == 0 else style.RULE
                    )
            drawing.text(0, words, interval.label, bold=interval.main)
            drawing.text(
                width if narrow else width - ratio_room - 12, ink, interval.estimate, anchor="end", bold=interval.main
            )
            drawing.text(width, words, interval.ratio, anchor="end", color=style.MUTED, bold=interval.main)
            drawing.line(
                [px(interval.lower), px(interval.upper)],
                [ink, ink],
                color=style.BLUE,
                width=3 if interval.main else 1.75,
            )
            drawing.dot(
                px(interval.value),
                ink,
                radius=5 if interval.main else 4,
                fill=style.BLUE if interval.main else style.WHITE,
            )
            y += row
    return drawing.svg(key=key, title=title, description=description, variant=variant)
