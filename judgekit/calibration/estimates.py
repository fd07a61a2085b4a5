"""The rates and means that a question is about: raw, from labels alone, and corrected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Answers, Floats, Ints, Question
from judgekit.calibration.results import Quantity
from judgekit.stats.applicable import applicable_mean
from judgekit.stats.cell_correction import post_stratified_mean
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate

UNSTATED = "how the labelled items were chosen is not stated"

PASS_RATE = "pass rate"
MEAN_SCORE = "mean score"


@dataclass(frozen=True)
class Outcomes:
    """People's outcomes of one question for the labelled items of a batch.

    Attributes
    ----------
    labelled : ndarray of int, shape (n,)
        Positions in the batch.
    codes, scores, passes : ndarrays, shape (n,)
        As in `HumanAnswers`.
    group : ndarray or None, shape (n,)
        Items of one group depend on each other.
    """

    labelled: Ints
    codes: Ints
    scores: Floats
    passes: Floats
    group: NDArray[np.str_] | None = None


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


def measures(question: Question) -> Iterator[Measure]:
    """Give what a question is about, the headline first."""
    criterion = question.criterion
    levels = criterion.range is None
    if criterion.pass_score is not None:
        yield Measure(PASS_RATE, lambda codes, scores, passes: passes, levels)
    if criterion.scored and criterion.scale != "binary":
        yield Measure(MEAN_SCORE, lambda codes, scores, passes: scores, False)
    if criterion.scale in ("categorical", "pairwise"):
        for code, label in enumerate(question.labels):
            yield Measure(f"share of {label}", _share_of(code), True)


def _share_of(code: int) -> Callable[[Ints, Floats, Floats], Floats]:
    return lambda codes, scores, passes: np.where(codes < 0, nan, codes == code)


def quantities(
    question: Question, judge: Answers, people: Outcomes, design: str, target: str
) -> tuple[Quantity, ...]:
    """Estimate every rate and mean of a question for the batch."""
    return tuple(
        _quantity(question, measure, judge, people, design, target) for measure in measures(question)
    )


def _quantity(
    question: Question, measure: Measure, judge: Answers, people: Outcomes, design: str, target: str
) -> Quantity:
    values = measure.of(judge.codes, judge.scores, judge.passes)
    outcome = measure.of(people.codes, people.scores, people.passes)
    raw = raw_mean(question, judge, values)
    if design == "unknown":
        unknown = Estimate.undefined(UNSTATED, n=outcome.size)
        return Quantity(measure.name, raw, unknown, unknown)
    arguments: dict[str, Any] = {"design": design, "target": target, "group": people.group}
    if arises_not(question, judge.codes, people.codes):
        return _applicable(question, measure, judge, people, values, outcome, raw, arguments)
    human = corrected_mean(values, people.labelled, outcome, method="human-only", **arguments)
    if measure.in_cells:
        cells: dict[str, Any] = {"order": question.places, "levels": len(question.cell_names)}
        corrected = post_stratified_mean(judge.codes, people.labelled, outcome, **cells, **arguments)
    else:
        corrected = corrected_mean(values, people.labelled, outcome, **arguments)
    return Quantity(measure.name, raw, human, corrected)


def raw_mean(question: Question, judge: Answers, values: Floats) -> float:
    """Mean of the judge's values over the items it gave one for; nan if none."""
    given = values[judge.answered & (judge.codes != question.not_applicable) & ~np.isnan(values)]
    return float(given.mean()) if given.size else nan


def arises_not(question: Question, *codes: Ints) -> bool:
    """Whether judge or people said of any item that the question does not arise."""
    return question.criterion.range is None and any(bool(np.any(c == question.not_applicable)) for c in codes)


def _applicable(
    question: Question,
    measure: Measure,
    judge: Answers,
    people: Outcomes,
    values: Floats,
    outcome: Floats,
    raw: float,
    arguments: dict[str, Any],
) -> Quantity:
    """Estimate a rate among the items to which the criterion applies."""
    said = np.where(judge.codes < 0, nan, (judge.codes != question.not_applicable).astype(float))
    applies = np.where(people.codes < 0, nan, (people.codes != question.not_applicable).astype(float))
    where = np.flatnonzero(applies != 0)
    group = None if people.group is None else people.group[where]
    alone = arguments | {"group": group}
    human = corrected_mean(values, people.labelled[where], outcome[where], method="human-only", **alone)
    corrected = applicable_mean(values, said, people.labelled, outcome, applies, **arguments)
    return Quantity(measure.name, raw, human, corrected)
