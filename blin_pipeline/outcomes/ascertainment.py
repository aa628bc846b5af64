"""Retrospective entry: is every patient entered, dead or alive, and does entry depend on survival? (clinical-spec 6.).

Per site: the share entered because they had died, and deaths within six months of diagnosis, beside what the disease would
give. Over all: whether the day of entry predicts survival, which the delayed-entry curve assumes it does not. The difference
of the two survival estimates is ``os_estimator_difference`` of ``overall_survival``. What each site states about itself, and
survival by the estimator that is valid for it, is in ``ascertainment_situation``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.ascertainment_situation import situation_rows
from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.frames import days_between, table
from blin_pipeline.outcomes.populations import eligible, survival_set
from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.cox import fit_cox, hazard_ratio
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.proportions import proportion
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.outcomes.statistics.small_numbers import CoxPlan

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "ascertainment"
PER_DAYS = 30.0


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``, ``marts.time_to_event`` and ``raw.site``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows of all and by site, the test of entry, and survival by situation."""
    build = ResultBuilder(NAME, context)
    subject, sites = table(frames, "marts.subject"), table(frames, "raw.site")
    stated = sites[["site_id", "activated_date", "complete_ascertainment"]]
    patients = eligible(subject).merge(stated, on="site_id", how="left")
    survival = survival_set(subject, table(frames, "marts.time_to_event"), context.parameters.same_day_days)
    by_site = cache(partial(_by_site, build, patients, survival.patients.set_index("patient_key")))

    def by_situation() -> list[ResultRow]:
        early = [row for row in by_site() if row.statistic == "early_deaths" and row.group_variable == "site"]
        return situation_rows(build, patients, survival.patients, {row.group_label: row for row in early})

    return {
        "sites": by_site,
        "entry": lambda: [_entry_predicts(build, survival.delayed)],
        "situations": by_situation,
    }


def _by_site(build: ResultBuilder, patients: pd.DataFrame, times: pd.DataFrame) -> list[ResultRow]:
    rows: list[ResultRow] = []
    for site in [None, *sorted(set(patients["site_id"]))]:
        here = patients if site is None else patients[patients["site_id"] == site]
        group = ("all", "all") if site is None else ("site", site)
        rows += _entered_deceased(build, here, group)
        rows += _early_deaths(build, here, times, group)
        lag = days_between(here["reg_date"], here["dx_date"])
        rows.append(build.median("entry_lag_days", lag.tolist(), unit="days", group=group, n_event=len(here)))
    return rows


def _entered_deceased(build: ResultBuilder, patients: pd.DataFrame, group: tuple[str, str]) -> list[ResultRow]:
    """Share entered because they had died, among those diagnosed long before their site began to enter patients."""
    gap = days_between(patients["activated_date"], patients["dx_date"])
    before = patients[gap > build.context.parameters.path_b_after_diagnosis_days]
    deceased = int((before["ascertainment_cd"] == "RETRO_DECEASED").sum())
    undated = int(patients["activated_date"].isna().sum())
    return [
        build.share("entered_deceased", deceased, len(before), group=group),
        build.count("entered_site_start_unknown_n", undated, n=len(patients), group=group),
    ]


def _early_deaths(
    build: ResultBuilder, patients: pd.DataFrame, times: pd.DataFrame, group: tuple[str, str]
) -> list[ResultRow]:
    """Death within six months by Kaplan-Meier, and whether its interval meets the expected range.

    Who is followed for less than six months counts as long as followed: the dead of recent diagnosis alone would be too
    many. Without a death the curve has no interval: then the exact limit of those followed through stands.
    """
    parameters = build.context.parameters
    known = times.loc[times.index.isin(patients["patient_key"])]
    early = int((known["event"] & (known["time"] <= parameters.early_death_days)).sum())
    through = int((known["time"] >= parameters.early_death_days).sum())
    fixed = build.sharing(group=group, method="one_minus_kaplan_meier", n=len(known), n_event=early)
    refusal = small_number_rules(parameters).fixed_time(through)
    if known.empty:
        return [fixed.row("early_deaths", unit="fraction", state="nothing_yet", reason="nobody with a survival time")]
    if refusal:
        text = f"{refusal} after {parameters.early_death_days:g} days"
        return [fixed.row("early_deaths", unit="fraction", state="too_few", reason=text)]
    low, high = parameters.early_mortality_low, parameters.early_mortality_high
    dead, least, most = _dead_by(known, parameters.early_death_days, through, parameters.confidence_level)
    expected = f"expected {low * 100:.0f} to {high * 100:.0f} %"
    outside = "below" if most is not None and most < low else "above" if least is not None and least > high else ""
    text = f"warn: {outside} what is expected ({expected})" if outside else expected
    return [fixed.row("early_deaths", unit="fraction", value=dead, lower=least, upper=most, reason=text)]


def _dead_by(
    known: pd.DataFrame, day: float, through: int, confidence_level: float
) -> tuple[float, float | None, float | None]:
    """Probability of death up to a day with log-log limits; exact upper limit of ``through`` patients without a death."""
    curve = kaplan_meier(make_cohort(known["time"], known["event"]), confidence_level)
    index = curve.index_at(day)
    survival = 1.0 if index < 0 else float(curve.survival[index])
    if survival == 1.0:
        return 0.0, 0.0, proportion(0, through, confidence_level=confidence_level).upper
    if survival == 0.0:
        return 1.0, None, None
    return 1.0 - survival, 1.0 - float(curve.upper[index]), 1.0 - float(curve.lower[index])


def _entry_predicts(build: ResultBuilder, delayed: pd.DataFrame) -> ResultRow:
    """Hazard ratio per 30 days of later entry, in the delayed-entry set: 1 when entry is independent of survival."""
    parameters = build.context.parameters
    used = delayed[delayed["time"] > delayed["entry"]]
    events = int(used["event"].sum())
    fields: RowFields = {
        "population": "DELAYED_ENTRY",
        "method": "cox_delayed_entry",
        "n": len(used),
        "n_event": events,
    }
    plan, reason = small_number_rules(parameters).cox(events, 1)
    if plan is not CoxPlan.PLAIN:
        fields |= {"state": "too_few", "reason": reason}
    else:
        try:
            fit = fit_cox(cox_rows(used["time"], used["event"], used["entry"] / PER_DAYS, start=used["entry"]))
        except NotEstimableError as error:
            fields |= {"state": "not_estimable", "reason": error.reason}
        else:
            found = hazard_ratio(fit, level=parameters.confidence_level)
            apart = found.lower > 1.0 or found.upper < 1.0
            if np.isfinite([found.value, found.lower, found.upper, found.std_err]).all():
                fields |= {"value": found.value, "lower": found.lower, "upper": found.upper, "se": found.std_err}
                fields |= {"reason": "warn: entry depends on survival" if apart else "per 30 days of later entry"}
            else:
                fields |= {"state": "not_estimable", "reason": "no finite estimate"}
    return build.row("entry_time_hazard_ratio", unit="ratio", **fields)
