"""Judges on one page: what each costs against how often it errs, and the tables behind the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, floor, isnan, log10
from pathlib import Path
from typing import Any

from judgekit._text import money
from judgekit.calibration.contest import Contender, JudgeComparison
from judgekit.calibration.contest_text import (
    Rows,
    agreement_table,
    cost_table,
    errors_table,
    findings,
    headline,
    rates_table,
)
from judgekit.calibration.text import plural
from judgekit.errors import InputError, Problem
from judgekit.files.atomic import write_atomic
from judgekit.html import environment
from judgekit.report.pictures import short

# Pixels: the plot from top to bottom, room above it, between two names, beside a point.
TALL, HEAD, LINE, GAP = 300, 40, 17, 11
# Letters of a name in the picture: two of them fit side by side on a phone.
LETTERS = 22
# Per cent of the width: where costs of nothing and unknown costs stand, and the scale between them.
FREE, FROM, TO, UNKNOWN = 12.0, 12.0, 94.0, 93.0
LANE = 13.0
# Pixels between judges that stand at one cost, and that their row may take in all.
APART, ROW = 14, 48


@dataclass(frozen=True)
class Spot:
    """One judge in the picture: x in per cent of the width, the rest in pixels from above.

    Attributes
    ----------
    kind : str
        ``front``, ``beaten`` or ``unpriced``.
    name, said : str
        Beside the point; and the same in full, for who does not see it.
    x, y, low, high : float
        The point, and the ends of its interval (nan without one).
    label : float
        Where its name stands.
    anchor : str
        ``start`` right of the point, ``end`` left of it.
    shift : float
        Pixels by which it stands aside, where others have the same cost.
    side : float
        Pixels from x to its name.
    """

    kind: str
    name: str
    said: str
    x: float
    y: float
    low: float
    high: float
    label: float
    anchor: str
    shift: float = 0.0
    side: float = GAP

    @property
    def led(self) -> bool:
        """Whether a line has to lead from the point to its name."""
        return abs(self.label - self.y) > 6 or abs(self.side - self.shift) > GAP + 1


@dataclass(frozen=True)
class Frontier:
    """Error against cost.

    Attributes
    ----------
    spots : tuple of Spot
    steps : tuple of tuple of float
        The frontier as lines (x1, y1, x2, y2).
    across, up : tuple of tuple
        Marks of the axes: place and words; across with the text anchor.
    between : tuple of float
        Where the scale of costs ends and a lane begins, in per cent.
    """

    spots: tuple[Spot, ...]
    steps: tuple[tuple[float, float, float, float], ...]
    across: tuple[tuple[float, str, str], ...]
    up: tuple[tuple[float, str], ...]
    between: tuple[float, ...]
    top: int = HEAD
    foot: int = HEAD + TALL

    @property
    def height(self) -> int:
        """Pixels in all."""
        return self.foot + 42

    @property
    def words(self) -> str:
        """The picture for people who do not see it."""
        return "; ".join(spot.said for spot in self.spots)


def frontier(found: JudgeComparison) -> Frontier:
    """Place every judge: across by cost, on a logarithmic scale, up by error."""
    judges = [judge for judge in found.judges if judge.agreement.defined]
    limits = [one for judge in judges for one in (judge.agreement.low, judge.agreement.high)]
    ends = [1 - one for one in limits if not isnan(one)]
    errors = [*ends, *(judge.error for judge in judges)] or [0.0, 1.0]
    low, high, step = _round_range(min(errors), max(errors))
    costs = [judge.expense.cost for judge in judges if judge.expense.known]
    scale = _Costs(costs, any(not judge.expense.known for judge in judges))

    def y(error: float) -> float:
        return round(HEAD + TALL * (high - error) / (high - low), 1)

    spots = _named(_aside([_spot(judge, scale, y) for judge in judges]))
    front = sorted({(s.x, s.y) for s in spots if s.kind == "front"})
    ticks = [low + k * step for k in range(round((high - low) / step) + 1)]
    return Frontier(
        tuple(spots),
        _steps(front),
        scale.marks(),
        tuple((y(tick), f"{100 * tick:.0f} %") for tick in ticks),
        scale.between(),
    )


def _round_range(low: float, high: float) -> tuple[float, float, float]:
    """Give round ends of an axis that hold both errors, and the step between its marks."""
    span = max(high - low, 0.02)
    step = next(one for one in (0.01, 0.02, 0.05, 0.1, 0.2) if span / one <= 6 or one == 0.2)
    first, last = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    return first, max(last, first + 2 * step), step


class _Costs:
    """The axis of costs: a lane for nothing, a logarithmic scale, a lane for what nobody knows."""

    def __init__(self, costs: Sequence[float], unknown: bool) -> None:
        paid = [cost for cost in costs if cost > 0]
        self.free, self.unknown, self.paid = any(cost == 0 for cost in costs), unknown, bool(paid)
        self.left = FROM + LANE if self.free else FROM
        self.right = TO - LANE if unknown else TO
        ends = (log10(min(paid)), log10(max(paid))) if paid else (0.0, 0.0)
        # Room on both sides, so that a single price stands in the middle.
        self.low, self.high = floor(ends[0] + 1e-9), ceil(ends[1] - 1e-9)
        if self.low == self.high:
            self.low, self.high = self.low - 1, self.high + 1

    def x(self, cost: float) -> float:
        """Place a cost, in per cent of the width."""
        if isnan(cost):
            return UNKNOWN
        if cost == 0:
            return FREE
        share = (log10(cost) - self.low) / (self.high - self.low)
        return round(self.left + (self.right - self.left) * share, 2)

    def marks(self) -> tuple[tuple[float, str, str], ...]:
        """Give the marks of the axis: place, words, text anchor."""
        every = max(1, ceil((self.high - self.low) / 4))
        found = [(FREE, "free", "middle")] if self.free else []
        if self.paid:
            powers = [10.0**power for power in range(self.low, self.high + 1, every)]
            if self.high - self.low == 1:
                powers[1:1] = [2 * powers[0], 5 * powers[0]]
            found += [(self.x(cost), _dollars(cost), "middle") for cost in powers]
        return (*found, *([(UNKNOWN, "unknown", "middle")] if self.unknown else []))

    def between(self) -> tuple[float, ...]:
        """Give the lines between the scale and its lanes."""
        free = [self.left - LANE / 2] if self.free and (self.paid or self.unknown) else []
        return (*free, *([self.right + LANE / 2] if self.unknown and self.paid else []))


def _dollars(cost: float) -> str:
    return f"${cost:,.0f}" if cost >= 1 else f"${cost:.{max(2, ceil(-log10(cost) - 1e-9))}f}"


def _spot(judge: Contender, scale: _Costs, y: Any) -> Spot:
    kind = "front" if judge.frontier else "beaten" if judge.expense.known else "unpriced"
    x, estimate = scale.x(judge.expense.cost), judge.agreement
    cost = f"{money(judge.expense.cost)} for 1,000 items" if judge.expense.known else "cost unknown"
    wrong = (100 - 100 * one for one in (estimate.high, estimate.low))
    limits = "" if isnan(estimate.low) else " ({:.1f} to {:.1f})".format(*wrong)
    place = {"front": "on the frontier", "beaten": "beaten by another", "unpriced": "not placed"}[kind]
    said = f"{judge.name}: error {100 * judge.error:.1f} %{limits}, {cost}, {place}"
    ends = [estimate.value if isnan(one) else one for one in (estimate.high, estimate.low)]
    at = y(judge.error)
    anchor = "start" if x < 50 else "end"
    low, high = (y(1 - one) for one in ends)
    return Spot(kind, short(judge.name, LETTERS), said, x, at, low, high, at, anchor)


def _aside(spots: list[Spot]) -> list[Spot]:
    """Put judges of one cost beside each other, their names outside the row."""
    moved = []
    for x in sorted({spot.x for spot in spots}):
        row = [spot for spot in spots if spot.x == x]
        apart = min(APART, ROW / max(len(row) - 1, 1))
        half = apart * (len(row) - 1) / 2
        for k, spot in enumerate(row):
            side = half + GAP if spot.anchor == "start" else -half - GAP
            moved.append(replace(spot, shift=round(k * apart - half, 1), side=round(side, 1)))
    return moved


def _named(spots: list[Spot]) -> list[Spot]:
    """Move names apart so that no two lines of text meet, whatever the width of the page."""
    ordered = sorted(spots, key=lambda spot: (spot.y, spot.x))
    places: list[float] = []
    for spot in ordered:
        places.append(max(spot.y, places[-1] + LINE if places else HEAD + 8))
    floor_ = float(HEAD + TALL - 8)
    for k in reversed(range(len(places))):
        places[k] = min(places[k], floor_)
        floor_ = places[k] - LINE
    return [replace(spot, label=round(at, 1)) for spot, at in zip(ordered, places, strict=True)]


def _steps(front: Sequence[tuple[float, float]]) -> tuple[tuple[float, float, float, float], ...]:
    """Join the frontier by steps: for a cost between two judges the error is that of the cheaper one."""
    lines: list[tuple[float, float, float, float]] = []
    for (x1, y1), (x2, y2) in pairwise(front):
        lines += [(x1, y1, x2, y1), (x2, y1, x2, y2)]
    if front:
        lines.append((*front[-1], 100.0, front[-1][1]))
    return tuple(lines)


def write_comparison(found: JudgeComparison, out: str | Path) -> None:
    """Write a comparison of judges as one HTML file, which loads nothing and runs nothing.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    page = environment("judgekit.report").get_template("judges.html").generate(page_data(found))
    try:
        write_atomic(out, page)
    except OSError as error:
        raise InputError([Problem(f"cannot be written: {error.strerror}", str(out))]) from None


def page_data(found: JudgeComparison) -> dict[str, Any]:
    """Gather what the template lays out: texts and numbers, no markup."""
    lede, *more = findings(found)
    tables: list[tuple[str, list[str], Rows]] = [agreement_table(found), errors_table(found)]
    if found.design != "unknown":
        tables.append(rates_table(found))
    return {
        "found": found,
        "headline": headline(found),
        "judges": plural(len(found.judges), "judge"),
        "lede": lede,
        "more": more,
        "verb": "insufficient" if not found.enough else "correct" if found.advised else "raw",
        "picture": frontier(found),
        "tables": tables,
        "costs": cost_table(found),
    }
