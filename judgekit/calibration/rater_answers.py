"""What each rater answered, and the answers that their errors make most probable."""

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np

from judgekit.calibration.batch import Answers, Question
from judgekit.calibration.human import human_answers
from judgekit.errors import UsageError
from judgekit.labels import ADJUDICATED, Label, LabelSet, raters_of
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, OVERALL, Rubric
from judgekit.stats.dawid_skene import DawidSkene, dawid_skene

LEAST_RATERS, LEAST_ITEMS = 3, 100
DAWID_SKENE = "Dawid–Skene"
SETTLED_BY = f"human answers are the most probable levels by {DAWID_SKENE}, not the vote"


def rater_table(
    labels: LabelSet, question: Question, rubric: Rubric, ids: tuple[str, ...]
) -> tuple[tuple[int, ...], Any]:
    """Give who answered a question, and what.

    Returns
    -------
    places : tuple of int, length R
        Place of each rater, from 1, among all of the label file: the same for every question.
    table : ndarray, shape (n, R)
        Codes (-1 missing), or scores (nan missing) of numbers.
    """
    numeric, row = question.criterion.range is not None, {key: place for place, key in enumerate(ids)}
    by_rater: dict[str, list[Label]] = {rater: [] for rater in raters_of(labels.labels)}
    for label in asked_labels(labels, question):
        if label.rater != ADJUDICATED:
            by_rater[label.rater].append(label)
    places, columns = [], []
    for place, found in enumerate(by_rater.values(), 1):
        one = human_answers(LabelSet(tuple(found)), question, rubric)
        values = one.scores if numeric else one.codes
        if not (~np.isnan(values) if numeric else values >= 0).any():
            continue
        column = np.full(len(ids), nan) if numeric else np.full(len(ids), -1, np.intp)
        column[[row[key] for key in one.ids]] = values
        places.append(place)
        columns.append(column)
    empty = np.empty((len(ids), 0), float if numeric else np.intp)
    return tuple(places), np.column_stack(columns) if columns else empty


def asked_labels(labels: LabelSet, question: Question) -> list[Label]:
    """Give the labels that decide a question: its own; of the item as a whole, those of the criteria."""
    whole = question.name == OVERALL
    return [
        one
        for one in labels.labels
        if (one.criterion != OVERALL if whole else one.criterion == question.name)
    ]


def is_final(label: Label) -> bool:
    """Whether it settles its item, whatever the raters said."""
    return label.rater == ADJUDICATED and not label.repeat and label.answer != ABSTAIN


class RaterScale:
    """A question's scale as the statistics need it."""

    def __init__(self, question: Question) -> None:
        self.question, scale = question, question.criterion.scale
        self.numeric = question.criterion.range is not None
        # that it does not apply is an answer of its own, but has no place in an order
        self.size = len(question.labels) + (scale != "ordinal")
        levels: Any = range(self.size)
        if self.numeric:
            levels = (0.0, 1.0)
        elif scale == "ordinal":
            levels = [level.score for level in question.criterion.levels]
        level = "interval" if self.numeric else "ordinal" if scale == "ordinal" else "nominal"
        self.options: dict[str, Any] = {"level": level, "levels": levels}

    def of_judge(self, judge: Answers) -> Any:
        """Give the judge's answers as codes or scores."""
        return np.where(judge.answered, judge.scores, nan) if self.numeric else judge.codes

    def kept(self, answers: Any) -> Any:
        """Leave out the answers that are not on the scale."""
        return answers if self.numeric else np.where(answers >= self.size, -1, answers)

    def used(self, codes: Any) -> Any:
        """Give the levels that count: "not applicable" only where somebody said so."""
        if self.options["level"] != "nominal":
            return self.options["levels"]
        return range(max(len(self.question.labels), int(codes.max(initial=0)) + 1))

    def value(self, answer: str | float) -> float:
        """Give an answer as a code, or a number as its place in the range."""
        if self.numeric:
            given = answer not in (ABSTAIN, NOT_APPLICABLE)
            score = self.question.criterion.score_of(answer) if given else None
            return nan if score is None else score
        return -1 if answer == ABSTAIN else self.question.cell_names.index(str(answer))


def too_few(table: Any, scale: RaterScale) -> str:
    """Say why the model cannot be fitted; empty if it can."""
    if scale.numeric:
        return f"{DAWID_SKENE} is about levels, not numbers"
    shared = int(((table >= 0).sum(axis=1) >= 2).sum())
    if table.shape[1] >= LEAST_RATERS and shared >= LEAST_ITEMS:
        return ""
    return (
        f"{DAWID_SKENE} needs {LEAST_RATERS} raters and {LEAST_ITEMS} items that two of them answered; "
        f"there are {table.shape[1]} and {shared}"
    )


def fitted(table: Any, scale: RaterScale) -> DawidSkene:
    """Fit the model to the raters' codes, shape (n, R)."""
    return dawid_skene(table, scale.used(table))


def dawid_skene_answers(labels: LabelSet, question: Question, rubric: Rubric) -> dict[str, int]:
    """Settle labels by what each rater's errors make most probable; an adjudicated label still goes first.

    Returns
    -------
    dict of str to int
        By id, in order of ids, the code of the level; an item without any answer is absent.

    Raises
    ------
    UsageError
        For a number, for the item as a whole, which follows from its criteria, and below 3 raters or 100
        items that two of them answered.
    """
    if question.name == OVERALL:
        raise UsageError("the item as a whole follows from its criteria; settle those by Dawid–Skene")
    scale, people = RaterScale(question), human_answers(labels, question, rubric)
    table = scale.kept(rater_table(labels, question, rubric, people.ids)[1])
    why = too_few(table, scale)
    if why:
        raise UsageError(f"{question.name}: {why}; leave the answers to the vote")
    final = {one.id for one in asked_labels(labels, question) if is_final(one)}
    settled = np.where([key in final for key in people.ids], people.codes, fitted(table, scale).answer)
    return {key: int(code) for key, code in zip(people.ids, settled, strict=True) if code >= 0}


def settled_by_dawid_skene(labels: LabelSet, rubric: Rubric) -> LabelSet:
    """Add the most probable level of each answer as an adjudicated label, where there is none.

    Numbers keep their mean, and labels of the item as a whole stay as they are.

    Raises
    ------
    UsageError
        As `dawid_skene_answers`, for a criterion that people labelled.
    """
    added = []
    for criterion in rubric.criteria:
        given = {one.id: one for one in labels.labels if one.criterion == criterion.name}
        if not given or criterion.range is not None:
            continue
        question = Question(criterion)
        done = {one.id for one in asked_labels(labels, question) if is_final(one)}
        for key, code in dawid_skene_answers(labels, question, rubric).items():
            if key not in done:
                answer = question.cell_names[code]
                added.append(
                    replace(given[key], rater=ADJUDICATED, answer=answer, repeat=False, note=DAWID_SKENE)
                )
    return LabelSet((*labels.labels, *added), (*labels.notes, SETTLED_BY))
