"""matplotlib's SVG made fit for a page."""

from __future__ import annotations

import re

import pytest

from blin_pipeline.report.figures.drawing import Drawing, text_width, wrapped
from blin_pipeline.report.figures.svg import short


def drawn() -> str:
    drawing = Drawing(200, 100)
    drawing.box(10, 10, 50, 30, edge="#4B5563")
    drawing.line([0, 100, 100], [50, 50, 90], dashes=(4, 2))
    drawing.dot(60, 60)
    drawing.arrow([(10, 30), (10, 80)])
    drawing.text(100, 20, "5 < 6 & $x$", anchor="middle", bold=True)
    axes = drawing.axes(0, 0, 200, 100, x=(0, 10), y=(0, 1))
    axes.step([0, 5, 10], [1, 0.5, 0.2], where="post", clip_on=False)
    return drawing.svg(key="k", title="A <title>", description="Some & more", variant="wide")


def test_nothing_of_the_document_is_left_but_the_drawing() -> None:
    svg = drawn()
    assert not re.search(r"http|xmlns|<style|<defs|<use|<metadata|clip-path|<\?xml|<!", svg)
    assert set(re.findall(r'\bid="([^"]*)"', svg)) == {"k-t", "k-d"}
    assert svg.startswith('<svg class="wide" role="img" aria-labelledby="k-t k-d" viewBox="0 0 200 100"')


def test_text_stays_text_and_is_escaped() -> None:
    svg = drawn()
    assert "5 &lt; 6 &amp; $x$</text>" in svg
    assert '<title id="k-t">A &lt;title&gt;</title><desc id="k-d">Some &amp; more</desc>' in svg


def test_a_step_line_keeps_its_corners() -> None:
    assert "M0 0H100V50H200V80" in drawn()


def test_two_drawings_have_the_same_bytes() -> None:
    assert drawn() == drawn()


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (-0.01, "0"), (3.14159, "3.1"), (-2.25, "-2.2")])
def test_coordinates_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_places_of_axes_and_sheet_agree() -> None:
    drawing = Drawing(200, 100)
    axes = drawing.axes(20, 10, 180, 90, x=(0, 8), y=(0, 1))
    assert drawing.place(axes, 0, 1) == pytest.approx((20, 10))
    assert drawing.place(axes, 8, 0) == pytest.approx((180, 90))


def test_wrapped_text_fits_and_loses_no_word() -> None:
    text = "Neither duplicate nor entered in error"
    lines = wrapped(text, 120)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert max(text_width(line) for line in lines) <= 120
