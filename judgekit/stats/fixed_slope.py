"""Corrections whose weight on the judge was settled beforehand: fresh labels of a new batch, and slices."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from judgekit.stats.choice import LEAST_FOR_JUDGE, LEAST_FOR_SCORE, Choice, corrected
from judgekit.stats.difference import batch_moments, difference, difference_wilson
from judgekit.stats.estimate import Estimate
from judgekit.stats.sample import BoolArray, Sample, checked_sample, codes_of, join_notes
from judgekit.stats.weighted import filled_values, weighted_slope


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
        As in `corrected_mean`, for a random draw.
    slope : float
        λ.

    Returns
    -------
    Estimate
        Wilson limits for 0/1 outcomes, Student's otherwise.

    Raises
    ------
    ShapeError
        As `corrected_mean`.
    """
    sample = checked_sample(judge, labelled, human, target=target, group=group, confidence=confidence)
    return corrected(sample, partial(_with_slope, slope=slope))


def _with_slope(sample: Sample, slope: float) -> Estimate:
    return (difference_wilson if sample.binary else difference)(sample, slope=slope)


def slice_means(
    judge: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    slices: ArrayLike,
    *,
    target: str = "process",
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> list[Estimate]:
    """Mean human outcome of each slice of a batch.

    Parameters
    ----------
    judge, labelled, human, target, group, confidence
        As in `corrected_mean`, for a random draw.
    slices : array_like, shape (N,)
        Slice of each item of the batch.

    Returns
    -------
    list of Estimate
        In the order of `numpy.unique(slices)`: from 30 labels by the choice rule, from 15 with the λ of the
        whole batch, below nan.

    Raises
    ------
    ShapeError
        As `corrected_mean`.
    """
    sample = checked_sample(judge, labelled, human, target=target, group=group, confidence=confidence)
    codes = codes_of("slices", slices, sample.total)
    known = sample.rows(~np.isnan(sample.human))
    slope = _whole_slope(known) if known.n else 0.0
    return [_slice_mean(_part(sample, codes == at), slope) for at in range(int(codes.max(initial=-1)) + 1)]


def _slice_mean(part: Sample, slope: float) -> Estimate:
    answered = int(np.count_nonzero(~np.isnan(part.human)))
    if answered < LEAST_FOR_JUDGE:
        return part.undefined(f"too few labels in this slice ({answered})", "")
    if answered >= LEAST_FOR_SCORE:
        return corrected(part, Choice())
    found = corrected(part, partial(_with_slope, slope=slope))
    note = f"few labels in this slice ({answered}): weight of the judge from the whole batch"
    return replace(found, note=join_notes(found.note, note))


def _part(sample: Sample, inside: BoolArray) -> Sample:
    """Batch and labelled items of one slice."""
    keep = inside[sample.labelled]
    place = np.cumsum(inside) - 1
    rows = sample.rows(keep)
    return replace(rows, judge=sample.judge[inside], labelled=place[rows.labelled])


def _whole_slope(sample: Sample) -> float:
    if batch_moments(sample.judge)[1] == 0:
        return 0.0
    return weighted_slope(sample.human, filled_values(sample)[0], np.ones(sample.n))
