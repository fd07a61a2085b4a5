"""Whether a stated chance comes true: bins of items, what was stated of them against what people said."""

from dataclasses import dataclass
from math import isnan

from judgekit.calibration.text import plural
from judgekit.stats.recalibration import Recalibration

# Pixels: room above the plot for counts, the plot, the axis under it.
HEAD, TALL, FOOT = 52, 240, 42
# Per cent of the width: ends of the axis across, and the room that a count needs.
FROM, TO, APART = 12.0, 96.0, 9.5
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
LEAST_BINS = 2


@dataclass(frozen=True)
class Bin:
    """Items of like chances: x and `label` (of its count) in per cent of the width, the rest in pixels."""

    x: float
    y: float
    low: float
    high: float
    n: int
    label: float


@dataclass(frozen=True)
class Reliability:
    """Stated chance across, share that people passed up; on the diagonal they are the same.

    Attributes
    ----------
    bins : tuple of Bin
    across, up : tuple of tuple
        Marks of the axes: place and words.
    words : str
        The picture for people who do not see it.
    """

    bins: tuple[Bin, ...]
    words: str
    top: int = HEAD
    foot: int = HEAD + TALL
    left: float = FROM
    right: float = TO

    @property
    def height(self) -> int:
        """Pixels in all."""
        return self.foot + FOOT

    @property
    def across(self) -> tuple[tuple[float, str], ...]:
        """Place and words of the marks across."""
        return tuple((_x(tick), f"{100 * tick:.0f} %") for tick in TICKS)

    @property
    def up(self) -> tuple[tuple[float, str], ...]:
        """Place and words of the marks upwards."""
        return tuple((_y(tick), f"{100 * tick:.0f} %") for tick in TICKS)


def reliability(found: Recalibration | None) -> Reliability | None:
    """Draw the bins; None where there are fewer than two, or the chances are not to be shown."""
    if found is None or not found.offered or len(found.bins) < LEAST_BINS:
        return None
    bins = sorted(found.bins, key=lambda one: (one.stated, one.observed))
    labels = spread([_x(one.stated) for one in bins], APART, FROM, TO)
    marks = [
        Bin(_x(one.stated), _y(one.observed), _y(one.low), _y(one.high), one.n, label)
        for one, label in zip(bins, labels, strict=True)
    ]
    words = "; ".join(
        f"{100 * one.stated:.0f} % stated, people passed {100 * one.observed:.0f} % "
        f"({100 * one.low:.0f} to {100 * one.high:.0f}), n = {one.n}"
        for one in bins
    )
    return Reliability(tuple(marks), words)


def reliability_words(found: Recalibration | None) -> str:
    """Say how good the chances are, or why they are not offered; nothing where nothing passes or fails."""
    if found is None:
        return ""
    if not found.offered:
        return f"What one verdict says of one item is not stated: {found.note.removesuffix(': not offered')}."
    said = (
        f"Chances that people pass an item, from what the judge said of it ({plural(found.n, 'label')}, each "
        f"held back in turn): Brier score {found.brier:.3f}, {found.brier_constant:.3f} for the plain pass "
        f"rate, lower is better"
    )
    error = found.calibration_error
    if not error.defined:
        return f"{said}; how far they lie from what happens: not measured ({error.note})."
    limits = "" if isnan(error.low) else f" ({100 * error.low:.0f}–{100 * error.high:.0f})"
    return f"{said}; they lie {100 * error.value:.0f} points{limits} from what happens."


def spread(places: list[float], apart: float, first: float, last: float) -> list[float]:
    """Move places, which ascend, as little as it takes so that any two are `apart`, within first and last."""
    apart = min(apart, (last - first) / max(len(places) - 1, 1))
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + apart if moved else first))
    edge = last
    for k in reversed(range(len(moved))):
        moved[k] = min(moved[k], edge)
        edge = moved[k] - apart
    return [round(place, 2) for place in moved]


def _x(share: float) -> float:
    return round(FROM + (TO - FROM) * min(max(share, 0.0), 1.0), 2)


def _y(share: float) -> float:
    return round(HEAD + TALL * (1 - min(max(share, 0.0), 1.0)), 1)
