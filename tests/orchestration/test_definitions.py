"""What Dagster serves: every asset labelled, one process per refresh, one writer, and never a row in what Dagster keeps."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType
from homes import with_parsed_project

from blin_pipeline.errors import DataError, SourceError
from blin_pipeline.orchestration.automation import failure_sensor
from blin_pipeline.orchestration.build import build_defs
from blin_pipeline.orchestration.refresh import prepare_instance
from blin_pipeline.orchestration.tables import dbt_environment
from blin_pipeline.orchestration.workspace import Workspace, handled, refresh_lock, workspace_resource
from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.settings import load_settings

pytestmark = pytest.mark.slow

GROUPS = {"raw", "staging", "intermediate", "marts", "quality", "operations", "outcomes", "release", "report"}
ZONE = "Europe/Berlin"
CANARY = "CANARY7Q born 1971-03-02"
#: What metadata may be: counts, hashes, names, paths. No Markdown, no table, no JSON: those could show rows.
PLAIN = (
    dg.BoolMetadataValue,
    dg.FloatMetadataValue,
    dg.IntMetadataValue,
    dg.PathMetadataValue,
    dg.TextMetadataValue,
)


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The definitions of a home folder in which nothing has run."""
    return build_defs(load_settings(with_parsed_project(tmp_path_factory.mktemp("home")), time_zone=ZONE))


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return list(defs.resolve_all_asset_specs())


@pytest.fixture(scope="module")
def steps(defs: dg.Definitions) -> dict[str, dg.AssetsDefinition]:
    """Everything that runs (assets and checks), by the name of its step."""
    found = defs.resolve_asset_graph().assets_defs
    return {definition.op.name: definition for definition in found if definition.is_executable}


@pytest.fixture
def settings(tmp_path: Path):
    return load_settings(tmp_path / "home")


def test_the_definitions_load(defs):
    dg.Definitions.validate_loadable(defs)


def test_groups_are_the_layers_and_keys_say_them(specs):
    assert {spec.group_name for spec in specs} == GROUPS
    keys = {spec.key: spec.group_name for spec in specs if spec.key != dg.AssetKey("redcap_project")}
    assert {key: key.path[0] for key in keys} == keys


@pytest.mark.parametrize(
    ("label", "is_there"),
    [
        ("owner", lambda spec: bool(spec.owners)),
        ("kind", lambda spec: bool(spec.kinds)),
        ("grain", lambda spec: "Grain: " in (spec.description or "")),
        ("phi tag", lambda spec: spec.tags.get("phi") in {"true", "false"}),
        ("plain metadata", lambda spec: not any(type(v).__name__.startswith(("Mark", "Json")) for v in spec.metadata)),
    ],
)
def test_every_asset_has_its(specs, label, is_there):
    assert [spec.key.to_user_string() for spec in specs if not is_there(spec)] == [], label


def test_one_asset_per_instrument_model_and_outcome(specs, steps, repository):
    keys = {key.to_user_string() for step in steps.values() for key in step.keys}
    forms = {f"raw/{form}" for form in load_dictionary().forms}
    assert len(forms) == 16
    assert forms <= keys
    assert {key for key in keys if key.startswith("outcomes/")} == {f"outcomes/{outcome.name}" for outcome in OUTCOMES}
    project = repository / "dbt_project"
    written = [*(project / "models").rglob("*.sql"), *(project / "seeds").glob("*.csv")]
    assert {spec.key.path[-1] for spec in specs if "dbt" in spec.kinds} == {path.stem for path in written}


def test_every_instrument_leads_to_the_release(defs):
    before = dg.AssetSelection.assets(["release", "current"]).upstream().resolve(defs.resolve_asset_graph())
    assert {dg.AssetKey(["raw", form]) for form in load_dictionary().forms} <= before
    assert {dg.AssetKey(["outcomes", outcome.name]) for outcome in OUTCOMES} <= before


def test_whatever_opens_duckdb_waits_for_its_turn(steps):
    assert {name: step.op.pool for name, step in steps.items()} == dict.fromkeys(steps, "warehouse")
    assert {"tables", "identities", "registry_checks"} <= steps.keys()


def test_only_the_pull_is_tried_again(steps):
    policies = {name: step.op.retry_policy for name, step in steps.items() if step.op.retry_policy}
    assert policies.keys() == {"pull"}
    assert policies["pull"].max_retries == 3
    assert policies["pull"].backoff == dg.Backoff.EXPONENTIAL


@pytest.mark.parametrize(
    ("error", "on_schedule", "again"),
    [
        (SourceError("E_TIMEOUT", "no answer", fix="Wait."), True, True),
        (SourceError("E_TIMEOUT", "no answer", fix="Wait."), False, False),
        (DataError("E_TABLES", "not built", fix="Look."), True, False),
    ],
)
def test_a_retry_needs_a_schedule_and_a_fault_of_the_source(settings, error, on_schedule, again):
    with pytest.raises(dg.Failure) as caught, handled(Workspace(settings), retry=on_schedule):
        raise error
    assert caught.value.allow_retries is again


def test_refresh_is_everything_in_one_process(defs, steps):
    job = defs.resolve_job_def("refresh")
    assert job.executor_def is dg.in_process_executor
    assert {node.name for node in job.nodes} == steps.keys()
    assert defs.executor is dg.in_process_executor


def test_the_schedule_keeps_the_registrys_time(defs):
    schedule = defs.resolve_schedule_def("nightly_refresh")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("15 5 * * *", ZONE)
    assert schedule.job_name == "refresh"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_what_is_pulled_has_a_freshness_policy(specs):
    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
    pulled = {"raw/project_setup", *(f"raw/{form}" for form in load_dictionary().forms)}
    # Nothing behind the pull: it is not made again when nothing changed.
    assert {spec.key.to_user_string() for spec in specs if spec.freshness_policy} == pulled
    assert {spec.freshness_policy for spec in specs if spec.freshness_policy} == {policy}


@dg.asset(required_resource_keys={"workspace"}, pool="warehouse")
def harmless() -> None:
    """Takes its turn."""


@dg.asset(required_resource_keys={"workspace"}, pool="warehouse")
def spoilt(context) -> None:
    """Fails as a library would: with a value in the message."""
    with handled(context.resources.workspace):
        raise ValueError(CANARY)


def _run(asset: dg.AssetsDefinition, settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    resources = {"workspace": workspace_resource(settings, [])}
    return dg.materialize([asset], resources=resources, instance=instance, raise_on_error=False)


def test_a_failed_run_is_noted_in_one_line_without_a_value(settings):
    home = prepare_instance(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        failed = _run(spoilt, settings, instance)
        assert not failed.success
        context = dg.build_run_status_sensor_context(
            sensor_name="note_failed_run",
            dagster_instance=instance,
            dagster_run=failed.dagster_run,
            dagster_event=failed.get_run_failure_event(),
        ).for_run_failure()
        failure_sensor(settings)(context)
    text = (settings.ledger_dir / "failed_runs.jsonl").read_text(encoding="utf-8")
    assert text.count("\n") == 1
    line = json.loads(text)
    assert line.keys() == {"at_utc", "run_id", "job", "steps"}
    assert line["run_id"] == failed.run_id
    assert line["steps"] == [{"step": "spoilt", "code": "E_INTERNAL"}]
    kept = b"".join(path.read_bytes() for path in settings.restricted.rglob("*") if path.is_file())
    assert b"E_INTERNAL" in kept
    assert b"CANARY7Q" not in kept


@pytest.fixture
def instance(settings):
    """The home's instance, in which a run started, took the warehouse's turn, and was killed."""
    with dg.DagsterInstance.from_config(str(prepare_instance(settings))) as opened:
        storage = opened.event_log_storage
        job = dg.Definitions(assets=[harmless], resources={"workspace": workspace_resource(settings, [])})
        run = opened.create_run_for_job(job.resolve_implicit_global_asset_job_def(), status=dg.DagsterRunStatus.STARTED)
        storage.initialize_concurrency_limit_to_default("warehouse")
        storage.claim_concurrency_slot("warehouse", run.run_id, "tables")
        assert storage.get_concurrency_run_ids() == {run.run_id}
        yield opened


@pytest.mark.timeout(120)
def test_a_killed_run_holds_neither_the_queue_nor_the_warehouse(settings, instance):
    (killed,) = instance.get_runs()
    assert _run(harmless, settings, instance).success
    assert instance.get_run_by_id(killed.run_id).status == dg.DagsterRunStatus.FAILURE
    assert instance.event_log_storage.get_concurrency_run_ids() == set()


def test_a_run_that_lives_is_left_alone(settings, instance):
    (other,) = instance.get_runs()
    with refresh_lock(settings):
        refused = _run(harmless, settings, instance)
    assert not refused.success
    assert instance.get_run_by_id(other.run_id).status == dg.DagsterRunStatus.STARTED
    assert instance.event_log_storage.get_concurrency_run_ids() == {other.run_id}


def test_a_run_that_hangs_is_closed_in_the_end(settings):
    with dg.DagsterInstance.from_config(str(prepare_instance(settings))) as instance:
        assert instance.run_monitoring_enabled
        assert 0 < instance.run_monitoring_max_runtime_seconds <= 6 * 3600
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled


def test_dbt_is_given_no_secret(settings, monkeypatch):
    settings.prepare_home()
    monkeypatch.setenv("BLIN_REDCAP_TOKEN", "A" * 32)
    monkeypatch.setenv("BLIN_POSTGRES_PASSWORD", "B" * 32)
    assert not {"A" * 32, "B" * 32} & set(dbt_environment(settings).values())


@pytest.mark.slow
def test_a_whole_run_leaves_counts_and_names_but_no_rows(demo_home, demo_registry, tmp_path):
    kept = demo_home.copy(tmp_path / "home").path / "restricted" / "dagster"
    with dg.DagsterInstance.from_config(str(kept)) as instance:
        events = [entry.dagster_event for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    kinds = {
        DagsterEventType.ASSET_MATERIALIZATION: lambda event: event.step_materialization_data.materialization.metadata,
        DagsterEventType.ASSET_CHECK_EVALUATION: lambda event: event.asset_check_evaluation_data.metadata,
        DagsterEventType.ASSET_OBSERVATION: lambda event: event.asset_observation_data.asset_observation.metadata,
    }
    noted = [kinds[event.event_type](event) for event in events if event is not None and event.event_type in kinds]
    assert len(noted) > 200
    values = [value for metadata in noted for value in metadata.values()]
    assert {type(value).__name__ for value in values if not isinstance(value, PLAIN)} == set()
    texts = [str(value.value) for value in values if isinstance(value, dg.TextMetadataValue)]
    assert max(len(text) for text in texts) < 300, "a text that long is no count and no name"
    records = {row.record_id for row in demo_registry.project.rows}
    assert not [text for text in texts if any(record in text for record in records)]


def test_dbt_is_started_once_and_asked_for_nothing_else(defs, tmp_path):
    started = tmp_path / "started"
    dbt = tmp_path / "dbt"
    dbt.write_text(f'#!/bin/sh\necho "$@" >> {started}\n', encoding="ascii")
    dbt.chmod(0o700)
    resource = defs.resources["dbt"].model_copy(update={"dbt_executable": str(dbt)})
    invocation = resource.cli(["parse"], target_path=tmp_path / "target")
    invocation.wait()
    assert invocation.adapter is None
    assert [line.split()[-1] for line in started.read_text().splitlines()] == ["parse"]
