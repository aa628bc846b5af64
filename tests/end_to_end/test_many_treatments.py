"""Backbone, order of therapy, response and MRD of many registries against the specification in plain Python."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from oracle.courses import courses
from oracle.eligibility import REMOVED, judge
from oracle.infusion import Clock
from oracle.readings import conventional, mrd
from oracle.records import Record
from oracle.regimen import backbone
from oracle.sequence import counts, sequence
from oracle.sets import conventional_best, is_like_e1910
from treatments_by_hand import named

pytestmark = pytest.mark.slow
#: Words of treatments_by_hand.yml -> columns.
_BY_HAND = {
    "derived": "backbone_derived_cd",
    "confidence": "backbone_confidence_cd",
    "final": "backbone_final_cd",
    "conflict": "backbone_conflict",
    "base": "base_backbone_cd",
    "sequence": "sequence_pattern",
    "schedule": "schedule_cd",
    "e1910": "e1910_string",
    "status": "e1910_status_cd",
    "category": "e1910_category_cd",
}


@pytest.fixture(scope="module")
def records(many_registries) -> dict[str, Record]:
    """Every record that may be kept: generated ones, and those with awkward treatments."""
    made = many_registries.special
    truths = [*many_registries.generated, *made["treatments"], *made["endpoints"], *made["windows"]]
    found = [Record(truth, many_registries.cut) for truth in truths]
    return {record.record_id: record for record in found if judge(record).status != REMOVED}


def _differing(found, wanted):
    pairs = {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _compare(found, wanted):
    differing = _differing(found, wanted)
    assert differing == {}, (len(differing), len(wanted), list(differing.items())[:8])


def _by_record(many_registries, records, query):
    rows = many_registries.rows(query)
    return {row.pop("record_id"): tuple(row.values()) for row in rows if row["record_id"] in records}


def test_backbone_of_every_record(many_registries, records, proof):
    found = _by_record(
        many_registries,
        records,
        "select patient_key, backbone_declared_cd, backbone_derived_cd, backbone_confidence_cd, backbone_final_cd, "
        "backbone_conflict, base_backbone_cd from marts.backbone_classification",
    )
    wanted = {record_id: tuple(vars(backbone(record)).values()) for record_id, record in records.items()}
    _compare(found, wanted)
    derived = Counter(row[1] for row in wanted.values())
    assert len(derived) == 14, derived
    assert any(row[4] for row in wanted.values())
    assert Counter(row[2] for row in wanted.values()).keys() == {"HIGH", "PROBABLE", "DECLARED"}
    proof(f"{len(found)} backbones agree (derived: {dict(derived.most_common())})")


def test_every_course(many_registries, records, proof):
    wanted = {
        (record_id, instance): columns
        for record_id, record in records.items()
        for instance, columns in courses(record, Clock(record, many_registries.cut_utc)).items()
    }
    names = list(next(iter(wanted.values())))
    rows = many_registries.rows(f"select patient_key, instance_no, {', '.join(names)} from marts.regimen_course")
    found = {(row.pop("record_id"), row.pop("instance_no")): row for row in rows if row["record_id"] in records}
    _compare(found, wanted)
    seen = {name: {row[name] for row in wanted.values()} for name in names}
    assert {1, 2, 3} <= seen["line_no"]
    assert len(seen["phase_cd"]) >= 9
    assert seen["classification_method_cd"] == {"REPORTED", "DICTIONARY_DRUGS", "DECLARED", "UNKNOWN"}
    assert seen["position_cd"] == {"NO_BLIN", "BEFORE_BLIN", "BETWEEN_BLIN", "AFTER_BLIN"}
    assert seen["overlaps_prev"] == {True, False, None}
    assert seen["is_line_agreed"] >= {True, False}
    proof(f"{len(found)} courses x {len(names)} columns agree")


def test_order_of_therapy_and_concordance_of_every_record(many_registries, records, proof):
    found = _by_record(
        many_registries,
        records,
        "select patient_key, sequence_pattern, schedule_cd, e1910_string, e1910_status_cd, e1910_n_blin, "
        "e1910_prefix_match, e1910_distance, e1910_category_cd from marts.regimen_sequence",
    )
    wanted = {record_id: tuple(vars(sequence(record)).values()) for record_id, record in records.items()}
    _compare(found, wanted)
    categories = Counter(row[7] for row in wanted.values() if row[7])
    assert len(categories) == 8, categories
    assert len({row[1] for row in wanted.values()}) == 5
    proof(
        f"{len(found)} sequences agree ({len({row[2] for row in wanted.values()})} different strings, {dict(categories)})"
    )


def test_counts_of_every_sequence(many_registries, records, proof):
    found = _by_record(
        many_registries,
        records,
        "select patient_key, n_courses, n_blin_cycles, n_courses_before_first_blin, n_courses_between_blin, "
        "n_courses_after_last_blin, first_backbone_family_cd, n_backbone_families from marts.regimen_sequence",
    )
    wanted = {record_id: counts(record) for record_id, record in records.items()}
    _compare(found, wanted)
    assert all(max(row[place] or 0 for row in wanted.values()) > 1 for place in (2, 3, 4, 6))
    proof(f"counts of {len(found)} sequences agree")


def test_conventional_response_of_every_assessment(many_registries, records, proof):
    rows = many_registries.rows(
        "select patient_key, instance_no, response_derived_cd, is_cr_composite from marts.response_assessment"
    )
    found = {
        (row["record_id"], row["instance_no"]): (row["response_derived_cd"], row["is_cr_composite"])
        for row in rows
        if row["record_id"] in records
    }
    wanted = {
        (record_id, instance): call
        for record_id, record in records.items()
        for instance, call in conventional(record).items()
    }
    _compare(found, wanted)
    calls = Counter(call for call, _ in wanted.values())
    assert ("NE", True) in wanted.values()
    assert calls.keys() == {"CR", "CRh", "CRi", "MLFS", "NR", "RELAPSE", "NE"}
    proof(f"{len(found)} conventional responses agree ({dict(calls.most_common())})")


def test_every_mrd_result(many_registries, records, proof):
    rows = many_registries.rows(
        "select patient_key, instance_no, mrd_cd, is_under_1e_4, is_under_1e_5, is_under_1e_6, is_low_bcr_abl1 "
        "from marts.mrd_result"
    )
    found = {}
    for row in rows:
        reading, *tiers, low = list(row.values())[2:]
        if row["record_id"] in records:
            found[row["record_id"], row["instance_no"]] = (reading, tuple(tiers), low)
    wanted = {
        (record_id, instance): tuple(result)
        for record_id, record in records.items()
        for instance, result in mrd(record).items()
    }
    _compare(found, wanted)
    assert len({result[0] for result in wanted.values()}) == 5
    proof(f"{len(found)} MRD results agree")


def test_birth_year_and_consent_of_every_record(many_registries, records, proof):
    found = _by_record(many_registries, records, "select patient_key, birth_year, consent_date from marts.subject")
    wanted = {}
    for record_id, record in records.items():
        form, born = record.once("registration"), record.once("demographics").get("birth_date")
        signed = date.fromisoformat(form["consent_date"]) if form.get("consent_date") else None
        counts = form.get("consent_status") in (1, 2, 6) and signed is not None and signed <= record.data_cut
        wanted[record_id] = (int(born[:4]) if born else None, signed if counts else None)
    _compare(found, wanted)
    assert {None} < {row[0] for row in wanted.values()}
    assert {None} < {row[1] for row in wanted.values()}
    proof(f"birth year and day of consent of {len(found)} records agree")


def test_best_conventional_response_and_the_set_like_e1910(many_registries, records, proof):
    found = _by_record(
        many_registries,
        records,
        "select patient_key, is_cr_conventional, is_cr_composite, is_e1910_like from marts.subject",
    )
    wanted = {record_id: (*conventional_best(record), is_like_e1910(record)) for record_id, record in records.items()}
    _compare(found, wanted)
    assert {row[2] for row in wanted.values()} == {True, False}
    proof(f"{len(found)} best responses agree, {sum(row[2] for row in wanted.values())} patients like those of E1910")


def test_treatments_worked_by_hand(many_registries, proof):
    rows = many_registries.rows(
        f"select patient_key, {', '.join(_BY_HAND.values())} from marts.backbone_classification "
        "join marts.regimen_sequence using (patient_key)"
    )
    found = {row["record_id"]: row for row in rows}
    made = {
        record.record_id: Record(record, many_registries.cut)
        for record in many_registries.special["treatments_by_hand"]
    }
    assert len(made) == len(named()) >= 11
    for place, patient in named():
        record_id = next(name for name in made if name.endswith(f"-7{place:03d}"))
        wanted = {"conflict": False, "base": None, **patient["expect"]}
        assert {word: found[record_id][column] for word, column in _BY_HAND.items()} == wanted, patient["patient"]
        own = vars(backbone(made[record_id])) | vars(sequence(made[record_id]))
        calculated = {word: own[{"sequence": "pattern", "e1910": "string"}.get(word, word)] for word in _BY_HAND}
        assert calculated == wanted, ("calculation of the tests", patient["patient"])
    proof(f"{len(made)} treatments worked by hand agree")
