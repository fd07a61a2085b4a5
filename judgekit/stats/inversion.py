"""Inverting the judge's error rates: the mean outcome of a batch without labels of its own.

Right only as long as the judge errs at the same rates as on the items that were labelled.
"""

from math import nan, sqrt

import numpy as np

from judgekit.stats.estimate import Estimate
from judgekit.stats.poststratified import effective_counts
from judgekit.stats.proportions import normal_quantile
from judgekit.stats.sample import FloatArray, IntArray, Sample, batch_effect, design_effect

LEAST_LABELS = 5
WEAK = 0.4
WORST_CONDITION = 100
DRAWS = 2_000
EM_STEPS = 30
EM_START = 1e-4
EM_LEAST = 1e-9
STILL = 0.8
EM_CLOSE = 1e-6
SEED = 20_260
HOLDS_IF = "holds if the judge still errs at the same rates"


def rogan_gladen_value(rate: float, tpr: float, tnr: float, *, clip: bool = True) -> float:
    """Undo the judge's errors in a rate, (rate + TNR − 1)/(TPR + TNR − 1); nan if the judge tells nothing.

    References
    ----------
    Rogan & Gladen (1978), doi:10.1093/oxfordjournals.aje.a112510

    Examples
    --------
    >>> round(rogan_gladen_value(0.6, 0.9, 0.8), 4)
    0.5714
    """
    youden = tpr + tnr - 1
    if not youden > 0:
        return nan
    value = (rate + tnr - 1) / youden
    return min(max(value, 0.0), 1.0) if clip else value


def lang_reiczigel(
    rate: float, total: float, hits: float, positives: float, rejections: float, negatives: float, z: float
) -> tuple[float, float]:
    """Limits of a true rate when the judge's error rates are themselves estimated.

    Parameters
    ----------
    rate : float
        Share of the batch that the judge passed, 0..1.
    total : float
        Items in the batch.
    hits, positives : float
        Labelled items with outcome 1: those the judge passed, and all.
    rejections, negatives : float
        Labelled items with outcome 0: those the judge failed, and all.
    z : float
        Quantile of the normal distribution.

    Returns
    -------
    tuple of float
        Within 0..1; nan if the smoothed TPR + TNR is not above 1.

    References
    ----------
    Lang & Reiczigel (2014), doi:10.1016/j.prevetmed.2013.09.015
    """
    p = (total * rate + z * z / 2) / (total + z * z)
    q1, q0 = (hits + 1) / (positives + 2), (rejections + 1) / (negatives + 2)
    youden = q1 + q0 - 1
    if not youden > 0:
        return nan, nan
    v1, v0 = q1 * (1 - q1) / (positives + 2), q0 * (1 - q0) / (negatives + 2)
    value = (p + q0 - 1) / youden
    shift = 2 * z * z * (value * v1 - (1 - value) * v0)
    spread = p * (1 - p) / (total + z * z) + value**2 * v1 + (1 - value) ** 2 * v0
    half = z * sqrt(spread) / youden
    low, high = value + shift - half, value + shift + half
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)


def rogan_gladen(sample: Sample, judge: FloatArray, outcome: FloatArray) -> Estimate:
    """Mean of 0/1 outcomes of a batch from a 0/1 judge's error rates on other items (E5).

    Parameters
    ----------
    sample : Sample
        The batch; its `group` is that of the other items, its `batch_group` that of its own.
    judge, outcome : ndarray of float, shape (n,)
        Judge values and human outcomes, 0/1, of the labelled items; nan = no verdict.

    Returns
    -------
    Estimate
        nan with the reason if TPR + TNR is not above 1 or a human class has fewer than five labels.
    """
    method = "rogan-gladen"
    known = ~np.isnan(judge)
    f, y = judge[known], outcome[known]
    group = None if sample.group is None else sample.group[known]
    chance = np.ones(y.size) if sample.probability is None else sample.probability[known]
    counts = int(np.sum(y == 1)), int(np.sum(y == 0))
    if min(counts) < LEAST_LABELS:
        return sample.undefined(
            f"{counts[0]} labels of outcome 1 and {counts[1]} of outcome 0: each needs {LEAST_LABELS}", method
        )
    (negatives, positives), weight = effective_counts(1 / chance, y.astype(np.intp), 2)
    tpr, tnr = (
        float(np.sum(weight * f * y)) / positives,
        float(np.sum(weight * (1 - f) * (1 - y))) / negatives,
    )
    graded = sample.judge[~np.isnan(sample.judge)]
    if not graded.size:
        return sample.undefined("no verdict in the batch", method)
    rate = float(graded.mean())
    value = rogan_gladen_value(rate, tpr, tnr)
    # What each label moves: the estimate's derivatives by TPR and TNR.
    pull = weight * np.where(y == 1, value * (f - tpr) / positives, (1 - value) * (1 - f - tnr) / negatives)
    cut = design_effect(pull, group)
    z = normal_quantile((1 + sample.confidence) / 2)
    total = graded.size / batch_effect(sample, sample.judge, z)
    limits = lang_reiczigel(
        rate, total, tpr * positives / cut, positives / cut, tnr * negatives / cut, negatives / cut, z
    )
    if np.isnan(value) or np.isnan(limits).any():
        return sample.undefined(
            f"TPR + TNR is {tpr + tnr:.2f}: the judge does not tell outcomes apart", method
        )
    weak = f"very weak judge (TPR + TNR − 1 = {tpr + tnr - 1:.2f})" if tpr + tnr - 1 < WEAK else ""
    return sample.estimate(value, *limits, method, HOLDS_IF, failed_remark(sample.judge), weak)


def failed_remark(judge: FloatArray) -> str:
    """Say how many items of the batch have no verdict and were left out."""
    failed = int(np.count_nonzero(np.isnan(judge)))
    return f"{failed} of {judge.size} items have no verdict and were left out" if failed else ""


def em_shares(shares: FloatArray, confusion: FloatArray) -> FloatArray:
    """Most likely shares of the true levels behind shares of the judge's levels, by accelerated EM.

    Parameters
    ----------
    shares : ndarray of float, shape (B, K)
        Shares of the judge's levels, B times.
    confusion : ndarray of float, shape (B, K, L)
        P(judge level k | true level l); each column adds up to 1.

    Returns
    -------
    ndarray of float, shape (B, L)
        Not negative, adding up to 1.

    References
    ----------
    Varadhan & Roland (2008), doi:10.1111/j.1467-9469.2007.00585.x
    """
    solved = _solved(shares, confusion)
    true = np.clip(solved, EM_START, None)
    # As many levels told apart as there are: a linear solution without negative shares is the answer.
    exact = (solved >= 0).all(axis=1) & (confusion.shape[1] == confusion.shape[2])
    true[exact] = solved[exact]
    true /= true.sum(axis=1, keepdims=True)
    rest = np.flatnonzero(~exact)
    if rest.size:
        problems = (np.moveaxis(array[rest], 0, -1).copy() for array in (true, shares, confusion))
        true[rest] = _climb(*problems).T
    return true


def _solved(shares: FloatArray, confusion: FloatArray) -> FloatArray:
    """Linear solution of confusion · true = shares; by least squares unless it is square and regular."""
    if confusion.shape[1] == confusion.shape[2]:
        try:
            return np.asarray(np.linalg.solve(confusion, shares[..., None])[..., 0])
        except np.linalg.LinAlgError:
            pass
    return np.asarray(np.einsum("blk,bk->bl", np.linalg.pinv(confusion), shares))


def _climb(true: FloatArray, shares: FloatArray, confusion: FloatArray) -> FloatArray:
    """EM from a start, each round two steps and a leap along their path; problems along the last axis.

    Plain EM creeps towards a share of 0, where most draws that get here end: a thousand steps do not suffice.
    """
    found, moving = true.copy(), np.arange(true.shape[1])
    for _ in range(EM_STEPS):
        once = _em_step(true, shares, confusion)
        first = once - true
        bend = _em_step(once, shares, confusion) - once - first
        far = np.sqrt(np.sum(first**2, axis=0) / np.maximum(np.sum(bend**2, axis=0), 1e-300))
        far = np.maximum(far, 1)
        leap = np.clip(true + 2 * far * first + far**2 * bend, EM_LEAST, None)
        true = _em_step(leap / leap.sum(axis=0), shares, confusion)
        found[:, moving] = true
        going = np.abs(first).max(axis=0) > EM_CLOSE
        if not going.any():
            break
        if going.mean() > STILL:
            continue  # copying the rest costs more than a step
        moving, true, shares = moving[going], true[:, going], shares[:, going]
        confusion = confusion[:, :, going]
    return found


def _em_step(true: FloatArray, shares: FloatArray, confusion: FloatArray) -> FloatArray:
    expected = np.einsum("klb,lb->kb", confusion, true)
    # What is not expected at all has no share either, or confusions of 0 that take it out again.
    update = true * np.einsum("kb,klb->lb", shares / np.maximum(expected, 1e-300), confusion)
    return np.asarray(update / update.sum(axis=0))


def confusion_inversion(
    sample: Sample,
    counts: IntArray,
    table: FloatArray,
    values: FloatArray,
    batch: IntArray | None = None,
) -> Estimate:
    """Mean outcome of a batch from the judge's confusion on other items, any number of levels (E6).

    Parameters
    ----------
    sample : Sample
        The batch; its `group` is not used.
    counts : ndarray of int, shape (K,)
        Items of the batch at each of the judge's levels; those without verdict left out.
    table : ndarray of float, shape (K, L)
        Labelled items by judge level and human level, or what they are worth.
    values : ndarray of float, shape (L,)
        Outcome that each human level stands for.
    batch : ndarray of int, shape (N,), optional
        Judge level of each item of the batch, -1 without verdict, which its groups need.

    Returns
    -------
    Estimate
        Limits from 2,000 draws of confusion and shares; nan with the reason if a human level has fewer than
        five labels or the confusion cannot be inverted (condition number above 100).

    References
    ----------
    Lee et al. (2025), arXiv:2511.21140
    """
    method = "confusion inversion"
    labels = table.sum(axis=0)
    if labels.min() < LEAST_LABELS:
        return sample.undefined(f"a human level has fewer than {LEAST_LABELS} labels", method)
    if not counts.sum():
        return sample.undefined("no verdict in the batch", method)
    confusion = table / labels
    solvable = table.shape[0] >= table.shape[1]
    if not solvable or np.linalg.cond(confusion) > WORST_CONDITION:
        return sample.undefined(
            "the judge does not tell the levels apart: its confusion cannot be inverted", method
        )
    shares = counts / counts.sum()
    value = float(em_shares(shares[None], confusion[None])[0] @ values)
    items = float(counts.sum())
    if batch is not None:
        worth = np.append(values @ np.linalg.pinv(confusion), nan)
        items /= batch_effect(sample, worth[batch], normal_quantile((1 + sample.confidence) / 2))
    draws = _drawn_shares(shares, max(round(items), 1), table) @ values
    tail = (1 - sample.confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return sample.estimate(value, low, high, method, HOLDS_IF, failed_remark(sample.judge))


def _drawn_shares(shares: FloatArray, items: int, table: FloatArray) -> FloatArray:
    """Shares of the true levels, 2,000 times: confusion from Dirichlet, shares from the multinomial."""
    rng = np.random.default_rng(SEED)
    gamma = rng.standard_gamma(table + 1 / table.shape[0], size=(DRAWS, *table.shape))
    confusion = gamma / gamma.sum(axis=1, keepdims=True)
    return em_shares(rng.multinomial(items, shares, size=DRAWS) / items, confusion)
