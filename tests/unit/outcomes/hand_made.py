"""A registry of forty made-up records whose every result can be counted by hand. All of it is synthetic.

p01 to p30 are eligible; p31 to p40 are not, each for its own reason. Site S01 holds the odd, S02 the even numbers.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

CUT = date(2026, 6, 30)
DIAGNOSIS = date(2024, 1, 10)
CRITERIA = ("E1", "E2", "E3", "E4", "E5", "E6")


def key(number: int) -> str:
    return f"p{number:02d}"


def _eligible(number: int) -> dict[str, object]:
    retro_alive, retro_deceased = 21 <= number <= 25, 26 <= number <= 28
    path = "RETRO_ALIVE" if retro_alive else "RETRO_DECEASED" if retro_deceased else "PROSPECTIVE"
    path = "UNKNOWN" if number == 30 else path
    died = number <= 6 or retro_deceased
    treated = number <= 28
    not_due = number == 28
    assessed = number <= 20
    cr = number <= 16
    return {
        "patient_key": key(number),
        "site_id": "S01" if number % 2 else "S02",
        "ascertainment_cd": path,
        "screen_note_cd": None,
        "eligibility_status_cd": "ELIGIBLE",
        "backbone_declared_cd": "HCVAD" if number <= 12 else "E1910" if number <= 20 else None,
        "response_state_cd": (
            "NOT_TREATED" if not treated else "NOT_YET_DUE" if not_due else "RESPONDER" if cr
            else "NO_CR" if assessed else "NOT_ASSESSED"
        ),
        "not_assessed_reason_cd": "DIED" if 26 <= number <= 27 else None,
        # p29 has no usable registration date; the last ten prospective ones came in the last 180 days.
        "reg_date": None if number == 29 else CUT - timedelta(days=20 * number),
        "dx_date": DIAGNOSIS,
        "first_blin_date": DIAGNOSIS + timedelta(days=100 + number) if number <= 8 else None,
        "death_date": DIAGNOSIS + timedelta(days=50 * number) if died else None,
        "last_alive_date": None if died else (CUT - timedelta(days=10 * number)),
        "is_eligible": True,
        "is_treated": treated,
        "is_response_d1": treated and not not_due,
        "is_response_d2": assessed,
        "is_response_d3": assessed or number in (26, 27),
        "is_cr_registry": cr,
        "is_cr_conventional": number <= 14,
        "is_cr_composite": number <= 15,
    }  # fmt: skip


_NOT_ELIGIBLE = {
    31: ("HELD", {"E6": "UNKNOWN"}, None),
    32: ("INELIGIBLE", {}, "2"),
    33: ("INELIGIBLE", {"E5": "N", "E1": "N"}, None),
    34: ("INELIGIBLE", {"E1": "N"}, None),
    35: ("INELIGIBLE", {"E2": "N", "E3": "UNKNOWN"}, None),
    36: ("INELIGIBLE", {"E3": "N"}, None),
    37: ("INELIGIBLE", {"E4": "N"}, None),
    38: ("PENDING", {"E4": "UNKNOWN"}, None),
    39: ("PENDING", {"E3": "UNKNOWN", "E5": "UNKNOWN"}, None),
    40: ("PENDING", {"E5": "UNKNOWN"}, "0"),
}


def subject() -> pd.DataFrame:
    rows = [_eligible(number) for number in range(1, 31)]
    for number, (status, _, note) in _NOT_ELIGIBLE.items():
        flags = dict.fromkeys((name for name in rows[0] if name.startswith("is_")), False)
        rows.append(
            dict.fromkeys(rows[0])
            | flags
            | {
                "patient_key": key(number),
                "site_id": "S01" if number % 2 else "S02",
                "eligibility_status_cd": status,
                "screen_note_cd": note,
            }
        )
    return pd.DataFrame(rows)


def eligibility_result() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_key": key(number),
            "site_id": "S01",
            "criterion_cd": criterion,
            "met_cd": _NOT_ELIGIBLE.get(number, ("", {}, None))[1].get(criterion, "Y"),
        }
        for number in range(1, 41)
        for criterion in CRITERIA
    )


def time_to_event() -> pd.DataFrame:
    """Deaths of p01 to p06 on days 50, 100 .. 300, of p26 to p28 on days 1300, 1350, 1400; p29 has day 0, p30 none."""
    rows = []
    for number in range(1, 30):
        died = number <= 6 or 26 <= number <= 28
        days = 50 * number if died else 0 if number == 29 else 400 + 10 * number
        entry = None if 26 <= number <= 28 else 5 * number
        rows.append(
            {"patient_key": key(number), "site_id": "S01", "param_cd": "OS", "aval_days": days,
             "cnsr": 0 if died else 1, "delayed_entry_day": entry}
        )  # fmt: skip
    rows.append({"patient_key": key(1), "param_cd": "RFS", "aval_days": 7, "cnsr": 0, "delayed_entry_day": None})
    rows.append({"patient_key": key(31), "param_cd": "OS", "aval_days": 7, "cnsr": 0, "delayed_entry_day": 1})
    return pd.DataFrame(rows).astype({"aval_days": "Int64", "cnsr": "Int64", "delayed_entry_day": "Int64"})


def blin_cycle_exposure() -> pd.DataFrame:
    """p01 to p04 have five complete cycles, p05 and p06 two (second stopped), p07 one open, p08 one upper bound.

    p09 has a planned cycle that never started, p10 a cycle that the site calls frontline and that came after a relapse,
    p31 a cycle although not eligible.
    """
    rows: list[dict[str, object]] = []

    def cycle(number: int, overall: int, status: str, days: float | None, **more: object) -> None:
        rows.append(
            {
                "patient_key": key(number),
                "site_id": "S01",
                "cycle_overall_no": overall,
                "line_cd": "FRONTLINE" if status != "NOT_STARTED" else None,
                "line_reported_cd": "FRONTLINE",
                "started": status != "NOT_STARTED",
                "is_open": status == "ONGOING",
                "completion_status_cd": status,
                "stop_reason_cd": None,
                "delivered_days": days,
                "delivered_mcg": None if days is None else days * 28,
                "dose_completeness_frac": None if days is None or status == "ONGOING" else days / 28,
                "n_interrupt_4h": None if days is None else 0,
                "gap_prev_cycle_days": None if overall == 1 else 14.0,
                "start_to_start_days": None if overall == 1 else 42.0,
                "hospital_days": None if overall > 1 else 3,
                "step_dose_planned": False,
                "has_home": overall > 1,
            }
            | more
        )

    for number in range(1, 5):
        for overall in range(1, 6):
            cycle(number, overall, "COMPLETED", 28.0)
    cycle(5, 1, "COMPLETED", 27.0)
    cycle(5, 2, "STOPPED_EARLY", 10.0, stop_reason_cd="1", n_interrupt_4h=2)
    cycle(6, 1, "COMPLETED_REDUCED", 28.0, step_dose_planned=True)
    cycle(6, 2, "STOPPED_EARLY", 14.0, n_interrupt_4h=1)
    cycle(7, 1, "ONGOING", 5.0)
    cycle(8, 1, "NOT_EVALUABLE", None, has_home=None)
    cycle(9, 1, "NOT_STARTED", 0.0, n_interrupt_4h=None)
    cycle(10, 1, "COMPLETED", 28.0, line_cd="RELAPSED_REFRACTORY")
    cycle(31, 1, "COMPLETED", 28.0)
    return pd.DataFrame(rows).convert_dtypes()


def frames() -> dict[str, pd.DataFrame]:
    queries = [("S01", "error", "OPEN"), ("S01", "warn", "OPEN"), ("S02", "warn", "OPEN"), ("S02", "error", "CLOSED")]
    return {
        "marts.subject": subject(),
        "marts.eligibility_result": eligibility_result(),
        "marts.time_to_event": time_to_event(),
        "marts.blin_cycle_exposure": blin_cycle_exposure(),
        "quality.data_query": pd.DataFrame(
            {"query_key": f"q{place}", "site_id": site, "severity_class": severity, "status_cd": status}
            for place, (site, severity, status) in enumerate(queries)
        ),
        "quality.check_result": pd.DataFrame(
            [("D01", "FAILED", 40, 2), ("D02", "PASSED", 40, 0), ("D03", "NOT_APPLICABLE", None, None)],
            columns=["check_id", "status_cd", "n_evaluated", "n_violating"],
        ),
        "quality.quarantine": pd.DataFrame({"form": ["death", "mrd", "mrd"]}),
        "quality.type_reject": pd.DataFrame({"form": []}),
        "quality.form_completeness": pd.DataFrame(
            [("S01", "mrd", 10, 6), ("S01", "death", 5, 5), ("S02", "mrd", 0, 0)],
            columns=["site_id", "form", "n_due", "n_complete"],
        ),
        "raw.site": pd.DataFrame(
            [("S01", date(2024, 3, 1)), ("S02", None), ("S03", date(2026, 1, 5))], columns=["site_id", "activated_date"]
        ),
    }


def empty_frames() -> dict[str, pd.DataFrame]:
    return {name: frame.iloc[:0] for name, frame in frames().items()}
