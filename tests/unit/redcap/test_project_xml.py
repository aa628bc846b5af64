"""A project XML as a source: the same rows as from the project's flat export, and a clear word where it is no such file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Fate
from blin_pipeline.redcap.project_xml import export_from_project_xml
from blin_pipeline.redcap.rows import read_form

KEYS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
Cell = tuple[str, ...]

XML = """<?xml version="1.0" encoding="UTF-8" ?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:redcap="https://projectredcap.org" CreationDateTime="2026-06-30T17:45:10"
 SourceSystemVersion="15.5.2">
<Study OID="Project.Sample"><GlobalVariables><StudyName>Synthetic sample</StudyName>
<redcap:MissingDataCodes>UNK, Unknown | NA, Not applicable</redcap:MissingDataCodes>
<redcap:RepeatingInstrumentsAndEvents><redcap:RepeatingInstruments>
<redcap:RepeatingInstrument redcap:UniqueEventName="event_1_arm_1" redcap:RepeatInstrument="course" redcap:CustomLabel=""/>
</redcap:RepeatingInstruments></redcap:RepeatingInstrumentsAndEvents></GlobalVariables>
<MetaDataVersion OID="Metadata" Name="Sample" redcap:RecordIdField="record_id">
<FormDef OID="Form.baseline" Name="Baseline" Repeating="No" redcap:FormName="baseline">
<ItemGroupRef ItemGroupOID="baseline.record_id"/></FormDef>
<FormDef OID="Form.course" Name="Course" Repeating="Yes" redcap:FormName="course">
<ItemGroupRef ItemGroupOID="course.drug"/></FormDef>
<ItemGroupDef OID="baseline.record_id"><ItemRef ItemOID="record_id"/><ItemRef ItemOID="remark"/><ItemRef ItemOID="seen"/>
<ItemRef ItemOID="race___1"/><ItemRef ItemOID="race___2"/></ItemGroupDef>
<ItemGroupDef OID="course.drug"><ItemRef ItemOID="drug"/></ItemGroupDef>
<ItemDef OID="record_id" redcap:Variable="record_id" redcap:FieldType="text">
<Question><TranslatedText>Id</TranslatedText></Question></ItemDef>
<ItemDef OID="remark" redcap:Variable="remark" redcap:FieldType="textarea"/>
<ItemDef OID="seen" redcap:Variable="seen" redcap:FieldType="text" redcap:TextValidationType="datetime_ymd"/>
<ItemDef OID="race___1" redcap:Variable="race" redcap:FieldType="checkbox"><CodeListRef CodeListOID="race___1.choices"/></ItemDef>
<ItemDef OID="race___2" redcap:Variable="race" redcap:FieldType="checkbox"><CodeListRef CodeListOID="race___2.choices"/></ItemDef>
<ItemDef OID="drug" redcap:Variable="drug" redcap:FieldType="text"/>
<CodeList OID="race___1.choices" redcap:CheckboxChoices="1, Asian | 2, Other"/>
<CodeList OID="race___2.choices" redcap:CheckboxChoices="1, Asian | 2, Other"/>
</MetaDataVersion></Study>
<ClinicalData>
<SubjectData SubjectKey="S1-9">
<FormData FormOID="Form.baseline" FormRepeatKey="1"><ItemGroupData>
<ItemData ItemOID="redcap_data_access_group" Value="site_1"/><ItemData ItemOID="record_id" Value="S1-9"/>
<ItemData ItemOID="remark" Value="two
lines, &quot;quoted&quot;"/><ItemData ItemOID="seen" Value="2026-01-31T08:05"/><ItemData ItemOID="race___2" Value="1"/>
<ItemData ItemOID="baseline_complete" Value="2"/></ItemGroupData></FormData>
<FormData FormOID="Form.course" FormRepeatKey="3"><ItemGroupData><ItemData ItemOID="drug" Value="NA"/></ItemGroupData></FormData>
</SubjectData>
<SubjectData SubjectKey="S1-10"/>
</ClinicalData></ODM>
"""


def _read(tmp_path: Path, content: str | bytes, *, allow_empty: bool = False) -> ProjectExport:
    source = tmp_path / "project.xml"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return export_from_project_xml(source, workspace, allow_empty=allow_empty, clock=lambda: datetime(2026, 7, 1, 6))


def _cells(export: ProjectExport) -> Iterator[Cell]:
    """(record, event, instrument, instance, column, value) of every landed cell that is not blank."""
    for file in export.forms:
        for row in read_form(file, export.setup):
            assert row.fate is not Fate.MISPLACED
            if row.fate is Fate.LANDED:
                yield from (
                    (*row.key, column, cell) for column, cell in zip(file.columns, row.cells, strict=True) if cell
                )


def test_set_up_and_rows_of_a_file(tmp_path: Path) -> None:
    export = _read(tmp_path, XML)

    assert export.source_kind == "project_xml"
    assert (export.redcap_version, export.exported_at) == ("15.5.2", "2026-06-30T17:45")
    assert export.setup.info.missing_codes == {"UNK": "Unknown", "NA": "Not applicable"}
    assert [entry.form_name for entry in export.setup.repeating] == ["course"]
    assert export.census.groups == {"S1-9": "site_1", "S1-10": ""}
    base, course = ("S1-9", "", "", ""), ("S1-9", "", "course", "3")
    assert Counter(_cells(export)) == Counter(
        [
            (*base, "remark", 'two\nlines, "quoted"'),
            (*base, "seen", "2026-01-31 08:05"),
            *((*base, column, value) for column, value in (("race___1", "0"), ("race___2", "1"))),
            *((*base, f"race___{code}", "0") for code in ("unk", "na")),
            (*base, "baseline_complete", "2"),
            (*course, "drug", "NA"),
        ]
    )


def test_the_same_file_lands_as_the_same_pull(tmp_path: Path) -> None:
    pulls = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pulls.append(land(_read(tmp_path / name, XML), tmp_path / "pulls").pull_id)
    assert pulls[0] == pulls[1]


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        (lambda text: text[:900], "E_PROJECT_XML", "well-formed"),
        (lambda text: "<!DOCTYPE x [<!ENTITY y 'z'>]>" + text.partition("?>")[2], "E_PROJECT_XML", "document type"),
        (lambda text: text.encode("latin-1").replace(b"two", b"\xe9"), "E_PROJECT_XML", "UTF-8"),
        (lambda text: "<ODM/>", "E_PROJECT_XML", "no ODM file"),
        (lambda text: text.replace('ItemOID="drug" Value', 'ItemOID="surprise" Value'), "E_PROJECT_XML", "'surprise'"),
        (lambda text: text.replace('FormRepeatKey="3"', 'FormRepeatKey="third"'), "E_PROJECT_XML", "repeat key"),
        (
            lambda text: text.replace('redcap:FieldType="textarea"', 'redcap:FieldType="magic"'),
            "E_METADATA",
            "field type",
        ),
    ],
)
def test_file_that_is_not_what_it_must_be(
    change: Callable[[str], str | bytes], code: str, names: str, tmp_path: Path
) -> None:
    with pytest.raises(BlinError) as caught:
        _read(tmp_path, change(XML))
    assert caught.value.code == code
    assert names in caught.value.what
    assert caught.value.exit_code == 3
    assert "quoted" not in str(caught.value)


_REMARK = '<ItemData ItemOID="baseline_complete" Value="2"/>'


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ('<ItemData ItemOID="remark" Value="another"/>', "'remark'"),
        ('<ItemData ItemOID="race___2" Value="0"/>', "'race___2'"),
        ('<ItemData ItemOID="redcap_data_access_group" Value="site_2"/>', "'redcap_data_access_group'"),
        ('<ItemData ItemOID="record_id" Value="S1-8"/>', "'record_id'"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(item: str, names: str, tmp_path: Path) -> None:
    with pytest.raises(BlinError) as caught:
        _read(tmp_path, XML.replace(_REMARK, _REMARK + item))
    assert (caught.value.code, names in caught.value.what) == ("E_PROJECT_XML", True)
    assert "another" not in str(caught.value)
    assert "site_2" not in str(caught.value)


def test_a_blank_item_takes_nothing_back(tmp_path: Path) -> None:
    blanks = "".join(
        f'<ItemData ItemOID="{name}" Value=""/>' for name in ("remark", "race___2", "redcap_data_access_group")
    )
    (tmp_path / "again").mkdir()
    expected = _read(tmp_path, XML)
    found = _read(tmp_path / "again", XML.replace(_REMARK, _REMARK + blanks))
    assert found.census.groups == expected.census.groups
    assert Counter(_cells(found)) == Counter(_cells(expected))


def test_an_instrument_twice_under_one_key(tmp_path: Path) -> None:
    course = XML[XML.index('<FormData FormOID="Form.course"') : XML.index("</SubjectData>")]
    with pytest.raises(BlinError) as caught:
        _read(tmp_path, XML.replace(course, course * 2))
    assert caught.value.code == "E_DUPLICATE_KEY"


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BlinError) as caught:
        export_from_project_xml(tmp_path / "nowhere.xml", tmp_path)
    assert caught.value.code == "E_FILE_MISSING"


#: Project -> columns left out on both sides, and why the two recordings differ there. Nothing else may differ.
KNOWN = {
    "multilevel-model-1": (
        {"slope_factor_1"},
        "data.csv is what was uploaded; the server trims the blank before a number",
    ),
    "russian": (
        {"", "recruitment_other"},
        "data.csv was written by R: row names, and escapes for what its encoding lacks",
    ),
    "simple": (
        {"sex", "mugshot", "interpreter_needed"},
        "truth values by a spreadsheet, an older word for a file, a later field",
    ),
    "survey": ({"prescreening_survey_timestamp"}, "time stamps are those of a later copy of the project"),
    "validation-types-1": ({"f_calculated"}, "the calculation was stored after data.csv had been written"),
}
#: A browser's export turns each line break inside a value into a blank: compared word by word.
DOWNLOADED = {"blank-for-gray-status", "checkboxes-1", "longitudinal"}
#: Records that were deleted in an arm before the XML was written.
DELETED = {("arm-multiple-delete", record, "event_1_arm_2") for record in ("102", "103", "105", "120")}


def _flat_cells(path: Path, record_id: str) -> Iterator[Cell]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            key = (row[record_id], *(row.get(name, "") for name in KEYS))
            yield from ((*key, column, value) for column, value in row.items() if value and column != record_id)


def _compared(project: str, cells: Iterator[Cell]) -> Counter[Cell]:
    """Cells that both recordings must have; a 0 proves nothing (an export has it for forms that nobody opened)."""
    left_out, _ = KNOWN.get(project, (set(), ""))
    blank = {"0", "NA"} if project == "russian" else {"0"}
    return Counter(
        (*cell[:-1], " ".join(cell[-1].split()) if project in DOWNLOADED else cell[-1])
        for cell in cells
        if cell[-1] not in blank
        and cell[-2] not in left_out
        and not cell[-2].startswith("redcap_")
        and (project, *cell[:2]) not in DELETED
    )


def test_every_recorded_project_gives_the_cells_of_its_flat_export(
    recorded: Path, tmp_path: Path, proof: Callable[[str], None]
) -> None:
    n_cells = 0
    differing: dict[str, list[Cell]] = {}
    projects = sorted(folder for folder in recorded.iterdir() if (folder / "project.xml").is_file())
    for folder in projects:
        (tmp_path / folder.name).mkdir()
        export = _read(tmp_path / folder.name, (folder / "project.xml").read_bytes(), allow_empty=True)
        expected = _compared(folder.name, _flat_cells(folder / "data.csv", export.setup.record_id_field))
        found = _compared(folder.name, _cells(export))
        n_cells += expected.total()
        if found != expected:
            differing[folder.name] = [*(expected - found), *(found - expected)]
    proof(f"project XML: {len(projects)} recorded projects, {n_cells} cells equal")
    assert differing == {}
    assert len(projects) == 22
