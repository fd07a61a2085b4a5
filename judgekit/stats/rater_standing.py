"""How each rater stands to the others, and to their own earlier answers."""

from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.bootstrap import bootstrap
from judgekit.stats.codes import Levels, columns, disagreement, level_counts, read_codes, read_values
from judgekit.stats.differences import paired_mean
from judgekit.stats.draws import item_codes
from judgekit.stats.estimate import Estimate
from judgekit.stats.multiplicity import adjusted_p
from judgekit.stats.proportions import t_quantile
from judgekit.stats.rates import proportion
from judgekit.stats.sample import FloatArray

LEAST_ITEMS = 30
CLOSE = 0.1
FEW_ITEMS = f"fewer than {LEAST_ITEMS} items that two other raters answered too"
NO_REPEAT = "no question was answered twice"


@dataclass(frozen=True, slots=True)
class Standing:
    """One rater beside the others, on the items that two others answered too.

    Attributes
    ----------
    with_others : Estimate
        Agreement of the rater with the others, mean over items.
    among_others : Estimate
        That of the others with each other.
    difference : Estimate
        The first less the second, paired by item.
    p_value, adjusted : float
        One-sided, of the rater agreeing as well as the others do; as it is, and by Holm over the raters. nan
        below 30 items.
    """

    with_others: Estimate
    among_others: Estimate
    difference: Estimate
    p_value: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Consistency:
    """Answers to a question that was asked again.

    Attributes
    ----------
    same : Estimate
        Share of repeats with the same answer; of scores, within a tenth of the scale.
    coefficient : Estimate
        Kappa between first and second answer; ordinal: quadratic-weighted; of scores: ICC(2,1).
    """

    same: Estimate
    coefficient: Estimate


def rater_standing(
    raters: ArrayLike,
    *,
    level: str = "nominal",
    levels: Levels = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> tuple[Standing, ...]:
    """Hold each rater's agreement with the others against that of the others with each other.

    Parameters
    ----------
    raters : array_like, shape (n_items, n_raters)
        Level codes with -1 where missing; interval: scores with nan.
    level : {"nominal", "ordinal", "interval"}
        What agreement means: 1 or 0, one minus the squared share of the scale between two answers, or one
        minus the share of the scale between them.
    levels : sequence, optional
        The declared scale; interval: its two ends, required.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other.
    confidence : float
        Two-sided.

    Returns
    -------
    tuple of Standing, length n_raters
        Wilson and paired-t intervals; ½ in the sum of squares lets equal differences keep a width.

    Raises
    ------
    ShapeError
        If the table holds what it may not, or the ends of the scale are missing.
    """
    close, seen = _closeness(raters, level, levels)
    enough = seen >= 3
    pairs = close.sum(axis=1, keepdims=True, where=~np.isnan(close)) / 2
    rest = np.maximum((seen - 1) * (seen - 2) / 2, 1)[:, None]
    own = np.where(enough[:, None], close / np.maximum(seen - 1, 1)[:, None], nan)
    others = np.where(np.isnan(own), nan, np.clip((pairs - close) / rest, 0, 1))
    found = [_beside(*both, group, confidence) for both in zip(own.T, others.T, strict=True)]
    together = adjusted_p([one.p_value for one in found], "holm").tolist()
    return tuple(replace(one, adjusted=p) for one, p in zip(found, together, strict=True))


def _closeness(raters: ArrayLike, level: str, levels: Levels) -> tuple[FloatArray, FloatArray]:
    """Sum the agreement of each answer with the others of its item; give that, and the raters by item."""
    if level == "interval":
        if levels is None or not float(max(levels)) > float(min(levels)):
            raise ShapeError("interval agreement needs the ends of the scale: levels=(lowest, highest)")
        span, table = float(max(levels)) - float(min(levels)), read_values(raters)
        near = [np.nansum(1 - np.abs(table - column[:, None]) / span, axis=1) - 1 for column in table.T]
        close = np.column_stack(near) if near else np.zeros(table.shape)
        return np.where(np.isnan(table), nan, close), (~np.isnan(table)).sum(axis=1).astype(float)
    if level not in ("nominal", "ordinal"):
        raise ShapeError(f"level {level!r} is not known: 'nominal', 'ordinal' or 'interval'")
    codes, size = read_codes(raters, levels)
    agree = 1 - disagreement(None if level == "nominal" else "quadratic", levels, size)
    counts = level_counts(codes, size)
    close = np.take_along_axis(counts @ agree, np.maximum(codes, 0), axis=1) - 1
    return np.where(codes < 0, nan, close), counts.sum(axis=1)


def _beside(own: FloatArray, others: FloatArray, group: ArrayLike | None, confidence: float) -> Standing:
    def share(values: FloatArray) -> Estimate:
        return proportion(np.clip(values, 0, 1), group=group, confidence=confidence, why=FEW_ITEMS)

    difference = paired_mean(own - others, group=group, added=0.5, confidence=confidence)
    p = _one_sided(difference, _units(own, group))
    return Standing(share(own), share(others), difference, p, nan)


def _units(own: FloatArray, group: ArrayLike | None) -> int:
    groups = item_codes("group", group, own.size)
    known = ~np.isnan(own)
    return int(known.sum() if groups is None else np.unique(groups[known]).size)


def _one_sided(difference: Estimate, units: int) -> float:
    """Chance of so low a mean if it is 0 in truth, from the same t as the limits."""
    from scipy.special import stdtr

    if difference.n < LEAST_ITEMS or np.isnan(difference.half_width):
        return nan
    error = difference.half_width / t_quantile((1 + difference.confidence) / 2, units - 1)
    return float(stdtr(units - 1, difference.value / error))


def repeat_consistency(
    first: ArrayLike,
    again: ArrayLike,
    *,
    level: str = "nominal",
    levels: Levels = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Consistency:
    """Measure how often a question asked again gets the same answer.

    Parameters
    ----------
    first, again : array_like, shape (n_repeats,)
        Level codes with -1 where missing; interval: scores with nan.
    level : {"nominal", "ordinal", "interval"}
        What the answers are.
    levels : sequence, optional
        The declared scale; interval: its two ends, required.
    group : array_like, shape (n_repeats,), optional
        Repeats of one group depend on each other.
    confidence : float
        Two-sided.

    Returns
    -------
    Consistency
        Wilson and bootstrap intervals.

    Raises
    ------
    ShapeError
        If arrays do not fit together, or hold what they may not.

    Examples
    --------
    >>> repeat_consistency([0, 1, 1, 0] * 5, [0, 1, 1, 1] * 5).same
    Estimate(0.75, 95% [0.531, 0.888], n=20, method='Wilson')
    """
    both = columns(first, again)
    options: dict[str, Any] = {"group": group, "confidence": confidence}
    if level == "interval":
        if levels is None:
            raise ShapeError("interval consistency needs the ends of the scale: levels=(lowest, highest)")
        scores = read_values(both)
        apart = np.abs(scores[:, 0] - scores[:, 1])
        near = np.where(np.isnan(apart), nan, apart <= CLOSE * (max(levels) - min(levels)) + 1e-12)
        return Consistency(proportion(near, why=NO_REPEAT, **options), bootstrap("icc", scores, **options))
    if level not in ("nominal", "ordinal"):
        raise ShapeError(f"level {level!r} is not known: 'nominal', 'ordinal' or 'interval'")
    codes, _ = read_codes(both, levels)
    same = np.where((codes < 0).any(axis=1), nan, codes[:, 0] == codes[:, 1])
    weights = None if level == "nominal" else "quadratic"
    kappa = bootstrap("cohen_kappa", codes, weights=weights, levels=levels, **options)
    return Consistency(proportion(same, why=NO_REPEAT, **options), kappa)
