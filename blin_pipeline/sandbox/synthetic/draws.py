"""Random draws that repeat: one stream per label, built on the one generator method that Python promises to keep stable."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A stream of random draws.

    Only ``random.Random.random`` is used: its sequence for a given seed is promised across Python versions, that of the
    other methods is not.

    Args:
        seed: The registry's seed.
        label: Name of the stream; streams of different labels are independent.
    """

    def __init__(self, seed: int, label: str) -> None:
        self._next = random.Random(f"{seed}/{label}").random  # noqa: S311 - made-up patients, not secrets

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in ``[low, high)``."""
        return low + (high - low) * self._next()

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self._next() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._next() < probability

    def choice(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[int(self._next() * len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """A key, with probability in proportion to its weight (in the mapping's order)."""
        mark = self._next() * sum(weights.values())
        last: T | None = None
        for item, weight in weights.items():
            mark -= weight
            last = item
            if mark < 0:
                return item
        if last is None:
            raise ValueError("weighted() needs at least one item")
        return last

    def exponential(self, mean: float) -> float:
        """An exponential waiting time with this mean."""
        return -mean * math.log(1.0 - self._next())

    def normal(self, mean: float, standard_deviation: float) -> float:
        """A normal value (Box and Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self._next()))
        return mean + standard_deviation * radius * math.cos(2.0 * math.pi * self._next())

    def lognormal(self, median: float, spread: float) -> float:
        """A log-normal value with this median and this standard deviation of its logarithm."""
        return median * math.exp(self.normal(0.0, spread))

    def clipped(self, value: float, low: float, high: float) -> float:
        """The value, held between two limits."""
        return min(max(value, low), high)
