"""A card applied to another batch of the same grader."""

from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np

from judgekit.calibration.batch import Answers, Floats, GradedBatch, Ints, Question, load_batch, questions
from judgekit.calibration.card import numbered, salted
from judgekit.calibration.estimates import (
    Measure,
    Outcomes,
    arises_not,
    bounds,
    measures,
    quantities,
    raw_mean,
)
from judgekit.calibration.results import Calibration
from judgekit.errors import StaleError, UsageError
from judgekit.stats.cell_correction import post_stratified_mean
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate

SHIFTS = {
    "mix": "if a verdict still means what it meant",
    "prevalence": "if the judge still errs at the same rates",
}
SAME = "same items"


@dataclass(frozen=True)
class CorrectedQuantity:
    """One rate or mean of a new batch.

    Attributes
    ----------
    criterion, name : str
    raw : float
        The judge's count.
    estimates : dict of str to Estimate
        By assumption: ``mix``, ``prevalence``, or ``same items`` where the card's labels are of this batch.
    """

    criterion: str
    name: str
    raw: float
    estimates: dict[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "criterion": self.criterion,
            "name": self.name,
            "raw": None if isnan(self.raw) else self.raw,
            "estimates": {key: estimate.to_dict() for key, estimate in self.estimates.items()},
        }


@dataclass(frozen=True)
class Correction:
    """What a card says of a batch.

    Attributes
    ----------
    batch : str
    items : int
    signature : str
        Of the judge.
    target : str
    stale : str
        Why the card does not hold, if it was applied all the same; else empty.
    quantities : tuple of CorrectedQuantity
    """

    batch: str
    items: int
    signature: str
    target: str
    stale: str
    quantities: tuple[CorrectedQuantity, ...]

    @property
    def open(self) -> bool:
        """Whether there is more than one number, each under its own assumption."""
        return any(len(quantity.estimates) > 1 for quantity in self.quantities)

    def __str__(self) -> str:
        from judgekit.calibration.text import correction_text

        return correction_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "batch": self.batch,
            "items": self.items,
            "signature": self.signature,
            "target": self.target,
            "stale": self.stale or None,
            "quantities": [quantity.to_dict() for quantity in self.quantities],
        }


def correct(
    card: Calibration,
    graded: str | Path | GradedBatch,
    *,
    shift: str | None = None,
    target: str = "process",
    force: bool = False,
) -> Correction:
    """Correct the rates of another batch by a card.

    Parameters
    ----------
    shift : {"mix", "prevalence"} or None
        What stayed the same since the card: what a verdict means, or how often the judge errs. None gives
        both, each under its assumption. Where the card's labels are of this very batch, none is needed.
    force : bool
        Apply a stale card, and mark what comes of it.

    Raises
    ------
    StaleError
        If rubric or judge differ from the card's.
    UsageError
        If the card states no design, or there is no such shift.
    """
    if shift is not None and shift not in SHIFTS:
        raise UsageError(f"shift {shift!r} is not one of {', '.join(SHIFTS)}")
    batch = graded if isinstance(graded, GradedBatch) else load_batch(graded)
    stale = _checked(card, batch, force)
    asked = [question for question in questions(batch.rubric) if _same_question(card, batch, question)]
    for left in sorted(set(batch.answers) - {question.name for question in asked}):
        stale = f"{stale}; {left} is left out, for the card's labels answer another question"
    found: list[CorrectedQuantity] = []
    same = _is_same(card, batch, asked)
    if same and (column := card.pairs["group"]) and batch.groups is None:
        if isinstance(graded, GradedBatch):
            raise UsageError(
                f"the card goes by the groups of {column!r}; load the batch with group={column!r}"
            )
        batch = load_batch(graded, group=column)
    for question in asked:
        pairs = Pairs.read(card.pairs["questions"][question.name])
        if same:
            found += _same_batch(card, batch, question, pairs, target)
        else:
            found += _other_batch(batch, question, pairs, shift, target)
    return Correction(batch.name, len(batch.ids), batch.judge[1], target, stale, tuple(found))


def _checked(card: Calibration, batch: GradedBatch, force: bool) -> str:
    """Refuse a card that does not hold or holds no rate; give the reason where it is forced."""
    stale = stale_reason(card, batch)
    if stale and not force:
        raise StaleError(
            f"the card is stale: {stale}; calibrate again, or --force and have every output marked"
        )
    if card.design == "unknown":
        raise UsageError(
            "the card states no design, so it holds agreement only; calibrate again with --design random"
        )
    return stale


def stale_reason(card: Calibration, batch: GradedBatch) -> str:
    """Say why a card does not hold for a batch; empty if it does."""
    if card.digests["rubric"] != batch.rubric.digest:
        mine = f"it was made for {card.rubric} ({card.digests['rubric'][:19]})"
        now = f"{batch.name} was graded by {batch.rubric.reference} ({batch.rubric.digest[:19]})"
        return f"{mine}, {now}; what differs: {_changed(card, batch)}"
    if card.fingerprint != batch.manifest["fingerprint"]:
        return (
            f"it vouches for {card.signature} ({card.fingerprint[:19]}), {batch.name} was graded by "
            f"{batch.manifest.get('signature')} ({batch.manifest['fingerprint'][:19]})"
        )
    return ""


def _changed(card: Calibration, batch: GradedBatch) -> str:
    mine, now = card.digests["criteria"], batch.rubric.criterion_digests
    names = [name for name in {**mine, **now} if mine.get(name) != now.get(name)]
    return ", ".join(names) or "what passes, how criteria combine, or the examples"


def _same_question(card: Calibration, batch: GradedBatch, question: Question) -> bool:
    """Whether the answers on the card are answers to this question; under --force it may be another."""
    scales = {result.name: result.scale for result in card.results}
    asked = card.digests["criteria"].get(question.name) == batch.rubric.criterion_digests.get(question.name)
    return asked and scales.get(question.name) == question.criterion.scale


def _is_same(card: Calibration, batch: GradedBatch, asked: list[Question]) -> bool:
    """Whether the card's labels are of this very batch; ids alone may come again with other items."""
    if card.digests["frame"]["digest"] != batch.frame["digest"]:
        return False
    before, now = card.digests["items"], batch.digests["items"]
    return (before is not None and before == now) or not moved(card, batch, asked)


def moved(card: Calibration, batch: GradedBatch, asked: list[Question]) -> bool:
    """Whether the judge answers otherwise on a labelled item than when the card was made."""
    place = salted_places(card, batch)
    for question in asked:
        answers, pairs = batch.answers[question.name], Pairs.read(card.pairs["questions"][question.name])
        where = np.array([place[key] for key in pairs.ids], np.intp)
        codes, scores, _ = pairs.judge
        same = np.allclose(scores, answers.scores[where], rtol=0, atol=1e-9, equal_nan=True)
        if not same or not np.array_equal(codes, answers.codes[where]):
            return True
    return False


def salted_places(card: Calibration, batch: GradedBatch) -> dict[str, int]:
    """Give the place in a batch of each id as the card hides it."""
    return {salted(card.pairs["salt"], identity): where for where, identity in enumerate(batch.ids)}


@dataclass(frozen=True)
class Pairs:
    """What judge and people answered to one question on n labelled items: codes, scores and passes."""

    ids: list[str]
    judge: tuple[Ints, Floats, Floats]
    people: tuple[Ints, Floats, Floats]
    group: Ints | None = None

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "Pairs":
        """Read them off a card."""

        def side(data: dict[str, Any]) -> tuple[Ints, Floats, Floats]:
            scores, passes = (
                np.array([nan if v is None else v for v in data[key]], float) for key in ("scores", "passes")
            )
            return np.array(data["codes"], np.intp), scores, passes

        group = None if kept["groups"] is None else numbered(kept["groups"])
        return cls(kept["ids"], side(kept["judge"]), side(kept["people"]), group)


def _same_batch(
    card: Calibration, batch: GradedBatch, question: Question, pairs: Pairs, target: str
) -> list[CorrectedQuantity]:
    place = salted_places(card, batch)
    labelled = np.array([place[key] for key in pairs.ids], np.intp)
    group = None if batch.groups is None else numbered(batch.groups)
    outcomes = Outcomes(labelled, *pairs.people, group)
    found = quantities(question, batch.answers[question.name], outcomes, card.design, target)
    return [CorrectedQuantity(question.name, q.name, q.raw, {SAME: q.corrected}) for q in found]


def _other_batch(
    batch: GradedBatch, question: Question, pairs: Pairs, shift: str | None, target: str
) -> list[CorrectedQuantity]:
    judge = batch.answers[question.name]
    found = []
    for measure in measures(question):
        raw = raw_mean(question, judge, measure.of(judge.codes, judge.scores, judge.passes))
        estimates = {
            way: _external(question, measure, judge, pairs, way, target)
            for way in ([shift] if shift else SHIFTS)
        }
        found.append(CorrectedQuantity(question.name, measure.name, raw, estimates))
    return found


def _external(
    question: Question, measure: Measure, judge: Answers, pairs: Pairs, shift: str, target: str
) -> Estimate:
    if arises_not(question, judge.codes, pairs.judge[0], pairs.people[0]):
        why = "answers of not applicable cannot be carried from one batch to another; label items of this one"
        return Estimate.undefined(why, n=len(pairs.ids))
    outcome = measure.of(*pairs.people)
    arguments: dict[str, Any] = {
        "design": "external", "shift": shift, "target": target, "group": pairs.group,
    }  # fmt: skip
    # A judge of two levels has two error rates; finer cells would need a whole table of them.
    two = shift == "prevalence" and question.criterion.scale == "binary"
    if measure.in_cells and not two:
        cells: dict[str, Any] = {"order": question.places, "levels": len(question.cell_names)}
        external = (pairs.judge[0], outcome)
        found = post_stratified_mean(judge.codes, [], [], external=external, **cells, **arguments)
    else:
        values = measure.of(judge.codes, judge.scores, judge.passes)
        found = corrected_mean(values, [], [], external=(measure.of(*pairs.judge), outcome), **arguments)
    return bounds(found, outcome)
