"""A page taken apart: tables by caption, headings, texts of drawings with the room they need."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from blin_pipeline.report.figures.drawing import text_width

Box = tuple[float, float, float, float]


@dataclass
class Drawn:
    """One svg: its size and its texts with their boxes, measured in a font wider than a reader's."""

    key: str
    width: float
    height: float
    texts: list[tuple[str, Box]] = field(default_factory=list)


@dataclass
class Page(HTMLParser):
    """What a test asks of a page."""

    source: str
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    drawings: list[Drawn] = field(default_factory=list)
    visible: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self._attributes: dict[str, str] = {}
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag in {"meta", "br", "path"}:
            return
        self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")
        elif tag == "span" and "td" in self._open:
            self._rows[-1][-1] += "\n"
        elif tag == "svg":
            _, _, width, height = (float(part) for part in attributes["viewbox"].split())
            self.drawings.append(Drawn(attributes["aria-labelledby"].split()[0], width, height))
        elif tag == "text":
            self._attributes = attributes

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if not self._open or "style" in self._open:
            return
        if self._open[-1] == "caption":
            self._caption += data
        elif self._open[-1] in {"td", "th"} or "td" in self._open:
            if data.strip():
                self._rows[-1][-1] += data
        elif self._open[-1] == "text":
            self._place(data)
        if "svg" not in self._open and data.strip():
            self.visible.append(data.strip())

    def _place(self, text: str) -> None:
        size = float(self._attributes.get("font-size", 12))
        width = text_width(text, size, bold=self._attributes.get("font-weight") == "700")
        x, y = float(self._attributes["x"]), float(self._attributes["y"])
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[self._attributes.get("text-anchor", "start")]
        self.drawings[-1].texts.append((text, (left, y - 0.75 * size, left + width, y + 0.1 * size)))

    def column(self, caption: str, head: str) -> dict[str, str]:
        """One column of a table by the name of its rows."""
        rows = self.tables[caption]
        index = rows[0].index(head)
        return {row[0]: row[index] for row in rows[1:]}
