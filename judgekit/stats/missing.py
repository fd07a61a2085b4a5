"""Limits that hold whatever the missing outcomes would have been."""

from collections.abc import Callable
from dataclasses import replace
from math import isnan, nan

import numpy as np

from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import normal_quantile
from judgekit.stats.sample import FloatArray, join_notes

MISSING_AT_RANDOM = "missing at random within judge level"
TOLERATED = 0.05
BISECTIONS = 60

Run = Callable[[FloatArray], Estimate]


def bounded(
    outcome: FloatArray, run: Run, *, assumed: bool, scale: tuple[float, float] = (0.0, 1.0)
) -> Estimate:
    """Run an estimator on outcomes of which some may be missing.

    Parameters
    ----------
    outcome : ndarray of float, shape (n,)
        nan = missing.
    run : callable
        Estimates from outcomes of shape (n,); leaves out those that are nan.
    assumed : bool
        Whether the caller states that outcomes are missing at random within judge level.
    scale : tuple of float
        Smallest and largest possible outcome.

    Returns
    -------
    Estimate
        Without missing outcomes, below 5 % of them, or where the assumption is stated: the estimate from the
        rest, with a note. Otherwise the limits of Imbens and Manski around all that could be, and no value.
    """
    missing = int(np.count_nonzero(np.isnan(outcome)))
    if not missing:
        return run(outcome)
    said = f"{missing} of {outcome.size} outcomes missing"
    if assumed or missing < TOLERATED * outcome.size:
        rest = f"assumed {MISSING_AT_RANDOM}" if assumed else "left out"
        found = run(outcome)
        return replace(found, note=join_notes(found.note, f"{said}, {rest}"))
    least, most = (run(np.where(np.isnan(outcome), end, outcome)) for end in scale)
    if not (least.defined and most.defined):
        return replace(most if least.defined else least, value=nan, low=nan, high=nan)
    low, high = imbens_manski(least, most)
    note = f"{said}: the limits hold whatever they are; a value needs assume={MISSING_AT_RANDOM!r}"
    limits = (max(low, scale[0]), min(high, scale[1]))
    return Estimate(nan, *limits, least.confidence, outcome.size - missing, least.method, note)


def imbens_manski(least: Estimate, most: Estimate) -> tuple[float, float]:
    """Limits of a quantity that lies between two estimated ends, at the estimates' confidence.

    Parameters
    ----------
    least, most : Estimate
        The ends; the lower limit of the one and the upper limit of the other give their standard errors.

    Returns
    -------
    tuple of float
        nan where an end has no limits.

    References
    ----------
    Imbens & Manski (2004), doi:10.1111/j.1468-0262.2004.00555.x
    """
    z = normal_quantile((1 + least.confidence) / 2)
    below, above = (least.value - least.low) / z, (most.high - most.value) / z
    if isnan(below) or isnan(above):
        return nan, nan
    apart, widest = most.value - least.value, max(below, above)
    c = _critical(apart / widest, least.confidence) if widest > 0 else 0.0
    return least.value - c * below, most.value + c * above


def _critical(apart: float, confidence: float) -> float:
    """Solve Φ(c + apart) − Φ(−c) = confidence."""
    from scipy.special import ndtr

    low, high = 0.0, normal_quantile((1 + confidence) / 2)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if ndtr(middle + apart) - ndtr(-middle) < confidence:
            low = middle
        else:
            high = middle
    return high
