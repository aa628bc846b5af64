"""The landmark cohort of many registries against the specification in plain Python."""

from __future__ import annotations

from collections import Counter

import pytest
from oracle.eligibility import ELIGIBLE, judge
from oracle.landmark import ENDPOINTS, LANDMARKS, landmarks
from oracle.records import Record

pytestmark = pytest.mark.slow


def test_every_patient_at_every_landmark(many_registries, proof):
    made = many_registries.special
    truths = [*many_registries.generated, *made["endpoints"], *made["treatments"], *made["windows"]]
    records = [Record(truth, many_registries.cut) for truth in truths]
    wanted = {
        (record.record_id, *place): tuple(landmark)
        for record in records
        if judge(record).status == ELIGIBLE
        for place, landmark in landmarks(record).items()
    }
    rows = many_registries.rows(
        "select patient_key, param_cd, landmark_day, at_risk, not_at_risk_reason_cd, exposed_by_landmark, "
        "cycles_by_landmark, aval_from_landmark_days, cnsr, event_code, delayed_entry_from_landmark_days "
        "from marts.landmark_cohort"
    )
    judged = {record.record_id for record in records}
    cells = [tuple(row.values()) for row in rows]
    found = {row[:3]: row[3:] for row in cells if row[0] in judged}
    pairs = {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    assert differing == {}, (len(differing), len(wanted), list(differing.items())[:8])
    reasons = Counter(row[1] for row in wanted.values())
    assert reasons.keys() == {None, "RELAPSE_OR_DEATH_BEFORE", "CENSORED_BEFORE", "REMISSION_NOT_KNOWN"}
    at_risk = {key: row for key, row in wanted.items() if row[0]}
    assert {key[1:] for key in at_risk} == {(param, day) for param in ENDPOINTS for day in LANDMARKS}
    assert {row[2] for row in at_risk.values()} == {True, False}
    assert {row[5] for row in at_risk.values()} == {0, 1}
    assert any(row[7] for row in at_risk.values())
    proof(f"{len(wanted)} patients at a landmark agree ({len(at_risk)} at risk; {dict(reasons.most_common())})")
