"""The weighted comparison where sites are few, where a site chooses the treatment, and where a level is in one arm only."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_association import frames_of, ratios

from blin_pipeline.outcomes import blin_association

pytestmark = pytest.mark.slow
SITE_BOOTSTRAP = ("landmark_120_overlap", "weighted_cox_overlap_site_bootstrap")


def in_sites(frames, n_sites):
    """The same patients spread over ``n_sites`` sites."""
    return {
        name: frame.assign(site_id=[f"S{int(key[1:]) // 5 % n_sites:02d}" for key in frame["patient_key"]])
        for name, frame in frames.items()
    }


def weighted(frames, context, endpoint="OSCR"):
    return blin_association.parts(frames, context)[f"{endpoint}/weighted"]()


@pytest.mark.parametrize("n_sites", [1, 2, 5])
def test_samples_of_few_whole_sites_give_no_interval(context, n_sites):
    row = ratios(weighted(in_sites(frames_of(1, n=200), n_sites), context))[SITE_BOOTSTRAP]
    assert (row.state, row.value, row.lower, row.upper) == ("too_few", None, None, None)
    assert row.reason.startswith("fewer than 6 sites")


def test_samples_of_six_sites_are_a_check_without_an_e_value(context):
    rows = blin_association.compute(in_sites(frames_of(1), 6), context)
    found = ratios(rows)
    row, robust = found[SITE_BOOTSTRAP], found["landmark_120_overlap", "weighted_cox_overlap"]
    assert row.value == robust.value
    assert row.lower < row.value < row.upper
    # Nothing differs between these sites, so whole sites vary as patients do.
    assert 0.4 < row.se / robust.se < 1.6
    methods = {each.method for each in rows if each.statistic == "association_oscr_e_value"}
    assert "weighted_cox_overlap_bootstrap" in methods
    assert "weighted_cox_overlap_site_bootstrap" not in methods


def test_samples_that_do_not_contain_the_estimate_are_refused(context, monkeypatch):
    """Samples of whole sites, each with a hazard ratio of its own: drawn by hand so that all lie on one side."""
    from blin_pipeline.outcomes import weighted_comparison

    def last_site_only(site, n_samples, seed):
        return np.tile((site != "S00").astype(np.int64), (n_samples, 1))

    monkeypatch.setattr(weighted_comparison, "draws_of_clusters", last_site_only)
    row = ratios(weighted(in_sites(frames_of(1), 6), context))[SITE_BOOTSTRAP]
    assert row.state == "not_estimable"
    assert "do not contain the estimate" in row.reason


def test_a_site_that_treats_more_and_loses_more_is_no_effect_of_treatment(context):
    """Half of the sites expose nearly all and have three times the deaths: without strata the ratio is far above 1."""
    generator = np.random.default_rng(8)
    frames = frames_of(3, n=600)
    subject = frames["marts.subject"]
    number = subject["patient_key"].str[1:].astype(int)
    hard = (number % 4 < 2).to_numpy()
    exposed = generator.random(600) < np.where(hard, 0.8, 0.2)
    end = np.ceil(121 + generator.exponential(np.where(hard, 250, 750)))
    rows = []
    for key, site, is_exposed, stop in zip(subject["patient_key"], subject["site_id"], exposed, end, strict=True):
        cuts = [0.0, 30.0, stop] if is_exposed else [0.0, stop]
        rows += [
            {"patient_key": key, "site_id": site, "param_cd": "OSCR", "is_left_truncated": False, "t_start": start,
             "t_stop": cuts[place + 1], "event": int(place == len(cuts) - 2), "relapsed": 0, "blin_exposed": place,
             "hsct_done": 0, "mrd_state_cd": "NEG"}
            for place, start in enumerate(cuts[:-1])
        ]  # fmt: skip
    # Evaluated to the end: the remission is known as long as the patient is.
    intervals = pd.concat([pd.DataFrame(rows), pd.DataFrame(rows).assign(param_cd="RFS")], ignore_index=True)
    frames = frames | {"marts.cox_interval": intervals}
    row = ratios(weighted(frames, context))["landmark_120_overlap", "weighted_cox_overlap"]
    assert row.lower < 1.0 < row.upper
    pooled = weighted({name: frame.assign(site_id="S") for name, frame in frames.items()}, context)
    assert ratios(pooled)["landmark_120_overlap", "weighted_cox_overlap"].lower > 1.3


def one_changed(frames, key, **values):
    subject = frames["marts.subject"].copy()
    for name, value in values.items():
        subject.loc[subject["patient_key"] == key, name] = value
    return frames | {"marts.subject": subject}


def test_one_patient_with_a_level_of_their_own_is_left_out_and_counted(context):
    frames = frames_of(1)
    survivors = frames["marts.cox_interval"].query("param_cd == 'OSCR'").groupby("patient_key")["t_stop"].max()
    key = sorted(survivors[survivors > 130].index)[30]
    made = weighted(one_changed(frames, key, ecog_cd=""), context)
    left_out = {row.group_label: row for row in made if row.statistic == "association_oscr_weighted_left_out_n"}
    assert left_out["NO_COUNTERPART"].value == 1
    assert left_out["NO_COUNTERPART"].reason == "level in one arm only: ecog_unknown"
    without = {name: frame[frame["patient_key"] != key] for name, frame in frames.items()}
    expected, found = ratios(weighted(without, context)), ratios(made)
    for target in ("overlap", "stabilised_iptw", "att"):
        name = (f"landmark_120_{target}", f"weighted_cox_{target}")
        assert found[name].state == "ok"
        assert found[name].value == pytest.approx(expected[name].value, rel=1e-9)
        assert found[name].n == expected[name].n


def test_levels_are_left_out_until_every_one_left_is_in_both_arms(context):
    """Everyone with CNS disease is exposed, and only they have unknown MRD: leaving them out must not end in a refusal."""
    frames = frames_of(1)
    intervals = frames["marts.cox_interval"]
    early = intervals[(intervals["blin_exposed"] == 1) & (intervals["t_start"] <= 120)]["patient_key"].unique()
    chosen = set(sorted(early)[40:52])
    subject = frames["marts.subject"]
    subject = subject.assign(cns_status_cd=["CNS3" if key in chosen else "CNS1" for key in subject["patient_key"]])
    marked = intervals["patient_key"].isin(chosen)
    intervals = intervals.assign(mrd_state_cd=intervals["mrd_state_cd"].mask(marked, "UNK"))
    made = weighted({"marts.cox_interval": intervals, "marts.subject": subject}, context)
    row = next(row for row in made if row.group_label == "NO_COUNTERPART")
    assert row.reason == "level in one arm only: cns_2_or_3, mrd_unknown"
    assert 0 < row.value <= 12
    assert ratios(made)["landmark_120_overlap", "weighted_cox_overlap"].state == "ok"
