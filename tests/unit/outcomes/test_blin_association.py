"""The comparison by blinatumomab on made-up registries whose truth is known: no effect, and treatment chosen by age."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from made_association import ORIGIN, frames_of, ratios

from blin_pipeline.outcomes import blin_association, transplant

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows(context):
    return blin_association.compute(frames_of(1), context)


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
    assert left_out == {"TRANSPLANT_BY_LANDMARK": 0, "CD19_NEGATIVE": 20, "MISSING_TERM": 0, "NO_COUNTERPART": 0}


def test_where_nobody_collects_cd19_and_risk_nobody_is_left_out_and_no_term_made(rows, context):
    frames = frames_of(1)
    frames["marts.subject"] = frames["marts.subject"].assign(cd19_cd=None, risk_cd=None)
    made = blin_association.compute(frames, context)
    terms = {row.group_label for row in made if row.statistic == "association_oscr_standardised_difference_after"}
    assert "age_years" in terms
    assert not any("risk" in term for term in terms)
    left_out = {row.group_label: row.value for row in made if row.statistic == "association_oscr_weighted_left_out_n"}
    assert left_out["CD19_NEGATIVE"] == 0


def after_relapse(n, seed, change):
    """Deaths come after relapse only; frontline blinatumomab and transplant do nothing; 70 % of the relapsed have ``change``.

    The column ``blin_exposed`` is that of the table: 1 after a first infusion before relapse. ``first_blin_date`` is the
    first of any line, and ``hsct_done`` a transplant at any time.
    """
    generator = np.random.default_rng(seed)
    rows, subject = [], []
    for number in range(n):
        relapse = int(generator.exponential(600)) + 1
        death = relapse + int(generator.exponential(200)) + 1
        end = min(death, int(generator.integers(200, 1200)))
        early = int(generator.integers(20, 80)) if generator.random() < 0.3 else relapse
        late = relapse + 5 if early >= relapse and generator.random() < 0.7 else None
        front = early if early < relapse else None
        begins = {"blin_exposed": front, "hsct_done": front if change == "hsct_done" else None, "relapsed": relapse}
        if change == "hsct_done" and late is not None:
            begins["hsct_done"] = late
        cuts = sorted({0, end, *(day for day in begins.values() if day is not None and day < end)})
        shared = {"patient_key": f"x{number:03d}", "site_id": f"S{number % 3}"}
        rows += [
            shared | {"param_cd": "OSCR", "is_left_truncated": False, "t_start": float(start), "t_stop": float(stop),
             "event": int(stop == end == death), "mrd_state_cd": "NEG",
             **{name: int(day is not None and day <= start) for name, day in begins.items()}}
            for start, stop in pairwise(cuts)
        ]  # fmt: skip
        given = front if front is not None else late
        subject.append(shared | {"first_blin_date": None if given is None or given >= end else ORIGIN})
    table = frames_of(1, n=2)["marts.subject"].iloc[:0]
    subject = pd.concat([table, pd.DataFrame(subject)]).assign(
        age_dx_years=50.0, bcr_abl1_cd="NEG", dx_date=ORIGIN, cr1_date=ORIGIN
    )
    return {"marts.cox_interval": pd.DataFrame(rows), "marts.subject": subject}


def test_salvage_after_relapse_is_no_exposure(context):
    """As exposure it had a hazard ratio of 3.5 (2.6 to 4.9) here, with a treatment that does nothing."""
    parts = blin_association.parts(after_relapse(400, 3, "blin"), context)
    (varying,) = (row for row in parts["OSCR/time_varying"]() if row.statistic == "association_oscr_hazard_ratio")
    assert varying.lower < 1.0 < varying.upper
    assert 0.6 < varying.value < 1.6
    (naive,) = (row for row in parts["OSCR/naive"]() if row.statistic == "association_oscr_hazard_ratio")
    # Whoever had salvage is not among the ever exposed: these are the 30 % that began before a relapse.
    exposed = after_relapse(400, 3, "blin")["marts.cox_interval"].query("blin_exposed == 1")["patient_key"].nunique()
    assert exposed < 130
    assert naive.value < 1.2


def test_transplant_after_relapse_is_no_exposure(context):
    rows = transplant.compute(after_relapse(400, 3, "hsct_done"), context)
    (row,) = (row for row in rows if row.statistic == "transplant_oscr_hazard_ratio")
    assert row.lower < 1.0 < row.upper
    assert 0.6 < row.value < 1.6


def changed(frames, **columns):
    return frames | {"marts.subject": frames["marts.subject"].assign(**columns)}


def adjusted(frames, context):
    (row,) = blin_association.parts(frames, context)["OSCR/adjusted"]()
    return row


def test_an_adjuster_that_nobody_varies_in_is_left_out_and_named(context):
    frames = frames_of(1)
    row = adjusted(changed(frames, bcr_abl1_cd="NEG"), context)
    assert row.state == "ok"
    assert row.reason == "given age_decades; not bcr_abl1_positive, which says nothing here"
    assert row.method == "cox_stratified_by_site"


def test_an_adjuster_without_an_event_in_a_level_is_penalised_and_does_not_block_the_ratio(context):
    """The few Ph+ patients all live: their coefficient runs away, the exposure's does not."""
    frames = frames_of(1)
    died = set(frames["marts.cox_interval"].query("event == 1")["patient_key"])
    living = [key for key in frames["marts.subject"]["patient_key"] if key not in died][:9]
    positive = ["POS" if key in living else "NEG" for key in frames["marts.subject"]["patient_key"]]
    row = adjusted(changed(frames, bcr_abl1_cd=positive), context)
    assert (row.state, row.method) == ("ok", "cox_stratified_by_site_firth")
    assert "grows without end" in row.reason
    # They say nothing of the others: the ratio is near that of the others alone.
    without = {name: frame[~frame["patient_key"].isin(living)] for name, frame in frames.items()}
    assert row.value == pytest.approx(adjusted(changed(without, bcr_abl1_cd="NEG"), context).value, rel=0.03)


def test_without_any_adjuster_nothing_is_called_adjusted(context):
    row = adjusted(changed(frames_of(1), bcr_abl1_cd="NEG", age_dx_years=50.0), context)
    assert (row.state, row.value) == ("not_estimable", None)
    assert row.reason.startswith("nothing to adjust for")
