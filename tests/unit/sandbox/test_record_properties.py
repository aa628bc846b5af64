"""Properties of records over the API: what is imported comes out again in every way, and exports agree with each other.

Cases are made by Hypothesis; ``BLIN_PROOF=full`` makes many more.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proof import proof_count
from visit_sample import BASE, OTHER, PROJECT, RIGHTS, VISIT, request

from blin_pipeline.sandbox.calculation import calculations
from blin_pipeline.sandbox.contents.payload import rows_of
from blin_pipeline.sandbox.odm.reading import read_project_xml
from blin_pipeline.sandbox.odm.writing import OdmContents, project_xml
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.record_store import natural_order
from blin_pipeline.sandbox.records.export import export_table
from blin_pipeline.sandbox.records.importing import ImportOptions, import_records
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.structure import RowKey
from blin_pipeline.sandbox.synthetic import SyntheticRegistry

pytestmark = pytest.mark.slow

EMPTY = replace(PROJECT, rows=(), record_groups={})
REGISTRY = RecordQuery(groups=True, survey_fields=True, blank_gray_status=True)
KEYS = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
CASES = settings(
    max_examples=proof_count(25, 1500), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
Row = Mapping[str, str]
Table = list[dict[str, str]]

TEXT = st.text(
    st.one_of(
        st.sampled_from("\r\n\t ,;\"'<>&|^\\"), st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))
    ),
    max_size=12,
)
NAMES = st.one_of(st.integers(1, 30).map(str), st.from_regex(r"[A-Za-z0-9]{1,4}(-[0-9]{1,2})?", fullmatch=True))
DATES = st.dates().map(lambda day: f"{day:%Y-%m-%d}" if day.year >= 1000 else "2000-01-01")
OPTION = st.sampled_from(["0", "1"])
STATUS = st.sampled_from(["0", "1", "2"])
NUMBER = st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,3})?", fullmatch=True)
PERSON: dict[str, st.SearchStrategy[str]] = {
    "born": st.one_of(DATES, st.just("UNK")),
    "seen_at": st.tuples(DATES, st.times()).map(lambda pair: f"{pair[0]} {pair[1]:%H:%M}"),
    "height": NUMBER,
    "weight": st.from_regex(r"[0-9]{1,3},[0-9]", fullmatch=True),
    "sex": st.sampled_from(["1", "2", "UNK"]),
    "signs___1": OPTION,
    "signs____98": OPTION,
    "signs___a": OPTION,
    "signs___unk": OPTION,
    "note": TEXT,
    "person_complete": STATUS,
}
CHECK = {"score": st.integers(-99, 99).map(str), "check_complete": STATUS}
MEDICINE = {"drug": TEXT, "dose": st.from_regex(r"[0-9]{1,2}\.[0-9]{2}", fullmatch=True), "medicine_complete": STATUS}


def _some(fields: Mapping[str, st.SearchStrategy[str]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional=dict(fields))


PLACES = st.one_of(
    st.tuples(st.sampled_from([BASE, OTHER]), st.just(""), st.just(""), _some(PERSON)),
    st.tuples(st.just(VISIT), st.just(""), st.integers(1, 4).map(str), _some(CHECK)),
    st.tuples(st.just(BASE), st.just("medicine"), st.integers(1, 4).map(str), _some(MEDICINE)),
)
#: One import: record and place -> values; every place once, so that later rows do not overwrite earlier ones.
IMPORTS = st.dictionaries(
    NAMES, st.lists(PLACES, min_size=1, max_size=5, unique_by=lambda place: place[:3]), min_size=1, max_size=5
)
Import = dict[str, list[tuple[str, str, str, dict[str, str]]]]


def rows_sent(data: Import) -> Table:
    return [
        {**dict(zip(KEYS, (name, event, instrument, instance), strict=True)), **values}
        for name, places in data.items()
        for event, instrument, instance, values in places
    ]


def exported(project: ProjectState, query: RecordQuery | None = None) -> Table:
    table = export_table(project, RIGHTS, query or RecordQuery(blank_gray_status=True))
    return [dict(zip(table.columns, map(str, row), strict=True)) for row in table.rows]


def key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in KEYS)


def loaded(data: Import) -> ProjectState:
    project = ProjectState(EMPTY)
    import_records(project, RIGHTS, rows_sent(data), ImportOptions())
    return project


def expected_rows(data: Import) -> dict[tuple[str, ...], dict[str, str]]:
    """Key -> values sent. An instance of an instrument without any value is no row; its record exists all the same."""
    sent = {
        key(row): {name: value for name, value in row.items() if name not in KEYS and value} for row in rows_sent(data)
    }
    empty = {place for place, values in sent.items() if place[2] and not values}
    first = {name: (name, *places[0][:3]) for name, places in data.items()}
    born_empty = {(place[0], place[1], "", "") for place in empty if first[place[0]] == place}
    return {place: sent.get(place, {}) for place in (sent.keys() - empty) | born_empty}


@CASES
@given(IMPORTS)
def test_every_cell_that_was_sent_comes_out_and_nothing_else(data: Import) -> None:
    rows = exported(loaded(data))
    calculated = {item.field.field_name for item in calculations(EMPTY.dictionary)}
    sent = expected_rows(data)
    assert {key(row) for row in rows} == set(sent)
    assert len(rows) == len(sent)
    for row in rows:
        shown = {name: cell for name, cell in row.items() if name not in KEYS and cell and name not in calculated}
        given_values = sent[key(row)]
        extra = {name: cell for name, cell in shown.items() if name not in given_values}
        assert {name: shown.get(name) for name in given_values} == given_values
        assert set(extra.values()) <= {"0"}  # unticked options, and the status of a form that got its first value
        assert all("___" in name or name.endswith("_complete") for name in extra)


def _as_json(rows: Table) -> dict[str, str]:
    return {"format": "json", "data": json.dumps(rows)}


def _as_csv(rows: Table) -> dict[str, str]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", delimiter=";", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return {"format": "csv", "csvDelimiter": ";", "data": text.getvalue()}


def _as_xml(rows: Table) -> dict[str, str]:
    breaks = {"\r": "&#13;", "\n": "&#10;"}
    items = "".join(
        "<item>" + "".join(f"<{name}>{escape(cell, breaks)}</{name}>" for name, cell in row.items()) + "</item>"
        for row in rows
    )
    return {"format": "xml", "data": f"<records>{items}</records>"}


@CASES
@given(IMPORTS, st.sampled_from([_as_json, _as_csv, _as_xml]))
def test_every_format_stores_the_same(data: Import, written: Callable[[Table], dict[str, str]]) -> None:
    project = ProjectState(EMPTY)
    rows = rows_of(request(content="record", **written(rows_sent(data))))
    import_records(project, RIGHTS, rows, ImportOptions())
    assert project.records == loaded(data).records


@CASES
@given(IMPORTS)
def test_an_export_imported_again_changes_nothing_and_leaves_no_line(data: Import) -> None:
    project = loaded(data)
    lines, before = len(project.log), exported(project)
    for overwrites in (False, True):
        import_records(project, RIGHTS, before, ImportOptions(overwrites=overwrites))
        assert exported(project) == before
    assert len(project.log) == lines


@CASES
@given(IMPORTS)
def test_an_export_makes_the_same_project_elsewhere(data: Import) -> None:
    """Calculations over several events depend on what is saved last, and are left out."""
    rows = exported(loaded(data))
    copy = ProjectState(EMPTY)
    import_records(copy, RIGHTS, rows, ImportOptions())
    assert [{**row, "score_sum": ""} for row in exported(copy)] == [{**row, "score_sum": ""} for row in rows]


@CASES
@given(IMPORTS)
def test_a_project_survives_its_own_xml(data: Import) -> None:
    project = loaded(data)
    body = project_xml(project, RIGHTS, OdmContents(), version="15.5.2")
    copy = ProjectState(read_project_xml(body, project_id=project.project_id))
    has_item = {
        name
        for name, record in project.records.items()
        if any(_leaves_an_item(at, row) for at, row in record.rows.items())
    }
    assert [row for row in exported(copy) if row["record_id"] in has_item] == [
        row for row in exported(project) if row["record_id"] in has_item and _leaves_an_item(_place(row), _values(row))
    ]


def _leaves_an_item(at: RowKey, values: Row) -> bool:
    """Rows of events without the record id's form, and of repeating instruments, are in the document by their values alone."""
    return (at.event in {BASE, OTHER} and not at.instance) or bool(values)


def _place(row: Row) -> RowKey:
    return RowKey(row[KEYS[1]], row[KEYS[2]], int(row[KEYS[3]] or 0))


def _values(row: Row) -> Row:
    return {name: cell for name, cell in row.items() if name not in KEYS and cell}


FIELDS = [
    "record_id",
    "born",
    "signs",
    "note",
    "person_complete",
    "score",
    "score_sum",
    "drug",
    "words",
    "medicine_complete",
]
QUERIES = st.builds(
    RecordQuery,
    fields=st.lists(st.sampled_from(FIELDS), unique=True).map(
        lambda names: ("record_id", *[n for n in names if n != "record_id"])
    ),
    forms=st.lists(st.sampled_from(["person", "check", "medicine"]), unique=True).map(tuple),
    events=st.lists(st.sampled_from([BASE, VISIT, OTHER]), unique=True).map(tuple),
    records=st.lists(st.integers(1, 30).map(str), max_size=3).map(tuple),
    groups=st.booleans(),
    blank_gray_status=st.just(value=True),
)


@CASES
@given(IMPORTS, QUERIES)
def test_every_export_is_a_part_of_the_whole_one(data: Import, query: RecordQuery) -> None:
    project = loaded(data)
    whole = {key(row): row for row in exported(project, RecordQuery(blank_gray_status=True, groups=True))}
    part = exported(project, query)
    everything = export_table(project, RIGHTS, RecordQuery(groups=True)).columns
    columns = export_table(project, RIGHTS, query).columns
    assert columns == [name for name in everything if name in set(columns)]
    assert len({key(row) for row in part}) == len(part)
    assert [row["record_id"] for row in part] == sorted((row["record_id"] for row in part), key=natural_order)
    for row in part:
        assert {name: whole[key(row)][name] for name in row} == row
        assert not query.events or row["redcap_event_name"] in query.events
        assert not query.records or row["record_id"] in query.records
    shown = {key(row) for row in part}
    for place, row in whole.items():
        asked = (not query.events or row["redcap_event_name"] in query.events) and (
            not query.records or row["record_id"] in query.records
        )
        if asked and not place[2]:
            assert place in shown  # a row that is no instance of an instrument comes with the record id


@CASES
@given(IMPORTS)
def test_eav_holds_the_filled_cells_of_the_flat_export(data: Import) -> None:
    project = loaded(data)
    codes = {"signs___1": "1", "signs____98": "-98", "signs___a": "A", "signs___unk": "UNK"}
    flat = {
        (*key(row), "signs" if name in codes else name, codes.get(name, cell))
        for row in exported(project)
        for name, cell in row.items()
        if cell and name not in KEYS and (name not in codes or cell == "1")
    }
    eav = [tuple(row.values()) for row in exported(project, RecordQuery(kind="eav"))]
    assert len(set(eav)) == len(eav)
    assert {row for row in eav if row[-2] != "record_id"} == flat
    assert {row[0] for row in eav if row[-2] == "record_id"} == {row[-1] for row in eav if row[-2] == "record_id"}


def test_the_synthetic_registry_imports_but_for_its_planted_faults(
    demo_registry: SyntheticRegistry, proof: Callable[[str], None]
) -> None:
    """Exported, cleared of what the server refuses, imported into the empty project: the same export again."""
    whole = export_table(ProjectState(demo_registry.project), RIGHTS, REGISTRY)
    rows = [dict(zip(whole.columns, map(str, row), strict=True)) for row in whole.rows]
    empty = ProjectState(replace(demo_registry.project, rows=(), record_groups={}))
    with pytest.raises(ApiError) as caught:
        import_records(empty, RIGHTS, rows, ImportOptions())
    refused = {tuple(line) for line in csv.reader(io.StringIO(caught.value.message))}
    assert empty.records == {}
    faulty = {(record, field, value) for record, field, value, _ in refused}
    for row in rows:
        for name, value in row.items():
            if (row["record_id"], name, value) in faulty:
                row[name] = ""
    import_records(empty, RIGHTS, rows, ImportOptions())
    assert exported(empty, REGISTRY) == rows
    proof(f"synthetic registry imported: {len(rows)} rows, {len(refused)} planted faults refused")
    assert len(refused) >= 5


def test_the_synthetic_registry_survives_its_own_xml(demo_registry: SyntheticRegistry) -> None:
    project = ProjectState(demo_registry.project)
    body = project_xml(project, RIGHTS, OdmContents(REGISTRY), version="15.5.2")
    copy = ProjectState(read_project_xml(body, project_id=project.project_id))
    assert export_table(copy, RIGHTS, REGISTRY) == export_table(project, RIGHTS, REGISTRY)
