"""The candidate: which columns, values and patients are in it, and that it is the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up_registry import CONTEXT, POLICY, Home, Patient, fill_warehouse, some_patients

from blin_pipeline.errors import BlinError, DataError, LockedError, ReleaseError
from blin_pipeline.landing.database import Warehouse, connect_file, in_memory
from blin_pipeline.registry.deid import Policy
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.release.build import build_candidate
from blin_pipeline.release.candidate import open_candidate
from blin_pipeline.release.content import content_hash
from blin_pipeline.release.transforms import pool_years

pytestmark = pytest.mark.slow

Row = dict[str, object]


def subjects(home: Home, patients: list[Patient]) -> dict[str, Row]:
    """Released subject rows by the record id that only this test knows."""
    candidate = home.build(patients)
    with connect_file(candidate.database) as connection:
        cursor = connection.execute("select * from marts.subject")
        names = [column[0] for column in cursor.description]
        rows = {str(row[0]): dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    return {patient.record_id: rows[patient.key] for patient in patients if patient.key in rows}


def test_only_columns_with_a_policy_row_come_along(home: Home) -> None:
    candidate = home.build()
    with connect_file(candidate.database) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where schema_name <> 'meta' "
            "and database_name = current_database() and not internal"
        ).fetchall()
    released = {
        (*table.split("."), row.released_name)
        for table, rows in home.policy.tables.items()
        for row in rows.columns
        if row.transform.name != "drop"
    }
    assert set(columns) == released
    assert {(held.table, held.column) for held in candidate.facts.held} == {
        ("marts.subject", "eligibility_status_cd"),
        ("marts.time_to_event", "start_date"),
    }


def test_new_column_and_new_table_are_held_and_named(home: Home) -> None:
    warehouse = home.fill()
    with warehouse.connect(read_only=False) as connection:
        connection.execute("alter table marts.subject add column mother_name varchar")
        connection.execute("create table marts.extra as select 1 as a")
        connection.execute("create schema store_failures; create table store_failures.rows_of_a_test as select 1 as a")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)
    held = {(column.table, column.column, column.reason) for column in candidate.facts.held}
    assert ("marts.subject", "mother_name", "column_not_in_policy") in held
    assert ("marts.extra", "", "column_not_in_policy") in held
    with connect_file(candidate.database) as connection:
        tables = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
        names = connection.execute("select column_name from duckdb_columns() where table_name = 'subject'").fetchall()
    assert {schema for (schema,) in tables} == {"marts", "report", "meta"}
    assert ("mother_name",) not in names


def test_policy_row_without_a_column_stops_the_build(home: Home, make_policy: Callable[[str], Policy]) -> None:
    gone = POLICY.replace("{column: sex_cd,", "{column: gender_cd,")
    for text, place in ((gone, "gender_cd"), (POLICY.replace("marts.time_to_event", "marts.tte"), "marts.tte")):
        home.policy = make_policy(text)
        with pytest.raises(ReleaseError, match="E_POLICY_COLUMN_MISSING") as caught:
            home.build()
        assert place in caught.value.what
        assert list((home.releases / ".building").iterdir()) == []


def test_column_whose_type_changed_is_held(home: Home) -> None:
    warehouse = home.fill()
    with warehouse.connect(read_only=False) as connection:
        connection.execute("alter table marts.subject alter column followup_days type varchar")
        connection.execute("alter table marts.subject alter column weight_kg type date using dx_date")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)
    held = {column.column for column in candidate.facts.held if column.reason == "type_changed"}
    assert held == {"followup_days", "weight_kg"}


def test_column_whose_source_changed_in_redcap_is_held(home: Home, dictionary: Dictionary) -> None:
    changed = [
        field.model_copy(update={"select_choices_or_calculations": field.select_choices_or_calculations + " | 4, New"})
        if field.field_name == "sex"
        else field
        for field in dictionary.fields
    ]
    home.dictionary = Dictionary(fields=tuple(changed))
    candidate = home.build()
    assert ("sex_cd", "policy_stale") in {(held.column, held.reason) for held in candidate.facts.held}
    assert ("policy_stale", "demographics.sex") in {
        (finding.code, finding.where) for finding in candidate.facts.findings
    }


def test_transforms(home: Home) -> None:
    patients = [
        *some_patients(30),
        Patient("X-1", dx=date(2024, 2, 28), death=date(2024, 3, 1), age=93.4, weight=72.4, miles=25.0),
        Patient("X-2", dx=date(2024, 5, 1), death=date(2024, 4, 30), age=89.9, weight=72.6, miles=24.9),
        Patient("X-3", dx=None, death=date(2024, 4, 30), miles=300.0),
    ]
    rows = subjects(home, patients)
    assert [rows[name]["death_day"] for name in ("X-1", "X-2", "X-3")] == [2, -1, None]
    assert [rows[name]["age_dx_years"] for name in ("X-1", "X-2")] == [90.0, 89.9]
    assert [rows[name]["weight_kg"] for name in ("X-1", "X-2")] == [70.0, 75.0]
    assert [rows[name]["travel_band"] for name in ("X-1", "X-2", "X-3")] == ["25-<50", "<25", ">=100"]
    assert {row["dx_year"] for row in rows.values()} == {"2024", None}
    assert rows["X-3"]["dx_year"] is None


def test_value_that_ends_at_the_cut_is_emptied(home: Home) -> None:
    patients = [
        *some_patients(12),
        Patient("X-1", dx=date(2024, 3, 1), frontline_end=date(2026, 6, 30), frontline_end_reason="CUT"),
        Patient("X-2", dx=date(2024, 3, 1), frontline_end=date(2024, 9, 1), frontline_end_reason="RELAPSE"),
    ]
    rows = subjects(home, patients)
    assert rows["X-1"]["frontline_end_day"] is None
    assert rows["X-2"]["frontline_end_day"] == 184


def test_values_that_end_at_the_cut_too_often_are_a_finding(home: Home, make_policy: Callable[[str], Policy]) -> None:
    assert [finding for finding in home.build().facts.findings if finding.code == "ends_at_data_cut"] == []
    home.policy = make_policy(POLICY.replace(", null_when: {frontline_end_reason_cd: [CUT]}", ""))
    found = [finding for finding in home.build().facts.findings if finding.code == "ends_at_data_cut"]
    assert [(finding.where, finding.n) for finding in found] == [("marts.subject.frontline_end_day", 30)]


def test_value_outside_its_code_set_becomes_null_and_is_counted(home: Home) -> None:
    patients = [*some_patients(12), Patient("X-1", sex="Jane Doe"), Patient("X-2", sex="555-1234")]
    warehouse = home.fill(patients)
    with warehouse.connect(read_only=False) as connection:
        connection.execute("update marts.subject set site_id = 'Milwaukee' where patient_key = ?", [patients[0].key])
        connection.execute("update marts.subject set age_dx_years = 'nan' where patient_key = ?", [patients[1].key])
        connection.execute("update report.result set value = 'inf'")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)
    with connect_file(candidate.database) as connection:
        sexes = connection.execute("select distinct sex_cd from marts.subject order by 1").fetchall()
        sites = connection.execute("select distinct site_id from marts.subject order by 1").fetchall()
    assert sexes == [("F",), (None,)]
    assert sites == [("S01",), (None,)]
    refused = {finding.where: finding.n for finding in candidate.facts.findings if finding.code == "value_not_allowed"}
    assert refused == {"marts.subject.sex_cd": 2, "marts.subject.site_id": 1, "report.result.value": 1}


def test_patients_without_a_right_to_be_there_are_left_out_of_every_table(home: Home) -> None:
    out = [
        Patient("OUT-HELD-6", consent="6", status="HELD"),
        Patient("OUT-DECLINED", consent="5"),
        Patient("OUT-PENDING", consent="4"),
        Patient("OUT-PENDING-2", consent="4", status="PENDING"),
        Patient("OUT-NOTHING", consent=None),
        Patient("OUT-ALIVE-3", consent="3", ascertainment="RETRO_ALIVE", status="PENDING"),
        Patient("OUT-NEW-CODE", consent="7"),
    ]
    kept = [
        Patient("IN-SIGNED", consent="2"),
        Patient("IN-WITHDREW", consent="6", status="ELIGIBLE"),
        Patient("IN-DECEASED", consent="3", ascertainment="RETRO_DECEASED", status="PENDING"),
        Patient("IN-DECEASED-2", consent="3", ascertainment="UNKNOWN", status="ELIGIBLE"),
        Patient("IN-INELIGIBLE", status="INELIGIBLE"),
    ]
    patients = [*some_patients(12), *kept, *out]
    candidate = home.build(patients)
    with connect_file(candidate.database) as connection:
        released = {key for (key,) in connection.execute("select patient_key from marts.subject").fetchall()}
        events = {key for (key,) in connection.execute("select patient_key from marts.time_to_event").fetchall()}
    assert released == events == {patient.key for patient in patients if not patient.record_id.startswith("OUT")}
    assert candidate.facts.left_out == {
        "held": 1,
        "consent_declined": 1,
        "consent_pending": 2,
        "consent_not_documented": 3,
    }
    assert candidate.facts.subjects_released == 17


def test_record_that_dbt_already_removed_is_still_counted(home: Home) -> None:
    warehouse = home.fill()
    with warehouse.connect(read_only=False) as connection:
        connection.execute("insert into raw.record values ('GONE-1', 'site_a_group')")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)
    assert candidate.facts.left_out == {"not_in_subject_table": 1}


@pytest.mark.parametrize(
    "change",
    [
        "insert into marts.subject select * from marts.subject limit 1",
        "update marts.subject set patient_key = null where dx_date = (select min(dx_date) from marts.subject)",
    ],
)
def test_subject_table_must_have_one_row_per_key(home: Home, change: str) -> None:
    warehouse = home.fill()
    with warehouse.connect(read_only=False) as connection:
        connection.execute(change)
    with pytest.raises(DataError, match="E_SUBJECT_KEY"):
        build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT)


def test_same_data_same_hash_same_parquet_bytes_whatever_the_order(home: Home, tmp_path: Path) -> None:
    def bytes_of(patients: list[Patient], folder: str) -> tuple[str, dict[str, bytes]]:
        warehouse = fill_warehouse(tmp_path / folder / "warehouse.duckdb", patients)
        candidate = build_candidate(warehouse, tmp_path / folder / "releases", home.policy, home.dictionary, CONTEXT)
        files = {path.name: path.read_bytes() for path in sorted((candidate.path / "parquet").iterdir())}
        return candidate.facts.content_sha256, files

    patients = some_patients(40)
    first = bytes_of(patients, "a")
    assert bytes_of(patients[::-1], "b") == first
    changed = bytes_of([replace(patients[0], followup=patients[0].followup + 1), *patients[1:]], "c")
    assert changed[0] != first[0]
    assert changed[1]["subject.parquet"] != first[1]["subject.parquet"]


def test_content_hash_does_not_depend_on_the_order_of_rows_but_on_every_row(tmp_path: Path) -> None:
    with in_memory() as connection:
        hashes = []
        for rows in ("(1, 'a'), (2, null), (2, '')", "(2, ''), (2, null), (1, 'a')", "(1, 'a'), (2, ''), (2, '')"):
            connection.execute(f"create or replace table t as select * from (values {rows}) as v(n, a)")
            hashes.append(content_hash(connection, "t"))
    assert hashes[0] == hashes[1] != hashes[2]


def test_blank_and_null_and_renamed_columns_give_other_hashes(
    home: Home, make_policy: Callable[[str], Policy], tmp_path: Path
) -> None:
    hashes = []
    for number, change in enumerate(
        ("select 1", "update report.result set n = null", "update report.result set n = 0")
    ):
        warehouse = fill_warehouse(tmp_path / str(number) / "w.duckdb", some_patients())
        with warehouse.connect(read_only=False) as connection:
            connection.execute(change)
        hashes.append(
            build_candidate(warehouse, home.releases, home.policy, home.dictionary, CONTEXT).facts.content_sha256
        )
    renamed = make_policy(POLICY.replace("emit: death_day", "emit: day_of_death"))
    hashes.append(build_candidate(home.fill(), home.releases, renamed, home.dictionary, CONTEXT).facts.content_sha256)
    assert len(set(hashes)) == 4


def test_database_is_of_the_oldest_stable_format_and_says_what_it_holds(home: Home) -> None:
    candidate = home.build()
    with connect_file(candidate.database) as connection:
        tags = connection.execute("select tags from duckdb_databases() where not internal").fetchall()
        comments = connection.execute("select comment from duckdb_tables()").fetchall()
        labels = dict(
            connection.execute(
                "select column_name, comment from duckdb_columns() where table_name = 'subject'"
            ).fetchall()
        )
        meta = dict(connection.execute("select key, value from meta.release").fetchall())
        counted = connection.execute("select table_name, row_count from meta.table order by 1").fetchall()
        described = connection.execute("select count(*) from meta.column").fetchone()
        cut = connection.execute("select cut_id, data_cut_month from meta.data_cut").fetchall()
    assert all(dict(tag[0]).get("storage_version", "v1.0.0").startswith("v1.0.0") for tag in tags)
    assert all(comment.startswith("SYNTHETIC DATA") for (comment,) in comments)
    assert labels["age_dx_years"] == "Age at diagnosis, years. Highest ages pooled: 90 means 90 or more."
    expected = {"study", "synthetic", "data_cut_month", "cut_id", "code_version", "profile", "pull_id", "source_kind"}
    assert expected | {"parameters_hash", "policy_hash"} <= meta.keys()
    assert (meta["synthetic"], meta["data_cut_month"]) == ("true", "2026-06")
    assert counted == [("marts.subject", 30), ("marts.time_to_event", 30), ("report.result", 1)]
    assert described == (sum(len(table.columns) for table in candidate.facts.tables),)
    assert cut == [("cut_2026_06", "2026-06")]


def test_every_result_finds_what_it_was_made_with_by_its_cut(home: Home) -> None:
    with connect_file(home.build().database) as connection:
        found = connection.execute(
            "select code_version, parameters_hash, field_map_hash, dictionary_hash, profile, counts_suppressed, count(*) "
            "from report.result inner join meta.data_cut using (cut_id) group by all"
        ).fetchall()
        results = connection.execute("select count(*) from report.result").fetchone()
    assert results == (1,)
    assert found == [("0.1.0+test", "p" * 64, "f" * 64, "d" * 64, "test", "false", 1)]


def test_parquet_opens_in_another_library_and_says_synthetic(home: Home) -> None:
    candidate = home.build()
    table = pq.read_table(candidate.path / "parquet" / "subject.parquet")
    assert table.num_rows == 30
    assert "patient_key" in table.column_names
    marks = pq.read_metadata(candidate.path / "parquet" / "subject.parquet").metadata
    assert marks[b"synthetic"] == b"true"


def test_full_date_of_the_cut_stands_nowhere_in_the_candidate(home: Home) -> None:
    candidate = home.build()
    for path in candidate.path.rglob("*"):
        if path.is_file() and path.name != "candidate.json":
            assert b"2026-06-30" not in path.read_bytes(), path.name


def test_candidate_can_be_picked_up_by_the_next_step(home: Home) -> None:
    candidate = home.build()
    assert open_candidate(candidate.path) == candidate
    with pytest.raises(ReleaseError, match="E_RELEASE_BUILD"):
        open_candidate(candidate.path / "parquet")


def test_what_an_interrupted_build_left_is_cleared_by_the_next(home: Home) -> None:
    first = home.build()
    (first.path / "analytic.duckdb.wal").write_bytes(b"half")
    second = home.build()
    assert [path.name for path in (home.releases / ".building").iterdir()] == [second.path.name]
    assert (home.releases / ".building").stat().st_mode & 0o777 == 0o700


def test_no_warehouse_is_one_clear_error(home: Home, tmp_path: Path) -> None:
    with pytest.raises(LockedError, match="E_WAREHOUSE_LOCKED") as caught:
        build_candidate(Warehouse(tmp_path / "none.duckdb"), home.releases, home.policy, home.dictionary, CONTEXT)
    assert isinstance(caught.value, BlinError)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("counts", "labels"),
    [
        ({2023: 4, 2024: 90, 2025: 60}, {2023: "2023-2024", 2024: "2023-2024", 2025: "2025"}),
        ({2024: 90, 2025: 60, 2026: 3}, {2024: "2024", 2025: "2025-2026", 2026: "2025-2026"}),
        ({2023: 3, 2024: 3, 2026: 3}, {2023: "2023-2026", 2024: "2023-2026", 2026: "2023-2026"}),
        ({2024: 11}, {2024: "2024"}),
        ({}, {}),
    ],
)
def test_years_with_few_patients_are_pooled(counts: dict[int, int], labels: dict[int, str]) -> None:
    assert pool_years(counts, 11) == labels


def test_days_from_diagnosis_do_not_depend_on_the_date_itself(home: Home) -> None:
    shift = timedelta(days=61)
    patients = some_patients(12)
    moved = [replace(p, dx=p.dx and p.dx + shift, death=p.death and p.death + shift) for p in patients]
    assert [row["death_day"] for row in subjects(home, patients).values()] == [
        row["death_day"] for row in subjects(home, moved).values()
    ]
