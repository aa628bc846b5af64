from __future__ import annotations

import warnings

import hand_made
import pytest

from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.outcomes.result import require_unique

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.name)
@pytest.mark.parametrize("tables", [hand_made.frames, hand_made.empty_frames])
def test_every_outcome_gives_rows_of_its_own_without_a_warning(outcome, tables, context):
    needed = {name: frame for name, frame in tables().items() if name in outcome.tables_needed}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = outcome.compute(needed, context)
    require_unique(rows)
    assert {row.outcome for row in rows} <= {outcome.name}
    assert rows
    for row in rows:
        assert (row.parameters_hash, row.cut_id) == (context.parameters_hash, context.cut_id)


def test_keys_are_unique_over_all_outcomes(hand_made_rows):
    require_unique(hand_made_rows)


@pytest.mark.parametrize(
    ("statistic", "state"),
    [
        ("cr_registry", "nothing_yet"),
        ("os_survival", "nothing_yet"),
        ("os_median", "nothing_yet"),
        ("cycles_started_per_patient", "nothing_yet"),
        ("accrual_days_to_target", "too_few"),
    ],
)
def test_empty_tables_give_refusals_not_gaps(compute_all, statistic, state):
    rows = [row for row in compute_all(hand_made.empty_frames()) if row.statistic == statistic]
    assert {row.state for row in rows} == {state}
    assert all(row.reason for row in rows)


def test_empty_tables_count_zero(compute_all):
    rows = {row.result_id: row for row in compute_all(hand_made.empty_frames())}
    for key in ("enrolment/records_n/RECORDS", "overall_survival/os_patients_n/ELIGIBLE/kaplan_meier",
                "data_quality/open_queries_n/RECORDS"):  # fmt: skip
        assert rows[key].value == 0
