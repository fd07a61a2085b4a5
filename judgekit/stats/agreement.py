"""Agreement of two raters, from the table of what each said.

The ``*_of_tables`` functions take a stack of tables of counts or weights, shape (..., K, K), rows
the human and columns the judge, so that the bootstrap evaluates all its tables at once. They work
with disagreement (one minus agreement), because then "one level used" gives exactly 0 / 0.
"""

import numpy as np
from numpy.typing import ArrayLike

from judgekit.stats.codes import Levels, confusion_table, disagreement
from judgekit.stats.sample import FloatArray


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with nan wherever the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominator == 0, np.nan, numerator / denominator))


def kappa_of_tables(tables: FloatArray, apart: FloatArray) -> FloatArray:
    """Cohen's kappa of each table; `apart` are disagreement weights, shape (K, K)."""
    rows, cols = tables.sum(axis=-1), tables.sum(axis=-2)
    observed = (tables * apart).sum(axis=(-2, -1)) * rows.sum(axis=-1)
    return 1 - ratio(observed, ((rows @ apart) * cols).sum(axis=-1))


def pi_of_tables(tables: FloatArray) -> FloatArray:
    """Scott's pi of each table."""
    apart = 1 - np.eye(tables.shape[-1])
    both = tables.sum(axis=-1) + tables.sum(axis=-2)
    observed = (tables * apart).sum(axis=(-2, -1)) * both.sum(axis=-1) * 2
    return 1 - ratio(observed, ((both @ apart) * both).sum(axis=-1))


def mcc_of_tables(tables: FloatArray) -> FloatArray:
    """Gorodkin's correlation of each table: Matthews' phi where K = 2."""
    apart = 1 - np.eye(tables.shape[-1])
    rows, cols = tables.sum(axis=-1), tables.sum(axis=-2)
    hits = np.trace(tables, axis1=-2, axis2=-1)
    covariance = hits * rows.sum(axis=-1) - (rows * cols).sum(axis=-1)
    # N² - Σ row² written as the sum over pairs of different levels: exactly 0 for a constant rater
    spread = ((rows @ apart) * rows).sum(axis=-1) * ((cols @ apart) * cols).sum(axis=-1)
    return ratio(covariance, np.sqrt(spread))


def percent_agreement(a: ArrayLike, b: ArrayLike) -> float:
    """Share of items that two raters gave the same level.

    Of a pairwise judge's answers before and after the swap this is its position consistency.

    Parameters
    ----------
    a, b : array_like of int, shape (n_items,)
        Level codes; an item where either is -1 is left out.

    Returns
    -------
    float
        0..1; nan if no item has both labels.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a label is not a code.
    """
    table = confusion_table(a, b).astype(float)
    return float(ratio(np.trace(table), table.sum()))


def cohen_kappa(a: ArrayLike, b: ArrayLike, weights: str | None = None, levels: Levels = None) -> float:
    """Agreement of two raters beyond what their own level shares would give by chance.

    Parameters
    ----------
    a, b : array_like of int, shape (n_items,)
        Level codes; an item where either is -1 is left out.
    weights : {None, "linear", "quadratic", "ordinal"}
        How far apart two levels are; see :func:`judgekit.stats.codes.disagreement`.
    levels : sequence, optional
        The declared scale, its values where it is numeric.

    Returns
    -------
    float
        -1..1; 0 is chance; nan if no item has both labels or both raters used one and the same level.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a label is not a code on the scale.

    References
    ----------
    Cohen (1960), doi:10.1177/001316446002000104; weighted: Cohen (1968), doi:10.1037/h0026256

    Examples
    --------
    >>> round(cohen_kappa([0, 0, 1, 1], [0, 1, 1, 1]), 3)
    0.5
    """
    table = confusion_table(a, b, levels).astype(float)
    return float(kappa_of_tables(table, disagreement(weights, levels, len(table))))


def scott_pi(a: ArrayLike, b: ArrayLike, levels: Levels = None) -> float:
    """Agreement of two raters beyond what their pooled level shares would give by chance.

    Parameters
    ----------
    a, b : array_like of int, shape (n_items,)
        Level codes; an item where either is -1 is left out.
    levels : sequence, optional
        The declared scale, against which codes are checked.

    Returns
    -------
    float
        -1..1; nan if no item has both labels or only one level was used.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a label is not a code on the scale.

    References
    ----------
    Scott (1955), doi:10.1086/266577
    """
    return float(pi_of_tables(confusion_table(a, b, levels).astype(float)))


def matthews_corrcoef(a: ArrayLike, b: ArrayLike) -> float:
    """Correlation of two raters' levels: phi for two levels, Gorodkin's coefficient for more.

    Parameters
    ----------
    a, b : array_like of int, shape (n_items,)
        Level codes; an item where either is -1 is left out.

    Returns
    -------
    float
        -1..1; nan if either rater used a single level.

    Raises
    ------
    ShapeError
        If the raters differ in length, or a label is not a code.

    References
    ----------
    Matthews (1975), doi:10.1016/0005-2795(75)90109-9; Gorodkin (2004),
    doi:10.1016/j.compbiolchem.2004.09.006
    """
    return float(mcc_of_tables(confusion_table(a, b).astype(float)))
