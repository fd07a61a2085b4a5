"""People's side of a calibration: settled answers, outcomes, and what each rater said."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Floats, Ints, Question
from judgekit.labels import LabelSet, Settled, raters_of
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, OVERALL, Criterion, Rubric
from judgekit.scoring import NOT_APPLICABLE_ANSWER, Answer, aggregate, answer


@dataclass(frozen=True)
class HumanAnswers:
    """What people answered to one question, for the n items they labelled.

    Attributes
    ----------
    ids : tuple of str, length n
    codes : ndarray of int, shape (n,)
        Level, or the code of "not applicable"; -1 where raters are split or none could tell, and
        throughout for a numeric scale.
    scores, passes : ndarray of float, shape (n,)
        nan where there is none.
    states : tuple of str, length n
        ``settled``, ``split`` or ``cannot_tell``.
    raters : ndarray, shape (n, R)
        Codes (-1 missing) or, on a numeric scale, scores (nan missing) of each independent rater.
    """

    ids: tuple[str, ...]
    codes: Ints
    scores: Floats
    passes: Floats
    states: tuple[str, ...]
    raters: Ints | Floats

    @cached_property
    def counts(self) -> Counter[str]:
        """Items by state."""
        return Counter(self.states)


def human_answers(labels: LabelSet, question: Question, rubric: Rubric) -> HumanAnswers:
    """Reduce labels to one answer an item; the item as a whole follows from its criteria by the rubric."""
    if question.name == OVERALL:
        return _overall(labels, question, rubric)
    criterion = question.criterion
    settled = labels.settled(criterion)
    given = [_scored(criterion, one) for one in settled.values()]
    return HumanAnswers(
        tuple(settled),
        np.array([_code(question, one) for one in settled.values()], np.intp),
        np.array([nan if a.score is None else a.score for a in given]),
        np.array([nan if a.passed is None else float(a.passed) for a in given]),
        tuple(one.state for one in settled.values()),
        _raters(labels, question, list(settled)),
    )


def _code(question: Question, one: Settled) -> int:
    if one.answer is None or question.criterion.range is not None:
        return -1
    return question.cell_names.index(str(one.answer))


def _scored(criterion: Criterion, one: Settled) -> Answer:
    if one.answer is None:
        return Answer("abstained")
    return NOT_APPLICABLE_ANSWER if one.answer == NOT_APPLICABLE else answer(criterion, one.answer)


def _overall(labels: LabelSet, question: Question, rubric: Rubric) -> HumanAnswers:
    by_criterion = {criterion.name: labels.settled(criterion) for criterion in rubric.criteria}
    # Only items of which people answered every criterion have a whole.
    ids = [key for key in labels.ids if all(key in found for found in by_criterion.values())]
    raters = raters_of(labels.labels)
    rows = [
        _whole(rubric, question, {n: _scored(rubric.by_name[n], f[key]) for n, f in by_criterion.items()})
        for key in ids
    ]
    states = []
    for key, (_, score, _) in zip(ids, rows, strict=True):
        open_ = [found[key].state for found in by_criterion.values() if found[key].state != "settled"]
        states.append(open_[0] if open_ and np.isnan(score) else "settled")
    return HumanAnswers(
        tuple(ids),
        np.array([code for code, _, _ in rows], np.intp),
        np.array([score for _, score, _ in rows]),
        np.array([passed for _, _, passed in rows]),
        tuple(states),
        _overall_raters(labels, question, rubric, ids, raters),
    )


def _whole(rubric: Rubric, question: Question, answers: Mapping[str, Answer]) -> tuple[int, float, float]:
    result = aggregate(rubric, answers)
    if question.criterion.scale == "binary":
        if result.passed is not None:
            return (
                question.labels.index("pass" if result.passed else "fail"),
                float(result.passed),
                float(result.passed),
            )
    elif result.score is not None:
        code = question.labels.index(result.label) if result.label in question.labels else -1
        return code, result.score, nan
    applies = any(a.state != "not_applicable" for a in answers.values())
    return (-1 if applies else question.not_applicable), nan, nan


def _overall_raters(
    labels: LabelSet, question: Question, rubric: Rubric, ids: list[str], raters: list[str]
) -> Ints | Floats:
    said: dict[tuple[str, str], dict[str, Answer]] = {}
    for label in labels.labels:
        if not label.repeat and label.criterion != OVERALL:
            one = Settled(None if label.answer == ABSTAIN else label.answer, "settled", 1)
            said.setdefault((label.id, label.rater), {})[label.criterion] = _scored(
                rubric.by_name[label.criterion], one
            )
    numeric = question.criterion.range is not None
    table = np.full((len(ids), len(raters)), nan if numeric else -1.0)
    for row, key in enumerate(ids):
        for column, rater in enumerate(raters):
            answers = said.get((key, rater), {})
            if len(answers) == len(rubric.criteria):
                code, score, _ = _whole(rubric, question, answers)
                table[row, column] = score if numeric else code
    return table if numeric else table.astype(np.intp)


def _raters(labels: LabelSet, question: Question, ids: list[str]) -> Ints | Floats:
    grouped = labels.by_item(question.name)
    raters = raters_of(label for found in grouped.values() for label in found)
    numeric = question.criterion.range is not None
    table = np.full((len(ids), len(raters)), nan if numeric else -1.0)
    column = {rater: place for place, rater in enumerate(raters)}
    for row, key in enumerate(ids):
        for label in grouped[key]:
            if label.repeat or label.rater not in column or label.answer == ABSTAIN:
                continue
            if not numeric:
                table[row, column[label.rater]] = question.cell_names.index(str(label.answer))
            elif label.answer != NOT_APPLICABLE:
                table[row, column[label.rater]] = question.criterion.score_of(label.answer) or 0.0
    return table if numeric else table.astype(np.intp)


def is_settled(answers: HumanAnswers) -> NDArray[np.bool_]:
    """Whether each item has a human answer."""
    return np.array([state == "settled" for state in answers.states], bool)
