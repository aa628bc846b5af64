"""The comparison by blinatumomab on made-up registries whose truth is known: no effect, and treatment chosen by age."""

from __future__ import annotations

import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from blin_pipeline.outcomes import blin_association

pytestmark = pytest.mark.slow
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


@pytest.fixture(scope="module")
def rows(context):
    return blin_association.compute(frames_of(1), context)


def ratios(rows, endpoint="oscr"):
    return {
        (row.group_label, row.method): row for row in rows if row.statistic == f"association_{endpoint}_hazard_ratio"
    }


def test_without_an_effect_only_the_naive_comparison_finds_one(rows):
    found = ratios(rows)
    naive = found["naive_ever_never", "cox_stratified_by_site"]
    assert naive.upper < 0.8
    assert "biased" in naive.reason
    for label in ("time_varying_adjusted", "landmark_120_overlap"):
        honest = [row for (name, _), row in found.items() if name == label]
        assert any(row.state == "ok" for row in honest)
        assert all(row.lower < 1.0 < row.upper for row in honest if row.state == "ok")


def test_every_estimator_is_there_in_each_endpoint(rows):
    expected = {
        "naive_ever_never", "landmark_090", "landmark_120", "landmark_150", "time_varying", "time_varying_adjusted",
        "time_varying_delayed_entry", "landmark_120_overlap", "landmark_120_stabilised_iptw", "landmark_120_att",
    }  # fmt: skip
    for endpoint in ("oscr", "rfs"):
        assert {label for label, _ in ratios(rows, endpoint)} == expected


def test_overlap_weights_balance_what_was_not(rows):
    before = [row.value for row in rows if row.statistic == "association_oscr_standardised_difference_before"]
    after = {
        row.method: row.value
        for row in rows
        if row.statistic == "association_oscr_standardised_difference_after" and row.group_label == "age_years"
    }
    assert max(abs(value) for value in before) > 0.2
    assert after["overlap"] == pytest.approx(0.0, abs=1e-9)
    for row in rows:
        if row.statistic == "association_oscr_effective_n":
            assert 0 < row.value <= row.n


def test_small_arms_have_a_bootstrap_interval_beside_the_robust_one(rows):
    found = ratios(rows)
    robust, sampled = (found["landmark_120_overlap", f"weighted_cox_overlap{end}"] for end in ("", "_bootstrap"))
    assert robust.value == sampled.value
    assert sampled.se == pytest.approx(robust.se, rel=0.35)
    assert "1000 samples of patients within sites" in sampled.reason
    by_site = found["landmark_120_overlap", "weighted_cox_overlap_site_bootstrap"]
    # Two of the four sites hold one sex each: samples of such sites alone cannot be fitted, and that is said.
    assert (by_site.state, by_site.value) == ("not_estimable", None)
    assert "samples of whole sites gave no estimate" in by_site.reason


def test_e_values_of_all_but_the_naive_estimate(rows):
    labels = {row.group_label for row in rows if row.statistic == "association_oscr_e_value"}
    assert "time_varying" in labels
    assert "naive_ever_never" not in labels


def test_an_effect_is_found(context):
    found = ratios(blin_association.compute(frames_of(2, n=1000, hazard_ratio=0.42), context))
    row = found["time_varying_adjusted", "cox_stratified_by_site"]
    assert row.lower < 0.42 < row.upper
    assert row.upper < 1.0


def test_same_rows_whatever_the_order(rows, context):
    frames = {name: frame.sample(frac=1, random_state=4) for name, frame in frames_of(1).items()}
    assert blin_association.compute(frames, context) == rows


def test_genetic_risk_is_balanced_and_cd19_negative_disease_left_out(rows):
    terms = {
        row.group_label: row
        for row in rows
        if row.statistic == "association_oscr_standardised_difference_after" and row.method == "overlap"
    }
    assert abs(terms["genetic_risk_poor"].value) < 1e-6
    assert abs(terms["genetic_risk_unknown"].value) < 1e-6
    left_out = {row.group_label: row.value for row in rows if row.statistic == "association_oscr_weighted_left_out_n"}
    assert left_out == {"TRANSPLANT_BY_LANDMARK": 0, "CD19_NEGATIVE": 20, "MISSING_TERM": 0}


def test_where_nobody_collects_cd19_and_risk_nobody_is_left_out_and_no_term_made(rows, context):
    frames = frames_of(1)
    frames["marts.subject"] = frames["marts.subject"].assign(cd19_cd=None, risk_cd=None)
    made = blin_association.compute(frames, context)
    terms = {row.group_label for row in made if row.statistic == "association_oscr_standardised_difference_after"}
    assert "age_years" in terms
    assert not any("risk" in term for term in terms)
    left_out = {row.group_label: row.value for row in made if row.statistic == "association_oscr_weighted_left_out_n"}
    assert left_out["CD19_NEGATIVE"] == 0
