"""Does an interval cover the truth as often as it says? Synthetic registries whose hazard ratio is known.

Usage: python -m benchmarks.outcomes.recovery [REGISTRIES] [PATIENTS]. Six of ten patients are to be exposed on a day between 20
and 100 from remission, if they live to it; the exposure multiplies the hazard from the next day on. Nothing confounds, so the
landmark and the time-varying estimate are right and the naive one is wrong by immortal time alone.
"""

from __future__ import annotations

import sys

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.cox import fit_cox, hazard_ratio
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.landmark import landmark, split_at_exposure

LANDMARK = 120.0


def registry(generator, n, truth):
    """Time, death and day of exposure (NaN when not reached)."""
    meant, planned = generator.random(n) < 0.6, generator.integers(20, 101, n).astype(float)
    unexposed = generator.exponential(500.0, n)
    death = np.where(meant & (unexposed > planned), planned + (unexposed - planned) / truth, unexposed)
    censored = generator.uniform(200, 1100, n)
    time = np.ceil(np.minimum(death, censored))
    return time, death <= censored, np.where(meant & (planned < time), planned, np.nan)


def estimates(time, event, began):
    at = landmark(time, event, began, LANDMARK)
    _, start, stop, ends, exposed = split_at_exposure(time, event, began)
    return {
        "naive": cox_rows(time, event, ~np.isnan(began)),
        "landmark": cox_rows(at.time, at.event, at.exposed),
        "time-varying": cox_rows(stop, ends, exposed, start=start),
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    print(
        "| true hazard ratio | estimator | registries | without estimate | median estimate | interval covers the truth |"
    )
    print("|---|---|---|---|---|---|")
    for truth in (1.0, 0.42):
        found: dict[str, list[tuple[float, bool]]] = {"naive": [], "landmark": [], "time-varying": []}
        failed = dict.fromkeys(found, 0)
        for seed in range(count):
            for name, rows in estimates(*registry(np.random.default_rng([seed, int(truth * 100)]), n, truth)).items():
                try:
                    ratio = hazard_ratio(fit_cox(rows))
                except NotEstimableError:
                    failed[name] += 1
                    continue
                found[name].append((ratio.value, ratio.lower <= truth <= ratio.upper))
        for name, results in found.items():
            values, covered = zip(*results, strict=True)
            share = np.mean(covered)
            print(
                f"| {truth} | {name} | {count} | {failed[name]} | {np.median(values):.3f} | {share:.1%} |", flush=True
            )


if __name__ == "__main__":
    main()
