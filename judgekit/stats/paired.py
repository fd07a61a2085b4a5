"""The difference of two systems' mean outcomes."""

from dataclasses import replace

from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.choice import LEAST_FOR_JUDGE, corrected
from judgekit.stats.correction import check_words, design_arrays
from judgekit.stats.difference import student_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.human import design_fit
from judgekit.stats.proportions import mover_sum
from judgekit.stats.sample import FloatArray, Sample, checked_sample, checked_scores, join_notes

DESIGNS = ("random", "stratified", "probability")


def corrected_difference(
    judge: tuple[ArrayLike, ArrayLike],
    labelled: ArrayLike,
    human: tuple[ArrayLike, ArrayLike],
    *,
    design: str = "random",
    target: str = "process",
    probability: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Mean of the first system's outcome less the second's, on the same items.

    Parameters
    ----------
    judge : tuple of array_like of float, shapes (N,) and (N,)
        The judge's values for both systems' answers to each item, 0..1; nan = no verdict.
    labelled : array_like of int, shape (n,)
        Positions of the items both of whose answers people labelled.
    human : tuple of array_like of float, shapes (n,) and (n,)
        Their outcomes, 0..1; nan = missing.
    design : {"random", "stratified", "probability"}
        How the labelled items were drawn.
    target, probability, stratum, group, confidence
        As in `corrected_mean`.

    Returns
    -------
    Estimate
        Within −1..1, by the difference estimator of the design on the differences; labels alone below 15.

    Raises
    ------
    ShapeError
        As `corrected_mean`.

    Examples
    --------
    >>> old, new = [1, 0, 1, 0, 0] * 20, [1, 1, 1, 0, 1] * 20
    >>> round(corrected_difference((new, old), range(50), (new[:50], old[:50])).value, 9)
    0.4
    """
    check_words(design, None, None)
    if design not in DESIGNS:
        raise ShapeError(f"design {design!r} has no paired difference; use one of: {', '.join(DESIGNS)}")
    (first, second), (y_first, y_second) = (_pair("judge", judge), _pair("human", human))
    sample = checked_sample(
        first - second,
        labelled,
        y_first - y_second,
        target=target,
        **design_arrays(design, probability, stratum),
        group=group,
        confidence=confidence,
        scale=(-1.0, 1.0),
    )
    return corrected(sample, _difference)


def _pair(name: str, values: tuple[ArrayLike, ArrayLike]) -> tuple[FloatArray, FloatArray]:
    first, second = (checked_scores(f"{name}[{k}]", values[k]) for k in (0, 1))
    if first.shape != second.shape:
        raise ShapeError(f"{name} has {first.size} values of the first system, {second.size} of the second")
    return first, second


def _difference(sample: Sample) -> Estimate:
    alone = sample.stratum is None and sample.probability is None and sample.n < LEAST_FOR_JUDGE
    note = f"fewer than {LEAST_FOR_JUDGE} labels: labels alone" if alone else ""
    fit = design_fit(sample, slope=0.0 if alone else None)
    return student_limits(sample, fit, "paired difference", note)


def unpaired_difference(first: Estimate, second: Estimate) -> Estimate:
    """Difference of two independent estimates, such as of two systems on different items.

    Parameters
    ----------
    first, second : Estimate
        At the same confidence.

    Returns
    -------
    Estimate
        Limits by MOVER, which for symmetric intervals adds variances; nan if either is.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095
    """
    for one in (first, second):
        if not one.defined:
            return replace(one, note=join_notes(one.note, "no difference without it"))
    pair = (first, second)
    value, low, high = mover_sum(
        [1, -1], [e.value for e in pair], [e.low for e in pair], [e.high for e in pair]
    )
    notes = join_notes("unpaired", *dict.fromkeys(e.note for e in pair))
    return Estimate(value, low, high, first.confidence, first.n + second.n, "unpaired difference", notes)
