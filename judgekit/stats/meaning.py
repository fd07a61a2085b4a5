"""Whether a verdict still means what it meant: people's outcomes at each, then and now."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import comb, isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.drift import LEAST_DRAWS, LEVEL, PER_LEVEL, share_beyond
from judgekit.stats.multiplicity import adjusted_p
from judgekit.stats.proportions import normal_quantile
from judgekit.stats.sample import FloatArray, IntArray, is_binary

POWER = 0.8


@dataclass(frozen=True, slots=True)
class CellChange:
    """What one verdict meant and means.

    Attributes
    ----------
    name : str
    n_old, n_new : int
        Labels.
    old, new : float
        Mean outcome; nan without labels.
    p : float
        Nan where these labels could refute nothing.
    p_adjusted : float
        By Holm over the cells that were tested.
    found_below, found_above : float
        True means, below and above `old`, from which on a change would be found four times in five; nan where
        none would.
    """

    name: str
    n_old: int
    n_new: int
    old: float
    new: float
    p: float = nan
    p_adjusted: float = nan
    found_below: float = nan
    found_above: float = nan


@dataclass(frozen=True, slots=True)
class MeaningDrift:
    """Whether a verdict still means what it meant.

    Attributes
    ----------
    state : {"refuted", "not refuted", "untested"}
        Never confirmed: labels can only fail to show a change.
    cells : tuple of CellChange
    method : str
    sentence : str
        The finding; where nothing was found, what would have been.
    """

    state: str
    cells: tuple[CellChange, ...]
    method: str
    sentence: str

    @property
    def refuted(self) -> bool:
        """Whether a verdict means something else now."""
        return self.state == "refuted"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        cells = [
            {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(cell).items()}
            for cell in self.cells
        ]
        return {"state": self.state, "sentence": self.sentence, "method": self.method, "cells": cells}


def meaning_drift(
    old_cells: ArrayLike,
    old_outcomes: ArrayLike,
    new_cells: ArrayLike,
    new_outcomes: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    alpha: float = LEVEL,
    seed: int = 0,
) -> MeaningDrift:
    """Test, for each verdict, whether people's outcomes are distributed as they were.

    Parameters
    ----------
    old_cells, new_cells : array_like of int, shapes (m,) and (n,)
        What the judge said of each labelled item, as a code; -1 is left out.
    old_outcomes, new_outcomes : array_like of float, shapes (m,) and (n,)
        Human outcomes; nan is left out. 0/1 outcomes get Fisher's exact test, others a permutation test of
        the mean, which is exact too whatever their distribution: that it stayed the same is the hypothesis.
    names : sequence of str, optional
        Names of the codes, for the sentence.
    alpha : float
        Level of the test; where several criteria are tested at once, .05 over their number.
    seed : int
        Of the permutations.

    Returns
    -------
    MeaningDrift
        Refuted if any cell's p-value, adjusted by Holm, is at most `alpha`. A cell whose labels could not
        reach .05 whatever they say is not counted as a test (Tarone).

    Raises
    ------
    ShapeError
        If cells and outcomes differ in length.

    References
    ----------
    Fisher (1935), doi:10.2307/2342435; Tarone (1990), doi:10.2307/2531456
    """
    old, new = _pairs("old", old_cells, old_outcomes), _pairs("new", new_cells, new_outcomes)
    binary = is_binary(np.concatenate((old[1], new[1])))
    codes = np.union1d(old[0], new[0])
    parts = [(int(code), old[1][old[0] == code], new[1][new[0] == code]) for code in codes]
    likely = len(parts) * PER_LEVEL / alpha
    p = [
        _fisher(before, now) if binary else _mean_permutation(before, now, int(likely), seed)
        for _, before, now in parts
    ]
    adjusted = adjusted_p(p)
    tested = int(np.count_nonzero(~np.isnan(p)))
    cells = []
    for (code, before, now), own, holm in zip(parts, p, adjusted, strict=True):
        below, above = nan, nan
        if tested and before.size and now.size:
            below, above = (_binary_reach if binary else _mean_reach)(before, now, alpha / tested)
        name = names[code] if names is not None else str(code)
        then, means = (float(v.mean()) if v.size else nan for v in (before, now))
        cells.append(CellChange(name, before.size, now.size, then, means, own, float(holm), below, above))
    return _concluded(tuple(cells), binary, alpha)


def _pairs(name: str, cells: ArrayLike, outcomes: ArrayLike) -> tuple[IntArray, FloatArray]:
    codes, values = np.asarray(cells), np.asarray(outcomes, float)
    if codes.ndim != 1 or codes.shape != values.shape:
        raise ShapeError(f"{name} has {codes.size} cells for {values.size} outcomes; give one each")
    if codes.size and codes.dtype.kind not in "iu":
        raise ShapeError(f"{name}_cells must be integer codes, got {codes.dtype}")
    known = (codes >= 0) & ~np.isnan(values)
    return codes[known].astype(np.intp), values[known]


def _fisher(old: FloatArray, new: FloatArray) -> float:
    """Fisher's two-sided p-value of two sets of 0/1 outcomes; nan where none could be .05."""
    if not old.size or not new.size:
        return nan
    total = int(old.sum() + new.sum())
    x, share = _hypergeometric(old.size, new.size, total)
    found = _two_sided(share)
    return float(found[x == int(new.sum())][0]) if found.min() <= LEVEL else nan


def _hypergeometric(m: int, n: int, total: int) -> tuple[IntArray, FloatArray]:
    """Ones among n new outcomes and their probabilities, of `total` ones among m + n."""
    from scipy.special import gammaln

    def log_choose(size: int, k: IntArray) -> FloatArray:
        return np.asarray(gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1))

    x = np.arange(max(0, total - m), min(n, total) + 1)
    share = np.exp(log_choose(n, x) + log_choose(m, total - x) - log_choose(m + n, np.array(total)))
    return x, share / share.sum()


def _two_sided(share: FloatArray) -> FloatArray:
    """Probability of all that is no likelier than each outcome; rounding must not part equal ones."""
    return np.asarray([min(share[share <= own * (1 + 1e-7)].sum(), 1.0) for own in share])


def _binary_reach(old: FloatArray, new: FloatArray, alpha: float) -> tuple[float, float]:
    """Find the rates nearest to the old one, on either side, that n new labels would tell from it."""
    from scipy.special import bdtr

    m, n, ones = old.size, new.size, int(old.sum())
    rejected = np.zeros(n + 1, bool)
    for count in range(n + 1):
        x, share = _hypergeometric(m, n, ones + count)
        rejected[count] = _two_sided(share)[x == count][0] <= alpha
    rates = np.arange(101) / 100
    below = np.vstack([np.zeros(101), bdtr(np.arange(n + 1.0)[:, None], n, rates)])
    power = rejected @ np.diff(below, axis=0)
    return _nearest(rates, power, float(old.mean()))


def _nearest(rates: FloatArray, power: FloatArray, old: float) -> tuple[float, float]:
    """Give the highest rate below, and the lowest above, from which on the power suffices."""
    low = rates[(rates < old) & (power >= POWER)]
    high = rates[(rates > old) & (power >= POWER)]
    return (float(low.max()) if low.size else nan), (float(high.min()) if high.size else nan)


def _mean_permutation(old: FloatArray, new: FloatArray, draws: int, seed: int) -> float:
    """P-value of the difference of means under all ways, or many, to part the outcomes; nan as `_fisher`."""
    pooled = np.concatenate((old, new))
    if not old.size or not new.size or comb(pooled.size, new.size) * LEVEL < 1 or np.ptp(pooled) == 0:
        return nan
    rng = np.random.default_rng(seed)
    centred = np.sort(pooled) - pooled.mean()  # the order of the items changes nothing
    drawn = rng.permuted(np.tile(centred, (max(LEAST_DRAWS, draws), 1)), axis=1)[:, : new.size].sum(axis=1)
    observed = abs(float(new.sum() - new.size * pooled.mean()))
    return share_beyond(np.abs(drawn) + 1e-12, observed)


def _mean_reach(old: FloatArray, new: FloatArray, alpha: float) -> tuple[float, float]:
    """As `_binary_reach`, by the normal law with the spread of both."""
    if old.size + new.size < 3:
        return nan, nan
    spread = ((old - old.mean()) @ (old - old.mean())) + ((new - new.mean()) @ (new - new.mean()))
    error = sqrt(float(spread) / (old.size + new.size - 2) * (1 / old.size + 1 / new.size))
    step = (normal_quantile(1 - alpha / 2) + normal_quantile(POWER)) * error
    below, above = float(old.mean()) - step, float(old.mean()) + step
    return (below if below >= 0 else nan), (above if above <= 1 else nan)


def _concluded(cells: tuple[CellChange, ...], binary: bool, alpha: float) -> MeaningDrift:
    method = "Fisher, Holm" if binary else "permutation of means, Holm"
    tested = [cell for cell in cells if not isnan(cell.p)]
    changed = [cell for cell in tested if cell.p_adjusted <= alpha]
    if changed:
        said = "; ".join(_changed(cell, binary) for cell in changed)
        return MeaningDrift("refuted", cells, method, f"A verdict no longer means what it meant: {said}.")
    if not tested:
        said = "Too few labels, old and new, to test whether a verdict still means what it meant."
        return MeaningDrift("untested", cells, method, said)
    reach = ", or ".join(found for cell in cells if (found := _reach(cell, binary)))
    labels = sum(cell.n_new for cell in cells)
    whose, these = (
        "rate" if binary else "mean",
        f"these {labels} labels would have shown it four times in five",
    )
    more = f" Had people's {whose} {reach}, {these}." if reach else ""
    return MeaningDrift("not refuted", cells, method, f"Not refuted.{more}")


def _written(value: float, binary: bool) -> str:
    """Write a rate in per cent and a mean as it is."""
    return f"{100 * value:.0f} %" if binary else f"{value:.2f}"


def _changed(cell: CellChange, binary: bool) -> str:
    new, old = (_written(value, binary) for value in (cell.new, cell.old))
    return f"{cell.name}: {new} (n {cell.n_new}), was {old} (n {cell.n_old})"


def _reach(cell: CellChange, binary: bool) -> str:
    """Say what would have been found: ``fallen from 90 % to 58 % where the judge says pass``."""
    old, below, above = (_written(x, binary) for x in (cell.old, cell.found_below, cell.found_above))
    ends = [
        f"fallen from {old} to {below}" if not isnan(cell.found_below) else "",
        f"risen from {old} to {above}" if not isnan(cell.found_above) else "",
    ]
    said = " or ".join(filter(None, ends))
    return f"{said} where the judge says {cell.name}" if said else ""
