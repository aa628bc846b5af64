"""Makes result rows of one outcome, so that keys, hashes and states are written in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from blin_pipeline.outcomes.result import ResultRow, result_id
from blin_pipeline.outcomes.statistics.proportions import proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext

ELIGIBLE = "ELIGIBLE"
ALL = ("all", "all")


class RowFields(TypedDict, total=False):
    """What a row says beside its statistic and unit; what is left out is null, empty or the default.

    ``population`` defaults to the eligible patients, ``group`` is (variable, label), ``order`` the place of the group
    among its siblings, ``state`` is ok unless said otherwise.
    """

    population: str
    denominator: str
    method: str
    group: tuple[str, str]
    order: int | None
    time_days: float | None
    value: float | None
    lower: float | None
    upper: float | None
    se: float | None
    n: int | None
    n_event: int | None
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResultBuilder:
    """Rows of one outcome under one context."""

    outcome: str
    context: OutcomeContext

    def row(self, statistic: str, *, unit: str, **given: Unpack[RowFields]) -> ResultRow:
        """One row; numbers of numpy become plain ones, a NaN becomes null (so that an ok row with NaN is refused)."""
        population = given.get("population", ELIGIBLE)
        denominator, method = given.get("denominator", ""), given.get("method", "")
        variable, label = given.get("group", ALL)
        time_days = _number(given.get("time_days"))
        return ResultRow(
            result_id=result_id(
                self.outcome,
                statistic,
                population,
                denominator=denominator,
                method=method,
                group_variable=variable,
                group_label=label,
                order=given.get("order"),
                time_days=time_days,
            ),
            outcome=self.outcome,
            statistic=statistic,
            population=population,
            denominator=denominator,
            group_variable=variable,
            group_label=label,
            time_days=time_days,
            value=_number(given.get("value")),
            lower=_number(given.get("lower")),
            upper=_number(given.get("upper")),
            se=_number(given.get("se")),
            n=_count(given.get("n")),
            n_event=_count(given.get("n_event")),
            unit=unit,
            method=method,
            state=given.get("state", "ok"),
            reason=given.get("reason", ""),
            parameters_hash=self.context.parameters_hash,
            cut_id=self.context.cut_id,
        )

    def sharing(self, **shared: Unpack[RowFields]) -> FixedRows:
        """Rows that share these fields."""
        return FixedRows(self, shared)

    def count(self, statistic: str, count: float, *, unit: str = "patients", **given: Unpack[RowFields]) -> ResultRow:
        """A count: always known, zero included."""
        return self.row(statistic, unit=unit, **(given | {"value": count}))

    def share(
        self,
        statistic: str,
        numerator: int,
        denominator_n: int,
        *,
        minimum: int = 1,
        **given: Unpack[RowFields],
    ) -> ResultRow:
        """A proportion with its interval (Clopper-Pearson unless ``method`` says otherwise).

        Fewer than ``minimum`` in the denominator is a refusal that still carries numerator and denominator.
        """
        fields: RowFields = {"method": "clopper_pearson", **given, "n": denominator_n, "n_event": numerator}
        if denominator_n == 0:
            fields |= {"state": "nothing_yet", "reason": "nobody in the denominator"}
        elif denominator_n < minimum:
            fields |= {"state": "too_few", "reason": f"fewer than {minimum} in the denominator"}
        else:
            level = self.context.parameters.confidence_level
            interval = proportion(numerator, denominator_n, fields["method"], level)
            fields |= {"value": interval.value, "lower": interval.lower, "upper": interval.upper}
        return self.row(statistic, unit="fraction", **fields)

    def share_of_cycles(
        self, statistic: str, happened: pd.Series[bool], patients: pd.Series[str], **given: Unpack[RowFields]
    ) -> ResultRow:
        """A share of cycles, with an interval that knows that cycles of one patient resemble each other."""
        from blin_pipeline.outcomes.statistics.clustered import clustered_proportion

        fields: RowFields = {"method": "korn_graubard", **given, "n": len(happened), "n_event": int(happened.sum())}
        if happened.empty:
            fields |= {"state": "nothing_yet", "reason": "no cycle in the denominator"}
        else:
            level = self.context.parameters.confidence_level
            found = clustered_proportion(happened.to_numpy(dtype=bool), patients.to_numpy(dtype=str), level)
            fields |= {"value": found.value, "lower": found.lower, "upper": found.upper}
        return self.row(statistic, unit="fraction", **fields)

    def ratio(self, statistic: str, numerator: int, denominator_n: int, **given: Unpack[RowFields]) -> ResultRow:
        """A share of all that exist (done of due): no sampling, so no interval."""
        fields: RowFields = {**given, "n": denominator_n, "n_event": numerator}
        if denominator_n == 0:
            fields |= {"state": "nothing_yet", "reason": "nothing in the denominator"}
        else:
            fields |= {"value": numerator / denominator_n}
        return self.row(statistic, unit="fraction", **fields)

    def median(self, statistic: str, values: Sequence[float], *, unit: str, **given: Unpack[RowFields]) -> ResultRow:
        """Median with quartiles in ``lower`` and ``upper`` (linear interpolation, R's type 7); ``n`` known values."""
        import numpy as np

        known = np.sort(np.asarray(values, dtype=float))
        known = known[~np.isnan(known)]
        fields: RowFields = {"method": "median_quartiles", **given, "n": known.size}
        if known.size == 0:
            fields |= {"state": "nothing_yet", "reason": "no known value"}
        else:
            first, middle, third = (float(cut) for cut in np.quantile(known, [0.25, 0.5, 0.75]))
            fields |= {"value": middle, "lower": first, "upper": third}
        return self.row(statistic, unit=unit, **fields)


@dataclass(frozen=True, slots=True)
class FixedRows:
    """Rows that share some fields; what a row says itself comes before what is shared."""

    build: ResultBuilder
    shared: RowFields

    def row(self, statistic: str, *, unit: str, **given: Unpack[RowFields]) -> ResultRow:
        """One row."""
        return self.build.row(statistic, unit=unit, **(self.shared | given))

    def count(self, statistic: str, count: float, *, unit: str = "patients", **given: Unpack[RowFields]) -> ResultRow:
        """A count."""
        return self.build.count(statistic, count, unit=unit, **(self.shared | given))

    def sharing(self, **shared: Unpack[RowFields]) -> FixedRows:
        """The same with more shared fields."""
        return FixedRows(self.build, self.shared | shared)


def _number(value: float | None) -> float | None:
    """A plain float; NaN becomes null, minus zero becomes zero."""
    if value is None:
        return None
    plain = float(value)
    return None if math.isnan(plain) else plain + 0.0


def _count(value: int | None) -> int | None:
    return None if value is None else int(value)
