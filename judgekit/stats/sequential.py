"""Looking again and again at labels as they come: limits that hold over all looks, and an alarm.

Everything here rests on one bound: a game in which a true hypothesis cannot win on average multiplies its
stake by 1/α with probability α at most, however often one looks (Ville's inequality).
"""

from dataclasses import asdict, dataclass
from math import isnan, log, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.sample import FloatArray, checked_scores

GRID = 2000
CELLS_AT_ONCE = 100_000
ALARM_AT = 20.0
MOST = 1e300  # infinity is no JSON
WINDOW = 50


def look_confidence(look: int, confidence: float = 0.95) -> float:
    """Two-sided confidence of the limits at the k-th look, so that over all looks either limit errs rarely.

    With α = 1 − `confidence` the k-th look has 1 − 2α/(k(k+1)): one-sided level α/(k(k+1)), which sums to α
    over all looks, and at k = 1 the plain interval.

    Parameters
    ----------
    look : int
        Counted from 1.
    confidence : float
        Two-sided confidence of a single look, 0..1.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        If the look is below 1, or the confidence outside 0..1.

    Examples
    --------
    >>> [round(look_confidence(k), 4) for k in (1, 2, 3, 10)]
    [0.95, 0.9833, 0.9917, 0.9991]
    """
    _check(look, "look", confidence)
    return confidence if look == 1 else 1 - 2 * (1 - confidence) / (look * (look + 1))


def chosen_confidence(candidates: int, confidence: float = 0.95) -> float:
    """Two-sided confidence of the limits of one chosen among several: 1 − (1 − `confidence`)/J (Bonferroni).

    Parameters
    ----------
    candidates : int
        J, how many were tried on the same labels.
    confidence : float
        Two-sided confidence for a single one, 0..1.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        If there is no candidate, or the confidence lies outside 0..1.

    Examples
    --------
    >>> round(chosen_confidence(20), 4)
    0.9975
    """
    _check(candidates, "the number of candidates", confidence)
    return confidence if candidates == 1 else 1 - (1 - confidence) / candidates


def _check(count: int, name: str, confidence: float) -> None:
    if count < 1:
        raise ShapeError(f"{name} is {count}; it is counted from 1")
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")


def confidence_sequence(
    outcomes: ArrayLike, *, population: int | None = None, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Limits of a mean after each outcome, which hold at all looks at once (hedged betting).

    Parameters
    ----------
    outcomes : array_like of float, shape (t,)
        0..1, in the order of labelling; with `population` that order must be random.
    population : int, optional
        N, if the outcomes are drawn without replacement from that many whose mean is asked for; without it,
        the mean of the process is.
    confidence : float
        Two-sided, over all looks together.

    Returns
    -------
    tuple of arrays of float, shapes (t,) and (t,)
        Lower and upper limits, each the tightest so far, rounded outward to 1/2000. Where outcomes drift, the
        lower may come to exceed the upper: no single mean fits. All N drawn: both are the mean.

    Raises
    ------
    ShapeError
        If an outcome is missing or outside 0..1, or there are more of them than the population holds.

    References
    ----------
    Waudby-Smith & Ramdas, arXiv:2010.09686; without replacement: arXiv:2006.04347

    Examples
    --------
    >>> low, high = confidence_sequence([1, 1, 0, 1, 1] * 40)
    >>> print(f"{low[-1]:.2f} – {high[-1]:.2f}")
    0.70 – 0.89
    """
    x = _known("outcomes", outcomes)
    _check(1, "look", confidence)
    if population is not None and population < x.size:
        raise ShapeError(f"{x.size} outcomes cannot be drawn from a population of {population}")
    low = _lower_limits(x, population, 1 - confidence)
    high = 1 - _lower_limits(1 - x, population, 1 - confidence)
    if population is None:
        return low, high
    certain = np.cumsum(x) / population
    possible = certain + (1 - np.arange(1, x.size + 1) / population)
    if x.size == population:
        possible[-1:] = certain[-1:]  # not 1e-16 beside it
    return np.clip(low, certain, possible), np.clip(high, certain, possible)


def _known(name: str, values: ArrayLike) -> FloatArray:
    found = checked_scores(name, values)
    if np.isnan(found).any():
        raise ShapeError(f"{name}[{int(np.flatnonzero(np.isnan(found))[0])}] is missing; leave it out")
    return found


def _stakes(x: FloatArray, alpha: float) -> FloatArray:
    """How much to bet on each outcome: λ_i from the variance of those before it, not yet capped."""
    i = np.arange(1, x.size + 1)
    mean = (0.5 + np.cumsum(x)) / (i + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (i + 1)
    before = np.concatenate([[0.25], variance[:-1]])[: x.size]
    return np.asarray(np.sqrt(2 * log(2 / alpha) / (before * i * np.log1p(i))))


def _lower_limits(x: FloatArray, population: int | None, alpha: float) -> FloatArray:
    """For each t the largest mean on the grid against which betting on more has won 2/α by then.

    Winnings fall with the mean that is bet against, so those beaten are the smallest: they are counted, and
    behind a stretch of the grid without any there are none.
    """
    stakes, t = _stakes(x, alpha)[:, None], x.size
    grid = np.linspace(0, 1, GRID + 1)
    beaten = np.zeros(t, np.intp)
    step = max(1, CELLS_AT_ONCE // max(t, 1))
    for begin in range(0, grid.size, step):
        mean = _means(grid[begin : begin + step], x, population)
        # A mean below 0 cannot be that of what is left to draw: beaten as well.
        with np.errstate(divide="ignore", over="ignore"):
            stake = np.minimum(stakes, 0.5 / np.maximum(mean, 0))
            wealth = np.cumprod(np.where(mean < 0, np.inf, 1 + stake * (x[:, None] - mean)), axis=0)
        found = (wealth >= 2 / alpha).sum(axis=1)
        if not found.any():
            break
        beaten += found
    return np.asarray(grid[np.maximum.accumulate(np.maximum(beaten - 1, 0))])


def _means(grid: FloatArray, x: FloatArray, population: int | None) -> FloatArray:
    """Mean of what outcome i is drawn from, if the mean of all is that of the grid; shape (t, grid)."""
    if population is None:
        return np.broadcast_to(grid, (x.size, grid.size))
    drawn = np.arange(x.size)[:, None]
    sums = np.concatenate([[0.0], np.cumsum(x)[:-1]])[: x.size, None]
    mean = (population * grid - sums) / (population - drawn)
    return np.minimum(np.where(np.abs(mean) < 1e-9, 0.0, mean), 1.0)


@dataclass(frozen=True, slots=True)
class AgreementAlarm:
    """Whether judge and people agree less than the calibration promised.

    Attributes
    ----------
    alarm : bool
        Whether the evidence ever reached 20; false alarms come in at most 1 of 20 streams, however long.
    at : int or None
        Labels after which it first did.
    evidence : float
        The most it reached; 1 is none.
    agreement : float
        Share of the labels that agree; nan without one.
    expected : float
        What was promised.
    n : int
        Labels.
    """

    alarm: bool
    at: int | None
    evidence: float
    agreement: float
    expected: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(self).items()}


def agreement_alarm(agree: ArrayLike, expected: float, window: int = WINDOW) -> AgreementAlarm:
    """Watch the agreement of a judge with people, on randomly chosen labels as they come.

    At the beginning of every window a new game is begun against the claim that agreement is at least what was
    expected, and played on from there: a single one would have lost its stake to the good labels before.
    The k-th game has the share 1/(k(k+1)) of the stake, and bets as boldly as it must to win 20k(k+1) times
    its own.

    Parameters
    ----------
    agree : array_like of float, shape (t,)
        1 where judge and human agree, 0 where not; between them for partial agreement.
    expected : float
        Lower limit of the calibrated agreement, 0..1.
    window : int
        Labels after which a new game begins.

    Returns
    -------
    AgreementAlarm

    Raises
    ------
    ShapeError
        If an answer is missing or outside 0..1, or there is no such expectation or window.

    References
    ----------
    Waudby-Smith & Ramdas, arXiv:2010.09686

    Examples
    --------
    >>> agreement_alarm([1] * 200 + [0, 1] * 50, expected=0.85).at
    221
    """
    a = _known("agree", agree)
    if not 0 <= expected <= 1:
        raise ShapeError(f"expected agreement is {expected}; it must lie within 0..1")
    if window < 1:
        raise ShapeError(f"a window of {window} labels is none")
    evidence = np.ones(a.size)
    for k, begin in enumerate(range(0, a.size, window), 1):
        evidence[begin:] += (_game(a[begin:], expected, ALARM_AT * k * (k + 1)) - 1) / (k * (k + 1))
    over = np.flatnonzero(evidence >= ALARM_AT)
    most = min(float(evidence.max(initial=1.0)), MOST)
    share = float(a.mean()) if a.size else nan
    return AgreementAlarm(
        over.size > 0, int(over[0]) + 1 if over.size else None, most, share, expected, a.size
    )


def _game(a: FloatArray, expected: float, goal: float) -> FloatArray:
    """Play one game: what a stake of 1 has become after each label, betting on less agreement."""
    cap = 0.5 / (1 - expected) if expected < 1 else np.inf
    stake = np.minimum(_stakes(a, 1 / goal), cap)
    with np.errstate(over="ignore"):
        return np.asarray(np.cumprod(1 + stake * (expected - a)))
