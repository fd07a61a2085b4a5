"""How well humans agree with each other, and whether the judge does as well in their place."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.bootstrap import bootstrap
from judgekit.stats.codes import Levels, disagreement, level_counts, read_codes, read_values
from judgekit.stats.differences import paired_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import proportion
from judgekit.stats.reliability import share_features
from judgekit.stats.sample import FloatArray

TOO_FEW_RATERS = "no item has labels of two raters"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Agreement between humans, beside that of the judge with them.

    Attributes
    ----------
    human : Estimate
        A_HH, mean agreement of each rater with the others, on items that the judge graded too.
    judge : Estimate
        A_JH, the same with the judge in the rater's place.
    difference : Estimate
        A_JH - A_HH; `low` is a one-sided limit, so `confidence` is the two-sided one that goes with it.
    raw : Estimate
        Agreement between raters on all items that two of them labelled.
    alpha : Estimate
        Krippendorff's alpha over the raters, on the same items as `raw`.
    """

    human: Estimate
    judge: Estimate
    difference: Estimate
    raw: Estimate
    alpha: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {field.name: getattr(self, field.name).to_dict() for field in fields(self)}


def ceiling(
    judge: ArrayLike,
    raters: ArrayLike,
    *,
    level: str = "nominal",
    levels: Levels = None,
    item_weight: ArrayLike | None = None,
    group: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Ceiling:
    """Compare the agreement of judge and humans with that between humans, on the same items.

    Agreement of two answers is 1 or 0 (nominal), one minus the squared share of the scale between
    them (ordinal), or one minus the share of the scale between them (interval).

    Parameters
    ----------
    judge : array_like, shape (n_items,)
        Level codes with -1 where missing; interval: scores with nan.
    raters : array_like, shape (n_items, n_raters)
        The same of the humans.
    level : {"nominal", "ordinal", "interval"}
        What agreement means.
    levels : sequence, optional
        The declared scale; interval: its two ends, required.
    item_weight : array_like of float, shape (n_items,), optional
        N_h/n_h of a stratified, 1/probability of a probability sample.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other.
    confidence : float
        Two-sided; the lower limit of the difference is one-sided at this confidence.
    seed : int
        For the interval of alpha.

    Returns
    -------
    Ceiling
        Wilson intervals for agreement, with each item one trial; the bootstrap's for alpha.

    Raises
    ------
    ShapeError
        If arrays do not fit together, hold what they may not, or the ends of the scale are missing.
    """
    how: dict[str, Any] = {"item_weight": item_weight, "group": group}
    if level == "interval":
        human, stead = _scored_agreement(judge, raters, levels)
        alpha = bootstrap("interval_alpha", raters, confidence=confidence, seed=seed, **how)
    elif level in ("nominal", "ordinal"):
        human, stead = _coded_agreement(judge, raters, levels, None if level == "nominal" else "quadratic")
        scale: dict[str, Any] = {"level": level, "levels": levels}
        alpha = bootstrap("krippendorff_alpha", raters, confidence=confidence, seed=seed, **how, **scale)
    else:
        raise ShapeError(f"level {level!r} is not known: 'nominal', 'ordinal' or 'interval'")
    both = np.isfinite(human) & np.isfinite(stead)
    difference = paired_mean(stead - human, added=0.5, confidence=2 * confidence - 1, **how)

    def share(values: FloatArray) -> Estimate:
        return proportion(values, confidence=confidence, why=TOO_FEW_RATERS, **how)

    of_humans, of_judge = (share(np.where(both, values, np.nan)) for values in (human, stead))
    return Ceiling(of_humans, of_judge, difference, share(human), alpha)


def _coded_agreement(
    judge: ArrayLike, raters: ArrayLike, levels: Levels, weights: str | None
) -> tuple[FloatArray, FloatArray]:
    """Agreement between the raters of each item, and of the judge with them; nan below two raters."""
    codes = read_codes(raters, levels)[0]
    verdicts = np.asarray(judge)
    if verdicts.shape != codes.shape[:1]:
        raise ShapeError(f"judge has shape {verdicts.shape}; it must be {codes.shape[:1]}")
    every, size = read_codes(np.column_stack([verdicts, codes]), levels)
    apart = disagreement(weights, levels, size)
    counts = level_counts(every[:, 1:], size)
    seen = counts.sum(axis=1)
    human = 1 - share_features(counts, apart)[:, 1]
    stead = 1 - (apart[every[:, 0]] * counts).sum(axis=1) / np.maximum(seen, 1)
    known = every[:, 0] >= 0
    return np.where(seen >= 2, human, np.nan), np.where((seen >= 2) & known, stead, np.nan)


def _scored_agreement(judge: ArrayLike, raters: ArrayLike, ends: Levels) -> tuple[FloatArray, FloatArray]:
    """As `_coded_agreement`, with agreement one minus the distance as a share of the scale."""
    if ends is None:
        raise ShapeError("interval agreement needs the ends of the scale: levels=(lowest, highest)")
    span = float(max(ends)) - float(min(ends))
    table, verdicts = read_values(raters), np.asarray(judge, dtype=float)
    if verdicts.shape != table.shape[:1] or not span > 0:
        raise ShapeError(f"judge has shape {verdicts.shape}, raters {table.shape}, the scale length {span:g}")
    seen = (~np.isnan(table)).sum(axis=1)
    ranked = np.sort(table, axis=1)
    # in rank order each score enters the sum of all distances (rank below) - (ranks above) times
    times = 2 * np.arange(table.shape[1]) + 1 - seen[:, None]
    between = np.nansum(times * ranked, axis=1) / np.maximum(seen * (seen - 1) / 2, 1)
    stead = np.nansum(np.abs(table - verdicts[:, None]), axis=1) / np.maximum(seen, 1)
    stead = np.where(np.isnan(verdicts), np.nan, stead)
    human, judged = 1 - between / span, 1 - stead / span
    return np.where(seen >= 2, human, np.nan), np.where(seen >= 2, judged, np.nan)
