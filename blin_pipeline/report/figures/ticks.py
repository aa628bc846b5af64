"""Where an axis is marked."""

from __future__ import annotations

import math


def nice_step(largest: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that marks ``largest`` with at most ``most`` steps."""
    raw = max(largest, 1) / most
    power = 10 ** math.floor(math.log10(raw)) if raw >= 1 else 1
    return float(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw))


def stride(spacing: float, room: float) -> int:
    """Every how many ticks a label fits, when ticks lie ``spacing`` px apart and a label needs ``room`` px."""
    return max(1, math.ceil(room / spacing)) if spacing > 0 else 1


def marks(largest: float, step: float) -> list[float]:
    """0, ``step``, 2 ``step``, ... up to ``largest``."""
    return [step * index for index in range(math.floor(largest / step + 1e-9) + 1)]
