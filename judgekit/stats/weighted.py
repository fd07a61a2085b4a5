"""Difference estimators for labels drawn by stratum or with known probabilities."""

from math import nan

import numpy as np

from judgekit.stats.difference import Fit, batch_moments
from judgekit.stats.sample import FloatArray, IntArray, Sample, clustered_variance, design_effect

WEIGHTS_OFF = 0.5
PSEUDO = 0.5


def weighted_slope(outcome: FloatArray, judge: FloatArray, weight: FloatArray) -> float:
    """Weighted least-squares slope of outcome on judge value, cut to 0..1; 0 for a constant judge.

    Parameters
    ----------
    outcome, judge, weight : ndarray of float, shape (n,)
        Human outcomes, judge values, and how many items of the batch each stands for.
    """
    f = judge - np.average(judge, weights=weight)
    spread = float(np.sum(weight * f * f))
    return min(max(float(np.sum(weight * f * outcome)) / spread, 0.0), 1.0) if spread > 1e-18 else 0.0


def outcome_variance(outcome: FloatArray, weight: FloatArray, ridge: float) -> float:
    """Variance of the outcome in the batch, from weighted labels."""
    mean, n = np.average(outcome, weights=weight), outcome.size
    share = float(np.average((outcome - mean) ** 2, weights=weight))
    return (n * share + ridge) / max(n - 1.5, 0.5)


def filled_values(sample: Sample) -> tuple[FloatArray, float]:
    """Judge values of the labelled items, a missing verdict taken at the batch mean, and that mean."""
    mean, _ = batch_moments(sample.judge)
    values = sample.judge[sample.labelled]
    return np.where(np.isnan(values), mean, values), mean


def stratified_fit(
    sample: Sample,
    counts: IntArray,
    codes: IntArray,
    *,
    batch: IntArray | None = None,
    slope: float | None = None,
    ridge: float | None = None,
) -> Fit:
    """Difference estimate from a stratified sample (E3 for ordinal and numeric outcomes).

    Parameters
    ----------
    sample : Sample
        Without missing outcomes.
    counts : ndarray of int, shape (H,)
        Items of the batch in each stratum.
    codes : ndarray of int, shape (n,)
        Stratum of each labelled item; each stratum has one.
    batch : ndarray of int, shape (N,), optional
        Stratum of each item of the batch, which groups of the whole batch need.
    slope, ridge
        As in `difference_fit`; a λ that is not given is the weighted slope.

    Returns
    -------
    Fit
        Variance nan where each stratum has a single label.
    """
    ridge = sample.ridge if ridge is None else ridge
    labels = np.bincount(codes, minlength=counts.size)
    share = counts / sample.total
    f, mean = filled_values(sample)
    weight = (counts / np.maximum(labels, 1))[codes]
    lam = weighted_slope(sample.human, f, weight) if slope is None else slope
    e = sample.human - lam * f
    means = np.bincount(codes, weights=e, minlength=counts.size) / np.maximum(labels, 1)
    apart = e - means[codes]
    squares = np.bincount(codes, weights=apart**2, minlength=counts.size)
    df = int(np.sum(np.maximum(labels - 1, 0)))
    pooled = (squares.sum() + ridge) / df if df else nan
    # The ridge counts once for all strata, each taking its share: in full in each, it made agreeing labels of
    # many strata cover .99 and intervals wider than those of labels drawn at random.
    spread = np.where(labels > 1, (squares + share * ridge) / (labels - 1 + share / 2), pooled)
    terms = share**2 * (1 - labels / np.maximum(counts, 1)) * spread / np.maximum(labels, 1)
    effect = design_effect(share[codes] * apart / labels[codes], sample.group)
    error = float(np.sum(terms)) * effect + process_term(sample, weight, ridge)
    if batch is not None:
        error = grouped(sample, error, lam, means[batch], (share / np.maximum(labels, 1))[codes] * apart)
    return Fit(float(lam * mean + np.sum(share * means)), error, df)


def grouped(
    sample: Sample, error: float, slope: float, level: FloatArray | float, residual: FloatArray
) -> float:
    """Variance of a difference estimate, at least that between the groups of the whole batch.

    Parameters
    ----------
    sample : Sample
        Returned is `error` unless it asks about the process and knows the groups of all its items.
    error : float
        Variance by the labelled items.
    slope : float
        λ.
    level : ndarray of float, shape (N,), or float
        What is predicted for an item besides λ times its judge value.
    residual : ndarray of float, shape (n,)
        What each labelled item contributes besides what is predicted for it, with sum 0.
    """
    if not sample.of_process or sample.batch_group is None:
        return error
    predicted = slope * np.where(np.isnan(sample.judge), batch_moments(sample.judge)[0], sample.judge) + level
    return max(error, clustered_variance(sample, (predicted - predicted.mean()) / sample.total, residual))


def process_term(sample: Sample, weight: FloatArray, ridge: float) -> float:
    """Variance that the draw of the batch from the process adds; 0 where only the batch is asked about."""
    if not sample.of_process:
        return 0.0
    apart = weight * (sample.human - np.average(sample.human, weights=weight))
    spread = outcome_variance(sample.human, weight, ridge) / sample.total
    return spread * design_effect(apart, sample.group)


def weighted_fit(sample: Sample, *, slope: float | None = None, ridge: float | None = None) -> Fit:
    """Hájek difference estimate from labels with known probabilities (E4).

    Parameters
    ----------
    sample : Sample
        With `probability`, without missing outcomes.
    slope, ridge
        As in `difference_fit`; a λ that is not given is the weighted slope.

    Returns
    -------
    Fit
        Variance nan for a single label.

    References
    ----------
    Zrnic & Candès (2024), arXiv:2403.03208
    """
    assert sample.probability is not None
    flips = sample.binary and ridge is None
    ridge = sample.ridge if ridge is None else ridge
    n, w = sample.n, 1 / sample.probability
    f, mean = filled_values(sample)
    lam = weighted_slope(sample.human, f, w) if slope is None else slope
    e = sample.human - lam * f
    centre = float(np.average(e, weights=w))
    if n < 2:
        return Fit(lam * mean + centre, nan, 0)
    apart = w * (e - centre) / w.sum()
    drawn = n / (n - 1) * float(np.sum((1 - sample.probability) * apart**2))
    third = 0.0
    if flips:
        # Half an item of the batch has the outcome that was not seen. It is likely one that few labels stand
        # for, and moves the estimate as these do: with the mean weight instead, labels of all flagged items
        # and few others covered .81 at a prevalence of .95 (n 120).
        other = w * (1 - sample.human - lam * f - centre) / w.sum()
        likely = (1 - sample.probability) * w / w.sum()
        floor = PSEUDO * float(np.sum(likely * other**2))
        third = float(np.sum((1 - sample.probability) * apart**3) + PSEUDO * np.sum(likely * other**3))
    else:
        floor = ridge * float(w.mean() / w.sum()) ** 2 * sample.unseen
    error = (drawn + floor) * design_effect(apart, sample.group) + process_term(sample, w, ridge)
    error = grouped(sample, error, lam, 0.0, apart)
    df = float(w.sum() ** 2 / np.sum(w**2)) - 1
    return Fit(lam * mean + centre, error, df, third / error if error > 0 else 0.0)


def weights_remark(sample: Sample) -> str:
    """Say if the labelled items stand for far more or fewer items than the batch has."""
    assert sample.probability is not None
    stands_for = float(np.sum(1 / sample.probability))
    if abs(stands_for - sample.total) <= WEIGHTS_OFF * sample.total:
        return ""
    return f"probabilities add up to {stands_for:.0f} items, the batch has {sample.total}: check them"
