"""Types of arrays, and sums that are the same whatever the number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]


class NotEstimableError(ValueError):
    """An estimate that does not exist for these data.

    Args:
        reason: Why, in words for a reader of results; no values of patients.

    Attributes:
        reason: The same.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def floats(values: ArrayLike) -> Floats:
    """A float array."""
    return np.asarray(values, dtype=np.float64)


def flags(values: ArrayLike) -> Flags:
    """An array of yes and no."""
    return np.asarray(values, dtype=np.bool_)


def columns(values: ArrayLike) -> Floats:
    """A matrix of one row per observation; a vector becomes its only column."""
    matrix = floats(values)
    return matrix.reshape(-1, 1) if matrix.ndim == 1 else matrix


def codes(values: ArrayLike | None, n: int) -> Counts:
    """Labels as whole numbers in order of the label; all zero when there are none."""
    if values is None:
        return np.zeros(n, dtype=np.int64)
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)


def summed_by(index: Counts, values: Floats, length: int) -> Floats:
    """Column sums of a matrix by group (``index`` per row); shape (length, columns)."""
    if values.ndim == 1:
        return floats(np.bincount(index, weights=values, minlength=length))
    return np.stack(
        [np.bincount(index, weights=values[:, place], minlength=length) for place in range(values.shape[1])], axis=1
    )


def cross_product(left: Floats, right: Floats) -> Floats:
    """``left' right`` without a threaded library."""
    product: Floats = np.einsum("ij,ik->jk", left, right, optimize=False)
    return product


def linear_predictor(covariates: Floats, coefficient: Floats) -> Floats:
    """``covariates coefficient`` without a threaded library."""
    product: Floats = np.einsum("ij,j->i", covariates, coefficient, optimize=False)
    return product
