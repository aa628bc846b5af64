"""Which columns of the warehouse are released, and how: a pure function of catalogue, policy and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from blin_pipeline.errors import ReleaseError
from blin_pipeline.registry.deid import Decision, Policy, PolicyColumn
from blin_pipeline.release.manifest import HeldColumn
from blin_pipeline.release.transforms import READS, base_type

#: Schemas of the warehouse from which anything can be released at all.
RELEASABLE_SCHEMAS = ("marts", "quality", "report")


class ColumnEntry(NamedTuple):
    """One column of the warehouse as its catalogue shows it."""

    data_type: str
    comment: str


class PlannedColumn(NamedTuple):
    """One column that will be released."""

    policy: PolicyColumn
    data_type: str
    description: str


class Plan(NamedTuple):
    """What will be released: table -> columns in the policy's order; and what is held back, with the reason."""

    tables: dict[str, tuple[PlannedColumn, ...]]
    held: tuple[HeldColumn, ...]


Catalogue = Mapping[str, Mapping[str, ColumnEntry]]


def _missing(table: str, columns: list[str]) -> ReleaseError:
    return ReleaseError(
        "E_POLICY_COLUMN_MISSING",
        f"deid.yml names columns that {table} does not have: {', '.join(columns)}.",
        fix="Bring the policy and the table into line; a column that is gone leaves the policy too.",
    )


def describe(column: PolicyColumn, comment: str) -> str:
    """Description of a released column: the policy's words, else the warehouse's, and what the transform did to it."""
    added = {
        "rel_day": "Days from diagnosis (day 0).",
        "year": "Calendar year; years with few patients are pooled.",
        "month": "Calendar month.",
        "age_topcode": "Highest ages pooled: {0:g} means {0:g} or more.",
        "bands": "Given in bands.",
        "round_to": "Rounded to steps of {0:g}.",
    }.get(column.transform.name, "")
    return " ".join(part for part in (column.description or comment, added.format(*column.transform.arguments)) if part)


def _reason(column: PolicyColumn, data_type: str, decisions: Mapping[str, Decision]) -> str:
    """Why the column stays back, blank when it is released."""
    for source in column.sources:
        decision = decisions[source]
        if decision.outcome != "emit":
            return decision.finding.code if decision.finding else "column_not_in_policy"
    return "" if base_type(data_type) in READS[column.transform.name] else "type_changed"


def plan_release(catalogue: Catalogue, policy: Policy, decisions: Mapping[str, Decision]) -> Plan:
    """Decide column by column.

    Args:
        catalogue: ``schema.table`` -> column -> entry, for the releasable schemas of the warehouse.
        policy: The policy.
        decisions: ``decide_all`` over the project's dictionary.

    Raises:
        ReleaseError: ``E_POLICY_COLUMN_MISSING``.
    """
    tables: dict[str, tuple[PlannedColumn, ...]] = {}
    unnamed = [table for table in catalogue if table not in policy.tables]
    held = [
        HeldColumn(table=table, column="", reason="column_not_in_policy")
        for table in unnamed
        if not any(fnmatchcase(table, pattern) for pattern in policy.drop)
    ]
    for table, rows in policy.tables.items():
        present = catalogue.get(table)
        if present is None:
            raise _missing(table, ["the table itself"])
        named = {column.column for column in rows.columns} | {
            other for column in rows.columns for other in column.null_when
        }
        if rows.rows == "subject":
            named.add(policy.subjects.key)
        if absent := sorted(named - present.keys()):
            raise _missing(table, absent)
        with_row = {column.column for column in rows.columns}
        held += [
            HeldColumn(table=table, column=name, reason="column_not_in_policy")
            for name in present
            if name not in with_row
        ]
        planned = []
        for column in rows.columns:
            if column.transform.name == "drop":
                continue
            entry = present[column.column]
            if reason := _reason(column, entry.data_type, decisions):
                held.append(HeldColumn.model_validate({"table": table, "column": column.column, "reason": reason}))
            else:
                planned.append(PlannedColumn(column, entry.data_type, describe(column, entry.comment)))
        if not planned:
            raise ReleaseError(
                "E_POLICY_STALE",
                f"No column of {table} may be released: all are held back.",
                fix="Review deid.yml against the project's dictionary and renew its approvals.",
            )
        tables[table] = tuple(planned)
    return Plan(tables, tuple(sorted(held, key=lambda column: (column.table, column.column, column.reason))))
