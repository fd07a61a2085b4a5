"""From what a judge said of one item to the probability that people pass it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError
from judgekit.stats.calibration_error import (
    ReliabilityBin,
    calibration_error,
    checked_outcomes,
    equal_mass_bins,
    reliability_bins,
)
from judgekit.stats.choice import LEAST_FOR_JUDGE
from judgekit.stats.estimate import Estimate
from judgekit.stats.sample import LEAST_GROUPS, FloatArray, IntArray, checked_scores, codes_of

FOLDS = REPEATS = 5
PRIOR = 2.0  # labels that the base rate counts as, in each level
LEAST_FOR_ISOTONIC, LEAST_MINORITY = 200, 30
STEPS = 100
CONSTANT = 1e-12  # a spread of scores that is rounding
UNMEASURED = Estimate.undefined("not measured")

Fit = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Recalibration:
    """P(outcome 1 | what the judge said), and how good it is on labels that did not make it.

    Call it with codes or scores: it gives a probability each, nan for a missing score and an unknown code.
    Its mean over a batch is no corrected rate.

    Attributes
    ----------
    kind : str
        ``levels`` (a share for each code), ``platt`` (a logistic curve) or ``isotonic`` (a monotone line).
    knots, values : tuple of float
        Codes and their probabilities; nothing, with slope and intercept; scores and their probabilities.
    n : int
        Labels.
    base_rate : float
        Share of outcomes that are 1.
    brier, brier_constant : float
        Mean squared error out of fold, of these probabilities and of the base rate.
    calibration_error : Estimate
        Root mean square distance from the observed shares, out of fold.
    bins : tuple of ReliabilityBin
    offered : bool
        Whether the probabilities should be shown; if not, `note` says why.
    note : str
    """

    kind: str
    knots: tuple[float, ...]
    values: tuple[float, ...]
    n: int
    base_rate: float
    brier: float = nan
    brier_constant: float = nan
    calibration_error: Estimate = UNMEASURED
    bins: tuple[ReliabilityBin, ...] = ()
    offered: bool = False
    note: str = ""

    def __call__(self, judge: ArrayLike) -> NDArray[np.float64]:
        """Give the probability for each code or score."""
        return _predict(self.kind, np.array(self.knots), np.array(self.values), np.asarray(judge, float))

    def __repr__(self) -> str:
        said = "" if self.offered else f", not offered: {self.note}"
        return f"Recalibration({self.kind}, n={self.n}, Brier {self.brier:.3g}{said})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        numbers = {key: getattr(self, key) for key in ("base_rate", "brier", "brier_constant")}
        return {
            "kind": self.kind,
            "knots": list(self.knots),
            "values": [None if isnan(value) else value for value in self.values],
            "n": self.n,
            **{key: None if isnan(value) else value for key, value in numbers.items()},
            "calibration_error": self.calibration_error.to_dict(),
            "bins": [one.to_dict() for one in self.bins],
            "offered": self.offered,
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recalibration":
        """Read what `to_dict` wrote."""
        numbers = {key: data[key] for key in ("base_rate", "brier", "brier_constant")}
        return cls(
            data["kind"],
            tuple(data["knots"]),
            tuple(nan if value is None else value for value in data["values"]),
            data["n"],
            **{key: nan if value is None else value for key, value in numbers.items()},
            calibration_error=Estimate.from_dict(data["calibration_error"]),
            bins=tuple(ReliabilityBin(**one) for one in data["bins"]),
            offered=data["offered"],
            note=data["note"],
        )


def recalibrate(
    judge: ArrayLike,
    human: ArrayLike,
    *,
    levels: int | None = None,
    probability: ArrayLike | None = None,
    group: ArrayLike | None = None,
    seed: int = 0,
) -> Recalibration:
    """Learn from labels what a verdict means.

    A level gets its share of outcomes that are 1, drawn towards the base rate as by two labels. A score gets
    Platt's logistic curve, or, from 200 labels with 30 of the rarer class, a monotone (isotonic) line. Both
    are measured five times by five folds on labels they were not fitted to.

    Parameters
    ----------
    judge : array_like, shape (n,)
        The judge's answers on the labelled items: scores 0..1 (nan missing), or, with `levels`, codes from 0
        (-1 missing).
    human : array_like of float, shape (n,)
        Outcomes 0 or 1; nan missing. Items that lack either are left out.
    levels : int, optional
        Number of codes.
    probability : array_like of float, shape (n,), optional
        With which each item was drawn; labels count by its inverse.
    group : array_like, shape (n,), optional
        Items of one group depend on each other, and are never in two folds.
    seed : int
        Of folds and bootstrap. The order of the items changes nothing.

    Returns
    -------
    Recalibration
        Not offered with fewer than 15 labels or 5 groups, with a single class of outcomes, and where it does
        worse than the base rate.

    Raises
    ------
    ShapeError
        If the arrays do not fit, or hold what they may not.

    References
    ----------
    Platt (1999); Lin, Lin & Weng (2007), doi:10.1007/s10994-007-5018-6; Zadrozny & Elkan (2002),
    doi:10.1145/775047.775151
    """
    x, y, weight, codes = _checked(judge, human, levels, probability, group)
    kind, fit = _kind(y, levels)
    knots, values = fit(x, y, weight)
    found = Recalibration(kind, _floats(knots), _floats(values), y.size, _mean(y, weight))
    if why := _too_little(y, codes):
        return replace(found, note=why)
    x, y, weight, codes = _in_order(x, y, weight, codes)
    p, folds, constant = _out_of_fold(kind, fit, x, y, weight, codes, np.random.default_rng(seed))
    bins = equal_mass_bins(found(x))
    brier, base = (_mean((each - y) ** 2, np.broadcast_to(weight, p.shape)) for each in (p, constant))
    offered = brier <= base + 1e-12
    return replace(
        found,
        brier=brier,
        brier_constant=base,
        calibration_error=calibration_error(p, y, weight, bins, folds, codes, seed),
        bins=reliability_bins(p.mean(axis=0), y, weight, bins, codes),
        offered=offered,
        note="" if offered else "worse than the base rate on labels that were held back: not offered",
    )


def _checked(
    judge: ArrayLike,
    human: ArrayLike,
    levels: int | None,
    probability: ArrayLike | None,
    group: ArrayLike | None,
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray | None]:
    """Values, outcomes, weights and groups of the items that have both answers."""
    y = checked_outcomes("human", human)
    x = checked_scores("judge", judge) if levels is None else _codes(judge, levels)
    if x.shape != y.shape:
        raise ShapeError(f"judge has {x.size} values and human {y.size}; give one of each for every item")
    weight = np.ones(y.size)
    if probability is not None:
        drawn = np.asarray(probability, float)
        if drawn.shape != y.shape or not ((drawn > 0) & (drawn <= 1)).all():
            raise ShapeError("probability must hold a number above 0 and at most 1 for every item")
        weight = 1 / drawn
    codes = None if group is None else codes_of("group", group, y.size)
    both = ~np.isnan(x) & ~np.isnan(y)
    weight = weight[both] / weight[both].mean() if both.any() else weight[both]
    inside = None if codes is None else codes_of("group", codes[both], int(both.sum()))
    return x[both], y[both], weight, inside


def _codes(judge: ArrayLike, levels: int) -> FloatArray:
    codes = np.asarray(judge)
    if codes.ndim != 1 or (codes.size and codes.dtype.kind not in "iub"):
        raise ShapeError("judge must be a one-dimensional array of integer codes, -1 where missing")
    if codes.size and not -1 <= codes.min() <= codes.max() < levels:
        raise ShapeError(f"judge holds a code outside -1..{levels - 1}")
    return np.where(codes < 0, nan, codes)


def _floats(values: FloatArray) -> tuple[float, ...]:
    return tuple(values.tolist())


def _mean(values: FloatArray, weight: FloatArray) -> float:
    return float(np.sum(values * weight) / np.sum(weight)) if values.size else nan


def _too_little(y: FloatArray, group: IntArray | None) -> str:
    if y.size < LEAST_FOR_JUDGE:
        return f"too few labels ({y.size}, of {LEAST_FOR_JUDGE}) to say what a verdict means"
    if group is not None and int(group.max()) + 1 < LEAST_GROUPS:
        return f"too few groups ({int(group.max()) + 1}, of {LEAST_GROUPS}) to hold one back"
    if y.min() == y.max():
        return f"people {'passed' if y[0] else 'failed'} all of the {y.size} labelled items"
    return ""


def _in_order(
    x: FloatArray, y: FloatArray, weight: FloatArray, group: IntArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray | None]:
    """Put the items in an order, and number the groups, by what they hold and not by where they stood."""
    order = np.lexsort((weight, x, y))
    if group is not None:
        rows = np.column_stack([y, x, weight])[order]
        rank = np.cumsum(np.any(rows != np.roll(rows, 1, axis=0), axis=1))
        held: list[list[int]] = [[] for _ in range(int(group.max()) + 1)]
        for code, place in zip(group[order].tolist(), rank.tolist(), strict=True):
            held[code].append(place)
        number = np.empty(len(held), np.intp)
        number[sorted(range(len(held)), key=held.__getitem__)] = np.arange(len(held))
        group = number[group]
        order = np.lexsort((weight, x, y, group))
    return x[order], y[order], weight[order], None if group is None else group[order]


def _out_of_fold(
    kind: str,
    fit: Fit,
    x: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    group: IntArray | None,
    rng: np.random.Generator,
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Probabilities of each item from the other folds, the folds, and the base rate of the other folds."""
    unit = np.arange(y.size) if group is None else group
    units = int(unit.max()) + 1
    folds = np.stack([(rng.permutation(units) % FOLDS)[unit] for _ in range(REPEATS)])
    p, constant = np.empty(folds.shape), np.empty(folds.shape)
    for repeat, fold in enumerate(folds):
        for part in range(FOLDS):
            test, rest = fold == part, fold != part
            made = fit(x[rest], y[rest], weight[rest])
            p[repeat, test] = _predict(kind, *made, x[test])
            constant[repeat, test] = _mean(y[rest], weight[rest])
    return p, folds, constant


def _kind(y: FloatArray, levels: int | None) -> tuple[str, Fit]:
    if levels is not None:
        return "levels", lambda x, y, weight: _level_shares(x, y, weight, levels)
    minority = min(np.count_nonzero(y == 0), np.count_nonzero(y == 1))
    few = y.size < LEAST_FOR_ISOTONIC or minority < LEAST_MINORITY
    return ("platt", _platt) if few else ("isotonic", _isotonic)


def _level_shares(
    x: FloatArray, y: FloatArray, weight: FloatArray, levels: int
) -> tuple[FloatArray, FloatArray]:
    """Share of each level; as many labels as it has speak for it, whatever share of the batch it is."""
    codes, base = x.astype(np.intp), _mean(y, weight)
    held, ones, squares = (
        np.bincount(codes, weights=v, minlength=levels) for v in (weight, weight * y, weight**2)
    )
    there = held > 0
    size = np.divide(held**2, squares, out=np.zeros(levels), where=there)
    share = np.divide(ones, held, out=np.zeros(levels), where=there)
    return np.arange(levels, dtype=float), (size * share + PRIOR * base) / (size + PRIOR)


def _platt(x: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slope and intercept by Newton's method, the outcomes drawn towards each other as by one label each."""
    ones, zeros = np.sum(weight * y), np.sum(weight * (1 - y))
    target = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    centre, scale = (float(np.mean(x)), float(np.std(x))) if x.size else (0.0, 0.0)
    scale = scale if scale > CONSTANT else 1.0
    design = np.column_stack([(x - centre) / scale, np.ones(x.size)])

    def loss(at: FloatArray) -> float:
        return float(np.sum(weight * (np.logaddexp(0, design @ at) - target * (design @ at))))

    beta = np.zeros(2)
    for _ in range(STEPS):
        p = _logistic(design @ beta)
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, design.T @ (weight * (target - p)))
        while loss(beta + step) > loss(beta) and np.abs(step).max() > 1e-10:
            step /= 2
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    slope = beta[0] / scale
    return np.empty(0), np.array([slope, beta[1] - slope * centre])


def _logistic(x: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):  # a missing score stays missing
        return np.asarray(np.exp(-np.logaddexp(0, -x)))


def _isotonic(x: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Monotone shares by pooling neighbours that break the order; never quite 0 or 1, as labels are few."""
    from scipy.optimize import isotonic_regression

    knots, place = np.unique(x, return_inverse=True)
    held = np.bincount(place, weights=weight)
    share = np.bincount(place, weights=weight * y) / held
    rising = bool(np.sum(weight * (x - _mean(x, weight)) * y) >= 0)
    fitted = np.asarray(isotonic_regression(share, weights=held, increasing=rising).x)
    fitted = np.clip(fitted, 1 / (y.size + 2), 1 - 1 / (y.size + 2))
    # Between the ends of a pooled block the line is flat: they alone are kept.
    inner = np.zeros(knots.size, bool)
    inner[1:-1] = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    return knots[~inner], fitted[~inner]


def _predict(kind: str, knots: FloatArray, values: FloatArray, x: FloatArray) -> FloatArray:
    if kind == "platt":
        return _logistic(values[0] * x + values[1])
    if kind == "isotonic":
        return np.asarray(np.interp(x, knots, values))
    known = (x >= 0) & (x < knots.size) & (x == np.floor(x))
    return np.where(known, values[np.where(known, x, 0).astype(np.intp)], nan)
