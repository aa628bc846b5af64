"""What stands on the page, and that every number of it is the number of its row."""

from __future__ import annotations

import re
from typing import Any

import pytest
import report_sample as sample
from html_page import Page
from report_sample import CASES

from blin_pipeline.report import numbers
from blin_pipeline.report.rows import Results, Row
from blin_pipeline.report.study import render

pytestmark = pytest.mark.slow

DECEPTIVE = re.compile(r"--|\bNone\b|\bnan\b|—|&mdash;")


def results() -> Results:
    return Results(sample.full())


def the(outcome: str, statistic: str, **wanted: object) -> Row:
    return results().one(outcome, statistic, **wanted)


@pytest.fixture(scope="module")
def page(pages: dict[str, str]) -> Page:
    return Page(pages["full"])


@pytest.mark.parametrize("case", CASES)
def test_no_request_no_script_no_empty_sign(pages: dict[str, str], case: str) -> None:
    html = pages[case]
    assert not re.search(r"https?:|//[a-z]|\bsrc=|@import|<script|<link|<img|<iframe|javascript:|\son\w+=|url\(", html)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    body = html[html.index("<body>") :]
    assert not DECEPTIVE.search(re.sub(r"<[^>]*>", " ", body))
    assert len(html.encode()) <= 250_000


@pytest.mark.parametrize("case", CASES)
def test_a_reader_with_a_screen_reader_finds_the_way(pages: dict[str, str], case: str) -> None:
    page = Page(pages[case])
    names = [tag for tag, _ in page.tags]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert ("html", {"lang": "en"}) in page.tags
    assert [names.count(tag) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for reference in ("aria-labelledby", "href"):
            assert all(target.lstrip("#") in ids for target in attributes.get(reference, "").split())
    assert all(attributes.get("role") == "img" for tag, attributes in page.tags if tag == "svg")
    assert names.count("title") == 1 + names.count("svg") == 1 + names.count("desc")
    assert names.count("caption") == names.count("table")
    assert "" not in page.tables
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_the_same_rows_in_another_order_give_the_same_bytes(pages: dict[str, str]) -> None:
    assert render(list(reversed(sample.full())), dict(reversed(sample.META.items()))) == pages["full"]


def test_synthetic_data_say_so_and_real_data_do_not(pages: dict[str, str]) -> None:
    real = render([], sample.META | {"synthetic": "false"})
    assert pages["no_rows"].lower().count("synthetic data") == 4  # title, banner, footer, footer of each printed page
    assert "synthetic" not in real.lower()


def test_meta_cannot_break_out_of_the_page() -> None:
    hostile = '</style><script>alert("x")</script>\\'
    html = render([], sample.META | {"cut_id": hostile, "study": hostile, "release_note": hostile})
    assert "<script" not in html
    assert html.count("</style>") == 1


def test_missing_meta_are_named() -> None:
    page = Page(render([], {}))
    assert page.visible.count("not recorded") >= 6


def test_the_five_figures_on_top(page: Page) -> None:
    remission, alive = the("complete_remission", "cr_registry", denominator="D1", method="clopper_pearson"), None
    alive = next(row for row in results().many("overall_survival", "os_survival", method="kaplan_meier") if row.n == 86)
    top = page.visible[page.visible.index("Patients in analysis") : page.visible.index("Who is in the analysis?")]
    assert top[:3] == ["Patients in analysis", "172 of 200", "target 200"]
    assert top[3:5] == ["200 records in REDCap", "107 entered prospectively"]
    assert numbers.percent(remission.number) in top
    assert f"95% interval {numbers.percent_range(remission.lower, remission.upper)}" in top
    assert numbers.percent(alive.number) in top
    assert f"{alive.n_event} deaths by then" in top
    assert top[top.index("Median cycles started") + 1 :][:3] == [
        "3",
        "Quartiles 2 to 4, 122 patients",
        "51 with four or more",
    ]
    assert top[top.index("Open data queries") + 1 :][:3] == ["68", "of these 16 errors", "9 sites"]


def test_flow_shows_every_step_and_adds_up(page: Page) -> None:
    table = page.tables["Patient flow"]
    remaining = [int(row[1]) for row in table[1:]]
    left = [int(row[2]) for row in table[1:]]
    assert left == [n for _, n in sample.FLOW]
    assert all(before - out == after for before, out, after in zip(remaining, left[1:], remaining[1:], strict=False))
    drawn = [text for drawing in page.drawings if drawing.key == "flow-wide-t" for text, _ in drawing.texts]
    assert [text for text in drawn if text.isdigit()].count("0") == 1  # a criterion that excluded nobody
    assert sorted(text for text in drawn if text.isdigit()) == sorted(
        [str(n) for n in remaining] + [str(n) for n in left[1:-1]]
    )


def test_a_flow_that_does_not_add_up_is_said(pages: dict[str, str]) -> None:
    rows = sample.full()
    wrong = next(row for row in rows if row["statistic"] == "flow_remaining_n" and row["group_label"] == "AGE")
    wrong["value"] += 1
    html = render(rows, sample.META)
    assert "The flow does not add up at “Aged 18 or older at diagnosis”" in html
    assert "does not add up" not in pages["full"]


def test_counts_that_must_agree_are_compared(pages: dict[str, str]) -> None:
    rows = sample.full()
    for row in rows:
        if row["statistic"] == "eligibility_status_n" and row["group_label"] == "ELIGIBLE":
            row["value"] = 170
    assert "The status of the records counts 170 patients, the flow ends at 172." in render(rows, sample.META)
    assert "the flow ends at" not in pages["full"]


def test_accrual_in_words_and_numbers(page: Page) -> None:
    caption = "Cumulative patients at the end of each month"
    for name in ("total", "prospective", "retrospective"):
        rows = results().many("enrolment", f"accrual_{name}_n", group_variable="month")
        assert page.column(caption, name.capitalize()) == {
            numbers.month_text(row.group_label): numbers.count(row.number) for row in rows
        }
    text = next(line for line in page.visible if line.startswith("200 patients are reached"))
    assert text.startswith(
        "200 patients are reached about Feb 2027 (Dec 2026 to Apr 2027), 7 months after the data cut"
    )
    assert "pace of prospective patients of the last 180 days; limits hold 80%" in text


def test_remission_on_all_denominators_with_both_methods(page: Page) -> None:
    rows = page.tables["All definitions and both intervals"]
    expected = [
        [numbers.ratio_of(row), numbers.percent(row.number), numbers.percent_range(row.lower, row.upper)]
        for statistic in ("cr_registry", "cr_conventional", "cr_composite", "cr_mrd_negative")
        for denominator in ("D1", "D2", "D3")
        for row in results().many("complete_remission", statistic, denominator=denominator, group_variable="all")
    ]
    assert len(expected) == 24
    assert [row[1:4] for row in rows[1:]] == expected
    assert {row[4] for row in rows[1:]} == {"Clopper-Pearson (exact)", "Wilson"}


def test_remission_without_mrd_is_the_second_dot_with_its_denominator_in_words(page: Page) -> None:
    drawing = next(drawing for drawing in page.drawings if drawing.key == "remission-wide-t")
    drawn = [text for text, _ in drawing.texts]
    assert drawn[:2] == ["Complete remission", "Complete remission, MRD negative by flow"]
    row = results().one("complete_remission", "cr_mrd_negative", denominator="D1", method="clopper_pearson")
    assert numbers.percent_with_range(row) in drawn
    assert drawn.count("92 of 163") == 1
    assert f"complete remission, MRD negative by flow {numbers.percent_with_range(row)}, 92 of 163" in page.source
    assert any("Tested: 131 of 139 patients of D1 in remission" in text for text in page.visible)
    table = page.tables["Registry definition, D1, by declared backbone"]
    assert table[0][3:] == ["MRD negative", "Share (95% interval)", "Tested of remissions"]
    small = next(row for row in table if row[0] == "GRAALL")
    assert small[4] == "too few to show"


def test_without_rows_of_mrd_the_figure_is_as_before() -> None:
    page = Page(render([row for row in sample.full() if "cr_mrd" not in row["statistic"]], sample.META))
    drawing = next(drawing for drawing in page.drawings if drawing.key == "remission-wide-t")
    assert "Complete remission" not in [text for text, _ in drawing.texts]
    assert "by flow" not in page.source


def test_days_without_infusion_and_start_to_start_are_two_lines(page: Page) -> None:
    measures = {row[0]: row[1] for row in page.tables["Exposure: median (quartiles), or share (95% interval)"]}
    assert measures["Days without infusion between cycles, from one's end to the next one's start"].startswith("19")
    assert measures["Days from one cycle's start to the next one's"].startswith("47")


def test_small_backbones_are_listed_and_not_drawn(page: Page) -> None:
    drawn = [text for drawing in page.drawings if drawing.key == "remission-wide-t" for text, _ in drawing.texts]
    text = next(line for line in page.visible if line.startswith("Too few to show (under 10"))
    assert "Other BFM (7), GRAALL (4)" in text
    assert "Other BFM" not in drawn
    assert (
        drawn.index("Hyper-CVAD") < drawn.index("Mini-hyper-CVD") < drawn.index("CALGB 10403")
    )  # the protocol's order


@pytest.mark.parametrize(
    ("method", "title", "first"),
    [
        ("kaplan_meier", "Overall survival from diagnosis, all patients", "At risk"),
        ("kaplan_meier_delayed_entry", "The same with delayed entry", "Entered"),
    ],
)
def test_survival_counts_are_those_of_the_rows(page: Page, method: str, title: str, first: str) -> None:
    caption = f"{title}: numbers by month"
    names = {"Entered": "os_entered_n", "At risk": "os_at_risk_n", "Deaths": "os_deaths_n", "Censored": "os_censored_n"}
    heads = page.tables[caption][0]
    expected_heads = ["At risk", "Deaths", "Censored"]
    assert heads == ["Months", *([first] if first == "Entered" else []), *expected_heads, "Alive"]
    for head in heads[1:-1]:
        rows = results().many("overall_survival", names[head], method=method)
        expected = [numbers.count(row.number) for row in rows]
        assert list(page.column(caption, head).values()) == expected
        key = "os-wide-t" if method == "kaplan_meier" else "os-delayed-wide-t"
        drawn = next(drawing for drawing in page.drawings if drawing.key == key)
        height = next(box[1] for text, box in drawn.texts if text == head)
        assert [text for text, box in drawn.texts if box[1] == height and text != head] == expected


def test_both_survival_estimates_stand_in_the_note_on_bias(page: Page) -> None:
    plain, delayed = (
        next(
            row
            for row in results().many("overall_survival", "os_survival", method=method)
            if row.time_days == 12 * sample.MONTH
        )
        for method in ("kaplan_meier", "kaplan_meier_delayed_entry")
    )
    note = next(line for line in page.visible if line.startswith("Read both curves."))
    assert f"{numbers.percent_with_range(plain)} from diagnosis" in note
    assert f"{numbers.percent_with_range(delayed)} with delayed entry" in note
    assert "107 prospective, 51 retrospective, alive at entry, 14 retrospective, deceased before entry" in note


@pytest.mark.parametrize("case", CASES)
def test_the_note_on_bias_is_always_printed(pages: dict[str, str], case: str) -> None:
    assert "Read both curves." in pages[case]


def test_an_estimate_is_shown_with_its_interval_or_with_its_reason(page: Page) -> None:
    rows = page.tables["Alive at fixed times (95% log-log interval)"]
    assert re.fullmatch(r"\d+\.\d%\n\d+\.\d to \d+\.\d%", rows[1][1])
    assert [row[1] for row in rows if row[0] in {"36", "60"}] == ["nothing yet", "nothing yet"]
    summary = page.tables["Size, median, follow-up (95% interval)"]
    assert summary[3][1] == "not reached\nlower limit 26.4"


def test_exposure_measures_and_their_known_values(page: Page) -> None:
    table = {row[0]: row[1:] for row in page.tables["Exposure: median (quartiles), or share (95% interval)"]}
    assert table["Days on infusion per cycle"] == ["28\n27.6 to 28", "318 of 344"]
    assert table["Dose given, of dose planned"] == ["100.0%\n96.0 to 100.0%", "318 of 344"]
    assert table["Cycles with step dosing"][1] == "17 of 344"
    cycles = page.tables["Cycles by number and what became of them"]
    assert [row[0] for row in cycles[1:]] == ["Cycle 1", "Cycle 2", "Cycle 3", "Cycle 4", "Cycle 5+"]
    shown = dict(zip(cycles[0][1:], cycles[1][1:], strict=True))
    assert shown == {"Completed": "88", "Completed, reduced": "9", "Ongoing": "6", "Stopped early": "14",
                     "Not evaluable": "3", "Not started": "2"}  # fmt: skip


def test_every_site_has_a_line(pages: dict[str, str]) -> None:
    rows = Page(pages["forty_sites"]).tables["Sites, sorted by code"]
    assert [row[0] for row in rows[1:]] == [f"S{index:02d}" for index in range(1, 41)]
    rates = Results(sample.full(40)).by_group("site_summary", "site_forms_complete", "site")
    assert [row[5] for row in rows[1:]] == [
        f"{numbers.percent(row.number)} ({row.n_event} of {row.n})" for row in rates.values()
    ]


def test_checks_with_what_was_found_of_how_many(page: Page) -> None:
    rows = page.tables["Data checks"]
    assert len(rows) == 21
    assert rows[17][0].startswith("D17 No news")
    assert rows[17][1:] == ["17", "732", "open"]
    assert rows[1][3] == "passed"


def test_method_names_come_from_the_rows(pages: dict[str, str]) -> None:
    rows: list[dict[str, Any]] = [
        row | {"method": "a_new_method"} if row["statistic"] == "accrual_days_to_target" else row
        for row in sample.full()
    ]
    assert "a_new_method" in render(rows, sample.META)
    assert "a_new_method" not in pages["full"]


def test_states_are_worded_where_figures_would_stand(pages: dict[str, str]) -> None:
    few, missing, none = (Page(pages[name]).visible for name in ("too_few", "not_collected", "no_rows"))
    assert few.count("Too few to show: made so.") == 6
    assert missing.count("Not collected here: made so.") == 6
    assert sum(line.startswith("Failed in the last refresh") for line in none) == 12


def test_the_curve_ends_where_too_few_are_at_risk() -> None:
    rows = [row for row in sample.full() if row["outcome"] == "overall_survival"]
    for row in rows:
        if row["statistic"] == "os_curve_end":
            row.update(value=None, state="too_few", reason="never 10 at risk at a time of the curve")
    page = Page(render(rows, sample.META))
    assert not any(drawing.key.startswith("os-") for drawing in page.drawings)
    assert page.visible.count("Too few to show: never 10 at risk at a time of the curve.") == 2


def test_patients_without_a_place_on_the_curve_are_named(page: Page) -> None:
    assert any("Not on the curve from diagnosis: 1 without a usable survival time. Not on the curve with" in line
               for line in page.visible)  # fmt: skip
