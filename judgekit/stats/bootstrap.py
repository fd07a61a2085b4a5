"""Intervals of agreement coefficients by resampling."""

from collections.abc import Callable
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.agreement import cohen_kappa, scott_pi
from judgekit.stats.coefficients import Coefficient, Ratings, Statistic, coefficient
from judgekit.stats.draws import Draws, item_codes, item_weights, normal_sums, table_draws, unit_draws
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import t_quantile
from judgekit.stats.sample import FEW_GROUPS, LEAST_GROUPS, FloatArray, join_notes

LEAST_ITEMS = 30
MANY_UNITS = 10_000
DRAWS = 2000
MOST_LEVELS = 50  # memory goes with their fourth power
TWO_RATERS: dict[str, Callable[..., float]] = {"cohen_kappa": cohen_kappa, "scott_pi": scott_pi}
CODED = (*TWO_RATERS, "matthews_corrcoef", "fleiss_kappa", "gwet_ac", "krippendorff_alpha")


def bootstrap(
    statistic: str | Statistic,
    ratings: ArrayLike,
    *,
    item_weight: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    draws: int = DRAWS,
    **options: Any,
) -> Estimate:
    """Estimate an agreement coefficient with its interval.

    Items are drawn again with replacement (groups as a whole, each stratum for itself), together
    with one pseudo-item on which raters answer independently, so that no interval is without width.
    The spread of the draws is carried to the scale of Fisher's z, where the limits are Student's.
    Where equal items can be put together, whole tables are drawn, which costs the same for any
    number of items. Otherwise, from 10,000 items (or groups) on, what is drawn is the sums that the statistic
    is made of, from the normal law with exactly the mean and covariance that resampling gives them (of
    Spearman's, which is no such sum, the linear part); Kendall's and functions of the ratings are resampled
    at any size.

    Parameters
    ----------
    statistic : str or callable
        "cohen_kappa", "scott_pi", "matthews_corrcoef", "lin_ccc", "spearman", "kendall_tau_b" (two
        raters), "fleiss_kappa", "gwet_ac", "krippendorff_alpha", "interval_alpha", "icc" (any
        number); or a function of the ratings that returns a coefficient of at most 1.
    ratings : array_like, shape (n_items, n_raters)
        Level codes with -1 where missing, or scores with nan; the human first.
    item_weight : array_like of float, shape (n_items,), optional
        N_h/n_h of a stratified, 1/probability of a probability sample. Not for functions.
    stratum : array_like, shape (n_items,), optional
        Stratum from which each item was drawn.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other.
    confidence : float
        Two-sided, 0..1.
    seed : int
        Same seed, same limits.
    draws : int
        Number of resamples.
    **options
        Options of the statistic: ``weights``, ``level``, ``levels``, ``form``.

    Returns
    -------
    Estimate
        Limits are nan below 30 items or 5 groups, or if more than half of the draws are undefined.

    Raises
    ------
    ShapeError
        If an array has the wrong shape or holds what it may not, or the statistic is not known.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, doi:10.1201/9780429246593

    Examples
    --------
    >>> human, judge = [0, 1] * 20, [0, 1] * 18 + [1, 0] * 2
    >>> kappa = bootstrap("cohen_kappa", list(zip(human, judge)))
    >>> round(kappa.value, 2), round(kappa.low, 1), round(kappa.high, 1)
    (0.8, 0.5, 0.9)
    """
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")
    if statistic in CODED and (levels := _levels(ratings, options)) > MOST_LEVELS:
        return _without_draws(str(statistic), ratings, levels, confidence, item_weight is not None, options)
    rng = np.random.default_rng(seed)
    together = item_weight is None and stratum is None and group is None
    found = coefficient(statistic, Ratings(ratings, together, rng), options)
    if found.repeats and item_weight is not None:
        raise ShapeError("a function of the ratings takes no item_weight; name a statistic instead")
    method = _method(found, grouped=group is not None)
    if found.n == 0:
        return Estimate.undefined("no item has two labels", method=method, confidence=confidence)
    source = _draws_of(found, np.shape(ratings)[0], item_weight, stratum, group, rng)
    value = float(found.values(source.observed)[0])
    if np.isnan(value):
        return Estimate.undefined(found.why, n=found.n, method=method, confidence=confidence)
    low, high, note = _interval(found, source, value, draws, confidence, group is not None, rng)
    return Estimate(value, low, high, confidence, found.n, method, note)


def _levels(ratings: ArrayLike, options: dict[str, Any]) -> int:
    declared = options.get("levels")
    return len(declared) if declared is not None else int(np.max(ratings, initial=-1)) + 1


def _without_draws(
    statistic: str,
    ratings: ArrayLike,
    levels: int,
    confidence: float,
    weighted: bool,
    options: dict[str, Any],
) -> Estimate:
    """Give the value alone, where there is one without tables of all pairs of levels for every draw."""
    table, why = np.asarray(ratings), f"{levels} levels: no interval above {MOST_LEVELS}"
    n = int((table >= 0).all(axis=1).sum())
    if statistic not in TWO_RATERS or weighted:
        why = f"{levels} levels: more than the {MOST_LEVELS} that this is computed for"
        return Estimate.undefined(why, n=n, confidence=confidence)
    return Estimate(TWO_RATERS[statistic](*table.T, **options), nan, nan, confidence, n, "value alone", why)


def _method(found: Coefficient, *, grouped: bool) -> str:
    return (
        "bootstrap of groups" if grouped else "table bootstrap" if found.copies is not None else "bootstrap"
    )


def _draws_of(
    found: Coefficient,
    size: int,
    item_weight: ArrayLike | None,
    stratum: ArrayLike | None,
    group: ArrayLike | None,
    rng: np.random.Generator,
) -> Draws:
    """Set up the resampling of those items that take part in the coefficient."""
    if found.copies is not None:
        return table_draws(found.copies, found.chance, rng)
    strata, groups = item_codes("stratum", stratum, size), item_codes("group", group, size)
    return unit_draws(
        # taken twice: an item that takes no part must not change the mean weight of the others
        item_weights(item_weights(item_weight, size)[found.rows], found.rows.size),
        None if strata is None else strata[found.rows],
        None if groups is None else groups[found.rows],
        found.chance,
        rng,
    )


def _interval(
    found: Coefficient,
    source: Draws,
    value: float,
    number: int,
    confidence: float,
    grouped: bool,
    rng: np.random.Generator,
) -> tuple[float, float, str]:
    """Limits and what is to be said about them."""
    few = f"few groups: {source.units}" if grouped and source.units < FEW_GROUPS else ""
    if found.n < LEAST_ITEMS:
        return nan, nan, join_notes(f"fewer than {LEAST_ITEMS} items: no interval", few)
    if grouped and source.units < LEAST_GROUPS:
        return nan, nan, join_notes(few, "no interval")
    values = _drawn(found, source, number, rng)
    known = values[~np.isnan(values)]
    lost = 1 - known.size / number
    undefined = f"{lost:.0%} of the draws were undefined" if lost > 0.05 else ""
    if lost > 0.5:
        return nan, nan, join_notes(undefined + ": no interval", few)
    # rows that are repeated cannot be weighted: there the mean of the draws stands for the smoothed value
    middle = float(known.mean() if found.repeats else found.values(source.smoothed)[0])
    df = source.units - 1 if grouped else found.n - 1
    low, high = _limits(value, middle, known, found.n, t_quantile((1 + confidence) / 2, df))
    return low, high, join_notes(undefined, few)


def _drawn(found: Coefficient, source: Draws, number: int, rng: np.random.Generator) -> FloatArray:
    """Values of the coefficient on so many draws, shape (number,)."""
    if source.moments is not None and source.units >= MANY_UNITS and not found.repeats:
        if found.features is not None:
            return found.of(normal_sums(source.moments, found.features, number, rng))
        if found.slopes is not None:
            slopes = found.slopes(source.smoothed[0])
            moved = normal_sums(source.moments, slopes[:, None], number, rng)[:, 0]
            return np.asarray(found.values(source.smoothed)[0] + moved - moved.mean())
    return source.each(found.values, number)


def _limits(value: float, middle: float, values: FloatArray, n: int, t: float) -> tuple[float, float]:
    """Student limits on the scale of Fisher's z, widened to hold the value.

    The spread is that of the plain draws over 1 - middle², not that of the transformed draws: those
    explode where a draw comes close to 1.
    """
    edge = 1 - 1 / n
    middle, centre = np.clip([middle, value], -edge, edge)
    half = t * float(values.std(ddof=1)) / (1 - middle**2)
    low, high = np.tanh(np.arctanh(centre) + np.array([-half, half]))
    return min(float(low), value), max(float(high), value)
