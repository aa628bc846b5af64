"""The worked patient of ``docs/exposure.md`` drawn from rows of the tables: what was entered, what counts, the sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

Row = dict[str, Any]
WIDTH, LEFT, RIGHT, BAR = 940, 130, 20, 26
SPAN_DAYS = 29
COLOURS = {9.0: "#9ecae1", 28.0: "#2171b5"}
ENDINGS = {"1": "planned end", "2": "dose step", "3": "CRS", "8": "pump or bag"}
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
    'role="img" aria-labelledby="title">\n<title id="title">{title}</title>\n'
    '<rect width="{width}" height="{height}" fill="white"/>\n'
)


def draw(cycle: Row, segments: Sequence[Row], intervals: Sequence[Row]) -> str:
    """SVG text of one cycle.

    Args:
        cycle: Row of ``marts.blin_cycle_exposure``.
        segments: Its rows of ``marts.blin_infusion_segment``, in order.
        intervals: Its rows of ``marts.blin_infused_interval``, in order.
    """
    parts, top = [], 40
    parts.append(_text(18, "SYNTHETIC patient, site clock America/Chicago", "middle", WIDTH / 2))
    for number, row in enumerate(segments, start=1):
        start = (row["start_utc"] - cycle["cycle_start_utc"]).total_seconds() / 3600
        label = f"segment {number}: {row['rate_mcg_day']:g} mcg/day"
        parts.append(_text(top + 17, label, "end", LEFT - 6, size=10))
        parts.append(_bar(start, row["recorded_h"], top, row["rate_mcg_day"]))
        note = f"{row['recorded_h']:g} h, {ENDINGS[row['stop_reason_cd']]}"
        if row["counted_h"] < row["recorded_h"]:
            note += f"; {row['counted_h']:g} h count"
        parts.append(_beside(start, row["recorded_h"], top, note))
        top += BAR + 8
    top += 14
    parts.append(_text(top + 17, "what counts", "end", LEFT - 6))
    for row in intervals:
        parts.append(_bar(row["from_cycle_start_h"], row["infused_h"], top, row["rate_mcg_day"]))
        if row["gap_prev_h"]:
            middle = _x(row["from_cycle_start_h"] - row["gap_prev_h"] / 2)
            parts.append(_text(top + BAR + 14, f"{row['gap_prev_h']:g} h off: interruption", "middle", middle, size=11))
    top += BAR + 30
    for days in range(0, SPAN_DAYS + 1, 7):
        parts.append(
            f'<line x1="{_x(days * 24):.1f}" y1="34" x2="{_x(days * 24):.1f}" y2="{top}" stroke="#bbb" stroke-dasharray="2 3"/>'
        )
        parts.append(_text(top + 14, f"{days} d", "middle", _x(days * 24), size=11))
    top += 40
    for line in _sums(cycle, intervals):
        parts.append(_text(top, line, "start", 20))
        top += 18
    title = "One blinatumomab cycle: the segments as entered, and the time that counts"
    return _HEAD.format(width=WIDTH, height=top, title=title) + "\n".join(parts) + "\n</svg>\n"


def _sums(cycle: Row, intervals: Sequence[Row]) -> list[str]:
    hours = " + ".join(f"{row['infused_h']:g}" for row in intervals)
    dose = " + ".join(f"{row['dose_mcg']:.3f}" for row in intervals)
    return [
        f"Hours: {hours} = {cycle['delivered_days'] * 24:g}; / 24 = {cycle['delivered_days']:g} days",
        f"Dose: {dose} = {cycle['delivered_mcg']:.3f} mcg of {cycle['planned_mcg']:g} planned = "
        f"{cycle['dose_completeness_frac']:.1%}",
        f"{cycle['n_interrupt_4h']} interruption, the longest {cycle['longest_interrupt_h']:g} h; "
        f"{cycle['overlap_h']:g} h entered twice and counted once",
        f"{cycle['delivered_days']:g} is at least 27.0 days: {cycle['completion_status_cd'].lower()}",
    ]


def _x(hours: float) -> float:
    return LEFT + hours / (SPAN_DAYS * 24) * (WIDTH - LEFT - RIGHT)


def _bar(start: float, length: float, top: int, rate: float) -> str:
    wide = max(_x(start + length) - _x(start), 1.5)
    return (
        f'<rect x="{_x(start):.1f}" y="{top}" width="{wide:.1f}" height="{BAR}" fill="{COLOURS[rate]}" stroke="white" '
        'stroke-width="0.6"/>'
    )


def _beside(start: float, length: float, top: int, note: str) -> str:
    """The note right of a bar, or left of it where there is no room."""
    after = _x(start + length) + 6
    if after + 6.2 * len(note) < WIDTH:
        return _text(top + 17, note, "start", after, size=11)
    return _text(top + 17, note, "end", _x(start) - 6, size=11)


def _text(top: float, words: str, anchor: str, left: float, size: int = 12) -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
