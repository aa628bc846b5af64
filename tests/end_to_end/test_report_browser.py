"""The report as a browser shows it: nothing clipped, nothing overlapping, nothing fetched, printable."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blin_pipeline.report.study import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "unit" / "report" / "report_sample.py"
CASES = ("full", "forty_sites", "huge", "first_patient", "too_few", "no_rows")
WIDTHS = (1280, 390)
#: Widths between a phone and a wide screen, and A4 and Letter between their margins.
OTHER_WIDTHS = (320, 719, 720, 760, 1180, 1181, 1920)

FAULTS = """
() => {
  const faults = [], near = 1.0;
  const shown = element => element.checkVisibility() && element.getClientRects().length > 0;
  const room = document.documentElement;
  if (room.scrollWidth > room.clientWidth) faults.push(`the page is ${room.scrollWidth} px wide`);
  for (const svg of document.querySelectorAll('svg')) {
    if (!shown(svg)) continue;
    const sheet = svg.getBoundingClientRect(), name = svg.getAttribute('aria-labelledby');
    const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([text, box], index) => {
      if (box.left < sheet.left - near || box.right > sheet.right + near || box.top < sheet.top - near
          || box.bottom > sheet.bottom + near + 3) faults.push(`${name}: "${text}" leaves its sheet`);
      for (const [other, second] of texts.slice(index + 1)) {
        const across = Math.min(box.right, second.right) - Math.max(box.left, second.left);
        const down = Math.min(box.bottom, second.bottom) - Math.max(box.top, second.top);
        if (across > near && down > 3) faults.push(`${name}: "${text}" touches "${other}"`);
      }
    });
  }
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('svg') || element.matches('.hidden, .skip') || !shown(element)) continue;
    const scrolls = element.matches('.scroll[tabindex]');
    if (!scrolls && element.scrollWidth > element.clientWidth + near && getComputedStyle(element).display !== 'inline')
      faults.push(`${element.tagName} "${element.textContent.trim().slice(0, 40)}" is clipped or too wide`);
  }
  const blocks = [...document.querySelectorAll('h1, h2, h3, p, li, figcaption, summary, table, svg, dl')].filter(
    element => shown(element) && !element.matches('.skip') && !element.closest('svg svg'));
  blocks.forEach((one, index) => {
    const box = one.getBoundingClientRect();
    for (const other of blocks.slice(index + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const scroller = (one.closest('.scroll') || one).getBoundingClientRect();
      const second = (other.closest('.scroll') || other).getBoundingClientRect();
      const across = Math.min(scroller.right, second.right) - Math.max(scroller.left, second.left);
      const down = Math.min(scroller.bottom, second.bottom) - Math.max(scroller.top, second.top);
      if (across > near && down > near)
        faults.push(`${one.tagName} "${one.textContent.trim().slice(0, 30)}" overlaps ${other.tagName} `
          + `"${other.textContent.trim().slice(0, 30)}"`);
    }
  });
  return faults;
}
"""
SMALLEST_TEXT = """
() => Math.min(...[...document.querySelectorAll('svg')].filter(svg => svg.getClientRects().length).map(
  svg => 12 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))
"""
SHOWN_PER_FIGURE = """
() => [...document.querySelectorAll('figure')].map(
  figure => [...figure.querySelectorAll('svg')].filter(svg => svg.getClientRects().length).length)
"""


@pytest.fixture(scope="module")
def sample() -> Any:
    spec = importlib.util.spec_from_file_location("report_sample", SAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    found = {}
    for name in CASES:
        found[name] = folder / f"{name}.html"
        found[name].write_text(render(sample.CASES[name](), sample.META), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_clipped_overlaps_or_is_fetched(page: Page, files: dict[str, Path], case: str, width: int) -> None:
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(files[case].as_uri())
    assert page.evaluate(FAULTS) == []
    for summary in page.query_selector_all("summary"):
        summary.click()
    assert page.evaluate(FAULTS) == []
    assert requests == [files[case].as_uri()]
    assert complaints == []


@pytest.mark.parametrize("width", OTHER_WIDTHS)
def test_other_widths_are_clean_too(page: Page, files: dict[str, Path], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(files["full"].as_uri())
    assert page.evaluate(FAULTS) == []


@pytest.mark.parametrize("width", [390, 720, 760, 1181, 1280])
def test_text_of_figures_is_large_enough(page: Page, files: dict[str, Path], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(files["full"].as_uri())
    assert page.evaluate(SMALLEST_TEXT) >= 11.5


def test_one_drawing_of_each_figure_is_shown(page: Page, files: dict[str, Path]) -> None:
    page.goto(files["full"].as_uri())
    for width in (*WIDTHS, *OTHER_WIDTHS):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(SHOWN_PER_FIGURE) == [1] * 6
    page.emulate_media(media="print")
    assert page.evaluate(SHOWN_PER_FIGURE) == [1] * 6


@pytest.mark.parametrize(("paper", "width"), [("A4", 688), ("Letter", 710)])
@pytest.mark.parametrize("case", CASES)
def test_print_is_clean(page: Page, files: dict[str, Path], case: str, paper: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 980})
    page.goto(files[case].as_uri())
    page.emulate_media(media="print")
    assert page.evaluate(FAULTS) == []
    printed = page.pdf(format=paper)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert printed.startswith(b"%PDF")
    # Fourteen sections with unbroken tables; with forty sites the last table alone takes two pages.
    assert 1 <= pages <= (10 if case == "forty_sites" else 8)
