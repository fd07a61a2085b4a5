"""Where the marks of a picture stand: intervals on an axis, and a table as shaded squares.

Positions across are per cent of the width, so that a picture fits a phone with letters of full size.
"""

from dataclasses import dataclass
from math import isnan, nan

from judgekit.calibration.estimates import in_scores
from judgekit.stats.estimate import Estimate

TICKS = (0, 25, 50, 75, 100)
# Pixels: one row of marks, the axis under them, and the word above a requirement.
ROW, AXIS, HEAD = 50, 24, 18
# Letters of a level's name beside a square, and the most levels that are drawn.
NAME, LEVELS = 14, 14
CORNER = 72  # pixels for the words in the corner of a table
# Letters of a level's name above an interval: its numbers need the rest of a phone's width.
LINE_NAME = 20


@dataclass(frozen=True)
class Mark:
    """One number on the axis; `kind` is ``raw``, ``human``, ``corrected`` and decides how it looks.

    `beside` is the judge's count, where it is drawn on the same line.
    """

    kind: str
    name: str
    said: str
    at: float | None
    low: float | None = None
    high: float | None = None
    beside: float | None = None


@dataclass(frozen=True)
class Intervals:
    """Numbers of one quantity under each other on one axis from 0 to 100 % (a mean score: 0 to 1).

    Attributes
    ----------
    required : float or None
        Share that the rubric demands, in per cent.
    """

    title: str
    marks: tuple[Mark, ...]
    unit: str
    required: float | None = None

    @property
    def head(self) -> int:
        """Pixels above the first row."""
        return HEAD if self.required is not None else 0

    @property
    def foot(self) -> int:
        """Where the axis lies, in pixels from above."""
        return self.head + ROW * len(self.marks)

    @property
    def height(self) -> int:
        """Pixels in all."""
        return self.foot + AXIS

    @property
    def ticks(self) -> list[tuple[int, str, str]]:
        """Place, words and text anchor of each mark of the axis."""
        words = [f"{tick} %" if self.unit == "%" else f"{tick / 100:g}" for tick in TICKS]
        anchors = ["start", *["middle"] * (len(TICKS) - 2), "end"]
        return list(zip(TICKS, words, anchors, strict=True))

    @property
    def words(self) -> str:
        """The picture for people who do not see it."""
        required = [] if self.required is None else [f"required {self.required:g} %"]
        return "; ".join([f"{mark.name} {mark.said}" for mark in self.marks] + required)


def unit_of(quantity: str) -> str:
    """Give the unit of an axis."""
    return "" if in_scores(quantity) else "%"


def mark_of(kind: str, name: str, said: str, estimate: Estimate, beside: float = nan) -> Mark:
    """Place an estimate with its interval."""
    limits = _place(estimate.low), _place(estimate.high)
    return Mark(kind, name, said, _place(estimate.value), *limits, _place(beside))


def raw_mark(said: str, raw: float) -> Mark:
    """Place a judge's count, which has no interval."""
    return Mark("raw", "raw", said, _place(raw))


def _place(value: float) -> float | None:
    return None if isnan(value) else round(100 * min(max(value, 0.0), 1.0), 2)


@dataclass(frozen=True)
class Square:
    """One cell: its corner in pixels, how dark it is (0..1), whether judge and people agree in it."""

    x: int
    y: int
    count: int
    share: str
    shade: float
    agrees: bool


@dataclass(frozen=True)
class Heat:
    """A confusion table as squares, columns people's answers, each column shaded by its own shares."""

    title: str
    squares: tuple[Square, ...]
    levels: tuple[str, ...]
    side: int
    left: int
    top: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.left + self.side * len(self.levels)

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.top + self.side * len(self.levels)

    @property
    def words(self) -> str:
        """What the shades mean."""
        return (
            "Columns: what people said; rows: what the judge said. The darker a square, the larger its share "
            "of the column; the table beside it has the counts."
        )


def heat(title: str, levels: tuple[str, ...], table: tuple[tuple[int, ...], ...]) -> Heat | None:
    """Shade a confusion table by the shares within what people said; None where there is none to draw."""
    if not table or len(levels) > LEVELS:
        return None
    side = 74 if len(levels) <= 2 else 58 if len(levels) <= 4 else 40
    # Letters of a name take about this much; names stand left of the rows and, turned, above the columns.
    left = max(18 + 7 * min(max(len(level) for level in levels), NAME), CORNER)
    top = 36 if len(levels) <= 4 else left + 14
    totals = [sum(column) for column in zip(*table, strict=True)]
    squares = tuple(
        _square(left + side * c, top + side * r, count, totals[c], r == c)
        for r, row in enumerate(table)
        for c, count in enumerate(row)
    )
    return Heat(title, squares, tuple(short(level) for level in levels), side, left, top)


def _square(x: int, y: int, count: int, total: int, agrees: bool) -> Square:
    share = count / total if total else 0.0
    return Square(x, y, count, percent(count, total), round(share, 3), agrees)


def short(name: str, letters: int = NAME) -> str:
    """Cut the name of a level to what fits into a picture."""
    return name if len(name) <= letters else name[: letters - 1] + "…"


def percent(count: int, total: int) -> str:
    """Write a share of counts without decimals."""
    return f"{100 * count / total:.0f} %" if total else "–"
