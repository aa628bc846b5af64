"""What a page is made of, before it is HTML: boxes, figures, tables, blocks; words and drawings only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from blin_pipeline.report import style, words
from blin_pipeline.report.rows import ABSENT, OK, Row


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ready words; the first column names the row, the others are right aligned unless listed in ``left``.

    A line break in a cell is kept. ``folded`` is closed until a reader opens it, and left out of a print.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Sequence[int] = ()
    note: str = ""
    folded: bool = False

    @property
    def may_scroll(self) -> bool:
        """Whether a phone may have to scroll it sideways: then it can take the focus."""
        return len(self.columns) > 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in both widths with its caption and its numbers; ``empty`` says why there is none."""

    key: str
    title: str
    caption: str
    drawings: Sequence[str] = ()
    numbers: Sequence[Table] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """One of the five figures on top: a large number, what it is made of, and the section that holds more of it."""

    key: str
    label: str
    value: str
    details: Sequence[str]
    is_words: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph that is always printed; ``alert`` marks what a reader must not overlook."""

    text: str
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A numbered list of sentences."""

    items: Sequence[str]


Part = Figure | Table | Text | Items
Layout = Literal["half", "even", "wide-left", "one"]


@dataclass(frozen=True, slots=True)
class Block:
    """A section of the page: the question it answers and its cells, each a stack of parts.

    ``layout`` says how wide screens place them: ``half`` is a section in one of the page's two columns, the others span
    the page with two even columns, a wider left one, or a single one.
    """

    key: str
    question: str
    title: str
    layout: Layout
    cells: Sequence[Sequence[Part]]
    alerts: Sequence[str] = ()
    empty: str = ""

    @property
    def kept(self) -> list[list[tuple[str, Part]]]:
        """The cells as (kind, part), without tables that have no row and texts that say nothing."""
        cells = [[(type(part).__name__, part) for part in cell if _says_something(part)] for cell in self.cells]
        return [cell for cell in cells if cell]

    @property
    def has_one_figure(self) -> bool:
        """Whether the section's title is enough for its only figure."""
        return sum(isinstance(part, Figure) for cell in self.cells for part in cell) == 1


def _says_something(part: Part) -> bool:
    if isinstance(part, Table):
        return bool(part.rows)
    return bool(part.text) if isinstance(part, Text) else True


def drawn_twice(draw: Callable[[float, str, str], str], key: str, wide: float = style.WIDE) -> tuple[str, str]:
    """The same figure for a column of ``wide`` px and for a phone; ``draw`` takes width, id and CSS class."""
    return draw(wide, f"{key}-wide", "wide"), draw(style.NARROW, f"{key}-narrow", "narrow")


def why_empty(rows: Sequence[Row]) -> str:
    """The sentence that stands where nothing can be drawn: the state that the rows share, or the first of them."""
    without = [row for row in rows if row.state != OK]
    if not without:
        return words.say("state_sentence", "nothing_yet" if rows else ABSENT)
    state, reason = without[0].state, without[0].reason
    return f"{words.say('state', state).capitalize()}: {reason}." if reason else words.say("state_sentence", state)
