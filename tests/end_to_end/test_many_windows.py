"""Best response in every window of many registries against the specification in plain Python."""

from __future__ import annotations

from collections import Counter

import pytest
from oracle.eligibility import REMOVED, judge
from oracle.infusion import Clock
from oracle.records import Record
from oracle.windows import RANKS, windows

pytestmark = pytest.mark.slow


def test_best_response_in_every_window(many_registries, proof):
    truths = [*many_registries.generated, *(one for made in many_registries.special.values() for one in made)]
    records = [Record(truth, many_registries.cut) for truth in truths]
    wanted = {
        (record.record_id, *place): tuple(window)
        for record in records
        if judge(record).status != REMOVED
        for place, window in windows(record, Clock(record, many_registries.cut_utc)).items()
    }
    rows = many_registries.rows(
        "select patient_key, line_no, window_cd, window_no, origin_date, n_assessments, is_evaluable, best_response_cd, "
        "best_date, days_to_best, is_cr_registry, cr_registry_date, is_cr_composite from marts.best_response"
    )
    found = {(row[0], *row[1:4]): row[4:] for row in (tuple(row.values()) for row in rows)}
    pairs = {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    assert differing == {}, (len(differing), len(wanted), list(differing.items())[:8])
    kinds = Counter(key[2] for key in wanted)
    assert kinds.keys() == {"FRONTLINE", "END_INDUCTION", "LINE", "BLIN_CYCLE"}
    assert {key[1] for key in wanted} >= {1, 2, 3}
    for kind in kinds:
        assert {row[3] for key, row in wanted.items() if key[2] == kind} == {call for call, _ in RANKS}, kind
    proof(f"{len(wanted)} windows of {len(records)} records agree ({dict(kinds.most_common())})")
