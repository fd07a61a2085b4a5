"""The mean human outcome from the labels alone, as the judge's help is measured against it."""

import numpy as np

from judgekit.stats.cells import Cells
from judgekit.stats.difference import Fit, difference_fit, student_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.poststratified import post_stratified
from judgekit.stats.proportions import finite_size, wilson
from judgekit.stats.sample import Sample, design_effect
from judgekit.stats.weighted import stratified_fit, weighted_fit

METHOD = "human-only"


def human_only(sample: Sample, *notes: str) -> Estimate:
    """Mean outcome from the labels alone, by the design they were drawn with.

    Parameters
    ----------
    sample : Sample
        Without missing outcomes; stratified if it has strata, with known probabilities if it has those, else
        a simple random sample.
    *notes : str
        Why the judge was left out.

    Returns
    -------
    Estimate
        Wilson limits for 0/1 outcomes of a random sample, on the effective size where the batch is asked
        about; MOVER of them over strata; Student's otherwise.
    """
    if sample.binary and sample.probability is None:
        found = (
            _share(sample)
            if sample.stratum is None
            else post_stratified(sample, stratum_cells(sample), METHOD, sample.stratum)
        )
        return sample.estimate(found.value, found.low, found.high, METHOD, *notes)
    few = "fewer than 3 labels: no interval" if sample.n < 3 else ""
    return student_limits(sample, design_fit(sample, slope=0.0), METHOD, *notes, few)


def design_fit(sample: Sample, *, slope: float | None = None, ridge: float | None = None) -> Fit:
    """Difference estimate by the design of the sample; `slope` and `ridge` as in `difference_fit`."""
    if sample.stratum is not None:
        strata = stratum_cells(sample)
        return stratified_fit(
            sample, strata.counts, strata.codes, batch=sample.stratum, slope=slope, ridge=ridge
        )
    if sample.probability is not None:
        return weighted_fit(sample, slope=slope, ridge=ridge)
    return difference_fit(sample, slope=slope, ridge=ridge)


def stratum_cells(sample: Sample) -> Cells:
    """Take the strata themselves as cells, whatever the judge said."""
    assert sample.stratum is not None
    counts = np.bincount(sample.stratum)
    return Cells(counts, sample.stratum[sample.labelled], np.zeros(counts.size), np.arange(counts.size))


def _share(sample: Sample) -> Estimate:
    value = float(sample.human.mean())
    size = float(sample.n if sample.of_process else finite_size(sample.n, sample.total))
    size /= design_effect(sample.human - value, sample.group)
    low, high = wilson(value, size, sample.critical())
    return sample.estimate(value, float(low), float(high), METHOD)
