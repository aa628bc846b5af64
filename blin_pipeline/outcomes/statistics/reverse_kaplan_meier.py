"""Follow-up: the curve of the time to censoring (Schemper and Smith, Control Clin Trials 1996).

Agrees with R's ``survfit(Surv(time, !event) ~ 1)`` once the times of censorings are moved behind the events of their
day; lifelines and plain R order a tie the wrong way round for this purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blin_pipeline.outcomes.statistics.kaplan_meier import product_limit
from blin_pipeline.outcomes.statistics.risk_sets import life_table

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve
    from blin_pipeline.outcomes.statistics.risk_sets import Cohort


def reverse_kaplan_meier(cohort: Cohort, confidence_level: float = 0.95) -> SurvivalCurve:
    """Curve of the time to censoring, events being its censorings.

    An event on the day of a censoring has left the risk set before it, so the at-risk count of a day is without its
    events.
    """
    time, present, censored = life_table(cohort, ~cohort.event)
    at_risk = present - life_table(cohort, cohort.event)[2]
    return product_limit(time, at_risk, censored, cohort.start, confidence_level)
