"""Wilson intervals, the MOVER combination of them, and Student quantiles."""

from math import inf, isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal; scipy.special is loaded here, as it takes a third of a second."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t; nan below one degree of freedom, the normal's without limit."""
    if not isfinite(df):
        return normal_quantile(probability) if df == inf else nan
    if df <= 0:
        return nan
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def wilson(share: ArrayLike, size: ArrayLike, z: float = Z95) -> tuple[NDArray[Any], NDArray[Any]]:
    """Wilson limits of a proportion.

    Parameters
    ----------
    share : array_like of float
        Observed proportion, 0..1.
    size : array_like of float
        Effective sample size; may be fractional; ``inf`` gives zero width, 0 gives [0, 1].
    z : float
        Quantile of the normal or t distribution.

    Returns
    -------
    tuple of arrays
        Low and high, widened to hold the share.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> low, high = wilson(81 / 263, 263)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2553, 0.3662)
    """
    p, m = np.broadcast_arrays(np.asarray(share, float), np.asarray(size, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(m > 0, z * z / m, inf)
        centre = np.where(np.isinf(ratio), 0.5, (p + ratio / 2) / (1 + ratio))
        spread = np.where(np.isinf(ratio), 0.5, np.sqrt(ratio * (p * (1 - p) + ratio / 4)) / (1 + ratio))
    low = np.maximum(np.fmin(centre - spread, p), 0)
    high = np.minimum(np.fmax(centre + spread, p), 1)
    return low, high


def finite_size(n: ArrayLike, total: ArrayLike) -> NDArray[Any]:
    """Effective size of n drawn without replacement from a total: n(N-1)/(N-n), inf when all were drawn."""
    n, total = np.broadcast_arrays(np.asarray(n, float), np.asarray(total, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = n * (total - 1) / (total - n)
    return np.where(n >= total, inf, size)


def mover_sum(
    weights: ArrayLike, values: ArrayLike, low: ArrayLike, high: ArrayLike
) -> tuple[float, float, float]:
    """Limits of a weighted sum of independent estimates from the limits of each (MOVER).

    Returns
    -------
    tuple of float
        Value, low, high. A negative weight exchanges the roles of its limits.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095
    """
    w, v, lo, hi = (np.asarray(a, float) for a in (weights, values, low, high))
    down = np.where(w >= 0, w * (v - lo), w * (v - hi))
    up = np.where(w >= 0, w * (hi - v), w * (lo - v))
    value = float(np.sum(w * v))
    return value, value - float(np.sqrt(np.sum(down**2))), value + float(np.sqrt(np.sum(up**2)))
