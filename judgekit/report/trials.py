"""Several trials of each task, as the page shows them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from judgekit._text import plural
from judgekit.stats.estimate import Estimate

SHOWN_K = 10


def trial_lines(outcomes: Sequence[tuple[str, bool | None]]) -> dict[str, Any]:
    """Give what the template lays out; no rows where no task was tried twice, or nothing passes or fails.

    Parameters
    ----------
    outcomes : sequence of (str, bool or None)
        Task, and whether this trial passed; None where that is not known.
    """
    known = [(task, passed) for task, passed in outcomes if passed is not None]
    tried = Counter(task for task, _ in known)
    if not known or max(tried.values()) < 2:
        return {"rows": []}
    from judgekit.stats.trials import trials

    found = trials([float(passed) for _, passed in known], [task for task, _ in known])
    ks = list(found.pass_hat)[:SHOWN_K]
    note = f" {found.note[0].upper()}{found.note[1:]}." if found.note else ""
    return {
        "rows": [(k, _words(found.pass_hat[k]), _words(found.pass_at[k])) for k in ks],
        "said": f"{plural(found.tasks, 'task')}, {plural(found.trials, 'trial')} with an outcome.{note}",
        "flips": f"Flip rate, how often two trials of one task end differently: {_words(found.flip_rate)}.",
    }


def _words(estimate: Estimate) -> str:
    if estimate.value != estimate.value:
        return "–"
    if estimate.low != estimate.low:
        return f"{estimate.value:.1%} (too few tasks for an interval)"
    return f"{estimate.value:.1%} ({100 * estimate.low:.1f}–{100 * estimate.high:.1f})"
