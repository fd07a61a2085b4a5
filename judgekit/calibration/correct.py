"""A card applied to another batch of the same grader."""

from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._text import plural
from judgekit.calibration.batch import Answers, GradedBatch, Question, load_batch, questions
from judgekit.calibration.batch_drift import BatchDrift, compare
from judgekit.calibration.card import keep_pairs, numbered, salted
from judgekit.calibration.drawn import drawn
from judgekit.calibration.estimates import (
    Measure,
    Outcomes,
    arises_not,
    bounds,
    measures,
    quantities,
    raw_mean,
)
from judgekit.calibration.fresh import LEAST_FRESH, Fresh, fresh_estimates, meaning
from judgekit.calibration.human import human_answers
from judgekit.calibration.joining import Labels, label_paths, labels_of
from judgekit.calibration.ledger import looked
from judgekit.calibration.looks import standing_lines
from judgekit.calibration.pairs import Pairs, all_pairs
from judgekit.calibration.profile import Profile, profile_of
from judgekit.calibration.results import PLAIN, Calibration
from judgekit.errors import InputError, StaleError, UsageError
from judgekit.files.graded import read_graded
from judgekit.stats.cell_correction import post_stratified_mean
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.sample import IntArray

LEVEL = 0.05
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
        By assumption: ``mix``, ``prevalence``; ``same items`` where the card's labels are of this batch;
        ``human only`` and ``fresh labels`` where this batch has labels of its own.
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
class Meaning:
    """Whether people still say of a verdict what they said when the card was made.

    Attributes
    ----------
    criterion : str
    refuted : bool
    sentence : str
    """

    criterion: str
    refuted: bool
    sentence: str


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
    fresh : int
        Labelled items of this batch; 0 if none were given.
    meaning : tuple of Meaning
        Tests of fresh against earlier labels, by criterion.
    drift : BatchDrift or None
        What is different in this batch from the one that the card was made on; None for that one itself.
    notes : tuple of str
        What was left out on the way.
    card : Calibration
        The card, with the fresh labels added to what it knows.
    """

    batch: str
    items: int
    signature: str
    target: str
    stale: str
    quantities: tuple[CorrectedQuantity, ...]
    fresh: int
    meaning: tuple[Meaning, ...]
    drift: BatchDrift | None
    notes: tuple[str, ...]
    card: Calibration = field(repr=False, compare=False)

    @property
    def open(self) -> bool:
        """Whether there is more than one number, each under its own assumption."""
        return any(len(set(quantity.estimates) & set(SHIFTS)) > 1 for quantity in self.quantities)

    @property
    def drifted(self) -> bool:
        """Whether fresh labels refute that a verdict still means what it meant."""
        return any(one.refuted for one in self.meaning)

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
            "fresh": self.fresh,
            "meaning": [vars(one) for one in self.meaning],
            "drift": None if self.drift is None else self.drift.to_dict(),
            "notes": list(self.notes),
        }


def correct(
    card: Calibration,
    graded: str | Path | GradedBatch,
    *,
    labels: Labels | None = None,
    design: str | None = None,
    shift: str | None = None,
    target: str = "process",
    force: bool = False,
) -> Correction:
    """Correct the rates of another batch by a card.

    Parameters
    ----------
    labels : path, list of paths, LabelSet, rows, or None
        Fresh labels: of a random draw of this batch. From 15 on they give an estimate that assumes nothing.
    design : {"random"} or None
        That the fresh labels are one, where they do not say so themselves.
    shift : {"mix", "prevalence"} or None
        What stayed the same since the card: what a verdict means, or how often the judge errs. None gives
        both, each under its assumption, unless there are fresh labels. Where the card's labels are of this
        very batch, none is needed.
    force : bool
        Apply a stale card, and mark what comes of it.

    Raises
    ------
    StaleError
        If rubric or judge differ from the card's, or a verdict no longer means what it meant.
    UsageError
        If the card states no design, there is no such shift, or the fresh labels are no random draw.
    """
    if shift is not None and shift not in SHIFTS:
        raise UsageError(f"shift {shift!r} is not one of {', '.join(SHIFTS)}")
    batch = graded if isinstance(graded, GradedBatch) else load_batch(graded)
    stale = _checked(card, batch, force, labels is not None)
    asked = [question for question in questions(batch.rubric) if _same_question(card, batch, question)]
    for left in sorted(set(batch.answers) - {question.name for question in asked}):
        stale = f"{stale}; {left} is left out, for the card's labels answer another question"
    same = labels is None and _is_same(card, batch, asked)
    if (same or labels is not None) and (column := card.pairs["group"]) not in (None, batch.group_by):
        if isinstance(graded, GradedBatch):
            raise UsageError(
                f"the card goes by the groups of {column!r}; load the batch with group={column!r}"
            )
        batch = load_batch(graded, group=column)
    week = None if labels is None else _Week(card, batch, labels, design)
    found: list[CorrectedQuantity] = []
    for question in asked:
        if same:
            found += _same_batch(card, batch, question, target)
        elif week is not None and week.fresh[question.name].enough:
            found += week.quantities(question, target)
        else:
            found += _other_batch(card, batch, question, shift, target)
    tested = () if week is None else week.meaning(asked)
    notes = () if week is None else (*week.labels.notes, *week.looks, *week.few(asked))
    return Correction(
        batch.name,
        len(batch.ids),
        batch.judge[1],
        target,
        stale,
        tuple(found),
        0 if week is None else len(week.labels.ids),
        tested,
        None if same else _drift(card, batch, graded),
        notes,
        card if week is None else week.added(tested),
    )


def _drift(card: Calibration, batch: GradedBatch, graded: object) -> BatchDrift | None:
    if card.profile is None:
        return None
    rows = read_graded(graded) if isinstance(graded, str | Path) else ()
    return compare(Profile.from_dict(card.profile), profile_of(batch, rows))


def _checked(card: Calibration, batch: GradedBatch, force: bool, fresh: bool) -> str:
    """Refuse a card that does not hold or holds no rate; give the reason where it is forced."""
    stale = stale_reason(card, batch) or ("" if fresh else card.stale)
    if stale and not force:
        raise StaleError(
            f"the card is stale: {stale}; calibrate again, or --force (force=True) and have every "
            "output marked"
        )
    if card.design == "unknown" and not fresh:
        raise UsageError(
            "the card states no design, so it holds agreement only; calibrate again with --design random"
        )
    return stale


class _Week:
    """Fresh labels of a batch, beside all that the card knows."""

    def __init__(self, card: Calibration, batch: GradedBatch, labels: Labels, design: str | None) -> None:
        self.card, self.batch = card, batch
        self.labels = labels_of(labels, batch, allow_unmatched=False)
        self.drawn = drawn(design, self.labels, batch)
        if self.drawn.design != "random":
            raise UsageError(
                f"fresh labels of {batch.name} have to be a random draw of it, and these are "
                f"{self.drawn.design}: draw with judgekit plan, or state --design random if they are one"
            )
        self.joined = {q.name: human_answers(self.labels, q, batch.rubric) for q in questions(batch.rubric)}
        at = looked(batch, self.labels, label_paths(labels), "correct", LEAST_FRESH)
        self.confidence = PLAIN if at is None else at.confidence(PLAIN)
        self.looks = [] if at is None else standing_lines(at)
        self.fresh = {name: Fresh.of(batch, people) for name, people in self.joined.items()}

    def _earlier(self, question: Question) -> Pairs:
        return all_pairs(self.card, question.name, set(self.labels.ids), self.batch)

    def quantities(self, question: Question, target: str) -> list[CorrectedQuantity]:
        fresh, judge = self.fresh[question.name], self.batch.answers[question.name]
        found = fresh_estimates(self.batch, question, fresh, self._earlier(question), target, self.confidence)
        return [
            CorrectedQuantity(question.name, m.name, _raw(question, m, judge), found[m.name])
            for m in measures(question)
        ]

    def meaning(self, asked: list[Question]) -> tuple[Meaning, ...]:
        """Test every question; that none is refuted by chance takes a level for each of them."""
        tested, alpha = [], LEVEL / max(len(asked), 1)
        for question in asked:
            earlier = self._earlier(question)
            if not earlier.ids:
                said = "The card knows no other labels than these, so there is nothing to compare them with."
                tested.append(Meaning(question.name, False, said))
                continue
            found = meaning(self.batch, question, self.fresh[question.name], earlier, alpha)
            if found is not None:
                tested.append(Meaning(question.name, found.refuted, found.sentence))
        return tuple(tested)

    def few(self, asked: list[Question]) -> list[str]:
        """Say where fresh labels are too few for an estimate of their own."""
        short = {q.name: self.fresh[q.name].people.counts["settled"] for q in asked}
        return [
            f"{name}: {plural(n, 'fresh label')}, too few for an estimate that assumes nothing (15)"
            for name, n in short.items()
            if n < LEAST_FRESH
        ]

    def added(self, tested: tuple[Meaning, ...]) -> Calibration:
        """Give the card with this week's labels; the same week again takes the place of itself."""
        kept = keep_pairs(self.batch, self.joined, self.drawn) | {"frame": self.batch.frame}
        weeks = [week for week in self.card.weeks if week["frame"] != self.batch.frame]
        refuted = [one.criterion for one in tested if one.refuted]
        stale = self.card.stale
        if refuted:
            stale = f"of {' and '.join(refuted)}, a verdict no longer means what it meant ({self.batch.name})"
        return replace(self.card, weeks=(*weeks, kept), stale=stale)


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
        answers, pairs = batch.answers[question.name], Pairs.read(card.pairs, question.name)
        where = np.array([place[key] for key in pairs.ids], np.intp)
        codes, scores, _ = pairs.judge
        same = np.allclose(scores, answers.scores[where], rtol=0, atol=1e-9, equal_nan=True)
        if not same or not np.array_equal(codes, answers.codes[where]):
            return True
    return False


def salted_places(card: Calibration, batch: GradedBatch) -> dict[str, int]:
    """Give the place in a batch of each id as the card hides it."""
    places = {salted(card.pairs["salt"], identity): where for where, identity in enumerate(batch.ids)}
    if not all(places.keys() >= set(kept["ids"]) for kept in card.pairs["questions"].values()):
        raise InputError("the card names its batch, and its ids are not those of that batch; calibrate again")
    return places


def _same_batch(
    card: Calibration, batch: GradedBatch, question: Question, target: str
) -> list[CorrectedQuantity]:
    if card.design == "stratified":
        if target != card.target:
            raise UsageError(f"the card is about the {card.target}; calibrate again with --target {target}")
        return [
            CorrectedQuantity(question.name, q.name, q.raw, {SAME: q.corrected})
            for q in card[question.name].quantities
        ]
    place, pairs = salted_places(card, batch), Pairs.read(card.pairs, question.name)
    labelled = np.array([place[key] for key in pairs.ids], np.intp)
    group = None if batch.groups is None else numbered(batch.groups)
    outcomes = Outcomes(labelled, *pairs.people, group, pairs.probability)
    answers, how = batch.answers[question.name], (card.design, target, card.confidence)
    found = quantities(question, answers, outcomes, *how)
    return [CorrectedQuantity(question.name, q.name, q.raw, {SAME: q.corrected}) for q in found]


def _other_batch(
    card: Calibration, batch: GradedBatch, question: Question, shift: str | None, target: str
) -> list[CorrectedQuantity]:
    judge, pairs = batch.answers[question.name], all_pairs(card, question.name)
    groups = None if batch.groups is None or target != "process" else numbered(batch.groups)
    found = []
    for measure in measures(question):
        estimates = {
            way: _external(question, measure, judge, pairs, way, target, groups)
            for way in ([shift] if shift else SHIFTS)
        }
        raw = _raw(question, measure, judge)
        found.append(CorrectedQuantity(question.name, measure.name, raw, estimates))
    return found


def _raw(question: Question, measure: Measure, judge: Answers) -> float:
    return raw_mean(question, judge, measure.of(judge.codes, judge.scores, judge.passes))


def _external(
    question: Question,
    measure: Measure,
    judge: Answers,
    pairs: Pairs,
    shift: str,
    target: str,
    groups: IntArray | None,
) -> Estimate:
    if arises_not(question, judge.codes, pairs.judge[0], pairs.people[0]):
        why = "answers of not applicable cannot be carried from one batch to another; label items of this one"
        return Estimate.undefined(why, n=len(pairs.ids))
    outcome = measure.of(*pairs.people)
    arguments: dict[str, Any] = {
        "design": "external", "shift": shift, "target": target, "group": pairs.group,
        "probability": pairs.probability, "batch_group": groups,
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
