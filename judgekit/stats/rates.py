"""Proportions with Wilson intervals, and the rates of a binary judge."""

from dataclasses import dataclass, fields
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.codes import columns, confusion_table, read_codes
from judgekit.stats.draws import item_codes, item_weights
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import mover_sum, normal_quantile, t_quantile, wilson
from judgekit.stats.sample import FEW_GROUPS, LEAST_GROUPS, checked_scores, design_effect, join_notes


def proportion(
    hits: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
    why: str = "no item counts",
) -> Estimate:
    """Share of items, or mean of shares within items, with its Wilson interval.

    The effective size is (Σw)²/Σw², divided by the design effect of groups; with groups Student's
    quantile takes the place of the normal one.

    Parameters
    ----------
    hits : array_like of float, shape (n_items,)
        0..1; nan where an item does not count.
    item_weight : array_like of float, shape (n_items,), optional
        N_h/n_h of a stratified, 1/probability of a probability sample.
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
    Wilson (1927), doi:10.1080/01621459.1927.10502953; Kish (1965), Survey Sampling

    Examples
    --------
    >>> proportion([1, 1, 0, 1])
    Estimate(0.75, 95% [0.301, 0.954], n=4, method='Wilson')
    """
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")
    share = checked_scores("hits", hits)
    weight, codes = item_weights(item_weight, share.size), item_codes("group", group, share.size)
    known = ~np.isnan(share)
    share, weight = share[known], weight[known]
    if not share.size:
        return Estimate.undefined(why, method="Wilson", confidence=confidence)
    value = min(float(weight @ share / weight.sum()), 1.0)
    size, z, note = float(weight.sum() ** 2 / (weight @ weight)), normal_quantile((1 + confidence) / 2), ""
    if codes is not None:
        groups = np.unique(codes[known]).size
        size /= design_effect(weight * (share - value), codes[known])
        z = t_quantile((1 + confidence) / 2, groups - 1) if groups >= LEAST_GROUPS else nan
        note = f"few groups: {groups}" if groups < FEW_GROUPS else ""
    low, high = (float(limit) if z == z else nan for limit in wilson(value, size, z))
    return Estimate(value, low, high, confidence, share.size, "Wilson", note)


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
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> BinaryRates:
    """Rates of a 0/1 judge with Wilson intervals, and Youden's J with that of MOVER.

    Parameters
    ----------
    human, judge : array_like of int, shape (n_items,)
        0, 1, or -1 where missing: such an item is left out.
    item_weight, group, confidence
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
    both = (codes >= 0).all(axis=1)
    h, j = codes.T

    def rate(hit: Any, among: Any, whose: str) -> Estimate:
        hits = np.where(both & among, hit, nan)
        why = f"{whose} is never given"
        return proportion(hits, item_weight=item_weight, group=group, confidence=confidence, why=why)

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
