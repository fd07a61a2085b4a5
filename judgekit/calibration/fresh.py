"""Fresh labels of a new batch: an estimate that assumes nothing, and do verdicts mean what they meant."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from judgekit.calibration.batch import Answers, Floats, GradedBatch, Ints, Question
from judgekit.calibration.card import numbered
from judgekit.calibration.estimates import Measure, Outcomes, arises_not, bounds, by_applicable, measures
from judgekit.calibration.human import HumanAnswers
from judgekit.calibration.pairs import Pairs
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.fixed_slope import fixed_slope_mean
from judgekit.stats.meaning import MeaningDrift, meaning_drift
from judgekit.stats.weighted import weighted_slope

LEAST_FRESH = 15
FRESH = "fresh labels"
ALONE = "human only"


@dataclass(frozen=True)
class Fresh:
    """What people answered to one question on the labelled items of the new batch.

    Attributes
    ----------
    people : HumanAnswers
    labelled : ndarray of int, shape (n,)
        Positions in the batch.
    """

    people: HumanAnswers
    labelled: Ints

    @classmethod
    def of(cls, batch: GradedBatch, people: HumanAnswers) -> "Fresh":
        """Find the labelled items in the batch."""
        return cls(people, np.array([batch.position[key] for key in people.ids], np.intp))

    @property
    def enough(self) -> bool:
        """Whether an estimate of their own is worth having."""
        return self.people.counts["settled"] >= LEAST_FRESH


def fresh_estimates(
    batch: GradedBatch, question: Question, fresh: Fresh, earlier: Pairs, target: str, confidence: float
) -> dict[str, dict[str, Estimate]]:
    """Give each rate by fresh labels alone, and corrected by what a verdict was worth before."""
    judge, group = batch.answers[question.name], None if batch.groups is None else numbered(batch.groups)
    people = fresh.people
    outcomes = Outcomes(fresh.labelled, people.codes, people.scores, people.passes, group)
    how: dict[str, Any] = {"target": target, "confidence": confidence}
    how["group"] = group if target == "process" else None
    return {m.name: _estimates(question, m, judge, outcomes, earlier, how) for m in measures(question)}


def _estimates(
    question: Question, measure: Measure, judge: Answers, fresh: Outcomes, earlier: Pairs, how: dict[str, Any]
) -> dict[str, Estimate]:
    outcome = measure.of(fresh.codes, fresh.scores, fresh.passes)
    values = measure.of(judge.codes, judge.scores, judge.passes)
    if arises_not(question, judge.codes, fresh.codes):
        human, corrected = by_applicable(question, judge, fresh, values, outcome, {"design": "random", **how})
    else:
        human = corrected_mean(values, fresh.labelled, outcome, method="human-only", **how)
        expected = expected_outcome(question, measure, judge, earlier)
        corrected = fixed_slope_mean(expected, fresh.labelled, outcome, **how)
    return {ALONE: bounds(human, outcome), FRESH: bounds(corrected, outcome)}


def expected_outcome(question: Question, measure: Measure, judge: Answers, earlier: Pairs) -> Floats:
    """Give, for each item of the batch, what people said before of items with such a verdict.

    Returns
    -------
    ndarray of float, shape (N,)
        The mean outcome at the verdict's level, drawn towards the mean of all as two more labels would; on a
        scale without levels, the least-squares line, no steeper than the judge and never falling.
    """
    outcome = measure.of(*earlier.people)
    known = ~np.isnan(outcome)
    weight = np.ones(outcome.size) if earlier.probability is None else 1 / earlier.probability
    weight, outcome = weight[known], outcome[known]
    mean = float(np.average(outcome, weights=weight)) if outcome.size else 0.5
    cells = (
        _cells(question, measure, judge.codes, judge.passes),
        _cells(question, measure, earlier.judge[0], earlier.judge[2]),
    )
    if cells[0] is not None and cells[1] is not None:
        now, before = cells[0], cells[1][known]
        width = int(max(now.max(initial=0), before.max(initial=0))) + 1
        share = weight * weight.size / weight.sum() if weight.size else weight
        total = np.bincount(before, weights=share, minlength=width)
        hits = np.bincount(before, weights=share * outcome, minlength=width)
        return np.asarray(((hits + 2 * mean) / (total + 2))[now])
    return _line(judge.scores, earlier.judge[1][known], outcome, weight, mean)


def _cells(question: Question, measure: Measure, codes: Ints, passes: Floats) -> Ints | None:
    """Give what the judge said as numbers, 0 for no verdict; None for scores without levels."""
    if question.criterion.range is None:
        return codes + 1
    if measure.rate:
        return np.where(np.isnan(passes), 0, passes + 1).astype(np.intp)
    return None


def _line(now: Floats, before: Floats, outcome: Floats, weight: Floats, mean: float) -> Floats:
    given = ~np.isnan(before)
    if not given.any():
        return np.full(now.size, mean)
    middle = float(np.average(before[given], weights=weight[given]))
    slope = weighted_slope(outcome[given], before[given], weight[given])
    line = mean + slope * (now - middle)
    return np.clip(np.where(np.isnan(line), mean, line), 0, 1)


def meaning(
    batch: GradedBatch, question: Question, fresh: Fresh, earlier: Pairs, alpha: float
) -> MeaningDrift | None:
    """Test whether people still say of a verdict what they said before; None for scores without levels."""
    measure = next(measures(question))
    judge = batch.answers[question.name]
    now, before = (
        _cells(question, measure, codes, passes)
        for codes, passes in ((judge.codes, judge.passes), (earlier.judge[0], earlier.judge[2]))
    )
    if now is None or before is None:
        return None
    people = fresh.people
    after = measure.of(people.codes, people.scores, people.passes)
    names = ("fail", "pass") if question.criterion.range is not None else question.cell_names
    return meaning_drift(
        before - 1, measure.of(*earlier.people), now[fresh.labelled] - 1, after, names=names, alpha=alpha
    )
