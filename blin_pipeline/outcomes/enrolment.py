"""Who is in the registry: patient flow, entry paths, accrual by month and the projection to the target."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import is_true, table
from blin_pipeline.outcomes.populations import eligible, exposed_keys, frontline_cycles, survival_set

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "enrolment"
#: The check that counts records which withdrew everything: they have no row anywhere, only this count.
REMOVED_CHECK = "WITHDRAWN_SCOPE_2"
RECORDS = "RECORDS"
STATUSES = ("ELIGIBLE", "INELIGIBLE", "PENDING", "HELD")
ENTRY_PATHS = ("PROSPECTIVE", "RETRO_ALIVE", "RETRO_DECEASED", "UNKNOWN")
#: Criteria of the flow in its order: label and criterion. E0 is duplicate or entered in error.
CRITERIA = (
    ("NOT_DUPLICATE", "E0"),
    ("CONSENT", "E5"),
    ("AGE", "E1"),
    ("B_ALL", "E2"),
    ("DIAGNOSIS_DATE", "E3"),
    ("NO_TRIAL_BLIN", "E4"),
)
#: Reasons on the registration form that make a record no patient of its own.
NOT_A_PATIENT = frozenset({"2", "3", "DUPLICATE", "ENTERED_IN_ERROR"})


class FlowStep(NamedTuple):
    """A box of the flow: who is left after it, who left at it, who of those left is undetermined on it."""

    label: str
    remaining: int
    excluded: int
    undetermined: int


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: The tables that its entry in ``OUTCOMES`` names.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    subject = table(frames, "marts.subject")
    criteria = table(frames, "marts.eligibility_result")
    total = len(subject)
    checks = table(frames, "quality.check_result")
    removed = int(checks.loc[checks["check_id"] == REMOVED_CHECK, "n_evaluated"].sum())
    rows = [
        build.count("records_n", total + removed, population=RECORDS),
        build.count("records_removed_n", removed, population=RECORDS),
    ]
    rows += [
        build.count(
            "eligibility_status_n",
            int((subject["eligibility_status_cd"] == status).sum()),
            population=RECORDS,
            n=total,
            group=("eligibility_status", status),
            order=place,
        )
        for place, status in enumerate(STATUSES)
    ]
    for place, step in enumerate(flow(subject, criteria, removed)):
        rows += [
            build.count(
                f"flow_{part}_n", count, population=RECORDS, n=total, group=("flow_step", step.label), order=place
            )
            for part, count in zip(("remaining", "excluded", "undetermined"), step[1:], strict=True)
        ]
    rows += _available(build, frames, subject)
    patients = eligible(subject)
    paths = patients["ascertainment_cd"].where(patients["ascertainment_cd"].isin(ENTRY_PATHS), "UNKNOWN")
    rows += [
        build.count(
            "entry_path_n", int((paths == path).sum()), n=len(patients), group=("ascertainment", path), order=place
        )
        for place, path in enumerate(ENTRY_PATHS)
    ]
    return rows + _accrual(build, patients, paths)


def flow(subject: pd.DataFrame, criteria: pd.DataFrame, removed: int = 0) -> list[FlowStep]:
    """Boxes of the patient flow in the protocol's order.

    The first criterion failed decides where a record leaves. A record with no failure and something undetermined
    leaves at ``COMPLETE``, where ``excluded`` and ``undetermined`` are both its count. Before, ``undetermined``
    informs only: records still in the flow whose criterion is not decided.

    Args:
        subject: ``marts.subject``, one row per record.
        criteria: ``marts.eligibility_result``, one row per record and criterion.
        removed: Records that withdrew everything: counted in REDCap, in no table.
    """
    met = criteria.drop_duplicates(["patient_key", "criterion_cd"]).pivot(
        index="patient_key", columns="criterion_cd", values="met_cd"
    )
    met = met.reindex(index=subject["patient_key"], columns=[criterion for _, criterion in CRITERIA]).fillna("")
    met = met.set_axis(subject.index)
    met["E0"] = met["E0"].where(~subject["screen_note_cd"].isin(NOT_A_PATIENT), "N")

    left = subject["eligibility_status_cd"] != "HELD"
    steps = [
        FlowStep(RECORDS, len(subject) + removed, 0, 0),
        FlowStep("REMOVED", len(subject), removed, 0),
        FlowStep("HELD", int(left.sum()), len(subject) - int(left.sum()), 0),
    ]
    for label, criterion in CRITERIA:
        failed = left & (met[criterion] == "N")
        left = left & ~failed
        steps.append(
            FlowStep(label, int(left.sum()), int(failed.sum()), int((left & (met[criterion] == "UNKNOWN")).sum()))
        )
    undetermined = left & (met == "UNKNOWN").any(axis=1)
    left = left & ~undetermined
    steps.append(FlowStep("COMPLETE", int(left.sum()), int(undetermined.sum()), int(undetermined.sum())))
    steps.append(FlowStep("ANALYSIS", int(left.sum()), 0, 0))
    return steps


def days_to_target(missing: int, in_window: int, window_days: int, interval: float) -> tuple[float, float, float]:
    """Median and limits of the days until ``missing`` more patients have come (gamma-Poisson).

    Patients come as a Poisson process; with Jeffreys' prior the daily rate is gamma distributed with shape
    ``in_window`` + 1/2 and exposure ``window_days``, so the waiting time is ``window_days`` times a beta prime
    variable with shapes ``missing`` and ``in_window`` + 1/2 (a gamma mixture of gammas; the count in a fixed time
    would be negative binomial).

    Args:
        missing: Patients still to come, at least 1.
        in_window: Patients of the window.
        window_days: Its length.
        interval: Probability between the limits.

    Returns:
        Median, lower and upper limit in days.
    """
    from scipy.stats import betaprime

    tail = (1.0 - interval) / 2
    lower, middle, upper = window_days * betaprime.ppf([tail, 0.5, 1.0 - tail], missing, in_window + 0.5)
    return float(middle), float(lower), float(upper)


def _available(build: ResultBuilder, frames: Mapping[str, pd.DataFrame], subject: pd.DataFrame) -> list[ResultRow]:
    """Eligible patients whom each analysis can use; these do not sum to anything."""
    patients = eligible(subject)
    survival = survival_set(subject, table(frames, "marts.time_to_event"), build.context.parameters.same_day_days)
    cycles = frontline_cycles(subject, table(frames, "marts.blin_cycle_exposure"))
    counts = {
        "RESPONSE": int(is_true(patients["is_response_d2"]).sum()),
        "OVERALL_SURVIVAL": len(survival.patients),
        "EXPOSURE": len(exposed_keys(cycles)),
        "DELAYED_ENTRY": len(survival.delayed),
    }
    return [
        build.count("flow_available_n", count, n=len(patients), group=("available_for", label), order=place)
        for place, (label, count) in enumerate(counts.items())
    ]


def _accrual(build: ResultBuilder, patients: pd.DataFrame, paths: pd.Series[str]) -> list[ResultRow]:
    """Cumulative eligible patients by month of registration, the target, and when it will be reached."""
    import pandas as pd

    cut = build.context.data_cut
    dates = patients["reg_date"]
    dated = dates <= pd.Timestamp(cut)
    months = dates[dated].dt.strftime("%Y-%m")
    by_path = paths[dated]
    chosen = {
        "accrual_total_n": by_path.notna(),
        "accrual_prospective_n": by_path == "PROSPECTIVE",
        "accrual_retrospective_n": by_path.isin(("RETRO_ALIVE", "RETRO_DECEASED")),
    }
    calendar = _months(months.min(), cut) if len(months) else []
    rows = [
        build.count(statistic, int((months[wanted] <= month).sum()), group=("month", month))
        for statistic, wanted in chosen.items()
        for month in calendar
    ]
    undated = len(patients) - int(dated.sum())
    rows.append(build.count("accrual_undated_n", undated, n=len(patients)))
    rows.append(build.count("accrual_target_n", build.context.parameters.target_patients))
    prospective = dates[dated & (paths == "PROSPECTIVE")]
    rows.append(_projection(build, len(patients), prospective))
    return rows


def _projection(build: ResultBuilder, enrolled: int, prospective: pd.Series[pd.Timestamp]) -> ResultRow:
    """Days from the cut to the target at the pace of prospective entry (retrospective entry comes in batches)."""
    import pandas as pd

    parameters, cut = build.context.parameters, build.context.data_cut
    window = parameters.accrual_window_days
    in_window = int((prospective > pd.Timestamp(cut) - timedelta(days=window)).sum())
    missing = parameters.target_patients - enrolled
    name, method = "accrual_days_to_target", "gamma_poisson"
    pace = f"prospective patients of the last {window} days"
    if missing <= 0:
        return build.row(
            name, unit="days", method=method, value=0, lower=0, upper=0, n=in_window, reason="the target is reached"
        )
    if in_window < parameters.accrual_min_window:
        return build.row(
            name,
            unit="days",
            method=method,
            n=in_window,
            state="too_few",
            reason=f"fewer than {parameters.accrual_min_window} {pace}",
        )
    middle, lower, upper = days_to_target(missing, in_window, window, parameters.accrual_interval)
    return build.row(
        name,
        unit="days",
        method=method,
        value=middle,
        lower=lower,
        upper=upper,
        n=in_window,
        reason=f"pace of {pace}; limits hold {parameters.accrual_interval:.0%}",
    )


def _months(first: str, cut: date) -> list[str]:
    """Every month from ``first`` (``YYYY-MM``) to the month of the cut."""
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(start, cut.year * 12 + cut.month)]
