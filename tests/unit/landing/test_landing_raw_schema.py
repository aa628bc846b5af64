"""The raw schema shows one pull, resolves every column of the study, and says what the source lacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from landing_sample import FIELDS, HEADER, ROWS, landed

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.raw_schema import present, write_crosswalk
from blin_pipeline.landing.reading import source_shape
from blin_pipeline.registry.dictionary import Dictionary, Field, load_dictionary
from blin_pipeline.registry.field_map import FieldMap
from blin_pipeline.registry.sites import DataCut, Site
from blin_pipeline.registry.source_plan import plan_source

SITES = (
    Site(site_id="S01", data_access_group="site_1", time_zone="America/Chicago", activated=date(2024, 3, 1)),
    Site(site_id="S02", data_access_group="site_2", record_prefix="B-", complete_ascertainment=True),
)
CUT = DataCut.end_of(date(2026, 6, 30))
#: What the study knows: one form as landed but with a field and a checkbox option more, one form that nobody has.
STUDY = Dictionary(
    fields=(
        Field(field_name="record_id", form_name="course", field_type="text"),
        Field(field_name="drug", form_name="course", field_type="text"),
        Field(field_name="route", form_name="course", field_type="text"),
        Field(field_name="hint", form_name="course", field_type="descriptive"),
        Field(
            field_name="tick", form_name="outcome", field_type="checkbox", select_choices_or_calculations="1, A | 2, B"
        ),
    )
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "restricted" / "warehouse.duckdb")


def _present(
    pull: Pull,
    warehouse: Warehouse,
    study: Dictionary = STUDY,
    answers: Sequence[tuple[str, str, str, str]] = (),
) -> None:
    missing = plan_source(FieldMap(), study, {"course"}, source_shape(pull)).not_collected
    present(
        pull,
        warehouse,
        sites=SITES,
        data_cut=CUT,
        code_version="0.1.0",
        registry_dictionary=study,
        not_collected=missing,
        query_answers=answers,
    )


def _rows(warehouse: Warehouse, query: str) -> list[tuple[object, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_landed_instrument_is_shown_as_text_with_its_pull(pull: Pull, warehouse: Warehouse) -> None:
    _present(pull, warehouse)
    rows = _rows(
        warehouse, "select record_id, redcap_repeat_instance, drug, dose, pull_id from raw.course order by all"
    )
    assert rows == [
        ("10", "10", "NA", "", pull.pull_id),
        ("10", "2", "vincristine", "1.70", pull.pull_id),
        ("9", "1", "asparaginase", "2", pull.pull_id),
    ]
    types = _rows(warehouse, "select distinct data_type from information_schema.columns where table_name = 'course'")
    assert types == [("VARCHAR",)]


def test_what_the_source_lacks_resolves_and_is_listed(pull: Pull, warehouse: Warehouse) -> None:
    _present(pull, warehouse)
    assert _rows(warehouse, "select distinct route from raw.course") == [("",)]
    assert _rows(warehouse, "select record_id, tick___1, tick___2, outcome_complete, pull_id from raw.outcome") == []
    assert _rows(warehouse, "select * from raw.not_collected order by all") == [
        ("course", "route"),
        ("outcome", "tick"),
    ]


def test_answers_to_queries_are_those_of_this_refresh(pull: Pull, warehouse: Warehouse) -> None:
    answers = [("b", "e", "ANSWERED", "NOT_DONE"), ("a", "e", "ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE")]
    _present(pull, warehouse, answers=answers)
    shown = "select query_key, evidence_sha256, answer_cd, note_cd from raw.query_answer"
    assert _rows(warehouse, shown) == sorted(answers)
    _present(pull, warehouse)
    assert _rows(warehouse, shown) == []


def test_facts_of_the_pull(pull: Pull, warehouse: Warehouse) -> None:
    _present(pull, warehouse)
    dictionary = pull.manifest.dictionary_sha256
    assert _rows(warehouse, "from raw.pull") == [
        (
            *(pull.pull_id, "", "files", None, datetime(2026, 7, 1, 6), date(2026, 6, 30), datetime(2026, 7, 1)),
            *(3, dictionary, "0.1.0"),
        )
    ]
    assert _rows(warehouse, "from raw.record order by all") == [("10", "site_1"), ("11", "site_2"), ("9", "site_1")]
    assert _rows(warehouse, "from raw.form_event order by all") == [("baseline", False, ""), ("course", True, "")]
    assert _rows(warehouse, "select field_name, position from raw.dictionary order by position")[-1] == ("dose", 6)
    assert _rows(warehouse, "from raw.form_status order by all") == [
        ("10", "", "baseline", "", "2"),
        ("10", "", "course", "10", "1"),
        ("10", "", "course", "2", "2"),
        ("11", "", "baseline", "", ""),
        ("9", "", "baseline", "", "0"),
        ("9", "", "course", "1", "2"),
    ]
    assert _rows(warehouse, "from raw.site order by site_id") == [
        ("S01", "site_1", "", "America/Chicago", date(2024, 3, 1), None),
        ("S02", "site_2", "B-", None, None, True),
    ]


def test_next_pull_replaces_everything_but_the_crosswalk(pull: Pull, pulls_dir: Path, warehouse: Warehouse) -> None:
    _present(pull, warehouse)
    write_crosswalk(warehouse, [("9", "b" * 32, "S01"), ("10", "a" * 32, "S01")])
    header = [name for name in HEADER if name not in {"drug", "dose", "course_complete"}]
    rows = [row[: len(header)] for row in ROWS if not row[1]]
    following = landed(pulls_dir, rows, header)
    _present(following, warehouse)

    assert _rows(warehouse, "select pull_id from raw.pull") == [(following.pull_id,)]
    assert _rows(warehouse, "select count(*) from raw.course") == [(0,)]
    assert _rows(warehouse, "from raw.patient_crosswalk order by all") == [
        ("10", "a" * 32, "S01"),
        ("9", "b" * 32, "S01"),
    ]


def test_the_whole_shipped_dictionary_resolves(pull: Pull, warehouse: Warehouse) -> None:
    study = load_dictionary()
    _present(pull, warehouse, study)
    for form in study.forms:
        found = {name for (name,) in _rows(warehouse, f"select column_name from (describe raw.{form})")}
        wanted = {*study.export_columns(form)} - {study.record_id_field}
        assert wanted | {"record_id", "redcap_repeat_instance", "pull_id"} <= found


def test_failed_present_leaves_the_former_pull(pull: Pull, pulls_dir: Path, warehouse: Warehouse) -> None:
    _present(pull, warehouse)
    other = landed(pulls_dir, ROWS[:1])
    broken = other.setup_path("quarantine")
    broken.chmod(0o600)
    broken.write_bytes(b"no parquet")
    with pytest.raises(BlinError):
        _present(other, warehouse)
    assert _rows(warehouse, "select pull_id from raw.pull") == [(pull.pull_id,)]
    assert _rows(warehouse, "select count(*) from raw.course") == [(3,)]


@pytest.mark.parametrize("name", ["pull", "record", "patient_crosswalk"])
def test_instrument_that_bears_the_name_of_a_table(name: str, pulls_dir: Path, warehouse: Warehouse) -> None:
    fields = [*FIELDS, ("x", name, "text", "")]
    pull = landed(pulls_dir, [("1", "y")], ["record_id", "x"], fields=fields)
    with pytest.raises(BlinError) as caught:
        _present(pull, warehouse)
    assert caught.value.code == "E_FORM_NAME_RESERVED"


@pytest.mark.parametrize("rows", [[("1", "a", "S01"), ("1", "b", "S01")], [("1", "a", "S01"), ("2", "a", "S01")]])
def test_crosswalk_takes_each_record_and_key_once(rows: list[tuple[str, str, str]], warehouse: Warehouse) -> None:
    write_crosswalk(warehouse, [("1", "k", "S01")])
    with pytest.raises(BlinError):
        write_crosswalk(warehouse, rows)
    assert _rows(warehouse, "from raw.patient_crosswalk") == [("1", "k", "S01")]
