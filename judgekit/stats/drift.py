"""Whether two batches differ in their levels or scores: tests of drift."""

from dataclasses import asdict, dataclass
from math import ceil, isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.sample import FloatArray, IntArray

LEAST_DRAWS, PER_LEVEL = 2_000, 20  # permutations, and how many of them for each 1/alpha
LEVEL = 0.05
MOST_CELLS = 10_000_000  # numbers drawn before the limit law takes over: about a second
MOST_ITEMS = 10**9  # of numpy's hypergeometric draws


@dataclass(frozen=True, slots=True)
class DriftTest:
    """A test of two batches against each other.

    Attributes
    ----------
    p : float
        Nan where there is nothing to compare, and then `note` says why.
    statistic : float
        χ² of levels, largest distance of distribution functions for scores.
    method : str
        Ends on ``permutation`` or ``limit law``.
    n : int
        Items of the new batch that were compared.
    note : str
    """

    p: float
    statistic: float = nan
    method: str = ""
    n: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(self).items()}


def total_variation(reference_counts: ArrayLike, new_counts: ArrayLike) -> float:
    """Share of the items that would have to move for both to be alike: half the summed differences, 0..1."""
    old, new = _checked_counts(reference_counts, new_counts)
    if not old.sum() or not new.sum():
        return nan
    return float(np.abs(old / old.sum() - new / new.sum()).sum() / 2)


def level_drift(
    reference_counts: ArrayLike,
    new_counts: ArrayLike,
    *,
    alpha: float = LEVEL,
    draws: int | None = None,
    seed: int = 0,
) -> DriftTest:
    """Test whether two batches have their levels from the same distribution.

    Parameters
    ----------
    reference_counts, new_counts : array_like of int, shape (n_levels,)
        Items at each level.
    alpha : float
        Level at which the p-value will be used: as many permutations as it needs.
    draws : int, optional
        Permutations; by default 20/alpha, at least 2,000. Fewer than 20/alpha leave it to the limit law.
    seed : int
        Of the permutations.

    Returns
    -------
    DriftTest
        By permutation, the χ² law where too many would be needed.

    Raises
    ------
    ShapeError
        If the counts are no counts of the same levels.

    Examples
    --------
    >>> level_drift([80, 20], [60, 40]).p < 0.01
    True
    """
    old, new = _checked_counts(reference_counts, new_counts)
    used = old + new > 0
    old, new = old[used], new[used]
    n = int(new.sum())
    if not old.sum() or not n:
        return DriftTest(nan, method="chi-squared", n=n, note="no items to compare")
    if old.size == 1:
        return DriftTest(nan, 0.0, "chi-squared", n, "one level in both: nothing could differ")
    observed = float(_chi_squared(old, new[None])[0])
    drawn = _permuted(old + new, n, _enough(alpha, draws, old.size, int((old + new).sum())), seed)
    if drawn is None:
        from scipy.special import chdtrc

        p = float(chdtrc(old.size - 1, observed))
        return DriftTest(p, observed, "chi-squared, limit law", n)
    p = share_beyond(_chi_squared(old, drawn, old + new), observed)
    return DriftTest(p, observed, "chi-squared, permutation", n)


def score_drift(
    reference: ArrayLike,
    new: ArrayLike,
    *,
    alpha: float = LEVEL,
    draws: int | None = None,
    seed: int = 0,
) -> DriftTest:
    """Test whether two batches have their scores from the same distribution (Kolmogorov–Smirnov).

    Parameters
    ----------
    reference, new : array_like of float, shapes (m,) and (n,)
        Scores; nan is left out.
    alpha, draws, seed
        As in :func:`level_drift`.

    Returns
    -------
    DriftTest
        By permutation, which ties don't disturb; Kolmogorov's law where too many would be needed.

    Raises
    ------
    ShapeError
        If not one-dimensional.

    References
    ----------
    Smirnov (1948), doi:10.1214/aoms/1177730256
    """
    first, second = _known("reference", reference), _known("new", new)
    method, n = "Kolmogorov–Smirnov", second.size
    if not first.size or not n:
        return DriftTest(nan, method=method, n=n, note="no scores to compare")
    at = np.unique(np.concatenate((first, second)), return_inverse=True)[1]
    size = int(at.max()) + 1
    old, now = (np.bincount(part, minlength=size) for part in np.split(at, [first.size]))
    observed = float(_distance(old, now[None])[0])
    drawn = _permuted(old + now, n, _enough(alpha, draws, old.size, at.size), seed)
    if drawn is None:
        from scipy.special import kolmogorov

        root = sqrt(first.size * n / (first.size + n))
        return DriftTest(float(kolmogorov(root * observed)), observed, f"{method}, limit law", n)
    p = share_beyond(_distance(old, drawn, old + now), observed)
    return DriftTest(p, observed, f"{method}, permutation", n)


def _checked_counts(reference: ArrayLike, new: ArrayLike) -> tuple[IntArray, IntArray]:
    old, now = np.asarray(reference), np.asarray(new)
    if old.ndim != 1 or old.shape != now.shape:
        raise ShapeError(f"counts are one for each level of both batches; got {old.shape} and {now.shape}")
    for name, counts in (("reference_counts", old), ("new_counts", now)):
        if counts.size and (counts.dtype.kind not in "iu" or counts.min() < 0):
            raise ShapeError(f"{name} must be whole numbers from 0")
    return old.astype(np.intp), now.astype(np.intp)


def _known(name: str, scores: ArrayLike) -> FloatArray:
    values = np.asarray(scores, float)
    if values.ndim != 1:
        raise ShapeError(f"{name} has shape {values.shape}; it must be one-dimensional")
    return np.asarray(values[~np.isnan(values)])


def _enough(alpha: float, draws: int | None, cells: int, total: int) -> int:
    """How many permutations to draw; 0 leaves it to the limit law."""
    needed = ceil(PER_LEVEL / alpha)
    found = max(LEAST_DRAWS, needed) if draws is None else draws
    return found if found >= needed and found * cells <= MOST_CELLS and total < MOST_ITEMS else 0


def _permuted(pooled: IntArray, n: int, draws: int, seed: int) -> IntArray | None:
    """Draw new batches of n items from both together; their counts, shape (draws, n_levels)."""
    if not draws:
        return None
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_hypergeometric(pooled, n, size=draws, method="marginals")
    return np.asarray(drawn, np.intp)


def share_beyond(drawn: FloatArray, observed: float) -> float:
    """P-value of a permutation test, the observed arrangement counted among the draws."""
    return float((1 + np.count_nonzero(drawn >= observed * (1 - 1e-9))) / (1 + drawn.size))


def _chi_squared(old: IntArray, new: IntArray, pooled: IntArray | None = None) -> FloatArray:
    """Pearson's statistic of each new batch; of `old` too unless it follows from what is pooled."""
    pooled = old + new[0] if pooled is None else pooled
    n, total = int(new[0].sum()), int(pooled.sum())
    expected = pooled * (n / total)
    # The two rows of a table of two err alike: (new - expected)² counts once for each.
    apart = np.asarray((new - expected) ** 2 / expected, float)
    return np.asarray(apart.sum(axis=1)) * (total / (total - n))


def _distance(old: IntArray, new: IntArray, pooled: IntArray | None = None) -> FloatArray:
    """Largest distance between the distribution functions of each new batch and the rest."""
    pooled = old + new[0] if pooled is None else pooled
    n, total = int(new[0].sum()), int(pooled.sum())
    apart = np.cumsum(new, axis=1) / n - np.cumsum(pooled - new, axis=1) / (total - n)
    found: FloatArray = np.abs(apart).max(axis=1)
    return found
