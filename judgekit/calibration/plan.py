"""How many items to label, why, what it brings, and what it costs in people's time."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, isnan, nan
from pathlib import Path
from typing import Any

from judgekit._text import duration, plural
from judgekit.calibration.batch import Question
from judgekit.calibration.estimates import in_scores, measures
from judgekit.calibration.pilot import Pilot, known
from judgekit.errors import UsageError
from judgekit.stats.planning import (
    POWER,
    PROBABLE,
    half_width,
    labels_for_agreement,
    labels_for_difference,
    labels_for_half_width,
    labels_for_rare,
)
from judgekit.stats.proportions import Z95

LABELS, FRESH = 60, 30  # to calibrate, and to settle what changed in another batch
WIDEST = 0.25  # variance of a share of one half
CURVE = (30, 60, 100, 200, 400, 800, 1600)
GOALS = ("labels", "half_width", "agreement", "difference", "rare")


@dataclass(frozen=True)
class Goal:
    """What the labels are to bring: so many of them, a width, a proof, a difference told, a bound."""

    kind: str = "labels"
    value: float = nan


@dataclass(frozen=True)
class Plan:
    """How many items to label.

    Attributes
    ----------
    items : int
        In the file, N.
    at_hand : int
        Items that are labelled already and stay in the sample.
    more : int
        Items to label; 0 where those at hand suffice.
    reason : str
        Why so many, in one sentence.
    before, after : float
        Half-width that the interval of the corrected figure has about, with the labels at hand and with all;
        nan without a label.
    per_item : float
        Seconds of a rater's time; nan if unknown.
    timed : int
        Items that this was measured on; 0 where it was stated.
    seconds : float
        Of raters' time for the labels to come.
    curve : tuple of (int, float, float)
        Labels in all, half-width, seconds for those to come.
    assumed : mapping
        What the widths suppose: variance, correlation, target, and whether outcomes are `scores`.
    goal : str
        What was asked, as in `Goal`.
    """

    items: int
    at_hand: int
    more: int
    reason: str
    before: float
    after: float
    per_item: float
    timed: int
    seconds: float
    curve: tuple[tuple[int, float, float], ...]
    assumed: Mapping[str, Any]
    goal: str = "labels"

    @property
    def about_width(self) -> bool:
        """Whether the question was, or may have been, how wide the interval will be."""
        return self.goal in ("labels", "half_width")

    @property
    def points(self) -> bool:
        """Whether widths are written in percentage points rather than as a score."""
        return not self.assumed["scores"]

    def price(self) -> str:
        """Say what the labels to come cost, and what they bring."""
        labels = f"{self.more} more labels" if self.at_hand else f"{self.more} labels"
        cost = f"{labels}, time unknown (--minutes)"
        if not isnan(self.seconds):
            source = f"measured on {self.timed} labels" if self.timed else "as stated"
            cost = f"{labels}: about {_minutes(self.seconds)} ({duration(self.per_item)} an item, {source})"
        if not self.about_width:
            return f"{cost}."
        if isnan(self.before):
            return f"{cost}; the interval will be about ± {self._width(self.after)}."
        before = _width(self.before, self.points).removesuffix(" points")
        return f"{cost}; the interval goes from ± {before} to about ± {self._width(self.after)}."

    def _width(self, half: float) -> str:
        return _width(half, self.points)

    def __str__(self) -> str:
        if not self.more:
            return f"{self.reason} The {self.at_hand} labels at hand suffice."
        return f"{self.reason}\n{self.price()}"

    def table(self) -> str:
        """Labels against half-width and time."""
        rows = [
            f"  {'labels':>6}   {'interval':<16} {'time of one rater' if self.per_item > 0 else ''}".rstrip()
        ]
        for n, half, seconds in self.curve:
            time = "" if isnan(seconds) else _minutes(seconds)
            rows.append(f"  {n:>6}   {'± ' + self._width(half):<16} {time}".rstrip())
        return "\n".join(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan becomes None."""
        curve = [{"labels": n, "half_width": _json(h), "seconds": _json(s)} for n, h, s in self.curve]
        return {
            "items": self.items,
            "at_hand": self.at_hand,
            "more": self.more,
            "reason": self.reason,
            "half_width": {"before": _json(self.before), "after": _json(self.after)},
            "seconds_per_item": _json(self.per_item),
            "timed": self.timed,
            "seconds": _json(self.seconds),
            "assumed": {key: _json(value) for key, value in self.assumed.items()},
            "curve": curve,
        }


def plan_labels(
    items: int,
    question: Question,
    goal: Goal | None = None,
    *,
    pilot: Pilot | None = None,
    at_hand: int = 0,
    repeats: int = 0,
    target: str = "process",
    minutes: float | None = None,
) -> Plan:
    """Find how many of a batch's items people should label.

    Parameters
    ----------
    items : int
        In the batch.
    question : Question
        What the width is of.
    goal : Goal or None
        ``labels`` to draw anew, or what all labels together are to bring; None is the usual start.
    pilot : Pilot or None
        What earlier labels tell.
    at_hand : int
        Labelled items that count.
    repeats : int
        Items that are labelled twice; they cost time.
    target : {"process", "batch"}
        Whether the figure is of the system or of these items.
    minutes : float or None
        Of a rater for an item, where no times are known.

    Raises
    ------
    UsageError
        If no number of labels of these items reaches the goal.
    """
    goal, pilot = goal or Goal(), pilot or Pilot({})
    basis = _Basis(question, items, pilot, target)
    total, reason = getattr(basis, goal.kind)(goal.value)
    if goal.kind == "labels":
        total += at_hand
    if total > items and goal.kind == "labels":
        less = f", {at_hand} of them labelled" if at_hand else ""
        raise UsageError(f"the file holds {items} items{less}, {goal.value:.0f} cannot be drawn")
    if total > items:
        raise UsageError(f"{reason} There are {items:,}: grade more of them.")
    more = max(int(total) - at_hand, 0)
    per_item = known(pilot.seconds, nan if minutes is None else 60 * minutes)
    each = 2 * per_item if goal.kind == "difference" else per_item
    sizes = sorted({*(n for n in CURVE if at_hand < n < items), items})
    return Plan(
        items,
        at_hand,
        more,
        reason,
        basis.width(at_hand) if at_hand else nan,
        basis.width(at_hand + more),
        per_item,
        0 if isnan(pilot.seconds) else pilot.timed,
        (more + repeats) * each if more else 0.0,
        tuple((n, basis.width(n), (n - at_hand) * each) for n in sizes),
        {**basis.known, "scores": basis.scores},
        goal.kind,
    )


class _Basis:
    """What is supposed of judge and people, and the number that follows for each goal."""

    def __init__(self, question: Question, items: int, pilot: Pilot, target: str) -> None:
        self.items, self.pilot = items, pilot
        self.scores = in_scores(next(measures(question)).name)
        variance, correlation = known(pilot.variance, WIDEST), known(pilot.correlation, PROBABLE)
        self.known: dict[str, Any] = {"variance": variance, "correlation": correlation, "target": target}

    def width(self, n: int) -> float:
        return min(half_width(n, population=self.items, **self.known), 0.5)

    def supposed(self) -> str:
        """Say in words what the variance and correlation rest on."""
        pilot, rho = self.pilot, self.known["correlation"]
        count = len(pilot.outcomes)
        if isnan(pilot.variance):
            mean = "outcomes vary as much as they can"
        elif self.scores:
            mean = f"scores vary as on {plural(count, 'label')}"
        else:
            mean = f"people pass {_percent(pilot.mean)} as on {plural(count, 'label')}"
        source = "a guess" if isnan(pilot.correlation) else f"the lower limit from {pilot.pairs} labels"
        return f"supposing that {mean} and correlate with the judge by {rho:.2g} ({source})"

    def labels(self, n: float) -> tuple[float, str]:
        few = n if not isnan(n) else min(LABELS, self.items)
        why = "as asked" if not isnan(n) else "the usual start"
        return few, f"{plural(int(few), 'label')}, {why}; widths {self.supposed()}."

    def half_width(self, h: float) -> tuple[float, str]:
        wanted = f"An interval of ± {_width(h, not self.scores)}"
        total = labels_for_half_width(h, population=self.items, **self.known)
        if isfinite(total):
            return total, f"{wanted} takes {total:.0f} labels, {self.supposed()}."
        least, need = self.width(self.items), ceil(self.known["variance"] * (Z95 / h) ** 2)
        raise UsageError(
            f"{wanted} is out of reach: people's labels of all {self.items:,} items would leave "
            f"± {_width(least, not self.scores)} for the system that made them; grade about {need:,} items, "
            "or ask about just these: --target batch"
        )

    def agreement(self, bound: float) -> tuple[float, str]:
        found = self.pilot.agreement
        measured = found > bound
        truth = found if measured else (1 + bound) / 2
        total = labels_for_agreement(bound, truth=truth)
        source = f"as on {self.pilot.pairs} labels" if measured else "halfway from there to 100 %"
        if self.pilot.pairs and not measured:
            source += f"; on {self.pilot.pairs} labels it was {_percent(found)}, which no number would show"
        return total, (
            f"To show an agreement above {_percent(bound)} takes {total:.0f} labels (power "
            f"{_percent(POWER)}, one-sided 5 %) if it truly is {_percent(truth)}, {source}."
        )

    def difference(self, delta: float) -> tuple[float, str]:
        known_ = {**self.known, "variance": 2 * self.known["variance"]}
        total = labels_for_difference(delta, population=self.items, **known_)
        what = f"To tell two systems apart that differ by {_width(delta, not self.scores)}"
        if not isfinite(total):
            raise UsageError(
                f"{what} takes more than the {self.items:,} items that there are; grade more of them"
            )
        return total, (
            f"{what} takes {total:.0f} items labelled under both (power {_percent(POWER)}, two-sided 5 %), "
            f"{self.supposed()}, outcomes of both on an item being unrelated; related ones take fewer."
        )

    def rare(self, bound: float) -> tuple[float, str]:
        seen = self.pilot.failures if self.pilot.binary else 0
        total = labels_for_rare(bound, failures=seen)
        more = [f"{labels_for_rare(bound, failures=seen + k):.0f}" for k in (1, 2)]
        among = f"with the {seen} failed of {len(self.pilot.outcomes)} so far and no other"
        among = among if seen else "without a failure among them"
        return total, (
            f"{total:.0f} random labels {among} show that at most {_percent(bound)} fail (one-sided 95 %); "
            f"one {'more ' if seen else ''}failure, and it takes {more[0]}; two, and it takes {more[1]}."
        )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _width(half: float, points: bool) -> str:
    if not points:
        return f"{half:.2g}"
    return f"{100 * half:.0f} points" if half >= 0.095 else f"{100 * half:.1f} points".replace(".0 ", " ")


def _minutes(seconds: float) -> str:
    if seconds < 5400:
        minutes = max(round(seconds / 60), 1)
        return f"{minutes} minute{'s' * (minutes > 1)}"
    return f"{seconds / 3600:.1f} hours"


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not -inf < value < inf else value


def plan_command(
    source: str | Path, n: int, manifest: Mapping[str, Any], items: int, exclude: Sequence[str | Path] = ()
) -> str:
    """Give the command that draws a sample of graded rows, at most as many as there are."""
    without = "".join(f" --exclude {shlex.quote(str(path))}" for path in exclude)
    constants = (manifest.get("columns") or {}).get("set") or ()
    again = "".join(f" --set {shlex.quote(name)}=…" for name in constants)
    return f"judgekit plan {shlex.quote(str(source))}{without}{again} --n {min(n, items)} --out TO_LABEL.csv"
