"""The report: one HTML file that answers first, then shows what the answer rests on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgekit.calibration import Calibration
from judgekit.calibration.batch import Question, questions
from judgekit.calibration.text import plural
from judgekit.errors import InputError, Problem
from judgekit.files.atomic import write_atomic
from judgekit.files.graded import read_graded
from judgekit.html import environment
from judgekit.labels import LabelSet
from judgekit.report.basis import Basis, Given, find_basis
from judgekit.report.disagreements import Disagreement, by_answers, disagreements
from judgekit.report.provenance import day, origin, run_facts
from judgekit.report.reading import SHOWN_FAILURES, Reading, anchor, read_through, small
from judgekit.report.requirement import document
from judgekit.report.sections import MEANS, SHORT, said, sections
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
        The calibration's; None where there are no labels of this batch.
    disagreements, failures : int
        How many there are, shown or not.
    """

    out: Path
    decision: str | None
    disagreements: int
    failures: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**vars(self), "out": str(self.out)}


def write_report(
    graded: Given,
    out: str | Path,
    *,
    labels: Given | LabelSet | None = None,
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
    labels : path or LabelSet, optional
        Human labels of items of this batch.
    calibration : path or Calibration, optional
        A card. Where its labels are of this batch, its numbers are shown; of another batch, what follows from
        them under each assumption. Labels given beside it decide.
    design : {"random"} or None
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
    verb = basis.calibration.decision.verb if basis.calibration else None
    return Report(Path(out), verb, len(found), _failed(reading))


def _read(graded: Given, basis: Basis, wanted: list[Disagreement]) -> Reading:
    renamed = (basis.batch.manifest.get("columns") or {}).get("map") or {}
    return read_through(read_graded(graded), basis.batch.rubric, renamed, wanted, basis.labels)


def _failed(reading: Reading) -> int:
    return sum(count for status, count in reading.statuses.items() if status not in ANSWERS)


def page_data(basis: Basis, found: list[Disagreement], reading: Reading) -> dict[str, Any]:
    """Gather what the template lays out: texts and numbers, no markup."""
    batch, manifest = basis.batch, basis.batch.manifest
    parts = sections(batch, basis.calibration, basis.correction)
    return {
        "rubric": batch.rubric,
        "grader": str(manifest.get("grader") or "unknown"),
        "items": plural(len(batch.ids), "item"),
        "input": str((manifest.get("input") or {}).get("name") or batch.name),
        "graded": Path(batch.name).name,
        "day": day(manifest),
        "kind": _kind(basis),
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
        "origin": origin(basis),
        "notes": basis.calibration.notes if basis.calibration else (),
        "requirement": document(batch.rubric),
        "short": SHORT,
        "version": str((manifest.get("versions") or {}).get("judgekit") or ""),
    }


def _kind(basis: Basis) -> str:
    """Name what the page can answer: calibrated, carried (one number), open (one each assumption), or raw."""
    if basis.calibration is not None:
        return "calibrated"
    if basis.correction is None:
        return "raw"
    return "open" if basis.correction.open else "carried"


def _answer(basis: Basis) -> dict[str, Any]:
    found = basis.calibration or basis.card
    if found is None:
        return {}
    whole = found.overall
    alone = whole.name == OVERALL or len(found.results) == 1
    return {
        "decision": found.decision,
        "means": MEANS[found.decision.verb],
        "sentences": said(whole) if alone else (),
        "whose": "of the system that made these items" if found.target == "process" else "of these items",
        "frame": found.digests["frame"]["n"],
    }


def _differ(found: list[Disagreement], basis: Basis) -> str:
    if basis.calibration is None:
        return ""
    whole = basis.calibration.overall
    labelled = plural(whole.counts.labelled, "labelled item")
    if whole.name != OVERALL:
        return f"Judge and people differ on {len(found):,} of {labelled}."
    first = sum(one.differs[0].question == whole.name for one in found)
    return (
        f"On {len(found):,} of {labelled} judge and people differ about something; on {first:,} about the "
        "item as a whole, and these come first, those that differ on most criteria ahead."
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
