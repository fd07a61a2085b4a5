"""Cells of a batch: items that the judge treated alike."""

from dataclasses import dataclass
from math import inf, nan
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from judgekit.stats.sample import FloatArray, IntArray

LEAST_LABELS = 5
PROBE = 1_000
QUANTILE_SAMPLE = 100_000
FEW_CELLS = 16


@dataclass(frozen=True, slots=True)
class Cells:
    """How many items of the batch each cell holds, and which cell each labelled item is in.

    Attributes
    ----------
    counts : ndarray of int, shape (K,)
        Items of the batch in each cell.
    codes : ndarray of int, shape (n,)
        Cell of each labelled item.
    order : ndarray of float, shape (K,)
        Place of the cell on the judge's scale; nan where it has none (no verdict, nominal level).
    block : ndarray of int, shape (K,)
        Stratum of the cell; cells are merged inside their stratum only.
    home : ndarray of int, optional
        After merging: the cell that each former one has become part of.
    """

    counts: IntArray
    codes: IntArray
    order: FloatArray
    block: IntArray
    home: IntArray | None = None

    @property
    def labels(self) -> IntArray:
        """Labelled items in each cell, shape (K,)."""
        return np.bincount(self.codes, minlength=self.counts.size)

    def merged(self, least: int = LEAST_LABELS) -> "Cells":
        """Cells of at least `least` labels: each smaller one joins its nearest, smallest first.

        A cell without a place on the scale joins the largest. What has no neighbour in its block stays
        as it is, and cells that hold nothing disappear.
        """
        labels, counts, order = self.labels.astype(float), self.counts.astype(float), self.order.copy()
        home = np.arange(counts.size)
        alive = (labels > 0) | (counts > 0)
        while True:
            neighbours = np.bincount(self.block[alive], minlength=int(self.block.max(initial=-1)) + 1)
            small = np.flatnonzero(alive & (labels < least) & (neighbours[self.block] > 1))
            if not small.size:
                break
            cell = int(small[np.lexsort((counts[small], labels[small]))[0]])
            into = _nearest(cell, np.flatnonzero(alive & (self.block == self.block[cell])), order, counts)
            if not np.isnan(order[cell]) and not np.isnan(order[into]):
                mass = counts[[cell, into]] + labels[[cell, into]]
                order[into] = np.average(order[[cell, into]], weights=mass)
            labels[into] += labels[cell]
            counts[into] += counts[cell]
            home[home == cell] = into
            alive[cell] = False
        kept = np.flatnonzero(alive)
        new = np.searchsorted(kept, home)
        return Cells(counts[kept].astype(np.intp), new[self.codes], order[kept], self.block[kept], new)


def _nearest(cell: int, among: IntArray, order: FloatArray, counts: FloatArray) -> int:
    """Nearest other cell on the scale, the larger of two; the largest where there is no scale."""
    others = among[among != cell]
    placed = others[~np.isnan(order[others])]
    if placed.size:
        others = placed
    apart = np.abs(order[others] - order[cell])
    return int(others[np.lexsort((-counts[others], np.where(np.isnan(apart), 0, apart)))[0]])


class Partition(Protocol):
    """A way to put items into cells; the last cell is that of items without a verdict."""

    @property
    def binned(self) -> bool:
        """Whether a cell is a bin of finer judge values."""

    @property
    def order(self) -> FloatArray:
        """Place of each cell but the last on the judge's scale; nan where it has none."""

    @property
    def batch(self) -> NDArray[Any]:
        """What tells the cell of each item of the batch, shape (N,)."""

    def cells(self, values: NDArray[Any]) -> Cells:
        """Cells of the batch, and those of labelled items with these values, shape (n,)."""

    def codes(self) -> NDArray[Any]:
        """Cell of each item of the batch, shape (N,), integers of any size."""


@dataclass(frozen=True, slots=True)
class CodePartition:
    """Cells that the caller numbered.

    Attributes
    ----------
    batch : ndarray of int, shape (N,)
        Cell of each item, 0 to K−1, or −1 for no verdict.
    order : ndarray of float, shape (K,)
        Place of each cell on the judge's scale; nan where it has none.
    binned : bool
        Whether a cell is a bin of finer judge values.
    """

    batch: IntArray
    order: FloatArray
    binned: bool = False

    def cells(self, values: NDArray[Any]) -> Cells:
        """Cells of the batch, and those of labelled items with these codes."""
        width = self.order.size + 1
        counts = np.bincount(self.batch + 1, minlength=width)
        inside = np.where(values < 0, width - 1, values)
        return Cells(np.roll(counts, -1), inside, np.append(self.order, nan), np.zeros(width, np.intp))

    def codes(self) -> IntArray:
        """Cell of each item of the batch."""
        return np.where(self.batch < 0, self.order.size, self.batch)


@dataclass(frozen=True, slots=True)
class CutPartition:
    """Cells between cut points on the judge's scale.

    Attributes
    ----------
    batch : ndarray of float, shape (N,)
        Judge values; nan = no verdict.
    cuts : ndarray of float, shape (K-1,)
        Ascending; a value is in the cell of the number of cuts that it reaches.
    order : ndarray of float, shape (K,)
        Place of each cell on the scale.
    binned : bool
        Whether a cell is a bin of finer judge values.
    """

    batch: FloatArray
    cuts: FloatArray
    order: FloatArray
    binned: bool = False

    def cells(self, values: NDArray[Any]) -> Cells:
        """Cells of the batch, and those of labelled items with these judge values."""
        failed = int(np.count_nonzero(np.isnan(self.batch)))
        reached = [int(np.count_nonzero(self.batch >= cut)) for cut in self.cuts]
        counts = np.append(-np.diff([self.batch.size - failed, *reached, 0]), failed)
        blocks = np.zeros(counts.size, np.intp)
        return Cells(
            counts.astype(np.intp), self._codes(values).astype(np.intp), np.append(self.order, nan), blocks
        )

    def codes(self) -> NDArray[Any]:
        """Cell of each item of the batch."""
        return self._codes(self.batch)

    def _codes(self, values: NDArray[Any]) -> NDArray[np.int8]:
        inside = np.zeros(values.shape, np.int8)
        for cut in self.cuts:  # a dozen at most: comparing is far quicker than a search for each value
            inside += (values >= cut).view(np.int8)
        inside[np.isnan(values)] = self.order.size
        return inside


def judge_partition(judge: FloatArray, probe: FloatArray, *, at_most: int, bins: int) -> CutPartition:
    """Cells by judge level, or quantile bins of the judge's values if it has more than `at_most` levels.

    Parameters
    ----------
    judge : ndarray of float, shape (N,)
        Judge values of the batch; nan = no verdict.
    probe : ndarray of float, shape (n,)
        Judge values of the labelled items; their levels count too if they are those of another batch.
    at_most, bins : int
        Levels that are taken as they are, and bins otherwise.
    """
    levels = judge_levels(judge, probe, at_most)
    if levels is None:
        return CutPartition(judge, quantile_cuts(judge, bins), np.arange(bins, dtype=float), True)
    return CutPartition(judge, levels[1:], levels if levels.size else np.zeros(1))


def judge_levels(judge: FloatArray, probe: FloatArray, at_most: int) -> FloatArray | None:
    """Distinct judge values, ascending and without nan; None if there are more than `at_most`.

    A million values are not sorted: the levels found in a first probe are counted, one pass each, and only
    what they leave over is looked at again.
    """
    first = np.concatenate((judge[:PROBE], probe))
    levels = np.unique(first[~np.isnan(first)])
    if levels.size > at_most:
        return None
    known = np.count_nonzero(np.isnan(judge)) + sum(int(np.count_nonzero(judge == v)) for v in levels)
    if known < judge.size:
        rest = judge[~np.isnan(judge) & ~np.isin(judge, levels)]
        levels = np.union1d(levels, rest)
    return levels if levels.size <= at_most else None


def quantile_cuts(judge: FloatArray, bins: int) -> FloatArray:
    """Cut points of bins of about equal size: an item belongs to the bin of the cuts that it reaches.

    Values that are tied across a cut go to the side of their middle rank, so that turning the scale round
    turns the bins round. Beyond 100,000 verdicts the cuts come from an evenly spread selection of them.
    """
    known = judge[:: max(1, judge.size // QUANTILE_SAMPLE)]
    known = known[~np.isnan(known)]
    if not known.size:
        return np.empty(0)
    parts = np.arange(1, bins)
    ranks = parts * known.size // bins
    at = np.partition(known, ranks)[ranks]
    middle = [np.count_nonzero(known < v) + np.count_nonzero(known <= v) for v in at]
    beyond = np.array(middle) * bins - 2 * known.size * parts
    upwards = np.where(2 * parts <= bins, beyond >= 0, beyond > 0)
    return np.where(upwards, at, np.nextafter(at, inf))


def within_strata(partition: Partition, stratum: IntArray, labelled: IntArray) -> Cells:
    """Each cell of a partition divided by stratum.

    Parameters
    ----------
    partition : Partition
        Cells of the whole batch, K of them.
    stratum : ndarray of int, shape (N,)
        Stratum of each item, 0 to H−1.
    labelled : ndarray of int, shape (n,)
        Positions of the labelled items.
    """
    inside, order = partition.codes(), np.append(partition.order, nan)
    width, strata = order.size, int(stratum.max(initial=-1)) + 1
    small = np.int16 if strata * width < 2**15 else np.intp
    both = stratum.astype(small) * np.array(width, small) + inside
    if strata * width <= FEW_CELLS:  # a pass over small integers for each beats counting all at once
        counts = np.array([np.count_nonzero(both == cell) for cell in range(strata * width)])
    else:
        counts = np.bincount(both, minlength=strata * width)
    codes = both[labelled].astype(np.intp)
    return Cells(counts, codes, np.tile(order, strata), np.repeat(np.arange(strata), width))
