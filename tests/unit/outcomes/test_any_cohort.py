"""Whatever small registry comes: every output has rows with a state, identities hold, order and threads change no bit."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import hand_made
import made_cohort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cohort import BCR_ABL1, DAYS, FAMILIES, MRD, PATHS, SITES, Story
from proof import proof_count

from blin_pipeline.outcomes import OUTCOMES, OutcomeContext
from blin_pipeline.outcomes.frames import Tables
from blin_pipeline.outcomes.identities import IDENTITIES, check_identities
from blin_pipeline.outcomes.result import require_unique
from blin_pipeline.registry.parameters import load_parameters

pytestmark = pytest.mark.slow
MAYBE = st.one_of(st.none(), st.sampled_from(DAYS))
STORY = st.builds(
    Story,
    eligible=st.booleans(),
    site=st.sampled_from(SITES),
    family=st.sampled_from(list(FAMILIES)),
    path=st.sampled_from(PATHS),
    treated=st.booleans(),
    assessed=st.booleans(),
    responds=st.booleans(),
    ends=st.sampled_from(DAYS),
    dies=st.booleans(),
    relapse=MAYBE,
    blin=MAYBE,
    transplant=MAYBE,
    entry=MAYBE,
    mrd=st.sampled_from(MRD),
    age=st.one_of(st.none(), st.integers(18, 80)),
    grade=st.one_of(st.none(), st.integers(1, 5)),
    bcr_abl1=st.sampled_from(BCR_ABL1),
    ecog=st.sampled_from((None, "0", "1", "2")),
    salvage=st.booleans(),
)
#: Few stories, each told of one or of many patients: then estimates are tried, on nothing but ties.
COHORT = st.lists(st.tuples(STORY, st.sampled_from((1, 2, 12))), max_size=6).map(
    lambda told: [story for story, copies in told for _ in range(copies)]
)


def computed(frames):
    parameters = load_parameters()
    context = OutcomeContext(parameters, parameters.sha256, "made-up-cut", hand_made.CUT)
    tables = Tables(frames, frames.__getitem__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {outcome.name: outcome.compute(tables, context) for outcome in OUTCOMES}


def holds(frames):
    """Rows of all outcomes, after everything that must be true of them was asked."""
    by_outcome = computed(frames)
    rows = [row for made in by_outcome.values() for row in made]
    assert all(by_outcome.values())
    require_unique(rows)
    # The row itself refuses NaN, limits that do not enclose, and a missing value without state and reason.
    assert {row.state for row in rows} <= {
        "ok",
        "too_few",
        "nothing_yet",
        "not_reached",
        "not_estimable",
        "not_collected",
    }
    checked = check_identities(rows, frames)
    assert len(checked) == len(IDENTITIES)
    assert [each.name for each in checked if not each.passed] == []
    return rows


@settings(deadline=None, max_examples=proof_count(10, 500))
@given(COHORT, st.integers(0, 2**32))
def test_any_small_registry_in_any_order(stories, seed):
    frames = made_cohort.frames_of(stories)
    rows = holds(frames)
    shuffled = {name: frame.sample(frac=1.0, random_state=seed) for name, frame in frames.items()}
    assert [row for made in computed(shuffled).values() for row in made] == rows


@pytest.mark.parametrize("seed", range(proof_count(2, 100)))
def test_registries_large_enough_for_every_estimate(seed):
    chance = random.Random(seed)
    rows = holds(made_cohort.frames_of([made_cohort.drawn(chance) for _ in range(150)]))
    done = {row.group_label for row in rows if row.statistic == "association_rfs_hazard_ratio" and row.state == "ok"}
    assert {"time_varying", "time_varying_adjusted"} <= done


@pytest.mark.parametrize("rare", range(1, 5))
def test_a_rare_level_never_stops_the_comparison(rare):
    """One to four patients Ph+, and events for the penalised model only: there is a ratio."""
    chance = random.Random(rare)
    stories = []
    for number in range(90):
        told = made_cohort.drawn(chance)._replace(
            eligible=True, treated=True, assessed=True, responds=True, age=18 + number % 60, relapse=None,
            dies=number % 10 in (0, 1, 7), bcr_abl1="POS" if number < rare else "NEG", ecog="1"
        )  # fmt: skip
        stories.append(told._replace(ends=100 + 7 * number, blin=30 if number % 2 and number % 3 else None))
    rows = [row for row in holds(made_cohort.frames_of(stories)) if row.group_label == "time_varying_adjusted"]
    assert {row.outcome for row in rows} == {"blin_association"}
    ratios = [row for row in rows if row.statistic.endswith("hazard_ratio")]
    assert len(ratios) == 2
    assert {(row.state, row.method) for row in ratios} == {("ok", "cox_stratified_by_site_firth")}


@pytest.mark.parametrize(
    "change",
    [
        {"dies": False, "relapse": None},
        {"dies": True, "ends": 90},
        {"ends": 0, "dies": False},
        {"blin": None},
        {"blin": 0, "ends": 400},
        {"site": "S01"},
        {"eligible": False},
        {"treated": False},
        {"path": "RETRO_DECEASED"},
        {"entry": 800},
        {"age": None},
        {"bcr_abl1": "POS"},
        {"salvage": True, "blin": None},
        {"relapse": 30, "salvage": True, "transplant": 200, "ends": 800},
    ],
    ids=str,
)
def test_everybody_alike(change):
    chance = random.Random(7)
    holds(made_cohort.frames_of([made_cohort.drawn(chance)._replace(**change) for _ in range(60)]))


def test_exposure_that_separates_the_dead_from_the_living_is_refused_in_words():
    chance = random.Random(3)
    stories = []
    for number in range(80):
        story = made_cohort.drawn(chance)._replace(
            eligible=True, treated=True, assessed=True, responds=True, relapse=None, site=SITES[number % 3], ends=400
        )
        exposed = number % 2 == 0
        stories.append(story._replace(blin=1 if exposed else None, dies=exposed, transplant=None))
    rows = [row for row in holds(made_cohort.frames_of(stories)) if row.statistic == "association_oscr_hazard_ratio"]
    assert rows
    assert {row.state for row in rows} <= {"too_few", "not_estimable"}


def test_threads_change_no_bit():
    found = set()
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, str(Path(made_cohort.__file__))],
            env=os.environ | dict.fromkeys(names, threads),
            capture_output=True,
            check=True,
        )
        assert len(done.stdout) > 100_000
        found.add(hashlib.sha256(done.stdout).hexdigest())
    assert len(found) == 1
