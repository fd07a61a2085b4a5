"""Many tests at once: p-values that count how often one looked."""

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.sample import FloatArray

METHODS = ("holm", "bh", "by")


def adjusted_p(p_values: ArrayLike, method: str = "holm") -> FloatArray:
    """Adjust p-values for their number: reject where the adjusted one is at most the error rate.

    Parameters
    ----------
    p_values : array_like of float, shape (n_tests,)
        0..1; nan for a test that could not be made: it stays nan and does not count.
    method : {"holm", "bh", "by"}
        Holm keeps the chance of any false finding; Benjamini–Hochberg the expected share of false ones
        among the findings, for independent or positively dependent tests; Benjamini–Yekutieli that
        share under any dependence.

    Returns
    -------
    ndarray of float, shape (n_tests,)
        In the order given, at most 1.

    Raises
    ------
    ShapeError
        If not one-dimensional, outside 0..1, or the method is not known.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65–70;
    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x;
    Benjamini & Yekutieli (2001), doi:10.1214/aos/1013699998

    Examples
    --------
    >>> adjusted_p([0.01, 0.04, float("nan"), 0.03], "holm").tolist()
    [0.03, 0.06, nan, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1:
        raise ShapeError(f"p_values must have shape (tests,), got {p.shape}")
    if method not in METHODS:
        raise ShapeError(f"method {method!r} is not known; use one of: {', '.join(METHODS)}")
    if ((p < 0) | (p > 1)).any():
        raise ShapeError(f"p_values must lie in 0..1, got {p[(p < 0) | (p > 1)][0]:g}")
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    found = np.full(p.size, np.nan)
    found[order] = np.minimum(_in_order(p[order], method), 1.0)
    return found


def _in_order(p: FloatArray, method: str) -> FloatArray:
    """Adjust rising p-values: Holm from the smallest up, the others from the largest down."""
    rank = np.arange(1, p.size + 1)
    if method == "holm":
        return np.asarray(np.maximum.accumulate(p * rank[::-1]))
    looks = p.size * (np.sum(1 / rank) if method == "by" else 1.0)
    return np.asarray(np.minimum.accumulate((p * looks / rank)[::-1])[::-1])
