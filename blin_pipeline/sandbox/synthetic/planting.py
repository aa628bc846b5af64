"""Choose the patients that carry traps, edge cases and faults, and put them in: at most one case to a patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from blin_pipeline.sandbox.synthetic.baseline import BY_REPRESENTATIVE, SIGNED
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import Draft, Entry, Planted, Value
from blin_pipeline.sandbox.synthetic.infusion import civil
from blin_pipeline.sandbox.synthetic.plan import ALL_PLANTED_FROM, SyntheticPlan

ELIGIBLE, INELIGIBLE, PENDING_STATUS, HELD, REMOVED = "ELIGIBLE", "INELIGIBLE", "PENDING", "HELD", "REMOVED"
TRAP, EDGE, FAULT, ORDINARY = "trap", "edge", "fault", "ordinary"
#: Share of a registry that is too small for all cases which may carry one.
_SMALL_SHARE = 0.3


@dataclass(frozen=True)
class World:
    """What a case may look at beside its own patient."""

    plan: SyntheticPlan
    drafts: list[Draft]
    draws: Draws

    @property
    def data_cut(self) -> date:
        """Last day of observation."""
        return self.plan.data_cut


@dataclass(frozen=True)
class Case:
    """A case: whom it fits and what it does to them.

    Attributes:
        name: Short name, unique.
        fits: Whether a patient can carry it.
        put: Edits the patient's forms and notes what was planted.
    """

    name: str
    fits: Callable[[Draft, World], bool]
    put: Callable[[Draft, World], None]


def plant(plan: SyntheticPlan, drafts: list[Draft], cases: tuple[Case, ...]) -> list[str]:
    """Plant the cases in order, each on the first free patient that fits.

    Args:
        plan: The plan; in a registry under 200 patients only the first cases are planted.
        drafts: All records; edited in place.
        cases: Cases, the most important first.

    Returns:
        Names of the cases that were not planted.
    """
    world = World(plan, drafts, Draws(plan.seed, "planting"))
    order = sorted(drafts, key=lambda draft: Draws(plan.seed, f"planting/{draft.journey.person.number}").uniform())
    budget = len(cases) if plan.patients >= ALL_PLANTED_FROM else int(plan.patients * _SMALL_SHARE)
    left_out = [case.name for case in cases[budget:]]
    for case in cases[:budget]:
        draft = next((item for item in order if not item.planted and case.fits(item, world)), None)
        if draft is None:
            left_out.append(case.name)
        else:
            case.put(draft, world)
    return left_out


def note(
    draft: Draft,
    kind: str,
    name: str,
    statement: str,
    *,
    status: str | None = None,
    reasons: tuple[str, ...] = (),
    check: str | None = None,
    form: str | None = None,
    entry: Entry | None = None,
    field: str | None = None,
) -> None:
    """Write down what was planted (see ``entries.Planted``)."""
    draft.planted.append(Planted(kind, name, statement, status, reasons, check, form, entry, field))


def edit(entry: Entry, **values: Value | None) -> None:
    """Set fields; None leaves them blank."""
    for name, value in values.items():
        entry.blank(name)
        if value is not None:
            entry.values[name] = value


def keep_only(draft: Draft, *forms: str) -> None:
    """Drop every other form of the record, as if it had never been opened."""
    draft.forms = {form: entries for form, entries in draft.forms.items() if form in forms}


def registration(draft: Draft) -> Entry:
    """The registration form."""
    return draft.one("registration")


def day_of(entry: Entry, name: str) -> date:
    """A date that is known to be filled."""
    value = entry.day(name)
    if value is None:
        raise ValueError(f"{name} is blank")
    return value


def shift(draft: Draft, days: int) -> None:
    """Move every date of the record, as if the patient had been diagnosed on another day."""
    for _, entry in draft.all_entries():
        for name, value in entry.values.items():
            if isinstance(value, datetime):
                entry.values[name] = civil(value + timedelta(days=days), draft.journey.site.fact.time_zone)
            elif isinstance(value, date):
                entry.values[name] = value + timedelta(days=days)


def signed_alive_at_entry(draft: Draft, world: World) -> bool:
    """Consented by signature, alive at entry, not lost."""
    del world
    return registration(draft).values["consent_status"] in (SIGNED, BY_REPRESENTATIVE) and not draft.journey.lost


def living(draft: Draft, world: World) -> bool:
    """Consented by signature, not known dead, not lost."""
    return signed_alive_at_entry(draft, world) and not draft.journey.died


def living_treated(draft: Draft, world: World) -> bool:
    """As ``living``, with a plan form and an exact date of diagnosis."""
    exact = registration(draft).values["dx_date_prec"] == 1
    return living(draft, world) and bool(draft.entries("treatment_plan")) and exact


def died_after_entry(draft: Draft, world: World) -> bool:
    """Consented by signature, known dead on an exact day."""
    deaths = draft.entries("death")
    return signed_alive_at_entry(draft, world) and draft.journey.died and deaths[0].values["dth_date_prec"] == 1


def all_of(*tests: Callable[[Draft, World], bool]) -> Callable[[Draft, World], bool]:
    """A patient that passes every test."""
    return lambda draft, world: all(test(draft, world) for test in tests)


def has_birth_date(draft: Draft, world: World) -> bool:
    """The centre may enter birth dates."""
    del world
    return "birth_date" in draft.one("demographics").values


def without_cycles(draft: Draft, world: World) -> bool:
    """No blinatumomab cycle is recorded."""
    del world
    return not draft.entries("blin_cycle")


def note_ordinary(draft: Draft) -> None:
    """Note the checks that everyday entry violates: infusion told by a header that should have segments (D09), loss (D17)."""
    noted = {id(case.entry) for case in draft.planted if case.check_id == "D09"}
    for cycle in draft.entries("blin_cycle"):
        own = [item for item in draft.entries("blin_segment") if item.values["sg_cycle"] == cycle.values["bc_number"]]
        rates = {item.values["sg_rate"] for item in own}
        vague = cycle.values.get("bc_interrupted") == 1 and len(own) < 2
        unstepped = cycle.values["bc_step"] == 1 and len(rates) < 2
        if cycle.values["bc_status"] != 4 and (vague or unstepped) and id(cycle) not in noted:
            statement = "Interrupted or stepped, but not told by segments."
            note(draft, ORDINARY, "no_segments", statement, check="D09", form="blin_cycle", entry=cycle)
    if draft.journey.lost and not draft.journey.died:
        entry = registration(draft)
        note(draft, ORDINARY, "lost", "Lost to follow-up: stale.", check="D17", form="registration", entry=entry)
