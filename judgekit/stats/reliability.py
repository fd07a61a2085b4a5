"""Agreement of any number of raters, some of whose labels may be missing.

Each coefficient is a function of sums over items. ``*_features`` gives what an item adds, and
``*_of_sums`` the coefficient of a stack of such sums, shape (..., n_features).
"""

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.agreement import ratio
from judgekit.stats.codes import (
    Levels,
    disagreement,
    distinct_rows,
    level_counts,
    level_values,
    read_codes,
    read_values,
)
from judgekit.stats.sample import FloatArray


def share_features(counts: FloatArray, apart: FloatArray) -> FloatArray:
    """Give what an item adds to Fleiss' kappa and Gwet's AC.

    Parameters
    ----------
    counts : array of float, shape (n_items, K)
        Raters that chose each level.
    apart : array of float, shape (K, K)
        Disagreement weights.

    Returns
    -------
    array of float, shape (n_items, 3 + K)
        1 if two raters saw the item; disagreement among its pairs; 1 if any rater saw it; level shares.
    """
    seen = counts.sum(axis=1)
    pairs = np.maximum(seen * (seen - 1), 1)
    apart_within = ((counts @ apart) * counts).sum(axis=1) / pairs
    shares = counts / np.maximum(seen, 1)[:, None]
    return np.column_stack([seen >= 2, apart_within, seen >= 1, shares])


def fleiss_of_sums(sums: FloatArray) -> FloatArray:
    """Fleiss' kappa from summed `share_features`."""
    shares = ratio(sums[..., 3:], sums[..., 2:3])
    apart = 1 - np.eye(shares.shape[-1])
    return 1 - ratio(ratio(sums[..., 1], sums[..., 0]), ((shares @ apart) * shares).sum(axis=-1))


def gwet_of_sums(sums: FloatArray, apart: FloatArray) -> FloatArray:
    """Gwet's AC from summed `share_features`."""
    size = len(apart)
    shares = ratio(sums[..., 3:], sums[..., 2:3])
    observed = 1 - ratio(sums[..., 1], sums[..., 0])
    if size < 2:
        return np.full_like(observed, np.nan)
    chance = (1 - apart).sum() / (size * (size - 1)) * (shares * (1 - shares)).sum(axis=-1)
    return np.asarray((observed - chance) / (1 - chance))


def coincidence_features(counts: FloatArray) -> FloatArray:
    """Give what an item adds to Krippendorff's coincidence matrix, shape (n_items, K * K)."""
    seen = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    return np.asarray(pairs / np.maximum(seen - 1, 1)[:, None, None]).reshape(-1, counts.shape[1] ** 2)


def alpha_of_coincidences(coincidences: FloatArray, level: str, values: FloatArray) -> FloatArray:
    """Krippendorff's alpha of a stack of coincidence matrices, shape (..., K, K)."""
    margins = coincidences.sum(axis=-1)
    total = margins.sum(axis=-1)
    if level == "ordinal":
        # half-way ranks: their distance is the count of values between two levels
        ranks = np.cumsum(margins, axis=-1) - margins / 2
        apart = (ranks[..., :, None] - ranks[..., None, :]) ** 2
    else:
        apart = _fixed_distance(level, values)
    expected = (margins[..., :, None] * margins[..., None, :] * apart).sum(axis=(-2, -1))
    return 1 - ratio((total - 1) * (coincidences * apart).sum(axis=(-2, -1)), expected)


def _fixed_distance(level: str, values: FloatArray) -> FloatArray:
    """Squared distance between two levels, for the scales where it does not depend on the data."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    difference, total = np.subtract.outer(values, values), np.add.outer(values, values)
    if level == "interval":
        return np.asarray(difference**2)
    if level == "ratio":
        return np.asarray((difference / np.where(total == 0, 1, total)) ** 2)
    raise ShapeError(f"level {level!r} is not known: 'nominal', 'ordinal', 'interval' or 'ratio'")


def moment_features(values: FloatArray) -> FloatArray:
    """Give what an item adds to alpha of measured values, which need no coincidence matrix.

    Parameters
    ----------
    values : array of float, shape (n_items, n_raters)
        nan where missing.

    Returns
    -------
    array of float, shape (n_items, 4)
        Pairable values, their sum, their sum of squares, and m/(m-1) times the squares about the mean.
    """
    present = np.isfinite(values)
    pairable = present & (present.sum(axis=1, keepdims=True) >= 2)
    # from the middle of the data, so that equal values leave exactly nothing
    shift = np.median(values[pairable]) if pairable.any() else 0.0
    x = np.where(pairable, values - shift, 0.0)
    seen = pairable.sum(axis=1)
    squares = (x**2).sum(axis=1)
    mean = x.sum(axis=1) / np.maximum(seen, 1)
    within = np.where(pairable, (x - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return np.column_stack([seen, x.sum(axis=1), squares, within * seen / np.maximum(seen - 1, 1)])


def interval_alpha_of_sums(sums: FloatArray) -> FloatArray:
    """Krippendorff's interval alpha from summed `moment_features`."""
    total, first, squares, within = np.moveaxis(sums, -1, 0)
    return 1 - ratio((total - 1) * within, total * squares - first**2)


def fleiss_kappa(ratings: ArrayLike, levels: Levels = None) -> float:
    """Agreement of several raters beyond what their pooled level shares would give by chance.

    With missing labels the level shares are the mean of the shares within each item that any rater
    saw, and agreement is the mean over items that two raters saw (Gwet's convention).

    Parameters
    ----------
    ratings : array_like of int, shape (n_items, n_raters)
        Level codes; -1 where a rater gave no label.
    levels : sequence, optional
        The declared scale, against which codes are checked.

    Returns
    -------
    float
        At most 1; nan if no item has two labels or only one level was used.

    Raises
    ------
    ShapeError
        If not two-dimensional, or a label is not a code on the scale.

    References
    ----------
    Fleiss (1971), doi:10.1037/h0031619
    """
    codes, size = read_codes(ratings, levels)
    kinds, times = distinct_rows(level_counts(codes, size))
    return float(fleiss_of_sums(times @ share_features(kinds, 1 - np.eye(size))))


def krippendorff_alpha(ratings: ArrayLike, level: str = "nominal", levels: Levels = None) -> float:
    """Agreement among raters, corrected for chance; labels may be missing.

    Parameters
    ----------
    ratings : array_like of int, shape (n_items, n_raters)
        Level codes; -1 where a rater gave no label. An item with one label is ignored.
    level : {"nominal", "ordinal", "interval", "ratio"}
        How far apart two codes are.
    levels : sequence, optional
        The declared scale; interval and ratio distances are between its values.

    Returns
    -------
    float
        At most 1; 0 is chance; nan if no item has two labels or only one level was used.

    Raises
    ------
    ShapeError
        If not two-dimensional, or a label is not a code on the scale.

    References
    ----------
    Hayes & Krippendorff (2007), doi:10.1080/19312450709336664
    """
    codes, size = read_codes(ratings, levels)
    kinds, times = distinct_rows(level_counts(codes, size))
    paired = kinds.sum(axis=1) >= 2
    coincidences = (times[paired] @ coincidence_features(kinds[paired])).reshape(size, size)
    return float(alpha_of_coincidences(coincidences, level, level_values(levels, size)))


def gwet_ac(ratings: ArrayLike, weights: str | None = None, levels: Levels = None) -> float:
    """Gwet's AC1, or AC2 with weights: agreement that stays stable when one level is rare.

    Parameters
    ----------
    ratings : array_like of int, shape (n_items, n_raters)
        Level codes; -1 where a rater gave no label. Items with one label count in the level shares only.
    weights : {None, "linear", "quadratic", "ordinal"}
        How far apart two levels are; see :func:`judgekit.stats.codes.disagreement`.
    levels : sequence, optional
        The declared scale: levels that nobody used enter the chance term.

    Returns
    -------
    float
        At most 1; nan if no item has two labels or the scale has one level.

    Raises
    ------
    ShapeError
        If not two-dimensional, or a label is not a code on the scale.

    References
    ----------
    Gwet (2008), doi:10.1348/000711006X126600
    """
    codes, size = read_codes(ratings, levels)
    apart = disagreement(weights, levels, size)
    kinds, times = distinct_rows(level_counts(codes, size))
    return float(gwet_of_sums(times @ share_features(kinds, apart), apart))


def interval_alpha(values: ArrayLike) -> float:
    """Krippendorff's alpha of measured scores, which need not lie on a list of levels.

    Parameters
    ----------
    values : array_like of float, shape (n_items, n_raters)
        Scores; nan where a rater gave none. An item with one score is ignored.

    Returns
    -------
    float
        At most 1; nan if no item has two scores or all scores are equal.

    Raises
    ------
    ShapeError
        If not two-dimensional, or a score is infinite.

    References
    ----------
    Hayes & Krippendorff (2007), doi:10.1080/19312450709336664
    """
    return float(interval_alpha_of_sums(moment_features(read_values(values)).sum(axis=0)))
