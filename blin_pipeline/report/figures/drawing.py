"""A sheet of paper measured in px, with matplotlib's axes where a curve is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from blin_pipeline.report import style
from blin_pipeline.report.figures.svg import inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Anchor = Literal["start", "middle", "end"]
_ANCHOR: Final[dict[Anchor, Literal["left", "center", "right"]]] = {"start": "left", "middle": "center", "end": "right"}
#: Half the height of figures and capitals, as a share of the type size: lowers a baseline so that text is centred on y.
_HALF_HEIGHT: Final = 0.36
#: Fixed settings; the salt makes matplotlib's generated names repeat.
_SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "blin",
    "font.size": style.TEXT,
}


@cache
def text_width(text: str, size: float = style.TEXT, *, bold: bool = False) -> float:
    """Width of a text in px, measured in matplotlib's own font, which is wider than the fonts of common systems."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def wrapped(text: str, width: float, size: float = style.TEXT, *, bold: bool = False) -> list[str]:
    """The text in lines no wider than ``width``; a single word that is wider keeps its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


class Drawing:
    """One figure of ``width`` x ``height`` px; x to the right, y down, as in the SVG that comes out.

    Args:
        width: Width of the SVG's own coordinates in px.
        height: Height in px.
    """

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(self._figure)
        self._figure.patch.set_visible(False)
        self.sheet = self._figure.add_axes((0, 0, 1, 1))
        self.sheet.set_xlim(0, width)
        self.sheet.set_ylim(height, 0)
        self.sheet.set_axis_off()
        self._drawn = 0

    def _next(self) -> int:
        """What is drawn later lies above."""
        self._drawn += 1
        return self._drawn

    def axes(
        self, left: float, top: float, right: float, bottom: float, *, x: tuple[float, float], y: tuple[float, float]
    ) -> Axes:
        """Axes without any ink on the given px, with the given limits; lines are drawn on them with matplotlib."""
        axes = self._figure.add_axes(
            (left / self.width, 1 - bottom / self.height, (right - left) / self.width, (bottom - top) / self.height)
        )
        axes.set_xlim(*x)
        axes.set_ylim(*y)
        axes.set_axis_off()
        return axes

    def place(self, axes: Axes, x: float, y: float) -> tuple[float, float]:
        """The px on the sheet of a point of the axes: the one function that aligns rows of numbers with a curve."""
        point = self.sheet.transData.inverted().transform(axes.transData.transform((x, y)))
        return float(point[0]), float(point[1])

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: Anchor = "start",
        color: str = style.INK,
        bold: bool = False,
        size: float = style.TEXT,
    ) -> None:
        """Text centred on the height ``y``."""
        self.sheet.text(
            x,
            y + _HALF_HEIGHT * size,
            text,
            parse_math=False,
            usetex=False,
            ha=_ANCHOR[anchor],
            va="baseline",
            color=color,
            fontsize=size,
            fontweight="bold" if bold else "normal",
            clip_on=False,
            zorder=self._next(),
        )

    def lines_of_text(
        self,
        x: float,
        y: float,
        lines: Sequence[str],
        *,
        leading: float = 15.0,
        color: str = style.INK,
        bold: bool = False,
    ) -> None:
        """Several lines, left aligned, centred together on ``y``."""
        first = y - leading * (len(lines) - 1) / 2
        for index, line in enumerate(lines):
            self.text(x, first + index * leading, line, color=color, bold=bold)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        fill: str = style.WHITE,
        edge: str | None = None,
        edge_width: float = 1.0,
    ) -> None:
        """A filled rectangle."""
        from matplotlib.patches import Rectangle

        self.sheet.add_patch(
            Rectangle(
                (left, top),
                right - left,
                bottom - top,
                facecolor=fill,
                edgecolor=edge or "none",
                linewidth=edge_width if edge else 0,
                clip_on=False,
                zorder=self._next(),
            )
        )

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        color: str = style.INK,
        width: float = 1.0,
        dashes: tuple[float, ...] = (),
    ) -> None:
        """A line through points; a gap where a coordinate is not a number."""
        (drawn,) = self.sheet.plot(list(xs), list(ys), color=color, linewidth=width, clip_on=False, zorder=self._next())
        if dashes:
            drawn.set_dashes([part / width for part in dashes])

    def dot(self, x: float, y: float, *, radius: float = 4.0, fill: str = style.BLUE, edge: str = style.BLUE) -> None:
        """A round mark."""
        self.sheet.plot(
            [x],
            [y],
            linestyle="none",
            marker="o",
            markersize=2 * radius,
            markerfacecolor=fill,
            markeredgecolor=edge,
            markeredgewidth=1.5,
            clip_on=False,
            zorder=self._next(),
        )

    def arrow(self, points: Sequence[tuple[float, float]], *, color: str = style.MUTED) -> None:
        """A line with right angles and a head at its end."""
        self.line([x for x, _ in points], [y for _, y in points], color=color)
        (x0, y0), (x1, y1) = points[-2], points[-1]
        back, side = 5.0, 3.0
        dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        head = [
            (x1 - back * dx + side * dy, y1 - back * dy + side * dx),
            (x1, y1),
            (x1 - back * dx - side * dy, y1 - back * dy - side * dx),
        ]
        self.sheet.fill(
            [x for x, _ in head],
            [y for _, y in head],
            facecolor=color,
            edgecolor="none",
            clip_on=False,
            zorder=self._next(),
        )

    def svg(self, *, key: str, title: str, description: str, variant: str) -> str:
        """The drawing as one inline ``svg`` element."""
        from matplotlib import rc_context

        target = io.BytesIO()
        with rc_context(_SETTINGS):
            self._figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
        return inline(target.getvalue(), key=key, title=title, description=description, variant=variant)
