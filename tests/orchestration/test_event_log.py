"""The event log kept open: what Dagster's own storage reads afterwards is what happened, also after a sudden end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from blin_pipeline.orchestration.event_log import OpenEventLog, open_instance

pytestmark = pytest.mark.slow

RUN_AND_DIE = """
import os, sys
from pathlib import Path
import dagster as dg
from blin_pipeline.orchestration.event_log import open_instance

@dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="first")])
def first():
    yield dg.MaterializeResult(metadata={"n": 7}, check_results=[dg.AssetCheckResult(check_name="whole", passed=True)])

@dg.asset(deps=[first])
def second():
    os._exit(9)

instance = open_instance(Path(sys.argv[1]))
dg.materialize([first, second], instance=instance)
"""


@dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="counted")])
def counted():
    yield dg.MaterializeResult(metadata={"n": 7}, check_results=[dg.AssetCheckResult(check_name="whole", passed=True)])


def _events(instance: dg.DagsterInstance) -> list[tuple[str, str | None]]:
    (run,) = instance.get_runs()
    return [
        (entry.dagster_event.event_type_value, entry.step_key)
        for entry in instance.all_logs(run.run_id)
        if entry.dagster_event is not None
    ]


def _run(home: Path, instance: dg.DagsterInstance) -> list[tuple[str, str | None]]:
    with instance:
        assert dg.materialize([counted], instance=instance).success
    with dg.DagsterInstance.from_config(str(home)) as own:
        latest = own.get_latest_materialization_event(dg.AssetKey("counted"))
        assert latest is not None
        assert latest.asset_materialization is not None
        assert latest.asset_materialization.metadata["n"].value == 7
        return _events(own)


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("kept_open", "plain"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    return tmp_path / "kept_open", tmp_path / "plain"


def test_a_run_leaves_the_events_that_dagsters_own_storage_would(homes):
    kept_open, plain = homes
    found = _run(kept_open, open_instance(kept_open))
    assert found == _run(plain, dg.DagsterInstance.from_config(str(plain)))
    assert ("ASSET_CHECK_EVALUATION", "counted") in found
    with open_instance(kept_open) as instance:
        log = instance.event_log_storage
        assert isinstance(log, OpenEventLog)
        # What a later version of Dagster adds while the log is open is seen, also after it was asked for.
        assert not log.has_table("added_later")
        with log.index_connection() as connection:
            connection.exec_driver_sql("create table added_later (id integer)")
        assert log.has_table("added_later")


def test_nothing_that_happened_before_a_sudden_end_is_lost(homes):
    home, _ = homes
    ended = subprocess.run([sys.executable, "-c", RUN_AND_DIE, str(home)], capture_output=True, text=True)
    assert ended.returncode == 9, ended.stderr
    with dg.DagsterInstance.from_config(str(home)) as own:
        found = _events(own)
        checked = own.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("first"), "whole"), limit=1
        )
    assert found[-1] == ("STEP_START", "second")
    assert ("ASSET_MATERIALIZATION", "first") in found
    assert [record.status.value for record in checked] == ["SUCCEEDED"]


def test_a_storage_that_an_operator_chose_stays(homes):
    home, _ = homes
    chosen = {"storage": {"sqlite": {"base_dir": str(home / "elsewhere")}}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(chosen), encoding="utf-8")
    open_instance(home).dispose()
    assert (home / "elsewhere" / "history" / "runs" / "index.db").exists()
    legacy = {
        part: {"module": f"dagster._core.storage.{place}", "class": name, "config": {"base_dir": str(home / place)}}
        for part, place, name in (
            ("run_storage", "runs", "SqliteRunStorage"),
            ("event_log_storage", "event_log", "SqliteEventLogStorage"),
            ("schedule_storage", "schedules", "SqliteScheduleStorage"),
        )
    }
    (home / "dagster.yaml").write_text(yaml.safe_dump(legacy), encoding="utf-8")
    with open_instance(home) as instance:
        assert not isinstance(instance.event_log_storage, OpenEventLog)
