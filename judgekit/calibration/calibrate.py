"""Hold a judge's verdicts against human labels."""

from collections import Counter
from pathlib import Path

import numpy as np

from judgekit.calibration.batch import GradedBatch, load_batch, questions
from judgekit.calibration.card import keep_pairs
from judgekit.calibration.human import HumanAnswers, human_answers
from judgekit.calibration.measure import measure
from judgekit.calibration.results import Calibration, CriterionResult
from judgekit.errors import InputError, Problem, UsageError
from judgekit.files.labels import read_labels
from judgekit.labels import LabelSet
from judgekit.library import find
from judgekit.rubric import Rubric

DESIGNS = ("random",)
TARGETS = ("process", "batch")
DEVELOPMENT = "development"


def calibrate(
    graded: str | Path | GradedBatch,
    labels: str | Path | LabelSet,
    *,
    design: str | None = None,
    rubric: str | Path | Rubric | None = None,
    target: str = "process",
    group: str | None = None,
    allow_unmatched: bool = False,
) -> Calibration:
    """Measure how far a judge agrees with people, and correct its rates by their labels.

    Parameters
    ----------
    graded : path or GradedBatch
        Graded rows, with their manifest beside them.
    labels : path or LabelSet
        Human labels, long or wide.
    design : {"random"} or None
        How the labelled items were chosen from the graded ones. None takes what the label file states; if it
        states nothing, there is agreement, but no rate.
    rubric : name, path or Rubric, optional
        Refuse rows graded by another one.
    target : {"process", "batch"}
        The rate of the system that made the items, or of just these items.
    group : str or None
        Column that says which items depend on each other.
    allow_unmatched : bool
        Leave out labels of items that are not in the batch, instead of refusing them.

    Raises
    ------
    InputError
        If a file is wrong, or labels name items that are not there.
    UsageError
        If the design is not known, or development labels are to correct a rate.
    """
    if target not in TARGETS:
        raise UsageError(f"target {target!r} is not one of {', '.join(TARGETS)}")
    wanted = None if rubric is None else find(rubric)
    batch = graded if isinstance(graded, GradedBatch) else load_batch(graded, rubric=wanted, group=group)
    given = labels if isinstance(labels, LabelSet) else read_labels(labels, batch.rubric)
    matched, notes = _matched(batch, given, allow_unmatched)
    way, more = _design(design, matched, batch)
    _refuse_development(matched, way)
    joined = {q.name: human_answers(matched, q, batch.rubric) for q in questions(batch.rubric)}
    results = _results(batch, joined, way, target)
    digests = {
        "rubric": batch.rubric.digest,
        "criteria": batch.rubric.criterion_digests,
        "labels": matched.digest,
        "frame": batch.frame,
    }
    return Calibration(
        batch.rubric.reference,
        digests,
        str(batch.manifest["fingerprint"]),
        str(batch.manifest.get("signature") or ""),
        str(batch.manifest.get("grader") or ""),
        way,
        target,
        results,
        keep_pairs(batch, joined),
        (*given.notes, *notes, *more),
    )


def _results(
    batch: GradedBatch, joined: dict[str, HumanAnswers], design: str, target: str
) -> tuple[CriterionResult, ...]:
    results = []
    for question in questions(batch.rubric):
        people = joined[question.name]
        places = np.array([batch.position[key] for key in people.ids], np.intp)
        group = None if batch.groups is None else np.array([batch.groups[place] for place in places])
        results.append(measure(question, batch.answers[question.name], people, places, group, design, target))
    return tuple(results)


def _matched(batch: GradedBatch, labels: LabelSet, allow: bool) -> tuple[LabelSet, list[str]]:
    """Join by id: keep the labels of this batch, and say of which items the others are."""
    strange: Counter[str] = Counter()
    lines: dict[str, int | None] = {}
    for label in labels.labels:
        if label.id not in batch.position:
            strange[label.id] += 1
            lines.setdefault(label.id, label.line)
    if not strange:
        return labels, []
    kept = tuple(label for label in labels.labels if label.id in batch.position)
    said = (
        f"{strange.total()} labels are of {len(strange)} items that are not in {batch.name} "
        f"(first: {', '.join(_where(key, lines[key]) for key in list(strange)[:3])})"
    )
    if not kept:
        raise InputError([Problem(f"no label is of an item in {batch.name}: {said}; are the ids the same?")])
    if not allow:
        raise InputError([Problem(f"{said}; correct the ids, or leave these out with --allow-unmatched")])
    return LabelSet(kept, labels.notes), [f"{said}: left out"]


def _where(identity: str, line: int | None) -> str:
    return repr(identity) if line is None else f"{identity!r} on line {line}"


def _design(stated: str | None, labels: LabelSet, batch: GradedBatch) -> tuple[str, list[str]]:
    found = labels.said("design")
    if stated is None and len(found) > 1:
        raise UsageError(
            f"the labels state several designs ({', '.join(sorted(found))}); state one: --design"
        )
    design = stated or next(iter(found), None)
    if design is None:
        return "unknown", []
    if design not in DESIGNS:
        raise UsageError(f"labels drawn as {design!r} cannot be corrected here; known: {', '.join(DESIGNS)}")
    frames = [label.frame for label in labels.labels if label.frame is not None]
    if stated is None and frames and any(frame.get("digest") != batch.frame["digest"] for frame in frames):
        note = f"the labels were drawn from other items than {batch.name}, so they give agreement only"
        return "unknown", [f"{note}; if they are a random draw of it all the same, state --design random"]
    return design, []


def _refuse_development(labels: LabelSet, design: str) -> None:
    tuned = sum(label.role == DEVELOPMENT for label in labels.labels)
    if tuned and design != "unknown":
        raise UsageError(
            f"{tuned} labels have the role development: what tuned the rubric cannot correct its judge; "
            "label other items, or leave --design away and read the agreement only"
        )
