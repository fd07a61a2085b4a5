"""The judge's side of a calibration: every verdict of a batch, reduced to codes and scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgekit.errors import InputError, Problem, UsageError
from judgekit.files.graded import GradedRow, manifest_rubric, read_graded, read_manifest
from judgekit.labels import frame_of, overall_criterion
from judgekit.rubric import NOT_APPLICABLE, OVERALL, Criterion, Rubric
from judgekit.verdict import ABSTAINED, OK, Finding

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Question:
    """One thing that judge and people both answer: a criterion, or the item as a whole.

    Attributes
    ----------
    criterion : Criterion
        The question; for the item as a whole a criterion named ``overall``.
    """

    criterion: Criterion

    @property
    def name(self) -> str:
        """Name of the criterion."""
        return self.criterion.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Levels in file order; empty where the answer is a number."""
        return self.criterion.labels

    @property
    def not_applicable(self) -> int:
        """Code of the answer that the question does not arise."""
        return len(self.labels)

    @property
    def abstained(self) -> int:
        """Code of a judge that could not tell."""
        return len(self.labels) + 1

    @property
    def cell_names(self) -> tuple[str, ...]:
        """Every answer that has a code."""
        return (*self.labels, NOT_APPLICABLE, ABSTAINED)

    @cached_property
    def places(self) -> Floats | None:
        """Place of each code on the scale, nan for one without; None for a nominal scale."""
        scores = [level.score for level in self.criterion.levels]
        nominal = self.criterion.scale in ("categorical", "pairwise") or not scores or None in scores
        return None if nominal else np.array([*scores, nan, nan], float)


def questions(rubric: Rubric) -> list[Question]:
    """Give the criteria, and the item as a whole where several criteria combine into one answer."""
    asked = [Question(criterion) for criterion in rubric.criteria]
    if len(asked) > 1:
        asked.append(Question(overall_criterion(rubric) or mean_criterion(rubric)))
    return asked


def mean_criterion(rubric: Rubric) -> Criterion:
    """Give the item's score as a question, for a rubric that passes nothing."""
    return Criterion(
        name=OVERALL,
        question=f"How well does the item meet {rubric.name}?",
        scale="numeric",
        range=(0.0, 1.0),
    )


@dataclass(frozen=True)
class Answers:
    """The judge's answers to one question, for all N items of a batch.

    Attributes
    ----------
    codes : ndarray of int, shape (N,)
        Index into `Question.cell_names`; -1 without a verdict, and throughout for a numeric scale.
    scores : ndarray of float, shape (N,)
        0..1; nan where there is none.
    passes : ndarray of float, shape (N,)
        1, 0, or nan where passing is undefined.
    states : tuple of str, length N
        Status of the finding.
    """

    codes: Ints
    scores: Floats
    passes: Floats
    states: tuple[str, ...]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Whether the judge gave an answer: a level, a number, or that the question does not arise."""
        return np.array([state == OK for state in self.states], bool)


@dataclass(frozen=True)
class GradedBatch:
    """All verdicts of one run.

    Attributes
    ----------
    name : str
        Where it came from, for messages.
    manifest : dict
        Of the run: rubric, fingerprint, signature, grader.
    rubric : Rubric
    ids : tuple of str, length N
    answers : dict of str to Answers
        By question.
    groups : tuple of str or None
        Group of each item, if a column was named.
    """

    name: str
    manifest: dict[str, Any]
    rubric: Rubric
    ids: tuple[str, ...]
    answers: dict[str, Answers]
    groups: tuple[str, ...] | None = None

    @property
    def frame(self) -> dict[str, Any]:
        """Digest of the ids, and their number."""
        return frame_of(self.ids)

    @cached_property
    def position(self) -> dict[str, int]:
        """Place of each id."""
        return {identity: place for place, identity in enumerate(self.ids)}


def load_batch(path: str | Path, *, rubric: Rubric | None = None, group: str | None = None) -> GradedBatch:
    """Read a graded file and its manifest.

    Parameters
    ----------
    rubric : Rubric or None
        The rubric, where it must be this one.
    group : str or None
        Column of the items that says which depend on each other.

    Raises
    ------
    InputError
        If the file is not one, or lacks the column.
    UsageError
        If the rubric is another than the rows were graded by.
    """
    manifest = read_manifest(path)
    stated = manifest_rubric(manifest, f"{path} (manifest)")
    if rubric is not None and rubric.digest != stated.digest:
        raise UsageError(
            f"{path} was graded by {stated.reference} ({stated.digest[:19]}), not by {rubric.reference} "
            f"({rubric.digest[:19]}); grade again, or leave --rubric away"
        )
    return batch_of(read_graded(path), stated, manifest, str(path), group)


def batch_of(
    rows: Iterable[GradedRow],
    rubric: Rubric,
    manifest: dict[str, Any],
    name: str,
    group: str | None = None,
) -> GradedBatch:
    """Reduce graded rows to codes and scores."""
    asked = questions(rubric)
    columns: dict[str, _Column] = {question.name: _Column(question) for question in asked}
    ids: list[str] = []
    groups: list[str] = []
    for row in rows:
        ids.append(row.id)
        if group is not None:
            groups.append(_group(row, group, name))
        for question in asked:
            columns[question.name].add(_finding(row, question, name))
    answers = {key: column.answers() for key, column in columns.items()}
    return GradedBatch(name, manifest, rubric, tuple(ids), answers, tuple(groups) if group else None)


def _group(row: GradedRow, column: str, name: str) -> str:
    if row.columns is None or row.columns.get(column) is None:
        why = "was graded with --omit-items" if row.columns is None else f"has no column {column!r}"
        raise InputError([Problem(f"id {row.id!r} {why}; --group needs it", name, row.line)])
    return str(row.columns[column])


def _finding(row: GradedRow, question: Question, name: str) -> Finding:
    if question.name != OVERALL:
        found = row.verdict.criteria.get(question.name)
        if found is not None:
            return found
        return Finding(row.verdict.status if row.verdict.status not in (OK, ABSTAINED) else "invalid_reply")
    verdict = row.verdict
    score, passed, label = verdict.score, verdict.passed, verdict.label
    if question.criterion.scale == "binary":
        state = verdict.status if verdict.status != OK or passed is not None else _undecided(row)
        if state != OK:
            return Finding(state)
        if passed is None:
            return Finding(OK, NOT_APPLICABLE)
        return Finding(OK, "pass" if passed else "fail", score=float(passed), passed=passed)
    if verdict.status == OK and score is None:
        return Finding(OK, NOT_APPLICABLE)
    return Finding(verdict.status, label, score=score)


def _undecided(row: GradedRow) -> str:
    """Tell why an item with a verdict neither passed nor failed: an open gate, or nothing applied."""
    return ABSTAINED if any(f.status == ABSTAINED for f in row.verdict.criteria.values()) else OK


class _Column:
    """Collects the findings on one question."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.code = {label: place for place, label in enumerate(question.labels)}
        self.codes: list[int] = []
        self.scores: list[float] = []
        self.passes: list[float] = []
        self.states: list[str] = []

    def add(self, finding: Finding) -> None:
        self.states.append(finding.status)
        self.codes.append(self._code(finding))
        self.scores.append(nan if finding.score is None else finding.score)
        self.passes.append(nan if finding.passed is None else float(finding.passed))

    def _code(self, finding: Finding) -> int:
        if finding.status == ABSTAINED:
            return self.question.abstained
        if finding.status != OK:
            return -1
        if finding.label == NOT_APPLICABLE:
            return self.question.not_applicable
        return self.code.get(finding.label or "", -1)

    def answers(self) -> Answers:
        codes = np.array(self.codes, np.intp)
        return Answers(codes, np.array(self.scores), np.array(self.passes), tuple(self.states))
