"""Builds of the whole project at whose result the tests here look: a registry with every planted case, and a spoilt one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import duckdb
import pytest
from dbt_warehouse import Build, RawRegistry, RawSite, run_dbt, write_raw
from spoilt_registry import build_spoilt

from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The whole project, unit tests and data tests included."""
    folder = tmp_path_factory.mktemp("dbt")
    source = generate(SyntheticPlan())
    sites = [RawSite(s.site_id, s.data_access_group, s.record_prefix, s.time_zone) for s in source.sites]
    cut = source.truth.plan.data_cut
    moment = datetime.combine(cut, datetime.min.time()) + timedelta(days=1, hours=5)
    registry = RawRegistry(source.project.rows, sites, source.project.record_groups, cut, moment)
    warehouse = folder / "warehouse.duckdb"
    write_raw(warehouse, registry)
    done = run_dbt(warehouse, folder, "build")
    return Build(source, registry, warehouse, folder, done.returncode == 0, done.stdout[-4000:])


@pytest.fixture(scope="session")
def tables(build: Build) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built warehouse, read only."""
    with duckdb.connect(str(build.warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the spoilt registry, read only."""
    with duckdb.connect(str(build_spoilt(tmp_path_factory.mktemp("spoilt"))), read_only=True) as connection:
        yield connection
