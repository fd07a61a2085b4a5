"""How the judge differs from the human on average: paired mean differences, and McNemar's test."""

from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.codes import columns, confusion_table, read_values
from judgekit.stats.draws import item_codes, item_weights
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import t_quantile
from judgekit.stats.sample import FEW_GROUPS, LEAST_GROUPS, design_effect, join_notes


def paired_mean(
    difference: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    group: ArrayLike | None = None,
    added: float = 0.0,
    confidence: float = 0.95,
) -> Estimate:
    """Mean difference with Student's interval.

    Parameters
    ----------
    difference : array_like of float, shape (n_items,)
        nan where missing.
    item_weight : array_like of float, shape (n_items,), optional
        N_h/n_h of a stratified, 1/probability of a probability sample.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other: the variance is multiplied by their design effect,
        and the groups give the degrees of freedom.
    added : float
        Added to the sum of squares, so that equal differences keep a width.
    confidence : float
        Two-sided, 0..1.

    Returns
    -------
    Estimate
        Limits are nan below two items or five groups, or where the differences show no spread at all.

    Raises
    ------
    ShapeError
        If arrays differ in length, a difference is infinite, or a weight is not positive.
    """
    values = np.asarray(difference, dtype=float)
    if values.ndim != 1 or np.isinf(values).any():
        raise ShapeError(f"differences must be finite, one for each item, got shape {values.shape}")
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")
    weight, codes = item_weights(item_weight, values.size), item_codes("group", group, values.size)
    known = ~np.isnan(values)
    values, weight, n = values[known], weight[known], int(known.sum())
    if n == 0:
        return Estimate.undefined("no item has both values", method="paired t", confidence=confidence)
    value = float(weight @ values / weight.sum())
    pull = weight * (values - value) / weight.sum()
    variance = (float(pull @ pull) + added / n**2) * n / max(n - 1, 1)
    units, few = n, ""
    if codes is not None:
        units = np.unique(codes[known]).size
        few = f"few groups: {units}" if units < FEW_GROUPS else ""
        variance *= design_effect(pull, codes[known])
    flat = n > 1 and added == 0 and float(np.ptp(values)) == 0
    note = join_notes(few, "no spread to take an interval from" if flat else "")
    enough = n > 1 and not flat and (codes is None or units >= LEAST_GROUPS)
    half = t_quantile((1 + confidence) / 2, units - 1) * sqrt(variance) if enough else nan
    return Estimate(value, value - half, value + half, confidence, n, "paired t", note)


def bias(
    human: ArrayLike,
    judge: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """How much higher the judge scores than the human, on average, by the paired t.

    Parameters
    ----------
    human, judge : array_like of float, shape (n_items,)
        Scores; an item with a nan is left out.
    item_weight, group, confidence
        As in :func:`paired_mean`.

    Returns
    -------
    Estimate
        In the unit of the scores; positive for a lenient judge.

    Raises
    ------
    ShapeError
        As in :func:`paired_mean`.
    """
    scores = read_values(columns(human, judge))
    difference = scores[:, 1] - scores[:, 0]
    return paired_mean(difference, item_weight=item_weight, group=group, confidence=confidence)


def mcnemar_p(a: ArrayLike, b: ArrayLike) -> float:
    """Exact two-sided p-value for two 0/1 answers to the same items having the same rate of 1.

    Parameters
    ----------
    a, b : array_like of int, shape (n_items,)
        0, 1, or -1 where missing: such an item is left out.

    Returns
    -------
    float
        0..1; 1 if no item differs.

    Raises
    ------
    ShapeError
        If the arrays differ in length, or an answer is not 0, 1 or -1.

    References
    ----------
    McNemar (1947), doi:10.1007/BF02295996
    """
    from scipy.special import bdtr

    (_, up), (down, _) = confusion_table(a, b, (0, 1)).tolist()
    return min(1.0, 2 * float(bdtr(min(up, down), up + down, 0.5)))
