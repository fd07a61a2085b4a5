"""A batch without labels of its own, corrected by the labels of another one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError
from judgekit.stats.cells import Partition, judge_partition
from judgekit.stats.estimate import Estimate
from judgekit.stats.inversion import confusion_inversion, rogan_gladen
from judgekit.stats.missing import bounded
from judgekit.stats.poststratified import effective_counts, external_mix
from judgekit.stats.sample import (
    FloatArray,
    Sample,
    checked_probability,
    checked_scores,
    codes_of,
    is_binary,
)

UNSTATED = (
    "labels of another batch: state shift='mix' (a verdict still means what it meant) or "
    "shift='prevalence' (the judge still errs at the same rates), or label some of these items"
)
MOST_LEVELS = 10
BINS = 5

Transfer = Callable[[Sample, NDArray[Any]], Estimate]


def transferred(
    batch: Sample,
    external: tuple[ArrayLike, ArrayLike] | None,
    group: ArrayLike | None,
    rule: Transfer | None,
    check: Callable[[str, ArrayLike], NDArray[Any]],
    *,
    assumed: bool,
    probability: ArrayLike | None = None,
    batch_group: ArrayLike | None = None,
) -> Estimate:
    """Estimate for a batch without labels, from (judge, human) of another one.

    Parameters
    ----------
    batch : Sample
        Without labelled items.
    external : tuple of array_like, shapes (m,) and (m,)
        What the judge said, in the terms of the rule, and human outcomes; nan = missing.
    group : array_like, shape (m,), optional
        Groups among the labelled items.
    rule : callable or None
        From a sample with the other batch's outcomes, and what the judge said, to an estimate; None where
        nobody stated what stayed the same, so that there is no estimate.
    check : callable
        Turns what the judge said into an array, or raises.
    assumed : bool
        Whether outcomes are stated to be missing at random within judge level.
    probability : array_like of float, shape (m,), optional
        With which each labelled item was drawn from the other batch.
    batch_group : array_like, shape (N,), optional
        Groups among the items of the batch; they count for the process.

    Raises
    ------
    ShapeError
        If the batch has labels of its own, or `external` is missing or has the wrong shape.
    """
    if batch.n:
        raise ShapeError("design 'external' takes its labels from external; leave labelled and human empty")
    if external is None:
        raise ShapeError("design 'external' needs external=(judge, human) of the other batch")
    said, outcome = check("external[0]", external[0]), checked_scores("external[1]", external[1])
    if said.shape != outcome.shape:
        raise ShapeError(f"external has {said.size} judge values for {outcome.size} outcomes")
    if batch_group is not None:
        batch = replace(batch, batch_group=codes_of("batch_group", batch_group, batch.total))
    codes = None if group is None else codes_of("group", group, outcome.size)
    chance = None if probability is None else checked_probability(probability, outcome.size)
    if rule is None:
        return replace(batch, human=outcome).undefined(UNSTATED, "")

    def run(known: FloatArray) -> Estimate:
        keep = ~np.isnan(known)
        kept = replace(batch, human=known[keep], group=None if codes is None else codes[keep])
        kept = kept if chance is None else replace(kept, probability=chance[keep])
        return _guarded(kept, rule, said[keep])

    return bounded(outcome, run, assumed=assumed)


def _guarded(sample: Sample, rule: Transfer, said: NDArray[Any]) -> Estimate:
    if not sample.n or not sample.total:
        return sample.undefined("no labelled items" if not sample.n else "no items in the batch", "")
    return sample.by_groups(lambda: rule(sample, said))


def mix_in_cells(sample: Sample, values: NDArray[Any], partition: Partition) -> Estimate:
    """Correct by the human means of the other batch's cells (`external_mix`).

    Parameters
    ----------
    sample : Sample
        The batch, with the other batch's outcomes as `human`, none missing.
    values : ndarray, shape (n,)
        What tells the cells of the other batch's labelled items.
    partition : Partition
        Cells of the batch.
    """
    cells = partition.cells(values)
    merged = cells.merged()
    lost = merged.counts.size < int(np.count_nonzero(cells.counts + cells.labels))
    home = None
    if sample.batch_group is not None and merged.home is not None:
        home = merged.home[partition.codes()]
    return external_mix(sample, merged, sample.human, binary=sample.binary, merged=lost, batch=home)


def inversion_in_cells(
    sample: Sample, values: NDArray[Any], partition: Partition, *, levels: FloatArray | None = None
) -> Estimate:
    """Correct by the judge's confusion in the other batch (`confusion_inversion`).

    Parameters
    ----------
    sample, values, partition
        As in `mix_in_cells`.
    levels : ndarray of float, optional
        Outcomes that are possible besides those in the sample; 0 and 1 always are where it has no other.
    """
    known = np.array([0.0, 1.0]) if sample.binary else sample.human
    outcomes = np.unique(known if levels is None or sample.binary else np.concatenate((known, levels)))
    if outcomes.size > MOST_LEVELS:
        why = f"{outcomes.size} different outcomes: error rates are known for at most {MOST_LEVELS} levels"
        return sample.undefined(why, "confusion inversion")
    cells = partition.cells(values)
    levels_of = np.searchsorted(outcomes, sample.human)
    chance = np.ones(sample.n) if sample.probability is None else sample.probability
    table = np.zeros((cells.counts.size, outcomes.size))
    np.add.at(table, (cells.codes, levels_of), effective_counts(1 / chance, levels_of, outcomes.size)[1])
    used = (cells.counts + cells.labels > 0)[:-1]
    place = None
    if sample.batch_group is not None:
        place = np.append(np.where(used, np.cumsum(used) - 1, -1), -1)[partition.codes()]
    return confusion_inversion(sample, cells.counts[:-1][used], table[:-1][used], outcomes, place)


def mix_by_judge(sample: Sample, values: FloatArray) -> Estimate:
    """`mix_in_cells` with the judge's levels, or five bins of its scores, as cells."""
    partition = judge_partition(sample.judge, values, at_most=MOST_LEVELS, bins=BINS)
    return mix_in_cells(sample, values, partition)


def inversion_by_judge(sample: Sample, values: FloatArray) -> Estimate:
    """Rogan and Gladen's correction for 0/1 outcomes and verdicts, `inversion_in_cells` otherwise."""
    if sample.binary and is_binary(sample.judge) and is_binary(values):
        return rogan_gladen(sample, values, sample.human)
    partition = judge_partition(sample.judge, values, at_most=MOST_LEVELS, bins=BINS)
    levels = None if partition.binned else partition.order
    return inversion_in_cells(sample, values, partition, levels=levels)


def rogan_gladen_by_judge(sample: Sample, values: FloatArray) -> Estimate:
    """Rogan and Gladen's correction; ShapeError unless outcomes and verdicts are 0 or 1."""
    if not (sample.binary and is_binary(sample.judge) and is_binary(values)):
        raise ShapeError("method 'rogan-gladen' is for outcomes and verdicts of 0 and 1")
    return rogan_gladen(sample, values, sample.human)
