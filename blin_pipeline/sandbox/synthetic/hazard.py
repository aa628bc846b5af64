"""The true model of death, stated so that an estimator can be judged against it.

Hazard of patient i on day t after diagnosis (days; ``(start, stop]`` convention of the design page, decision 5)::

    h_i(t) = h0(t) * exp(b . x_i) * hazard_ratio ** [t > first infusion day of i]

with h0 constant on each piece and x fixed at diagnosis. The day of the first infusion is decided by the treatment schedule
alone: it does not look at the day of death, only a patient who is dead by then never reaches it. Relapse, transplant and
response are markers that do not enter the hazard. So a Cox model with the covariates and a first-infusion switch is right, and
ever against never is wrong by design.
"""

from __future__ import annotations

import math
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from blin_pipeline.sandbox.synthetic.draws import Draws

#: Days after which the generator stops looking: a patient who outlives it is written with this day of death.
LAST_DAY = 36_525


class HazardModel(BaseModel):
    """Piecewise constant baseline hazard and log hazard ratios.

    Attributes:
        piece_starts: First day of each piece, from 0.
        piece_rates: Hazard per day on each piece, for the reference patient (40-59, BCR::ABL1 negative, not refractory).
        log_hazard_ratios: Covariate -> coefficient.
        hazard_ratio: Hazard ratio from the first infusion on.
    """

    model_config = ConfigDict(frozen=True)

    piece_starts: tuple[float, ...] = (0.0, 45.0, 180.0, 540.0)
    piece_rates: tuple[float, ...] = (0.00095, 0.00072, 0.00088, 0.00050)
    log_hazard_ratios: dict[str, float] = {
        "age_18_39": math.log(0.70),
        "age_60_74": math.log(1.60),
        "age_75_plus": math.log(2.40),
        "bcr_abl1_positive": math.log(0.85),
        "refractory": math.log(2.50),
    }
    hazard_ratio: float

    def linear_predictor(self, covariates: dict[str, bool]) -> float:
        """Sum of the coefficients of the covariates that hold."""
        return sum(value for name, value in self.log_hazard_ratios.items() if covariates.get(name, False))

    def cumulative(self, day: float, linear_predictor: float, switch_day: float | None) -> float:
        """Cumulative hazard up to a day."""
        return math.exp(linear_predictor) * self._units(day, switch_day)

    def survival(self, day: float, linear_predictor: float, switch_day: float | None) -> float:
        """Probability to be alive after that day, given the day on which the first infusion is due."""
        return math.exp(-self.cumulative(day, linear_predictor, switch_day))

    def draw_death_day(self, draws: Draws, linear_predictor: float, switch_day: float | None) -> int:
        """Day of death (>= 1): the cumulative hazard inverted at a unit exponential, rounded up to the day's end."""
        left = draws.exponential(1.0) / math.exp(linear_predictor)
        for start, stop, rate in self._pieces(switch_day):
            if left <= rate * (stop - start):
                return min(LAST_DAY, max(1, math.ceil(start + left / rate)))
            left -= rate * (stop - start)
        return LAST_DAY

    def _units(self, day: float, switch_day: float | None) -> float:
        return sum(rate * (min(stop, day) - start) for start, stop, rate in self._pieces(switch_day) if start < day)

    def _pieces(self, switch_day: float | None) -> list[tuple[float, float, float]]:
        cuts = sorted({*self.piece_starts, LAST_DAY + 1.0, *([] if switch_day is None else [float(switch_day)])})
        pieces = []
        for start, stop in pairwise(cuts):
            piece = max(i for i, first in enumerate(self.piece_starts) if first <= start)
            factor = self.hazard_ratio if switch_day is not None and start >= switch_day else 1.0
            pieces.append((start, stop, self.piece_rates[piece] * factor))
        return pieces


def covariates_at_diagnosis(age_years: float, bcr_abl1_positive: bool, refractory: bool) -> dict[str, bool]:
    """The covariates of the model for one patient."""
    return {
        "age_18_39": age_years < 40,
        "age_60_74": 60 <= age_years < 75,
        "age_75_plus": age_years >= 75,
        "bcr_abl1_positive": bcr_abl1_positive,
        "refractory": refractory,
    }
