"""The agreement coefficients by name, each as a function of item weights, as the bootstrap needs them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError
from judgekit.stats.agreement import kappa_of_tables, mcc_of_tables, pi_of_tables
from judgekit.stats.codes import (
    Levels,
    disagreement,
    distinct_rows,
    level_counts,
    level_values,
    read_codes,
    read_values,
)
from judgekit.stats.continuous import (
    ccc_features,
    ccc_of_sums,
    icc_features,
    icc_of_sums,
    kendall_tau_b,
    spearman_of_weights,
    spearman_slopes,
)
from judgekit.stats.reliability import (
    alpha_of_coincidences,
    coincidence_features,
    fleiss_of_sums,
    gwet_of_sums,
    interval_alpha_of_sums,
    moment_features,
    share_features,
)
from judgekit.stats.sample import FloatArray, IntArray

ONE_LEVEL = "only one level was used, so chance agreement is complete"
CONSTANT = "a rater gave every item the same value"
NO_SPREAD = "all values are equal, so there is no variance"
CHANCE_ITEMS = 500
Statistic = Callable[[Any], float]
Stack = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of given ratings, waiting for weights.

    Attributes
    ----------
    of : callable
        From sums of features, shape (draws, n_features), to the coefficient, shape (draws,); from the weights
        themselves where there are no features.
    rows : ndarray of int
        Rows of the ratings that take part.
    n : int
        Items that it compares raters on.
    chance : int
        Number of chance items.
    why : str
        Reason for an undefined value.
    features : ndarray of float, shape (m, n_features), optional
        What each item and each chance item adds.
    copies : ndarray of float, optional
        Where equal items were put together: how many of each kind.
    repeats : bool
        Whether weights must be whole numbers, because rows are repeated.
    slopes : callable, optional
        From weights, shape (m,), to the change of the coefficient by each, for what is no sum of features.
    """

    of: Stack
    rows: IntArray
    n: int
    chance: int
    why: str
    features: FloatArray | None = None
    copies: FloatArray | None = None
    repeats: bool = False
    slopes: Callable[[FloatArray], FloatArray] | None = None

    def values(self, weights: FloatArray) -> FloatArray:
        """Coefficient under weights of items and chance items, shape (draws, m)."""
        return self.of(weights if self.features is None else weights @ self.features)


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings, and whether equal items may be put together (not if they differ in weight or group)."""

    table: ArrayLike
    together: bool
    rng: np.random.Generator

    def shuffled(self, table: FloatArray) -> FloatArray:
        """Chance items for scores: rows whose columns come from different items."""
        return self.rng.permuted(table, axis=0)[:CHANCE_ITEMS]


def _require_two(table: NDArray[Any]) -> None:
    if table.shape[1] != 2:
        raise ShapeError(f"this statistic compares two raters, got {table.shape[1]}")


def _two_way(given: Ratings, levels: Levels, why: str, of: Callable[[FloatArray], FloatArray]) -> Coefficient:
    """Statistic of the table of two raters; chance items are its K² cells."""
    codes, size = read_codes(given.table, levels)
    _require_two(codes)
    rows = np.flatnonzero((codes >= 0).all(axis=1))
    cells = codes[rows, 0] * size + codes[rows, 1]
    one = np.eye(size * size)
    copies = np.bincount(cells, minlength=size * size).astype(float) if given.together else None
    features = np.concatenate([one if given.together else one[cells], one])

    def of_tables(sums: FloatArray) -> FloatArray:
        return of(sums.reshape(-1, size, size))

    return Coefficient(of_tables, rows, rows.size, size * size, why, features, copies)


def _kappa(given: Ratings, weights: str | None = None, levels: Levels = None) -> Coefficient:
    def of(tables: FloatArray) -> FloatArray:
        return kappa_of_tables(tables, disagreement(weights, levels, tables.shape[-1]))

    return _two_way(given, levels, ONE_LEVEL, of)


def _pi(given: Ratings, levels: Levels = None) -> Coefficient:
    return _two_way(given, levels, ONE_LEVEL, pi_of_tables)


def _mcc(given: Ratings, levels: Levels = None) -> Coefficient:
    return _two_way(given, levels, CONSTANT, mcc_of_tables)


def _counted(given: Ratings, levels: Levels, least: int, features: Stack, of: Stack, why: str) -> Coefficient:
    """Statistic of how many raters chose each level; chance items are pairs of levels."""
    codes, size = read_codes(given.table, levels)
    counts = level_counts(codes, size)
    rows = np.flatnonzero(counts.sum(axis=1) >= least)
    counts, copies = counts[rows], None
    n = int((counts.sum(axis=1) >= 2).sum())
    if given.together:
        counts, copies = distinct_rows(counts)
    one = np.eye(size)
    pairs = (one[:, None] + one[None]).reshape(-1, size)
    every = features(np.concatenate([counts, pairs]))
    return Coefficient(of, rows, n, len(pairs), why, every, copies)


def _fleiss(given: Ratings, levels: Levels = None) -> Coefficient:
    def features(counts: FloatArray) -> FloatArray:
        return share_features(counts, disagreement(None, None, counts.shape[1]))

    return _counted(given, levels, 1, features, fleiss_of_sums, ONE_LEVEL)


def _gwet(given: Ratings, weights: str | None = None, levels: Levels = None) -> Coefficient:
    size = read_codes(given.table, levels)[1]
    apart = disagreement(weights, levels, size)
    features, of = partial(share_features, apart=apart), partial(gwet_of_sums, apart=apart)
    return _counted(given, levels, 1, features, of, "the scale has one level")


def _alpha(given: Ratings, level: str = "nominal", levels: Levels = None) -> Coefficient:
    size = read_codes(given.table, levels)[1]
    places = level_values(levels, size)

    def of(sums: FloatArray) -> FloatArray:
        return alpha_of_coincidences(sums.reshape(*sums.shape[:-1], size, size), level, places)

    return _counted(given, levels, 2, coincidence_features, of, ONE_LEVEL)


def _scored(given: Ratings, rows: IntArray, features: Stack, of: Stack, why: str) -> Coefficient:
    """Statistic of sums over scored items."""
    table = read_values(given.table)[rows]
    every = features(np.concatenate([table, given.shuffled(table)]))
    return Coefficient(of, rows, rows.size, len(every) - rows.size, why, every)


def _complete(given: Ratings) -> IntArray:
    return np.flatnonzero(~np.isnan(read_values(given.table)).any(axis=1))


def _icc(given: Ratings, form: str = "ICC2") -> Coefficient:
    return _scored(given, _complete(given), icc_features, partial(icc_of_sums, form=form), NO_SPREAD)


def _ccc(given: Ratings) -> Coefficient:
    _require_two(read_values(given.table))
    return _scored(given, _complete(given), ccc_features, ccc_of_sums, NO_SPREAD)


def _interval_alpha(given: Ratings) -> Coefficient:
    rows = np.flatnonzero((~np.isnan(read_values(given.table))).sum(axis=1) >= 2)
    return _scored(given, rows, moment_features, interval_alpha_of_sums, NO_SPREAD)


def _spearman(given: Ratings) -> Coefficient:
    rows = _complete(given)
    table = read_values(given.table)[rows]
    _require_two(table)
    every = np.concatenate([table, given.shuffled(table)])
    of, slopes = partial(spearman_of_weights, table=every), partial(spearman_slopes, table=every)
    return Coefficient(of, rows, rows.size, len(every) - rows.size, CONSTANT, slopes=slopes)


def _repeated(given: Ratings, statistic: Statistic, why: str = "the function returned nan") -> Coefficient:
    """Any function of the ratings, called once a draw with the rows that were drawn."""
    table = np.asarray(given.table)
    if table.ndim != 2:
        raise ShapeError(f"ratings must have shape (items, raters), got {table.shape}")
    every = np.concatenate([table, given.shuffled(table)])

    def values(weights: FloatArray) -> FloatArray:
        times = weights.astype(np.intp)
        return np.array([statistic(np.repeat(every, row, axis=0)) for row in times], dtype=float)

    return Coefficient(values, np.arange(len(table)), len(table), len(every) - len(table), why, repeats=True)


def _kendall(given: Ratings) -> Coefficient:
    rows = _complete(given)
    complete = replace(given, table=read_values(given.table)[rows])
    _require_two(read_values(complete.table))
    found = _repeated(complete, lambda table: kendall_tau_b(table[:, 0], table[:, 1]), CONSTANT)
    return replace(found, rows=rows)


COEFFICIENTS: Mapping[str, Callable[..., Coefficient]] = {
    "cohen_kappa": _kappa,
    "scott_pi": _pi,
    "matthews_corrcoef": _mcc,
    "fleiss_kappa": _fleiss,
    "gwet_ac": _gwet,
    "krippendorff_alpha": _alpha,
    "interval_alpha": _interval_alpha,
    "icc": _icc,
    "lin_ccc": _ccc,
    "spearman": _spearman,
    "kendall_tau_b": _kendall,
}


def coefficient(statistic: str | Statistic, given: Ratings, options: Mapping[str, Any]) -> Coefficient:
    """Prepare a coefficient, by name with its options, or any function of the ratings."""
    if callable(statistic):
        return _repeated(given, partial(statistic, **options))
    if statistic not in COEFFICIENTS:
        raise ShapeError(
            f"statistic {statistic!r} is not known: a function, or one of {', '.join(COEFFICIENTS)}"
        )
    return COEFFICIENTS[statistic](given, **options)
