"""The judge's side of a calibration: every verdict of a batch, reduced to codes and scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgekit._digest import digest
from judgekit.errors import Problems, UsageError
from judgekit.files.graded import GradedRow, manifest_rubric, read_graded, read_manifest
from judgekit.labels import frame_of, overall_criterion
from judgekit.rubric import NOT_APPLICABLE, OVERALL, Criterion, Rubric
from judgekit.verdict import ABSTAINED, OK, Finding

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Fewer inputs than this are what is asked about, not a sample of what could be asked.
LEAST_SHARED = 10
ALONE = "id"


@dataclass(frozen=True)
class Question:
    """One thing that judge and people both answer: a criterion; for the item as a whole one named overall."""

    criterion: Criterion

    @property
    def name(self) -> str:
        """Name of the criterion."""
        return self.criterion.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Levels in file order; none for a number."""
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
    """Give the criteria, and the item as a whole where that is another question."""
    asked = [Question(criterion) for criterion in rubric.criteria]
    if _has_whole(rubric):
        said = f"How well does the item meet {rubric.name}?"
        mean = Criterion(name=OVERALL, question=said, scale="numeric", range=(0.0, 1.0))
        asked.append(Question(overall_criterion(rubric) or mean))
    return asked


def _has_whole(rubric: Rubric) -> bool:
    """Whether criteria combine into one answer, or a single one is held against a threshold."""
    first, *others = rubric.criteria
    if not others:
        return rubric.threshold is not None and first.scale != "binary"
    return any(criterion.scored for criterion in rubric.criteria)


@dataclass(frozen=True)
class Answers:
    """The judge's answers to one question, for all N items of a batch.

    Attributes
    ----------
    codes : ndarray of int, shape (N,)
        Index into `Question.cell_names`; -1 without a verdict, and for a number.
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
        Group of each item, where a column was named, or several items share an input.
    group_by : str or None
        That column; None where the inputs themselves tell.
    strata : tuple of str or None
        Stratum of each item, if a column was named.
    """

    name: str
    manifest: dict[str, Any]
    rubric: Rubric
    ids: tuple[str, ...]
    answers: dict[str, Answers]
    groups: tuple[str, ...] | None = None
    group_by: str | None = None
    strata: tuple[str, ...] | None = None

    @property
    def frame(self) -> dict[str, Any]:
        """Digest of the ids, and their number."""
        return frame_of(self.ids)

    @property
    def digests(self) -> dict[str, Any]:
        """Digests of the rubric, its criteria, the ids, and, where the run recorded it, ids and contents."""
        items = (self.manifest.get("input") or {}).get("digest")
        criteria = self.rubric.criterion_digests
        return {"rubric": self.rubric.digest, "criteria": criteria, "frame": self.frame, "items": items}

    @property
    def judge(self) -> tuple[str, str, str]:
        """Fingerprint, signature and name of the grader."""
        given = self.manifest
        signature, grader = given.get("signature"), given.get("grader")
        return str(given["fingerprint"]), str(signature or ""), str(grader or "")

    @cached_property
    def position(self) -> dict[str, int]:
        """Place of each id."""
        return {identity: place for place, identity in enumerate(self.ids)}


def load_batch(
    path: str | Path, *, rubric: Rubric | None = None, group: str | None = None, stratum: str | None = None
) -> GradedBatch:
    """Read a graded file and its manifest.

    Parameters
    ----------
    rubric : Rubric or None
        The rubric, where it must be this one.
    group : str or None
        Column of the items that says which depend on each other. None takes those for one group that share
        a `task`, or the very same `input`; ``id`` takes each for itself.
    stratum : str or None
        Column of the items that says from which stratum each was drawn.

    Raises
    ------
    InputError
        If the file is not one, or lacks a column.
    UsageError
        If the rubric is another than the rows were graded by.
    """
    manifest = read_manifest(path)
    stated = manifest_rubric(manifest, f"{path} (manifest)")
    if rubric is not None:
        same_rubric(rubric, stated.reference, stated.digest, str(path))
    return batch_of(read_graded(path), stated, manifest, str(path), group, stratum)


def same_rubric(wanted: Rubric, reference: str, digest: str, name: str) -> None:
    """Raise UsageError where rows were graded by another rubric than the wanted one."""
    if wanted.digest != digest:
        raise UsageError(
            f"{name} was graded by {reference} ({digest[:19]}), not by {wanted.reference} "
            f"({wanted.digest[:19]}); grade again, or leave --rubric away"
        )


def batch_of(
    rows: Iterable[GradedRow],
    rubric: Rubric,
    manifest: dict[str, Any],
    name: str,
    group: str | None = None,
    stratum: str | None = None,
) -> GradedBatch:
    """Reduce graded rows to codes and scores.

    Raises
    ------
    InputError
        Naming each verdict of another judge, each level or number that is not on the scale, each row
        without its group or stratum.
    """
    problems = Problems(name)
    columns = [_Column(question, problems) for question in questions(rubric)]
    ids: list[str] = []
    groups: list[str] = []
    strata: list[str] = []
    source = _input_column(manifest)
    for row in rows:
        ids.append(row.id)
        if row.verdict.provenance.fingerprint != manifest["fingerprint"]:
            problems.add(
                f"the verdict on id {row.id!r} is another judge's than the rest; grade again", row.line
            )
        if group in (None, ALONE):
            groups.append(_shared_input(row, source))
        else:
            groups.append(_cell(row, group, "group", problems))
        if stratum is not None:
            strata.append(_cell(row, stratum, "stratum", problems))
        for column in columns:
            column.add(row)
    problems.raise_if_any()
    answers = {column.question.name: column.answers() for column in columns}
    if group == ALONE or (group is None and not LEAST_SHARED <= len(set(groups)) < len(groups)):
        groups = []
    held = (tuple(groups) or None), group, (tuple(strata) if stratum else None)
    return GradedBatch(name, manifest, rubric, tuple(ids), answers, *held)


def _cell(row: GradedRow, column: str, option: str, problems: Problems) -> str:
    if row.columns is None or row.columns.get(column) is None:
        why = "was graded with --omit-items" if row.columns is None else f"has no column {column!r}"
        problems.add(f"id {row.id!r} {why}; --{option} needs it", row.line)
        return ""
    return str(row.columns[column])


def _input_column(manifest: dict[str, Any]) -> str:
    """Give the column that the rubric's `input` came from; empty if every item was given the same one."""
    columns = manifest.get("columns") or {}
    if "input" in (columns.get("set") or ()):
        return ""
    return str((columns.get("map") or {}).get("input", "input"))


def _shared_input(row: GradedRow, column: str) -> str:
    """Tell what an item is about: trials of one task, and answers to one input, depend on each other."""
    given = row.columns or {}
    for name in ("task", column):
        if (value := given.get(name)) not in (None, ""):
            return f"{name} {digest(value)}"
    return f"id {row.id}"


def _finding(row: GradedRow, question: Question) -> Finding:
    verdict = row.verdict
    if question.name == OVERALL:
        return _whole(row, question.criterion.scale == "binary")
    found = verdict.criteria.get(question.name)
    if found is not None:
        return found
    return Finding(verdict.status if verdict.status not in (OK, ABSTAINED) else "invalid_reply")


def _whole(row: GradedRow, decides: bool) -> Finding:
    """Read the item as a whole as one finding: does it pass, which side wins, what does it score."""
    verdict = row.verdict
    if verdict.status != OK:
        return Finding(verdict.status)
    if decides and verdict.passed is not None:
        label = "pass" if verdict.passed else "fail"
        return Finding(OK, label, score=float(verdict.passed), passed=verdict.passed)
    if not decides and verdict.score is not None:
        return Finding(OK, verdict.label, score=verdict.score)
    # Nothing follows for the item: some answer is open, or no criterion that counts applies.
    if any(finding.status == ABSTAINED for finding in verdict.criteria.values()):
        return Finding(ABSTAINED)
    return Finding(OK, NOT_APPLICABLE)


class _Column:
    """Collects the findings on one question."""

    def __init__(self, question: Question, problems: Problems) -> None:
        self.question, self.problems = question, problems
        self.code = {label: place for place, label in enumerate(question.labels)}
        self.codes: list[int] = []
        self.scores: list[float] = []
        self.passes: list[float] = []
        self.states: list[str] = []

    def add(self, row: GradedRow) -> None:
        finding = _finding(row, self.question)
        self.states.append(finding.status)
        self.codes.append(self._code(finding, row))
        self.scores.append(nan if finding.score is None else finding.score)
        self.passes.append(nan if finding.passed is None else float(finding.passed))

    def _code(self, finding: Finding, row: GradedRow) -> int:
        if finding.status == ABSTAINED:
            return self.question.abstained
        if finding.status != OK:
            return -1
        if finding.label == NOT_APPLICABLE:
            return self.question.not_applicable
        what, known = "", ", ".join(self.question.labels)
        if self.question.criterion.range is None and finding.label not in self.code:
            what = f"{finding.label!r} is not one of its levels ({known})"
        elif self.question.criterion.range is not None and finding.score is None:
            what = "has no score"
        if what:
            self.problems.add(f"id {row.id!r}: {what}", row.line, f"verdict.criteria.{self.question.name}")
        return self.code.get(finding.label or "", -1)

    def answers(self) -> Answers:
        codes = np.array(self.codes, np.intp)
        return Answers(codes, np.array(self.scores), np.array(self.passes), tuple(self.states))
