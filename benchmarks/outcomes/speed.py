"""Side by side in one run: these methods, lifelines, scikit-survival and R. Prints a Markdown table; wall seconds, best of rounds.

Usage: python -m benchmarks.outcomes.speed [N ...] [--rounds 3]. A library that is not installed has an empty column.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.outcomes.data import intervals, patients
from blin_pipeline.outcomes.statistics.aalen_johansen import aalen_johansen
from blin_pipeline.outcomes.statistics.bootstrap import bootstrap_survival, draws_within
from blin_pipeline.outcomes.statistics.cox import fit_cox
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

METHODS = ("kaplan_meier", "aalen_johansen", "cox", "time_varying_cox", "bootstrap_1000")
COVARIATES = [f"x{place}" for place in range(5)]
#: lifelines is not asked for what would take longer than this many seconds, measured on a tenth of the size.
TOO_LONG = 120.0


def ours(p, v):
    return {
        "kaplan_meier": lambda: kaplan_meier(make_cohort(p["time"], p["code"] == 1)),
        "aalen_johansen": lambda: aalen_johansen(p["time"], p["code"]),
        "cox": lambda: fit_cox(cox_rows(p["time"], p["code"] == 1, p[COVARIATES])),
        "time_varying_cox": lambda: fit_cox(
            cox_rows(v["stop"], v["event"], v[["exposed", "x0", "x1"]], start=v["start"])
        ),
        "bootstrap_1000": lambda: [
            bootstrap_survival(p["time"], p["code"] == 1, draws_within(np.zeros(len(p)), block, seed), [365.25])
            for block, seed in blocks(len(p))
        ],
    }


def blocks(n):
    """A thousand samples in blocks that keep the matrix of counts under 200 MB."""
    size = max(1, min(1000, 25_000_000 // n))
    return [(min(size, 1000 - first), first) for first in range(0, 1000, size)]


def of_lifelines(p, v):
    import lifelines

    single = p.assign(event=(p["code"] == 1).astype(int))[["time", "event", *COVARIATES]]
    long = v[["id", "start", "stop", "event", "exposed", "x0", "x1"]]

    def bootstrap():
        # A tenth of the samples, counted ten times: see `repeats`.
        generator = np.random.default_rng(1)
        for _ in range(100):
            drawn = p.iloc[generator.integers(0, len(p), len(p))]
            lifelines.KaplanMeierFitter().fit(drawn["time"], drawn["code"] == 1)

    return {
        "kaplan_meier": lambda: lifelines.KaplanMeierFitter().fit(p["time"], p["code"] == 1),
        "aalen_johansen": lambda: lifelines.AalenJohansenFitter(calculate_variance=True, seed=1).fit(
            p["time"], p["code"], 1
        ),
        "cox": lambda: lifelines.CoxPHFitter().fit(single, "time", "event"),
        "time_varying_cox": lambda: lifelines.CoxTimeVaryingFitter().fit(
            long, id_col="id", start_col="start", stop_col="stop", event_col="event"
        ),
        "bootstrap_1000": bootstrap,
    }


def of_scikit_survival(p, _):
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator
    from sksurv.util import Surv

    y = Surv.from_arrays(p["code"] == 1, p["time"])
    return {
        "kaplan_meier": lambda: kaplan_meier_estimator(p["code"] == 1, p["time"], conf_type="log-log"),
        "aalen_johansen": lambda: cumulative_incidence_competing_risks(
            p["code"], p["time"], var_type="Aalen", conf_type="log-log"
        ),
        "cox": lambda: CoxPHSurvivalAnalysis(ties="efron").fit(p[COVARIATES].to_numpy(), y),
    }


def of_r(p, v, rounds):
    if not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        p.to_csv(Path(folder) / "patients.csv", index=False)
        v.to_csv(Path(folder) / "intervals.csv", index=False)
        script = Path(__file__).with_name("in_r.R")
        done = subprocess.run(["Rscript", str(script), folder, str(rounds)], capture_output=True, text=True, check=True)
    return {name: float(seconds) for name, seconds in (line.split() for line in done.stdout.splitlines())}


def best(run, rounds):
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[200, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| method | n | ours | lifelines | scikit-survival | R survival |\n|---|---|---|---|---|---|")
    smaller: dict[tuple[str, str], float] = {}
    for n in given.sizes:
        p = patients(n)
        v = intervals(p)
        columns = {"ours": ours(p, v)}
        if importlib.util.find_spec("lifelines"):
            columns["lifelines"] = of_lifelines(p, v)
        if importlib.util.find_spec("sksurv"):
            columns["scikit-survival"] = of_scikit_survival(p, v)
        in_r = of_r(p, v, given.rounds)
        for method in METHODS:
            cells = []
            for library in ("ours", "lifelines", "scikit-survival"):
                run = columns.get(library, {}).get(method)
                growth = 10 if library == "ours" else 100
                if run is None:
                    cells.append("")
                elif library != "ours" and smaller.get((library, method), 0.0) * growth > TOO_LONG:
                    cells.append("not run")
                else:
                    repeats = 10 if (library, method) == ("lifelines", "bootstrap_1000") else 1
                    rounds = 1 if method == "bootstrap_1000" and n > 200 else given.rounds
                    seconds = best(run, rounds) * repeats
                    smaller[library, method] = seconds
                    cells.append(f"{seconds:.4g}" + (" (100 samples x 10)" if repeats > 1 else ""))
            cells.append(f"{in_r[method]:.4g}" if method in in_r else "")
            print(f"| {method} | {n} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
