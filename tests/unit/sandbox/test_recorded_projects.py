"""All recorded projects go in as project XML, and the server gives back what the real one exported, cell for cell.

What may differ stands in ``KNOWN``, per project and with its reason; nothing else may.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from recorded_projects import PROJECTS, RECORDED, needs_recordings, recorded_file
from server_sample import post

from blin_pipeline.registry.dictionary import COLUMNS, load_dictionary
from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.odm.reading import project_from_xml
from blin_pipeline.sandbox.records.flat import ServerHabits
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving

NUMBER_OF_PROJECTS = 22
REPORT = 900
LOADER = TokenRights.of(EVERY_PRIVILEGE, "loader")
_BLANKS = re.compile(" {2,}")
_ESCAPED = re.compile(r"<U\+([0-9A-F]{4})>")

pytestmark = needs_recordings

Row = dict[str, str]
Rows = list[Row]


def _in_export_order(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: (int(row["record_id"]), row["redcap_event_name"]))


def _without(*keys: tuple[str, str]) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if (row["record_id"], row["redcap_event_name"]) not in keys]


def _with_cell(column: str, change: Callable[[str], str]) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, column: change(row[column])} if column in row else row for row in rows]


def _without_column(column: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{name: cell for name, cell in row.items() if name != column} for row in rows]


def _from_r(rows: Rows) -> Rows:
    return [
        {
            name: "" if cell == "NA" else _ESCAPED.sub(lambda found: chr(int(found[1], 16)), cell)
            for name, cell in row.items()
            if name
        }
        for row in rows
    ]


@dataclass(frozen=True)
class Known:
    """A difference between a recording's two files, and why it is there.

    Attributes:
        reason: Why.
        recorded: Change of the recorded rows before they are compared.
        ours: Change of our rows before they are compared.
    """

    reason: str
    recorded: Callable[[Rows], Rows] = lambda rows: rows
    ours: Callable[[Rows], Rows] = lambda rows: rows


KNOWN: dict[str, tuple[Known, ...]] = {
    "arm-multiple-delete": (
        Known(
            "data.csv is what the library's tests upload, arm by arm; an export goes record by record", _in_export_order
        ),
        Known(
            "project.xml was written after a test had deleted these four records from arm 2",
            _without(*((record, "event_1_arm_2") for record in ("102", "103", "105", "120"))),
        ),
    ),
    "checkboxes-1": (
        Known(
            "the project XML merged consecutive line breaks",
            _with_cell("desired_result", lambda cell: _BLANKS.sub("  ", cell)),
        ),
    ),
    "multilevel-model-1": (
        Known(
            "data.csv is what was uploaded: the server trims the blank before a number",
            _with_cell("slope_factor_1", str.strip),
        ),
    ),
    "russian": (Known("data.csv was written by R: row names, NA, and escapes for what its encoding lacks", _from_r),),
    "simple": (
        Known(
            "a spreadsheet made truth values of the codes of sex",
            _with_cell("sex", lambda cell: {"TRUE": "1", "FALSE": "0"}[cell]),
        ),
        Known("the project got this field after data.csv had been written", ours=_without_column("interpreter_needed")),
    ),
    "survey": (
        Known(
            "the project was copied in 2024: survey timestamps are those of the copy",
            _with_cell("prescreening_survey_timestamp", lambda _: ""),
            _with_cell("prescreening_survey_timestamp", lambda _: ""),
        ),
    ),
    "validation-types-1": (
        Known(
            "the calculation was stored after data.csv had been written", ours=_with_cell("f_calculated", lambda _: "")
        ),
    ),
}
#: Projects whose data.csv was downloaded in the browser: each CR and each LF inside a cell became a blank there, and
#: the line breaks of the recorded XML files were turned from CR LF into LF on their way into a version control system.
DOWNLOADED = {"blank-for-gray-status", "checkboxes-1", "longitudinal"}

#: Recorded export -> parameters that its columns tell.
WITH_GROUPS = {"dag", "dag-write"}
WITH_SURVEY_FIELDS = {"survey"}
#: Recorded with an older server's word for an uploaded file.
WITH_DOCUMENT = "simple"
#: Cells of the recorded dictionaries that a project XML does not carry: (project, field) -> columns.
NOT_IN_XML = {
    ("validation-types-1", "f_slider"): {"text_validation_min", "text_validation_max"},
    ("validation-types-1", "f_sql"): {"select_choices_or_calculations"},
    # The field was a calculation when the dictionary was downloaded, text when the XML was.
    ("repeating-instruments-sparse", "age"): {"field_type", "select_choices_or_calculations"},
}


def source_of(name: str) -> SourceProject:
    """A recorded project; those that were downloaded get their line breaks back, and a report of everything."""
    source = project_from_xml(RECORDED / name / "project.xml")
    if name not in DOWNLOADED:
        return source
    rows = tuple(
        row._replace(values={field: value.replace("\n", "\r\n") for field, value in row.values.items()})
        for row in source.rows
    )
    dictionary = source.dictionary
    fields = [
        field
        for form in dictionary.forms
        for field in (*(item.field_name for item in dictionary.form_fields(form)), f"{form}_complete")
    ]
    report = Report(REPORT, "Everything", tuple(fields), outputs_groups=bool(source.data_access_groups))
    return replace(source, rows=rows, reports=(report,))


@pytest.fixture(scope="module")
def recorded() -> Iterator[RunningSandbox]:
    with serving({token(name): source_of(name) for name in PROJECTS}) as running:
        yield running


def test_every_recorded_project_is_here() -> None:
    assert len(PROJECTS) == NUMBER_OF_PROJECTS
    assert set(KNOWN) <= set(PROJECTS)


@pytest.mark.parametrize("name", PROJECTS)
def test_the_recorded_export_comes_back(name: str, recorded: RunningSandbox, proof: Callable[[str], None]) -> None:
    theirs, ours = table(recorded_file(name, "data.csv")), table(export(name, recorded))
    for known in KNOWN.get(name, ()):
        before = (theirs, ours)
        theirs, ours = known.recorded(theirs), known.ours(ours)
        assert before != (theirs, ours), f"not needed any more: {known.reason}"
    assert [list(row) for row in ours[:1]] == [list(row) for row in theirs[:1]]
    assert ours == theirs
    proof(f"recorded project {name}: {len(ours)} rows, {sum(map(len, ours))} cells equal")


@pytest.mark.parametrize("name", PROJECTS)
def test_the_dictionary_of_the_project_xml_is_the_downloaded_one(name: str) -> None:
    files = list((RECORDED / name).glob("dictio*.csv"))
    if not files:
        pytest.skip("no dictionary was recorded")
    ours = {item.field_name: item for item in project_from_xml(RECORDED / name / "project.xml").dictionary.fields}
    theirs = load_dictionary(files[0])
    if name == WITH_DOCUMENT:
        del ours["interpreter_needed"]  # added to the project after the download
    assert list(ours) == [item.field_name for item in theirs.fields]
    for item in theirs.fields:
        for column in (
            set(COLUMNS) - NOT_IN_XML.get((name, item.field_name), set()) - {"select_choices_or_calculations"}
        ):
            assert getattr(ours[item.field_name], column) == getattr(item, column), (item.field_name, column)
        if "select_choices_or_calculations" not in NOT_IN_XML.get((name, item.field_name), set()):
            assert choices(ours[item.field_name].select_choices_or_calculations) == choices(
                item.select_choices_or_calculations
            )


@pytest.mark.parametrize(("content", "file"), [("event", "event.csv"), ("arm", "arm.csv")])
@pytest.mark.parametrize("name", [name for name in PROJECTS if (RECORDED / name / "event.csv").exists()])
def test_events_and_arms_come_back(name: str, content: str, file: str, recorded: RunningSandbox) -> None:
    """The event number is the server's own and cannot be in a project XML."""
    answer = post(recorded.url, token(name), content=content, format="csv")
    without_number = _without_column("event_id")
    assert answer.status_code == 200
    assert without_number(table(answer.content)) == without_number(table(recorded_file(name, file)))


def test_the_recorded_metadata_answer_comes_back(recorded: RunningSandbox) -> None:
    """Written by R, and before the field ``age`` became text and ``interpreter_needed`` was added."""
    theirs = _from_r(table(recorded_file("simple", "metadata.csv")))
    ours = table(post(recorded.url, token("simple"), content="metadata", format="csv").content)
    by_name = {row["field_name"]: row for row in ours}
    assert list(ours[0]) == list(theirs[0]) == list(COLUMNS)
    assert by_name.keys() - {row["field_name"] for row in theirs} == {"interpreter_needed"}
    changed = {"field_type", "select_choices_or_calculations"}
    for row in theirs:
        ignored = changed if row["field_name"] == "age" else set()
        assert {name: cell for name, cell in by_name[row["field_name"]].items() if name not in ignored} == {
            name: cell for name, cell in row.items() if name not in ignored
        }


#: Recorded exports that a server would not take back: uploaded files, values from before a validation, another writer.
NOT_IMPORTABLE = {
    "arm-single-longitudinal",
    "blank-for-gray-status",
    "longitudinal",
    "potentially-problematic-values",
    "russian",
    "simple",
    "vignette-repeating",
}


@pytest.mark.parametrize("name", [name for name in PROJECTS if name not in NOT_IMPORTABLE])
def test_a_recorded_export_imports_into_the_empty_project(name: str) -> None:
    """Groups, instances and checkboxes as recorded; what was calculated from the rest comes out as recorded, too."""
    source = replace(project_from_xml(RECORDED / name / "project.xml"), rows=(), record_groups={})
    body = recorded_file(name, "data.csv").decode()
    theirs = table(body.encode())
    with serving({token(name): source}, rights={token(name): LOADER}) as running:
        answer = post(running.url, token(name), content="record", format="csv", data=body)
        assert (answer.status_code, answer.text) == (200, str(len({next(iter(row.values())) for row in theirs})))
        ours = table(
            post(
                running.url,
                token(name),
                content="record",
                format="csv",
                exportDataAccessGroups=name in WITH_GROUPS,
                exportSurveyFields=name in WITH_SURVEY_FIELDS,
            ).content
        )
    for reason, columns in NOT_TAKEN_OVER.get(name, {}).items():
        assert reason
        for row in (*theirs, *ours):
            row.update({column: "" for column in columns if column in row})
    if name == "arm-multiple-delete":
        theirs = _in_export_order(theirs)
    if name == "multilevel-model-1":
        theirs = _with_cell("slope_factor_1", str.strip)(theirs)
    assert ours == theirs


#: Recorded project -> reason -> columns that an import does not take over.
NOT_TAKEN_OVER: dict[str, dict[str, tuple[str, ...]]] = {
    "survey": {
        "timestamps cannot be imported": (
            "prescreening_survey_timestamp",
            "participant_info_survey_timestamp",
            "participant_morale_questionnaire_timestamp",
        ),
    },
    "validation-types-1": {"calculated on import, had not been when recorded": ("f_calculated",)},
}


def export(name: str, recorded: RunningSandbox) -> bytes:
    if name in DOWNLOADED:
        answer = post(recorded.url, token(name), content="report", format="csv", report_id=str(REPORT))
    elif name == WITH_DOCUMENT:
        habits = ServerHabits(file_value="document")
        with serving({token(name): source_of(name)}, settings=ServerSettings(habits=habits)) as older:
            answer = post(older.url, token(name), content="record", format="csv")
    else:
        flags = {"exportDataAccessGroups": name in WITH_GROUPS, "exportSurveyFields": name in WITH_SURVEY_FIELDS}
        answer = post(recorded.url, token(name), content="record", format="csv", **flags)
    assert answer.status_code == 200
    return answer.content


def table(body: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def choices(text: str) -> list[str]:
    """Choices without the blanks around their separators, which the XML does not keep."""
    return [part.strip() for part in text.split("|")]


def token(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest().upper()
