"""Violations of checks D08 to D11, and infusion rows that cannot be placed as they stand."""

from __future__ import annotations

from datetime import timedelta

from blin_pipeline.sandbox.synthetic.cycle_rewriting import (
    DAY,
    Piece,
    add_segment,
    last_cycle,
    rewrite,
    roomy_cycle,
    steady_clock,
)
from blin_pipeline.sandbox.synthetic.entries import Draft
from blin_pipeline.sandbox.synthetic.infusion import DOSE_STEP, PLANNED_END, PUMP
from blin_pipeline.sandbox.synthetic.planting import (
    ELIGIBLE,
    FAULT,
    Case,
    World,
    all_of,
    edit,
    note,
)


def _overlap(draft: Draft, world: World) -> None:
    """The step bag was never closed: two rates run at once for nine hours; the later-started one counts."""
    del world
    cycle = last_cycle(draft)
    first, second = rewrite(
        draft, cycle, [Piece(7 * DAY + 540, 0, 9.0, DOSE_STEP), Piece(21 * DAY, 0, 28.0, PLANNED_END)], step=True
    )
    edit(second, sg_start=first.moment("sg_end") - timedelta(minutes=540))
    statement = "Step bag not closed: segments overlap by nine hours, time counts once at the later-started rate."
    note(
        draft,
        FAULT,
        "overlap",
        statement,
        status=ELIGIBLE,
        check="D08",
        form="blin_segment",
        entry=second,
        field="sg_start",
    )


def _orphan_segment(draft: Draft, world: World) -> None:
    del world
    cycle = last_cycle(draft)
    start = cycle.moment("bc_start") + timedelta(days=32)
    segment = add_segment(draft, cycle, start, start + timedelta(days=2), 28.0, PLANNED_END)
    edit(segment, sg_cycle=19)
    statement = "A segment of a cycle that does not exist: it counts in no cycle."
    note(
        draft,
        FAULT,
        "orphan_segment",
        statement,
        status=ELIGIBLE,
        check="D08",
        form="blin_segment",
        entry=segment,
        field="sg_cycle",
    )


def _past_the_end(draft: Draft, world: World) -> None:
    del world
    cycle = last_cycle(draft)
    segments = rewrite(draft, cycle, [Piece(28 * DAY, 0, 28.0, PLANNED_END)])
    edit(cycle, bc_end=segments[-1].moment("sg_end") - timedelta(days=1))
    statement = "A segment runs a day past the cycle's end: flagged, the segments count."
    note(
        draft,
        FAULT,
        "past_the_end",
        statement,
        status=ELIGIBLE,
        check="D08",
        form="blin_segment",
        entry=segments[-1],
        field="sg_end",
    )


def _step_without_rates(draft: Draft, world: World) -> None:
    del world
    cycle = last_cycle(draft)
    rewrite(draft, cycle, [Piece(28 * DAY, 0, 28.0, PLANNED_END)], step=True)
    statement = "Step dosing entered, one rate in the segments: flagged; the plan is 651 mcg, what ran counts."
    note(
        draft,
        FAULT,
        "step_one_rate",
        statement,
        status=ELIGIBLE,
        check="D09",
        form="blin_cycle",
        entry=cycle,
        field="bc_step",
    )


def _rate_too_high(draft: Draft, world: World) -> None:
    del world
    cycle = last_cycle(draft)
    _, wrong, _ = rewrite(
        draft,
        cycle,
        [Piece(10 * DAY, 0, 28.0, DOSE_STEP), Piece(4 * 60, 0, 56.0, 13), Piece(18 * DAY - 240, 0, 28.0, PLANNED_END)],
    )
    statement = "Four hours at 56 mcg/day, a medication error: flagged, counted as entered."
    note(
        draft,
        FAULT,
        "rate_too_high",
        statement,
        status=ELIGIBLE,
        check="D10",
        form="blin_segment",
        entry=wrong,
        field="sg_rate",
    )


def _surface_missing(draft: Draft, world: World) -> None:
    """Under 45 kg without body surface: the planned rate is entered, so that the header rule still works."""
    del world
    cycle = last_cycle(draft)
    number = cycle.values["bc_number"]
    draft.forms["blin_segment"] = [item for item in draft.entries("blin_segment") if item.values["sg_cycle"] != number]
    edit(cycle, bc_weight=43.5, bc_bsa=None, bc_plan_rate=20.0, bc_step=0, bc_interrupted=0)
    statement = "Under 45 kg without body surface: flagged; the planned rate in mcg/day is used."
    note(
        draft,
        FAULT,
        "surface_missing",
        statement,
        status=ELIGIBLE,
        check="D10",
        form="blin_cycle",
        entry=cycle,
        field="bc_bsa",
    )


def _numbers_skip(draft: Draft, world: World) -> None:
    del world
    cycle = last_cycle(draft)
    number = int(str(cycle.values["bc_number"]))
    for segment in draft.entries("blin_segment"):
        if segment.values["sg_cycle"] == number:
            edit(segment, sg_cycle=number + 1)
    edit(cycle, bc_number=number + 1)
    statement = "A cycle number is left out: flagged, the entered number is kept."
    note(
        draft,
        FAULT,
        "number_skipped",
        statement,
        status=ELIGIBLE,
        check="D11",
        form="blin_cycle",
        entry=cycle,
        field="bc_number",
    )


def _overlapping_cycles(draft: Draft, world: World) -> None:
    """A further cycle typed with a start ten days before the last one's end."""
    del world
    cycle = last_cycle(draft)
    number = int(str(cycle.values["bc_number"]))
    rewrite(draft, cycle, [Piece(28 * DAY, 0, 28.0, PLANNED_END)])
    start = cycle.moment("bc_start") + timedelta(days=18)
    row = draft.add("blin_cycle", {**cycle.values})
    edit(
        row,
        bc_number=number + 1,
        bc_start=start,
        bc_end=start + timedelta(days=14),
        bc_plan_days=14,
        bc_status=2,
        bc_interrupted=0,
    )
    statement = "Two cycles overlap and start 18 days apart: flagged, each is counted as entered."
    note(
        draft,
        FAULT,
        "cycles_overlap",
        statement,
        status=ELIGIBLE,
        check="D11",
        form="blin_cycle",
        entry=row,
        field="bc_start",
    )


def _few_cycles(draft: Draft, world: World) -> bool:
    return roomy_cycle(draft, world) and int(str(last_cycle(draft).values["bc_number"])) <= 8


def _negative_segment(draft: Draft, world: World) -> None:
    """A segment that ends before it starts beside a good one."""
    del world
    cycle = last_cycle(draft)
    good = rewrite(draft, cycle, [Piece(28 * DAY, 0, 28.0, PLANNED_END)])[0]
    bad = add_segment(draft, cycle, good.moment("sg_end"), good.moment("sg_end") - timedelta(days=3), 28.0, PLANNED_END)
    statement = "A segment that ends before it starts: quarantined, the other one counts."
    note(draft, FAULT, "negative_segment", statement, status=ELIGIBLE, form="blin_segment", entry=bad, field="sg_end")


def _open_middle_segment(draft: Draft, world: World) -> None:
    """The end of the first of two segments was forgotten: it is taken to run to the next start."""
    del world
    cycle = last_cycle(draft)
    first, _ = rewrite(draft, cycle, [Piece(12 * DAY, 0, 28.0, PUMP), Piece(16 * DAY, 0, 28.0, PLANNED_END)])
    edit(first, sg_end=None)
    statement = "End of a segment missing, a later one exists: it runs to the next start."
    note(draft, FAULT, "end_forgotten", statement, status=ELIGIBLE, form="blin_segment", entry=first, field="sg_end")


CASES = (
    Case("overlap", roomy_cycle, _overlap),
    Case("step_one_rate", roomy_cycle, _step_without_rates),
    Case("rate_too_high", roomy_cycle, _rate_too_high),
    Case("number_skipped", _few_cycles, _numbers_skip),
    Case("orphan_segment", roomy_cycle, _orphan_segment),
    Case("past_the_end", roomy_cycle, _past_the_end),
    Case("surface_missing", roomy_cycle, _surface_missing),
    Case("cycles_overlap", _few_cycles, _overlapping_cycles),
    Case("negative_segment", roomy_cycle, _negative_segment),
    Case("end_forgotten", all_of(roomy_cycle, steady_clock), _open_middle_segment),
)
