"""The mean outcome of the items that a criterion applies to."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.choice import LEAST_FOR_JUDGE, LEAST_FOR_SCORE, LEAST_IN_CLASS, corrected
from judgekit.stats.correction import check_words, design_arrays
from judgekit.stats.difference import Fit, student_limits, wilson_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.human import design_fit
from judgekit.stats.paired import DESIGNS
from judgekit.stats.proportions import wilson
from judgekit.stats.sample import FloatArray, Sample, checked_sample, checked_scores, design_effect

METHOD = "ratio of applicable"


def applicable_mean(
    judge: ArrayLike,
    judge_applies: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    human_applies: ArrayLike,
    *,
    design: str = "random",
    target: str = "process",
    probability: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Mean human outcome among the items to which people say that the criterion applies.

    Parameters
    ----------
    judge : array_like of float, shape (N,)
        The judge's value for each item, 0..1; ignored where the judge says that the criterion does not apply.
    judge_applies : array_like of float, shape (N,)
        1 where the judge graded the criterion, 0 where it said not applicable, nan without a verdict.
    labelled : array_like of int, shape (n,)
        Positions of the labelled items.
    human : array_like of float, shape (n,)
        Outcomes, 0..1; nan = missing; ignored where the criterion does not apply.
    human_applies : array_like of float, shape (n,)
        1, 0, or nan where people could not tell (the outcome is then missing).
    design : {"random", "stratified", "probability"}
        How the labelled items were drawn.
    target, probability, stratum, group, confidence
        As in `corrected_mean`.

    Returns
    -------
    Estimate
        R = mean(YA)/mean(A); limits from the design's estimator on (Y − R)A/mean(A). For 0/1 outcomes with
        few labels of either kind, Wilson's on the applicable labels of a random sample.

    Raises
    ------
    ShapeError
        As `corrected_mean`.

    Examples
    --------
    >>> applies, outcome = [1, 1, 1, 0] * 20, [1, 1, 0, 0] * 20
    >>> applicable_mean(outcome, applies, range(40), outcome[:40], applies[:40]).method
    'ratio of applicable'
    """
    check_words(design, None, None)
    if design not in DESIGNS:
        raise ShapeError(f"design {design!r} has no ratio; use one of: {', '.join(DESIGNS)}")
    graded = checked_scores("judge_applies", judge_applies)
    applies = checked_scores("human_applies", human_applies)
    outcome = np.asarray(human, float)
    if applies.shape != outcome.shape or graded.shape != np.shape(judge):
        raise ShapeError("judge_applies and human_applies must be as long as judge and human")
    # What people could not tell is a missing outcome of an item it applies to: that bounds the ratio.
    outcome = np.where(applies == 0, 0.0, np.where(np.isnan(applies), np.nan, outcome))
    sample = checked_sample(
        np.where(graded == 0, 0.0, np.asarray(judge, float)),
        labelled,
        outcome,
        target=target,
        **design_arrays(design, probability, stratum),
        group=group,
        confidence=confidence,
    )
    everywhere = np.zeros(sample.total)
    everywhere[sample.labelled] = np.where(np.isnan(applies), 1.0, applies)
    return corrected(sample, partial(_ratio, graded=graded, applies=everywhere), exact=False)


def _ratio(sample: Sample, graded: FloatArray, applies: FloatArray) -> Estimate:
    """Ratio estimate from a sample without missing outcomes; `graded` and `applies` have shape (N,)."""
    chosen = applies[sample.labelled]
    answered = sample.rows(chosen == 1)
    if not answered.n:
        return sample.undefined("people said of no labelled item that the criterion applies", METHOD)
    if _rare(answered):
        return _alone(sample, answered)
    slope = 0.0 if sample.unseen == 0 or sample.n < LEAST_FOR_JUDGE else None
    share = design_fit(replace(sample, human=chosen), slope=0.0).value
    start = design_fit(replace(sample, human=sample.human * chosen), slope=0.0).value / share
    residual = replace(
        sample,
        human=(sample.human - start) * chosen / share,
        judge=(sample.judge - start) * graded / share,
        scale=(-1 / share, 1 / share),
    )
    # One λ for numerator and denominator together: with one for each, the variance below would be another's.
    fit = design_fit(residual, slope=slope, ridge=answered.ridge / share**2)
    fit = Fit(min(max(start + fit.value, 0.0), 1.0), fit.variance, fit.df)
    by_weight = sample.stratum is not None or sample.probability is not None
    limits = wilson_limits if answered.binary and not by_weight else student_limits
    return limits(answered, fit, METHOD)


def _rare(answered: Sample) -> bool:
    """Whether 0/1 outcomes of a random sample are too few, of either kind, to be helped by the judge."""
    if not answered.binary or answered.stratum is not None or answered.probability is not None:
        return False
    ones = float(answered.human.sum())
    return answered.n < LEAST_FOR_SCORE or min(ones, answered.n - ones) < LEAST_IN_CLASS


def _alone(sample: Sample, answered: Sample) -> Estimate:
    """Share among the applicable labels of a random sample, which are a random sample of the applicable."""
    value = float(answered.human.mean())
    unseen = 1.0 if sample.of_process else sample.unseen
    effect = design_effect(answered.human - value, answered.group)
    size = answered.n / (unseen * effect) if unseen else np.inf
    low, high = wilson(value, size, answered.critical())
    return answered.estimate(value, float(low), float(high), METHOD, "few applicable labels: labels alone")
