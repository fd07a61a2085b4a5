"""Several raters against the same truth: which agrees most, and which cannot be told from it."""

from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.differences import mcnemar_p, paired_mean
from judgekit.stats.draws import item_codes, item_weights
from judgekit.stats.estimate import Estimate
from judgekit.stats.multiplicity import adjusted_p
from judgekit.stats.proportions import t_quantile
from judgekit.stats.rates import proportion
from judgekit.stats.sample import BoolArray, FloatArray, IntArray

HALF = 0.5  # added to the sum of squares of differences of 0/1, so that equal raters keep a width
NONE = "no item that all answered"


@dataclass(frozen=True)
class AgainstBest:
    """J raters compared with the one that agrees most.

    Attributes
    ----------
    best : int
        Column of the rater with the highest agreement; of several, the first.
    n : int
        Items that all raters answered.
    agreement : tuple of Estimate, length J
        Share of hits of each rater on these items.
    chosen : tuple of Estimate, length J
        The same with limits at 1 − (1 − confidence)/J, J the raters tried, which hold for one that was chosen
        among them all by these very hits.
    difference : tuple of Estimate, length J
        Agreement of each rater less that of the best; undefined for the best.
    p : ndarray of float, shape (J,)
        Two-sided, of that difference; nan for the best, or where there is no test.
    adjusted : ndarray of float, shape (J,)
        The same, by Holm, over the J − 1 comparisons.
    level : float
        Rate of error of the family, 1 − confidence.
    """

    best: int
    n: int
    agreement: tuple[Estimate, ...]
    chosen: tuple[Estimate, ...]
    difference: tuple[Estimate, ...]
    p: FloatArray
    adjusted: FloatArray
    level: float

    @property
    def kept(self) -> tuple[bool, ...]:
        """Whether each rater is the best or cannot be told from it."""
        return tuple(bool(not p <= self.level) for p in self.adjusted)


def against_best(
    hits: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    tried: int = 0,
    confidence: float = 0.95,
) -> AgainstBest:
    """Compare raters by their hits on the same items with the one that has most.

    The raters that Holm's test does not set apart from the best hold the truly best one with at least the
    stated confidence. In simulation, 300 items, two to twenty raters that are equally good, or half of them
    worse: a given best one is set aside in 1 to 2 % of draws, while *some* one of twenty equals is in 17 %.

    Parameters
    ----------
    hits : array_like of float, shape (n_items, n_raters)
        1 where a rater gave the right answer, 0 where another, nan where none: such an item is left out.
    item_weight : array_like of float, shape (n_items,), optional
        N_h/n_h of a stratified, 1/probability of a probability sample.
    stratum : array_like, shape (n_items,), optional
        Stratum from which each item was drawn; for the limits of each rater's agreement.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other.
    tried : int
        Raters that were tried on these items, where that is more than J.
    confidence : float
        Two-sided, 0..1.

    Returns
    -------
    AgainstBest
        p by McNemar's exact test; by Student's t, from weights or groups, where there are any.

    Raises
    ------
    ShapeError
        If hits are no table of 0, 1 and nan for two raters or more, or another array differs in length.

    References
    ----------
    McNemar (1947), doi:10.1007/BF02295996; Holm (1979), Scandinavian Journal of Statistics 6:65–70;
    comparison with the best: Hsu (1984), doi:10.1214/aos/1176346722

    Examples
    --------
    >>> found = against_best([[1, 1, 0]] * 20 + [[1, 0, 0]] * 3)
    >>> found.best, found.kept
    (0, (True, True, False))
    """
    table = _checked(hits)
    size, known = len(table), np.asarray(~np.isnan(table).any(axis=1))
    weight = None if item_weight is None else item_weights(item_weight, size)[known]
    groups, strata = (_kept(name, of, known) for name, of in (("group", group), ("stratum", stratum)))
    table = table[known]
    best = int(np.argmax(table.sum(axis=0) if weight is None else weight @ table)) if len(table) else 0
    others = [j for j in range(table.shape[1]) if j != best]
    dependent = None if groups is None or np.unique(groups).size == groups.size else groups
    found = {j: _compared(table[:, j], table[:, best], weight, dependent, confidence) for j in others}
    p = np.array([found[j][1] if j in found else nan for j in range(table.shape[1])])
    itself = Estimate.undefined("it is the best", n=len(table), confidence=confidence)
    how: dict[str, Any] = {"item_weight": weight, "stratum": strata, "group": groups, "why": NONE}
    sure = 1 - (1 - confidence) / max(table.shape[1], tried)
    return AgainstBest(
        best,
        len(table),
        tuple(proportion(hit, confidence=confidence, **how) for hit in table.T),
        tuple(proportion(hit, confidence=sure, **how) for hit in table.T),
        tuple(found[j][0] if j in found else itself for j in range(table.shape[1])),
        p,
        adjusted_p(p),
        1 - confidence,
    )


def _checked(hits: ArrayLike) -> FloatArray:
    table = np.asarray(hits, float)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ShapeError(f"hits must have shape (items, raters) with two raters or more, got {table.shape}")
    if not np.isin(table[~np.isnan(table)], (0.0, 1.0)).all():
        raise ShapeError("hits are 1, 0, or nan where a rater gave no answer")
    return table


def _kept(name: str, codes: ArrayLike | None, known: BoolArray) -> IntArray | None:
    """Give the numbers of groups or strata of the items that count."""
    found = item_codes(name, codes, known.size)
    return None if found is None else found[known]


def _compared(
    rater: FloatArray, best: FloatArray, weight: FloatArray | None, group: IntArray | None, confidence: float
) -> tuple[Estimate, float]:
    """Give the paired difference to the best with its p-value."""
    apart = paired_mean(rater - best, item_weight=weight, group=group, added=HALF, confidence=confidence)
    if weight is None and group is None:
        return apart, mcnemar_p(rater.astype(int), best.astype(int))
    units = apart.n if group is None else np.unique(group).size
    return apart, _student_p(apart, units - 1)


def _student_p(apart: Estimate, df: int) -> float:
    """Two-sided p-value of a mean whose limits are Student's."""
    if isnan(apart.half_width):
        return nan
    from scipy.special import stdtr

    error = apart.half_width / t_quantile((1 + apart.confidence) / 2, df)
    return float(2 * stdtr(df, -abs(apart.value) / error))
