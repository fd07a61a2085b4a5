"""Resampling: how often each item stands in each bootstrap draw.

Beside the items, every draw may pick a *chance item*, with the probability that one more item would
have: two raters who answer independently. Without it a judge that never erred among n items would
get an interval without width.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.sample import FloatArray, IntArray, codes_of

CELLS_AT_ONCE = 4_000_000
Moments = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Draws:
    """Weights of items, and of chance items behind them.

    Attributes
    ----------
    observed : ndarray of float, shape (1, m)
        The data themselves: chance items weigh nothing.
    smoothed : ndarray of float, shape (1, m)
        What the draws vary about.
    draw : callable
        From a number of draws to their weights, shape (number, m).
    units : int
        Items, or groups of them, that were drawn independently.
    moments : callable, optional
        From what each item and chance item adds, shape (m, p), to mean and covariance of the sums over a
        draw, shapes (p,) and (p, p).
    """

    observed: FloatArray
    smoothed: FloatArray
    draw: Callable[[int], FloatArray]
    units: int
    moments: Moments | None = None

    def each(self, values: Callable[[FloatArray], FloatArray], number: int) -> FloatArray:
        """Evaluate a statistic on `number` draws, as many at once as memory should hold."""
        step = max(1, CELLS_AT_ONCE // self.observed.size)
        parts = [values(self.draw(min(step, number - done))) for done in range(0, number, step)]
        return np.concatenate(parts)


def normal_sums(moments: Moments, features: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
    """Draw sums of features over very many items, shape (number, p).

    A sum over 10,000 independent draws is normal but for what its first two moments, which are exact here,
    do not tell; drawing it costs the same for any number of items. Sums of what is never negative stay so.
    """
    mean, covariance = moments(features)
    scale, axes = np.linalg.eigh(covariance)
    noise = rng.standard_normal((number, mean.size)) * np.sqrt(np.maximum(scale, 0))
    floor = np.where(features.min(axis=0) >= 0, 0.0, -np.inf)
    return np.asarray(np.maximum(mean + noise @ axes.T, floor))


def table_draws(copies: FloatArray, chance: int, rng: np.random.Generator) -> Draws:
    """Multinomial draws of a table: `copies` counts the items of each kind, shape (kinds,)."""
    n = int(copies.sum())
    counts = np.concatenate([copies, np.full(chance, 1 / chance)])
    observed = np.concatenate([copies, np.zeros(chance)])

    def draw(number: int) -> FloatArray:
        return rng.multinomial(n, counts / (n + 1), size=number).astype(float)

    return Draws(observed[None], counts[None], draw, n)


def unit_draws(
    weight: FloatArray,
    stratum: IntArray | None,
    group: IntArray | None,
    chance: int,
    rng: np.random.Generator,
) -> Draws:
    """Draw items, or whole groups, with replacement within each stratum.

    Parameters
    ----------
    weight : ndarray of float, shape (n,)
        What an item counts, with mean 1.
    stratum, group : ndarray of int, shape (n,), optional
        Codes; a group is drawn as a whole within its stratum.
    chance : int
        Number of chance items; one pseudo-item is spread over them, and over strata by their size.
    rng : numpy.random.Generator
    """
    n = len(weight)
    parts = _strata(
        np.zeros(n, np.intp) if stratum is None else stratum, np.arange(n) if group is None else group
    )
    units = sum(count for _, _, count in parts)
    average = [float(weight[items].mean()) for items, _, _ in parts]

    def draw(number: int) -> FloatArray:
        drawn = np.zeros((number, n + chance))
        for (items, unit, count), usual in zip(parts, average, strict=True):
            times, lucky = _pick(number, count, 1 / (units + 1), rng)
            drawn[:, items] = times[:, unit] * weight[items]
            drawn[:, n:] += rng.multinomial(lucky, np.full(chance, 1 / chance)) * usual
        return drawn

    def moments(features: FloatArray) -> tuple[FloatArray, FloatArray]:
        mean, covariance = np.zeros(features.shape[1]), np.zeros((features.shape[1],) * 2)
        for (items, unit, count), usual in zip(parts, average, strict=True):
            sums = _unit_sums(unit, count, features[items] * weight[items, None])
            lucky = features[n:] * usual
            middle = (units * sums.mean(axis=0) + lucky.mean(axis=0)) / (units + 1)
            sums, lucky = sums - middle, lucky - middle
            mean += count * middle
            covariance += (units * (sums.T @ sums) + count / chance * (lucky.T @ lucky)) / (units + 1)
        return mean, covariance

    share = sum(usual * count / units for usual, (_, _, count) in zip(average, parts, strict=True))
    observed = np.concatenate([weight, np.zeros(chance)])
    smoothed = np.concatenate([weight, np.full(chance, share / chance)])
    return Draws(observed[None], smoothed[None], draw, units, moments)


def _strata(stratum: IntArray, group: IntArray) -> list[tuple[IntArray, IntArray, int]]:
    """For each stratum: its items, the unit that each belongs to, and how many units there are."""
    parts = []
    for code in np.unique(stratum):
        items = np.flatnonzero(stratum == code)
        names, unit = np.unique(group[items], return_inverse=True)
        parts.append((items, unit, len(names)))
    return parts


def _unit_sums(unit: IntArray, count: int, values: FloatArray) -> FloatArray:
    """Sum values over the items of each unit, shape (count, p)."""
    if unit.size == count and np.array_equal(unit, np.arange(count)):
        return values
    return np.column_stack([np.bincount(unit, weights=column, minlength=count) for column in values.T])


def _pick(number: int, units: int, chance: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """How often each unit was picked, shape (number, units), and how often chance was instead."""
    lucky = rng.binomial(units, chance, size=number)
    picked = rng.integers(units, size=(number, units))
    picked[np.arange(units) < lucky[:, None]] = units
    flat = picked + np.arange(number)[:, None] * (units + 1)
    times = np.bincount(flat.ravel(), minlength=number * (units + 1)).reshape(number, units + 1)
    return times[:, :-1], lucky


def item_weights(weight: ArrayLike | None, n: int) -> FloatArray:
    """Weights with mean 1, all 1 where none were given; ShapeError unless positive and finite."""
    if weight is None:
        return np.ones(n)
    values = np.asarray(weight, dtype=float)
    if values.shape != (n,):
        raise ShapeError(f"item_weight has shape {values.shape}; it must be ({n},)")
    if not (np.isfinite(values) & (values > 0)).all():
        raise ShapeError("item_weight must be positive and finite: N_h/n_h or 1/probability")
    return values / values.mean() if n else values


def item_codes(name: str, codes: ArrayLike | None, n: int) -> IntArray | None:
    """Give groups or strata numbers from 0; None where none were given."""
    return None if codes is None else codes_of(name, codes, n)
