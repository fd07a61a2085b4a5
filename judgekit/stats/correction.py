"""The mean human outcome of a batch, from a judge's values for all items and human outcomes for some."""

from functools import partial
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.choice import Choice, Estimator, corrected
from judgekit.stats.difference import difference, difference_wilson
from judgekit.stats.estimate import Estimate
from judgekit.stats.human import human_only
from judgekit.stats.missing import MISSING_AT_RANDOM
from judgekit.stats.prediction_powered import ppi_mean
from judgekit.stats.sample import Sample, checked_sample, checked_scores, is_binary
from judgekit.stats.transfer import (
    Transfer,
    inversion_by_judge,
    mix_by_judge,
    rogan_gladen_by_judge,
    transferred,
)

DESIGNS = ("random", "stratified", "probability", "external", "unknown")
UNKNOWN = "unknown design: label a random draw of the items"
SHIFTS = ("mix", "prevalence")
BY_SHIFT: dict[str | None, Transfer] = {"mix": mix_by_judge, "prevalence": inversion_by_judge}
TRANSFERS: dict[str, Transfer] = {
    "post-stratified": mix_by_judge,
    "rogan-gladen": rogan_gladen_by_judge,
    "confusion-inversion": inversion_by_judge,
}


def corrected_mean(
    judge: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    *,
    design: str = "random",
    target: str = "process",
    method: str | None = None,
    probability: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    external: tuple[ArrayLike, ArrayLike] | None = None,
    shift: str | None = None,
    group: ArrayLike | None = None,
    batch_group: ArrayLike | None = None,
    assume: str | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Mean human outcome, estimated from a judge's values for a batch and labels of some items.

    Parameters
    ----------
    judge : array_like of float, shape (N,)
        The judge's value for each item of the batch, 0..1; nan = no verdict.
    labelled : array_like of int, shape (n,)
        Distinct positions in `judge` of the items that people labelled; empty for `design="external"`.
    human : array_like of float, shape (n,)
        Their outcomes, 0..1; nan = missing.
    design : {"random", "stratified", "probability", "external", "unknown"}
        How the labelled items were drawn.
    target : {"process", "batch"}
        The mean of the system that made the items, or of these items.
    method : str, optional
        An estimator by name instead of the one that simulation chose: "human-only" (all but external),
        "difference", "difference-wilson", "ppi", "ppi++" (random), "post-stratified", "rogan-gladen",
        "confusion-inversion" (random, external).
    probability : array_like of float, shape (n,), optional
        With which each labelled item was drawn, (0, 1]; for `design="probability"`, and for external labels
        (shape (m,)) that were not drawn alike.
    stratum : array_like, shape (N,), optional
        Of each item of the batch; for `design="stratified"`.
    external : tuple of array_like of float, shapes (m,) and (m,), optional
        Judge values and human outcomes of another batch; for `design="external"`.
    shift : {"mix", "prevalence"}, optional
        What stayed the same since that batch: what a verdict means, or the rates at which the judge errs.
    group : array_like, shape (n,) or for `design="external"` (m,), optional
        Of each labelled item: where labels were drawn by group, for the process wherever items depend.
    batch_group : array_like, shape (N,), optional
        Of each item of the batch, for `design="external"`, as `group` is that of the external labels; counts
        for the process. For labels of the batch itself give `group` with shape (N,).
    assume : {"missing at random within judge level"}, optional
        What may be assumed about missing outcomes.
    confidence : float
        Two-sided, 0..1.

    Returns
    -------
    Estimate
        Value and limits within 0..1; nan with the reason in `note` where there is none.

    Raises
    ------
    ShapeError
        For scores, positions, probabilities or words that there are not, and a stratum without label.

    References
    ----------
    arXiv:2311.01453, 2406.04291, 2403.03208, 2511.21140; doi:10.1016/j.prevetmed.2013.09.015

    Examples
    --------
    >>> corrected_mean([1, 1, 0, 1, 0, 1, 1, 0, 1, 1] * 20, range(40), [1, 1, 0, 1, 0, 1, 1, 1, 1, 0] * 4)
    Estimate(0.7, 95% [0.564, 0.814], n=40, method='post-stratified')
    """
    check_words(design, shift, assume)
    check_batch_group(design, batch_group)
    assumed = assume is not None
    if design == "unknown":
        return Estimate.undefined(UNKNOWN, n=np.size(human), confidence=confidence)
    if design == "external":
        rule = _transfer_rule(method, shift)
        batch = checked_sample(judge, labelled, human, target=target, confidence=confidence)
        more: dict[str, Any] = {"probability": probability, "batch_group": batch_group}
        return transferred(batch, external, group, rule, checked_scores, assumed=assumed, **more)
    arrays = design_arrays(design, probability, stratum)
    sample = checked_sample(
        judge, labelled, human, target=target, group=group, confidence=confidence, **arrays
    )
    estimator = Choice(at_random=assumed) if method is None else _named(method, sample, design)
    return corrected(sample, estimator, assumed=assumed)


def check_words(design: str, shift: str | None, assume: str | None) -> None:
    """Raise ShapeError for a design, shift or assumption that there is not."""
    if design not in DESIGNS:
        raise ShapeError(f"design {design!r} is not one of: {', '.join(DESIGNS)}")
    if shift is not None and shift not in SHIFTS:
        raise ShapeError(f"shift {shift!r} is not one of: {', '.join(SHIFTS)}")
    if assume not in (None, MISSING_AT_RANDOM):
        raise ShapeError(f"assume {assume!r} is not {MISSING_AT_RANDOM!r}")


def check_batch_group(design: str, batch_group: ArrayLike | None) -> None:
    """Raise ShapeError where groups of the batch are given apart though its own items are labelled."""
    if batch_group is not None and design != "external":
        raise ShapeError(f"design {design!r} takes the groups of the batch as group, one for each item")


class DesignArrays(TypedDict):
    """What a design needs to know of each item."""

    probability: ArrayLike | None
    stratum: ArrayLike | None


def design_arrays(design: str, probability: ArrayLike | None, stratum: ArrayLike | None) -> DesignArrays:
    """Return the arrays of a design by name; ShapeError where one is missing or belongs to another design."""
    given = {"probability": (probability, "probability"), "stratum": (stratum, "stratified")}
    for name, (values, owner) in given.items():
        if (values is not None) != (design == owner):
            problem = "needs" if values is None else "is not the design for"
            raise ShapeError(f"design {design!r} {problem} {name}")
    return {"probability": probability, "stratum": stratum}


def _names(table: dict[str, Transfer] | dict[str, Estimator]) -> str:
    return ", ".join(sorted(table))


def _transfer_rule(method: str | None, shift: str | None) -> Transfer | None:
    """Rule for labels of another batch; None where neither method nor shift is stated."""
    if method is None:
        return BY_SHIFT.get(shift)
    if method not in TRANSFERS:
        raise ShapeError(f"method {method!r} cannot use external labels; use one of: {_names(TRANSFERS)}")
    return TRANSFERS[method]


def _named(method: str, sample: Sample, design: str) -> Estimator:
    """Estimator of that name, for labels from the batch itself."""
    if method not in ESTIMATORS:
        raise ShapeError(f"method {method!r} is not one of: {_names(ESTIMATORS)}")
    if method != "human-only" and design != "random":
        raise ShapeError(f"method {method!r} is for design 'random', not {design!r}")
    if method in FOR_SHARES and not is_binary(sample.human):
        raise ShapeError(f"method {method!r} is for outcomes of 0 and 1")
    return ESTIMATORS[method]


def _prediction_powered(sample: Sample, lam: float | None = None) -> Estimate:
    """PPI on the items with a verdict: labelled ones apart from the rest."""
    values = sample.judge[sample.labelled]
    known = ~np.isnan(values)
    rest = np.delete(sample.judge, sample.labelled)
    found = ppi_mean(
        sample.human[known], values[known], rest[~np.isnan(rest)], lam=lam, confidence=sample.confidence
    )
    if not found.defined:
        return found
    note = "" if known.all() else f"{int(np.sum(~known))} labelled items without a verdict left out"
    return sample.estimate(found.value, found.low, found.high, found.method, found.note, note)


def _inverted(sample: Sample, rule: Transfer) -> Estimate:
    """Correct by error rates, the labelled items taken for those of another batch."""
    return rule(sample, sample.judge[sample.labelled])


FOR_SHARES = ("difference-wilson", "post-stratified", "rogan-gladen")
ESTIMATORS: dict[str, Estimator] = {
    "human-only": human_only,
    "difference": difference,
    "difference-wilson": difference_wilson,
    "post-stratified": Choice().in_cells,
    "ppi": partial(_prediction_powered, lam=1.0),
    "ppi++": _prediction_powered,
    "rogan-gladen": partial(_inverted, rule=rogan_gladen_by_judge),
    "confusion-inversion": partial(_inverted, rule=inversion_by_judge),
}
