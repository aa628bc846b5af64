"""Conventional response of each assessment and the reading of each MRD result, by clinical specification, section 4.

Readings where the text leaves room: a negative report with a level at or above the cut-off (0.01 %, of cells or of percent IS)
says nothing; a report by NGS is
negative at a stated sensitivity of 10^-6 only; percent IS is never turned into a fraction of cells. "CRh as CR" keeps CR's
condition of no platelet transfusion; who was transfused is CRi (or MLFS), whatever the count.
"""

from __future__ import annotations

from typing import NamedTuple

from .marrow import is_remission
from .records import Record, Row, number, remembered

CUTOFF = 1e-4


class Mrd(NamedTuple):
    """Strict reading, and the tiers 10^-4, 10^-5, 10^-6 (None where neither level nor sensitivity tells)."""

    reading: str
    tiers: tuple[bool | None, bool | None, bool | None]
    is_low_transcript: bool


#: Responses that make a composite remission.
COMPOSITE = {"CR", "CRh", "CRi"}


@remembered
def conventional(record: Record) -> dict[int, tuple[str, bool | None]]:
    """Instance -> (CR, CRh, CRi, MLFS, NR, RELAPSE or NE; whether it is a composite remission, None when not known)."""
    rows = [(at, int(str(row["instance"])), row) for at, row in record.dated("response", "ra_date")]
    rows.sort(key=lambda one: one[:2])
    found, remitted = {}, False
    for _, instance, row in rows:
        found[instance] = _conventional(row, remitted=remitted)
        remitted = remitted or is_remission(record, row)
    return found


def _conventional(row: Row, *, remitted: bool) -> tuple[str, bool | None]:
    blasts, item = number(row, "ra_bm_blast"), row.get("ra_bm_lymphoblast")
    if row.get("ra_marrow") == 0:
        blasts = item = None
    marrow = blasts < 5 if blasts is not None else {0: True, 1: False}.get(item if isinstance(item, int) else -1)
    blood = {0: True, 1: False}.get(_code(row, "ra_pb_lymphoblast"))
    outside = {0: True, 1: False}.get(_code(row, "ra_emd"))
    if False in (marrow, blood, outside):
        return "RELAPSE" if remitted else "NR", False
    neutrophils, platelets = number(row, "ra_anc"), number(row, "ra_plt")
    if None in (marrow, blood, outside):
        return "NE", None
    if neutrophils is None or platelets is None:
        # Not CR, CRh and CRi can only be MLFS, and that asks for a marrow that is not adequate.
        return "NE", True if row.get("ra_bm_cell") == 1 and row.get("ra_marrow") != 0 else None
    # Where it is not known whether platelets were given, both answers are tried.
    transfused = {0: {True}, 1: {False}}.get(_code(row, "ra_plt_free7"), {True, False})
    calls = {_by_counts(neutrophils, platelets, one, row) for one in transfused}
    composite = {call in COMPOSITE for call in calls}
    return calls.pop() if len(calls) == 1 else "NE", composite.pop() if len(composite) == 1 else None


def _by_counts(neutrophils: float, platelets: float, transfused: bool, row: Row) -> str:
    """Response of an assessment that meets the criteria of blasts."""
    if not transfused and neutrophils >= 1.0 and platelets >= 100:
        return "CR"
    if not transfused and neutrophils > 0.5 and platelets > 50:
        return "CRh"
    return "MLFS" if row.get("ra_bm_cell") == 2 else "CRi"


@remembered
def mrd(record: Record) -> dict[int, Mrd]:
    """Instance -> reading of every MRD result."""
    return {int(str(row["instance"])): _read(row) for _, row in record.dated("mrd", "mr_date")}


def _read(row: Row) -> Mrd:
    method, result, value = _code(row, "mr_method"), _code(row, "mr_result"), number(row, "mr_value")
    sensitivity = {1: 4, 2: 5, 3: 6}.get(_code(row, "mr_sens"), 0)
    unit = _code(row, "mr_unit")
    level = value / {1: 100.0, 2: 1_000_000.0, 4: 1.0}[unit] if value is not None and unit in (1, 2, 4) else None
    low = method == 3 and result in (1, 2) and unit == 3 and value is not None and value <= 0.01
    is_high = (level is not None and level >= CUTOFF) or (unit == 3 and value is not None and value >= 0.01)
    if result not in (0, 1, 2) or (result == 0 and is_high):
        return Mrd("NE", (None, None, None), low)
    # Nobody knows how deep a method goes that is not named.
    enough = method in (1, 2, 3, 4, 5, 90) and sensitivity >= {1: 4, 2: 6}.get(method, 0)
    if result == 0:
        reading = "NEG" if enough else "NEG_UNVERIFIED"
        deep = [True if sensitivity >= depth else None for depth in (4, 5, 6)]
        return Mrd(reading, (deep[0], deep[1], deep[2]), low)
    under = level is not None and level < CUTOFF
    reading = "POS_BELOW_LOQ" if result == 2 else "NEG" if method == 1 and under and enough else "POS"
    blind = method == 1 and under and not enough
    tiers = [None if level is None or blind else level < limit for limit in (1e-4, 1e-5, 1e-6)]
    return Mrd(reading, (tiers[0], tiers[1], tiers[2]), low)


def _code(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else -1
