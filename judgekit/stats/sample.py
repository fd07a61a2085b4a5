"""The labelled items of a batch: what was drawn, how, and whether the arrays fit together."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import t_quantile

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

TARGETS = ("batch", "process")
FEW_GROUPS = 10
LEAST_GROUPS = 5
PROBE = 1_000
FEW_VALUES = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """A batch with its judge values, and the human outcomes of the items that were drawn from it.

    Attributes
    ----------
    judge : ndarray of float, shape (N,)
        The judge's value for each item of the batch; nan where there is no verdict.
    labelled : ndarray of int, shape (n,)
        Positions of the labelled items in `judge`.
    human : ndarray of float, shape (n,)
        Human outcomes of the labelled items, within `scale`.
    target : {"batch", "process"}
        Whether the mean of these items is asked for, or of the system that made them.
    confidence : float
        Two-sided confidence of the intervals.
    probability : ndarray of float, shape (n,), optional
        Probability with which each labelled item was drawn.
    stratum : ndarray of int, shape (N,), optional
        Stratum of each item of the batch, counted from 0.
    group : ndarray of int, shape (n,), optional
        Group of each labelled item, counted from 0; items of one group depend on each other.
    batch_group : ndarray of int, shape (N,), optional
        Group of each item of the batch, where known: what the process owes to groups depends on them all.
    scale : tuple of float
        Smallest and largest possible outcome.
    """

    judge: FloatArray
    labelled: IntArray
    human: FloatArray
    target: str = "process"
    confidence: float = 0.95
    probability: FloatArray | None = None
    stratum: IntArray | None = None
    group: IntArray | None = None
    batch_group: IntArray | None = None
    scale: tuple[float, float] = (0.0, 1.0)

    @property
    def total(self) -> int:
        """Number of items in the batch, N."""
        return self.judge.size

    @property
    def n(self) -> int:
        """Number of labelled items."""
        return self.human.size

    @property
    def of_process(self) -> bool:
        """Whether the system is asked about, not only this batch."""
        return self.target == "process"

    @property
    def unseen(self) -> float:
        """Share of the batch that has no human outcome, 1 − n/N."""
        return 1 - self.n / self.total

    @property
    def binary(self) -> bool:
        """Whether every human outcome is 0 or 1."""
        return self.scale == (0.0, 1.0) and is_binary(self.human)

    @property
    def ridge(self) -> float:
        """What is added to a sum of squares so that agreeing labels keep a width.

        An eighth of the squared scale; a half for 0/1 outcomes, as for differences of two outcomes.
        """
        return 0.5 if self.binary else (self.scale[1] - self.scale[0]) ** 2 / 8

    @property
    def groups(self) -> int:
        """Number of groups among the labelled items; each item is its own where none were given."""
        return self.n if self.group is None else np.unique(self.group).size

    def critical(self, df: float = inf) -> float:
        """Quantile for the limits: Student's t with df, with one less than the groups where given."""
        if self.group is not None:
            df = min(df, self.groups - 1)
        return t_quantile((1 + self.confidence) / 2, df)

    def rows(self, keep: BoolArray) -> "Sample":
        """Keep the batch, and only some of its labelled items."""
        return replace(
            self,
            labelled=self.labelled[keep],
            human=self.human[keep],
            probability=None if self.probability is None else self.probability[keep],
            group=None if self.group is None else self.group[keep],
        )

    def estimate(self, value: float, low: float, high: float, method: str, *notes: str) -> Estimate:
        """Put a value and its limits in order: limits hold the value, all keep to the scale."""
        least, most = self.scale
        value = min(max(value, least), most)
        low, high = min(max(min(low, value), least), most), min(max(max(high, value), least), most)
        return Estimate(value, low, high, self.confidence, self.n, method, join_notes(*notes))

    def by_groups(self, estimator: Callable[[], Estimate]) -> Estimate:
        """Run an estimator unless there are too few groups, and say so where there are few."""
        groups = inf if self.group is None else self.groups
        if self.of_process and self.batch_group is not None:
            groups = min(groups, int(self.batch_group.max(initial=-1)) + 1)
        if groups >= FEW_GROUPS:
            return estimator()
        if groups < LEAST_GROUPS:
            return self.undefined(f"{groups} groups: an interval needs at least {LEAST_GROUPS}", "")
        found = estimator()
        return replace(found, note=join_notes(found.note, f"few groups ({groups})"))

    def undefined(self, why: str, method: str) -> Estimate:
        """Say that this sample has no such estimate, and why."""
        return Estimate.undefined(why, n=self.n, method=method, confidence=self.confidence)


def join_notes(*notes: str) -> str:
    """One sentence after the other, empty ones left out."""
    return "; ".join(note for note in notes if note)


def is_binary(outcomes: FloatArray) -> bool:
    """Whether all known outcomes are 0 or 1."""
    sure = np.count_nonzero((outcomes == 0) | (outcomes == 1))
    return bool(sure + np.count_nonzero(np.isnan(outcomes)) == outcomes.size)


def checked_sample(
    judge: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    *,
    target: str = "process",
    probability: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
    scale: tuple[float, float] = (0.0, 1.0),
) -> Sample:
    """Build a `Sample` from what a caller passed, or say what is wrong with it.

    Parameters
    ----------
    judge : array_like of float, shape (N,)
        Judge values within `scale`; nan = no verdict.
    labelled : array_like of int, shape (n,)
        Distinct positions in `judge`.
    human : array_like of float, shape (n,)
        Outcomes within `scale`; nan = missing.
    target, confidence, scale
        As in `Sample`.
    probability : array_like of float, shape (n,), optional
        Within (0, 1].
    stratum : array_like, shape (N,), optional
        Any values; each has at least one labelled item.
    group : array_like, shape (n,) or (N,), optional
        Any values, for the labelled items or for the whole batch.

    Returns
    -------
    Sample
        `human` may still hold nan.

    Raises
    ------
    ShapeError
        If an array has the wrong shape or holds what it may not.
    """
    if target not in TARGETS:
        raise ShapeError(f"target {target!r} is not one of: {', '.join(TARGETS)}")
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")
    verdicts = checked_scores("judge", judge, scale)
    positions = _checked_positions(labelled, verdicts.size)
    outcomes = checked_scores("human", human, scale)
    if outcomes.shape != positions.shape:
        raise ShapeError(f"human has {outcomes.size} outcomes for {positions.size} labelled items")
    return Sample(
        verdicts,
        positions,
        outcomes,
        target,
        confidence,
        None if probability is None else checked_probability(probability, positions.size),
        None if stratum is None else _checked_strata(stratum, verdicts.size, positions),
        *_checked_groups(group, positions, verdicts.size),
        scale,
    )


def _checked_groups(
    group: ArrayLike | None, labelled: IntArray, total: int
) -> tuple[IntArray | None, IntArray | None]:
    """Give the groups of the labelled items and, where given for the whole batch, of all."""
    if group is None:
        return None, None
    if np.shape(group) != (total,) or labelled.size == total:
        return codes_of("group", group, labelled.size), None
    everywhere = codes_of("group", group, total)
    return codes_of("group", everywhere[labelled], labelled.size), everywhere


def checked_scores(name: str, scores: ArrayLike, scale: tuple[float, float] = (0.0, 1.0)) -> FloatArray:
    """One-dimensional floats within the scale or nan; ShapeError names the first position that is not."""
    values = np.asarray(scores, float)
    if values.ndim != 1:
        raise ShapeError(f"{name} has shape {values.shape}; it must be one-dimensional")
    low, high = scale
    good = np.count_nonzero((values >= low) & (values <= high))
    if good + np.count_nonzero(values != values) < values.size:
        at = int(np.flatnonzero((values < low) | (values > high))[0])
        raise ShapeError(f"{name}[{at}] is {values[at]:g}, outside {low:g}..{high:g}; correct the score")
    return values


def codes_of(name: str, values: ArrayLike, size: int) -> IntArray:
    """Return the number of each distinct value, counted from 0; ShapeError unless there are `size` values."""
    array = np.asarray(values)
    if array.shape != (size,):
        raise ShapeError(f"{name} has shape {array.shape}; it must be ({size},)")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ShapeError(f"{name}[{int(np.flatnonzero(np.isnan(array))[0])}] is missing")
    if array.dtype.kind in "iu" and size and int(array.max()) - int(array.min()) <= size:
        low = int(array.min())
        shifted = (array - low if low else array).astype(np.intp, copy=False)
        used = np.bincount(shifted) > 0  # a million integers are counted, not sorted
        return shifted if used.all() else np.asarray(np.cumsum(used) - 1)[shifted]
    return _few_codes(array) if size > PROBE else np.unique(array, return_inverse=True)[1].astype(np.intp)


def _few_codes(array: NDArray[Any]) -> IntArray:
    """Codes of values of which a first probe holds all, by comparing; by sorting where it does not."""
    levels = np.unique(array[:PROBE])
    if levels.size <= FEW_VALUES:
        codes, known = np.zeros(array.size, np.int8), 0
        for level in range(levels.size):
            same = array == levels[level]
            codes += same.view(np.int8) * np.int8(level)
            known += int(np.count_nonzero(same))
        if known == array.size:
            return codes.astype(np.intp)
    return np.unique(array, return_inverse=True)[1].astype(np.intp)


def _checked_positions(labelled: ArrayLike, total: int) -> IntArray:
    positions = np.asarray(labelled)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise ShapeError("labelled must be a one-dimensional array of integer positions")
    positions = positions.astype(np.intp)
    outside = (positions < 0) | (positions >= total)
    if outside.any():
        raise ShapeError(f"labelled holds position {positions[outside][0]}, outside 0..{total - 1}")
    values, counts = np.unique(positions, return_counts=True)
    if (counts > 1).any():
        raise ShapeError(f"labelled holds position {values[counts > 1][0]} more than once; keep one outcome")
    return positions


def checked_probability(probability: ArrayLike, size: int) -> FloatArray:
    """Probabilities within (0, 1], one for each of `size` labelled items; ShapeError otherwise."""
    values = np.asarray(probability, float)
    if values.shape != (size,):
        raise ShapeError(f"probability has shape {values.shape}; it must be ({size},), as labelled")
    wrong = ~((values > 0) & (values <= 1))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        what = "missing" if np.isnan(values[at]) else f"{values[at]:g}, outside (0, 1]"
        raise ShapeError(f"probability[{at}] is {what}; give the probability with which the item was drawn")
    return values


def _checked_strata(stratum: ArrayLike, total: int, labelled: IntArray) -> IntArray:
    codes = codes_of("stratum", stratum, total)
    return require_labels(codes, labelled, np.asarray(stratum))


def require_labels(codes: IntArray, labelled: IntArray, names: NDArray[Any] | None = None) -> IntArray:
    """Strata as they are; ShapeError if one of them has no labelled item."""
    labels = np.bincount(codes[labelled], minlength=int(codes.max(initial=-1)) + 1)
    if (labels == 0).any():
        empty = int(np.flatnonzero(labels == 0)[0])
        name = empty if names is None else names[np.flatnonzero(codes == empty)[0]]
        raise ShapeError(f"stratum {name!s} has no label; label at least one of its items")
    return codes


def design_effect(influence: FloatArray, group: IntArray | None) -> float:
    """How much wider than independent items dependent ones make the variance; at least 1.

    Parameters
    ----------
    influence : ndarray of float, shape (n,)
        What each labelled item contributes to the estimate, with mean 0.
    group : ndarray of int, shape (n,) or None
        Group codes from 0.

    Returns
    -------
    float
        G/(G−1)·Σ_g(Σ_i∈g u_i)² over n/(n−1)·Σu_i², not below 1; nan for a single group.
    """
    if group is None:
        return 1.0
    sums = np.bincount(group, weights=influence)
    groups, n = np.unique(group).size, influence.size
    simple = float(np.sum(influence**2)) * n / max(n - 1, 1)
    if groups < 2:
        return nan
    return max(1.0, float(np.sum(sums**2)) * groups / (groups - 1) / simple) if simple > 0 else 1.0


def batch_effect(sample: Sample, contribution: FloatArray, critical: float) -> float:
    """How much wider than independent items the groups of a batch make what its verdicts add; at least 1.

    Parameters
    ----------
    sample : Sample
        The effect is 1 unless it asks about the process and has `batch_group`.
    contribution : ndarray of float, shape (N,)
        What each item's verdict contributes to the estimate, up to a constant; nan without verdict.
    critical : float
        Quantile that the variance will be multiplied by: Student's for one less than the groups is put in its
        place.
    """
    if not sample.of_process or sample.batch_group is None:
        return 1.0
    known = ~np.isnan(contribution)
    group, apart = sample.batch_group[known], contribution[known] - contribution[known].mean()
    quantile = t_quantile((1 + sample.confidence) / 2, np.unique(group).size - 1)
    return design_effect(apart, group) * max(1.0, quantile / critical) ** 2


def clustered_variance(sample: Sample, predicted: FloatArray, residual: FloatArray) -> float:
    """Variance of a mean over the process whose items come in groups, all of the batch's counted.

    Each group adds what is predicted for its items and what its labels add to that. Labels alone cannot tell:
    few of them fall into one group, while the whole group moves together in the batch.

    Parameters
    ----------
    sample : Sample
        With `batch_group`.
    predicted : ndarray of float, shape (N,)
        What each item of the batch contributes to the estimate, with sum 0.
    residual : ndarray of float, shape (n,)
        What each labelled item contributes besides, with sum 0.

    Returns
    -------
    float
        G/(G−1)·Σ_g T_g², T_g a group's sum of both.
    """
    assert sample.batch_group is not None
    groups = int(sample.batch_group.max()) + 1
    sums = np.bincount(sample.batch_group, weights=predicted, minlength=groups)
    sums += np.bincount(sample.batch_group[sample.labelled], weights=residual, minlength=groups)
    return float(np.sum(sums**2)) * groups / max(groups - 1, 1)
