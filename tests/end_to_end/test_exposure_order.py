"""Exposure adds up to the same digits in whatever order and on however many threads the engine meets the rows."""

from __future__ import annotations

import pytest
from proof import proof_count
from shuffled_tables import content, exposure_models, rebuilt

pytestmark = pytest.mark.slow


def test_no_digit_depends_on_the_order_of_rows(many_registries, tmp_path, proof):
    models, read = exposure_models(many_registries.warehouse.parent / "target")
    assert {"intermediate.int_infusion__segment_share", "marts.blin_exposure"} <= {model.table for model in models}
    assert "staging.stg_redcap__blin_segment" in read
    wanted = content(many_registries.warehouse, models)
    variants = proof_count(8, 40)
    for variant in range(variants):
        found = content(rebuilt(many_registries.warehouse, tmp_path, models, read, variant), models)
        assert [table for table in wanted if found[table] != wanted[table]] == [], f"variant {variant}"
    rows = sum(map(len, wanted.values()))
    proof(
        f"exposure: {variants} orders of the rows on 1 to 4 threads, {len(models)} tables of {rows} rows equal to the last digit"
    )
