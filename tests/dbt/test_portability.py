"""The SQL of every model, as it ran on DuckDB, must parse and translate for Spark and Trino, and keep to the portable subset."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from dbt_warehouse import Build
from sqlglot import exp

pytestmark = pytest.mark.slow

ENGINES = ("spark", "trino")
#: What data-model section 9 leaves out: each exists in DuckDB only, or means something else elsewhere.
FORBIDDEN = (
    exp.Qualify,
    exp.Array,
    exp.List,
    exp.Struct,
    exp.Lambda,
    exp.Map,
    exp.Pivot,
    exp.Unnest,
    exp.Bracket,
    exp.ILike,
    exp.Lateral,
    exp.AnyValue,
    exp.ArrayAgg,
    exp.GroupConcat,
    exp.Median,
    exp.Quantile,
    exp.Mod,
    exp.IntDiv,
    exp.ApproxDistinct,
    exp.TimeToStr,
    exp.StrToTime,
)
#: Functions that are not the standard's own: sqlglot does not know them and passes them on as they stand.
UNKNOWN_FUNCTION = exp.Anonymous
JOINS = {"", "INNER", "LEFT", "CROSS"}


def _models(build: Build) -> list[Path]:
    return [path for path in sorted(build.compiled.rglob("*.sql")) if not any(p.suffix == ".yml" for p in path.parents)]


def problems(sql: str) -> list[str]:
    """What in one query is outside the portable subset."""
    found = []
    for tree in sqlglot.parse(sql, read="duckdb"):
        assert tree is not None
        for node in tree.walk():
            if isinstance(node, FORBIDDEN):
                found.append(f"{type(node).__name__}: {node.sql()[:80]}")
            if isinstance(node, UNKNOWN_FUNCTION):
                found.append(f"function {node.name}")
            if isinstance(node, exp.Star) and any(
                node.args.get(part) for part in ("except_", "except", "replace", "rename")
            ):
                found.append(f"star with changes: {node.sql()[:80]}")
            if isinstance(node, exp.Join):
                kind = (node.args.get("kind") or node.args.get("side") or "").upper()
                method = (node.args.get("method") or "").upper()
                if kind not in JOINS or method:
                    found.append(f"{method} {kind} join")
            if (
                isinstance(node, exp.Window)
                and not node.args.get("order")
                and isinstance(node.this, (exp.RowNumber, exp.Lag, exp.Lead))
            ):
                found.append(f"ordered window function without order: {node.sql()[:80]}")
            if isinstance(node, exp.Group) and node.args.get("all"):
                found.append("group by all")
    for engine in ENGINES:
        try:
            translated = sqlglot.transpile(sql, read="duckdb", write=engine, unsupported_level=sqlglot.ErrorLevel.RAISE)
            sqlglot.parse(translated[0], read=engine)
        except sqlglot.errors.SqlglotError as error:
            found.append(f"{engine}: {error}")
    return found


def test_every_model_is_portable(build: Build) -> None:
    models = _models(build)
    built = [n for n in build.manifest["nodes"].values() if n["resource_type"] == "model"]
    assert len(models) == len(built)
    assert {path.stem: found for path in models if (found := problems(path.read_text()))} == {}


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t qualify row_number() over (order by a) = 1",
        "select * exclude (a) from t",
        "select [1, 2] as a",
        "select a from t asof join u on t.a >= u.a",
        "select a, count(*) from t group by all",
        "select list_sum(a) from t",
        "select row_number() over (partition by a) from t",
        "select a // 2 from t",
        "select string_agg(a, ',') from t",
        "select a from t positional join u",
        "select strftime(a, '%Y-%j') from t",
    ],
)
def test_the_check_sees_what_is_not_portable(sql: str) -> None:
    assert problems(sql)


def test_models_have_no_engine_syntax_left_to_the_parser() -> None:
    """Casts by ``::`` parse everywhere in sqlglot; the rule of the house is ``cast``."""
    project = Path(__file__).resolve().parents[2] / "dbt_project"
    for path in sorted((project / "models").rglob("*.sql")):
        code = "\n".join(line.partition("--")[0] for line in path.read_text().splitlines())
        assert not re.search(r"\w::\w", code), path.name
