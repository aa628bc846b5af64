"""The build as a whole: faults that a site can fix never fail it, no row is lost, nothing depends on order, clock or locale."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from dbt_warehouse import Build, RawRegistry, patient_key, run_dbt, write_raw

from blin_pipeline.registry.dictionary import load_dictionary

pytestmark = pytest.mark.slow

#: Form -> table and column that hold the instance numbers of the rows in use.
IN_USE = {
    "treatment_course": ("marts.regimen_course", "instance_no"),
    "response": ("marts.response_assessment", "instance_no"),
    "blin_cycle": ("marts.blin_cycle_exposure", "cycle_instance_no"),
    "mrd": ("intermediate.int_mrd__classified", "instance_no"),
    "blin_segment": ("intermediate.int_infusion__segment", "instance_no"),
}


def test_a_registry_full_of_faults_builds(build: Build) -> None:
    assert build.succeeded, build.output
    faults = {case.check_id for _, case in build.source.truth.planted() if case.check_id}
    assert len(faults) >= 15, "the registry has too few faults to show anything"


def test_landed_rows_are_in_use_or_in_quarantine(build: Build, tables: duckdb.DuckDBPyConnection) -> None:
    removed = _removed(build)
    for form, (table, instance) in IN_USE.items():
        landed = Counter(
            (patient_key(row.record_id), row.instance)
            for row in build.registry.rows
            if row.form == form and row.record_id not in removed
        )
        found = Counter(tables.execute(f"select patient_key, {instance} from {table}").fetchall())
        refused = tables.execute("select patient_key, instance_no from quality.quarantine where form = ?", [form])
        found.update(refused.fetchall())
        assert landed, form
        assert found == landed, form


def test_every_row_set_aside_has_a_reason_and_occurs(tables: duckdb.DuckDBPyConnection) -> None:
    reasons = {row[0] for row in tables.execute("select distinct reason_cd from quality.quarantine").fetchall()}
    assert None not in reasons
    assert {"INF_NEGATIVE_OR_ZERO", "INF_NO_CYCLE"} <= reasons


def test_fingerprint_of_every_row_set_aside(build: Build, tables: duckdb.DuckDBPyConnection) -> None:
    dictionary = load_dictionary()
    wanted = {}
    for row in build.registry.rows:
        filled = [(name, row.values.get(name, "").strip()) for name in dictionary.export_columns(row.form)]
        named = [(name.replace(f"{row.form}_complete", "form_status_cd"), value) for name, value in filled]
        text = "".join(f"{name}={len(value)}:{value};" for name, value in named if value and name != "record_id")
        digest = hashlib.sha256(text.encode()).hexdigest()
        wanted[row.form, patient_key(row.record_id), row.instance or 1] = digest
    rows = tables.execute("select form, patient_key, instance_no, raw_row_sha256 from quality.quarantine").fetchall()
    assert len({form for form, *_ in rows}) >= 3
    assert {tuple(key): digest for *key, digest in rows} == {tuple(key): wanted[tuple(key)] for *key, _ in rows}


def test_withdrawal_of_all_data_leaves_no_row_but_a_count(build: Build, tables: duckdb.DuckDBPyConnection) -> None:
    removed = {patient_key(record_id) for record_id in _removed(build)}
    assert removed
    holders = tables.execute(
        "select table_schema, table_name from information_schema.columns "
        "where column_name = 'patient_key' and table_schema in ('intermediate', 'marts', 'quality', 'operations')"
    ).fetchall()
    assert len(holders) > 30
    for schema, name in holders:
        keys = {row[0] for row in tables.execute(f"select distinct patient_key from {schema}.{name}").fetchall()}
        assert not keys & removed, f"{schema}.{name}"
    query = "select n_evaluated, n_violating, status_cd from quality.check_result where check_id = 'WITHDRAWN_SCOPE_2'"
    assert tables.execute(query).fetchall() == [(len(removed), 0, "PASSED")]


def test_every_other_record_has_one_row(build: Build, tables: duckdb.DuckDBPyConnection) -> None:
    records = {row.record_id for row in build.registry.rows} - _removed(build)
    found = [row[0] for row in tables.execute("select patient_key from marts.subject").fetchall()]
    assert sorted(found) == sorted(patient_key(record_id) for record_id in records)


def test_planted_faults_are_found(build: Build, tables: duckdb.DuckDBPyConnection) -> None:
    found = {
        (key, check[:3])
        for key, check in tables.execute("select distinct patient_key, check_id from quality.data_query").fetchall()
    }
    removed = _removed(build)
    for record_id, case in build.source.truth.planted():
        if case.check_id and record_id not in removed:
            assert (patient_key(record_id), case.check_id[:3]) in found, (record_id, case.name)


def test_queries_hold_no_value(build: Build, tables: duckdb.DuckDBPyConnection) -> None:
    columns = [row[0] for row in tables.execute("describe quality.data_query").fetchall()]
    texts = {
        text
        for column in ("finding_text", "expected_text")
        for (text,) in tables.execute(f"select distinct {column} from quality.data_query").fetchall()
    }
    assert not [column for column in columns if "value" in column]
    stored = {cell for row in build.registry.rows for cell in row.values.values() if len(cell) > 3}
    assert not {word for text in texts for word in text.split()} & stored


def test_row_order_time_zone_and_locale_change_nothing(build: Build, tmp_path: Path) -> None:
    rows = list(build.registry.rows)
    random.Random(11).shuffle(rows)
    again = tmp_path / build.warehouse.name
    source = build.registry
    write_raw(again, RawRegistry(rows, tuple(reversed(source.sites)), source.record_groups, source.cut, source.cut_utc))
    place = {"TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}
    done = run_dbt(again, tmp_path, "build", "--resource-type", "model", "--resource-type", "seed", environment=place)
    assert done.returncode == 0, done.stdout[-4000:]
    assert _content(again) == _content(build.warehouse)


def _removed(build: Build) -> set[str]:
    """Records whose withdrawal covers all data, read from the rows themselves."""
    return {
        row.record_id
        for row in build.registry.rows
        if row.form == "registration"
        and row.values.get("consent_status") == "6"
        and row.values.get("withdraw_scope") == "2"
    }


def _content(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('marts', 'quality', 'operations')"
        ).fetchall()
        return {
            name: sorted(connection.execute(f"select * from {name}").fetchall(), key=repr) for (name,) in sorted(names)
        }
