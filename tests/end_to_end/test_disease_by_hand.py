"""Remission, MRD, relapse and concordance of patients worked by hand, and the two checks that ask about them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from disease_by_hand import expected, patients
from oracle.marrow import verdict
from oracle.readings import conventional
from oracle.records import Record
from oracle.sequence import sequence

pytestmark = pytest.mark.slow
DICTIONARY = Path(__file__).resolve().parents[2] / "blin_pipeline" / "registry" / "study" / "dictionary.csv"
_QUERY = """
select
    subject.*,
    date_diff('day', plan_date, cr1_date) as cr1_day,
    rfs.aval_days as rfs_days,
    rfs.cnsr = 0 as is_rfs_event,
    cycle.line_cd,
    cycle.context_cd,
    string.e1910_string,
    string.e1910_status_cd,
    string.e1910_category_cd,
    (
        select string_agg(method_cd || ' ' || mrd_cd, ', ' order by mrd_seq)
        from marts.mrd_result as result where result.patient_key = subject.patient_key
    ) as mrd,
    (
        select string_agg(grading_cd || ' ' || max_grade, ', ' order by tox_seq)
        from marts.toxicity as event where event.patient_key = subject.patient_key
    ) as crs,
    (
        select string_agg(distinct check_id, ' ' order by check_id)
        from quality.data_query as query
        where query.patient_key = subject.patient_key and check_id in ('D12', 'Q07', 'Q08')
    ) as queries
from marts.subject as subject
left join marts.time_to_event as rfs on subject.patient_key = rfs.patient_key and rfs.param_cd = 'RFS'
left join marts.blin_cycle_exposure as cycle
    on subject.patient_key = cycle.patient_key and cycle.cycle_overall_no = 1
left join marts.regimen_sequence as string on subject.patient_key = string.patient_key
"""


@pytest.fixture(scope="module")
def by_hand(many_registries):
    """Rows of the patients worked by hand, by their number."""
    rows = {row["record_id"]: row for row in many_registries.rows(_QUERY)}
    return [rows[record.record_id] for record in many_registries.special["disease_by_hand"]]


@pytest.mark.parametrize(("place", "patient"), enumerate(patients()), ids=[one["patient"] for one in patients()])
def test_disease_worked_by_hand(by_hand, place, patient):
    wanted = expected(patient)
    assert {name: by_hand[place][name] for name in wanted} == wanted, patient["working"]


def test_the_calculation_of_the_tests_says_the_same_of_concordance(many_registries):
    for patient, truth in zip(patients(), many_registries.special["disease_by_hand"], strict=True):
        own, wanted = sequence(Record(truth, many_registries.cut)), patient["expect"]
        assert {"e1910": own.string, "e1910_status": own.status, "e1910_category": own.category}.items() >= {
            name: text for name, text in wanted.items() if name.startswith("e1910")
        }.items(), patient["patient"]


@pytest.fixture(scope="module")
def awkward(many_registries):
    """Records with awkward treatments: every form of theirs was saved as complete."""
    truths = [*many_registries.special["treatments"], *many_registries.special["disease_by_hand"]]
    return {truth.record_id: Record(truth, many_registries.cut) for truth in truths}


def test_every_required_field_left_blank_is_asked_for(many_registries, awkward, proof):
    with DICTIONARY.open(encoding="utf-8", newline="") as file:
        required = [row for row in csv.DictReader(file) if row["Required Field?"] == "y"]
    own_date = {
        "tc_start",
        "ra_date",
        "mr_date",
        "hc_date",
        "rl_date",
        "ae_start",
        "fu_date",
        "sv_date",
        "bc_start",
        "sg_start",
    }
    wanted = Counter()
    for name, record in awkward.items():
        for field in required:
            form, field_name = field["Form Name"], field["Variable / Field Name"]
            for row in record.rows(form):
                hidden = (field_name == "ra_bm_lymphoblast" and row.get("ra_marrow") == 0) or row.get("bc_status") == 4
                if field_name not in own_date | {"record_id"} and not hidden and row.get(field_name) is None:
                    wanted[name, form, max(int(str(row["instance"])), 1), field_name] += 1
    rows = many_registries.rows("select * from quality.data_query where check_id = 'Q07'")
    found = Counter(
        (row["record_id"], row["form"], row["instance_no"], row["field_name"])
        for row in rows
        if row["record_id"] in awkward
    )
    assert found == wanted
    fields = {key[3] for key in wanted}
    assert {"rl_kind", "mr_method", "mr_source", "tc_drugs", "ra_bm_lymphoblast"} <= fields
    proof(f"{len(wanted)} blanks in {len(fields)} required fields asked for")


def test_every_response_that_disagrees_is_asked_for(many_registries, awkward, proof):
    wanted = set()
    for name, record in awkward.items():
        derived = conventional(record)
        for _, row in record.dated("response", "ra_date"):
            instance, call = int(str(row["instance"])), row.get("ra_site_call")
            examined = row.get("ra_marrow") != 0
            registry = verdict(record, row)
            told = derived[instance][0]
            against = (registry is True and (call in (5, 6, 7) or told in ("NR", "RELAPSE"))) or (
                registry is False and (call in (2, 3, 4) or told in ("CR", "CRh", "CRi", "MLFS"))
            )
            if against:
                wanted.add((name, instance, "ra_site_call"))
            left_over = (row.get("ra_bm_lymphoblast") in (0, 1), row.get("ra_bm_blast"), row.get("ra_bm_cell"))
            if not examined and (left_over[0] or left_over[1] is not None or left_over[2] is not None):
                wanted.add((name, instance, "ra_marrow"))
    rows = many_registries.rows("select * from quality.data_query where check_id = 'Q08'")
    found = {(row["record_id"], row["instance_no"], row["field_name"]) for row in rows if row["record_id"] in awkward}
    assert found == wanted
    assert {key[2] for key in wanted} == {"ra_site_call", "ra_marrow"}
    proof(f"{len(wanted)} assessments that contradict themselves asked about")
