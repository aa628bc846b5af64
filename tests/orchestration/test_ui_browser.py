"""Dagster's UI as a person meets it after the demo: `blin ui` in one process, Chromium in front of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from homes import BLIN, Home, clean_environment
from served import (
    Server,
    answers,
    free_port,
    graphql,
    kill_all,
    location_is_loaded,
    processes_left,
    processes_with,
    serving_process,
)

from blin_pipeline.outcomes import OUTCOMES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow

GROUPS = ("raw", "staging", "intermediate", "marts", "quality", "outcomes", "release", "report")
SCHEDULE = "/locations/blin_pipeline/schedules/nightly_refresh"
NEWEST_RUN = "{ runsOrError(limit: 1) { ... on Runs { results { runId status jobName } } } }"
SCHEDULE_STATE = """query($selector: ScheduleSelector!) {
  scheduleOrError(scheduleSelector: $selector) { ... on Schedule { scheduleState { status } } } }"""
SELECTOR = {
    "repositoryLocationName": "blin_pipeline",
    "repositoryName": "__repository__",
    "scheduleName": "nightly_refresh",
}
SWITCHED = re.compile(r'"operationName":"St(art|op)\w*Schedule"')
BROWSER_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What lies on top in the middle and the corners of the page: a dialog or a curtain would.
ON_TOP = """() => [[.5, .5], [.1, .1], [.9, .9]].map(([x, y]) => {
  const top = document.elementFromPoint(x * innerWidth, y * innerHeight);
  const cover = top && top.closest('[role="dialog"], [role="alertdialog"], .bp5-portal, .bp5-overlay');
  return cover ? cover.textContent.slice(0, 80) : '';
}).filter(Boolean)"""


@pytest.fixture(scope="module")
def port(demo_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where `blin ui` serves a copy of the demo home; afterwards everything that it started is gone."""
    home = demo_home.copy(tmp_path_factory.mktemp("ui") / "home")
    number = free_port()
    command = [BLIN, "ui", "--home", str(home.path), "--port", str(number)]
    log = home.path.parent / "ui.log"
    try:
        with serving_process("blin ui", command, environment=clean_environment(), log=log) as server:
            _wait(server, number)
            if sys.platform == "linux":
                assert len(processes_with(f"BLIN_HOME={home.path}")) >= 3, "dagster dev, its webserver, its daemon"
            yield number
            assert server.stop() == 0, "the command stops when it is told to"
        # The code server notices by itself that nobody needs it any more.
        assert processes_left(f"BLIN_HOME={home.path}") == {}
    finally:
        kill_all(processes_with(f"BLIN_HOME={home.path}"))


def _wait(server: Server, number: int) -> None:
    server.wait_until(lambda: answers(f"http://127.0.0.1:{number}/server_info"), "the web page")
    server.wait_until(lambda: location_is_loaded(number), "the code location")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=str(chromium), args=BROWSER_OPTIONS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, port: int) -> Iterator[Page]:
    """A page at the UI's address; whatever a test does there, nothing is asked of another machine and nothing breaks."""
    asked: list[str] = []
    broken: list[str] = []
    opened = browser.new_page(viewport={"width": 1400, "height": 900}, base_url=f"http://127.0.0.1:{port}")
    opened.set_default_timeout(90_000)
    opened.on("request", lambda request: asked.append(urlsplit(request.url).hostname or ""))
    opened.on("pageerror", lambda error: broken.append(error.message))
    yield opened
    opened.close()
    assert {host for host in asked if host} == {"127.0.0.1"}
    assert broken == []


def _shown(page: Page, text: str) -> Locator:
    return page.get_by_text(text, exact=True).locator("visible=true").first


def test_the_first_page_is_free_and_shows_the_job(page):
    page.goto("/")
    _shown(page, "refresh").wait_for()
    assert page.evaluate(ON_TOP) == []


def test_the_graph_shows_every_group(page):
    page.goto("/asset-groups")
    for group in GROUPS:
        page.locator("svg foreignObject").filter(has_text=re.compile(rf"^{group}")).first.wait_for()
    page.get_by_text(re.compile(r"^Materialize all")).wait_for()
    assert page.evaluate(ON_TOP) == []


def test_a_group_lists_its_assets_as_materialized(page):
    # The list draws only the lines that fit the window.
    page.set_viewport_size({"width": 1400, "height": 400 + 100 * len(OUTCOMES)})
    page.goto("/locations/blin_pipeline/asset-groups/outcomes/list")
    for outcome in OUTCOMES:
        page.locator(f'a[href*="/assets/outcomes/{outcome.name}"]').first.wait_for()
    # Their states arrive some at a time.
    page.get_by_text("Materialized", exact=True).nth(len(OUTCOMES) - 1).wait_for()
    assert page.get_by_text("Materialized", exact=True).count() == len(OUTCOMES)
    assert page.get_by_text("Never materialized").count() == 0


def test_the_newest_run_is_green(page, port):
    (run,) = graphql(port, NEWEST_RUN)["runsOrError"]["results"]
    assert (run["jobName"], run["status"]) == ("refresh", "SUCCESS")
    page.goto("/runs")
    link = page.locator(f'a[href="/runs/{run["runId"]}"]').first
    link.wait_for()
    row = link.locator('xpath=ancestor::*[.//*[text()="Success" or text()="Failure"]][1]')
    assert "Success" in row.inner_text()
    assert "Failure" not in row.inner_text()
    page.goto(f"/runs/{run['runId']}")
    _shown(page, "Success").wait_for()
    _shown(page, "tables").wait_for()
    page.get_by_text("No steps have errored").wait_for()
    assert page.evaluate(ON_TOP) == []


def test_the_job_knows_the_runs_of_the_command(page, port):
    (run,) = graphql(port, NEWEST_RUN)["runsOrError"]["results"]
    page.goto("/locations/blin_pipeline/jobs/refresh/runs")
    page.locator(f'a[href="/runs/{run["runId"]}"]').first.wait_for()


def test_the_schedule_is_listed_and_can_be_started(page, port):
    def status() -> str:
        answer = graphql(port, SCHEDULE_STATE, selector=SELECTOR)
        return str(answer["scheduleOrError"]["scheduleState"]["status"])

    page.goto("/automation")
    _shown(page, "nightly_refresh").wait_for()
    _shown(page, "note_failed_run").wait_for()
    page.goto(SCHEDULE)
    page.get_by_text("At 05:15 AM").first.wait_for()
    assert status() == "STOPPED"
    switch = page.locator('input[type="checkbox"]').first
    for wanted, is_on in (("RUNNING", True), ("STOPPED", False)):
        with page.expect_response(lambda answer: SWITCHED.search(answer.request.post_data or "") is not None):
            switch.locator("xpath=ancestor::label").click()
        assert status() == wanted
        page.reload()
        switch.wait_for(state="attached")
        assert switch.is_checked() is is_on
