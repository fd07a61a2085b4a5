"""How good stated probabilities are: the Brier score, and how far they lie from what happens."""

from dataclasses import dataclass
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import wilson
from judgekit.stats.sample import FloatArray, IntArray, checked_scores, codes_of, design_effect, is_binary

MOST_BINS = 10
LEAST_IN_BIN = 20
DRAWS = 1000
CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Items with like probabilities: what was stated of them, and what happened.

    Attributes
    ----------
    stated : float
        Mean probability.
    observed, low, high : float
        Share of outcomes that are 1, with Wilson limits.
    n : int
    """

    stated: float
    observed: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {key: getattr(self, key) for key in self.__slots__}


def brier_score(p: ArrayLike, y: ArrayLike) -> float:
    """Mean squared distance of probabilities from outcomes.

    Parameters
    ----------
    p : array_like of float, shape (n,)
        Stated probabilities of outcome 1.
    y : array_like, shape (n,)
        Outcomes, 0 or 1.

    Returns
    -------
    float
        0..1; nan without items.

    Raises
    ------
    ShapeError
        If lengths differ, or a value is missing or not what it has to be.

    References
    ----------
    Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    stated, outcome = _checked(p, y)
    return float(np.mean((stated - outcome) ** 2)) if stated.size else nan


def expected_calibration_error(p: ArrayLike, y: ArrayLike, bins: int = 10) -> float:
    """Mean distance of stated probability from observed share over bins of equal width.

    Biased upwards: chance alone puts every bin off. `debiased_calibration_error` takes that out.

    Parameters
    ----------
    p, y
        As in `brier_score`.
    bins : int
        Their number M; they are closed on the right: [0, 1/M], (1/M, 2/M], ….

    Returns
    -------
    float
        0..1; nan without items.

    Raises
    ------
    ShapeError
        As `brier_score`, or for fewer than one bin.

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), doi:10.1609/aaai.v29i1.9602
    """
    stated, outcome = _checked(p, y)
    if bins < 1:
        raise ShapeError(f"bins must be at least 1, not {bins}")
    if not stated.size:
        return nan
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], stated, side="left")
    apart = np.bincount(place, weights=stated - outcome, minlength=bins)
    return float(np.abs(apart).sum() / stated.size)


def debiased_calibration_error(
    p: ArrayLike, y: ArrayLike, *, group: ArrayLike | None = None, seed: int = 0
) -> Estimate:
    """Root mean square distance of stated probability from observed share, chance taken out.

    Parameters
    ----------
    p, y
        As in `brier_score`; the probabilities were stated without knowledge of these outcomes.
    group : array_like, shape (n,), optional
        Items of one group depend on each other.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Estimate
        Over at most 10 bins of equal mass with at least 20 items each, equal probabilities together; nan
        with fewer than two of them.

    Raises
    ------
    ShapeError
        As `brier_score`.

    References
    ----------
    Kumar, Liang & Ma (2019), arXiv:1909.10155
    """
    stated, outcome = _checked(p, y)
    codes = None if group is None else codes_of("group", group, stated.size)
    bins = equal_mass_bins(stated)
    whole = np.zeros((1, stated.size), np.intp)
    return calibration_error(stated[None], outcome, np.ones(stated.size), bins, whole, codes, seed)


def _checked(p: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    stated, outcome = checked_scores("p", p), checked_outcomes("y", y)
    if stated.shape != outcome.shape:
        raise ShapeError(f"p has {stated.size} values and y {outcome.size}; give one of each for every item")
    for name, values in (("p", stated), ("y", outcome)):
        if np.isnan(values).any():
            raise ShapeError(f"{name}[{int(np.flatnonzero(np.isnan(values))[0])}] is missing; leave it out")
    return stated, outcome


def checked_outcomes(name: str, outcomes: ArrayLike) -> FloatArray:
    """Outcomes that are 0, 1 or nan; ShapeError if there are others."""
    values = checked_scores(name, outcomes)
    if not is_binary(values[~np.isnan(values)]):
        raise ShapeError(f"{name} must be 0 or 1: what is the probability of anything else?")
    return values


def equal_mass_bins(values: FloatArray) -> IntArray:
    """Bin of each item by its value: at most 10 of about equal size, none below 20, equal values together.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0; all 0 where there are too few items for two bins.
    """
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    least = max(LEAST_IN_BIN, values.size / MOST_BINS)
    bins, held = np.zeros(counts.size, np.intp), 0
    for place, count in enumerate(counts):
        full = held >= least
        held = count if full else held + count
        bins[place] = (bins[place - 1] if place else 0) + full
    if counts.size and held < LEAST_IN_BIN:
        bins = np.minimum(bins, max(bins[-1] - 1, 0))
    return bins[level]


def calibration_error(
    p: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    bins: IntArray,
    folds: IntArray,
    group: IntArray | None,
    seed: int,
) -> Estimate:
    """Debiased calibration error of probabilities that were fitted on other folds.

    Each fold of a bin is held against its own probabilities. Over the whole bin they would average out:
    the mean of what four fifths say of the fifth is nearly the mean of all, however badly each is known.

    Parameters
    ----------
    p : ndarray of float, shape (R, n)
        Probabilities, R times.
    y, weight : ndarray of float, shape (n,)
        Outcomes, and what an item counts.
    bins : ndarray of int, shape (n,)
        From 0, chosen without a look at the outcomes' folds.
    folds : ndarray of int, shape (R, n)
        Items whose probabilities come from the same fit.
    group : ndarray of int, shape (n,) or None
    seed : int

    Returns
    -------
    Estimate
        The limits are those of the squared error by bootstrap, about its own centre.
    """
    n, method = y.size, "debiased, equal-mass bins"
    if not n or not bins.any():
        why = f"fewer than two bins of {LEAST_IN_BIN} items with different probabilities"
        return Estimate.undefined(why, n=n, method=method)
    unit = np.arange(n) if group is None else group
    units = int(unit.max()) + 1
    mean = np.bincount(bins, weights=weight * y) / np.bincount(bins, weights=weight)
    effect = design_effect(weight * (y - mean[bins]), group)

    def squared(times: FloatArray) -> FloatArray:
        return _squared_errors(times[:, unit], p, y, weight, bins, folds, effect)

    rng, step = np.random.default_rng(seed), max(1, CELLS_AT_ONCE // n)
    number = int(np.clip(step, DRAWS // 5, DRAWS))
    value, even = float(squared(np.ones((1, units)))[0]), np.full(units, 1 / units)
    drawn = np.concatenate(
        [
            squared(rng.multinomial(units, even, size=min(step, number - done)).astype(float))
            for done in range(0, number, step)
        ]
    )
    below, above = np.quantile(drawn - drawn.mean(), (0.025, 0.975))
    value, low, high = (sqrt(max(0.0, v)) for v in (value, value + below, value + above))
    return Estimate(value, min(low, value), max(high, value), n=n, method=method)


def _squared_errors(
    times: FloatArray,
    p: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    bins: IntArray,
    folds: IntArray,
    effect: float,
) -> FloatArray:
    """Mean squared error of each draw; `times` says how often an item stands in it, shape (B, n)."""
    once, twice = times * weight, times * weight**2
    spread = _bin_variances(once, twice, y, bins) * effect
    total, found = once.sum(axis=1), np.zeros(len(times))
    for stated, fold in zip(p, folds, strict=True):
        cell = bins * (int(fold.max()) + 1) + fold
        held = _sums(once, cell)
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = _sums(once * (stated - y), cell) ** 2 / held
            noise = spread[:, bins[np.unique(cell, return_index=True)[1]]] * _sums(twice, cell) / held
        found += np.where(held > 0, apart - noise, 0.0).sum(axis=1) / total
    return found / len(p)


def _bin_variances(once: FloatArray, twice: FloatArray, y: FloatArray, bins: IntArray) -> FloatArray:
    """Variance of one outcome in each bin, shape (B, bins)."""
    held = np.maximum(_sums(once, bins), np.finfo(float).tiny)
    share = _sums(once * y, bins) / held
    size = held**2 / np.maximum(_sums(twice, bins), np.finfo(float).tiny)
    return np.asarray(share * (1 - share) * size / np.maximum(size - 1, 1))


def _sums(values: FloatArray, codes: IntArray) -> FloatArray:
    """Sum each row's values by code, in the order of the codes that occur, shape (B, codes)."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[:, order], starts, axis=1))


def reliability_bins(
    p: FloatArray, y: FloatArray, weight: FloatArray, bins: IntArray, group: IntArray | None
) -> tuple[ReliabilityBin, ...]:
    """Stated and observed by bin, for a reliability diagram; shapes as in `calibration_error`, p (n,)."""
    count, held = np.bincount(bins), np.bincount(bins, weights=weight)
    stated = np.bincount(bins, weights=weight * p) / held
    observed = np.clip(np.bincount(bins, weights=weight * y) / held, 0, 1)
    effect = design_effect(weight * (y - observed[bins]), group)
    size = held**2 / np.bincount(bins, weights=weight**2) / effect
    low, high = wilson(observed, size)
    return tuple(
        ReliabilityBin(float(stated[b]), float(observed[b]), float(low[b]), float(high[b]), int(count[b]))
        for b in range(count.size)
    )
