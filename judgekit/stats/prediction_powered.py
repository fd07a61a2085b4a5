"""Prediction-powered inference as published, for comparison: normal limits, labels apart from the rest."""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import normal_quantile


def ppi_lambda(outcome: ArrayLike, judge: ArrayLike, unlabelled: ArrayLike) -> float:
    """Tuned λ of PPI++, cut to 0..1; nan for a constant judge.

    Parameters
    ----------
    outcome, judge : array_like of float, shape (n,)
        Human outcomes and judge values of the labelled items.
    unlabelled : array_like of float, shape (N,)
        Judge values of the other items.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), arXiv:2311.01453
    """
    y, f, rest = (np.asarray(a, float) for a in (outcome, judge, unlabelled))
    both = np.concatenate((f, rest))
    if both.min() == both.max():
        return float("nan")
    spread = float(np.sum((both - both.mean()) ** 2)) / (both.size - 1)
    covariance = float(np.mean((y - y.mean()) * (f - f.mean())))
    return min(max(covariance / ((1 + y.size / rest.size) * spread), 0.0), 1.0)


def ppi_mean(
    outcome: ArrayLike,
    judge: ArrayLike,
    unlabelled: ArrayLike,
    *,
    lam: float | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Prediction-powered mean with its normal interval.

    Parameters
    ----------
    outcome, judge : array_like of float, shape (n,)
        Human outcomes and judge values of the labelled items, in any unit.
    unlabelled : array_like of float, shape (N,)
        Judge values of the other items.
    lam : float, optional
        1 is PPI, 0 the mean of the labels; tuned if not given (PPI++).
    confidence : float
        Two-sided.

    Returns
    -------
    Estimate
        Its interval misses the truth too often below some hundred labels (see `corrected_mean`).

    References
    ----------
    Angelopoulos et al. (2023), arXiv:2301.09633; PPI++: arXiv:2311.01453

    Examples
    --------
    >>> ppi_mean([1, 0, 1, 1], [1, 0, 1, 0], [1, 1, 0, 1, 0, 1], lam=1).value
    0.9166666666666666
    """
    y, f, rest = (np.asarray(a, float) for a in (outcome, judge, unlabelled))
    name = "ppi++" if lam is None else "ppi"
    if not (y.size and rest.size):
        why = "no labelled items" if not y.size else "no items without a label"
        return Estimate.undefined(why, n=y.size, method=name, confidence=confidence)
    weight = ppi_lambda(y, f, rest) if lam is None else lam
    note = "the judge is constant: labels alone" if np.isnan(weight) else ""
    weight = 0.0 if note else weight
    value = float(weight * rest.mean() + np.mean(y - weight * f))
    error = sqrt(weight**2 * rest.var() / rest.size + np.var(y - weight * f) / y.size)
    half = normal_quantile((1 + confidence) / 2) * error
    return Estimate(value, value - half, value + half, confidence, y.size, name, note)
