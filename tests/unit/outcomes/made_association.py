"""Made-up patients of the comparison by blinatumomab, whose truth is known: treatment chosen by age, an effect or none."""

from __future__ import annotations

import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

ORIGIN = datetime.date(2024, 8, 20)


def frames_of(seed, n=400, hazard_ratio=1.0):
    """Remission, exposure and death of ``n`` made-up patients; older ones are exposed less and die sooner."""
    generator = np.random.default_rng(seed)
    age = generator.uniform(20, 75, n)
    death = generator.exponential(700 * np.exp(-0.02 * (age - 45)))
    began = np.ceil(generator.exponential(60 * np.exp(0.03 * (age - 45))) + 5)
    later = began + (death - began) / hazard_ratio
    death = np.ceil(np.where(began < death, later, death)) + 1
    end = np.minimum(death, np.ceil(generator.uniform(300, 900, n)))
    rows = []
    for number in range(n):
        cuts = [0.0, *([began[number]] if began[number] < end[number] else []), end[number]]
        for param in ("OSCR", "RFS"):
            for place, (start, stop) in enumerate(pairwise(cuts)):
                rows.append(
                    {"patient_key": f"x{number:03d}", "site_id": f"S{number % 4}", "param_cd": param, "is_left_truncated": False,
                     "t_start": start, "t_stop": stop, "event": int(stop == end[number] == death[number]), "relapsed": 0,
                     "blin_exposed": place, "hsct_done": 0, "mrd_state_cd": "NEG" if number % 3 else "POS"}
                )  # fmt: skip
    subject = pd.DataFrame(
        {"patient_key": f"x{number:03d}", "site_id": f"S{number % 4}", "age_dx_years": age[number], "is_eligible": True,
         "sex_cd": "FM"[number % 2], "ecog_cd": str(number % 3), "bcr_abl1_cd": "POS" if number % 5 == 0 else "NEG",
         "cns_status_cd": "CNS1", "risk_cd": ("STANDARD", "POOR", "UNK")[number % 7 % 3],
         "cd19_cd": "NEG" if number < 20 else ("POS", "DIM", "UNK")[number % 3], "wbc_dx_10e9_l": float(number % 70),
         "backbone_declared_cd": ("HCVAD", "E1910", "MHCVD")[number % 3],
         "dx_date": ORIGIN - datetime.timedelta(days=30 + number % 40), "cr1_date": ORIGIN,
         "first_blin_date": ORIGIN if began[number] < end[number] else None}
        for number in range(n)
    )  # fmt: skip
    subject = subject.reindex(
        columns=[*subject.columns, "ascertainment_cd", "screen_note_cd", "eligibility_status_cd", "response_state_cd",
                 "not_assessed_reason_cd", "age_band_cd", "eos_status_cd", "reg_date", "plan_date", "first_hsct_date", "death_date",
                 "last_alive_date", "is_treated", "is_response_d1", "is_response_d2", "is_response_d3", "is_cr_registry",
                 "is_cr_conventional", "is_cr_composite", "is_e1910_like"]
    )  # fmt: skip
    return {"marts.cox_interval": pd.DataFrame(rows), "marts.subject": subject}


def ratios(rows, endpoint="oscr"):
    return {
        (row.group_label, row.method): row for row in rows if row.statistic == f"association_{endpoint}_hazard_ratio"
    }
