"""No text of a drawing leaves its sheet or touches another one, whatever the rows, in a font wider than a reader's."""

from __future__ import annotations

from itertools import combinations

import pytest
from html_page import Box, Page
from report_sample import CASES

pytestmark = pytest.mark.slow


def overlap(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5


@pytest.mark.parametrize("case", CASES)
def test_texts_stay_on_the_sheet_and_apart(pages: dict[str, str], case: str) -> None:
    drawings = Page(pages[case]).drawings
    assert bool(drawings) == (case in {"full", "forty_sites", "huge", "first_patient"})
    for drawing in drawings:
        for text, (left, top, right, bottom) in drawing.texts:
            inside = left >= -0.5 and top >= -0.5 and right <= drawing.width + 0.5 and bottom <= drawing.height + 0.5
            assert inside, f"{drawing.key}: {text!r} leaves the sheet"
        for (one, box), (other, other_box) in combinations(drawing.texts, 2):
            assert not overlap(box, other_box), f"{drawing.key}: {one!r} touches {other!r}"


def test_text_is_large_enough(pages: dict[str, str]) -> None:
    """11.5 px at 760 px: no text is smaller than 12 in sheets that are never shown narrower than drawn."""
    page = Page(pages["full"])
    sizes = {float(attributes["font-size"]) for _, attributes in page.tags if "font-size" in attributes}
    assert min(sizes) >= 12
    assert max(drawing.width for drawing in page.drawings) <= 760


def test_rows_of_counts_stand_under_their_ticks(pages: dict[str, str]) -> None:
    """Every number under the curve is centred on the x of a month, by the same function as the axis."""
    for drawing in Page(pages["full"]).drawings:
        if not drawing.key.startswith("os-"):
            continue
        axis = next(box[3] for text, box in drawing.texts if text == "Months from diagnosis")
        middles = [(text, box[3], (box[0] + box[2]) / 2) for text, box in drawing.texts if text.isdigit()]
        ticks = [x for _, bottom, x in middles if bottom < axis]
        counts = [x for _, bottom, x in middles if bottom > axis]
        assert len(counts) >= 3 * len(ticks)
        assert all(min(abs(x - tick) for tick in ticks) < 0.1 for x in counts)
