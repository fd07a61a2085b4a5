"""Difference estimators: the mean human outcome, with the judge as a control variate.

The estimate is a mean of e = Y − λ(f − f̄) over the labelled items. Whatever the judge does, its mean over the
batch is known, so the estimate stays right; λ only decides how much of the judge's variation is taken out.
"""

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np

from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import wilson
from judgekit.stats.sample import FloatArray, IntArray, Sample, clustered_variance, design_effect

FOLDS = 5
SEED = 20_260
CONSTANT = 1e-20
BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Fit:
    """A value with its variance, that one's degrees of freedom, and third central moment over variance."""

    value: float
    variance: float
    df: float
    skew: float = 0.0


def batch_moments(judge: FloatArray) -> tuple[float, float]:
    """Mean and variance of the judge's values in the batch, an item without verdict taken at the mean.

    Returns
    -------
    tuple of float
        Mean (0 without any verdict) and variance with divisor N; exactly 0 for a constant judge.
    """
    known = judge[~np.isnan(judge)] if np.isnan(judge).any() else judge
    if not known.size:
        return 0.0, 0.0
    mean = float(known.mean())
    parts = (known[at : at + BLOCK] - mean for at in range(0, known.size, BLOCK))  # they stay in the cache
    variance = sum(float(part @ part) for part in parts) / judge.size
    return mean, variance if variance > CONSTANT else 0.0


def folds_of(keys: tuple[FloatArray, ...], group: IntArray | None = None) -> IntArray:
    """Fold of each labelled item, 0 to 4, the same for a group.

    Items are drawn in the order of their values, not of their rows, so that neither the order of the rows
    nor turning the scale round (the pattern is its own mirror image) changes an estimate.

    Parameters
    ----------
    keys : tuple of ndarray of float, shape (n,)
        Values to order the items by, the least important first.
    group : ndarray of int, shape (n,), optional
        Group codes from 0.
    """
    if group is not None:
        sizes = np.maximum(np.bincount(group), 1)
        means = tuple(np.bincount(group, weights=key) / sizes for key in keys)
        return folds_of(means)[group]
    n = keys[0].size
    half = np.random.default_rng(SEED).permutation(np.arange((n + 1) // 2) % FOLDS)
    folds = np.empty(n, np.intp)
    folds[np.lexsort(keys)] = np.concatenate((half, half[: n // 2][::-1]))
    return folds


def cross_fitted_slopes(
    outcome: FloatArray, judge: FloatArray, variance: float, group: IntArray | None
) -> FloatArray:
    """λ for each labelled item, from the labels of the other four folds.

    Parameters
    ----------
    outcome, judge : ndarray of float, shape (n,)
        Human outcomes and judge values, without nan.
    variance : float
        Variance of the judge's values in the batch.
    group : ndarray of int, shape (n,) or None
        Groups that a fold may not divide.

    Returns
    -------
    ndarray of float, shape (n,)
        Covariance over variance, cut to 0..1; 0 where the judge does not vary.
    """
    if variance == 0:
        return np.zeros(outcome.size)
    # Rounded: an item at the mean and one without a verdict are alike, however the mean was added up.
    folds = folds_of((outcome, np.round(judge, 9)), group)
    y, f = outcome - outcome.mean(), judge - judge.mean()

    def others(weights: FloatArray) -> FloatArray:
        sums = np.bincount(folds, weights=weights, minlength=FOLDS)
        return np.asarray(sums.sum() - sums)

    size = np.maximum(others(np.ones(y.size)), 2)
    covariance = (others(y * f) - others(y) * others(f) / size) / (size - 1)
    return np.asarray(np.clip(covariance / variance, 0, 1)[folds])


def difference_fit(sample: Sample, *, slope: float | None = None, ridge: float | None = None) -> Fit:
    """Difference estimate of the mean outcome from a simple random sample.

    Parameters
    ----------
    sample : Sample
        Without missing outcomes.
    slope : float, optional
        λ, where it is known beforehand; cross-fitted otherwise.
    ridge : float, optional
        What is added to sums of squares; by default that of the sample.

    Returns
    -------
    Fit
        Variance nan for fewer than three labels.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), arXiv:2311.01453
    """
    ridge = sample.ridge if ridge is None else ridge
    mean, variance = batch_moments(sample.judge)
    judge, y = sample.judge[sample.labelled], sample.human
    f = np.where(np.isnan(judge), 0.0, judge - mean)
    lam = cross_fitted_slopes(y, f, variance, sample.group) if slope is None else slope
    e = y - lam * f
    value = float(e.mean())
    error = sample.unseen * mean_variance(e, sample.group, ridge)
    if sample.of_process:
        error += (1 - sample.unseen) * mean_variance(y, sample.group, ridge)
        if sample.batch_group is not None:
            everywhere = np.where(np.isnan(sample.judge), 0.0, sample.judge - mean)
            predicted = float(np.mean(lam)) * everywhere / sample.total
            error = max(error, clustered_variance(sample, predicted, (e - value) / sample.n))
    return Fit(value, error, sample.n - 2)


def mean_variance(values: FloatArray, group: IntArray | None, ridge: float) -> float:
    """Variance of the mean of n values: (Σ(e−ē)² + ridge)/(n−1.5)/n, times the design effect of groups."""
    if values.size < 3:
        return nan
    apart = values - values.mean()
    return (float(apart @ apart) + ridge) / (values.size - 1.5) / values.size * design_effect(apart, group)


def student_limits(sample: Sample, fit: Fit, method: str, *notes: str) -> Estimate:
    """Interval of a fit by Student's t, drawn out to the side where its skewness hides what few labels show.

    A limit at a distance d is where the variance that the fit would have there, V ± d·skew, puts the value at
    its quantile: for a share from equal labels these are Wilson's limits but for a term of order d²/n.

    References
    ----------
    Hall (1992), On the removal of skewness by transformation, J. R. Stat. Soc. B 54, 221–228
    """
    squared = sample.critical(fit.df) ** 2
    centre = squared * fit.skew / 2
    half = sqrt(centre**2 + squared * fit.variance)
    return sample.estimate(fit.value, fit.value + centre - half, fit.value + centre + half, method, *notes)


def wilson_limits(sample: Sample, fit: Fit, method: str, *notes: str) -> Estimate:
    """Interval of a fit to 0/1 outcomes: Wilson's, on the size that a share of this variance would have."""
    value = min(max(fit.value, 0.0), 1.0)
    likely = (sample.n * fit.value + 2) / (sample.n + 4)
    likely = min(max(likely, 0.0), 1.0)
    size = likely * (1 - likely) / fit.variance if fit.variance > 0 else inf
    low, high = wilson(value, size, sample.critical(fit.df))
    return sample.estimate(value, float(low), float(high), method, *notes)


def difference(sample: Sample, *, slope: float | None = None) -> Estimate:
    """Mean outcome by the difference estimator with cross-fitted λ and Student limits (E1).

    Parameters
    ----------
    sample : Sample
        A simple random sample without missing outcomes.
    slope : float, optional
        λ, where it was fixed beforehand (then nothing is fitted).
    """
    return student_limits(sample, difference_fit(sample, slope=slope), "difference", *_remarks(sample))


def difference_wilson(sample: Sample, *, slope: float | None = None) -> Estimate:
    """Mean of 0/1 outcomes as by `difference`, with Wilson limits (E1w)."""
    fit = difference_fit(sample, slope=slope)
    return wilson_limits(sample, fit, "difference-wilson", *_remarks(sample))


def _remarks(sample: Sample) -> tuple[str, ...]:
    few = "fewer than 3 labels: no interval" if sample.n < 3 else ""
    constant = "the judge is constant: labels alone" if batch_moments(sample.judge)[1] == 0 else ""
    return few, constant
