"""Cycle retention: one stacked bar per cycle, counts inside the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blin_pipeline.report import style
from blin_pipeline.report.figures.drawing import Drawing, text_width
from blin_pipeline.report.figures.ticks import marks, nice_step
from blin_pipeline.report.numbers import count


@dataclass(frozen=True, slots=True)
class Bar:
    """Cycles of one number by status code, in the order of ``style.CYCLE_STATUS``."""

    label: str
    counts: Mapping[str, float]


def draw(
    bars: Sequence[Bar],
    names: Mapping[str, str],
    *,
    width: float,
    key: str,
    title: str,
    description: str,
    variant: str,
) -> str:
    """Stacked bars as inline SVG.

    Args:
        bars: One per cycle, top to bottom.
        names: Status code to its name, in the order of the parts; also the legend.
        width: Width of the drawing in px.
        key: Id of the drawing in the page.
        title: What the figure shows.
        description: Its main numbers.
        variant: CSS class that decides where it is shown.
    """
    narrow = width < style.WIDE
    largest = max(sum(bar.counts.values()) for bar in bars)
    step = nice_step(largest, 4 if narrow else 6)
    limit = max(largest, 1)
    left = max(text_width(bar.label) for bar in bars) + 10
    total_room = text_width(count(largest), bold=True) + 8
    right = width - total_room - 2
    legend, top = _legend_rows(names, width), 0.0
    top = 20.0 * len(legend) + 8
    row, thick = 36.0, 24.0
    bottom = top + row * len(bars)
    drawing = Drawing(width, bottom + 42)
    axes = drawing.axes(left, top, right, bottom, x=(0, limit), y=(0, 1))

    def px(cycles: float) -> float:
        return drawing.place(axes, cycles, 0)[0]

    for index, entries in enumerate(legend):
        for x, code in entries:
            fill, edge, _ = style.CYCLE_STATUS[code]
            y = 20.0 * index + 9
            drawing.box(x + 1, y - 6, x + 13, y + 6, fill=fill, edge=edge)
            drawing.text(x + 19, y, names[code])
    for value in marks(limit, step):
        drawing.line([px(value)] * 2, [top, bottom], color=style.MUTED if value == 0 else style.GRID)
        drawing.text(px(value), bottom + 13, count(value), anchor="middle", color=style.MUTED)
    drawing.text((left + right) / 2, bottom + 31, "Cycles", anchor="middle", color=style.MUTED)
    for index, bar in enumerate(bars):
        middle = top + row * (index + 0.5)
        drawing.text(left - 8, middle, bar.label, anchor="end")
        done = 0.0
        for code in names:
            part = bar.counts.get(code, 0)
            if part <= 0:
                continue
            fill, edge, ink = style.CYCLE_STATUS[code]
            a, b = px(done), px(done + part)
            drawing.box(a, middle - thick / 2, b, middle + thick / 2, fill=fill, edge=edge, edge_width=0.75)
            if b - a >= text_width(count(part)) + 5:
                drawing.text((a + b) / 2, middle, count(part), anchor="middle", color=ink)
            done += part
        drawing.text(px(done) + 7, middle, count(done), bold=True)
    return drawing.svg(key=key, title=title, description=description, variant=variant)


def _legend_rows(names: Mapping[str, str], width: float) -> list[list[tuple[float, str]]]:
    """Legend entries with their x, broken into rows that fit."""
    rows: list[list[tuple[float, str]]] = [[]]
    x = 0.0
    for code, name in names.items():
        room = 19 + text_width(name) + 16
        if rows[-1] and x + room - 16 > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, code))
        x += room
    return rows
