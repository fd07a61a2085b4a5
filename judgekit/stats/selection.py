"""Which items to label: how many from each stratum, or with which probability each."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError
from judgekit.stats.sample import FloatArray, IntArray

FLOOR = 10


def allocation(
    sizes: ArrayLike,
    n: int,
    *,
    spread: ArrayLike | None = None,
    floor: int = FLOOR,
    at_hand: ArrayLike | None = None,
) -> IntArray:
    """How many of n labels each stratum gets: in proportion to its size and spread, none too few.

    Parameters
    ----------
    sizes : array_like of int, shape (H,)
        Items N_h of each stratum, at least 1.
    n : int
        Labels in all, from one a stratum to every item.
    spread : array_like of float, shape (H,), optional
        Standard deviation S_h of the human outcomes in each, such as √(r(1−r)) of a pilot's pass rate r.
        Unknown, labels go by √N_h.
    floor : int
        Labels that each stratum gets at least: all its items if it has fewer, and less if n does not
        suffice.
    at_hand : array_like of int, shape (H,), optional
        Labels that each stratum has already; they count in n.

    Returns
    -------
    ndarray of int, shape (H,)
        Labels of each stratum, 1 to N_h, n in all; by largest remainder.

    Raises
    ------
    ShapeError
        For sizes or spreads that there are not, and n outside H to ΣN_h.

    References
    ----------
    Neyman (1934), doi:10.2307/2342192; arXiv:2406.04291

    Examples
    --------
    >>> allocation([150, 50], 60).tolist(), allocation([150, 50], 60, spread=[0.1, 0.5]).tolist()
    ([38, 22], [23, 37])
    """
    total = _checked_sizes(sizes)
    if not total.size <= n <= total.sum():
        raise ShapeError(
            f"{n} labels for {total.size} strata of {total.sum()} items: some of each, at most all"
        )
    have = np.zeros_like(total) if at_hand is None else np.asarray(at_hand, np.intp)
    if have.shape != total.shape or (have < 0).any() or (have > total).any() or have.sum() > n:
        raise ShapeError(f"at_hand must hold 0 to N_h labels for each stratum, at most {n} in all")
    least = _least(total, have, n, floor)
    weight = np.sqrt(total) if spread is None else total * _checked_spread(spread, total)
    return _rounded(
        _between(weight if weight.any() else total.astype(float), least, total, n), least, total, n
    )


def _least(total: IntArray, have: IntArray, n: int, floor: int) -> IntArray:
    """Give each stratum the largest floor up to the wanted one that n labels can pay."""
    for each in range(max(floor, 1), 0, -1):
        least = np.maximum(np.minimum(each, total), have)
        if least.sum() <= n:
            return least
    raise ShapeError(f"{n} labels, of which {have.sum()} are at hand, leave a stratum without any")


def _between(weight: FloatArray, least: IntArray, most: IntArray, n: int) -> FloatArray:
    """Shares in proportion to weight, held between limits, n in all: one factor for all that are free."""

    def given(factor: float) -> FloatArray:
        return np.clip(factor * weight, least, most)

    low, high = 0.0, 1.0
    while given(high).sum() < n and high < 1e300:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if given(middle).sum() < n else (low, middle)
    return given(high)


def _rounded(shares: FloatArray, least: IntArray, most: IntArray, n: int) -> IntArray:
    """Whole numbers by largest remainder, within the limits and n in all."""
    counts = np.clip(np.floor(shares + 1e-9).astype(np.intp), least, most)
    while counts.sum() != n:  # a weight of 0 may leave some over: they go where there is room
        step = 1 if counts.sum() < n else -1
        room = counts < most if step > 0 else counts > least
        counts[np.flatnonzero(room)[np.argmax((step * (shares - counts))[room])]] += step
    return counts


def active_probabilities(uncertainty: ArrayLike, n: float) -> FloatArray:
    """With which probability each item is drawn, more where the judge is uncertain.

    Parameters
    ----------
    uncertainty : array_like of float, shape (N,)
        0 or more; such as √(p(1−p)) of a probability p that the judge is right.
    n : float
        Labels that are expected, 0 to N.

    Returns
    -------
    ndarray of float, shape (N,)
        π = n(½u/Σu + ½/N), cut at 1 and the rest rescaled so that Σπ = n. Half goes to all alike, so that no
        item is out of reach.

    Raises
    ------
    ShapeError
        For an uncertainty below 0 or not finite, n outside 0 to N, and where all are 0: then there is
        nothing to choose by.

    References
    ----------
    Zrnic & Candès (2024), arXiv:2403.03208

    Examples
    --------
    >>> active_probabilities([0.5, 0.5, 0.0, 0.0], 2).tolist()
    [0.75, 0.75, 0.25, 0.25]
    """
    u = np.asarray(uncertainty, float)
    if u.ndim != 1 or not u.size or not np.isfinite(u).all() or (u < 0).any():
        raise ShapeError("uncertainty must be a one-dimensional array of finite numbers of 0 or more")
    if not u.any():
        raise ShapeError("the judge is certain of every item, so there is nothing to choose by")
    if not 0 < n <= u.size:
        raise ShapeError(f"{n} labels cannot be drawn from {u.size} items")
    wanted = u / u.sum() / 2 + 0.5 / u.size
    found, free = np.ones(u.size), np.ones(u.size, bool)
    while free.any():
        found[free] = wanted[free] * (n - np.count_nonzero(~free)) / wanted[free].sum()
        over = free & (found > 1)
        if not over.any():
            break
        found[over], free = 1.0, free & ~over
    return found


def drawn_singly(probability: ArrayLike, rng: np.random.Generator) -> IntArray:
    """Positions of the items that are drawn, each for itself with its own probability, in random order.

    Parameters
    ----------
    probability : array_like of float, shape (N,)
    rng : numpy.random.Generator
    """
    chance = np.asarray(probability, float)
    return rng.permutation(np.flatnonzero(rng.random(chance.size) < chance))


def drawn_by_stratum(
    codes: NDArray[np.intp],
    counts: ArrayLike,
    rng: np.random.Generator,
    without: NDArray[np.bool_] | None = None,
) -> IntArray:
    """Positions of a simple random sample in each stratum, in random order.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        Stratum of each item, counted from 0.
    counts : array_like of int, shape (H,)
        Items to draw from each.
    rng : numpy.random.Generator
    without : ndarray of bool, shape (N,), optional
        Items that may not be drawn, such as those of an earlier draw: a random sample and one of what it
        left are together one random sample.

    Raises
    ------
    ShapeError
        If a stratum has fewer items.
    """
    free = np.ones(codes.size, bool) if without is None else ~without
    parts = []
    for stratum, count in enumerate(np.asarray(counts, np.intp)):
        members = np.flatnonzero((codes == stratum) & free)
        if count > members.size:
            raise ShapeError(f"stratum {stratum} has {members.size} items left, {count} cannot be drawn")
        parts.append(rng.choice(members, count, replace=False))
    return rng.permutation(np.concatenate(parts or [np.empty(0, np.intp)]).astype(np.intp))


def flagged_first(flagged: int, rest: int, n: int) -> tuple[int, int]:
    """How many of n labels go to flagged items, up to half, and how many to the rest.

    Parameters
    ----------
    flagged, rest : int
        Items that the judge flags as failures, and the others.
    n : int
        Labels.

    Returns
    -------
    tuple of int
        All flagged items up to n/2, more only where the rest has no more items.

    Raises
    ------
    ShapeError
        For n below 2 or above the number of items.

    Examples
    --------
    >>> flagged_first(12, 900, 60), flagged_first(50, 900, 60)
    ((12, 48), (30, 30))
    """
    if not 2 <= n <= flagged + rest:
        raise ShapeError(f"{n} labels for {flagged + rest} items: 2 or more, at most all")
    first = max(min(flagged, n // 2), n - rest)
    return first, n - first


def _checked_sizes(sizes: ArrayLike) -> IntArray:
    total = np.asarray(sizes)
    if total.ndim != 1 or not total.size or total.dtype.kind not in "iu" or (total < 1).any():
        raise ShapeError("sizes must be a one-dimensional array of whole numbers of 1 or more")
    return total.astype(np.intp)


def _checked_spread(spread: ArrayLike, total: IntArray) -> FloatArray:
    given = np.asarray(spread, float)
    if given.shape != total.shape or not np.isfinite(given).all() or (given < 0).any():
        raise ShapeError(f"spread must hold a number of 0 or more for each of the {total.size} strata")
    return given
