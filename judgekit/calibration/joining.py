"""Labels joined to a batch: by id, by wording, and what was left out on the way."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from judgekit._text import plural
from judgekit.calibration.batch import GradedBatch
from judgekit.calibration.human import HumanAnswers
from judgekit.calibration.in_memory import Table, labels_from_memory
from judgekit.errors import InputError, Problem
from judgekit.files.labels import lend_roles, read_label_files, remember_roles
from judgekit.labels import Label, LabelSet
from judgekit.rubric import OVERALL, Rubric

Labels = str | Path | Sequence[str | Path] | LabelSet | Table


def labels_of(labels: Labels, batch: GradedBatch, allow_unmatched: bool) -> LabelSet:
    """Read labels, and keep those of this batch that answer the present wording; its notes say what went.

    Raises
    ------
    InputError
        If a file is wrong, or labels name items that are not there, or answer another wording.
    """
    given = _read(labels, batch.rubric)
    current, reworded = _current(given, batch.rubric)
    matched, notes = _matched(batch, current, allow_unmatched)
    return LabelSet(matched.labels, (*given.notes, *reworded, *notes))


def _read(labels: Labels, rubric: Rubric) -> LabelSet:
    if isinstance(labels, LabelSet):
        return labels
    paths = label_paths(labels)
    return read_label_files(paths, rubric) if paths else labels_from_memory(cast(Table, labels), rubric)


def label_paths(labels: object) -> list[str | Path]:
    """Give the files where labels are given as one or several, else none."""
    several = labels if isinstance(labels, list | tuple) else [labels]
    return [one for one in several if isinstance(one, str | Path)]


def _current(labels: LabelSet, rubric: Rubric) -> tuple[LabelSet, list[str]]:
    """Keep the labels that answer the present wording; those of an older one are labels of something else."""
    old: dict[str, list[Label]] = {}
    kept = []
    for label in labels.labels:
        current = rubric.criterion_digests.get(label.criterion, "")
        if label.criterion_digest and current and label.criterion_digest != current:
            old.setdefault(label.criterion, []).append(label)
        else:
            kept.append(label)
    # Only where each item was asked anew: some of a sample are not a sample.
    anew = {(label.id, label.criterion) for label in kept}
    problems, notes = [], []
    roles: dict[str, str] = {}
    for name, found in old.items():
        remember_roles(roles, ((label.id, label.role) for label in found))
        waiting = [label for label in found if (label.id, name) not in anew]
        if waiting:
            problems.append(Problem(_reworded(rubric, name, waiting), "labels"))
        notes.append(f"{plural(len(found), 'label')} of {name} answer an older wording: left out")
    if problems:
        raise InputError(problems)
    return LabelSet(tuple(lend_roles(kept, roles)), labels.notes), notes


def _reworded(rubric: Rubric, name: str, found: list[Label]) -> str:
    before, now = found[0].criterion_digest[:19], rubric.criterion_digests[name][:19]
    said = f"{plural(len(found), 'label')} of {name} {'answers' if len(found) == 1 else 'answer'}"
    return (
        f"{said} another wording than {rubric.reference} has ({before}, now {now}; first"
        f"{_place(found[0])}); have people answer {name} again: judgekit plan --relabel"
    )


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


def gaps(labels: LabelSet, joined: dict[str, HumanAnswers]) -> list[str]:
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
