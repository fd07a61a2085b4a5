"""The correction whose weight on the judge was settled beforehand: from fresh labels of a new batch."""

from functools import partial

from numpy.typing import ArrayLike

from judgekit.stats.choice import LEAST_FOR_JUDGE, corrected
from judgekit.stats.difference import Fit, batch_moments, difference, difference_wilson, wilson_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.human import human_only
from judgekit.stats.proportions import wilson
from judgekit.stats.sample import Sample, checked_sample

# Fewest labels of the rarer outcome: an eighth of them, within these. With fewer, too few mistakes of the
# judge are seen to tell how often it is mistaken: at a rate of .02 and 60 labels the interval held the truth
# 68 % of the time. What remains is in tests/benchmarks/next_week.py.
LEAST_RARE, ENOUGH_RARE = 3, 10


def fixed_slope_mean(
    judge: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    *,
    slope: float = 1.0,
    target: str = "process",
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Mean human outcome by the difference estimator with a λ that these labels did not choose.

    With P(outcome 1 | verdict) of earlier labels in the judge's place, this is the estimate from a few fresh
    labels of a new batch: right whatever has drifted, and narrower than they alone while nothing has.

    Parameters
    ----------
    judge, labelled, human, target, group, confidence
        As in `corrected_mean`, for a random draw. `judge` may be any prediction of the outcome that these
        labels did not make.
    slope : float
        λ.

    Returns
    -------
    Estimate
        Wilson limits for 0/1 outcomes, Student's otherwise; of the labels alone where there are fewer than
        15 or, for 0/1 outcomes, where the rarer has fewer than an eighth of them (at least 3, at most 10),
        or the judge's values vary too little to narrow anything.

    Raises
    ------
    ShapeError
        As `corrected_mean`.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), arXiv:2311.01453, with λ fixed
    """
    sample = checked_sample(judge, labelled, human, target=target, group=group, confidence=confidence)
    return corrected(sample, partial(_fresh, slope=slope))


def _fresh(sample: Sample, slope: float) -> Estimate:
    if sample.n < LEAST_FOR_JUDGE:
        return human_only(sample, f"fewer than {LEAST_FOR_JUDGE} labels: labels alone")
    if sample.binary and not _narrows(sample, slope):
        return human_only(sample, "the judge tells too little: labels alone")
    return with_slope(sample, slope)


def _narrows(sample: Sample, slope: float) -> bool:
    """Whether the interval is to be narrower than the labels' own if the judge's values mean what they say.

    The outcomes take no part: what depends on them chooses between intervals by their luck.
    """
    mean, variance = batch_moments(sample.judge)
    left = mean * (1 - mean) - slope * (2 - slope) * variance
    error = (max(left, 0.0) + sample.ridge / sample.n) / (sample.n - 1.5)
    expected = wilson_limits(sample, Fit(mean, error, sample.n - 2), "")
    low, high = wilson(mean, sample.n, sample.critical())
    return expected.half_width < float(high - low) / 2


def with_slope(sample: Sample, slope: float) -> Estimate:
    """Mean outcome by the difference estimator with this λ, the limits by what the outcomes are."""
    if not sample.binary:
        return difference(sample, slope=slope)
    ones = int(sample.human.sum())
    rare = min(ones, sample.n - ones)
    if rare < min(max(sample.n / 8, LEAST_RARE), ENOUGH_RARE):
        return human_only(sample, f"too few labels of one outcome ({rare}): labels alone")
    return difference_wilson(sample, slope=slope)
