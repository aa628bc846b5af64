"""Project XML written and read: REDCap's own shape, every trap of its reading, and nothing lost on the way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from recorded_projects import PROJECTS, needs_recordings, recorded_file
from server_sample import OTHER_TOKEN, TOKEN, post
from server_sample import PROJECT as CLASSIC
from visit_sample import BASE, PROJECT, RIGHTS, VISIT

from blin_pipeline.errors import SourceError
from blin_pipeline.redcap.odm.safe_xml import parse_xml
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.odm.reading import project_from_xml, read_project_xml
from blin_pipeline.sandbox.odm.writing import OdmContents, project_xml
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.export import export_table
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, ExportRight, Role, TokenRights
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.sandbox.setup import StoredFile
from blin_pipeline.sandbox.structure import RowKey

EVERYTHING = OdmContents(RecordQuery(groups=True, survey_fields=True), with_files=True)
Facts = list[tuple[str, frozenset[tuple[str, str]], str]]


def written(project: ProjectState, contents: OdmContents = EVERYTHING, rights: TokenRights = RIGHTS) -> bytes:
    return project_xml(project, rights, contents, version="14.7.3")


def again(project: ProjectState) -> ProjectState:
    """The project written and read; with the number that the file cannot hold."""
    return ProjectState(read_project_xml(written(project), project_id=project.project_id))


def flat(element: Element | None) -> Facts:
    """Every element below one, in order: tag, attributes, text."""
    found = [] if element is None else [item for child in element for item in child.iter()]
    return [(item.tag, frozenset(item.attrib.items()), (item.text or "").strip()) for item in found]


def cells(root: Element) -> set[tuple[str, ...]]:
    """Every stored item: record, event, its repeat key, instrument, its repeat key, item, value."""
    return {
        (subject.get("SubjectKey", ""), *event, form.get("FormOID", ""), form.get("FormRepeatKey", ""), *_item(item))
        for subject in root.iterfind("ClinicalData/SubjectData")
        for event, forms in [
            (("", ""), subject.findall("FormData")),
            *(
                ((part.get("StudyEventOID", ""), part.get("StudyEventRepeatKey", "")), part.findall("FormData"))
                for part in subject.findall("StudyEventData")
            ),
        ]
        for form in forms
        for item in form.iterfind("ItemGroupData/*")
    }


def _item(item: Element) -> tuple[str, str]:
    return item.get("ItemOID", ""), item.get("Value") or item.get("redcap:DocName", "") + (item.text or "")


#: Recorded project -> change of the recorded metadata before they are compared, where the file cannot tell.
OTHER_SPACING: dict[str, Callable[[Facts], Facts]] = {
    "longitudinal": lambda facts: [
        (
            tag,
            frozenset(
                (name, value.replace(" | ", "|") if name == "redcap:CheckboxChoices" else value)
                for name, value in attributes
            ),
            text,
        )
        for tag, attributes, text in facts
    ]
}
#: Recorded without its records, and so without the Data Access Group as an item.
METADATA_ONLY = "single-column"


@needs_recordings
@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_written_is_what_redcap_wrote(name: str) -> None:
    """Metadata element by element, records value by value."""
    recorded = recorded_file(name, "project.xml")
    project = ProjectState(read_project_xml(recorded))
    contents = replace(EVERYTHING, with_data=name != METADATA_ONLY)
    contents = contents if contents.with_data else replace(contents, query=RecordQuery())
    ours, theirs = parse_xml(written(project, contents).decode()), parse_xml(recorded.decode())
    same_spacing = OTHER_SPACING.get(name, lambda facts: facts)
    assert flat(ours.find("Study/MetaDataVersion")) == same_spacing(flat(theirs.find("Study/MetaDataVersion")))
    assert cells(ours) == cells(theirs)
    assert (ours.find("ClinicalData") is None) == (theirs.find("ClinicalData") is None)


@needs_recordings
@pytest.mark.parametrize("name", PROJECTS)
def test_recorded_projects_survive_the_way_round(name: str) -> None:
    assert_same(ProjectState(read_project_xml(recorded_file(name, "project.xml"))))


@pytest.mark.parametrize("source", [PROJECT, CLASSIC], ids=["longitudinal", "classic"])
def test_projects_survive_the_way_round(source: SourceProject) -> None:
    report = Report(
        1, 'A "title" & more', ("record_id",), "R-1", order_by=(("record_id", "DESC"),), filter_events=(BASE,)
    )
    role = Role(
        "U-1",
        "Reader",
        1,
        replace(EVERY_PRIVILEGE, form_export_rights=dict.fromkeys(source.dictionary.forms, ExportRight.FULL)),
    )
    project = ProjectState(replace(source, reports=(report,), roles=(role,)))
    number = project.keep_file(StoredFile("scan <1>.pdf", b"\x00\xff%PDF", "application/pdf"))
    record, form = ("1", "person") if source is PROJECT else ("10", "baseline")
    field = "note" if source is PROJECT else "remark"
    values = {"scan": str(number), field: "line 1\r\n\r\n\tline \"2\" <b>'&amp;' \u00a0é"}
    project.save(record, form, None, values, event=BASE if source is PROJECT else "")
    if source is PROJECT:
        moment = {"seen_at": "2024-02-01 09:05", "born": "UNK"}
        project.save("1", "person", None, moment, event=BASE)
        project.records["1"].rows[RowKey("base_arm_2")] = {}
        assert b'<ItemData ItemOID="seen_at" Value="2024-02-01T09:05"/>' in written(project)
    assert_same(project)
    found = again(project)
    assert [role.label for role in found.roles.values()] == ["Reader"]
    assert found.roles["U-1"].privileges.api_import == 1
    assert list(found.reports.values()) == [report]
    assert [(item.name, item.content, item.media_type) for item in found.files.values() if item.content] == [
        ("scan <1>.pdf", b"\x00\xff%PDF", "application/pdf")
    ]


def assert_same(project: ProjectState) -> None:
    found = again(project)
    for kind in ("flat", "eav"):
        query = RecordQuery(groups=True, survey_fields=True, blank_gray_status=True, kind=kind)
        ours, theirs = export_table(found, RIGHTS, query), export_table(project, RIGHTS, query)
        assert ours.columns == theirs.columns
        if kind == "flat":
            assert ours == theirs
        else:  # stored in the order of the document now, and documents numbered anew
            assert without_documents(found, ours.rows) == without_documents(project, theirs.rows)
    assert found.dictionary == project.dictionary
    assert (found.arms, found.event_forms, set(found.active_repeats)) == (
        project.arms,
        project.event_forms,
        set(project.active_repeats),
    )
    assert [item._replace(event_id=0) for item in found.events] == [
        item._replace(event_id=0) for item in project.events
    ]
    assert [(group.label, group.unique_name) for group in found.groups] == [
        (group.label, group.unique_name) for group in project.groups
    ]
    assert (found.title, found.missing_data_codes, found.surveys) == (
        project.title,
        project.missing_data_codes,
        project.surveys,
    )


def without_documents(project: ProjectState, rows: list[list[Cell]]) -> list[str]:
    return sorted(str(row) for row in rows if row[-2] not in project.upload_fields)


def test_line_breaks_stand_raw_in_attributes_and_are_read_as_such() -> None:
    project = ProjectState(PROJECT)
    project.save("1", "person", None, {"note": "a\r\nb"}, event=BASE)
    body = written(project)
    assert b'ItemOID="note" Value="a\r\nb"' in body
    assert again(project).records["1"].rows[RowKey(BASE)]["note"] == "a\r\nb"


def test_repeating_events_and_instruments_have_their_keys() -> None:
    body = written(ProjectState(PROJECT)).decode()
    assert (
        "\t<redcap:RepeatingInstrumentsAndEvents>\n\t\t<redcap:RepeatingInstruments>\n"
        '\t\t\t<redcap:RepeatingInstrument redcap:UniqueEventName="base_arm_1" redcap:RepeatInstrument="medicine" '
        'redcap:CustomLabel=""/>\n\t\t</redcap:RepeatingInstruments>\n'
        '\t\t<redcap:RepeatingEvent redcap:UniqueEventName="visit_arm_1"/>\n\t</redcap:RepeatingInstrumentsAndEvents>\n'
    ) in body
    root = parse_xml(body)
    keys = [
        (
            event.get("redcap:UniqueEventName"),
            event.get("StudyEventRepeatKey"),
            form.get("FormOID"),
            form.get("FormRepeatKey"),
        )
        for event in root.iterfind("ClinicalData/SubjectData[@SubjectKey='1']/StudyEventData")
        for form in event.iterfind("FormData")
    ]
    assert keys == [
        (BASE, "1", "Form.person", "1"),
        (BASE, "1", "Form.medicine", "2"),
        (VISIT, "1", "Form.check", "1"),
        (VISIT, "2", "Form.check", "1"),
    ]


def test_an_event_that_comes_twice_and_an_old_mark_of_repeating_are_read() -> None:
    body = written(ProjectState(PROJECT)).decode().replace('Repeating="Yes"', 'Repeating="No"')
    split = body.replace(
        '\t\t\t<FormData FormOID="Form.medicine"',
        f'\t\t</StudyEventData>\n\t\t<StudyEventData StudyEventOID="Event.{BASE}" StudyEventRepeatKey="1">\n'
        '\t\t\t<FormData FormOID="Form.medicine"',
    )
    assert split != body
    assert ProjectState(read_project_xml(split.encode())).records == ProjectState(PROJECT).records


def test_rights_hide_in_the_document_what_they_hide_in_exports() -> None:
    rights = replace(RIGHTS, export_right=ExportRight.DEIDENTIFIED, data_access_group="site_a")
    project = ProjectState(PROJECT)
    project.save("1", "person", None, {"note": "private"}, event=BASE)
    body = written(project, rights=rights)
    assert b'SubjectKey="1"' in body
    assert b'SubjectKey="2"' not in body
    assert b"private" not in body
    assert b'<ItemData ItemOID="sex"' in body


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda body: b"\xff" + body, "byte 0 is not UTF-8"),
        (lambda body: body[:-20], "not well-formed XML at line"),
        (
            lambda body: body.replace(b"<ODM ", b'<!DOCTYPE ODM [<!ENTITY x "y">]><ODM ', 1),
            "a document type is not accepted",
        ),
        (lambda _: b"<ODM/>", "no ODM file with a study and its metadata"),
        (
            lambda body: body.replace(b'ItemData ItemOID="sex"', b'ItemData ItemOID="nix"'),
            "it holds data of 'nix' in 'person'",
        ),
        (
            lambda body: body.replace(b'FormData FormOID="Form.check"', b'FormData FormOID="Form.nix"'),
            "the instrument 'nix'",
        ),
        (lambda body: body.replace(b'FormRepeatKey="2"', b'FormRepeatKey="0"'), "a repeat key is no number from 1"),
        (lambda body: body.replace(b'CreationDateTime="', b'CreationDateTime="x'), "its creation time"),
    ],
)
def test_a_document_that_is_none_is_refused_by_name(change: Callable[[bytes], bytes], problem: str) -> None:
    body = written(ProjectState(PROJECT))
    with pytest.raises(SourceError, match=problem) as caught:
        read_project_xml(change(body), source="visits.xml")
    assert caught.value.code == "E_PROJECT_XML"
    assert "visits.xml cannot be read as a project" in caught.value.what


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the file cannot be read"):
        project_from_xml(tmp_path / "nix.xml")


def test_over_http_every_part_is_asked_for() -> None:
    with serving({TOKEN: PROJECT, OTHER_TOKEN: CLASSIC}, rights={TOKEN: RIGHTS}) as running:
        project = running.project(TOKEN)
        project.save("1", "person", None, {"scan": str(project.keep_file(StoredFile("a.txt", b"text")))}, event=BASE)
        plain, metadata = (
            post(running.url, content="project_xml", returnMetadataOnly=flag).content for flag in ("false", "true")
        )
        full = post(running.url, content="project_xml", exportFiles="true", exportDataAccessGroups="true").content
        some = post(
            running.url, content="project_xml", **{"records[0]": "3", "fields[0]": "sex", "events[0]": "base_arm_2"}
        ).content
        records = post(running.url, content="record", format="odm").content
        filtered = post(running.url, content="project_xml", filterLogic="[sex] = '1'").content
        survey = post(running.url, OTHER_TOKEN, content="project_xml", exportSurveyFields="true").content
        bad = post(running.url, content="project_xml", filterLogic="[sex")
    assert cells(parse_xml(plain.decode())) == cells(parse_xml(records.decode())) != set()
    assert (b"<ClinicalData" in metadata, b"<ItemDef " in metadata) == (False, True)
    assert (b"Base64Binary" in plain, b'ItemOID="redcap_data_access_group" Value' in plain) == (False, False)
    assert (b"dGV4dA==" in full, b'ItemOID="redcap_data_access_group" Value="site_a"' in full) == (True, True)
    assert {item[:2] + item[-2:] for item in cells(parse_xml(some.decode()))} == {
        ("3", "Event.base_arm_2", "record_id", "3"),
        ("3", "Event.base_arm_2", "sex", "1"),
    }
    assert {item[0] for item in cells(parse_xml(filtered.decode()))} == {"1", "3"}
    assert b'ItemOID="feedback_timestamp" Value="2026-03-04 05:06:07"' in survey
    assert bad.status_code == 400
