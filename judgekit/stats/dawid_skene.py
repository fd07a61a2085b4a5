"""True levels and raters' errors at once, from the labels of raters who err each in their own way."""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.codes import Levels, read_codes
from judgekit.stats.sample import FloatArray, IntArray

LEAST_COUNT = 1e-10
UNLABELLED = "{} without a label have no answer"


@dataclass(frozen=True, slots=True, eq=False)
class DawidSkene:
    """What the labels say of the items and of the raters.

    Attributes
    ----------
    posterior : ndarray of float, shape (n_items, K)
        Probability of each level; nan for an item without labels.
    prior : ndarray of float, shape (K,)
        Share of items of each level.
    errors : ndarray of float, shape (n_raters, K, K)
        Probability of each answer (last axis) by the true level; nan for a rater without labels.
    answer : ndarray of int, shape (n_items,)
        Code of the most probable level, the lowest of equals; -1 without labels.
    noise : float
        Share of single labels that differ from the true level.
    iterations : int
        How many were made.
    note : str
        What the reader must know.
    """

    posterior: FloatArray
    prior: FloatArray
    errors: FloatArray
    answer: IntArray
    noise: float
    iterations: int
    note: str = ""


def dawid_skene(
    ratings: ArrayLike,
    levels: Levels = None,
    *,
    iterations: int = 100,
    tol: float = 0.0,
    smoothing: float = 0.5,
) -> DawidSkene:
    """Estimate true levels by the expectation-maximisation algorithm of Dawid and Skene.

    It starts from the vote shares of each item. It believes raters who agree with the rest, so it must
    not be given a judge as one of them: many alike would outvote the people.

    Parameters
    ----------
    ratings : array_like of int, shape (n_items, n_raters)
        Level codes; -1 where a rater gave no label.
    levels : sequence, optional
        The declared scale; without it the highest code used is the last level.
    iterations : int
        At most so many; each estimates levels, shares, errors.
    tol : float
        Stop early when no probability moves by more. At 0 the result is that of all iterations.
    smoothing : float
        Added to each count of a rater's answers by true level. At 0 the likelihood is maximised as
        published, and a rater may come out as one who never errs.

    Returns
    -------
    DawidSkene

    Raises
    ------
    ShapeError
        If not two-dimensional, a label is no code on the scale, or an option is out of range.

    References
    ----------
    Dawid & Skene (1979), doi:10.2307/2346806

    Examples
    --------
    >>> found = dawid_skene([[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1]] * 9)
    >>> found.answer[:4].tolist(), round(found.noise, 2)
    ([0, 1, 0, 1], 0.17)
    """
    table = np.asarray(ratings)
    if table.ndim != 2:
        raise ShapeError(f"ratings must have shape (items, raters), got {table.shape}")
    item, rater = np.nonzero(table != -1)
    return dawid_skene_of_labels(
        item,
        rater,
        table[item, rater],
        levels,
        shape=(table.shape[0], table.shape[1]),
        iterations=iterations,
        tol=tol,
        smoothing=smoothing,
    )


def dawid_skene_of_labels(
    item: ArrayLike,
    rater: ArrayLike,
    code: ArrayLike,
    levels: Levels = None,
    *,
    shape: tuple[int, int] | None = None,
    iterations: int = 100,
    tol: float = 0.0,
    smoothing: float = 0.5,
) -> DawidSkene:
    """Do the same for a list of labels: of many raters, each of whom saw a few items.

    Parameters
    ----------
    item, rater : array_like of int, shape (n_labels,)
        Who labelled what, both counted from 0.
    code : array_like of int, shape (n_labels,)
        The level.
    shape : tuple of int, optional
        Number of items and of raters; without it the highest ones used are the last.
    levels, iterations, tol, smoothing
        As in `dawid_skene`.

    Returns
    -------
    DawidSkene

    Raises
    ------
    ShapeError
        As `dawid_skene`; also if the lists differ in length.

    References
    ----------
    Dawid & Skene (1979), doi:10.2307/2346806
    """
    if not (iterations >= 0 and tol >= 0 and smoothing >= 0):
        raise ShapeError("iterations, tol and smoothing must not be negative")
    items, raters, codes, size = _read_labels(item, rater, code, levels)
    n_items, n_raters = shape or (int(items.max(initial=-1)) + 1, int(raters.max(initial=-1)) + 1)
    if items.max(initial=-1) >= n_items or raters.max(initial=-1) >= n_raters:
        raise ShapeError(f"a label lies outside the shape {(n_items, n_raters)}")
    given = _incidence(items, raters * size + codes, n_items, n_raters * size)
    seen = np.bincount(items, minlength=n_items) > 0
    posterior = _vote(items, codes, n_items, size)
    prior, errors = _maximised(posterior, seen, given, size, smoothing)
    made = 0
    while made < iterations:
        before, made = posterior, made + 1
        posterior = _expected(given, prior, errors)
        prior, errors = _maximised(posterior, seen, given, size, smoothing)
        if np.max(np.abs(posterior - before), initial=0.0) <= tol:
            break
    wrong = float(1 - posterior[items, codes].mean()) if items.size else nan
    answer = np.where(seen, posterior.argmax(axis=1), -1)
    posterior[~seen] = nan
    blank = int((~seen).sum())
    note = UNLABELLED.format("1 item" if blank == 1 else f"{blank} items") if blank else ""
    return DawidSkene(posterior, prior, errors.transpose(0, 2, 1), answer, wrong, made, note)


def _read_labels(
    item: ArrayLike, rater: ArrayLike, code: ArrayLike, levels: Levels
) -> tuple[IntArray, IntArray, IntArray, int]:
    lists = [np.asarray(one) for one in (item, rater, code)]
    if any(one.ndim != 1 or one.size != lists[0].size for one in lists):
        raise ShapeError(f"item, rater and code must be of one length, got {[one.shape for one in lists]}")
    if any(one.size and (one.dtype.kind not in "iu" or one.min() < 0) for one in lists[:2]):
        raise ShapeError("item and rater must be numbers from 0")
    codes, size = read_codes(lists[2][:, None] if lists[2].size else np.empty((0, 1), np.intp), levels)
    if codes.min(initial=0) < 0:
        raise ShapeError("code must be a level of each label; leave out labels that were not given")
    return lists[0].astype(np.intp), lists[1].astype(np.intp), codes[:, 0], size


def _incidence(items: IntArray, answers: IntArray, n_items: int, n_answers: int) -> Any:
    """Sparse 0/1 matrix of items by (rater, answer), and its transpose, each in rows for fast products."""
    from scipy.sparse import csr_array

    ones = np.ones(items.size)
    given = csr_array((ones, (items, answers)), shape=(n_items, n_answers))
    return given, given.T.tocsr()


def _vote(items: IntArray, codes: IntArray, n_items: int, size: int) -> FloatArray:
    counts = np.bincount(items * size + codes, minlength=n_items * size).reshape(n_items, size)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _maximised(
    posterior: FloatArray, seen: Any, given: Any, size: int, smoothing: float
) -> tuple[FloatArray, FloatArray]:
    """Level shares, and the errors of each rater, shape (R, answer, true level), that fit the levels best."""
    prior = posterior[seen].mean(axis=0) if seen.any() else np.full(size, nan)
    counts = (given[1] @ posterior).reshape(-1, size, size)
    labelled = counts.sum(axis=(1, 2), keepdims=True) > 0
    if smoothing:
        counts = counts + smoothing
    else:  # an answer that was given is never impossible, one that was not is not made possible
        used = counts.sum(axis=2, keepdims=True) > 0
        counts = np.where(used, np.maximum(counts, LEAST_COUNT), 0.0)
    counts[~labelled[:, 0, 0]] = nan
    return prior, counts / counts.sum(axis=1, keepdims=True)


def _expected(given: Any, prior: FloatArray, errors: FloatArray) -> FloatArray:
    """Probability of each level of each item."""
    with np.errstate(divide="ignore"):
        likely, logs = np.log(prior), np.log(errors).reshape(-1, prior.size)
    # the logarithm of 0, where a rater never gave an answer, meets no label in the sparse product
    scores = given[0] @ logs + likely
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return np.asarray(scores)
