"""Which estimator a labelled sample gets, and what all of them have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from judgekit.stats.cells import Cells, Partition, judge_partition, within_strata
from judgekit.stats.difference import difference, difference_wilson, student_limits
from judgekit.stats.estimate import Estimate
from judgekit.stats.human import design_fit, human_only
from judgekit.stats.missing import bounded
from judgekit.stats.poststratified import SMALL_CELLS, post_stratified
from judgekit.stats.sample import BoolArray, FloatArray, IntArray, Sample, join_notes
from judgekit.stats.weighted import stratified_fit, weights_remark

LEAST_FOR_JUDGE = 15
LEAST_FOR_SCORE = 30
LEAST_IN_CLASS = 10
COARSE_LEVELS = 3
MOST_LEVELS = 10
NO_GAIN = "the judge would not narrow the interval: labels alone"

Estimator = Callable[[Sample], Estimate]


@dataclass(frozen=True, slots=True)
class Choice:
    """The choice rule for labels from the batch itself.

    Attributes
    ----------
    partition : Partition or None
        Cells that the caller gave; by default those of the judge's values.
    at_random : bool
        Whether outcomes are missing at random within judge level, so that each level stands for itself.
    """

    partition: Partition | None = None
    at_random: bool = False

    def __call__(self, sample: Sample) -> Estimate:
        """Estimate by the rule for the sample's design, outcomes and judge."""
        by_cell = self.partition is not None or self.at_random
        if sample.probability is not None:
            fit = design_fit(sample)
            return student_limits(sample, fit, "hajek difference", weights_remark(sample))
        if sample.stratum is not None:
            if sample.binary or by_cell:
                return self.in_cells(sample)
            return student_limits(sample, design_fit(sample), "stratified difference")
        if sample.n < LEAST_FOR_JUDGE:
            return human_only(sample, f"fewer than {LEAST_FOR_JUDGE} labels: labels alone")
        if by_cell or (sample.binary and not self._fine(sample)):
            return self.in_cells(sample, or_alone=not self.at_random)
        return difference_wilson(sample) if sample.binary else difference(sample)

    def in_cells(self, sample: Sample, *, or_alone: bool = False) -> Estimate:
        """Post-stratify by judge level, inside the strata where there are any.

        With `or_alone`, labels alone are taken where they give the shorter interval.
        """
        partition = self._partition(sample)
        if sample.stratum is None:
            cells = partition.cells(partition.batch[sample.labelled])
        else:
            cells = within_strata(partition, sample.stratum, sample.labelled)
        merged = cells.merged()
        if merged.counts.size == 1:
            return human_only(sample, _why_one_cell(cells.counts))
        if or_alone and sample.binary and _no_gain(sample, merged):
            return human_only(sample, NO_GAIN)
        lost = merged.counts.size < np.count_nonzero(cells.counts)
        note = SMALL_CELLS if lost else ""
        method = "post-stratified" if sample.stratum is None else "stratified"
        batch = _batch_cells(sample, partition, merged)
        if sample.binary:
            found = post_stratified(sample, merged, method, batch)
        else:
            fit = stratified_fit(sample, merged.counts, merged.codes, batch=batch)
            found = student_limits(sample, fit, method)
        return replace(found, note=join_notes(found.note, note))

    def _fine(self, sample: Sample) -> bool:
        """Whether the judge gives scores, and labels suffice to use them as they are rather than in bins."""
        ones = float(sample.human.sum())
        balanced = min(ones, sample.n - ones) >= LEAST_IN_CLASS
        enough = sample.n >= LEAST_FOR_SCORE and balanced and sample.n <= sample.total / 2
        return enough and self._partition(sample).binned

    def _partition(self, sample: Sample) -> Partition:
        if self.partition is not None:
            return self.partition
        most = COARSE_LEVELS if sample.binary else MOST_LEVELS
        probe = sample.judge[sample.labelled]
        return judge_partition(sample.judge, probe, at_most=most, bins=COARSE_LEVELS)


def _batch_cells(sample: Sample, partition: Partition, merged: Cells) -> IntArray | None:
    """Give the merged cell of each item of the batch, shape (N,), where its groups are known and count."""
    if sample.batch_group is None or not sample.of_process or merged.home is None:
        return None
    inside = partition.codes()
    if sample.stratum is not None:  # numbered as `within_strata` does
        inside = sample.stratum * (partition.order.size + 1) + inside
    return np.asarray(merged.home[inside])


def _no_gain(sample: Sample, merged: Cells) -> bool:
    """Whether labels alone give the batch a shorter 95 % interval than the cells do.

    Where outcomes are rare, cells of equal labels add up to more width than the whole: at a prevalence of
    .02 and 50 labels, a judge of TPR .8 and TNR .7 made intervals 1.18 times as wide, that covered .934.
    Groups are left to the cells, because labels alone do not see what groups of the batch add.
    """
    if sample.group is not None:
        return False
    batch = replace(sample, target="batch", confidence=0.95)  # one value, whatever is asked about it
    cells, alone = post_stratified(batch, merged), human_only(batch)
    return cells.high - cells.low > alone.high - alone.low


def _why_one_cell(counts: IntArray) -> str:
    if np.count_nonzero(counts) == 1:
        return "the judge is constant: labels alone"
    return "too few labels at the judge's other levels: labels alone"


def corrected(sample: Sample, estimator: Estimator, *, assumed: bool = False, exact: bool = True) -> Estimate:
    """Run an estimator on a sample from the batch, of which some outcomes may be missing.

    Parameters
    ----------
    sample : Sample
        `human` may hold nan.
    estimator : callable
        From a sample without missing outcomes to an estimate.
    assumed : bool
        Whether the caller states that outcomes are missing at random within judge level.
    exact : bool
        Whether the mean of all outcomes answers the question where every item of the batch is labelled.
    """

    def run(outcome: FloatArray) -> Estimate:
        keep = ~np.isnan(outcome)
        known = replace(sample, human=outcome).rows(keep)
        if assumed and known.probability is not None:
            known = replace(known, probability=known.probability * _answered(sample, keep)[keep])
        return guarded(known, estimator, exact=exact)

    return bounded(sample.human, run, assumed=assumed, scale=sample.scale)


def _answered(sample: Sample, keep: BoolArray) -> FloatArray:
    """Find what share of the drawn items, by weight, has an outcome at the judge level of each."""
    assert sample.probability is not None
    values = sample.judge[sample.labelled]
    codes = judge_partition(sample.judge, values, at_most=MOST_LEVELS, bins=COARSE_LEVELS).cells(values).codes
    weight = 1 / sample.probability
    shares = np.bincount(codes, weights=weight * keep) / np.maximum(np.bincount(codes, weights=weight), 1)
    return np.asarray(shares[codes])


def guarded(sample: Sample, estimator: Estimator, *, exact: bool = True) -> Estimate:
    """Run an estimator where there is something to estimate: labels, groups enough, items left unlabelled."""
    if not sample.n:
        return sample.undefined("no labelled items", "")
    if exact and sample.labelled.size == sample.total:
        return _full_count(sample)
    if sample.stratum is not None and _unanswered(sample):
        return sample.undefined("a stratum has no outcome", "")
    return sample.by_groups(lambda: estimator(sample))


def _full_count(sample: Sample) -> Estimate:
    """Every item has an outcome: exact for the batch; a random sample of the process by any design."""
    note = "every item of the batch is labelled"
    if sample.of_process:
        return human_only(replace(sample, stratum=None, probability=None), note)
    value = float(sample.human.mean())
    return sample.estimate(value, value, value, "human-only", note)


def _unanswered(sample: Sample) -> bool:
    assert sample.stratum is not None
    labels = np.bincount(sample.stratum[sample.labelled], minlength=int(sample.stratum.max()) + 1)
    return bool((labels == 0).any())
