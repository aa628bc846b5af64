"""Legal infusion data at a boundary: gaps and lengths, clock changes, small patients, vague and unfinished cycles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from blin_pipeline.sandbox.synthetic.cycle_rewriting import (
    AUTUMN,
    DAY,
    HOUR,
    SPRING,
    Piece,
    cycle_over,
    last_cycle,
    rewrite,
    roomy_cycle,
    steady_clock,
    zoned,
)
from blin_pipeline.sandbox.synthetic.entries import Draft
from blin_pipeline.sandbox.synthetic.infusion import CRS, DOSE_STEP, LOGISTICS, MCG_M2_DAY, PLANNED_END, PUMP
from blin_pipeline.sandbox.synthetic.planting import (
    EDGE,
    ELIGIBLE,
    FAULT,
    Case,
    World,
    all_of,
    day_of,
    edit,
    living_treated,
    note,
)


def _pieces(
    name: str, statement: str, pieces: list[Piece], *, step: bool = False, warns: str | None = None
) -> Callable[[Draft, World], None]:
    def put(draft: Draft, world: World) -> None:
        del world
        cycle = last_cycle(draft)
        rewrite(draft, cycle, pieces, step=step)
        note(draft, EDGE, name, statement, status=ELIGIBLE, form="blin_cycle", entry=cycle)
        if warns is not None:
            note(draft, FAULT, name, statement, check=warns, form="blin_cycle", entry=cycle)

    return put


def _over_clock_change(changes: tuple[date, ...]) -> Callable[[Draft, World], bool]:
    def fits(draft: Draft, world: World) -> bool:
        return living_treated(draft, world) and zoned(draft, world) and cycle_over(draft, changes) is not None

    return fits


def _clock_change(
    name: str, changes: tuple[date, ...], stop: time, restart: time, statement: str
) -> Callable[[Draft, World], None]:
    def put(draft: Draft, world: World) -> None:
        del world
        cycle = cycle_over(draft, changes)
        if cycle is None:
            raise ValueError("no cycle over a clock change")
        start = cycle.moment("bc_start")
        sunday = next(change for change in changes if start.date() < change <= start.date() + timedelta(days=24))
        before = int((datetime.combine(sunday, stop) - start).total_seconds() // 60)
        pause = int((datetime.combine(sunday, restart) - datetime.combine(sunday, stop)).total_seconds() // 60)
        rewrite(draft, cycle, [Piece(before, pause, 28.0, PUMP), Piece(28 * DAY - before, 0, 28.0, PLANNED_END)])
        elapsed_hours = pause / 60 + (-1 if changes is SPRING else 1)
        edit(cycle, bc_interrupted=1 if elapsed_hours >= 4 else 0)
        note(draft, EDGE, name, statement, status=ELIGIBLE, form="blin_cycle", entry=cycle)

    return put


def _small(
    name: str, weight: float, surface: float, rate: float, *, step: bool, header: bool, statement: str
) -> Callable[[Draft, World], None]:
    """A patient under 45 kg, dosed by body surface."""

    def put(draft: Draft, world: World) -> None:
        del world
        edit(draft.one("demographics"), weight_kg=weight)
        for cycle in draft.entries("blin_cycle"):
            edit(cycle, bc_weight=weight, bc_bsa=surface, bc_plan_rate=rate)
        for segment in draft.entries("blin_segment"):
            edit(segment, sg_rate=5.0 if segment.values["sg_rate"] == 9.0 else 15.0, sg_rate_unit=MCG_M2_DAY)
        cycle = last_cycle(draft)
        if header:
            draft.forms["blin_segment"] = [
                item for item in draft.entries("blin_segment") if item.values["sg_cycle"] != cycle.values["bc_number"]
            ]
            start = cycle.moment("bc_start")
            edit(cycle, bc_end=start + timedelta(days=28), bc_interrupted=0, bc_step=0, bc_time_known=1)
        else:
            pieces = [Piece(7 * DAY, 0, 5.0, DOSE_STEP), Piece(21 * DAY, 0, 15.0, PLANNED_END)]
            for segment in rewrite(draft, cycle, pieces, step=step):
                edit(segment, sg_rate_unit=MCG_M2_DAY)
        note(draft, EDGE, name, statement, status=ELIGIBLE, form="blin_cycle", entry=cycle)

    return put


def _ongoing(draft: Draft, world: World) -> None:
    """One more cycle, running at the data cut."""
    cycle = last_cycle(draft)
    start = datetime.combine(world.data_cut - timedelta(days=10), time(10, 30))
    number = int(str(cycle.values["bc_number"])) + 1
    added = draft.add("blin_cycle", dict(cycle.values))
    edit(
        added,
        bc_number=number,
        bc_start=start,
        bc_end=None,
        bc_status=1,
        bc_stop_reason=None,
        bc_interrupted=0,
        bc_time_known=1,
        bc_step=0,
    )
    edit(draft.entries("followup")[-1], fu_date=world.data_cut)
    statement = "Running at the data cut: counts up to the cut, neither complete nor incomplete."
    note(draft, EDGE, "ongoing_at_cut", statement, status=ELIGIBLE, form="blin_cycle", entry=added)


def _can_start_again(draft: Draft, world: World) -> bool:
    if not roomy_cycle(draft, world) or draft.entries("hct"):
        return False
    return day_of(last_cycle(draft), "bc_start") <= world.data_cut - timedelta(days=60)


def _vague(name: str, code: int | None, statement: str) -> Callable[[Draft, World], None]:
    """A header without segments that does not rule an interruption out."""

    def put(draft: Draft, world: World) -> None:
        del world
        cycle = last_cycle(draft)
        draft.forms["blin_segment"] = [
            item for item in draft.entries("blin_segment") if item.values["sg_cycle"] != cycle.values["bc_number"]
        ]
        edit(cycle, bc_interrupted=code, bc_step=0)
        note(draft, EDGE, name, statement, status=ELIGIBLE, form="blin_cycle", entry=cycle, field="bc_interrupted")
        if code == 1:
            note(draft, FAULT, name, statement, check="D09", form="blin_cycle", entry=cycle, field="bc_interrupted")

    return put


def _dates_only(draft: Draft, world: World) -> None:
    """Midnight typed at one end, noon at the other: whole days all the same."""
    del world
    cycle = last_cycle(draft)
    draft.forms["blin_segment"] = [
        item for item in draft.entries("blin_segment") if item.values["sg_cycle"] != cycle.values["bc_number"]
    ]
    start = datetime.combine(day_of(cycle, "bc_start"), time(0, 0))
    edit(
        cycle, bc_start=start, bc_end=start + timedelta(days=28, hours=12), bc_time_known=3, bc_interrupted=0, bc_step=0
    )
    statement = "Dates only, typed with midnight and noon: 28.0 whole days."
    note(draft, EDGE, "dates_only", statement, status=ELIGIBLE, form="blin_cycle", entry=cycle)


def _short_plan(draft: Draft, world: World) -> None:
    del world
    cycle = last_cycle(draft)
    rewrite(draft, cycle, [Piece(13 * DAY, 0, 28.0, PLANNED_END)])
    edit(cycle, bc_plan_days=14)
    statement = "Planned for 14 days, 13.0 given: complete, since other plans need plan minus 1."
    note(draft, EDGE, "plan_of_14_days", statement, status=ELIGIBLE, form="blin_cycle", entry=cycle)


_D = 28.0


#: Cases that few patients fit, to be planted before all others.
SCARCE_CASES = (
    Case(
        "spring_gap",
        _over_clock_change(SPRING),
        _clock_change(
            "spring_gap",
            SPRING,
            time(1, 0),
            time(5, 30),
            "01:00 to 05:30 over the spring clock change is 3.5 h: a short break.",
        ),
    ),
    Case(
        "autumn_gap",
        _over_clock_change(AUTUMN),
        _clock_change(
            "autumn_gap",
            AUTUMN,
            time(0, 30),
            time(4, 0),
            "00:30 to 04:00 over the autumn clock change is 4.5 h: an interruption.",
        ),
    ),
)


CASES = (
    Case(
        "gap_4h",
        all_of(roomy_cycle, steady_clock),
        _pieces(
            "gap_4h",
            "A gap of exactly 4 h is an interruption.",
            [Piece(9 * DAY, 4 * HOUR, _D, PUMP), Piece(19 * DAY, 0, _D, PLANNED_END)],
        ),
    ),
    Case(
        "gap_3h59",
        all_of(roomy_cycle, steady_clock),
        _pieces(
            "gap_3h59",
            "A gap of 3 h 59 min is a short break.",
            [Piece(9 * DAY, 239, _D, PUMP), Piece(19 * DAY, 0, _D, PLANNED_END)],
        ),
    ),
    Case(
        "complete_27",
        all_of(roomy_cycle, steady_clock),
        _pieces("complete_27", "Exactly 27.0 infused days of 28: complete.", [Piece(27 * DAY, 0, _D, PLANNED_END)]),
    ),
    Case(
        "short_of_27",
        all_of(roomy_cycle, steady_clock),
        _pieces(
            "short_of_27",
            "One minute less than 27 infused days: not complete.",
            [Piece(27 * DAY - 1, 0, _D, PLANNED_END)],
        ),
    ),
    Case(
        "gap_7d",
        all_of(roomy_cycle, steady_clock),
        _pieces(
            "gap_7d",
            "A gap of exactly 168 h: same cycle by the label.",
            [Piece(10 * DAY, 7 * DAY, _D, LOGISTICS), Piece(18 * DAY, 0, _D, PLANNED_END)],
        ),
    ),
    Case(
        "gap_over_7d",
        all_of(roomy_cycle, steady_clock),
        _pieces(
            "gap_over_7d",
            "A gap of 168 h and one minute inside one cycle: a new cycle by the label, the centre's number is kept (check D08).",
            [Piece(10 * DAY, 7 * DAY + 1, _D, LOGISTICS), Piece(18 * DAY, 0, _D, PLANNED_END)],
            warns="D08",
        ),
    ),
    Case(
        "restep",
        all_of(roomy_cycle, steady_clock),
        _pieces(
            "restep",
            "Stopped for CRS, restarted at 9 mcg/day for seven days.",
            [Piece(2 * DAY, 3 * DAY, _D, CRS), Piece(7 * DAY, 0, 9.0, DOSE_STEP), Piece(19 * DAY, 0, _D, PLANNED_END)],
        ),
    ),
    Case("ongoing_at_cut", _can_start_again, _ongoing),
    Case(
        "interruption_unknown",
        roomy_cycle,
        _vague("interruption_unknown", 9, "No segments, interruption unknown: upper bounds only."),
    ),
    Case(
        "interruption_undated",
        roomy_cycle,
        _vague("interruption_undated", 1, "No segments, interruption without times: upper bounds only (check D09)."),
    ),
    Case("dates_only", roomy_cycle, _dates_only),
    Case(
        "under_45kg_header",
        all_of(roomy_cycle, steady_clock),
        _small(
            "under_45kg_header",
            42.0,
            1.30,
            19.5,
            step=False,
            header=True,
            statement="42 kg, 1.30 m2, no step, header only: 546 mcg planned.",
        ),
    ),
    Case(
        "under_45kg_step",
        all_of(roomy_cycle, steady_clock),
        _small(
            "under_45kg_step",
            44.0,
            1.95,
            28.0,
            step=True,
            header=False,
            statement="44 kg, 1.95 m2: 15 mcg/m2 held at 28, 5 mcg/m2 held at 9.",
        ),
    ),
    Case("plan_of_14_days", all_of(roomy_cycle, steady_clock), _short_plan),
)
