"""Whether the order of a patient's events is in doubt: therapy before diagnosis (check D02), something after the death (D03)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from .eligibility import death_bounds, diagnosis_bounds, therapy_starts
from .records import Record, Row, day

#: Form -> clinical date fields: none may follow a death.
CLINICAL = {
    "registration": ("dx_date", "blin_trial_start"),
    "treatment_plan": ("plan_date",),
    "treatment_course": ("tc_start", "tc_end"),
    "blin_cycle": ("bc_start", "bc_end"),
    "blin_segment": ("sg_start", "sg_end"),
    "response": ("ra_date",),
    "mrd": ("mr_date",),
    "hct": ("hc_date", "hc_agvhd_date"),
    "relapse": ("rl_date", "rl_cart_date"),
    "adverse_event": ("ae_start", "ae_end"),
    "followup": ("fu_date", "fu_second_ca_date"),
    "patient_survey": ("sv_date",),
}
_PARTIAL = {"dx_date": "dx_date_prec", "rl_date": "rl_date_prec"}


def first_possible(row: Row, name: str) -> date | None:
    """First day that a date of a row can mean."""
    at, precision = day(row, name), row.get(_PARTIAL.get(name, ""))
    if at is None or name not in _PARTIAL or precision == 1:
        return at
    return at.replace(day=1) if precision == 2 else date(at.year, 1, 1)


def after_death(record: Record) -> Iterator[tuple[str, str, int]]:
    """Check D03: clinical dates after the last day that the death can mean."""
    bounds = death_bounds(record)
    if bounds is None:
        return
    for form, names in CLINICAL.items():
        for row in record.rows(form):
            for name in names:
                at = first_possible(row, name)
                told = name == "fu_date" and row.get("fu_vital") != 1
                if at is not None and not told and bounds[1] < at <= record.data_cut:
                    yield "D03", form, int(str(row["instance"]))


def is_contradictory(record: Record) -> bool:
    """Checks D02 and D03: therapy before diagnosis or plan date (a prephase may be), something after the death."""
    diagnosis, plan = diagnosis_bounds(record), day(record.once("treatment_plan"), "plan_date")
    starts = [at for at in therapy_starts(record) if at is not None]
    early = diagnosis is not None and diagnosis[0] > min(starts, default=date.max)
    return early or (plan is not None and plan > min(starts)) or any(True for _ in after_death(record))
