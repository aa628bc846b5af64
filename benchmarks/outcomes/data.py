"""Made-up survival data: whole days (so ties), five covariates, two causes, an exposure that begins during follow-up."""

from __future__ import annotations

import numpy as np
import pandas as pd


def patients(n: int, seed: int = 1) -> pd.DataFrame:
    """One row per patient: time and cause, covariates, day of exposure (NaN for never)."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 5))
    first = generator.exponential(900 * np.exp(-x @ [0.5, -0.3, 0.2, 0.0, 0.1]))
    second = generator.exponential(2000, n)
    censored = generator.uniform(100, 1500, n)
    time = np.ceil(np.minimum(np.minimum(first, second), censored))
    code = np.where(censored < np.minimum(first, second), 0, np.where(first <= second, 1, 2))
    began = np.ceil(generator.exponential(200, n))
    frame = pd.DataFrame(x, columns=[f"x{place}" for place in range(5)])
    return frame.assign(id=np.arange(n), time=time, code=code, began=np.where(began < time, began, np.nan))


def intervals(frame: pd.DataFrame) -> pd.DataFrame:
    """Counting-process rows of the exposure, for death of the first cause."""
    changes = frame["began"].notna()
    before = frame.assign(start=0.0, stop=frame["began"].fillna(frame["time"]), exposed=0)
    before = before.assign(event=((frame["code"] == 1) & ~changes).astype(int))
    after = frame[changes].assign(start=frame["began"], stop=frame["time"], exposed=1)
    after = after.assign(event=(after["code"] == 1).astype(int))
    return pd.concat([before, after]).sort_values(["id", "start"], ignore_index=True)
