"""People's side of a calibration: settled answers, outcomes, and what each rater said."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Floats, Ints, Question
from judgekit.calibration.tie_breakers import tie_breakers
from judgekit.labels import LabelSet, Settled, raters_of
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, OVERALL, Criterion, Rubric
from judgekit.scoring import NOT_APPLICABLE_ANSWER, Answer, aggregate, answer

OPEN = ("split", "partial", "cannot_tell")
UNKNOWN = Answer("failed")


@dataclass(frozen=True)
class HumanAnswers:
    """What people answered to one question, for the n items they labelled.

    Attributes
    ----------
    ids : tuple of str, length n
    codes : ndarray of int, shape (n,)
        Level, or the code of "not applicable"; -1 where there is no answer, and for a number.
    scores, passes : ndarray of float, shape (n,)
        nan where there is none.
    states : tuple of str, length n
        ``settled``, ``split``, ``cannot_tell``, or, of the item as a whole, ``partial``: some criterion
        that would decide was not answered.
    raters : ndarray, shape (n, R)
        Codes (-1 missing) or, on a numeric scale, scores (nan missing) of each independent rater.
    own : ndarray of int, shape (n,), or None
        What people said of the item as a whole when asked just that; never part of the outcome.
    tie_breakers : frozenset of str
        Raters who were asked where others differ: part of the outcome, not of what raters say of each other.
    independent : ndarray, shape (n, R or less), or None
        `raters` without theirs.
    """

    ids: tuple[str, ...]
    codes: Ints
    scores: Floats
    passes: Floats
    states: tuple[str, ...]
    raters: Ints | Floats
    own: Ints | None = None
    tie_breakers: frozenset[str] = frozenset()
    independent: Ints | Floats | None = None

    @cached_property
    def counts(self) -> Counter[str]:
        """Items by state."""
        return Counter(self.states)


def human_answers(labels: LabelSet, question: Question, rubric: Rubric) -> HumanAnswers:
    """Reduce labels to one answer an item; the item as a whole follows from its criteria by the rubric."""
    if question.name == OVERALL:
        return _overall(labels, question, rubric)
    # Sorted, so that the order of rows decides nothing.
    settled = dict(sorted(labels.settled(question.criterion).items()))
    given = [_scored(question.criterion, one) for one in settled.values()]
    raters, table = _raters(labels, question, list(settled))
    later = _named(raters, table)
    return HumanAnswers(
        tuple(settled),
        np.array([_code(question, one.answer) for one in settled.values()], np.intp),
        np.array([nan if a.score is None else a.score for a in given]),
        np.array([nan if a.passed is None else float(a.passed) for a in given]),
        tuple(one.state for one in settled.values()),
        _in_order(table),
        tie_breakers=later,
        independent=_in_order(_without(table, raters, later)),
    )


def _code(question: Question, given: str | float | None) -> int:
    if given == NOT_APPLICABLE:
        return question.not_applicable
    if given is None or question.criterion.range is not None:
        return -1
    return question.labels.index(str(given))


def _scored(criterion: Criterion, one: Settled) -> Answer:
    """Reduce to what aggregation needs; a split and "cannot tell" are as open as an answer never given."""
    if one.answer is None:
        return UNKNOWN
    return NOT_APPLICABLE_ANSWER if one.answer == NOT_APPLICABLE else answer(criterion, one.answer)


def _overall(labels: LabelSet, question: Question, rubric: Rubric) -> HumanAnswers:
    by_criterion = {criterion.name: labels.settled(criterion) for criterion in rubric.criteria}
    ids = sorted({key for found in by_criterion.values() for key in found})
    rows, states = [], []
    for key in ids:
        found = {name: settled[key] for name, settled in by_criterion.items() if key in settled}
        row = _whole(rubric, question, {n: _scored(rubric.by_name[n], one) for n, one in found.items()})
        rows.append(row)
        states.append(_state(row, [found[n].state if n in found else "partial" for n in by_criterion]))
    own = labels.settled(question.criterion)
    raters, table = _overall_raters(labels, question, rubric, ids)
    later = _named(raters, table)
    for criterion in rubric.criteria:
        later |= _named(*_raters(labels, Question(criterion), sorted(by_criterion[criterion.name])))
    return HumanAnswers(
        tuple(ids),
        np.array([code for code, _, _ in rows], np.intp),
        np.array([score for _, score, _ in rows]),
        np.array([passed for _, _, passed in rows]),
        tuple(states),
        _in_order(table),
        np.array([_code(question, own[key].answer) if key in own else -1 for key in ids], np.intp),
        later,
        _in_order(_without(table, raters, later)),
    )


def _state(row: tuple[int, float, float], states: list[str]) -> str:
    """Say why nothing follows for the item, if nothing does."""
    open_ = [state for state in OPEN if state in states]
    return open_[0] if open_ and np.isnan(row[1]) else "settled"


def _whole(rubric: Rubric, question: Question, answers: Mapping[str, Answer]) -> tuple[int, float, float]:
    """Give code, score and pass of an item; criteria without an answer may leave them open."""
    result = aggregate(rubric, answers)
    if question.criterion.scale == "binary":
        if result.passed is not None:
            passed = float(result.passed)
            return question.labels.index("pass" if result.passed else "fail"), passed, passed
    elif result.score is not None:
        return _code(question, result.label), result.score, nan
    known = [answers.get(name, UNKNOWN).state for name in rubric.by_name]
    return (-1 if {"failed", "abstained"} & set(known) else question.not_applicable), nan, nan


def _named(raters: list[str], table: Ints | Floats) -> frozenset[str]:
    return frozenset(rater for rater, later in zip(raters, tie_breakers(table), strict=True) if later)


def _without(table: Ints | Floats, raters: list[str], later: frozenset[str]) -> Ints | Floats:
    return table[:, np.array([rater not in later for rater in raters], bool)]


def _overall_raters(
    labels: LabelSet, question: Question, rubric: Rubric, ids: list[str]
) -> tuple[list[str], Ints | Floats]:
    said: dict[tuple[str, str], dict[str, Answer]] = {}
    asked = [label for label in labels.labels if label.criterion != OVERALL]
    for label in asked:
        if not label.repeat:
            one = Settled(None if label.answer == ABSTAIN else label.answer, "settled", 1)
            scored = _scored(rubric.by_name[label.criterion], one)
            said.setdefault((label.id, label.rater), {})[label.criterion] = scored
    raters, numeric = raters_of(asked), question.criterion.range is not None
    table = np.full((len(ids), len(raters)), nan if numeric else -1.0)
    for row, key in enumerate(ids):
        for column, rater in enumerate(raters):
            code, score, _ = _whole(rubric, question, said.get((key, rater), {}))
            table[row, column] = score if numeric else code
    return raters, table if numeric else table.astype(np.intp)


def _raters(labels: LabelSet, question: Question, ids: list[str]) -> tuple[list[str], Ints | Floats]:
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
    return raters, table if numeric else table.astype(np.intp)


def _in_order(table: Ints | Floats) -> Ints | Floats:
    """Put raters in an order that depends neither on their names nor on the order of rows."""
    return table[:, np.lexsort(np.nan_to_num(table, nan=-1.0))] if len(table) else table


def is_settled(answers: HumanAnswers) -> NDArray[np.bool_]:
    """Whether each item has a human answer."""
    return np.array([state == "settled" for state in answers.states], bool)
