"""Everything that the schedule must make is made, is listed in the docs, and can be released as it is written."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.release.transforms import NOT_WORDS
from blin_pipeline.report.study import render

REPOSITORY = Path(__file__).parents[3]
DOCS = REPOSITORY / "docs" / "numbers.md"


class Output(NamedTuple):
    """A row of the table of outputs in the docs."""

    title: str
    name: str
    outcomes: list[str]
    begins: list[str]
    section: str
    code: str
    places: list[str]


def listed():
    """Rows of the table of outputs in the docs."""
    section = DOCS.read_text(encoding="utf-8").split("## What is computed at every refresh\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return [
        Output(
            title,
            name.strip("`"),
            re.findall(r"`(\w+)`", outcomes),
            re.findall(r"`(\w+)`", begins),
            re.findall(r"\(#([\w-]+)\)", section)[0],
            re.findall(r"\(\.\./([\w/.]+)\)", code)[0],
            [] if places == "none: rows only" else places.split("; "),
        )
        for title, name, outcomes, begins, section, code, places in rows[2:]
    ]


OUTPUTS = pytest.mark.parametrize("output", listed(), ids=lambda output: output.name)
#: The outputs of the specification, section 9.
SPECIFIED = """enrolment_flow eligibility_reasons data_quality baseline_table backbone_by_site blin_exposure_patient
blin_exposure_cycle blin_uptake_cif e1910_concordance response_cr mrd_by_timepoint os_km os_ascertainment_check rfs_km cir_nrm
hct_time_dependent blin_association toxicity_by_cycle followup_currency external_reference"""


def test_every_specified_output_is_listed_once():
    assert [output.name for output in listed()] == SPECIFIED.split()


@OUTPUTS
def test_the_output_is_made(output, hand_made_rows):
    assert set(output.outcomes) <= {outcome.name for outcome in OUTCOMES}
    made = {row.statistic for row in hand_made_rows if row.outcome in output.outcomes}
    variables = {row.group_variable for row in hand_made_rows if row.outcome in output.outcomes}
    for begin in output.begins:
        assert any(name.startswith(begin) for name in made) or begin in variables, begin


@OUTPUTS
def test_formula_and_code_are_one_click_away(output):
    assert (REPOSITORY / output.code).is_file()
    assert Path(output.code).stem in output.outcomes
    text = DOCS.read_text(encoding="utf-8")
    headings = {
        heading.lower().replace(",", "").replace(" ", "-"): heading
        for heading in re.findall("^## (.+)$", text, re.MULTILINE)
    }
    explained = text.split(f"## {headings[output.section]}\n")[1].split("\n## ")[0]
    # The section that explains it names the file again, so that a reader of the section reaches the code as well.
    assert Path(output.code).name in explained


@pytest.fixture(scope="module")
def page(hand_made_rows):
    return render([dataclasses.asdict(row) for row in hand_made_rows], {"study": "NCT07117136", "synthetic": "true"})


@OUTPUTS
def test_the_report_shows_it_where_the_table_says(output, page):
    titles = [html.unescape(title) for title in re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', page)]
    assert set(output.places) <= set(titles)


def test_every_section_of_the_report_leads_to_formula_reference_and_code(page):
    made = html.unescape(page.split('<section id="made"')[1].split("</table>")[0])
    lines = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in made.split("<tr>")[2:]]
    sections = dict(re.findall(r'<h2 id="([\w-]+)-h">([^<]+)</h2>', page))
    assert page.count('href="#made"') == len(sections) - 2 == len(lines)
    assert [line[0] for line in lines] == [
        html.unescape(title) for key, title in sections.items() if key not in {"methods", "made"}
    ]
    headings = re.findall("^## (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    for _, formula, code, chapter in lines:
        assert len(formula) > 20
        assert all((REPOSITORY / "blin_pipeline" / "outcomes" / name).is_file() for name in code.split(", "))
        assert set(chapter.split("; ")) <= set(headings)


def test_no_reason_is_lost_on_release(hand_made_rows):
    refused = re.compile(NOT_WORDS)
    assert not {
        row.result_id for row in hand_made_rows if refused.search(row.reason) or refused.search(row.group_label)
    }


def test_every_row_says_what_it_counts(hand_made_rows):
    for row in hand_made_rows:
        assert row.population and row.cut_id and row.parameters_hash  # noqa: PT018
