from __future__ import annotations

import hand_made
import pytest

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.outcomes.frames import KEY, Tables, Without
from blin_pipeline.outcomes.trace import outcome_of, trace_result

pytestmark = pytest.mark.slow


def traced(result_id, context):
    outcome = outcome_of(result_id, OUTCOMES)
    frames = {name: frame for name, frame in hand_made.frames().items() if name in outcome.tables_needed}
    return trace_result(outcome, result_id, frames, context)


@pytest.mark.parametrize(
    ("result_id", "behind", "counted"),
    [
        ("complete_remission/cr_registry/ELIGIBLE/D2/clopper_pearson", range(1, 21), range(1, 17)),
        ("complete_remission/cr_registry/ELIGIBLE/D1/clopper_pearson/backbone=01_E1910", range(13, 21), range(13, 17)),
        # The denominator of a status is every record.
        ("enrolment/eligibility_status_n/RECORDS/eligibility_status=02_PENDING", range(1, 41), [38, 39, 40]),
        ("survival_endpoints/rfs_events_total_n/CR1/kaplan_meier", range(1, 17), [1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13]),
    ],
)
def test_exactly_the_patients_behind_a_number(result_id, behind, counted, context):
    found = traced(result_id, context)
    assert found.patients == tuple(hand_made.key(number) for number in behind)
    assert found.counted == tuple(hand_made.key(number) for number in counted)


def test_an_unknown_id_is_refused(context):
    for result_id in ("nothing/at/all", "complete_remission/cr_registry/ELIGIBLE/D9/clopper_pearson"):
        with pytest.raises(DataError) as caught:
            traced(result_id, context)
        assert caught.value.code == "E_RESULT_UNKNOWN"


@pytest.mark.parametrize("key", ["p01", "p13", "p30", "p35"])
def test_tables_without_a_patient_are_those_in_which_he_never_was(key, compute_all):
    frames = hand_made.frames()
    never = {name: frame[frame[KEY] != key] if KEY in frame else frame for name, frame in frames.items()}
    assert compute_all(Without(Tables(frames, frames.__getitem__), key)) == compute_all(never)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.name)
def test_each_part_alone_makes_the_rows_that_it_makes_among_the_others(outcome, context):
    frames = hand_made.frames()
    together = [part() for part in outcome.parts(frames, context).values()]
    alone = [outcome.parts(frames, context)[name]() for name in reversed(outcome.parts(frames, context))]
    assert together == alone[::-1]
    assert [row for rows in together for row in rows] == outcome.compute(frames, context)
