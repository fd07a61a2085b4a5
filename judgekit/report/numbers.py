"""Rates and means as they stand on the page: a row of text and a mark in the picture for each."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isnan

from judgekit.calibration.correct import SAME, SHIFTS, CorrectedQuantity
from judgekit.calibration.estimates import PASS_RATE
from judgekit.calibration.results import CriterionResult, Decision, Quantity
from judgekit.calibration.text import NO_INTERVAL, interval, number, sources
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
    """One rate or mean as a table and a picture."""

    name: str
    lines: tuple[Line, ...]
    picture: Intervals
    required: str = ""


def measured(
    quantity: Quantity, result: CriterionResult, design: str, counted: str, target: float | None
) -> Figure:
    """Give one quantity of a calibration, held against what the rubric requires."""
    chosen, both = sources(quantity, result.counts, design)
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
    return drawn(quantity.name, quantity.raw, counted, estimates, required, met)


def carried(quantity: CorrectedQuantity, counted: str) -> Figure:
    """Give one quantity of a batch by the card of another, each estimate with its assumption."""
    estimates = []
    for way, estimate in quantity.estimates.items():
        why = "the card's labels are of these items" if way == SAME else SHIFTS[way]
        name = "corrected" if way == SAME else f"corrected: {way}"
        # The column of sources says the assumption already.
        note = estimate.note.replace(f"holds {why}", "").strip("; ")
        estimates.append(("corrected", name, replace(estimate, note=note), why))
    return drawn(quantity.name, quantity.raw, counted, estimates)


def drawn(
    name: str,
    raw: float,
    counted: str,
    estimates: Iterable[tuple[str, str, Estimate, str]],
    required: float | None = None,
    met: str = "",
) -> Figure:
    """Give the judge's count, and estimates as (kind, name, estimate, what it rests on).

    `counted` says what the count rests on, `met` whether a requirement is kept.
    """
    lines = [Line("raw", "raw", counted, number(name, raw), NO_INTERVAL)]
    marks = [raw_mark(f"{number(name, raw)}, {COUNT}", raw)]
    for kind, title, estimate, source in estimates:
        limits = not isnan(estimate.low)
        note = estimate.note if limits or estimate.defined else ""
        value = number(name, estimate.value) if estimate.defined else OPEN if limits else "unknown"
        lines.append(Line(kind, title, source, value, interval(name, estimate), note))
        if limits or estimate.defined:
            marks.append(mark_of(kind, title, _beside(name, estimate), estimate))
    share_required = None if required is None else 100 * required
    title = f"{name[:1].upper()}{name[1:]} on an axis"
    picture = Intervals(title, tuple(marks), unit_of(name), share_required)
    return Figure(name, tuple(lines), picture, met)


def _beside(name: str, estimate: Estimate) -> str:
    """Write an estimate beside its mark: value, interval, n."""
    if not estimate.defined:
        return f"{interval(name, estimate)}, n = {estimate.n}"
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
