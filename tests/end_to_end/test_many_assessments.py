"""Days between blinatumomab and every response assessment of many registries, against marked calendar days."""

from __future__ import annotations

import pytest
from oracle.assessments import since_blinatumomab
from oracle.eligibility import REMOVED, judge
from oracle.infusion import Clock
from oracle.records import Record

pytestmark = pytest.mark.slow


def test_days_between_blinatumomab_and_every_assessment(many_registries, proof):
    truths = [*many_registries.generated, *(one for made in many_registries.special.values() for one in made)]
    records = [Record(truth, many_registries.cut) for truth in truths]
    wanted = {
        (record.record_id, instance): days
        for record in records
        if judge(record).status != REMOVED
        for instance, days in since_blinatumomab(record, Clock(record, many_registries.cut_utc)).items()
    }
    rows = many_registries.rows(
        "select patient_key, instance_no, days_since_cycle_end, n_days_off_blin from marts.response_assessment"
    )
    found = {(name, instance): tuple(days) for name, instance, *days in (tuple(row.values()) for row in rows)}
    pairs = {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    assert differing == {}, (len(differing), len(wanted), list(differing.items())[:8])
    treated = [days for days in wanted.values() if days != (None, None)]
    assert any(since == 0 and off for since, off in treated), "no assessment inside an interruption"
    assert any(since is not None and off is None for since, off in treated), "no assessment inside an unknown cycle"
    assert any(since is None for since, _ in treated), "no assessment after a cycle without its end"
    proof(f"{len(wanted)} assessments, {len(treated)} of them after blinatumomab began: days agree")
