"""Hold a judge's verdicts against human labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from judgekit.calibration.batch import GradedBatch, load_batch, questions, same_rubric
from judgekit.calibration.card import keep_pairs, numbered
from judgekit.calibration.human import HumanAnswers, human_answers
from judgekit.calibration.in_memory import Table, batch_from_rows, labels_from_memory
from judgekit.calibration.measure import measure
from judgekit.calibration.results import Calibration, CriterionResult
from judgekit.calibration.text import plural
from judgekit.errors import InputError, Problem, UsageError
from judgekit.files.labels import read_label_files
from judgekit.labels import Label, LabelSet
from judgekit.library import find
from judgekit.rubric import OVERALL, Rubric

DESIGNS = ("random",)
UNKNOWN = "unknown"
TARGETS = ("process", "batch")
DEVELOPMENT = "development"


def calibrate(
    graded: str | Path | GradedBatch | Table,
    labels: str | Path | Sequence[str | Path] | LabelSet | Table,
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
    graded : path, GradedBatch, or rows
        Graded rows, with their manifest beside them; or rows ``{"id", "verdict"}`` or a data frame of them,
        with `rubric`.
    labels : path, list of paths, LabelSet, or rows
        Human labels, long or wide; several files, as from several raters, count as one set.
    design : {"random", "unknown"} or None
        How the labelled items were chosen from the graded ones. None takes what the labels state; if they
        state nothing, it is unknown: there is agreement, but no rate.
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
        If a file is wrong, or labels name items that are not there, or answer another wording.
    UsageError
        If the design is not known, or development labels are to correct a rate.
    """
    if target not in TARGETS:
        raise UsageError(f"target {target!r} is not one of {', '.join(TARGETS)}")
    batch = _batch(graded, None if rubric is None else find(rubric), group)
    given = _labels(labels, batch.rubric)
    _refuse_reworded(given, batch.rubric)
    matched, notes = _matched(batch, given, allow_unmatched)
    way, more = _design(design, matched, batch)
    _refuse_development(matched, way)
    joined = {q.name: human_answers(matched, q, batch.rubric) for q in questions(batch.rubric)}
    notes = [*given.notes, *notes, *more, *_gaps(matched, joined)]
    return _calibration(batch, matched, joined, way, target, notes)


def _calibration(
    batch: GradedBatch,
    labels: LabelSet,
    joined: dict[str, HumanAnswers],
    design: str,
    target: str,
    notes: list[str],
) -> Calibration:
    return Calibration(
        batch.rubric.reference,
        {**batch.digests, "labels": labels.digest},
        *batch.judge,
        design,
        target,
        _results(batch, joined, design, target),
        keep_pairs(batch, joined),
        tuple(notes),
        split_items(joined),
    )


def split_items(joined: Mapping[str, HumanAnswers]) -> dict[str, tuple[str, ...]]:
    """Give, by question, the items on which raters differ and nobody has settled it."""
    return {
        name: tuple(key for key, state in zip(found.ids, found.states, strict=True) if state == "split")
        for name, found in joined.items()
    }


def _batch(graded: str | Path | GradedBatch | Table, rubric: Rubric | None, group: str | None) -> GradedBatch:
    if isinstance(graded, str | Path):
        return load_batch(graded, rubric=rubric, group=group)
    if not isinstance(graded, GradedBatch):
        if rubric is None:
            raise UsageError("rows from memory do not say by which rubric they were graded; give rubric=")
        return batch_from_rows(graded, rubric, group)
    if rubric is not None:
        same_rubric(rubric, graded.rubric.reference, graded.rubric.digest, graded.name)
    if group is not None:
        raise UsageError("this batch is loaded already; name its group to load_batch")
    return graded


def _labels(labels: str | Path | Sequence[str | Path] | LabelSet | Table, rubric: Rubric) -> LabelSet:
    if isinstance(labels, LabelSet):
        return labels
    paths = label_paths(labels)
    return read_label_files(paths, rubric) if paths else labels_from_memory(cast(Table, labels), rubric)


def label_paths(labels: object) -> list[str | Path]:
    """Give the files where labels are given as one or several, else none."""
    several = labels if isinstance(labels, list | tuple) else [labels]
    return [one for one in several if isinstance(one, str | Path)]


def _refuse_reworded(labels: LabelSet, rubric: Rubric) -> None:
    """Labels answer one wording of a criterion; under another they are labels of something else."""
    old: dict[str, list[Label]] = {}
    for label in labels.labels:
        current = rubric.criterion_digests.get(label.criterion, "")
        if label.criterion_digest and current and label.criterion_digest != current:
            old.setdefault(label.criterion, []).append(label)
    problems = [Problem(_reworded(rubric, name, found), "labels") for name, found in old.items()]
    if problems:
        raise InputError(problems)


def _reworded(rubric: Rubric, name: str, found: list[Label]) -> str:
    before, now = found[0].criterion_digest[:19], rubric.criterion_digests[name][:19]
    said = f"{plural(len(found), 'label')} of {name} {'answers' if len(found) == 1 else 'answer'}"
    return (
        f"{said} another wording than {rubric.reference} has ({before}, now {now}; first"
        f"{_place(found[0])}); have people answer {name} again"
    )


def _results(
    batch: GradedBatch, joined: dict[str, HumanAnswers], design: str, target: str
) -> tuple[CriterionResult, ...]:
    results = []
    group = None if batch.groups is None else numbered(batch.groups)
    for question in questions(batch.rubric):
        people = joined[question.name]
        places = np.array([batch.position[key] for key in people.ids], np.intp)
        results.append(measure(question, batch.answers[question.name], people, places, group, design, target))
    return tuple(results)


def _matched(batch: GradedBatch, labels: LabelSet, allow: bool) -> tuple[LabelSet, list[str]]:
    """Join by id: keep the labels of this batch, and say of which items the others are."""
    strange: Counter[str] = Counter()
    first: dict[str, Label] = {}
    for label in labels.labels:
        if label.id not in batch.position:
            strange[label.id] += 1
            first.setdefault(label.id, label)
    if not strange:
        return labels, []
    kept = tuple(label for label in labels.labels if label.id in batch.position)
    many, items = strange.total(), plural(len(strange), "item")
    said = f"{plural(many, 'label')} {'is' if many == 1 else 'are'} of {items} not in {batch.name}"
    where = f"first: {', '.join(repr(key) + _place(first[key]) for key in list(strange)[:3])}"
    if not kept:
        message = f"no label is of an item in {batch.name} ({where}); are the ids the same?"
        raise InputError([Problem(message, "labels")])
    if not allow:
        message = f"{said} ({where}); correct the ids, or leave these out with --allow-unmatched"
        raise InputError([Problem(message, "labels")])
    # The note goes into the card, which names no item.
    return LabelSet(kept, labels.notes), [f"{said}: left out"]


def _place(label: Label) -> str:
    if not label.place:
        return ""
    return f" in {label.place}" if label.source else f" on {label.place}"


def _design(stated: str | None, labels: LabelSet, batch: GradedBatch) -> tuple[str, list[str]]:
    found = labels.said("design")
    if stated is None and len(found) > 1:
        raise UsageError(
            f"the labels state several designs ({', '.join(sorted(found))}); state one: --design"
        )
    design = stated or next(iter(found), UNKNOWN)
    if design not in (*DESIGNS, UNKNOWN):
        raise UsageError(f"labels drawn as {design!r} cannot be corrected here; known: {', '.join(DESIGNS)}")
    if design == UNKNOWN:
        return design, []
    if other := sorted(found - {design}):
        raise UsageError(f"the labels say that they were drawn as {', '.join(other)}, not as {design}")
    frames = [label.frame for label in labels.labels if label.frame is not None]
    elsewhere = any(frame.get("digest") != batch.frame["digest"] for frame in frames)
    strange = f"the labels were drawn from other items than {batch.name}"
    if stated is not None:
        return design, [f"{strange}; they count as a {design} draw of it because you say so"] * elsewhere
    why = f"{strange}, so they give agreement only" if elsewhere else _strays(labels)
    if why:
        return UNKNOWN, [f"{why}; if all are one {design} draw all the same, state --design {design}"]
    return design, []


def _strays(labels: LabelSet) -> str:
    """Say how many labelled items were not drawn with the others."""
    stray = len(set(labels.ids) - {label.id for label in labels.labels if label.design})
    if not stray:
        return ""
    return f"{stray} of {plural(len(labels.ids), 'labelled item')} state no design, so agreement only"


def _gaps(labels: LabelSet, joined: dict[str, HumanAnswers]) -> list[str]:
    """Say which questions people left blank on items that they labelled."""
    people = {label.id for label in labels.labels if label.criterion != OVERALL}
    notes = []
    for name, found in joined.items():
        if not found.ids:
            notes.append(f"nobody labelled {name}")
        elif len(found.ids) < len(people):
            some = f"{len(found.ids)} of {plural(len(people), 'labelled item')} have an answer on {name}"
            notes.append(f"{some}; its rate holds only if the others were not left blank for what they are")
    only = len(set(labels.ids) - people)
    if only or (OVERALL in labels.criteria() and OVERALL not in joined):
        notes.append("labels of overall do not stand for answers to the criteria, and were not used alone")
    return notes


def _refuse_development(labels: LabelSet, design: str) -> None:
    tuned = sum(label.role == DEVELOPMENT for label in labels.labels)
    if tuned and design != UNKNOWN:
        raise UsageError(
            f"{plural(tuned, 'label')} with the role development: what tuned the rubric cannot correct its "
            "judge; label other items, or state --design unknown and read the agreement only"
        )
