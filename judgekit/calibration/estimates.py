"""The rates and means that a question is about: raw, from labels alone, and corrected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

import numpy as np

from judgekit.calibration.batch import Answers, Floats, Ints, Question
from judgekit.calibration.results import Quantity
from judgekit.rubric import Criterion
from judgekit.stats.applicable import applicable_mean
from judgekit.stats.cell_correction import post_stratified_mean
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.sample import join_notes

UNSTATED = "it is not stated how the labelled items were chosen from these"
ELSEWHERE = "the labelled items are no sample of a graded batch"
NO_RATE = {"unknown": UNSTATED, "external": ELSEWHERE}

PASS_RATE = "pass rate"
MEAN_SCORE = "mean score"
WON = "share won by a, ties half"


@dataclass(frozen=True)
class Outcomes:
    """People's outcomes of one question for the labelled items of a batch.

    Attributes
    ----------
    labelled : ndarray of int, shape (n,)
        Positions in the batch.
    codes, scores, passes : ndarrays, shape (n,)
        As in `HumanAnswers`.
    group : ndarray or None, shape (N,)
        Group of each item of the batch; items of one group depend on each other.
    probability : ndarray or None, shape (n,)
        With which each labelled item was drawn.
    stratum : ndarray or None, shape (N,)
        From which each item of the batch was, or would have been, drawn.
    """

    labelled: Ints
    codes: Ints
    scores: Floats
    passes: Floats
    group: Ints | None = None
    probability: Floats | None = None
    stratum: Ints | None = None


@dataclass(frozen=True)
class Measure:
    """One rate or mean of a question: how to read it off answers of judge and people.

    Attributes
    ----------
    name : str
    of : callable
        Codes, scores and passes to values, 0..1; nan where there is none.
    in_cells : bool
        Whether the outcome is 0/1 and the judge's answers are levels, so that cells carry the correction.
    """

    name: str
    of: Callable[[Ints, Floats, Floats], Floats]
    in_cells: bool

    @property
    def rate(self) -> bool:
        """Whether it is the share of items that pass."""
        return self.name == PASS_RATE


def measures(question: Question) -> Iterator[Measure]:
    """Give what a question is about, the headline first."""
    criterion = question.criterion
    levels = criterion.range is None
    if criterion.pass_score is not None:
        yield Measure(PASS_RATE, lambda codes, scores, passes: passes, levels)
    if criterion.scored and criterion.scale != "binary":
        yield Measure(_mean_name(criterion), lambda codes, scores, passes: scores, False)
    if criterion.scale in ("categorical", "pairwise"):
        for code, label in enumerate(question.labels):
            yield Measure(f"share of {label}", _share_of(code), True)


def _mean_name(criterion: Criterion) -> str:
    """Name the mean of the scores by what people know of it: sides of a pair, or their own range."""
    if criterion.scale == "pairwise":
        return WON
    if criterion.range is None or criterion.range == (0.0, 1.0):
        return MEAN_SCORE
    low, high = criterion.range
    return f"{MEAN_SCORE} ({low:g} to {high:g} as 0 to 1)"


def is_mean(name: str) -> bool:
    """Whether a quantity is a mean of scores rather than a rate of one kind of item."""
    return name == WON or in_scores(name)


def in_scores(name: str) -> bool:
    """Whether a quantity is written as a score, not in per cent."""
    return name.startswith(MEAN_SCORE)


def _share_of(code: int) -> Callable[[Ints, Floats, Floats], Floats]:
    return lambda codes, scores, passes: np.where(codes < 0, nan, codes == code)


def quantities(
    question: Question,
    judge: Answers,
    people: Outcomes,
    design: str,
    target: str,
    confidence: float = 0.95,
) -> tuple[Quantity, ...]:
    """Estimate every rate and mean of a question for the batch."""
    return tuple(
        _quantity(question, measure, judge, people, design, target, confidence)
        for measure in measures(question)
    )


def _quantity(
    question: Question,
    measure: Measure,
    judge: Answers,
    people: Outcomes,
    design: str,
    target: str,
    confidence: float,
) -> Quantity:
    values = measure.of(judge.codes, judge.scores, judge.passes)
    outcome = measure.of(people.codes, people.scores, people.passes)
    raw = raw_mean(question, judge, values)
    if design in NO_RATE:
        unknown = Estimate.undefined(NO_RATE[design], n=outcome.size)
        return Quantity(measure.name, raw, unknown, unknown)
    # Items are drawn one by one: for the mean of just these items it does not matter which depend on others.
    group = people.group if target == "process" else None
    if group is not None and people.labelled.size == group.size:
        group = group[people.labelled]  # all are labelled: in the order of the labels
    arguments: dict[str, Any] = {
        "design": design, "target": target, "group": group, "confidence": confidence,
        "probability": people.probability, "stratum": people.stratum,
    }  # fmt: skip
    if arises_not(question, judge.codes, people.codes):
        human, corrected = by_applicable(question, judge, people, values, outcome, arguments)
    else:
        human = corrected_mean(values, people.labelled, outcome, method="human-only", **arguments)
        corrected = _corrected(question, measure, judge, people, values, outcome, arguments)
    human = _one_sided(human) if group is None and design == "random" else human
    return Quantity(measure.name, raw, *(bounds(one, outcome) for one in (human, corrected)))


def _corrected(
    question: Question,
    measure: Measure,
    judge: Answers,
    people: Outcomes,
    values: Floats,
    outcome: Floats,
    arguments: dict[str, Any],
) -> Estimate:
    if not measure.in_cells or arguments["design"] == "probability":
        return corrected_mean(values, people.labelled, outcome, **arguments)
    arguments = {name: value for name, value in arguments.items() if name != "probability"}
    cells: dict[str, Any] = {"order": question.places, "levels": len(question.cell_names)}
    return post_stratified_mean(judge.codes, people.labelled, outcome, **cells, **arguments)


def _one_sided(human: Estimate) -> Estimate:
    """Say of what never, or always, occurred how frequent, or rare, it may be all the same."""
    if human.value not in (0.0, 1.0) or human.low == human.high:
        return human
    bound = 0.05 ** (1 / human.n)
    most = f"one-sided 95 %: at most {100 * (1 - bound):.1f} %"
    least = f"one-sided 95 %: at least {100 * bound:.1f} %"
    return replace(human, note=join_notes(human.note, least if human.value else most))


def bounds(estimate: Estimate, outcome: Floats) -> Estimate:
    """Say in the words of this package why there are limits but no value."""
    if estimate.defined or isnan(estimate.low):
        return estimate
    missing = f"{int(np.isnan(outcome).sum())} of {outcome.size} outcomes are missing"
    return replace(estimate, note=f"{missing}: the limits hold whatever they would have been")


def raw_mean(question: Question, judge: Answers, values: Floats) -> float:
    """Mean of the judge's values over the items it gave one for; nan if none."""
    given = values[judge.answered & (judge.codes != question.not_applicable) & ~np.isnan(values)]
    return float(given.mean()) if given.size else nan


def arises_not(question: Question, *codes: Ints | Floats) -> bool:
    """Whether judge or people said of any item that the question does not arise."""
    return any(bool(np.any(c == question.not_applicable)) for c in codes)


def by_applicable(
    question: Question,
    judge: Answers,
    people: Outcomes,
    values: Floats,
    outcome: Floats,
    arguments: dict[str, Any],
) -> tuple[Estimate, Estimate]:
    """Estimate a rate among the items to which the criterion applies, from labels alone and corrected."""
    said = np.where(judge.answered & ~np.isnan(values), 1.0, nan)
    said[judge.codes == question.not_applicable] = 0.0
    applies = np.where(np.isnan(outcome), nan, 1.0)
    applies[people.codes == question.not_applicable] = 0.0
    # A judge that says the same of every item takes nothing out: the labels alone, on the same footing.
    alone = (np.full(values.size, 0.5), np.ones(values.size))
    human = applicable_mean(*alone, people.labelled, outcome, applies, **arguments)
    human = replace(human, method="human-only", note="" if human.defined else human.note)
    return human, applicable_mean(values, said, people.labelled, outcome, applies, **arguments)
