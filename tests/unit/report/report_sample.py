"""Rows of ``report.result`` for tests of the report: a made registry, no patient and no real number.

The shapes follow the outcomes' catalogue. The survival rows come from a small product-limit loop over a seeded cohort, so
that identities (at risk + deaths + censored = patients) hold as they will in a real table.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

MONTH: Final = 30.4375
CUT: Final = "2026-06_a1b2c3d4"
HASH: Final = "9f2c61d0aa17e5b3"
Record = dict[str, Any]

META: Final[dict[str, str]] = {
    "study": "NCT07117136",
    "synthetic": "true",
    "data_cut_month": "2026-06",
    "cut_id": CUT,
    "code_version": "0.1.0",
    "profile": "internal",
    "pull_id": "5d41402abc4b2a76",
    "source_kind": "redcap_api",
    "parameters_hash": HASH,
    "release_note": "First refresh of the demonstration registry.",
}


def record(outcome: str, statistic: str, **values: Any) -> Record:
    """One row with every column; what is not given is empty."""
    row: Record = {
        "outcome": outcome,
        "statistic": statistic,
        "population": "ELIGIBLE",
        "denominator": "",
        "group_variable": "all",
        "group_label": "all",
        "time_days": None,
        "value": None,
        "lower": None,
        "upper": None,
        "se": None,
        "n": None,
        "n_event": None,
        "unit": "patients",
        "method": "",
        "state": "ok",
        "reason": "",
        "parameters_hash": HASH,
        "cut_id": CUT,
    }
    order = values.pop("order", None)
    row.update(values)
    day = "" if row["time_days"] is None else f"{row['time_days']:010.3f}"
    step = "" if order is None else f"{order:02d}"
    row["result_id"] = ".".join(
        str(part)
        for part in (
            outcome,
            statistic,
            row["population"],
            row["denominator"],
            row["method"],
            row["group_variable"],
            step,
            row["group_label"],
            day,
        )
    )
    return row


def wilson(x: int, n: int) -> tuple[float, float]:
    """Wilson limits at 95 %, enough for a made row."""
    z = 1.959964
    p = x / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def proportion(outcome: str, statistic: str, x: int, n: int, **values: Any) -> Record:
    """A proportion row; under ``too_few`` the value is withheld."""
    if n == 0:
        return record(outcome, statistic, n=0, n_event=0, unit="fraction", state="nothing_yet", **values)
    if values.get("state") == "too_few":
        return record(outcome, statistic, n=n, n_event=x, unit="fraction", **values)
    lower, upper = wilson(x, n)
    return record(outcome, statistic, value=x / n, lower=lower, upper=upper, n=n, n_event=x, unit="fraction", **values)


FLOW: Final = (
    ("RECORDS", 0),
    ("HELD", 1),
    ("NOT_DUPLICATE", 3),
    ("CONSENT", 6),
    ("AGE", 2),
    ("B_ALL", 4),
    ("DIAGNOSIS_DATE", 5),
    ("NO_TRIAL_BLIN", 0),
    ("COMPLETE", 7),
    ("ANALYSIS", 0),
)


def months(first: str, last: str) -> list[str]:
    """Every month from first to last, ``YYYY-MM``."""
    year, month = (int(part) for part in first.split("-"))
    out = []
    while f"{year:04d}-{month:02d}" <= last:
        out.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out


def enrolment(eligible: int = 172, seed: int = 1) -> list[Record]:
    """Flow, entry paths and accrual."""
    rows: list[Record] = []
    left = eligible + sum(out for _, out in FLOW)
    rows.append(record("enrolment", "records_n", population="RECORDS", value=left))
    for label, n in (("ELIGIBLE", eligible), ("INELIGIBLE", 20), ("PENDING", 7), ("HELD", 1)):
        rows.append(
            record(
                "enrolment",
                "eligibility_status_n",
                population="RECORDS",
                group_variable="eligibility_status",
                group_label=label,
                value=n,
            )
        )
    for order, (label, out) in enumerate(FLOW):
        left -= out
        group = {"group_variable": "flow_step", "group_label": label, "order": order, "population": "RECORDS"}
        undetermined = out if label == "COMPLETE" else 0
        rows.append(record("enrolment", "flow_remaining_n", value=left, **group))
        rows.append(record("enrolment", "flow_excluded_n", value=out, **group))
        rows.append(record("enrolment", "flow_undetermined_n", value=undetermined, **group))
    prospective = round(eligible * 0.62)
    deceased = round(eligible * 0.08)
    paths = (
        ("PROSPECTIVE", prospective),
        ("RETRO_ALIVE", eligible - prospective - deceased),
        ("RETRO_DECEASED", deceased),
        ("UNKNOWN", 0),
    )
    for label, n in paths:
        rows.append(record("enrolment", "entry_path_n", group_variable="ascertainment", group_label=label, value=n))
    for label, n in (
        ("RESPONSE", round(eligible * 0.93)),
        ("OVERALL_SURVIVAL", eligible - 1),
        ("EXPOSURE", round(eligible * 0.71)),
        ("DELAYED_ENTRY", eligible - deceased - 2),
    ):
        rows.append(record("enrolment", "flow_available_n", group_variable="available_for", group_label=label, value=n))
    calendar = months("2024-06", "2026-06")
    chance = random.Random(seed)
    shares = sorted(chance.random() for _ in range(len(calendar) - 1))
    for index, month in enumerate(calendar):
        share = shares[index] if index < len(shares) else 1.0
        a, b = round(prospective * share**1.2), round((eligible - prospective) * min(1.0, share**0.6))
        for name, n in (("total", a + b), ("prospective", a), ("retrospective", b)):
            rows.append(record("enrolment", f"accrual_{name}_n", group_variable="month", group_label=month, value=n))
    rows.append(record("enrolment", "accrual_undated_n", value=0, n=eligible))
    rows.append(record("enrolment", "accrual_target_n", value=200))
    rows.append(
        record(
            "enrolment",
            "accrual_days_to_target",
            value=214.0,
            lower=158.0,
            upper=301.0,
            n=24,
            unit="days",
            method="gamma_poisson",
            reason="pace of prospective patients of the last 180 days; limits hold 80%",
        )
    )
    return rows


BACKBONES: Final = (
    ("HCVAD", 38, 34),
    ("MHCVD", 21, 18),
    ("C10403", 24, 22),
    ("E1910", 31, 28),
    ("BFM", 7, 6),
    ("GRAALL", 4, 4),
    ("DFCI", 3, 3),
    ("LINK", 2, 1),
    ("TKI_LOW", 14, 13),
    ("TKI_INT", 11, 9),
    ("LOW", 6, 3),
    ("IMMUNO", 2, 2),
    ("OTHER", 1, 0),
    ("UNK", 2, 1),
)


def remission() -> list[Record]:
    """Complete remission on D1 to D3, by backbone, and what is missing."""
    rows: list[Record] = []
    sizes = {"D1": 163, "D2": 152, "D3": 158}
    for statistic, x in (
        ("cr_registry", 139),
        ("cr_conventional", 121),
        ("cr_composite", 135),
        ("cr_mrd_negative", 92),
    ):
        for denominator, n in sizes.items():
            rows += [
                proportion("complete_remission", statistic, x, n, denominator=denominator, method=method)
                for method in ("clopper_pearson", "wilson")
            ]
    rows.append(record("complete_remission", "cr_mrd_tested_n", denominator="D1", value=131, n=139))
    for label, n, x in BACKBONES:
        group = {"group_variable": "backbone", "group_label": label, "denominator": "D1"}
        few = {"state": "too_few", "reason": "fewer than 10"} if n < 10 else {}
        rows += [
            proportion("complete_remission", statistic, count, n, method="clopper_pearson", **group, **few)
            for statistic, count in (("cr_registry", x), ("cr_mrd_negative", x // 2))
        ]
        rows.append(record("complete_remission", "cr_mrd_tested_n", value=x - x // 5, n=x, **group))
    states = (("RESPONDER", 139), ("NO_CR", 13), ("NOT_ASSESSED", 11), ("NOT_YET_DUE", 5), ("NOT_TREATED", 4))
    for label, n in states:
        rows.append(
            record(
                "complete_remission", "response_state_n", group_variable="response_state", group_label=label, value=n
            )
        )
    for label, n in (("DIED", 4), ("NO_MARROW", 5), ("UNK", 2)):
        rows.append(
            record("complete_remission", "not_assessed_reason_n", group_variable="reason", group_label=label, value=n)
        )
    return rows


Cohort = Sequence[tuple[float, float, bool]]


def cohort(n: int, seed: int, *, delayed: bool) -> list[tuple[float, float, bool]]:
    """Entry day, last day, death; roughly 80 % alive at one year."""
    chance = random.Random(seed)
    out: list[tuple[float, float, bool]] = []
    while len(out) < n:
        day = round(chance.expovariate(1 / 1900)) or 0.5
        follow = round(chance.uniform(40, 930))
        entry = round(chance.uniform(0, 220)) if delayed else 0
        last = min(day, follow)
        if entry < last:
            out.append((entry, last, day <= follow))
    return out


def survival_rows(people: Cohort, method: str, population: str, start: float = 0.0) -> list[Record]:
    """Curve, ticks, fixed times, median of one estimator, by a plain product-limit loop."""
    base: Mapping[str, Any] = {"method": method, "population": population}

    def row(statistic: str, **values: Any) -> Record:
        return record("overall_survival", statistic, **base, **values)

    rows = [row("os_curve", time_days=start, value=1.0, lower=1.0, upper=1.0, n=None, n_event=0, unit="fraction")]
    s, variance, curve_end = 1.0, 0.0, 0.0
    steps = [(start, 1.0)]
    for time in sorted({last for _, last, _ in people if last > start}):
        at_risk = sum(max(entry, start) < time <= last for entry, last, _ in people)
        deaths = sum(last == time and dead for _, last, dead in people)
        censored = sum(last == time and not dead for _, last, dead in people)
        if at_risk >= 10:
            curve_end = time
        if deaths:
            s *= 1 - deaths / at_risk
            variance += deaths / (at_risk * (at_risk - deaths)) if at_risk > deaths else math.inf
        lower = upper = None
        if 0 < s < 1:
            spread = 1.959964 * math.sqrt(variance) / abs(math.log(s))
            lower, upper = s ** math.exp(spread), s ** math.exp(-spread)
        rows.append(
            row(
                "os_curve",
                time_days=time,
                value=s,
                lower=lower,
                upper=upper,
                n=at_risk,
                n_event=deaths,
                unit="fraction",
            )
        )
        steps.append((time, s))
        if censored:
            rows.append(row("os_censored_at", time_days=time, value=censored))
    longest = max(last for _, last, _ in people)
    tick = 0
    while tick * MONTH <= longest:
        t = tick * MONTH
        entered = [person for person in people if person[0] <= t]
        values = {
            "os_at_risk_n": sum(last >= t for _, last, _ in entered),
            "os_deaths_n": sum(last < t and dead for _, last, dead in entered),
            "os_censored_n": sum(last < t and not dead for _, last, dead in entered),
        }
        if population == "DELAYED_ENTRY":
            values["os_entered_n"] = len(entered)
        rows.extend(row(name, time_days=t, value=n) for name, n in values.items())
        tick += 6
    for month in (6, 12, 24, 36, 60):
        t = month * MONTH
        at_risk = sum(entry <= t <= last for entry, last, _ in people)
        deaths = sum(dead and last <= t for _, last, dead in people)
        if t > longest:
            rows.append(
                row(
                    "os_survival",
                    time_days=t,
                    n=0,
                    n_event=deaths,
                    unit="fraction",
                    state="nothing_yet",
                    reason="beyond the longest follow-up",
                )
            )
        elif at_risk < 5:
            rows.append(
                row(
                    "os_survival",
                    time_days=t,
                    n=at_risk,
                    n_event=deaths,
                    unit="fraction",
                    state="too_few",
                    reason="fewer than 5 at risk",
                )
            )
        else:
            value = [s for time, s in steps if time <= t][-1]
            rows.append(
                row(
                    "os_survival",
                    time_days=t,
                    value=value,
                    lower=value - 0.06,
                    upper=value + 0.05,
                    se=0.028,
                    n=at_risk,
                    n_event=deaths,
                    unit="fraction",
                )
            )
    rows.append(
        row("os_median", lower=26.4, unit="months", state="not_reached", reason="the curve stays above one half")
    )
    rows.append(row("os_follow_up_median", value=14.8, lower=13.1, upper=16.9, unit="months"))
    rows.append(row("os_deaths_total_n", value=sum(dead for _, _, dead in people)))
    rows.append(row("os_patients_n", value=len(people)))
    rows.append(row("os_curve_end", value=curve_end, unit="days"))
    label = "NO_SURVIVAL_TIME" if population == "ELIGIBLE" else "ENTRY_NOT_BEFORE_TIME"
    rows.append(row("os_left_out_n", group_variable="reason", group_label=label, value=1))
    return rows


def survival(n: int = 171) -> list[Record]:
    """Both estimators and their difference."""
    rows = survival_rows(cohort(n, 7, delayed=False), "kaplan_meier", "ELIGIBLE")
    rows += survival_rows(cohort(max(n - 15, 1), 8, delayed=True), "kaplan_meier_delayed_entry", "DELAYED_ENTRY", 9.0)
    rows.append(
        record(
            "overall_survival",
            "os_conditional_start",
            population="DELAYED_ENTRY",
            method="kaplan_meier_delayed_entry",
            value=9.0,
            unit="days",
        )
    )
    first = [
        row["value"]
        for row in rows
        if row["statistic"] == "os_survival" and row["time_days"] == 12 * MONTH and row["value"] is not None
    ]
    if len(first) == 2:
        gap = abs(first[0] - first[1])
        rows.append(
            record(
                "overall_survival",
                "os_estimator_difference",
                time_days=12 * MONTH,
                value=gap,
                unit="fraction",
                reason="warn" if gap > 0.05 else "",
            )
        )
    return rows


RETENTION: Final = {
    "1": (88, 9, 14, 6, 3, 2),
    "2": (71, 6, 8, 7, 2, 9),
    "3": (52, 5, 7, 8, 1, 14),
    "4": (37, 3, 4, 6, 1, 17),
    "5+": (6, 0, 1, 1, 0, 0),
}
STATUSES: Final = ("COMPLETED", "COMPLETED_REDUCED", "STOPPED_EARLY", "ONGOING", "NOT_EVALUABLE", "NOT_STARTED")


def exposure() -> list[Record]:
    """Cycles, dose, interruptions, reasons for stopping."""
    rows = [
        proportion("exposure", "patients_exposed", 122, 163, population="TREATED", method="clopper_pearson"),
        record("exposure", "cycles_started_per_patient", value=3.0, lower=2.0, upper=4.0, n=122, unit="cycles"),
        proportion("exposure", "patients_four_cycles", 51, 122, method="clopper_pearson"),
    ]
    for cycle, counts in RETENTION.items():
        for status, n in zip(STATUSES, counts, strict=True):
            rows.append(
                record(
                    "exposure",
                    "cycle_retention_n",
                    group_variable="cycle_status",
                    group_label=f"{cycle}:{status}",
                    value=n,
                    n=sum(counts),
                    unit="cycles",
                )
            )
    for cycle, n, before in (("2", 13, 117), ("3", 9, 94), ("4", 12, 73)):
        rows.append(
            record(
                "exposure",
                "cycle_not_recorded_n",
                population="EXPOSED",
                group_variable="cycle",
                group_label=cycle,
                value=n,
                n=before,
            )
        )
    for statistic, value, lower, upper, n, unit in (
        ("delivered_days", 28.0, 27.6, 28.0, 318, "days"),
        ("dose_completeness", 1.0, 0.96, 1.0, 318, "fraction"),
        ("delivered_mcg", 784.0, 756.0, 784.0, 318, "mcg"),
        ("interruptions_4h_per_cycle", 0.0, 0.0, 1.0, 326, "count"),
        ("gap_between_cycles", 19.0, 14.0, 33.0, 201, "days"),
        ("start_to_start_days", 47.0, 42.0, 61.0, 201, "days"),
        ("hospital_days", 4.0, 3.0, 7.0, 331, "days"),
        ("days_diagnosis_to_first_blin", 118.0, 84.0, 163.0, 122, "days"),
    ):
        rows.append(
            record(
                "exposure",
                statistic,
                value=value,
                lower=lower,
                upper=upper,
                n=n,
                n_event=344,
                unit=unit,
                method="median_quartiles",
            )
        )
    rows.append(proportion("exposure", "cycles_with_interruption", 96, 326, method="clopper_pearson"))
    rows.append(proportion("exposure", "cycles_step_dosing", 17, 344, method="clopper_pearson"))
    rows.append(proportion("exposure", "cycles_any_home", 263, 337, method="clopper_pearson"))
    for label, n in (("1", 4), ("2", 9), ("3", 5), ("4", 2), ("5", 4), ("7", 6), ("8", 1), ("10", 2), ("11", 1)):
        rows.append(record("exposure", "stop_reason_n", group_variable="stop_reason", group_label=label, value=n, n=34))
    return rows


def sites(n: int = 9, seed: int = 3) -> list[Record]:
    """Site table."""
    chance = random.Random(seed)
    rows: list[Record] = []
    for index in range(1, n + 1):
        group: Mapping[str, Any] = {"group_variable": "site", "group_label": f"S{index:02d}"}
        eligible = chance.randint(3, 40)
        due, alive = eligible * 11, max(1, eligible - 4)
        rows.append(record("site_summary", "site_records_n", value=eligible + chance.randint(0, 5), **group))
        rows.append(record("site_summary", "site_eligible_n", value=eligible, **group))
        rows.append(record("site_summary", "site_eligible_last_90_days_n", value=chance.randint(0, 5), **group))
        rows.append(proportion("site_summary", "site_forms_complete", due - chance.randint(0, due // 4), due, **group))
        rows.append(proportion("site_summary", "site_followup_current", alive - chance.randint(0, 2), alive, **group))
        rows.append(
            record(
                "site_summary", "site_entry_lag_days", value=chance.randint(9, 210), n=eligible, unit="days", **group
            )
        )
        rows.append(
            record("site_summary", "site_open_queries_error_n", value=chance.randint(0, 4), unit="queries", **group)
        )
        rows.append(
            record("site_summary", "site_open_queries_warn_n", value=chance.randint(0, 12), unit="queries", **group)
        )
        rows.append(record("site_summary", "site_answered_queries_n", value=index % 2, unit="queries", **group))
        rows.append(record("site_summary", "site_accepted_queries_n", value=index, unit="queries", **group))
        rows.append(
            record(
                "site_summary",
                "site_activated_month",
                value=202400 + index % 12 + 1,
                unit="month",
                reason=f"2024-{index % 12 + 1:02d}",
                **group,
            )
        )
    return rows


def quality() -> list[Record]:
    """Queries, checks, quarantine."""
    counts = (0, 3, 1, 2, 1, 1, 2, 4, 6, 1, 2, 3, 5, 2, 1, 1, 17, 2, 3, 4)
    errors = {1, 3, 4, 5, 6, 8, 10, 11, 12, 16}
    n_error = sum(n for check, n in enumerate(counts, 1) if check in errors)
    rows = [
        record(
            "data_quality",
            "open_queries_n",
            group_variable="severity",
            group_label="error",
            value=n_error,
            unit="queries",
        ),
        record(
            "data_quality",
            "open_queries_n",
            group_variable="severity",
            group_label="warn",
            value=sum(counts) - n_error,
            unit="queries",
        ),
        record(
            "data_quality", "open_queries_n", group_variable="severity", group_label="info", value=7, unit="queries"
        ),
        record("data_quality", "open_queries_n", value=sum(counts) + 7, unit="queries"),
        record("data_quality", "answered_queries_n", value=3, unit="queries"),
        record("data_quality", "accepted_queries_n", value=2, unit="queries"),
        record("data_quality", "quarantined_rows_n", value=2, unit="rows"),
        record("data_quality", "rejected_values_n", value=5, unit="values"),
    ]
    for check, n in enumerate(counts, 1):
        rows.append(
            record(
                "data_quality",
                "check_violations",
                group_variable="check",
                group_label=f"D{check:02d}",
                value=n,
                n=205 + 31 * check,
                unit="queries",
                reason="FAILED" if n else "PASSED",
            )
        )
    return rows


def full(site_count: int = 9) -> list[Record]:
    """Everything computed, as a refresh of the demonstration registry would leave it."""
    return [*enrolment(), *remission(), *survival(), *exposure(), *sites(site_count), *quality()]


def emptied(rows: Iterable[Record], state: str) -> list[Record]:
    """The same rows with every number taken away and one state everywhere."""
    return [
        {
            **row,
            "value": None,
            "lower": None,
            "upper": None,
            "n": None,
            "n_event": None,
            "state": state,
            "reason": "made so",
        }
        for row in rows
    ]


def _huge() -> list[Record]:
    rows = [*enrolment(123_456), *remission(), *survival(1500), *exposure(), *quality()]
    return [*rows, *sites(3)]


def _first_patient() -> list[Record]:
    """One patient, nothing due yet."""
    few = emptied([*remission(), *survival(20), *exposure()], "nothing_yet")
    return [*enrolment(1), *few, *sites(1), *quality()]


CASES: Final[dict[str, Callable[[], list[Record]]]] = {
    "full": full,
    "forty_sites": lambda: full(40),
    "huge": _huge,
    "first_patient": _first_patient,
    "too_few": lambda: emptied(full(), "too_few"),
    "not_collected": lambda: emptied(full(), "not_collected"),
    "no_rows": list,
}
