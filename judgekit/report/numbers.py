"""Rates and means as they stand on the page: a row of text and a mark in the picture for each."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, isnan, log10

from judgekit.calibration.correct import SAME, SHIFTS, CorrectedQuantity
from judgekit.calibration.estimates import NO_RATE, PASS_RATE
from judgekit.calibration.fresh import ALONE, FRESH
from judgekit.calibration.requirement import Requirement
from judgekit.calibration.results import PLAIN, CriterionResult, Quantity
from judgekit.calibration.text import NO_INTERVAL, interval, number, plural, sources
from judgekit.report.pictures import Intervals, mark_of, raw_mark, unit_of
from judgekit.stats.estimate import Estimate

OPEN = "no one value"
COUNT = "a judge's count, no interval"


@dataclass(frozen=True)
class Line:
    """One number: `kind` is ``raw``, ``human`` or ``corrected``; `source` says what it rests on."""

    kind: str
    name: str
    source: str
    value: str
    interval: str
    note: str = ""

    @property
    def brief(self) -> str:
        """The value, or the limits where there is no one value."""
        return self.interval if self.value == OPEN else self.value


@dataclass(frozen=True)
class Figure:
    """One rate or mean as a table and a picture; `level` is the confidence of its intervals in words."""

    name: str
    lines: tuple[Line, ...]
    picture: Intervals
    required: Requirement | None = None
    level: str = "95 %"


def level_of(confidence: float) -> str:
    """Write a confidence with enough digits that it is not 100 %."""
    if not confidence < 1:
        return "100 %"
    return f"{round(100 * confidence, max(1, ceil(-log10(100 * (1 - confidence))))):g} %"


def measured(
    quantity: Quantity, result: CriterionResult, design: str, counted: str, held: Requirement | None
) -> Figure:
    """Give one quantity of a calibration, held against what the rubric requires."""
    chosen, both = sources(quantity, result.counts, design)
    if not isnan(quantity.ratio):
        both += f"; interval {quantity.ratio:.2f} × as wide as human only"
    if design in NO_RATE:
        chosen = both = f"cannot be told: {NO_RATE[design]}"
    estimates = [
        ("human", "human only", quantity.human, chosen),
        ("corrected", "corrected", quantity.corrected, both),
    ]
    held = held if quantity.name == PASS_RATE else None
    return drawn(quantity.name, quantity.raw, counted, estimates, held)


def carried(quantity: CorrectedQuantity, counted: str, held: Requirement | None) -> Figure:
    """Give one quantity of a batch by the card of another, each estimate with what it rests on."""
    estimates = []
    for way, estimate in quantity.estimates.items():
        kind, name, why = _way(way, quantity)
        # The column of sources says the assumption already.
        note = estimate.note.replace(f"holds {why}", "").strip("; ")
        estimates.append((kind, name, replace(estimate, note=note), why))
    held = held if quantity.name == PASS_RATE else None
    return drawn(quantity.name, quantity.raw, counted, estimates, held)


def _way(way: str, quantity: CorrectedQuantity) -> tuple[str, str, str]:
    """Give the kind of an estimate, its name, and what it rests on."""
    estimate = quantity.estimates[way]
    if way == ALONE:
        return "human", "human only", f"{plural(estimate.n, 'fresh label')} of this batch, chosen at random"
    if way == FRESH:
        wide = quantity.estimates[ALONE].half_width
        ratio = estimate.half_width / wide if wide > 0 else float("nan")
        said = "" if isnan(ratio) else f"; interval {ratio:.2f} × as wide as human only"
        return "corrected", "corrected", f"fresh labels + what verdicts were worth on the card{said}"
    if way == SAME:
        return "corrected", "corrected", "the card's labels are of these items"
    return "corrected", f"corrected: {way}", SHIFTS[way]


def drawn(
    name: str,
    raw: float,
    counted: str,
    estimates: Iterable[tuple[str, str, Estimate, str]],
    held: Requirement | None = None,
) -> Figure:
    """Give the judge's count, and estimates as (kind, name, estimate, what it rests on).

    `counted` says what the count rests on, `held` whether a requirement is kept.
    """
    estimates = list(estimates)
    lines = [Line("raw", "raw", counted, number(name, raw), NO_INTERVAL)]
    marks = [raw_mark(f"{number(name, raw)}, {COUNT}", raw)]
    for kind, title, estimate, source in estimates:
        limits = not isnan(estimate.low)
        note = estimate.note if limits or estimate.defined else ""
        value = number(name, estimate.value) if estimate.defined else OPEN if limits else "unknown"
        lines.append(Line(kind, title, source, value, interval(name, estimate), note))
        if limits or estimate.defined:
            marks.append(mark_of(kind, title, _beside(name, estimate), estimate))
    required = None if held is None else 100 * held.required
    title = f"{name[:1].upper()}{name[1:]} on an axis"
    picture = Intervals(title, tuple(marks), unit_of(name), required)
    confidence = next((one.confidence for _, _, one, _ in estimates), PLAIN)
    return Figure(name, tuple(lines), picture, held, level_of(confidence))


def _beside(name: str, estimate: Estimate) -> str:
    """Write an estimate beside its mark: value, interval, n."""
    if not estimate.defined:
        return f"{interval(name, estimate)}, n = {estimate.n}"
    limits = "" if isnan(estimate.low) else f" ({interval(name, estimate)})"
    return f"{number(name, estimate.value)}{limits}, n = {estimate.n}"
