"""Survival endpoints beside overall survival from diagnosis: from remission, from blinatumomab, relapse-free, event-free.

Each is a Kaplan-Meier curve of ``marts.time_to_event`` with its rows (``curve_rows``), the restricted mean up to
``rmst_horizon_months``, and the one-year estimate again with the earliest and the latest dates that partial dates allow
(clinical-spec 5). The endpoints that are no sensitivity analysis stand once more with delayed entry at registration, since
part of the patients are entered late (clinical-spec 6), with the difference of the two at one year. The endpoints that end in
``_hsctc`` are censored at transplant: a sensitivity analysis, informative. ``os_trialc`` is overall survival from diagnosis
censored at the first blinatumomab inside a trial (clinical-spec 1, note c).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.curve_rows import analyse, curve_rows, left_out_row
from blin_pipeline.outcomes.curve_steps import DELAYED
from blin_pipeline.outcomes.curve_summaries import date_sensitivity_rows, restricted_mean_row
from blin_pipeline.outcomes.delayed_rows import delayed_rows, difference
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import endpoint
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "survival_endpoints"


class Endpoint(NamedTuple):
    """An endpoint of ``marts.time_to_event``, its analysis set, and what a reader must know."""

    param: str
    population: str
    note: str = ""
    with_delayed_entry: bool = True

    @property
    def prefix(self) -> str:
        """Begin of its statistics."""
        return self.param.lower()


ENDPOINTS = (
    Endpoint("OSCR", "CR1"),
    Endpoint("OSBLIN", "BLIN_FL", "conditional on reaching blinatumomab"),
    Endpoint("RFS", "CR1"),
    Endpoint("RFS_HSCTC", "CR1", "sensitivity: censored at transplant, which is informative", with_delayed_entry=False),
    Endpoint("EFS", "TREATED", "no remission counts at the end of the induction window"),
    Endpoint("EFS_DAY1", "TREATED", "sensitivity: no remission counts on day 1", with_delayed_entry=False),
    Endpoint(
        "OS_TRIALC",
        "ELIGIBLE",
        "sensitivity: censored at the first blinatumomab inside a trial",
        with_delayed_entry=False,
    ),
)


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.time_to_event``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by endpoint; with delayed entry, and the difference of the two."""
    build, times = ResultBuilder(NAME, context), table(frames, "marts.time_to_event")
    found: dict[str, Callable[[], list[ResultRow]]] = {}
    for each in ENDPOINTS:
        plain = cache(partial(_of_endpoint, build, times, each))
        found[each.param] = plain
        if each.with_delayed_entry:
            delayed = cache(partial(_delayed, build, times, each))
            found[f"{each.param}_delayed"] = delayed
            found[f"{each.param}_difference"] = partial(_difference, build, each, (plain, delayed))
    return found


def _of_endpoint(build: ResultBuilder, times: pd.DataFrame, each: Endpoint) -> list[ResultRow]:
    same_day = build.context.parameters.same_day_days
    chosen = endpoint(times, each.param, same_day)
    cohort = make_cohort(chosen.patients["time"], chosen.patients["event"])
    analysis = analyse(build, cohort, prefix=each.prefix, population=each.population)
    rows = curve_rows(analysis)
    rows.append(left_out_row(analysis, "NO_USABLE_TIME", chosen.left_out))
    rows.append(restricted_mean_row(analysis))
    rows += date_sensitivity_rows(analysis, lambda column: endpoint(times, each.param, same_day, column).patients)
    if each.note:
        rows.append(analysis.row("note", unit="patients", value=analysis.cohort.n, reason=each.note))
    return rows


def _delayed(build: ResultBuilder, times: pd.DataFrame, each: Endpoint) -> list[ResultRow]:
    chosen = endpoint(times, each.param, build.context.parameters.same_day_days)
    fixed = build.sharing(population=each.population, method=DELAYED, group=("reason", "NOT_REGISTERED_ALIVE"))
    return [
        *delayed_rows(build, chosen.delayed, prefix=each.prefix, population=each.population),
        fixed.count(f"{each.prefix}_left_out_n", len(chosen.patients) - len(chosen.delayed)),
    ]


def _difference(
    build: ResultBuilder, each: Endpoint, estimates: tuple[Callable[[], list[ResultRow]], ...]
) -> list[ResultRow]:
    rows = [row for made in estimates for row in made()]
    return [difference(build, each.prefix, rows, population=each.population)]
