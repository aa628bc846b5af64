"""Patient flow: a column of boxes, what left between them to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blin_pipeline.report import style
from blin_pipeline.report.figures.drawing import Drawing, text_width, wrapped

_LEADING: Final = 15.0


@dataclass(frozen=True, slots=True)
class Step:
    """One box, and what left on the way to it (``side`` blank for the first and for a step that cannot exclude)."""

    label: str
    count: str
    side: str = ""
    side_count: str = ""


def draw(steps: Sequence[Step], *, width: float, key: str, title: str, description: str, variant: str) -> str:
    """The flow as inline SVG, ``width`` px wide."""
    narrow = width < style.WIDE
    pad = 8.0 if narrow else 12.0
    main_right = width * (0.56 if narrow else 0.57)
    side_left = main_right + (16.0 if narrow else 26.0)
    stem = 22.0
    main_text = main_right - 2 * pad - 10 - max(text_width(step.count, bold=True) for step in steps)
    side_text = width - side_left - 2 - pad - max([text_width(step.side_count, bold=True) for step in steps] + [0])
    labels = [wrapped(step.label, main_text, bold=index == len(steps) - 1) for index, step in enumerate(steps)]
    sides = [wrapped(step.side, side_text) if step.side else [] for step in steps]

    heights = [len(lines) * _LEADING + 11 for lines in labels]
    tops: list[float] = []
    side_tops: list[float] = []
    y, side_free = 1.0, 0.0
    for index, height in enumerate(heights):
        gap = 0.0
        side_height = len(sides[index]) * _LEADING
        if index:
            gap = max(20.0, 2 * (side_free + side_height / 2 + 6 - y) if sides[index] else 0.0)
        middle = y + gap / 2
        side_tops.append(middle)
        side_free = middle + side_height / 2 if sides[index] else side_free
        y += gap
        tops.append(y)
        y += height
    drawing = Drawing(width, y + 1)
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        top, bottom = tops[index], tops[index] + heights[index]
        fill, ink = (style.BLUE, style.WHITE) if last else (style.WHITE, style.INK)
        if index:
            drawing.arrow([(stem, tops[index - 1] + heights[index - 1]), (stem, top)])
        drawing.box(1, top, main_right, bottom, fill=fill, edge=style.BLUE if last else style.MUTED)
        drawing.lines_of_text(1 + pad, (top + bottom) / 2, labels[index], color=ink, bold=last)
        drawing.text(main_right - pad, (top + bottom) / 2, step.count, anchor="end", color=ink, bold=True)
        if sides[index]:
            middle = side_tops[index]
            drawing.arrow([(stem, middle), (side_left - 4, middle)])
            drawing.lines_of_text(side_left, middle, sides[index], color=style.MUTED)
            drawing.text(width - 2, middle, step.side_count, anchor="end", bold=True)
    return drawing.svg(key=key, title=title, description=description, variant=variant)
