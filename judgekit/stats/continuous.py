"""Agreement of measured scores: intraclass correlation, concordance, rank correlations."""

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.agreement import ratio
from judgekit.stats.codes import columns, read_values
from judgekit.stats.sample import FloatArray

ICC_FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def complete_rows(values: ArrayLike) -> FloatArray:
    """Items that every rater scored, shape (n, n_raters)."""
    table = read_values(values)
    return table[~np.isnan(table).any(axis=1)]


def _centred(table: FloatArray) -> FloatArray:
    """Shift by a value of the data: sums of squares keep their digits, and equal values become exactly 0."""
    return table - np.median(table) if table.size else table


def icc_features(table: FloatArray) -> FloatArray:
    """Give what an item adds to the mean squares, shape (n_items, 3 + n_raters)."""
    x = _centred(table)
    return np.column_stack([np.ones(len(x)), x.sum(axis=1) ** 2, (x**2).sum(axis=1), x])


def icc_of_sums(sums: FloatArray, form: str) -> FloatArray:
    """Intraclass correlation of each stack of summed `icc_features`."""
    if form not in ICC_FORMS:
        raise ShapeError(f"form {form!r} is not known: one of {', '.join(ICC_FORMS)}")
    n, rows, squares, raters = sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:]
    k = raters.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = raters.sum(axis=-1) ** 2 / (n * k)
        ss_rows, ss_raters = rows / k - mean, (raters**2).sum(axis=-1) / n - mean
        ss_within = squares - rows / k
        msr, msw = ss_rows / (n - 1), ss_within / (n * np.float64(k - 1))
        mse = (ss_within - ss_raters) / ((n - 1) * np.float64(k - 1))
        msc = ss_raters / np.float64(k - 1)
        noise = msw if form.startswith("ICC1") else mse
        shift = (msc - mse) / n if form.startswith("ICC2") else np.zeros_like(n)
        many = form.endswith("k")
        denominator = msr + shift if many else msr + (k - 1) * noise + k * shift
        # sums of squares of equal values may leave rounding behind: no variance, no coefficient
        denominator = np.where(np.abs(denominator) > 1e-14 * squares, denominator, 0.0)
    return np.asarray(np.where(n > 1, ratio(msr - noise, denominator), np.nan))


def icc(values: ArrayLike, form: str = "ICC2") -> float:
    """Intraclass correlation: share of the variance that lies between items.

    Parameters
    ----------
    values : array_like of float, shape (n_items, n_raters)
        Scores; an item with a nan is left out.
    form : {"ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"}
        Shrout and Fleiss' (1,1), (2,1), (3,1) and their averages over the k raters. ICC2, the
        default, is absolute agreement of single ratings.

    Returns
    -------
    float
        At most 1, can be negative; nan with fewer than two items or raters, or if all values are equal.

    Raises
    ------
    ShapeError
        If not two-dimensional, or a value is infinite.

    References
    ----------
    Shrout & Fleiss (1979), doi:10.1037/0033-2909.86.2.420
    """
    return float(icc_of_sums(icc_features(complete_rows(values)).sum(axis=0), form))


def ccc_features(table: FloatArray) -> FloatArray:
    """Give what an item adds to the moments of two raters, shape (n_items, 6)."""
    x, y = _centred(table).T
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])


def ccc_of_sums(sums: FloatArray) -> FloatArray:
    """Lin's concordance of each stack of summed `ccc_features`."""
    n = sums[..., 0]
    x, y, xx, yy, xy = np.moveaxis(ratio(sums[..., 1:], n[..., None]), -1, 0)
    return ratio(2 * (xy - x * y), xx - x * x + yy - y * y + (x - y) ** 2)


def lin_ccc(x: ArrayLike, y: ArrayLike) -> float:
    """Lin's concordance correlation, with divisor n.

    Parameters
    ----------
    x, y : array_like of float, shape (n_items,)
        Scores of two raters; an item with a nan is left out.

    Returns
    -------
    float
        -1..1; nan without items, or if both are constant and equal.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a value is infinite.

    References
    ----------
    Lin (1989), doi:10.2307/2532051
    """
    return float(ccc_of_sums(ccc_features(complete_rows(columns(x, y))).sum(axis=0)))


def _midranks(weights: FloatArray, x: FloatArray) -> FloatArray:
    """Rank each item among weighted items, less the mean rank; ties share. Shape (n_draws, n_items)."""
    _, level, start = np.unique(x, return_inverse=True, return_counts=True)
    start = np.cumsum(start) - start
    tied = np.add.reduceat(weights[:, np.argsort(level, kind="stable")], start, axis=1)
    ranks = np.cumsum(tied, axis=1)
    return np.asarray((ranks - tied / 2 - ranks[:, -1:] / 2)[:, level])


def spearman_of_weights(weights: FloatArray, table: FloatArray) -> FloatArray:
    """Rank correlation of the two columns of `table` under each row of item weights."""
    if len(table) == 0:
        return np.full(len(weights), np.nan)
    x, y = (_midranks(weights, column) for column in table.T)
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    return ratio((weights * x * y).sum(axis=1), np.sqrt(spread))


def spearman_slopes(weights: FloatArray, table: FloatArray) -> FloatArray:
    """Change of the rank correlation by the weight of each item, its own ranks' and all others'.

    Parameters
    ----------
    weights : ndarray of float, shape (n_items,)
        About which it is taken.
    table : ndarray of float, shape (n_items, 2)
        Scores of two raters.

    Returns
    -------
    ndarray of float, shape (n_items,)
        Derivatives; nan where the correlation is.
    """
    x, y = (_midranks(weights[None], column)[0] for column in table.T)

    def above(ranks: FloatArray, scores: FloatArray) -> FloatArray:
        # an item's weight raises the ranks of those above it: the sum of `ranks` there, as all add up to 0
        return np.asarray(-_midranks((weights * ranks)[None], scores)[0])

    a, b = table.T
    xx, yy, xy = weights @ (x * x), weights @ (y * y), weights @ (x * y)
    by_xx, by_yy = x * x + 2 * above(x, a), y * y + 2 * above(y, b)
    by_xy = x * y + above(y, a) + above(x, b)
    shrunk = xy / 2 * (ratio(by_xx, xx) + ratio(by_yy, yy))
    return ratio(by_xy - shrunk, np.sqrt(xx * yy))


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation; ties share their mean rank.

    Parameters
    ----------
    x, y : array_like of float, shape (n_items,)
        Scores of two raters; an item with a nan is left out.

    Returns
    -------
    float
        -1..1; nan with fewer than two items or a constant side.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a value is infinite.

    References
    ----------
    Spearman (1904), doi:10.2307/1412159
    """
    table = complete_rows(columns(x, y))
    return float(spearman_of_weights(np.ones((1, len(table))), table)[0])


def kendall_tau_b(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's rank correlation tau-b, which allows for ties.

    Parameters
    ----------
    x, y : array_like of float, shape (n_items,)
        Scores of two raters; an item with a nan is left out.

    Returns
    -------
    float
        -1..1; nan with fewer than two items or a constant side.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a value is infinite.

    References
    ----------
    Kendall (1945), doi:10.1093/biomet/33.3.239
    """
    table = complete_rows(columns(x, y))
    if len(table) < 2:
        return float("nan")
    from scipy.stats import kendalltau

    return float(kendalltau(table[:, 0], table[:, 1]).statistic)
