"""Several attempts at each task: how often all of them succeed, how often any does, how often they differ."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from judgekit.errors import ShapeError
from judgekit.stats.estimate import Estimate
from judgekit.stats.proportions import t_quantile, wilson
from judgekit.stats.rates import proportion
from judgekit.stats.sample import FEW_GROUPS, LEAST_GROUPS, FloatArray, codes_of, is_binary, join_notes


@dataclass(frozen=True, slots=True)
class Trials:
    """What several trials of each task say of the system that made them.

    Attributes
    ----------
    tasks, trials : int
        How many there are.
    least, most : int
        Fewest and most trials of a task.
    pass_hat : dict of int to Estimate
        pass^k for each possible k: the share of tasks on which k trials all pass.
    pass_at : dict of int to Estimate
        pass@k: the share of tasks on which at least one of k trials passes.
    flip_rate : Estimate
        How often two trials of the same task end differently.
    note : str
        What was left out, and which k rest on fewer tasks.
    """

    tasks: int
    trials: int
    least: int
    most: int
    pass_hat: dict[int, Estimate]
    pass_at: dict[int, Estimate]
    flip_rate: Estimate
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        return {
            "tasks": self.tasks,
            "trials": self.trials,
            "least": self.least,
            "most": self.most,
            "pass^k": {str(k): estimate.to_dict() for k, estimate in self.pass_hat.items()},
            "pass@k": {str(k): estimate.to_dict() for k, estimate in self.pass_at.items()},
            "flip_rate": self.flip_rate.to_dict(),
            "note": self.note,
        }


def trials(passed: ArrayLike, task: ArrayLike, *, confidence: float = 0.95) -> Trials:
    """Reliability over several trials of each task.

    With c of a task's T trials passed, pass^k is the mean of C(c,k)/C(T,k) over tasks, pass@k one less that
    of C(T−c,k)/C(T,k), and the flip rate that of 2c(T−c)/(T(T−1)). A task with fewer than k trials says
    nothing of k.

    Parameters
    ----------
    passed : array_like of float, shape (m,)
        1 where a trial passed, 0 where it failed; nan where that is not known: such a trial is left out.
    task : array_like, shape (m,)
        Which task it was a trial of. Tasks are taken for a random draw of those that matter.
    confidence : float
        Two-sided, 0..1.

    Returns
    -------
    Trials
        For every k up to the most trials of a task. The `n` of an estimate are the tasks it rests on; limits
        are nan below 5 of them.

    Raises
    ------
    ShapeError
        If the arrays differ in length, or an outcome is not 0, 1 or nan.

    References
    ----------
    pass^k: arXiv:2406.12045; pass@k: arXiv:2107.03374

    Examples
    --------
    >>> found = trials([1, 1, 0, 1, 0, 0], ["a", "a", "b", "b", "c", "c"])
    >>> [round(found.pass_hat[k].value, 3) for k in (1, 2)], round(found.flip_rate.value, 3)
    ([0.5, 0.333], 0.333)
    """
    outcome = np.asarray(passed, float)
    if outcome.ndim != 1 or not is_binary(outcome):
        raise ShapeError("passed must be one-dimensional: 1 for a pass, 0 for a failure, nan if not known")
    if not 0 < confidence < 1:
        raise ShapeError(f"confidence is {confidence}; it must lie between 0 and 1")
    codes = codes_of("task", task, outcome.size)
    known = ~np.isnan(outcome)
    total = np.bincount(codes[known], minlength=int(codes.max(initial=-1)) + 1).astype(float)
    hits = np.bincount(codes[known], weights=outcome[known], minlength=total.size).astype(float)
    lost = int(np.sum(~known))
    unknown = f"{lost} trial{'s' if lost > 1 else ''} without outcome left out" if lost else ""
    hits, total = hits[total > 0], total[total > 0]
    least, most = (int(total.min()), int(total.max())) if total.size else (0, 0)

    def mean(k: int, share: FloatArray) -> Estimate:
        return _mean_over_tasks(share[total >= k], confidence)

    ks = range(1, most + 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # tasks with too few trials, not used
        flips = 2 * hits * (total - hits) / (total * (total - 1))
        return Trials(
            total.size,
            int(total.sum()),
            least,
            most,
            {k: mean(k, _all_of(k, hits, total)) for k in ks},
            {k: mean(k, 1 - _all_of(k, total - hits, total)) for k in ks},
            mean(2, flips),
            join_notes(unknown, _uneven(total, least, most)),
        )


def _all_of(k: int, hits: FloatArray, total: FloatArray) -> FloatArray:
    """C(hits, k)/C(total, k), shape (tasks,): the chance that k trials drawn of a task's are all hits."""
    drawn = np.arange(k)
    return np.asarray(np.prod(np.maximum(hits[:, None] - drawn, 0) / (total[:, None] - drawn), axis=1))


def _uneven(total: FloatArray, least: int, most: int) -> str:
    if least == most:
        return ""
    fewer = f"k above {least} rests on those with enough ({int(np.sum(total == most))} at k = {most})"
    return f"tasks have {least} to {most} trials; {fewer}"


def _mean_over_tasks(share: FloatArray, confidence: float) -> Estimate:
    """Mean of a share within tasks, with Wilson limits at the size that has the variance of the mean.

    Where every share is 0 or 1 that is the number of tasks.
    """
    n, method = share.size, "Wilson over tasks"
    if n == 0:
        return Estimate.undefined("no task has enough trials", method=method, confidence=confidence)
    value = float(share.mean())
    if n < LEAST_GROUPS:
        few = f"{n} task{'s' if n > 1 else ''}: an interval needs at least {LEAST_GROUPS}"
        return Estimate(value, confidence=confidence, n=n, method=method, note=few)
    note = f"few tasks: {n}" if n < FEW_GROUPS else ""
    if is_binary(share):
        plain = proportion(share, confidence=confidence)
        return Estimate(value, plain.low, plain.high, confidence, n, method, note)
    # As for a corrected share: ½ in the sum of squares, so that tasks that agree keep a width.
    variance = (float(np.sum((share - value) ** 2)) + 0.5) / (n - 1.5) / n
    likely = (n * value + 2) / (n + 4)
    size, t = likely * (1 - likely) / variance, t_quantile((1 + confidence) / 2, n - 1)
    low, high = (float(limit) for limit in wilson(value, size, t))
    return Estimate(value, low, high, confidence, n, method, note)
