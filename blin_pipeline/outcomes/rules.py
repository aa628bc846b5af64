"""The small-number rules with the study's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blin_pipeline.outcomes.statistics.small_numbers import SmallNumberRules

if TYPE_CHECKING:
    from blin_pipeline.registry.parameters import Parameters


def small_number_rules(parameters: Parameters) -> SmallNumberRules:
    """Rules of the parameter file."""
    return SmallNumberRules(
        min_group_patients=parameters.min_group_patients,
        min_group_events=parameters.min_group_events,
        min_incidence_events=parameters.min_incidence_events,
        events_per_coefficient=parameters.events_per_coefficient,
        events_per_coefficient_penalised=parameters.events_per_coefficient_penalised,
        min_at_risk_fixed_time=parameters.min_at_risk_fixed_time,
    )
