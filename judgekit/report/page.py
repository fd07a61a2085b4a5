"""The report: one HTML file that answers first, then shows what the answer rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from judgekit.calibration import Calibration
from judgekit.calibration.batch import Question, questions
from judgekit.calibration.fresh import FRESH as FRESH_LABELS
from judgekit.calibration.looks import standing_lines
from judgekit.calibration.plan import FRESH, LABELS, plan_command
from judgekit.calibration.requirement import Requirement, card_requirements, corrected_requirements
from judgekit.calibration.results import PLAIN
from judgekit.calibration.text import plural
from judgekit.errors import InputError, Problem
from judgekit.files.atomic import write_atomic
from judgekit.files.graded import read_graded
from judgekit.files.items import Columns
from judgekit.html import environment
from judgekit.labels import LabelSet
from judgekit.report.basis import Basis, Given, find_basis
from judgekit.report.disagreements import Disagreement, by_answers, disagreements
from judgekit.report.numbers import level_of
from judgekit.report.provenance import day, origin, run_facts
from judgekit.report.reading import SHOWN_FAILURES, Reading, anchor, read_through, small
from judgekit.report.requirement import document
from judgekit.report.sections import MEANS, SHORT, said, sections, title
from judgekit.report.trials import trial_lines
from judgekit.rubric import OVERALL
from judgekit.verdict import ABSTAINED, ANSWERS

SHOWN_ITEMS = 200
SHOWN_LINKS = 12
SHOWN_GROUPS = 6


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    out : Path
    decision : str or None
        The calibration's; with fresh labels of another batch than the card's, the card's, unless they refute
        it. None where there are no labels of this batch.
    disagreements, failures : int
        How many there are, shown or not.
    items : int
        Graded rows.
    whole : int or None
        Disagreements about the item as a whole; None where that is not asked.
    """

    out: Path
    decision: str | None
    disagreements: int
    failures: int
    items: int
    whole: int | None = None

    @property
    def to_read(self) -> str:
        """How many disagreements there are, and which come first."""
        said = plural(self.disagreements, "disagreement")
        return said if self.whole is None else f"{said}, first the {self.whole:,} about the item as a whole"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**vars(self), "out": str(self.out)}


def write_report(
    graded: Given,
    out: str | Path,
    *,
    labels: Given | Sequence[Given] | LabelSet | None = None,
    calibration: Given | Calibration | None = None,
    design: str | None = None,
    allow_unmatched: bool = False,
) -> Report:
    """Write a graded batch, and how far its judge may be believed, as one HTML file for people.

    Parameters
    ----------
    graded : path
        Graded rows, with their manifest beside them.
    out : path
        The page. It loads nothing and runs nothing.
    labels : path, list of paths, or LabelSet, optional
        Human labels of items of this batch.
    calibration : path or Calibration, optional
        A card. Where its labels are of this batch, its numbers are shown; of another batch, what follows from
        them under each assumption, or, with 15 or more fresh labels drawn at random, without any. Otherwise
        labels given beside it decide.
    design : {"random", "stratified", "probability", "external", "unknown"} or None
        How the labelled items were chosen; None takes what the labels or their card state.
    allow_unmatched : bool
        Leave out labels of items that are not in the batch, instead of refusing them.

    Raises
    ------
    StaleError
        If the card is of another rubric or another judge.
    InputError
        If a file is wrong, or the page cannot be written.
    """
    basis = find_basis(graded, labels, calibration, design, allow_unmatched)
    found = disagreements(basis)
    reading = _read(graded, basis, found[:SHOWN_ITEMS])
    page = (
        environment("judgekit.report").get_template("report.html").generate(page_data(basis, found, reading))
    )
    try:
        write_atomic(out, page)
    except OSError as error:
        raise InputError([Problem(f"cannot be written: {error.strerror}", str(out))]) from None
    decided = _decided(basis)
    verb = decided.decision.verb if decided else None
    return Report(
        Path(out), verb, len(found), _failed(reading), len(basis.batch.ids), _about_whole(found, basis)
    )


def _read(graded: Given, basis: Basis, wanted: list[Disagreement]) -> Reading:
    recorded = basis.batch.manifest.get("columns") or {}
    columns = Columns(None, recorded.get("map") or {}, dict.fromkeys(recorded.get("set") or ()))
    return read_through(read_graded(graded), basis.batch.rubric, columns, wanted, basis.labels)


def _failed(reading: Reading) -> int:
    return sum(count for status, count in reading.statuses.items() if status not in ANSWERS)


def page_data(basis: Basis, found: list[Disagreement], reading: Reading) -> dict[str, Any]:
    """Gather what the template lays out: texts and numbers, no markup."""
    batch, manifest = basis.batch, basis.batch.manifest
    held = _held(basis)
    parts = sections(batch, basis.calibration, basis.correction, {one.criterion: one for one in held})
    return {
        "rubric": batch.rubric,
        "grader": str(manifest.get("grader") or "unknown"),
        "items": plural(len(batch.ids), "item"),
        "input": str((manifest.get("input") or {}).get("name") or batch.name),
        "graded": quote(Path(batch.name).name),
        "plan": [plan_command(Path(batch.name).name, n, manifest, len(batch.ids)) for n in (LABELS, FRESH)],
        "day": day(manifest),
        "kind": _kind(basis),
        "people": basis.calibration is not None,
        "sections": parts,
        "whole": parts[0] if len(parts) == 1 or parts[0].head.name == OVERALL else None,
        "answer": _answer(basis),
        "links": {one.name: _links(found, one) for one in questions(batch.rubric)},
        "shown": [reading.shown[one.id] for one in found[:SHOWN_ITEMS] if one.id in reading.shown],
        "disagreements": len(found),
        "differ": _differ(found, basis),
        "card_only": basis.labels is None,
        "failures": _failures(reading),
        "run": run_facts(manifest, reading),
        "steadiness": reading.steadiness.lines(),
        "trials": trial_lines(reading.trials),
        "origin": origin(basis),
        "notes": _notes(basis),
        "held": held,
        "level": level_of(basis.calibration.confidence if basis.calibration else PLAIN),
        "requirement": document(batch.rubric, held),
        "short": SHORT,
        "version": str((manifest.get("versions") or {}).get("judgekit") or ""),
    }


def _kind(basis: Basis) -> str:
    """Name what the page can answer.

    ``calibrated``; by a card of another batch: ``fresh`` (labels of this one), ``carried`` (one number) or
    ``open`` (one for each assumption); or ``raw``.
    """
    if basis.correction is not None:
        if any(FRESH_LABELS in quantity.estimates for quantity in basis.correction.quantities[-1:]):
            return "fresh"
        return "open" if basis.correction.open else "carried"
    return "raw" if basis.calibration is None else "calibrated"


def _decided(basis: Basis) -> Calibration | None:
    """Give the calibration whose decision holds for this batch, if any does."""
    if _kind(basis) == "fresh" and basis.correction is not None and not basis.correction.drifted:
        return basis.card
    return basis.calibration


def _held(basis: Basis) -> tuple[Requirement, ...]:
    if basis.correction is not None:
        return corrected_requirements(basis.correction, basis.batch.rubric)
    return () if basis.calibration is None else card_requirements(basis.calibration, basis.batch.rubric)


def _notes(basis: Basis) -> tuple[str, ...]:
    of = basis.calibration.notes if basis.calibration else ()
    return (*of, *(note for note in (basis.correction.notes if basis.correction else ()) if note not in of))


def _answer(basis: Basis) -> dict[str, Any]:
    found = basis.card if basis.correction is not None else basis.calibration
    if found is None:
        return {}
    whole, tested = found.overall, basis.correction
    alone = whole.name == OVERALL or len(found.results) == 1
    decided = _decided(basis) or found
    return {
        "decision": decided.decision,
        "means": MEANS[decided.decision.verb],
        "sentences": said(whole, found) if alone else (),
        "whose": "of the system that made these items" if found.target == "process" else "of these items",
        "frame": found.digests["frame"]["n"],
        "looks": standing_lines(found.standing) if found.standing is not None else [],
        "stale": found.stale,
        "fresh": tested.fresh if tested else 0,
        "refuted": tested is not None and tested.drifted,
        "meaning": [(title(one.criterion), one.sentence) for one in tested.meaning] if tested else [],
        "drift": tested.drift.sentences if tested and tested.drift else (),
        "card_level": level_of(found.confidence),
    }


def _about_whole(found: list[Disagreement], basis: Basis) -> int | None:
    """Count the disagreements about the item as a whole."""
    if basis.calibration is None or basis.calibration.overall.name != OVERALL:
        return None
    return sum(one.differs[0].question == OVERALL for one in found)


def _differ(found: list[Disagreement], basis: Basis) -> str:
    if basis.calibration is None:
        return ""
    whole = basis.calibration.overall
    labelled = plural(whole.counts.labelled, "labelled item")
    said = f"{plural(len(found), 'disagreement')} on {labelled}"
    first = _about_whole(found, basis)
    if first is None:
        return f"{said}."
    return (
        f"{said}; {first:,} of them about the item as a whole, and these come first, those that differ on "
        "most criteria ahead."
    )


def _links(found: list[Disagreement], question: Question) -> dict[str, Any]:
    shown = {one.id for one in found[:SHOWN_ITEMS]}
    groups = by_answers(found, question)
    listed = [
        {
            "words": words,
            "count": len(items),
            "items": [(anchor(one.id), small(one.id)) for one in items[:SHOWN_LINKS] if one.id in shown],
        }
        for words, items in groups[:SHOWN_GROUPS]
    ]
    return {"groups": listed, "rest": sum(len(items) for _, items in groups[SHOWN_GROUPS:])}


def _failures(reading: Reading) -> dict[str, Any]:
    by_status = [(status, n) for status, n in reading.statuses.most_common() if status not in ANSWERS]
    return {
        "count": _failed(reading),
        "by_status": by_status,
        "rows": reading.failures,
        "limit": SHOWN_FAILURES,
        "abstained": reading.statuses[ABSTAINED],
        "abstained_ids": reading.abstained,
    }
