"""How many labels: for a width, for showing agreement, for a difference, for a bound on a rare failure.

Every function takes plain numbers and gives a whole number of labels, or ``inf`` where no number of them
suffices.
"""

from math import ceil, inf, isfinite, log, sqrt

import numpy as np
from numpy.typing import NDArray

from judgekit.errors import ShapeError
from judgekit.stats.proportions import normal_quantile
from judgekit.stats.sample import TARGETS

PROBABLE = 0.5  # correlation of judge and people, where nothing is known of it
POWER = 0.8
ALPHA = 0.05
SMALL_SAMPLE = 5.0


def half_width(
    n: float,
    *,
    rate: float | None = None,
    variance: float | None = None,
    correlation: float = PROBABLE,
    population: float = inf,
    target: str = "process",
    confidence: float = 0.95,
) -> float:
    """Half the length that the interval of a corrected mean will have, about.

    Parameters
    ----------
    n : float
        Labels of a simple random sample.
    rate : float, optional
        Share of 0/1 outcomes that are 1; ½, the widest case, unless `variance` is given.
    variance : float, optional
        Of the human outcomes, instead of `rate`.
    correlation : float
        Of judge value and human outcome.
    population : float
        Items in the batch, N.
    target : {"process", "batch"}
        The mean of the system that made the items, or of these items.
    confidence : float
        Two-sided.

    Returns
    -------
    float
        z·√V with V = S²(1−ρ²)(1/n')(1 − n'/N), for the process + S²/N. n' is n²/(n + 5/(1−ρ²)): small samples
        give wider intervals than large ones by that much (simulated: Student's t, small cells, the fit of
        the slope); at most ½, and ``inf`` without a label.

    Raises
    ------
    ShapeError
        For what cannot be a rate, variance, correlation, population, target or confidence.

    Examples
    --------
    >>> round(half_width(100), 3)
    0.088
    """
    spread, kept = _spread(rate, variance, correlation, population, target)
    z = _quantile(confidence)
    if n <= 0:
        return inf
    left = max((1 + SMALL_SAMPLE / (1 - correlation**2) / n) / n - 1 / population, 0.0)
    beyond = spread / population if target == "process" else 0.0
    return z * sqrt((kept * left if n < population else 0.0) + beyond)


def labels_for_half_width(
    h: float,
    *,
    rate: float | None = None,
    variance: float | None = None,
    correlation: float = PROBABLE,
    population: float = inf,
    target: str = "process",
    confidence: float = 0.95,
) -> float:
    """How many random labels give a corrected mean ± h: the inverse of `half_width`.

    Parameters
    ----------
    h : float
        Half the length of the interval, above 0.
    rate, variance, correlation, population, target, confidence
        As in `half_width`.

    Returns
    -------
    float
        A whole number, at most `population`; ``inf`` where the items are too few to say so much about their
        process, even if people labelled them all.

    Raises
    ------
    ShapeError
        As `half_width`, and for a width of 0 or less.

    Examples
    --------
    >>> labels_for_half_width(0.05), labels_for_half_width(0.05, population=200, target="batch")
    (295, 125)
    """
    _require(h > 0, f"a half-width is above 0, not {h}")
    spread, kept = _spread(rate, variance, correlation, population, target)
    return _labels_for_variance(
        (h / _quantile(confidence)) ** 2, spread, kept, correlation, population, target
    )


def _labels_for_variance(
    wanted: float, spread: float, kept: float, correlation: float, population: float, target: str
) -> float:
    """Solve S²(1−ρ²)(1/n' − 1/N) + [process] S²/N = wanted for n."""
    room = wanted - (spread / population if target == "process" else 0.0)
    if room < -1e-15:
        return inf
    if kept == 0:
        return 1
    share = max(room, 0.0) / kept + 1 / population
    extra = SMALL_SAMPLE / (1 - correlation**2)
    if share == 0:
        return inf
    n = (1 + sqrt(1 + 4 * share * extra)) / (2 * share)
    return min(_whole(n), population)


def labels_for_agreement(
    bound: float, *, truth: float | None = None, power: float = POWER, alpha: float = ALPHA
) -> float:
    """How many labels show that judge and people agree on more than a share of the items.

    Parameters
    ----------
    bound : float
        The share that must be exceeded, 0 to below 1.
    truth : float, optional
        The share on which they do agree; by default halfway from the bound to 1.
    power : float
        Probability of showing it.
    alpha : float
        Probability of showing what is not so, one-sided.

    Returns
    -------
    float
        The smallest number from which on the exact binomial test has the power (which rises in saw-teeth);
        ``inf`` where the truth is not above the bound.

    Raises
    ------
    ShapeError
        For what is no probability.

    Examples
    --------
    >>> labels_for_agreement(0.8)
    94
    """
    truth = (1 + bound) / 2 if truth is None else truth
    _require(0 <= bound < 1, f"a bound on agreement is 0 to below 1, not {bound}")
    _require(0 <= truth <= 1, f"a share lies between 0 and 1, truth is {truth}")
    _check_test(power, alpha)
    if truth <= bound:
        return inf
    z_alpha, z_power = normal_quantile(1 - alpha), normal_quantile(power)
    about = z_alpha * sqrt(bound * (1 - bound)) + z_power * sqrt(truth * (1 - truth))
    most = ceil(2 * (about / (truth - bound)) ** 2 + 20 / (truth - bound)) + 20
    sizes = np.arange(1, most + 1)
    weak = np.flatnonzero(binomial_power(sizes, bound, truth, alpha) < power)
    return int(sizes[weak[-1]]) + 1 if weak.size else 1


def binomial_power(
    n: NDArray[np.intp], bound: float, truth: float, alpha: float = ALPHA
) -> NDArray[np.float64]:
    """Power of the exact one-sided test of "share ≤ bound" where the share is `truth`.

    Parameters
    ----------
    n : ndarray of int
        Sample sizes.
    bound, truth, alpha : float
        As in `labels_for_agreement`.
    """
    from scipy.special import bdtr, bdtrc, bdtrik

    if bound == 0:
        return 1 - (1 - truth) ** np.asarray(n, float)
    # The largest count that does not refute the bound; the inverse is continuous and may be off by one.
    most = np.clip(np.ceil(bdtrik(1 - alpha, n, bound)), 0, n)
    most = np.where((most > 0) & (bdtr(np.maximum(most - 1, 0), n, bound) >= 1 - alpha), most - 1, most)
    most = np.where(bdtr(most, n, bound) < 1 - alpha, np.minimum(most + 1, n), most)
    if truth == 1:
        return np.where(most < n, 1.0, 0.0)
    return np.asarray(np.where(most < n, bdtrc(most, n, truth), 0.0))


def labels_for_difference(
    delta: float,
    *,
    variance: float | None = None,
    rates: tuple[float, float] | None = None,
    outcomes: float = 0.0,
    correlation: float = PROBABLE,
    population: float = inf,
    target: str = "process",
    power: float = POWER,
    alpha: float = ALPHA,
) -> float:
    """How many items, labelled under both systems, tell them apart.

    Parameters
    ----------
    delta : float
        The difference of their means that must not be missed, above 0.
    variance : float, optional
        Of the paired differences of human outcomes, as from pilot labels.
    rates : tuple of float, optional
        Both pass rates, instead of `variance`; ½ ± delta/2, the widest case, by default.
    outcomes : float
        Correlation of both systems' outcomes on the same item; unrelated, the cautious case, by default.
    correlation : float
        Of the judge's differences with people's.
    population, target
        As in `half_width`.
    power, alpha : float
        Probability of finding the difference; of finding one where there is none (two-sided).

    Returns
    -------
    float
        A whole number, at most `population`; ``inf`` where the items are too few.

    Raises
    ------
    ShapeError
        For what cannot be a difference, variance, rate, correlation or probability.

    Examples
    --------
    >>> labels_for_difference(0.1, correlation=0.0), labels_for_difference(0.1, outcomes=0.5)
    (394, 153)
    """
    _require(delta > 0, f"a difference to find is above 0, not {delta}")
    _require(-1 <= outcomes <= 1, f"a correlation lies between -1 and 1, outcomes is {outcomes}")
    _check_test(power, alpha)
    if variance is None:
        first, second = rates if rates is not None else ((1 + delta) / 2, (1 - delta) / 2)
        _require(0 <= first <= 1 and 0 <= second <= 1, f"rates lie between 0 and 1, not {first}, {second}")
        own = first * (1 - first), second * (1 - second)
        variance = max(sum(own) - 2 * outcomes * sqrt(own[0] * own[1]), 0.0)
    spread, kept = _spread(None, variance, correlation, population, target)
    wanted = (delta / (normal_quantile(1 - alpha / 2) + normal_quantile(power))) ** 2
    return _labels_for_variance(wanted, spread, kept, correlation, population, target)


def labels_for_rare(bound: float, *, failures: int = 0, confidence: float = 0.95) -> float:
    """How many random labels with so many failures among them show that failures are rarer than a bound.

    Parameters
    ----------
    bound : float
        The share of failures, between 0 and 1.
    failures : int
        Failures that will be among the labels.
    confidence : float
        One-sided.

    Returns
    -------
    float
        Smallest number whose exact upper limit is at most the bound; without failures that limit is
        1 − .05^(1/n).

    Raises
    ------
    ShapeError
        For what cannot be a share, a count or a confidence.

    References
    ----------
    Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404

    Examples
    --------
    >>> labels_for_rare(0.02), labels_for_rare(0.02, failures=1)
    (149, 236)
    """
    from scipy.special import bdtr

    _require(0 < bound < 1, f"a bound on failures lies between 0 and 1, not {bound}")
    _require(failures >= 0, f"failures are counted from 0, not {failures}")
    _require(0 < confidence < 1, f"confidence is {confidence}; it must lie between 0 and 1")
    if failures == 0:
        return ceil(log(1 - confidence) / log(1 - bound) - 1e-12)
    low, high = failures, failures + 1
    while bdtr(failures, high, bound) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bdtr(failures, middle, bound) > 1 - confidence else (low, middle)
    return high


def _spread(
    rate: float | None, variance: float | None, correlation: float, population: float, target: str
) -> tuple[float, float]:
    """Give the variance of the outcomes, and what the judge leaves of it."""
    if variance is None:
        rate = 0.5 if rate is None else rate
        _require(0 <= rate <= 1, f"a rate lies between 0 and 1, not {rate}")
        variance = rate * (1 - rate)
    _require(variance >= 0 and isfinite(variance), f"a variance is 0 or more, not {variance}")
    _require(-1 < correlation < 1, f"a correlation lies between -1 and 1, not {correlation}")
    _require(population >= 1, f"a batch has 1 item or more, not {population}")
    _require(target in TARGETS, f"target {target!r} is not one of: {', '.join(TARGETS)}")
    return variance, variance * (1 - correlation**2)


def _quantile(confidence: float) -> float:
    _require(0 < confidence < 1, f"confidence is {confidence}; it must lie between 0 and 1")
    return normal_quantile((1 + confidence) / 2)


def _check_test(power: float, alpha: float) -> None:
    _require(0 < power < 1, f"power is {power}; it must lie between 0 and 1")
    _require(0 < alpha < 1, f"alpha is {alpha}; it must lie between 0 and 1")


def _require(true: bool, message: str) -> None:
    if not true:
        raise ShapeError(message)


def _whole(n: float) -> float:
    return ceil(n - 1e-9) if isfinite(n) else inf
