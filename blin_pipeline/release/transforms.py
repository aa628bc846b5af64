"""SQL of the policy's transforms: one expression per released column, and the guard that counts what it refuses.

Only numbers, codes of a declared set and texts that fit a declared pattern come through; anything else becomes null
and is counted. Types are part of the policy: a column of another type than its transform reads is held back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from blin_pipeline.registry.deid import Policy, PolicyColumn

_WHOLE = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_NUMBER = _WHOLE | {"DOUBLE", "FLOAT", "DECIMAL"}
_DATE = frozenset({"DATE", "TIMESTAMP"})
_TEXT = frozenset({"VARCHAR"})
#: Transform -> column types of the warehouse that it reads.
READS: Mapping[str, frozenset[str]] = {
    "identity": _NUMBER,
    "boolean": frozenset({"BOOLEAN"}),
    "count": _WHOLE,
    "duration": _NUMBER,
    "coded": _TEXT | _WHOLE,
    "pattern": _TEXT,
    "pseudonym": _TEXT,
    "words": _TEXT,
    "rel_day": _DATE,
    "year": _DATE,
    "month": _DATE,
    "age_topcode": _NUMBER,
    "bands": _NUMBER,
    "round_to": _NUMBER,
}
PSEUDONYM_PATTERN = "[0-9a-f]{32}"
#: What words of our own never hold: a full date, a long number, an e-mail address.
NOT_WORDS = r"(19|20)\d{2}-\d{2}-\d{2}|\d{7}|@"


class Released(NamedTuple):
    """One column on its way out.

    Attributes:
        name: Name in the release.
        value: SQL expression of the released value, over alias ``t`` (table) and ``s`` (kept subjects: ``origin``).
        refused: SQL condition of a value that the guard empties, None where there is no guard.
        type: Column type in the release; None keeps the warehouse's type.
    """

    name: str
    value: str
    refused: str | None = None
    type: str | None = None


def name(identifier: str) -> str:
    """Quote an identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text."""
    return "'" + value.replace("'", "''") + "'"


def base_type(data_type: str) -> str:
    """Type name without its parameters (``DECIMAL(18,3)`` is ``DECIMAL``)."""
    return data_type.partition("(")[0]


def among(column: str, codes: Sequence[str]) -> str:
    """SQL condition: the column's text is one of the codes."""
    return f"cast({column} as varchar) in ({', '.join(text(code) for code in codes)})"


def pool_years(counts: Mapping[int, int], minimum: int) -> dict[int, str]:
    """Label of each year such that no label stands for fewer than ``minimum`` patients, unless all years together do.

    A small year is pooled with the next ones, a small last group with the one before: ``{2023: 4, 2024: 90}`` and 11
    give ``2023-2024`` for both.
    """
    groups: list[list[int]] = []
    for year in sorted(counts):
        if groups and sum(counts[known] for known in groups[-1]) < minimum:
            groups[-1].append(year)
        else:
            groups.append([year])
    if len(groups) > 1 and sum(counts[known] for known in groups[-1]) < minimum:
        last = groups.pop()
        groups[-1].extend(last)
    return {year: str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups for year in group}


def _bands(column: str, edges: Sequence[float]) -> str:
    shown = [f"{edge:g}" for edge in edges]
    cases = [f"when {column} < {shown[0]} then {text('<' + shown[0])}"]
    cases += [f"when {column} < {high} then {text(f'{low}-<{high}')}" for low, high in pairwise(shown)]
    return f"case when {column} is null then null {' '.join(cases)} else {text('>=' + shown[-1])} end"


def released(
    column: PolicyColumn, data_type: str, policy: Policy, *, years: Mapping[int, str], data_cut: date
) -> Released:
    """SQL of one column.

    Args:
        column: Row of the policy, not ``drop``.
        data_type: Type in the warehouse, one that the transform reads.
        policy: For the code sets.
        years: Year -> label, only used by ``year``.
        data_cut: Last day that counts, only used by ``not_at_cut``.
    """
    it = f"t.{name(column.column)}"
    numbers = [f"{argument:g}" for argument in column.transform.arguments]
    refused: str | None = None
    kind: str | None = None
    value = it
    match column.transform.name:
        case "identity" | "duration" if base_type(data_type) in {"DOUBLE", "FLOAT"}:
            refused = f"not isfinite({it})"
        case "coded":
            refused = f"not ({among(it, policy.codes(column))})"
        case "pattern":
            refused = f"not regexp_full_match({it}, {text(column.pattern)})"
        case "pseudonym":
            refused = f"not regexp_full_match({it}, {text(PSEUDONYM_PATTERN)})"
        case "words":
            refused = f"regexp_matches({it}, {text(NOT_WORDS)})"
        case "rel_day":
            value, kind = f"cast(cast({it} as date) - s.origin as integer)", "INTEGER"
        case "year":
            cases = " ".join(f"when {year} then {text(label)}" for year, label in sorted(years.items()))
            value, kind = (f"case year({it}) {cases} end" if cases else "cast(null as varchar)"), "VARCHAR"
        case "month":
            value, kind = f"strftime({it}, '%Y-%m')", "VARCHAR"
        case "age_topcode":
            value = f"least({it}, {numbers[0]})"
        case "bands":
            value, kind = _bands(it, column.transform.arguments), "VARCHAR"
        case "round_to":
            value = f"round({it} / {numbers[0]}) * {numbers[0]}"
        case _:
            pass
    if refused is not None:
        refused = f"{it} is not null and {refused}"
        value = f"case when {refused} then null else {value} end"
    if column.not_at_cut:
        last_day = f"cast({it} as date)" if column.transform.name == "rel_day" else f"s.origin + cast({it} as integer)"
        value = f"case when {last_day} >= date {text(data_cut.isoformat())} then null else {value} end"
    for other, values in sorted(column.null_when.items()):
        value = f"case when {among(f't.{name(other)}', values)} then null else {value} end"
    return Released(column.released_name, f"cast({value} as {kind or data_type})", refused, kind or data_type)
