"""The mean human outcome of a batch by cells that the caller defines."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.cells import CodePartition
from judgekit.stats.choice import Choice, corrected
from judgekit.stats.correction import check_batch_group, check_words, design_arrays
from judgekit.stats.estimate import Estimate
from judgekit.stats.sample import FloatArray, IntArray, checked_sample
from judgekit.stats.transfer import inversion_in_cells, mix_in_cells, transferred


def post_stratified_mean(
    cells: ArrayLike,
    labelled: ArrayLike,
    human: ArrayLike,
    *,
    order: ArrayLike | None = None,
    levels: int | None = None,
    design: str = "random",
    target: str = "process",
    probability: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    external: tuple[ArrayLike, ArrayLike] | None = None,
    shift: str | None = None,
    group: ArrayLike | None = None,
    batch_group: ArrayLike | None = None,
    assume: str | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Mean human outcome from cells that the caller defines, such as all levels of a nominal scale.

    Parameters
    ----------
    cells : array_like of int, shape (N,)
        Cell of each item of the batch, 0 to K−1; −1 = no verdict. An abstention is a cell of its own.
    labelled, human, target, stratum, group, batch_group, assume, confidence
        As in `corrected_mean`.
    order : array_like of float, shape (K,), optional
        Place of each cell on the judge's scale, nan for a cell that has none: small cells join their
        nearest. Without it the scale is nominal, and they join the largest.
    levels : int, optional
        K, where no `order` is given; by default one more than the largest code.
    design : {"random", "stratified", "external"}
        How the labelled items were drawn.
    probability : array_like of float, shape (m,), optional
        With which each external label's item was drawn, where not all were drawn alike.
    external : tuple of array_like, shapes (m,) and (m,), optional
        Cells and human outcomes of another batch.
    shift : {"mix", "prevalence"}, optional
        As in `corrected_mean`; "prevalence" inverts the confusion of cells and outcomes.

    Returns
    -------
    Estimate
        As from `corrected_mean`.

    Raises
    ------
    ShapeError
        As from `corrected_mean`, and for codes outside −1 to K−1.

    Examples
    --------
    >>> cells = [0, 1, 2, 1, 0] * 40
    >>> round(post_stratified_mean(cells, range(50), [0, 1, 1, 1, 0] * 10, order=[0, 1, 2]).value, 9)
    0.6
    """
    check_words(design, shift, assume)
    check_batch_group(design, batch_group)
    if design not in ("random", "stratified", "external"):
        raise ShapeError(f"design {design!r} has no cells; use random, stratified or external")
    places = _checked_order(order, levels, cells)
    partition = CodePartition(checked_codes("cells", cells, places.size), places)
    verdicts = np.where(partition.batch < 0, np.nan, 0.0)
    assumed = assume is not None
    if design == "external":
        rules = {"mix": mix_in_cells, "prevalence": inversion_in_cells}
        rule = None if shift is None else partial(rules[shift], partition=partition)
        batch = checked_sample(verdicts, labelled, human, target=target, confidence=confidence)
        check = partial(checked_codes, width=places.size)
        arrays: dict[str, Any] = {"probability": probability, "batch_group": batch_group}
        return transferred(batch, external, group, rule, check, assumed=assumed, **arrays)
    more = design_arrays(design, probability, stratum)
    sample = checked_sample(
        verdicts, labelled, human, target=target, group=group, confidence=confidence, **more
    )
    return corrected(sample, Choice(partition, assumed), assumed=assumed)


def _checked_order(order: ArrayLike | None, levels: int | None, cells: ArrayLike) -> FloatArray:
    """Places of the cells on the judge's scale, shape (K,); nan throughout for a nominal one."""
    if order is not None:
        places = np.asarray(order, float)
        if places.ndim != 1 or levels not in (None, places.size):
            raise ShapeError(f"order has shape {places.shape}; it must hold one place for each cell")
        return places
    width = levels if levels is not None else int(np.max(cells, initial=-1)) + 1
    return np.full(width, np.nan)


def checked_codes(name: str, codes: ArrayLike, width: int) -> IntArray:
    """One-dimensional integer codes from −1 to width − 1; ShapeError otherwise."""
    values = np.asarray(codes)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise ShapeError(f"{name} must be a one-dimensional array of integer codes")
    if values.size and (values.min() < -1 or values.max() >= width):
        raise ShapeError(f"{name} holds a code outside -1..{width - 1}")
    return values.astype(np.intp, copy=False)
