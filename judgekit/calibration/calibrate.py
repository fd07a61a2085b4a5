"""Hold a judge's verdicts against human labels."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._text import plural
from judgekit.calibration.batch import GradedBatch, Ints, load_batch, questions, same_rubric
from judgekit.calibration.card import keep_pairs, numbered
from judgekit.calibration.drawn import drawn
from judgekit.calibration.human import HumanAnswers, human_answers
from judgekit.calibration.in_memory import Table, batch_from_rows
from judgekit.calibration.joining import Labels, gaps, label_paths, labels_of
from judgekit.calibration.ledger import looked
from judgekit.calibration.measure import Asked, measure
from judgekit.calibration.profile import profile_of
from judgekit.calibration.rater_answers import SETTLED_BY, settled_by_dawid_skene
from judgekit.calibration.raters import rater_report
from judgekit.calibration.results import Calibration, CriterionResult
from judgekit.calibration.thresholds import DEFAULTS, Thresholds
from judgekit.errors import UsageError
from judgekit.files.graded import GradedRow, read_graded
from judgekit.labels import LabelSet
from judgekit.library import find
from judgekit.rubric import Rubric

TARGETS = ("process", "batch")


def calibrate(
    graded: str | Path | GradedBatch | Table,
    labels: Labels,
    *,
    design: str | None = None,
    rubric: str | Path | Rubric | None = None,
    target: str = "process",
    group: str | None = None,
    stratum: str | None = None,
    thresholds: Thresholds | None = None,
    settle: str | None = None,
    allow_unmatched: bool = False,
    previous: Calibration | None = None,
    again: Calibration | None = None,
) -> Calibration:
    """Measure how far a judge agrees with people, and correct its rates by their labels.

    Parameters
    ----------
    graded : path, GradedBatch, or rows
        Graded rows, with their manifest beside them; or rows ``{"id", "verdict"}`` or a data frame of them,
        with `rubric`.
    labels : path, list of paths, LabelSet, or rows
        Human labels, long or wide; several files, as from several raters, count as one set.
    design : {"random", "stratified", "probability", "external", "unknown"} or None
        How the labelled items were chosen from the graded ones. None takes what the labels state; if they
        state nothing, it is unknown: there is agreement, but no rate.
    rubric : name, path or Rubric, optional
        Refuse rows graded by another one.
    target : {"process", "batch"}
        The rate of the system that made the items, or of just these items.
    group : str or None
        Column that says which items depend on each other; None takes those that share a task or an input.
    stratum : str or None
        Column that says from which stratum an item was drawn, where `judgekit plan` did not make them.
    thresholds : Thresholds or None
        Where the rules of the decision draw their lines.
    settle : {"dawid-skene"} or None
        How several raters make one answer: None by adjudication, else majority, median or mean; or as Dawid
        and Skene's model of the raters says, from 3 raters and 100 items on.
    allow_unmatched : bool
        Leave out labels of items that are not in the batch, instead of refusing them.
    previous : Calibration or None
        An older card in the place of this one: its count of looks goes on, and, as long as it holds for this
        judge and rubric, what it learned from later weeks.
    again : Calibration or None
        A card to make once more from its own files: with its salt and its count of looks. Nothing is
        written down, for nothing new is asked; see `judgekit.calibration.evidence`.

    Raises
    ------
    InputError
        If a file is wrong, or labels name items that are not there, or answer another wording.
    UsageError
        If the design is not known, or development labels are to correct a rate.
    """
    if target not in TARGETS:
        raise UsageError(f"target {target!r} is not one of {', '.join(TARGETS)}")
    if stratum is not None and design not in (None, "stratified"):
        raise UsageError(f"strata belong to a stratified draw, not to a {design} one; leave one away")
    batch = _batch(graded, None if rubric is None else find(rubric), group, stratum)
    matched = labels_of(labels, batch, allow_unmatched)
    # Whoever names the strata has said how the items were drawn.
    how = drawn("stratified" if batch.strata is not None and design is None else design, matched, batch)
    settled = _settled(matched, batch.rubric, settle)
    joined = {q.name: human_answers(settled, q, batch.rubric) for q in questions(batch.rubric)}
    limits, before = thresholds or DEFAULTS, previous.standing if previous else None
    files = label_paths(labels)
    at = again.standing if again else looked(batch, matched, files, "calibrate", limits.labels, before)
    tuned = "development" in matched.said("role")
    asked = Asked(how, target, _groups(batch), limits, at, tuned)
    stated = {"design": design, "target": target, "group": group, "stratum": stratum, "settle": settle}
    return Calibration(
        batch.rubric.reference,
        {**batch.digests, "labels": matched.digest},
        *batch.judge,
        how.design,
        target,
        _results(batch, matched, joined, asked),
        keep_pairs(batch, joined, how, again.pairs["salt"] if again else None),
        (*matched.notes, *how.notes, *_shared(batch), *gaps(matched, joined), *[SETTLED_BY] * bool(settle)),
        limits,
        standing=at,
        requirement=batch.manifest.get("rubric") or batch.rubric.to_dict(),
        recipe=batch.manifest.get("judge"),
        profile=profile_of(batch, _rows_again(graded)).to_dict(),
        weeks=_weeks(previous, batch),
        split=split_items(joined),
        paths=_paths(graded, labels, stated, allow_unmatched),
    )


def _weeks(previous: Calibration | None, batch: GradedBatch) -> tuple[dict[str, Any], ...]:
    """Keep what an older card learned from later weeks, unless it is another judge's or was refuted."""
    if previous is None or previous.stale or previous.fingerprint != batch.judge[0]:
        return ()
    return tuple(week for week in previous.weeks if week["frame"] != batch.frame)


def _rows_again(graded: object) -> Iterable[GradedRow]:
    return read_graded(graded) if isinstance(graded, str | Path) else ()


def _settled(labels: LabelSet, rubric: Rubric, settle: str | None) -> LabelSet:
    if settle is None:
        return labels
    if settle != "dawid-skene":
        raise UsageError(f"settle {settle!r} is not known: dawid-skene, or leave it away")
    return settled_by_dawid_skene(labels, rubric)


def _paths(graded: object, labels: object, stated: dict[str, Any], allow: bool) -> dict[str, Any] | None:
    """Remember from which files this was made, for the card to say."""
    files = label_paths(labels)
    if not isinstance(graded, str | Path) or not files:
        return None
    options = {name: value for name, value in {**stated, "allow_unmatched": allow}.items() if value}
    return {"graded": str(graded), "labels": list(map(str, files)), "options": options}


def _shared(batch: GradedBatch) -> list[str]:
    if batch.groups is None or batch.group_by is not None:
        return []
    items, inputs = plural(len(batch.ids), "item"), len(set(batch.groups))
    return [f"{items} share {inputs:,} inputs: those of one input count as one group"]


def split_items(joined: Mapping[str, HumanAnswers]) -> dict[str, tuple[str, ...]]:
    """Give, by question, the items on which raters differ and nobody has settled it."""
    return {
        name: tuple(key for key, state in zip(found.ids, found.states, strict=True) if state == "split")
        for name, found in joined.items()
    }


def _batch(
    graded: str | Path | GradedBatch | Table, rubric: Rubric | None, group: str | None, stratum: str | None
) -> GradedBatch:
    if isinstance(graded, str | Path):
        return load_batch(graded, rubric=rubric, group=group, stratum=stratum)
    if not isinstance(graded, GradedBatch):
        if rubric is None:
            raise UsageError("rows from memory do not say by which rubric they were graded; give rubric=")
        return batch_from_rows(graded, rubric, group, stratum)
    if rubric is not None:
        same_rubric(rubric, graded.rubric.reference, graded.rubric.digest, graded.name)
    if group is not None or stratum is not None:
        raise UsageError("this batch is loaded already; name its group and stratum to load_batch")
    return graded


def _groups(batch: GradedBatch) -> Ints | None:
    return None if batch.groups is None else numbered(batch.groups)


def _results(
    batch: GradedBatch, labels: LabelSet, joined: dict[str, HumanAnswers], asked: Asked
) -> tuple[CriterionResult, ...]:
    results = []
    for question in questions(batch.rubric):
        people, judge = joined[question.name], batch.answers[question.name]
        places = np.array([batch.position[key] for key in people.ids], np.intp)
        report = rater_report(labels, question, batch.rubric, people, judge, places, asked.group)
        results.append(measure(question, judge, people, places, asked, report))
    return tuple(results)
