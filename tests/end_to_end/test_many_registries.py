"""The harness itself: every registry arrives whole and keeps to itself."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_every_record_of_every_registry_has_one_row(many_registries, proof):
    made = [record for own in many_registries.special.values() for record in own]
    removed = {
        record.record_id
        for record in [*many_registries.generated, *made]
        for row in record.recorded["registration"]
        if row.values.get("consent_status") == 6 and row.values.get("withdraw_scope") == 2
    }
    special = {record.record_id for record in made}
    found = [row["record_id"] for row in many_registries.rows("select patient_key from marts.subject")]
    wanted = {record.record_id for record in many_registries.generated} | special
    assert sorted(found) == sorted(wanted - removed)
    proof(f"{len(many_registries.registries)} registries, {len(many_registries.generated)} generated records")


def test_every_case_that_can_be_planted_occurs(many_registries):
    planted = {case.name for truth in many_registries.registries for _, case in truth.planted()}
    assert not many_registries.registries[0].not_planted
    assert len(planted) >= 80
