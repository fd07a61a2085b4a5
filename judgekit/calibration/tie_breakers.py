"""Raters who were asked where others differ: their presence says how the others answered."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Floats, Ints

LEVEL = 0.001
LEAST_LABELS = 5
TIMES, FURTHER = 3.0, 0.5
CLOSE = 0.1


def tie_breakers(table: Ints | Floats) -> NDArray[np.bool_]:
    """Find raters who answered where two others differ much more often than where those agree.

    Items on which people differ are all that such a rater shares with them, so agreement of, or with, this
    rater is that of the hard items, and of one who must side with somebody.

    The two others are those of an item who answered most; items are compared only with items of the same two,
    so that teams may differ in skill, and batches in how many raters they have. The test is Fisher's exact
    one, one-sided, over all pairs together (p below .001 by Bonferroni over the raters); a rater also
    has to have answered thrice as often where the others differ, or on half of the items more. Whoever stands
    out most is left out first, then the rest are tested again. Where the raters of a pool break each other's
    ties, nobody knows which label came last, so all of them are named.

    Parameters
    ----------
    table : ndarray, shape (n, R)
        Codes (-1 missing), or scores in 0..1 (nan missing), which differ from a tenth of the range on.

    Returns
    -------
    ndarray of bool, shape (R,)
        It depends neither on the order of raters nor on that of items.
    """
    # the sorting of columns makes ties between raters fall the same way in any order of them
    order = np.lexsort(np.vstack([np.nan_to_num(table, nan=-1.0), -_given(table).sum(axis=0)]))
    found = np.zeros(order.size, bool)
    found[order] = _in_order(table[:, order])
    return found


def without(table: Any, raters: NDArray[np.bool_]) -> Any:
    """Leave out all that some raters answered; the table keeps its shape."""
    return np.where(raters, np.nan if np.issubdtype(table.dtype, np.floating) else -1, table)


def _given(table: Ints | Floats) -> NDArray[np.bool_]:
    return ~np.isnan(table) if np.issubdtype(table.dtype, np.floating) else table >= 0


def _in_order(table: Ints | Floats) -> NDArray[np.bool_]:
    given, found = _given(table), np.zeros(table.shape[1], bool)
    while (~found).sum() >= 3:
        left = given & ~found
        further = np.array([np.nan if gone else _further(table, left, n) for n, gone in enumerate(found)])
        suspects = ~np.isnan(further)
        if not suspects.any():
            break
        # whoever seldom answers but beside two others is asked later; in a pool nobody is
        beside = (left & (left.sum(axis=1, keepdims=True) >= 3)).sum(axis=0)
        later = suspects & (2 * beside >= left.sum(axis=0))
        if suspects.sum() == (~found).sum() and not later.any():
            return np.ones(found.size, bool)
        found[np.nanargmax(further + later)] = True
    return found


def _further(table: Ints | Floats, given: NDArray[np.bool_], rater: int) -> float:
    """By how much more often a rater answered where two others differ; nan unless they were chosen for it."""
    others = given.copy()
    others[:, rater] = False
    rows = np.flatnonzero(others.sum(axis=1) >= 2)
    if not 0 < given[rows, rater].sum() < rows.size:
        return np.nan
    two = np.argsort(~others[rows], axis=1, kind="stable")[:, :2]  # columns come with the busiest first
    pair = two[:, 0] * given.shape[1] + two[:, 1]
    one, other = (table[rows, column] for column in two.T)
    close = CLOSE + 1e-12 if np.issubdtype(table.dtype, np.floating) else 0
    cells = np.array(
        [
            _cells((np.abs(one - other) > close)[pair == value], given[rows, rater][pair == value])
            for value in np.unique(pair)
        ]
    )
    differ, agree, asked_differ, asked_agree = cells.T
    weight = differ * agree / (differ + agree)  # Mantel and Haenszel's
    if asked_differ.sum() < LEAST_LABELS or not weight.sum():
        return np.nan
    there = float((weight * asked_differ / np.maximum(differ, 1)).sum() / weight.sum())
    elsewhere = float((weight * asked_agree / np.maximum(agree, 1)).sum() / weight.sum())
    much = there >= TIMES * elsewhere or there - elsewhere >= FURTHER
    raters = int((given.any(axis=0)).sum())
    return there - elsewhere if much and raters * _chance(cells) <= LEVEL else np.nan


def _cells(differ: NDArray[np.bool_], asked: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    return int(differ.sum()), int((~differ).sum()), int((differ & asked).sum()), int((~differ & asked).sum())


def _chance(cells: Ints) -> float:
    """Chance of as many answers where others differ, if it made no difference; exact, given all margins."""
    from scipy.special import gammaln

    def log_choose(size: int, k: Ints) -> Floats:
        return np.asarray(gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1))

    total, share = 0, np.ones(1)
    for differ, agree, asked_differ, asked_agree in cells.tolist():
        asked = asked_differ + asked_agree
        least = max(0, asked - agree)
        x = np.arange(least, min(differ, asked) + 1)
        log = log_choose(differ, x) + log_choose(agree, asked - x)
        one = np.exp(log - log.max())
        share = np.convolve(share, one / one.sum())
        total += asked_differ - least
    return float(share[total:].sum())
