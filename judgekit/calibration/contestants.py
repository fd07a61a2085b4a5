"""The judges of a comparison: verdicts, names, costs, and the one question that all answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from judgekit.calibration.batch import GradedBatch, Question, batch_of, questions
from judgekit.calibration.expense import Expense, Till
from judgekit.calibration.text import plural
from judgekit.errors import InputError, Problem, UsageError
from judgekit.files.graded import manifest_rubric, read_graded, read_manifest
from judgekit.labels import LabelSet
from judgekit.rubric import OVERALL, Rubric

Given = str | Path


@dataclass(frozen=True)
class Entry:
    """One judge's verdicts, before they are compared: `name` tells it from the others."""

    name: str
    batch: GradedBatch
    expense: Expense


def entries_of(graded: Sequence[Given], group: str | None, costs: Mapping[str, float]) -> list[Entry]:
    """Read the graded files, the cheapest judge first, those of unknown cost last.

    Raises
    ------
    UsageError
        If there is a single one, the same judge twice, or a cost that is nobody's.
    """
    if len(graded) < 2:
        raise UsageError("one judge cannot be compared; give the graded files of two or more")
    read = [_read(path, group) for path in graded]
    _refuse_twins([batch for batch, _ in read])
    names = _names([batch for batch, _ in read])
    _check_costs(costs, names, graded)
    entries = [
        Entry(name, batch, till.expense(batch.judge[2], costs.get(name, costs.get(Path(path).name))))
        for name, (batch, till), path in zip(names, read, graded, strict=True)
    ]
    return sorted(entries, key=lambda entry: entry.expense.cost if entry.expense.known else inf)


def _read(path: Given, group: str | None) -> tuple[GradedBatch, Till]:
    """Read a graded file once, for its answers and for what they cost."""
    manifest, till = read_manifest(path), Till()
    rubric = manifest_rubric(manifest, f"{path} (manifest)")
    return batch_of(till.watch(read_graded(path)), rubric, manifest, str(path), group), till


def _refuse_twins(batches: list[GradedBatch]) -> None:
    seen: dict[str, str] = {}
    for batch in batches:
        fingerprint = batch.judge[0]
        if fingerprint in seen:
            raise UsageError(
                f"{seen[fingerprint]} and {batch.name} are verdicts of the same judge ({batch.judge[1]}); "
                "leave one away: a judge does not compete with itself"
            )
        seen[fingerprint] = batch.name


def _names(batches: list[GradedBatch]) -> list[str]:
    """Name each judge by its grader, with its file where that does not tell it from another."""
    graders = [batch.judge[2] or Path(batch.name).stem for batch in batches]
    many = Counter(graders)
    return [
        grader if many[grader] == 1 else f"{grader} ({Path(batch.name).stem})"
        for grader, batch in zip(graders, batches, strict=True)
    ]


def _check_costs(costs: Mapping[str, float], names: list[str], graded: Sequence[Given]) -> None:
    known = [*names, *(Path(path).name for path in graded)]
    for name, cost in costs.items():
        if name not in known:
            raise UsageError(f"a cost is given for {name!r}, which is none of the judges: {', '.join(names)}")
        if not 0 <= cost < inf:
            raise UsageError(f"the cost of {name} is {cost:g}; it must be a number of US dollars, 0 or more")


def common_question(batches: list[GradedBatch], name: str | None) -> Question:
    """Settle what is compared, and see that every judge was asked just that.

    Raises
    ------
    UsageError
        If there is no such criterion, or the judges' rubrics differ in it.
    """
    first, *others = batches
    asked = {question.name: question for question in questions(first.rubric)}
    if name is None and len(asked) > 1 and OVERALL not in asked:
        raise UsageError(
            f"{first.rubric.reference} does not combine its criteria into one answer; choose one with "
            f"--criterion: {', '.join(asked)}"
        )
    if name is not None and name not in asked:
        raise UsageError(f"{first.rubric.reference} has no criterion {name!r}; it has {', '.join(asked)}")
    chosen = asked[name or list(asked)[-1]]
    for other in others:
        if differs := _differs(first.rubric, other.rubric, chosen.name):
            raise UsageError(
                f"{first.name} and {other.name} did not answer the same question: {differs}; grade one "
                "of them again with the other's rubric, or compare on a criterion of both (--criterion)"
            )
    return chosen


def _differs(first: Rubric, other: Rubric, name: str) -> str:
    """Say in what two rubrics differ as far as one question goes; empty if in nothing."""
    mine, theirs = first.criterion_digests, other.criterion_digests
    if name != OVERALL:
        if name not in theirs:
            return f"{other.reference} has no criterion {name}"
        changed = mine[name] != theirs[name]
        return f"{name} is worded otherwise, or sees other inputs" if changed else ""
    if first.digest == other.digest:
        return ""
    names = [one for one in {**mine, **theirs} if mine.get(one) != theirs.get(one)]
    return f"they differ in {', '.join(names) or 'what passes, how criteria combine, or the examples'}"


def matched_labels(entries: list[Entry], labels: LabelSet, allow: bool) -> tuple[LabelSet, list[str]]:
    """Keep the labels of items that are in every file, and say of which items the others are."""
    everywhere = set.intersection(*(set(entry.batch.position) for entry in entries))
    anywhere = set.union(*(set(entry.batch.position) for entry in entries))
    strange = [label for label in labels.labels if label.id not in anywhere]
    if strange and not allow:
        many = plural(len({label.id for label in strange}), "labelled item")
        said = f"{many} in none of the graded files (first: {strange[0].id!r})"
        raise InputError([Problem(f"{said}; correct the ids, or --allow-unmatched", "labels")])
    kept = tuple(label for label in labels.labels if label.id in everywhere)
    if not kept:
        raise InputError(
            [Problem("no labelled item is in every graded file; are the ids the same?", "labels")]
        )
    lost = len({label.id for label in labels.labels}) - len({label.id for label in kept})
    note = f"{plural(lost, 'labelled item')} not in every graded file: left out"
    return LabelSet(kept, labels.notes), [note] * bool(lost)
