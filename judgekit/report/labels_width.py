"""What more labels would buy: the half-width of an interval against the number of labels."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, inf, isfinite, isnan, log10, nan

import numpy as np

from judgekit.calibration.batch import Question
from judgekit.calibration.estimates import in_scores, measures
from judgekit.calibration.pairs import Pairs
from judgekit.calibration.results import Calibration, CriterionResult, Quantity
from judgekit.calibration.text import plural
from judgekit.stats.planning import half_width, labels_for_half_width

# Pixels: the key above the plot without and with its middle line, the plot, the axis under it.
HEADS, TALL, FOOT = (65, 84), 200, 42
FROM, TO = 12.0, 96.0
LEAST = 15
STEPS = 32
NEARLY = 0.999  # of a correlation: a plan needs some doubt
Segment = tuple[float, float, float, float]


@dataclass(frozen=True)
class Spot:
    """A point of a curve: x in per cent of the width, y in pixels, and its words in the key."""

    x: float
    y: float
    said: str


@dataclass(frozen=True)
class LabelsWidth:
    """Half-widths with the judge and by labels alone, today's point, and the one that halves it.

    Attributes
    ----------
    both, alone : tuple of tuple of float
        Lines (x1, y1, x2, y2), across in per cent.
    today : Spot
    half : Spot or None
        None where labels of these items cannot halve it.
    across, up : tuple of tuple
        Marks of the axes: place and words.
    caption : str
    """

    both: tuple[Segment, ...]
    alone: tuple[Segment, ...]
    today: Spot
    half: Spot | None
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    caption: str
    top: int
    foot: int

    @property
    def height(self) -> int:
        """Pixels in all."""
        return self.foot + FOOT

    @property
    def words(self) -> str:
        """The picture for people who do not see it."""
        return f"{self.today.said}; {self.half.said}" if self.half else self.today.said


@dataclass(frozen=True)
class _Law:
    """How wide an interval will be: the formula of planning, through today's width.

    Today's width holds what the formula does not know: the design, groups, how the outcomes spread.
    """

    now: float
    n: int
    correlation: float
    population: int
    target: str

    @property
    def scale(self) -> float:
        return self.now / self._plain(self.n)

    def _plain(self, n: float) -> float:
        found = {"correlation": self.correlation, "population": self.population, "target": self.target}
        return half_width(n, **found)  # type: ignore[arg-type]

    def width(self, n: float) -> float:
        return self.scale * self._plain(n)

    def labels(self, width: float) -> float:
        found = {"correlation": self.correlation, "population": self.population, "target": self.target}
        return labels_for_half_width(width / self.scale, **found)  # type: ignore[arg-type]


def labels_width(
    calibration: Calibration, result: CriterionResult, question: Question
) -> tuple[LabelsWidth | None, str]:
    """Draw what more labels would buy for the headline of a criterion, or say why that cannot be told."""
    quantity, counts = result.headline, result.counts
    n = quantity.corrected.n
    if isnan(quantity.corrected.low):
        return None, ""
    if not quantity.corrected.defined:
        return (
            None,
            "What makes this interval wide is labels without one answer: settle these before you add any.",
        )
    if n < LEAST:
        return (
            None,
            f"With {plural(n, 'label')} nobody can tell what more would buy; from {LEAST} on it is drawn.",
        )
    if n >= counts.batch:
        return None, "Every item is labelled, so more labels of this batch cannot make the interval narrower."
    if not quantity.corrected.half_width > 0 or not quantity.human.half_width > 0:
        return None, ""
    rho = _correlation(calibration, question)
    both = _Law(quantity.corrected.half_width, n, rho, counts.batch, calibration.target)
    alone = _Law(quantity.human.half_width, quantity.human.n or n, 0.0, counts.batch, calibration.target)
    return _drawn(quantity, both, alone), ""


def _correlation(calibration: Calibration, question: Question) -> float:
    """Correlation of judge and people over the labelled items; 0 where either never varies."""
    pairs, measure = Pairs.read(calibration.pairs, question.name), next(measures(question))
    f, y = measure.of(*pairs.judge), measure.of(*pairs.people)
    there = ~np.isnan(f) & ~np.isnan(y)
    f, y = f[there], y[there]
    if f.size < LEAST or np.ptp(f) == 0 or np.ptp(y) == 0:
        return 0.0
    weight = None if pairs.probability is None else 1 / pairs.probability[there]
    cov = np.cov(f, y, aweights=weight)
    return float(np.clip(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), -NEARLY, NEARLY))


def _drawn(quantity: Quantity, both: _Law, alone: _Law) -> LabelsWidth:
    # Near the last item both laws meet in theory; each goes through its own today, so that they may cross.
    capped = both.now <= alone.width(both.n)
    wanted = both.labels(both.now / 2)
    if capped:
        wanted = min(wanted, alone.labels(both.now / 2))
    reachable = isfinite(wanted) and both.n < wanted <= both.population
    last = float(min(both.population, 1.1 * wanted if reachable else 4.4 * both.n))
    tall = 1.8 * max(both.now, alone.now)
    step, head = _step(tall, 5), HEADS[reachable]
    tall = ceil(tall / step) * step

    def x(n: float) -> float:
        return round(FROM + (TO - FROM) * n / last, 2)

    def y(width: float) -> float:
        return round(head + TALL * (1 - width / tall), 1)

    def with_judge(n: float) -> float:
        return min(both.width(n), alone.width(n)) if capped else both.width(n)

    def curve(n_now: int, width: Callable[[float], float]) -> tuple[Segment, ...]:
        first = next(n for n in range(1, n_now + 1) if width(n) <= tall)
        points = [(x(n), y(width(n))) for n in np.geomspace(first, last, STEPS).tolist()]
        return tuple((*one, *other) for one, other in pairwise(points))

    unit = _unit(quantity.name)
    today = Spot(
        x(both.n), y(both.now), f"today: {plural(both.n, 'label')}, ± {_width(quantity, both.now)}{unit}"
    )
    half = None
    if reachable:
        said = f"half as wide: {wanted:,.0f} labels, ± {_width(quantity, both.now / 2)}{unit}"
        half = Spot(x(wanted), y(both.now / 2), said)
    across = _step(last, 5)
    return LabelsWidth(
        curve(both.n, with_judge),
        curve(alone.n, alone.width),
        today,
        half,
        tuple((x(k * across), f"{k * across:,.0f}") for k in range(floor(last / across) + 1)),
        tuple((y(k * step), f"± {_tick(quantity, k * step)}") for k in range(1, round(tall / step) + 1)),
        _caption(both, wanted if reachable else inf, with_judge(both.population)),
        head,
        head + TALL,
    )


def _caption(law: _Law, wanted: float, best: float) -> str:
    opening = "More labels make the interval narrower, each one by less than the one before"
    if wanted < inf:
        more = plural(int(wanted) - law.n, "more label")
        return f"{opening}: to halve it takes about {more}, {wanted:,.0f} in all."
    return (
        f"{opening}. Labelling all {law.population:,} would leave {best / law.now:.2f} × today's width; "
        "for less, grade and label more items."
    )


def _unit(name: str) -> str:
    return "" if in_scores(name) else " points"


def _width(quantity: Quantity, width: float) -> str:
    return f"{width:.3f}" if in_scores(quantity.name) else f"{100 * width:.1f}"


def _tick(quantity: Quantity, width: float) -> str:
    return f"{width:.2g}" if in_scores(quantity.name) else f"{100 * width:.4g}"


def _step(top: float, most: int) -> float:
    """Give a round step that takes at most so many to the top."""
    if not top > 0:
        return nan
    power = 10.0 ** floor(log10(top / most))
    return next(k * power for k in (1, 2, 5, 10) if top / (k * power) <= most)
