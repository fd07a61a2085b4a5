"""Level codes: reading them, counting them, and how far apart two levels are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError
from judgekit.stats.sample import FloatArray, IntArray

Levels = Sequence[Any] | NDArray[Any] | None
FEW_LEVELS = 16
MOST_KINDS = 1_000_000


def read_codes(ratings: ArrayLike, levels: Levels = None) -> tuple[IntArray, int]:
    """Check a table of level codes and say how many levels the scale has.

    Parameters
    ----------
    ratings : array_like of int, shape (n_items, n_raters)
        IntArray from 0; -1 where a rater gave no label.
    levels : sequence, optional
        The declared scale; without it the highest code used is the last level.

    Returns
    -------
    codes : array of int, shape (n_items, n_raters)
    n_levels : int

    Raises
    ------
    ShapeError
        If not two-dimensional, not integers, or a code lies outside the scale.
    """
    codes = np.asarray(ratings)
    if codes.ndim == 1 and codes.size == 0:
        codes = codes.reshape(0, 2)
    if codes.ndim != 2:
        raise ShapeError(f"ratings must have shape (items, raters), got {codes.shape}")
    if codes.size and codes.dtype.kind not in "iub":
        raise ShapeError(f"ratings must be integer codes, -1 where missing, got {codes.dtype}")
    codes = codes.astype(np.intp, copy=False)
    if levels is not None and len(levels) == 0:
        raise ShapeError("a scale needs at least one level")
    low, high = (int(codes.min()), int(codes.max())) if codes.size else (-1, -1)
    n_levels = max(high + 1, 1) if levels is None else len(levels)
    if low < -1 or high >= n_levels:
        wrong = low if low < -1 else high
        raise ShapeError(f"code {wrong} is not on the scale: use 0 to {n_levels - 1}, or -1 where missing")
    return codes, n_levels


def read_values(values: ArrayLike) -> FloatArray:
    """Check a table of scores, shape (n_items, n_raters), nan where missing; ShapeError if it is none."""
    table = np.asarray(values, dtype=float)
    if table.ndim == 1 and table.size == 0:
        table = table.reshape(0, 2)
    if table.ndim != 2:
        raise ShapeError(f"values must have shape (items, raters), got {table.shape}")
    if np.isinf(table).any():
        raise ShapeError("values must be finite, nan where missing")
    return table


def columns(a: ArrayLike, b: ArrayLike) -> NDArray[Any]:
    """Two raters side by side, shape (n_items, 2); ShapeError if they differ in length."""
    first, second = np.asarray(a), np.asarray(b)
    if first.ndim != 1 or first.shape != second.shape:
        raise ShapeError(f"two raters need one label per item each, got {first.shape} and {second.shape}")
    return np.column_stack([first, second])


def confusion_table(human: ArrayLike, judge: ArrayLike, levels: Levels = None) -> NDArray[np.int64]:
    """Count the items by what the human said (rows) and what the judge said (columns).

    Parameters
    ----------
    human, judge : array_like of int, shape (n_items,)
        Level codes; an item where either is -1 is left out.
    levels : sequence, optional
        The declared scale; a level that nobody used keeps its row and column.

    Returns
    -------
    array of int, shape (n_levels, n_levels)

    Examples
    --------
    >>> confusion_table([0, 0, 1, -1], [0, 1, 1, 1])
    array([[1, 1],
           [0, 1]])
    """
    codes, size = read_codes(columns(human, judge), levels)
    codes = codes[(codes >= 0).all(axis=1)]
    cells = codes[:, 0] * size + codes[:, 1]
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def level_counts(codes: IntArray, n_levels: int) -> FloatArray:
    """How many raters chose each level of each item, shape (n_items, n_levels)."""
    if n_levels <= FEW_LEVELS:
        # a pass over small integers for each level takes a tenth of the time of counting places
        raters = np.ascontiguousarray(codes.T, dtype=np.int8)
        return np.array([(raters == k).sum(axis=0, dtype=np.int16) for k in range(n_levels)], float).T
    places = np.arange(len(codes))[:, None] * n_levels + codes
    counts = np.bincount(places[codes >= 0], minlength=len(codes) * n_levels)
    return counts.reshape(len(codes), n_levels).astype(float)


def distinct_rows(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Put equal rows of counts together: the distinct ones, and how many there are of each."""
    base = int(counts.max(initial=0)) + 1
    places = base ** np.arange(counts.shape[1], dtype=float)
    if base ** counts.shape[1] <= MOST_KINDS:
        # each row is a number in base `base`: numbers are counted, not sorted
        times = np.bincount((counts @ places).astype(np.intp))
        kinds = np.flatnonzero(times)
        return (kinds[:, None] // places.astype(np.intp) % base).astype(float), times[kinds].astype(float)
    if base ** counts.shape[1] < 2**53:
        # each row is one number that a float holds exactly: sorting numbers is ten times faster
        _, first, times = np.unique(counts @ places, return_index=True, return_counts=True)
        return counts[first], times.astype(float)
    rows, times = np.unique(counts, axis=0, return_counts=True)
    return rows, times.astype(float)


def level_values(levels: Levels, n_levels: int) -> FloatArray:
    """Where the levels lie: their values where the scale is numeric, else 0, 1, 2, …."""
    values = np.asarray(range(n_levels) if levels is None else levels)
    if values.dtype.kind not in "iuf":
        return np.arange(n_levels, dtype=float)
    values = values.astype(float)
    if not np.isfinite(values).all() or len(np.unique(values)) < len(values):
        raise ShapeError(f"the values of a scale must be finite and differ: {values.tolist()}")
    return values


def disagreement(weights: str | None, levels: Levels, n_levels: int) -> FloatArray:
    """Weigh the disagreement of two levels: 0 on the diagonal, at most 1.

    Parameters
    ----------
    weights : {None, "linear", "quadratic", "ordinal"}
        None counts each disagreement fully; linear and quadratic go by distance between the level
        values, ordinal (Gwet) by how many pairs of levels lie between.
    levels : sequence, optional
        The declared scale.
    n_levels : int
        Its length.

    Returns
    -------
    array of float, shape (n_levels, n_levels)
        One minus the agreement weights.
    """
    if weights is None:
        return 1 - np.eye(n_levels)
    if weights == "ordinal":
        steps = np.abs(np.subtract.outer(np.arange(n_levels), np.arange(n_levels))).astype(float)
        distance = steps * (steps + 1) / 2
    elif weights in ("linear", "quadratic"):
        values = level_values(levels, n_levels)
        distance = np.abs(np.subtract.outer(values, values)) ** (1 if weights == "linear" else 2)
    else:
        raise ShapeError(f"weights {weights!r} are not known: None, 'linear', 'quadratic' or 'ordinal'")
    return np.asarray(distance / max(distance.max(), np.finfo(float).tiny))
