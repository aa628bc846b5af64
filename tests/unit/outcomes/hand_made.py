"""A registry of forty made-up records whose every result can be counted by hand. All of it is synthetic.

p01 to p30 are eligible; p31 to p40 are not, each for its own reason. Site S01 holds the odd, S02 the even numbers.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd

CUT = date(2026, 6, 30)
DIAGNOSIS = date(2024, 1, 10)
CRITERIA = ("E1", "E2", "E3", "E4", "E5", "E6")


def key(number: int) -> str:
    return f"p{number:02d}"


def site(number: int) -> str:
    return "S01" if number % 2 else "S02"


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
        "plan_date": DIAGNOSIS + timedelta(days=number) if treated else None,
        "cr1_date": DIAGNOSIS + timedelta(days=40) if cr else None,
        "first_hsct_date": DIAGNOSIS + timedelta(days=200) if number in (7, 8) else None,
        "age_dx_years": 20.0 + number,
        "age_band_cd": "18-39" if number < 20 else "40-59",
        "sex_cd": "F" if number % 3 == 0 else "M" if number != 29 else "UNK",
        "ecog_cd": str(number % 4),
        "bcr_abl1_cd": "POS" if number % 5 == 0 else "NEG",
        "cns_status_cd": "CNS1" if number % 4 else "UNK",
        "wbc_dx_10e9_l": None if number == 1 else float(number * 2),
        "eos_status_cd": "DIED" if died else "ONGOING",
        "cd19_cd": "POS",
        "risk_cd": "STANDARD",
        "is_eligible": True,
        "is_treated": treated,
        "is_response_d1": treated and not not_due,
        "is_response_d2": assessed,
        "is_response_d3": assessed or number in (26, 27),
        "is_cr_registry": cr,
        "is_cr_conventional": number <= 14,
        "is_cr_composite": number <= 15,
        "is_e1910_like": 3 <= number <= 16,
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
            {"patient_key": key(number), "site_id": site(number), "param_cd": "OS", "aval_days": days,
             "cnsr": 0 if died else 1, "event_code": 1 if died else 0, "aval_lo_days": days, "aval_hi_days": days,
             "delayed_entry_day": entry}
        )  # fmt: skip
    rows.append({"patient_key": key(31), "param_cd": "OS", "aval_days": 7, "cnsr": 0, "delayed_entry_day": 1})
    for number in range(1, 17):
        relapsed, died = number in RELAPSES, number in DEATHS_IN_REMISSION
        for param, event in (("RFS", relapsed or died), ("CIR", relapsed), ("OSCR", died)):
            days = remission_days(number, param)
            code = 1 if event else 2 if param == "CIR" and died else 0
            rows.append(
                {"patient_key": key(number), "site_id": site(number), "param_cd": param, "aval_days": days,
                 "cnsr": 0 if event else 2 if code == 2 else 1, "event_code": code,
                 "aval_lo_days": days - 15 if number == 3 else days, "aval_hi_days": days + 15 if number == 3 else days,
                 "delayed_entry_day": None}
            )  # fmt: skip
    whole = ("aval_days", "cnsr", "event_code", "aval_lo_days", "aval_hi_days", "delayed_entry_day")
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


#: Days from remission to relapse, and to death in remission, of p01 to p16 (in remission).
RELAPSES = {1: 30, 2: 60, 3: 100, 4: 150, 9: 50, 10: 370}
DEATHS_IN_REMISSION = {5: 80, 6: 200, 11: 300, 12: 10, 13: 380}


def remission_days(number: int, param: str) -> int:
    """Days from remission to the end of the endpoint: survival goes on after a relapse."""
    relapse = None if param == "OSCR" else RELAPSES.get(number)
    return relapse or DEATHS_IN_REMISSION.get(number) or 400 + number


def cox_interval() -> pd.DataFrame:
    """Relapse-free survival and survival from remission; blinatumomab on days 61 to 68 of p01 to p08, transplant of p07, p08.

    p01 relapses before, p02 on the day before: neither is ever exposed, for salvage is no exposure.
    """
    rows = []
    for param in ("RFS", "OSCR"):
        for number in range(1, 17):
            end = remission_days(number, param)
            event = number in DEATHS_IN_REMISSION or (param == "RFS" and number in RELAPSES)
            is_exposed = number <= 8 and 60 + number < RELAPSES.get(number, 10_000)
            changes = {60 + number: "blin_exposed"} if is_exposed else {}
            changes |= {160: "hsct_done"} if number in (7, 8) else {}
            changes |= {RELAPSES[number]: "relapsed"} if number in RELAPSES and param == "OSCR" else {}
            cuts = [0, *sorted(day for day in changes if day < end), end]
            state = {"blin_exposed": 0, "hsct_done": 0, "relapsed": 0}
            for start, stop in pairwise(cuts):
                if start in changes:
                    state = state | {changes[start]: 1}
                rows.append(
                    {"patient_key": key(number), "site_id": site(number), "param_cd": param, "is_left_truncated": False,
                     "t_start": float(start), "t_stop": float(stop), "event": int(event and stop == end),
                     "mrd_state_cd": "NEG" if number % 2 else "UNK", **state}
                )  # fmt: skip
    return pd.DataFrame(rows)


def landmark_cohort() -> pd.DataFrame:
    """Landmarks 90, 120, 150 of the patients above; relapse before the landmark ends both endpoints.

    Everybody in remission came under observation on day 100 after it, but for p13 (before) and p14 (entered as deceased).
    """
    rows = []
    for param in ("RFS", "OSCR"):
        for number in range(1, 17):
            for day in (90, 120, 150):
                at_risk = remission_days(number, "RFS") > day
                event = number in DEATHS_IN_REMISSION or (param == "RFS" and number in RELAPSES)
                entry = None if number == 14 or not at_risk else 0 if number == 13 else max(100 - day, 0)
                rows.append(
                    {"patient_key": key(number), "site_id": site(number), "param_cd": param, "landmark_day": day,
                     "at_risk": at_risk, "exposed_by_landmark": number <= 8,
                     "not_at_risk_reason_cd": None if at_risk else "RELAPSE_OR_DEATH_BEFORE",
                     "aval_from_landmark_days": remission_days(number, param) - day if at_risk else None,
                     "cnsr": (0 if event else 1) if at_risk else None, "delayed_entry_from_landmark_days": entry}
                )  # fmt: skip
    whole = ("aval_from_landmark_days", "cnsr", "delayed_entry_from_landmark_days")
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


def backbone_classification() -> pd.DataFrame:
    """Of 30 eligible patients 12 HCVAD, 8 E1910; one conflict; the last ten unknown. One of another record."""
    rows = []
    for number in (*range(1, 31), 31):
        family = "HCVAD" if number <= 12 else "E1910" if number <= 20 else "UNK"
        rows.append(
            {"patient_key": key(number), "site_id": site(number), "backbone_declared_cd": family,
             "backbone_derived_cd": "MHCVD" if number == 12 else family, "backbone_final_cd": family,
             "backbone_group_cd": "INTENSIVE_ADULT" if number <= 20 else "UNKNOWN",
             "backbone_confidence_cd": "HIGH" if number <= 12 else "DECLARED", "backbone_conflict": number == 12}
        )  # fmt: skip
    return pd.DataFrame(rows)


def regimen_sequence() -> pd.DataFrame:
    return pd.DataFrame(
        {"patient_key": key(number), "schedule_cd": "INTERLEAVED" if number <= 4 else "NO_BLIN",
         "e1910_category_cd": None if number > 16 else "EXACT" if number <= 4 else "NONE",
         "e1910_prefix_match": 8 if number <= 4 else 0, "e1910_distance": 0 if number <= 4 else 8}
        for number in range(1, 21)
    )  # fmt: skip


def mrd_result() -> pd.DataFrame:
    """Flow of p01 to p08: positive ten days before the first cycle, negative 25 days after it but for p04 to p06.

    p05 comes a day before the window and p06 after the second cycle: neither counts; p07's is not stated to be sensitive.
    """
    rows = []
    for number in range(1, 9):
        first = DIAGNOSIS + timedelta(days=100 + number)
        after = {5: 20, 6: 45}.get(number, 25)
        result = {4: "POS", 7: "NEG_UNVERIFIED"}.get(number, "NEG")
        for seq, (day, code, point) in enumerate(((-10, "POS", "1"), (after, result, "2")), start=1):
            rows.append(
                {"patient_key": key(number), "method_cd": "FLOW", "mrd_cd": code, "timepoint_cd": point, "mrd_seq": seq,
                 "sample_date": first + timedelta(days=day), "days_from_cr1": 60 + number + day,
                 "is_in_frontline": True, "sample_cd": "MARROW", "is_under_1e_4": None, "is_under_1e_5": None,
                 "is_under_1e_6": None, "is_low_bcr_abl1": False}
            )  # fmt: skip
    return pd.DataFrame(rows)


def toxicity_at_risk() -> pd.DataFrame:
    """Twelve frontline cycles of p01 to p04, 28 infused days each (the last one unknown), and one of a later line.

    CRS in the first cycle of p01 (ASTCT 3, on the third day) and of p02 (not graded), twice in the second cycle of p02 (ASTCT 1).
    """
    rows = []
    for number in range(1, 5):
        for overall in range(1, 4):
            start = DIAGNOSIS + timedelta(days=100 + number + 42 * (overall - 1))
            grade = {(1, 1): 3, (2, 2): 1}.get((number, overall))
            events = {(1, 1): 1, (2, 1): 1, (2, 2): 2}.get((number, overall), 0)
            rows.append(
                {"patient_key": key(number), "cycle_overall_no": overall, "tox_cd": "CRS", "line_cd": "FRONTLINE",
                 "n_events": events, "has_event": events > 0, "n_grade_unknown": int(events > 0 and grade is None),
                 "max_grade_astct": grade, "max_grade_ctcae": None, "risk_start_date": start,
                 "risk_end_date": start + timedelta(days=41), "first_onset_date": start + timedelta(days=2) if events else None,
                 "infused_days": None if (number, overall) == (4, 3) else 28.0}
            )  # fmt: skip
    rows.append(rows[0] | {"cycle_overall_no": 9, "line_cd": "RELAPSED_REFRACTORY"})
    return pd.DataFrame(rows)


def toxicity() -> pd.DataFrame:
    """The events of ``toxicity_at_risk``."""
    return pd.DataFrame(
        {"patient_key": key(number), "site_id": site(number), "cycle_overall_no": overall, "tox_cd": "CRS",
         "onset_date": DIAGNOSIS + timedelta(days=102 + number + (42 * (overall - 1) if overall < 9 else 0)),
         "grade_astct": grade, "grade_ctcae": None}
        for number, overall, grade in ((1, 1, 3), (2, 1, None), (2, 2, 1), (2, 2, 1), (1, 9, 3))
    )  # fmt: skip


def hsct() -> pd.DataFrame:
    """Transplants of p07 and p08, more than 56 days after their first cycles; one of another record."""
    return pd.DataFrame(
        {"patient_key": key(number), "site_id": site(number), "hsct_date": DIAGNOSIS + timedelta(days=200)}
        for number in (7, 8, 31)
    )


def regimen_course() -> pd.DataFrame:
    return pd.DataFrame({"patient_key": [key(1)], "start_date": [DIAGNOSIS]})


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
                "cycle_start_date": DIAGNOSIS + timedelta(days=100 + number + 42 * (overall - 1)),
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
    queries = [
        ("S01", "error", "OPEN"),
        ("S01", "warn", "ANSWERED"),
        ("S02", "warn", "REOPENED"),
        ("S02", "error", "ACCEPTED_AS_IS"),
    ]
    return {
        "marts.subject": subject(),
        "marts.eligibility_result": eligibility_result(),
        "marts.time_to_event": time_to_event(),
        "marts.blin_cycle_exposure": blin_cycle_exposure(),
        "marts.cox_interval": cox_interval(),
        "marts.landmark_cohort": landmark_cohort(),
        "marts.backbone_classification": backbone_classification(),
        "marts.regimen_sequence": regimen_sequence(),
        "marts.mrd_result": mrd_result(),
        "marts.regimen_course": regimen_course(),
        "marts.toxicity_at_risk": toxicity_at_risk(),
        "marts.toxicity": toxicity(),
        "marts.hsct": hsct(),
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
