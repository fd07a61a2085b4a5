"""Which of several choices no other one beats on both of two things that should be low."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from judgekit.errors import ShapeError


def undominated(cost: ArrayLike, error: ArrayLike) -> NDArray[np.bool_]:
    """Whether each choice is on the frontier: none costs no more and errs no more, and less of either.

    Parameters
    ----------
    cost, error : array_like of float, shape (n_choices,)
        Lower is better; nan where unknown: such a choice is not on the frontier, and beats nobody.

    Returns
    -------
    ndarray of bool, shape (n_choices,)
        Of equal choices all are on it, or none.

    Raises
    ------
    ShapeError
        If the two differ in length.

    Examples
    --------
    >>> undominated([0, 1, 2, 2], [0.3, 0.2, 0.25, 0.1]).tolist()
    [True, True, False, True]
    """
    spent, wrong = np.asarray(cost, float), np.asarray(error, float)
    if spent.ndim != 1 or spent.shape != wrong.shape:
        raise ShapeError(f"cost has shape {spent.shape}, error {wrong.shape}; give one of each for a choice")
    no_worse = (spent[:, None] <= spent) & (wrong[:, None] <= wrong)
    better = (spent[:, None] < spent) | (wrong[:, None] < wrong)
    beaten = (no_worse & better).any(axis=0)
    return np.asarray(~beaten & ~np.isnan(spent) & ~np.isnan(wrong))
