"""Post-stratified estimators of a share: the human rate in each cell of the judge, weighted by the batch."""

from math import sqrt

import numpy as np

from judgekit.stats.cells import Cells
from judgekit.stats.difference import Fit, student_limits, wilson_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import finite_size, mover_sum, wilson
from judgekit.stats.sample import (
    FloatArray,
    IntArray,
    Sample,
    batch_effect,
    clustered_variance,
    design_effect,
    join_notes,
)

SMALL_CELLS = "cells of the judge with fewer than 5 labels were merged"


def post_stratified(
    sample: Sample, cells: Cells, method: str = "post-stratified", batch: IntArray | None = None
) -> Estimate:
    """Mean of 0/1 outcomes from cells that each hold a random sample (E2, E3).

    Parameters
    ----------
    sample : Sample
        0/1 outcomes without missing ones.
    cells : Cells
        Merged already: each cell of the batch has a label.
    method : str
        Name for the result.
    batch : ndarray of int, shape (N,), optional
        Cell of each item of the batch, which groups of the whole batch need.

    Returns
    -------
    Estimate
        MOVER limits of the cells' Wilson limits on their effective sizes; for a process that makes items in
        groups, at least as wide as Wilson's limits on the clustered variance.

    References
    ----------
    Zou & Donner (2008), doi:10.1002/sim.3095; stratified: arXiv:2406.04291
    """
    labels, rates, apart = cell_rates(sample.human, cells.codes, cells.counts.size)
    weights = cells.counts / sample.total
    effect = design_effect((weights / labels)[cells.codes] * apart, sample.group)
    size = finite_size(labels, cells.counts) / effect
    value, low, high = mover_sum(weights, rates, *wilson(rates, size, sample.critical()))
    if sample.of_process:
        effect = design_effect(
            (weights / labels * sample.n)[cells.codes] * (sample.human - value), sample.group
        )
        low, high = widened(value, low, high, sample.critical() ** 2 * effect * share_variance(value, sample))
        if sample.batch_group is not None and batch is not None:
            predicted, residual = rates[batch] - value, (weights / labels)[cells.codes] * apart
            variance = clustered_variance(sample, predicted / sample.total, residual)
            clustered = wilson_limits(sample, Fit(value, variance, sample.n - 2), method)
            low, high = min(low, clustered.low), max(high, clustered.high)
    return sample.estimate(value, low, high, method)


def cell_rates(outcome: FloatArray, codes: IntArray, width: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Labels and mean outcome of each cell, and each outcome less the mean of its cell."""
    labels = np.maximum(np.bincount(codes, minlength=width), 1)
    rates = np.bincount(codes, weights=outcome, minlength=width) / labels
    return labels, rates, outcome - rates[codes]


def effective_counts(weight: FloatArray, codes: IntArray, width: int) -> tuple[FloatArray, FloatArray]:
    """Weights that add up, in each cell, to the number of equal labels that its own are worth.

    Returns
    -------
    tuple of ndarray
        (Σw)²/Σw² of each cell, shape (width,), at least 1; the weights, shape (n,).

    References
    ----------
    Kish (1965), Survey Sampling
    """
    total = np.bincount(codes, weights=weight, minlength=width)
    squares = np.bincount(codes, weights=weight**2, minlength=width)
    size = np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1), 1)
    return size, weight * (size / np.where(total > 0, total, 1))[codes]


def share_variance(value: float, sample: Sample) -> float:
    """Variance of the mean of N outcomes of this rate, drawn towards a half as Agresti and Coull do."""
    likely = (sample.n * value + 2) / (sample.n + 4)
    return likely * (1 - likely) / sample.total


def widened(value: float, low: float, high: float, squared: float) -> tuple[float, float]:
    """Limits with a squared half-width added to both sides."""
    return value - sqrt((value - low) ** 2 + squared), value + sqrt((high - value) ** 2 + squared)


def external_mix(
    sample: Sample,
    cells: Cells,
    outcome: FloatArray,
    *,
    binary: bool,
    merged: bool = False,
    batch: IntArray | None = None,
) -> Estimate:
    """Mean outcome of a batch from the cells of another one, as long as a verdict means what it meant.

    Parameters
    ----------
    sample : Sample
        The batch, with the other batch's labels as `human` (and their `group` and `probability`).
    cells : Cells
        Counts of this batch, codes of the other batch's labelled items; merged already.
    outcome : ndarray of float, shape (n,)
        Outcomes in the other batch, without missing ones.
    binary : bool
        Whether outcomes are 0/1: Wilson limits, else Student's.
    merged : bool
        Whether cells had to be merged, which is noted.
    batch : ndarray of int, shape (N,), optional
        Cell of each item of the batch, which its groups need.

    Returns
    -------
    Estimate
        For the batch, a cell's rate counts as drawn anew for its N_g items: m_g = 1/(1/n_g + 1/N_g). For the
        process only the cell means (m_g = n_g) and the mix of verdicts (N items, in their groups) are
        uncertain.
    """
    chance = np.ones(outcome.size) if sample.probability is None else sample.probability
    labels, weight = effective_counts(1 / chance, cells.codes, cells.counts.size)
    means = np.bincount(cells.codes, weights=weight * outcome, minlength=cells.counts.size) / labels
    apart, weights = outcome - means[cells.codes], cells.counts / sample.total
    effect = design_effect((weights / labels)[cells.codes] * weight * apart, sample.group)
    drawn = 0.0 if sample.of_process else 1 / np.maximum(cells.counts, 1)
    size = 1 / (1 / labels + drawn) / effect
    value = float(np.sum(weights * means))
    mix = float(np.sum(weights * (means - value) ** 2)) / sample.total if sample.of_process else 0.0
    note = join_notes("holds if a verdict still means what it meant", SMALL_CELLS if merged else "")
    if not binary:
        squares = np.bincount(cells.codes, weights=weight * apart**2, minlength=cells.counts.size)
        spread = (squares + sample.ridge) / (labels - 0.5)
        df = max(float(np.sum(labels - 1)), 1.0)
        if batch is not None:
            mix *= batch_effect(sample, means[batch], sample.critical(df))
        error = float(np.sum(weights**2 * spread / size)) + mix
        return student_limits(sample, Fit(value, error, df), "external mix", note)
    if batch is not None:
        mix *= batch_effect(sample, means[batch], sample.critical())
    low, high = mover_sum(weights, means, *wilson(means, size, sample.critical()))[1:]
    low, high = widened(value, low, high, sample.critical() ** 2 * mix)
    return sample.estimate(value, low, high, "external mix", note)
