"""Whether a judge may take a rater's place: the alternative annotator test."""

from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.codes import Levels, level_counts, level_values, read_codes, read_values
from judgekit.stats.draws import item_codes
from judgekit.stats.multiplicity import adjusted_p
from judgekit.stats.sample import LEAST_GROUPS, FloatArray, IntArray, design_effect, join_notes

LEAST_ITEMS = 30
WEAK = "weak: two raters have no consensus to be compared with"
TOO_FEW = f"fewer than two raters have {LEAST_ITEMS} items that the judge and another rater answered too"
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class AltTest:
    """How a judge does against each rater at matching the other raters.

    Attributes
    ----------
    winning_rate : float
        Share of the raters that the judge was tested against whom it beats, ω; nan if there are none.
    advantage : float
        Chance that the judge matches the others at least as well as a rater does, mean over raters.
    passed : bool or None
        Whether ω is at least ½; None where it is undefined.
    advantages : tuple of float
        The chance for each rater; nan for one with too few items.
    p_values, adjusted : tuple of float
        Of the hypothesis that the rater matches the others better by `epsilon` or more; as it is, and
        adjusted over the raters (Benjamini–Yekutieli).
    n : tuple of int
        Items that each rater, another rater and the judge answered.
    epsilon : float
        What a human's work costs more than the judge's: the lead that is forgiven the judge.
    alpha : float
        False discovery rate of the wins.
    note : str
        What the reader must know.
    """

    winning_rate: float
    advantage: float
    passed: bool | None
    advantages: tuple[float, ...]
    p_values: tuple[float, ...]
    adjusted: tuple[float, ...]
    n: tuple[int, ...]
    epsilon: float
    alpha: float
    note: str = ""

    @property
    def tested(self) -> int:
        """How many raters the judge was tested against."""
        return sum(not isnan(p) for p in self.p_values)

    @property
    def wins(self) -> int:
        """How many of them it beats."""
        return sum(p <= self.alpha for p in self.adjusted)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "AltTest":
        """Read what `to_dict` gave."""
        read: dict[str, Any] = {
            name: tuple(nan if one is None else one for one in value) if isinstance(value, list) else value
            for name, value in data.items()
        }
        if read["passed"] is None:
            read |= {"winning_rate": nan, "advantage": nan}
        return cls(**read)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value


def alternative_annotator(
    judge: ArrayLike,
    raters: ArrayLike,
    *,
    level: str = "nominal",
    levels: Levels = None,
    epsilon: float = 0.1,
    group: ArrayLike | None = None,
    alpha: float = 0.05,
) -> AltTest:
    """Test whether a judge represents the raters of a panel at least as well as they do themselves.

    Each rater is left out in turn. On each of their items, whoever of judge and rater matches the other
    raters better scores a point, both if they match alike. The judge beats the rater if the rater's lead
    is below `epsilon`, and passes if it beats half of them.

    Parameters
    ----------
    judge : array_like, shape (n_items,)
        Level codes with -1 where missing; interval: scores with nan.
    raters : array_like, shape (n_items, n_raters)
        The same of the humans.
    level : {"nominal", "ordinal", "interval"}
        What matching means: the share of the others who gave the same answer, or closeness to them by root
        mean squared distance, of level values or scores.
    levels : sequence, optional
        The declared scale of level codes.
    epsilon : float
        0..1. The authors take .2 for experts, .15 for trained raters, .1 for crowd workers.
    group : array_like, shape (n_items,), optional
        Items of one group depend on each other: variances are multiplied by their design effect, and the
        groups give the degrees of freedom.
    alpha : float
        False discovery rate over the raters.

    Returns
    -------
    AltTest
        A rater with fewer than 30 items (5 groups) is left out. With two raters it is weak, below two nan.

    Raises
    ------
    ShapeError
        If arrays do not fit together or hold what they may not.

    References
    ----------
    Calderon, Reichart & Dror (2025), arXiv:2501.10970

    Examples
    --------
    >>> panel = [[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1]] * 20
    >>> found = alternative_annotator([0, 1, 0, 1] * 20, panel)
    >>> found.wins, found.tested, found.passed
    (3, 3, True)
    """
    if not (0 <= epsilon <= 1 and 0 < alpha < 1):
        raise ShapeError(f"epsilon {epsilon} must lie in 0..1, and alpha {alpha} between 0 and 1")
    lead = _leads(judge, raters, level, levels)
    groups = item_codes("group", group, len(lead))
    enough = _enough(lead, groups)
    n = (~np.isnan(lead)).sum(axis=0)
    p = np.array(
        [_p_value(column, groups, epsilon) if ok else nan for column, ok in zip(lead.T, enough, strict=True)]
    )
    # the judge is at least as good where the rater does not lead
    shares = np.where(enough, (lead <= 0).sum(axis=0) / np.maximum(n, 1), nan)
    adjusted = adjusted_p(p, "by")
    tested = int(enough.sum())
    few = f"{lead.shape[1] - tested} of {lead.shape[1]} raters left out: too few items"
    notes = join_notes(TOO_FEW if tested < 2 else few if tested < lead.shape[1] else "", WEAK * (tested == 2))
    rate = float((adjusted <= alpha).sum() / tested) if tested >= 2 else nan
    return AltTest(
        rate,
        float(shares[enough].mean()) if tested >= 2 else nan,
        None if isnan(rate) else rate >= 0.5,
        tuple(shares.tolist()),
        tuple(p.tolist()),
        tuple(adjusted.tolist()),
        tuple(n.tolist()),
        float(epsilon),
        float(alpha),
        notes,
    )


def _leads(judge: ArrayLike, raters: ArrayLike, level: str, levels: Levels) -> FloatArray:
    """By item and rater, 1 where the rater matches the others better, -1 the judge, 0 alike; else nan."""
    verdicts, table = np.asarray(judge), np.asarray(raters)
    if table.ndim != 2 or verdicts.shape != table.shape[:1]:
        fit = "they must be (items,) and (items, raters)"
        raise ShapeError(f"judge has shape {verdicts.shape}, raters {table.shape}; {fit}")
    every = np.column_stack([verdicts, table])
    if level == "interval":
        scores = read_values(every)
        return _nearer(scores[:, 0], scores[:, 1:])
    if level not in ("nominal", "ordinal"):
        raise ShapeError(f"level {level!r} is not known: 'nominal', 'ordinal' or 'interval'")
    codes, size = read_codes(every, levels)
    if level == "nominal":
        return _matched(codes[:, 0], codes[:, 1:], size)
    placed = np.append(level_values(levels, size), nan)[codes]  # -1 reads the nan at the end
    return _nearer(placed[:, 0], placed[:, 1:])


def _matched(judge: IntArray, codes: IntArray, size: int) -> FloatArray:
    """Leads by how many of the other raters gave the same answer."""
    counts = level_counts(codes, size)
    own = np.take_along_axis(counts, np.maximum(codes, 0), axis=1) - 1
    judged = np.take_along_axis(counts, np.maximum(judge, 0)[:, None], axis=1) - (codes == judge[:, None])
    known = (codes >= 0) & (judge >= 0)[:, None] & (counts.sum(axis=1) >= 2)[:, None]
    return np.where(known, np.sign(own - judged), nan)


def _nearer(judge: FloatArray, table: FloatArray) -> FloatArray:
    """Leads by mean squared distance to the other raters."""
    seen = (~np.isnan(table)).sum(axis=1, keepdims=True)
    others = (np.nansum(table, axis=1, keepdims=True) - table) / np.maximum(seen - 1, 1)
    # mean (f-o)² - mean (x-o)² = (f-x)(f+x-2ō): no squares to sum, and it is 0 just where they tie
    apart, beyond = judge[:, None] - table, judge[:, None] + table - 2 * others
    size = np.nanmax(np.abs(np.append(table, 0.0)))
    beyond = np.where(np.abs(beyond) <= ROUNDING * size, 0.0, beyond)
    return np.where(seen >= 2, np.sign(apart * beyond), nan)


def _enough(lead: FloatArray, groups: IntArray | None) -> Any:
    known = ~np.isnan(lead)
    enough = known.sum(axis=0) >= LEAST_ITEMS
    if groups is None:
        return enough
    return enough & np.array([np.unique(groups[one]).size >= LEAST_GROUPS for one in known.T], bool)


def _p_value(lead: FloatArray, groups: IntArray | None, epsilon: float) -> float:
    """Chance of so small a lead of the rater if it is epsilon in truth, by the one-sided t."""
    from scipy.special import stdtr

    known = ~np.isnan(lead)
    values, n = lead[known], int(known.sum())
    value = float(values.mean())
    if np.ptp(values) == 0:
        return 0.0 if value < epsilon else 1.0
    inside = None if groups is None else np.unique(groups[known], return_inverse=True)[1]
    effect = design_effect(values - value, inside)
    units = n if inside is None else int(inside.max()) + 1
    return float(stdtr(units - 1, (value - epsilon) / np.sqrt(float(values.var(ddof=1)) / n * effect)))
