"""What may be estimated from how few (clinical-spec 7): a rule gives the reason of a refusal, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CoxPlan(Enum):
    """How an adjusted Cox model may be fitted."""

    PLAIN = "maximum likelihood"
    PENALISED = "Firth's penalty"


@dataclass(frozen=True, slots=True)
class SmallNumberRules:
    """Limits below which nothing is estimated.

    Attributes:
        min_group_patients: Patients in each group of a comparison.
        min_group_events: Events in each group of a comparison.
        min_incidence_events: Events of the cause of a cumulative incidence.
        events_per_coefficient: Events per coefficient of an adjusted model.
        events_per_coefficient_penalised: The same for a penalised one; fewer is refused.
        min_at_risk_fixed_time: Patients at risk at a fixed time.
    """

    min_group_patients: int
    min_group_events: int
    min_incidence_events: int
    events_per_coefficient: int
    events_per_coefficient_penalised: int
    min_at_risk_fixed_time: int

    def comparison(self, patients: tuple[int, ...], events: tuple[int, ...]) -> str:
        """Why groups may not be compared; empty when they may."""
        if len(patients) < 2 or min(patients) == 0:
            return "a group is empty"
        if min(patients) < self.min_group_patients:
            return f"fewer than {self.min_group_patients} patients in a group"
        if min(events) == 0:
            return "a group without an event"
        if min(events) < self.min_group_events:
            return f"fewer than {self.min_group_events} events in a group"
        return ""

    def cox(self, events: int, coefficients: int) -> tuple[CoxPlan | None, str]:
        """How a model of several coefficients may be fitted, and the warning or refusal that goes with it."""
        per = events / coefficients
        if per >= self.events_per_coefficient:
            return CoxPlan.PLAIN, ""
        text = f"{events} events for {coefficients} coefficients"
        if per >= self.events_per_coefficient_penalised:
            return CoxPlan.PENALISED, f"{text}: penalised likelihood (Firth), read with care"
        return None, f"{text}: fewer than {self.events_per_coefficient_penalised} per coefficient"

    def incidence(self, events: int) -> str:
        """Why a cumulative incidence may not be given; empty when it may."""
        few = self.min_incidence_events
        return f"fewer than {few} events of this cause" if events < few else ""

    def fixed_time(self, at_risk: int) -> str:
        """Why an estimate at a fixed time may not be given; empty when it may."""
        few = self.min_at_risk_fixed_time
        return f"fewer than {few} at risk" if at_risk < few else ""
