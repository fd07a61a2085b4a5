"""The mean human outcome of each slice of a batch, by itself or drawn towards the other slices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from judgekit.stats.choice import LEAST_FOR_JUDGE, LEAST_FOR_SCORE, Choice, corrected, guarded
from judgekit.stats.difference import Fit, batch_moments, mean_variance, student_limits, wilson_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.fixed_slope import with_slope
from judgekit.stats.sample import BoolArray, FloatArray, Sample, checked_sample, codes_of, join_notes
from judgekit.stats.weighted import filled_values, weighted_slope

LEAST_SLICES = 4
TOO_FEW_SLICES = f"fewer than {LEAST_SLICES} slices with {LEAST_FOR_JUDGE} labels, none missing: not pooled"


def slice_means(
    judge: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    slices: ArrayLike,
    *,
    pool: bool = False,
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
    pool : bool
        Draw what the judge errs by in a slice towards the mean of that over the slices, by
        v/(τ²+v): the more, the less the labels tell of the slice (variance v) and the less slices differ (τ²,
        by DerSimonian and Laird). On average over slices the estimates are nearer and the intervals hold
        95 %; of the one slice that is unlike the others they hold less. From 4 slices on.

    Returns
    -------
    list of Estimate
        In the order of `numpy.unique(slices)`: from 30 labels by the choice rule, from 15 with the λ of the
        whole batch, below nan; pooled, from 15 with that λ. A slice with missing outcomes is not pooled.

    Raises
    ------
    ShapeError
        As `corrected_mean`.

    References
    ----------
    DerSimonian & Laird (1986), doi:10.1016/0197-2456(86)90046-2; intervals: Morris (1983),
    doi:10.1080/01621459.1983.10477920

    Examples
    --------
    >>> judge, place = [1, 0] * 200, [n // 80 for n in range(400)]
    >>> human = [1, 0, 1, 1] * 50
    >>> slice_means(judge, range(0, 400, 2), human, place, pool=True)[0].n
    40
    """
    sample = checked_sample(judge, labelled, human, target=target, group=group, confidence=confidence)
    codes = codes_of("slices", slices, sample.total)
    known = sample.rows(~np.isnan(sample.human))
    slope = _whole_slope(known) if known.n else 0.0
    parts = [_part(sample, codes == at) for at in range(int(codes.max(initial=-1)) + 1)]
    alone = [_slice_mean(part, slope) for part in parts]
    return _pooled(parts, alone, slope) if pool else alone


def _slice_mean(part: Sample, slope: float) -> Estimate:
    answered = int(np.count_nonzero(~np.isnan(part.human)))
    if answered < LEAST_FOR_JUDGE:
        return part.undefined(f"too few labels in this slice ({answered})", "")
    if answered >= LEAST_FOR_SCORE:
        return corrected(part, Choice())
    found = corrected(part, partial(with_slope, slope=slope))
    note = f"few labels in this slice ({answered}): weight of the judge from the whole batch"
    return replace(found, note=join_notes(found.note, note))


def _part(sample: Sample, inside: BoolArray) -> Sample:
    """Batch and labelled items of one slice."""
    keep = inside[sample.labelled]
    place = np.cumsum(inside) - 1
    rows = sample.rows(keep)
    groups = None if rows.batch_group is None else codes_of("group", rows.batch_group[inside], place[-1] + 1)
    return replace(rows, judge=sample.judge[inside], labelled=place[rows.labelled], batch_group=groups)


def _whole_slope(sample: Sample) -> float:
    if batch_moments(sample.judge)[1] == 0:
        return 0.0
    return weighted_slope(sample.human, filled_values(sample)[0], np.ones(sample.n))


@dataclass(frozen=True, slots=True)
class _Residual:
    """What a slice's labels say beyond its verdicts.

    Attributes
    ----------
    predicted, mean : float
        λ times the mean verdict of the slice; mean of outcome less λ times verdict over its labels.
    variance : float
        Of that mean, as an estimate of the slice's.
    rest : float
        Variance that pooling leaves: of the slice's verdicts, where the process is asked about.
    """

    predicted: float
    mean: float
    variance: float
    rest: float


def _residual(part: Sample, slope: float) -> _Residual:
    fit = difference_fit(part, slope=slope)
    f, mean = filled_values(part)
    own = mean_variance(part.human - slope * f, part.group, part.ridge)
    variance = own if part.of_process else own * part.unseen
    return _Residual(slope * mean, fit.value - slope * mean, variance, max(fit.variance - variance, 0.0))


def _pooled(parts: Sequence[Sample], alone: Sequence[Estimate], slope: float) -> list[Estimate]:
    taking = [not np.isnan(one.half_width) and not np.isnan(part.human).any() and part.unseen > 0
              for part, one in zip(parts, alone, strict=True)]
    if sum(taking) < LEAST_SLICES:
        return [replace(one, note=join_notes(one.note, TOO_FEW_SLICES)) if one.defined else one for one in alone]
    found = [_residual(part, slope) for part, take in zip(parts, taking, strict=True) if take]
    drawn = iter(shrunk(np.array([one.mean for one in found]), np.array([one.variance for one in found])))
    ...
