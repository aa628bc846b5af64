"""Cross-field checks D01 to D20 by the registry dictionary, section 4: every finding of a registry, from its truth.

Readings where the text leaves room: a partial date breaks an order only if every day it can stand for does; check D17 asks of
eligible patients who are alive and have not withdrawn; in D20 a code means unknown where its label says so (9 is a finding or a
drug in some lists).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from blin_pipeline.sandbox.synthetic.truth import Truth

from .checks_infusion import infusion_findings
from .course import course
from .eligibility import ELIGIBLE, REMOVED, death_bounds, diagnosis_bounds, judge, therapy_starts
from .marrow import is_remission
from .order import CLINICAL, after_death, first_possible
from .records import Record, Row, day, number


class Finding(NamedTuple):
    """One violation: which check, whose, where (instance 0 for a once-only form)."""

    check_id: str
    record_id: str
    form: str
    instance: int


#: Date fields of each form; those of the second set are clinical, so that none may follow a death.
_ADMINISTRATIVE = {
    "registration": ("reg_date", "consent_date", "withdraw_date"),
    "demographics": ("birth_date",),
    "data_review": ("dr_verified_date",),
    "death": ("dth_date",),
}
_TYPES = {
    "treatment_course": ("tc_start", "tc_phase", "tc_regimen"),
    "blin_cycle": ("bc_start",),
    "blin_segment": ("sg_start", "sg_cycle"),
    "response": ("ra_date", "ra_timepoint"),
    "mrd": ("mr_date", "mr_method", "mr_source"),
    "hct": ("hc_date", "hc_type"),
    "relapse": ("rl_date", "rl_kind"),
    "adverse_event": ("ae_start", "ae_term"),
    "followup": ("fu_date", "fu_vital"),
    "patient_survey": ("sv_date",),
}
_UNKNOWN_OPTION = {"race": 99, "genetics": 99, "no_blin_reason": 99, "rl_next": 99}
_TKI = {24, 25, 26, 27}


def findings(truth: Truth) -> set[Finding]:
    """Every violation of D01 to D20 in the records that are not removed."""
    found: set[Finding] = set()
    records = [Record(record, truth.plan.data_cut) for record in truth.records]
    prefixes = {site.site_id: site.record_prefix for site in truth.sites}
    for record in records:
        status = judge(record).status
        if status == REMOVED:
            continue
        for check_id, form, instance in _of_record(record, eligible=status == ELIGIBLE):
            found.add(Finding(check_id, record.record_id, form, instance))
        if record.record_id.rpartition("-")[0].lower() != prefixes[record.truth.site_id].lower():
            found.add(Finding("D16", record.record_id, "registration", 0))
    return found | _same_patient([record for record in records if judge(record).status != REMOVED])


def _of_record(record: Record, *, eligible: bool) -> Iterator[tuple[str, str, int]]:
    yield from _impossible_dates(record)
    yield from _order_of_therapy(record)
    yield from after_death(record)
    yield from _vital_status(record)
    yield from _relapse_and_remission(record)
    yield from infusion_findings(record)
    yield from _calls_and_mrd(record)
    yield from _tki(record)
    yield from _events(record)
    yield from _stale(record, eligible=eligible)
    yield from _identity(record)


def _instance(row: Row) -> int:
    value = row["instance"]
    assert isinstance(value, int)
    return value


def _impossible_dates(record: Record) -> Iterator[tuple[str, str, int]]:
    for forms in (_ADMINISTRATIVE, CLINICAL):
        for form, names in forms.items():
            for row in record.rows(form):
                for name in names:
                    at = first_possible(row, name)
                    if at is not None and (at > record.data_cut or at.year < 1900):
                        yield "D01", form, _instance(row)


def _order_of_therapy(record: Record) -> Iterator[tuple[str, str, int]]:
    bounds, plan = diagnosis_bounds(record), day(record.once("treatment_plan"), "plan_date")
    begun = [at for at in therapy_starts(record) if at is not None]
    first = min((at for at in begun if at != plan), default=None)
    if begun and bounds is not None and bounds[0] > min(begun):
        yield "D02", "treatment_plan" if plan is not None else "registration", 0
    for at, row in record.dated("blin_segment", "sg_start"):
        if bounds is not None and at < bounds[0] and (plan is None or plan >= bounds[0]):
            yield "D02", "blin_segment", _instance(row)
    if plan is not None and first is not None and plan > first:
        yield "D02", "treatment_plan", 0
    if plan is not None and bounds is not None and (plan - bounds[1]).days > 60:
        yield "D02", "treatment_plan", 0


def _vital_status(record: Record) -> Iterator[tuple[str, str, int]]:
    registration, death = record.once("registration"), record.once("death")
    dead, bounds = death.get("dth_dead") == 1, death_bounds(record)
    entered_dead, registered = registration.get("vital_entry") == 2, day(registration, "reg_date")
    if dead and bounds is None:
        yield "D04", "death", 0
    for row in record.rows("followup"):
        at = day(row, "fu_date")
        if row.get("fu_vital") == 2 and not dead and at is not None and at <= record.data_cut:
            yield "D04", "followup", _instance(row)
    if dead and not any(row.get("fu_vital") == 2 for row in record.rows("followup")):
        yield "D04", "death", 0
    late = bounds is not None and registered is not None and bounds[0] > registered
    if (entered_dead and (bounds is None or late)) or (
        registration.get("consent_status") == 3 and registration.get("vital_entry") == 1
    ):
        yield "D05", "registration", 0
    if (registration.get("enroll_type") == 3) != entered_dead:
        yield "D06", "registration", 0


def _relapse_and_remission(record: Record) -> Iterator[tuple[str, str, int]]:
    remissions = [
        (at, row)
        for at, row in record.dated("response", "ra_date")
        if is_remission(record, row) or row.get("ra_site_call") == 1
    ]
    starts = [
        at
        for form, name in (
            ("treatment_course", "tc_start"),
            ("blin_cycle", "bc_start"),
            ("hct", "hc_date"),
            ("relapse", "rl_cart_date"),
        )
        for at, row in record.dated(form, name)
        if not (form == "blin_cycle" and row.get("bc_status") == 4)
    ]
    for at, row in record.dated("relapse", "rl_date"):
        if row.get("rl_kind") == 5:
            continue
        if not any(remission <= at for remission, _ in remissions):
            yield "D07", "relapse", _instance(row)
        for remission, assessment in remissions:
            if remission > at and not any(at <= start <= remission for start in starts):
                yield "D07", "response", _instance(assessment)


def _calls_and_mrd(record: Record) -> Iterator[tuple[str, str, int]]:
    for row in record.rows("response"):
        blasts = number(row, "ra_bm_blast")
        against = (
            row.get("ra_bm_lymphoblast") == 1
            or row.get("ra_pb_lymphoblast") == 1
            or (blasts is not None and blasts >= 5)
        )
        if row.get("ra_site_call") == 1 and against:
            yield "D12", "response", _instance(row)
    for row in record.rows("mrd"):
        value, unit = number(row, "mr_value"), row.get("mr_unit")
        whole = {1: 100.0, 2: 1e6, 3: 100.0, 4: 1.0}.get(unit if isinstance(unit, int) else 0)
        unverified = row.get("mr_method") == 1 and row.get("mr_result") == 0 and row.get("mr_sens") not in (1, 2, 3)
        if unverified or (value is not None and (whole is None or value > whole)):
            yield "D13", "mrd", _instance(row)


def _ticked(row: Row, name: str) -> set[int]:
    value = row.get(name)
    return set(value) if isinstance(value, list) else set()


def _tki(record: Record) -> Iterator[tuple[str, str, int]]:
    diagnosis, plan = record.once("diagnosis"), day(record.once("treatment_plan"), "plan_date")
    given = [(at, row) for at, row in record.dated("treatment_course", "tc_start") if _ticked(row, "tc_drugs") & _TKI]
    given += [(at, row) for at, row in record.dated("blin_cycle", "bc_start") if row.get("bc_tki") in (1, 2, 3, 4)]
    if diagnosis.get("ph_status") == 1 and plan is not None and plan <= record.last_day:
        soon = [at for at, _ in given if abs((at - plan).days) <= 60]
        waited = record.last_day - plan > timedelta(days=60) or death_bounds(record) is not None
        if not soon and waited:
            yield "D14", "diagnosis", 0
    if diagnosis.get("ph_status") == 0 and 10 not in _ticked(diagnosis, "genetics"):
        for _, row in given:
            yield "D14", "treatment_course", _instance(row)


def _events(record: Record) -> Iterator[tuple[str, str, int]]:
    dead = record.once("death").get("dth_dead") == 1
    for row in record.rows("adverse_event"):
        ungraded = (row.get("ae_term") == 1 and "ae_crs_astct" not in row) or (
            row.get("ae_term") == 2 and "ae_icans" not in row
        )
        if ungraded or (row.get("ae_ctcae") == 5 and not dead):
            yield "D15", "adverse_event", _instance(row)


def _stale(record: Record, *, eligible: bool) -> Iterator[tuple[str, str, int]]:
    dates = course(record)
    if (
        not eligible
        or dates.last_alive is None
        or record.once("death").get("dth_dead") == 1
        or record.withdrawn is not None
    ):
        return
    contacts = list(record.dated("followup", "fu_date"))
    therapy = contacts[-1][1].get("fu_therapy") if contacts else None
    treated = therapy in (1, 2, 4) or any(row.get("tc_status") == 3 for row in record.rows("treatment_course"))
    treated = treated or any(row.get("bc_status") == 1 for row in record.rows("blin_cycle"))
    if (record.data_cut - dates.last_alive).days > (120 if treated else 200):
        yield "D17", "registration", 0


def _identity(record: Record) -> Iterator[tuple[str, str, int]]:
    demographics, registration = record.once("demographics"), record.once("registration")
    born, diagnosed, age = day(demographics, "birth_date"), day(registration, "dx_date"), number(registration, "age_dx")
    if (
        born is not None
        and diagnosed is not None
        and age is not None
        and abs((diagnosed - born).days / 365.25 - age) > 1
    ):
        yield "D18", "demographics", 0
    for form, names in _TYPES.items():
        seen = set()
        for row in record.rows(form):
            key = tuple(str(row.get(name)) for name in names)
            if key in seen and names[0] in row:
                yield "D19", form, _instance(row)
            seen.add(key)
    for form in record.truth.recorded:
        for row in record.rows(form):
            for name, unknown in _UNKNOWN_OPTION.items():
                if unknown in _ticked(row, name) and len(_ticked(row, name)) > 1:
                    yield "D20", form, _instance(row)


def _same_patient(records: list[Record]) -> set[Finding]:
    groups: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        registration, demographics = record.once("registration"), record.once("demographics")
        parts = [
            registration.get("dx_date"),
            registration.get("age_dx"),
            demographics.get("sex"),
            demographics.get("zip3"),
        ]
        if all(part is not None for part in parts):
            groups[tuple(str(part) for part in parts)].append(record)
    return {
        Finding("D19", record.record_id, "registration", 0)
        for group in groups.values()
        if len({record.truth.site_id for record in group}) > 1
        for record in group
    }
