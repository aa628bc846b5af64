"""Colours, type and sizes of every figure and page, in one place.

Contrast on white was measured when these were chosen: 4.5 or more for text, 3 or more for lines; fills that reach less
carry an edge and a number. Colour never says anything alone.
"""

from __future__ import annotations

from typing import Final

INK: Final = "#1F2937"
MUTED: Final = "#4B5563"
RULE: Final = "#D1D5DB"
GRID: Final = "#E5E7EB"
PALE: Final = "#F3F4F6"
BLUE: Final = "#0072B2"
BLUE_PALE: Final = "#A9D3EA"
GREEN: Final = "#009E73"
AMBER: Final = "#E69F00"
AMBER_EDGE: Final = "#8A5A00"
ALERT: Final = "#B4470B"
WHITE: Final = "#FFFFFF"

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
#: Text size in a figure, px of its own coordinates; figures are never shown narrower than they are drawn.
TEXT: Final = 12.0

#: Widths in px at which figures are drawn: for a column of a screen or paper, and for a phone.
WIDE: Final = 560
NARROW: Final = 340

#: Fill, edge and text colour of a cycle's status; the order on the page is the order here.
CYCLE_STATUS: Final[dict[str, tuple[str, str, str]]] = {
    "COMPLETED": (BLUE, BLUE, WHITE),
    "COMPLETED_REDUCED": (BLUE_PALE, BLUE, INK),
    "ONGOING": (WHITE, BLUE, INK),
    "STOPPED_EARLY": (AMBER, AMBER_EDGE, INK),
    "NOT_EVALUABLE": (RULE, MUTED, INK),
    "NOT_STARTED": (PALE, RULE, INK),
}
