"""What a report rests on: a calibration of these verdicts, a card of others, or a judge's count alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from judgekit.calibration import Calibration, calibrate, load_card
from judgekit.calibration.batch import GradedBatch, Question, load_batch, questions
from judgekit.calibration.calibrate import split_items
from judgekit.calibration.correct import Correction, correct, moved, salted_places, stale_reason
from judgekit.calibration.human import human_answers
from judgekit.calibration.joining import label_paths
from judgekit.errors import StaleError
from judgekit.files.labels import read_label_files
from judgekit.labels import LabelSet
from judgekit.rubric import OVERALL, Rubric

Given = str | Path


@dataclass(frozen=True)
class Basis:
    """Everything measured, before it is laid out.

    Attributes
    ----------
    batch : GradedBatch
    calibration : Calibration or None
        Of the verdicts of this batch.
    correction : Correction or None
        What `card` says of this batch, where it was made from other verdicts; beside a calibration, with the
        labels of this batch, which are then a random draw of it.
    card : Calibration or None
        As given.
    labels : LabelSet or None
        As given, without those of other items.
    places : dict of str to int
        Place in the batch of each id, salted as the calibration salts them.
    """

    batch: GradedBatch
    calibration: Calibration | None
    correction: Correction | None
    card: Calibration | None
    labels: LabelSet | None
    places: dict[str, int]


def find_basis(
    graded: Given,
    labels: Given | Sequence[Given] | LabelSet | None,
    calibration: Given | Calibration | None,
    design: str | None,
    allow_unmatched: bool,
) -> Basis:
    """Read what was given, and measure what can be.

    Raises
    ------
    StaleError
        If the card is of another rubric or judge.
    InputError, UsageError
        As `calibrate` and `correct` do.
    """
    batch = load_batch(graded)
    card = (
        calibration if calibration is None or isinstance(calibration, Calibration) else load_card(calibration)
    )
    if card is not None and (stale := stale_reason(card, batch)):
        raise StaleError(f"the card is stale: {stale}; calibrate again, or leave --calibration away")
    if labels is None:
        return _by_card(graded, batch, card)
    files = label_paths(labels)
    given = labels if isinstance(labels, LabelSet) else read_label_files(files, batch.rubric)
    mine = LabelSet(tuple(one for one in given.labels if one.id in batch.position), given.notes)
    kin = card if card is not None and _of_these(card, batch, mine) else None
    if kin is not None and design in (None, kin.design) and not moved(kin, batch, questions(batch.rubric)):
        # The card is this very calibration, with what else was asked of it then (a grouping, a target).
        # The card names no item: which ones are split is in the labels.
        joined = {q.name: human_answers(mine, q, batch.rubric) for q in questions(batch.rubric)}
        kin = replace(kin, split=split_items(joined))
        return Basis(batch, kin, None, card, mine, salted_places(kin, batch))
    if kin is not None and design is None and kin.design != "unknown":
        design = kin.design
    target = "process" if card is None else card.target
    found = calibrate(batch, files or given, design=design, target=target, allow_unmatched=allow_unmatched)
    fresh = None
    if card is not None and not _is_of(card, batch) and found.design == "random":
        # A set without labels of other items is still the files: looks at them are counted.
        these = files if files and len(mine.labels) == len(given.labels) else mine
        fresh = correct(card, graded, labels=these, design=design, target=target)
    return Basis(batch, found, fresh, card, mine, salted_places(found, batch))


def _by_card(graded: Given, batch: GradedBatch, card: Calibration | None) -> Basis:
    if card is None:
        return Basis(batch, None, None, None, None, {})
    if _is_of(card, batch) and not moved(card, batch, questions(batch.rubric)):
        return Basis(batch, card, None, card, None, salted_places(card, batch))
    # Groups and texts, which tell what has drifted, are read off the file again.
    return Basis(batch, None, correct(card, graded, target=card.target), card, None, {})


def _of_these(card: Calibration, batch: GradedBatch, labels: LabelSet) -> bool:
    """Whether a card was made from these labels and this batch."""
    return _is_of(card, batch) and bool(card.digests["labels"] == labels.digest)


def whole_first(rubric: Rubric) -> list[Question]:
    """Give what judge and people answer: the item as a whole, where that is asked, then the criteria."""
    return sorted(questions(rubric), key=lambda question: question.name != OVERALL)


def _is_of(card: Calibration, batch: GradedBatch) -> bool:
    return bool(card.digests["frame"]["digest"] == batch.frame["digest"])
