"""Proportions with Wilson intervals, and the rates of a binary judge."""

from dataclasses import dataclass, fields
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.codes import columns, confusion_table, read_codes
from judgekit.stats.draws import item_codes, item_weights
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import mover_sum, normal_quantile, t_quantile, wilson
from judgekit.stats.sample import (
    FEW_GROUPS,
    LEAST_GROUPS,
    FloatArray,
    IntArray,
    checked_scores,
    design_effect,
    join_notes,
)


def proportion(
    hits: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
    why: str = "no item counts",
) -> Estimate:
    """Share of items, or mean of shares within items, with its Wilson interval.

    With strata, the shares of hits and of misses in each have Wilson limits, which MOVER combines
    to those of hits / (hits + misses). Weights without strata give an effective size: (Σw)²/Σw², or
    that at which a share has the variance of the weighted mean, if it is smaller. Groups divide
    sizes by their design effect, and Student's quantile takes the place of the normal one.

    Parameters
    ----------
    hits : array_like of float, shape (n_items,)
        0..1; nan where an item does not count.
    item_weight : array_like of float, shape (n_items,), optional
        N_h/n_h of a stratified, 1/probability of a probability sample.
    stratum : array_like, shape (n_items,), optional
        Stratum from which each item was drawn.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other.
    confidence : float
        Two-sided, 0..1.
    why : str
        What to say where no item counts.

    Returns
    -------
    Estimate
        Limits are nan below 5 groups.

    Raises
    ------
    ShapeError
        If arrays differ in length, a hit lies outside 0..1, or a weight is not positive.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953; Kish (1965), Survey Sampling;
    MOVER: Zou & Donner (2008), doi:10.1002/sim.3095

    Examples
    --------
    >>> proportion([1, 1, 0, 1])
    Estimate(0.75, 95% [0.301, 0.954], n=4, method='Wilson')
    """
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")
    share = checked_scores("hits", hits)
    weight = item_weights(item_weight, share.size)
    strata, groups = item_codes("stratum", stratum, share.size), item_codes("group", group, share.size)
    method = "Wilson" if strata is None else "MOVER"
    known = ~np.isnan(share)
    n = int(known.sum())
    if n == 0:
        return Estimate.undefined(why, method=method, confidence=confidence)
    value = min(float(weight[known] @ share[known] / weight[known].sum()), 1.0)
    pull = weight * (share - value)
    effect, z, note = _dependence(pull[known], None if groups is None else groups[known], confidence)
    if np.isnan(z):
        low, high = nan, nan
    elif strata is None:
        size = _effective_size(value, weight[known], pull[known]) / effect
        low, high = (float(limit) for limit in wilson(value, size, z))
    else:
        low, high = _stratified_limits(share, weight, strata, effect, z)
    return Estimate(value, min(low, value), max(high, value), confidence, n, method, note)


def _dependence(pull: FloatArray, group: IntArray | None, confidence: float) -> tuple[float, float, str]:
    """Design effect of groups, the quantile for the limits (nan for none), and what is to be said."""
    if group is None:
        return 1.0, normal_quantile((1 + confidence) / 2), ""
    units = np.unique(group).size
    z = t_quantile((1 + confidence) / 2, units - 1) if units >= LEAST_GROUPS else nan
    return design_effect(pull, group), z, f"few groups: {units}" if units < FEW_GROUPS else ""


def _effective_size(value: float, weight: FloatArray, pull: FloatArray) -> float:
    """Size of the simple random sample that a weighted one is worth."""
    n, total = weight.size, float(weight.sum())
    size = total**2 / float(weight @ weight)
    spread = float(pull @ pull) / total**2 * n / max(n - 1, 1)
    if size > n - 1e-9 or spread == 0:  # equal weights
        return size
    likely = (n * value + 2) / (n + 4)
    return min(size, likely * (1 - likely) / spread)


def _stratified_limits(
    share: FloatArray, weight: FloatArray, strata: IntArray, effect: float, z: float
) -> tuple[float, float]:
    """Limits of hits / (hits + misses), where each stratum gives shares of hits, misses and others."""
    size = np.bincount(strata)
    parts = np.bincount(strata, weights=weight)
    hit = np.bincount(strata, weights=weight * np.nan_to_num(share)) / parts
    miss = np.bincount(strata, weights=weight * np.nan_to_num(1 - share)) / parts
    hit, miss = np.minimum(hit, 1.0), np.minimum(miss, 1.0)
    low = _lower_share(hit, miss, parts / parts.sum(), size / effect, z)
    high = 1 - _lower_share(miss, hit, parts / parts.sum(), size / effect, z)
    return low, high


def _lower_share(hit: FloatArray, miss: FloatArray, parts: FloatArray, size: FloatArray, z: float) -> float:
    """Lower limit of A/(A+B), A and B the totals of `hit` and `miss` over strata.

    It lies at the odds x where the lower MOVER limit of A - xB is 0; within a stratum hits and
    misses exclude each other, hence the term for their correlation.
    """
    a, b = float(parts @ hit), float(parts @ miss)
    if a == 0:
        return 0.0
    down, up = parts * (hit - wilson(hit, size, z)[0]), parts * (wilson(miss, size, z)[1] - miss)
    neither = np.maximum((1 - hit) * (1 - miss), hit * miss)
    bound = np.sqrt(hit * miss / np.where(neither > 0, neither, 1.0))
    first, cross = a * a - float(down @ down), a * b + float((bound * down) @ up)
    odds = first / (cross + sqrt(max(cross**2 - first * (b * b - float(up @ up)), 0.0)))
    return odds / (1 + odds)


@dataclass(frozen=True, slots=True)
class BinaryRates:
    """How a 0/1 judge stands to the human.

    Attributes
    ----------
    tp, fn, fp, tn : int
        Items by human and judge: both 1, judge missed it, judge invented it, both 0.
    tpr, tnr : Estimate
        Share of the human's 1 (0) that the judge gave 1 (0).
    ppv, npv : Estimate
        Share of the judge's 1 (0) that the human gave 1 (0).
    youden_j : Estimate
        tpr + tnr - 1; 0 for a judge that does not look.
    """

    tp: int
    fn: int
    fp: int
    tn: int
    tpr: Estimate
    tnr: Estimate
    ppv: Estimate
    npv: Estimate
    youden_j: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: v.to_dict() if isinstance(v, Estimate) else v for name, v in values.items()}


def binary_rates(
    human: ArrayLike,
    judge: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> BinaryRates:
    """Rates of a 0/1 judge with Wilson intervals, and Youden's J with that of MOVER.

    Parameters
    ----------
    human, judge : array_like of int, shape (n_items,)
        0, 1, or -1 where missing: such an item is left out.
    item_weight, stratum, group, confidence
        As in :func:`proportion`.

    Returns
    -------
    BinaryRates
        A rate is nan if no item is in its denominator; J is nan if a human class is empty.

    Raises
    ------
    ShapeError
        If arrays differ in length, or a label is not 0, 1 or -1.

    References
    ----------
    Youden (1950), doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3;
    MOVER: Zou & Donner (2008), doi:10.1002/sim.3095
    """
    codes, _ = read_codes(columns(human, judge), (0, 1))
    n, both = len(codes), (codes >= 0).all(axis=1)
    h, j = codes[both].T
    weight = item_weights(item_weight, n)[both]
    strata, groups = item_codes("stratum", stratum, n), item_codes("group", group, n)
    strata, groups = (None if of is None else of[both] for of in (strata, groups))

    def rate(hit: Any, among: Any, whose: str) -> Estimate:
        hits, why = np.where(among, hit, nan), f"{whose} is never given"
        return proportion(
            hits, item_weight=weight, stratum=strata, group=groups, confidence=confidence, why=why
        )

    tpr, tnr = rate(j == 1, h == 1, "the human's 1"), rate(j == 0, h == 0, "the human's 0")
    ppv, npv = rate(h == 1, j == 1, "the judge's 1"), rate(h == 0, j == 0, "the judge's 0")
    (tn, fp), (fn, tp) = confusion_table(h, j, (0, 1)).tolist()
    return BinaryRates(tp, fn, fp, tn, tpr, tnr, ppv, npv, _youden(tpr, tnr))


def _youden(tpr: Estimate, tnr: Estimate) -> Estimate:
    n, notes = tpr.n + tnr.n, join_notes(*dict.fromkeys((tpr.note, tnr.note)))
    if not (tpr.defined and tnr.defined):
        return Estimate.undefined(notes, n=n, method="MOVER", confidence=tpr.confidence)
    value, low, high = mover_sum([1, 1], [tpr.value, tnr.value], [tpr.low, tnr.low], [tpr.high, tnr.high])
    return Estimate(value - 1, low - 1, high - 1, tpr.confidence, n, "MOVER", notes)
