"""Rates, means and agreement as they stand on the page: a row of text and a mark in the picture for each."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from judgekit.calibration.batch import GradedBatch, Question, questions
from judgekit.calibration.correct import SAME, SHIFTS, CorrectedQuantity, Correction
from judgekit.calibration.estimates import PASS_RATE, measures, raw_mean
from judgekit.calibration.results import Calibration, CriterionResult, Decision, Quantity
from judgekit.calibration.text import (
    NO_INTERVAL,
    agreement_lines,
    count_line,
    interval,
    number,
    plural,
    share,
    sources,
)
from judgekit.report.pictures import Heat, Intervals, heat, mark_of, percent, raw_mark, unit_of
from judgekit.rubric import OVERALL
from judgekit.stats.estimate import Estimate

COUNT = "a judge's count, no interval"
# What a decision asks of who reads the number.
MEANS = {
    "trust": "On batches like this one the judge's own count may stand for people's. Label a few new items now and "
    "then: a judge that fits today can drift.",
    "correct": "Quote the corrected figure with its interval, never the judge's own count; and read below "
    "where judge and people differ.",
    "reject": "Use neither the judge's count nor its single verdicts for this. The human-only figure stands by "
    "itself; read below what the judge gets wrong, and mend rubric, prompt or model.",
    "relabel": "No judge can be measured against people who disagree among themselves. Settle the wording with the "
    "raters, label again, then calibrate.",
    "insufficient": "Nothing is settled yet about the judge. What the labels do show stands below.",
}
SHORT = {
    "trust": "may be used as it is",
    "correct": "correct it",
    "reject": "do not use",
    "relabel": "relabel first",
    "insufficient": "not enough evidence",
}


@dataclass(frozen=True)
class Line:
    """One number: `kind` is ``raw``, ``human`` or ``corrected``; `source` says what it rests on."""

    kind: str
    name: str
    source: str
    value: str
    interval: str
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One rate or mean as a table and a picture."""

    name: str
    lines: tuple[Line, ...]
    picture: Intervals
    required: str = ""


@dataclass(frozen=True)
class Cell:
    """One count of the confusion table, and its share of what people said."""

    count: int
    share: str
    agrees: bool


@dataclass(frozen=True)
class Heading:
    """What a section is about; `anchor` is ours, never a text from outside."""

    anchor: str
    name: str
    title: str
    question: str
    scale: str


@dataclass(frozen=True)
class Section:
    """Everything about one criterion, or the item as a whole.

    Attributes
    ----------
    sentences : tuple of str
        How judge and people agree.
    levels, rows, totals : tuples
        The confusion table: each row the judge's answer, its cells, and its total.
    answers : tuple of tuple
        Without people: each answer of the judge, how often, and its share.
    """

    head: Heading
    figures: tuple[Figure, ...]
    sentences: tuple[str, ...] = ()
    decision: Decision | None = None
    levels: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[Cell, ...], int], ...] = ()
    totals: tuple[int, ...] = ()
    heat: Heat | None = None
    answers: tuple[tuple[str, int, str], ...] = ()

    @property
    def headline(self) -> Figure | None:
        """The rate or mean that the criterion is about; None on a scale without one."""
        return self.figures[0] if self.figures else None


def sections(
    batch: GradedBatch, calibration: Calibration | None, correction: Correction | None
) -> list[Section]:
    """Give the item as a whole first, then each criterion."""
    asked = questions(batch.rubric)
    ordered = [*asked[-1:], *asked[:-1]]
    if calibration is not None:
        return [_calibrated(n, q, calibration) for n, q in enumerate(ordered)]
    if correction is not None:
        return [_carried(n, q, correction) for n, q in enumerate(ordered)]
    return [_counted(n, q, batch) for n, q in enumerate(ordered)]


def _heading(place: int, question: Question) -> Heading:
    title = "The item as a whole" if question.name == OVERALL else question.name
    asks = question.criterion
    return Heading(f"question-{place}", question.name, title, asks.question, asks.scale)


def _calibrated(place: int, question: Question, calibration: Calibration) -> Section:
    result = calibration[question.name]
    target = question.criterion.target
    totals = tuple(sum(column) for column in zip(*result.table, strict=True))
    return Section(
        _heading(place, question),
        figures=tuple(_figure(q, result, calibration.design, target) for q in result.quantities),
        sentences=said(result),
        decision=result.decision,
        levels=result.levels if result.table else (),
        rows=tuple(_row(name, row, totals, n) for n, (name, row) in enumerate(zip(result.levels, result.table))),
        totals=totals,
        heat=heat(f"Judge and people on {question.name}", result.levels, result.table),
    )


def said(result: CriterionResult) -> tuple[str, ...]:
    """Say in sentences how judge and people agree, and on how many items."""
    return tuple(line.strip() for line in (*agreement_lines(result), count_line(result)))


def _row(
    name: str, row: tuple[int, ...], totals: tuple[int, ...], place: int
) -> tuple[str, tuple[Cell, ...], int]:
    cells = tuple(
        Cell(count, percent(count, total), column == place)
        for column, (count, total) in enumerate(zip(row, totals, strict=True))
    )
    return name, cells, sum(row)


def _figure(quantity: Quantity, result: CriterionResult, design: str, target: float | None) -> Figure:
    chosen, both = sources(result.counts.settled, result.counts.batch, design)
    if not isnan(quantity.ratio):
        both += f"; interval {quantity.ratio:.2f} × as wide as human only"
    if design == "unknown":
        chosen = both = "needs to know how the labelled items were chosen"
    estimates = [
        ("human", "human only", quantity.human, chosen),
        ("corrected", "corrected", quantity.corrected, both),
    ]
    required = target if quantity.name == PASS_RATE else None
    met = "" if required is None else _met(required, quantity, result.decision)
    return _draw(quantity.name, quantity.raw, result.counts.batch, estimates, required, met)


def _draw(
    name: str,
    raw: float,
    items: int,
    estimates: Iterable[tuple[str, str, Estimate, str]],
    required: float | None = None,
    met: str = "",
) -> Figure:
    lines = [Line("raw", "raw", f"the judge's answers on {plural(items, 'item')}", number(name, raw), NO_INTERVAL)]
    marks = [raw_mark(f"{number(name, raw)}, {COUNT}", raw)]
    for kind, title, estimate, source in estimates:
        note = estimate.note if estimate.defined else ""
        value = number(name, estimate.value)
        lines.append(Line(kind, title, source, value, interval(name, estimate), note))
        if estimate.defined:
            marks.append(mark_of(kind, title, _beside(name, estimate), estimate))
    share_required = None if required is None else 100 * required
    picture = Intervals(f"{name.capitalize()} on an axis", tuple(marks), unit_of(name), share_required)
    return Figure(name, tuple(lines), picture, met)


def _beside(name: str, estimate: Estimate) -> str:
    """Write an estimate beside its mark: value, interval, n."""
    limits = "" if isnan(estimate.low) else f" ({interval(name, estimate)})"
    return f"{number(name, estimate.value)}{limits}, n = {estimate.n}"


def _met(required: float, quantity: Quantity, decision: Decision) -> str:
    """Hold the requirement against the interval: of the labels alone where the judge is not to be used."""
    which, estimate = "corrected", quantity.corrected
    if decision.verb in ("reject", "relabel"):
        which, estimate = "human-only", quantity.human
    opening = f"Required: at least {100 * required:g} % of items pass."
    if isnan(estimate.low):
        return f"{opening} Unknown: there is no interval to hold it against."
    if estimate.low >= required:
        return f"{opening} Met: the whole {which} interval lies at or above it."
    if estimate.high < required:
        return f"{opening} Not met: the whole {which} interval lies below it."
    return f"{opening} Open: the {which} interval holds values on both sides of it."


def _carried(place: int, question: Question, correction: Correction) -> Section:
    found = [q for q in correction.quantities if q.criterion == question.name]
    return Section(
        _heading(place, question), figures=tuple(_assumed(q, correction.items) for q in found)
    )


def _assumed(quantity: CorrectedQuantity, items: int) -> Figure:
    estimates = []
    for way, estimate in quantity.estimates.items():
        why = "the card's labels are of these items" if way == SAME else SHIFTS[way]
        name = "corrected" if way == SAME else f"corrected: {way}"
        estimates.append(("corrected", name, estimate, why))
    return _draw(quantity.name, quantity.raw, items, estimates)


def _counted(place: int, question: Question, batch: GradedBatch) -> Section:
    judge = batch.answers[question.name]
    found = []
    for measure in measures(question):
        raw = raw_mean(question, judge, measure.of(judge.codes, judge.scores, judge.passes))
        found.append(_draw(measure.name, raw, len(batch.ids), []))
    counts = [int((judge.codes == code).sum()) for code in range(len(question.cell_names))]
    total = sum(counts)
    listed = [(n, c, percent(c, total)) for n, c in zip(question.cell_names, counts, strict=True) if c]
    return Section(_heading(place, question), figures=tuple(found), answers=tuple(listed))


def agreement_share(calibration: Calibration, name: str) -> str:
    """Give the share of items on which judge and people agree, with its interval."""
    return share(calibration[name].agreement)
