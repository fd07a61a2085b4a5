"""What judge and people answered on the labelled items of a card, read back for another batch."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from judgekit.calibration.batch import Floats, GradedBatch, Ints
from judgekit.calibration.card import numbered, salted
from judgekit.calibration.results import Calibration

Side = tuple[Ints, Floats, Floats]


@dataclass(frozen=True)
class Pairs:
    """The answers of both sides to one question.

    Attributes
    ----------
    ids : list of str, length n
        Salted.
    judge, people : tuple of ndarray, shapes (n,)
        Codes, scores and passes.
    group : ndarray of int, shape (n,), or None
    probability : ndarray of float, shape (n,), or None
        With which each item was drawn; of a stratified draw, the share of its stratum.
    """

    ids: list[str]
    judge: Side
    people: Side
    group: Ints | None = None
    probability: Floats | None = None

    @classmethod
    def read(cls, kept: dict[str, Any], question: str) -> "Pairs":
        """Read those of one question off a card, or off one of its weeks."""
        found, sizes = kept["questions"][question], kept["strata"]

        def side(data: dict[str, Any]) -> Side:
            scores, passes = (
                np.array([nan if v is None else v for v in data[key]], float) for key in ("scores", "passes")
            )
            return np.array(data["codes"], np.intp), scores, passes

        group = None if found["groups"] is None else numbered(found["groups"])
        chances = found["probability"]
        if found["stratum"] is not None:
            strata = np.array(found["stratum"], np.intp)
            chances = (np.bincount(strata, minlength=len(sizes)) / np.array(sizes))[strata]
        chances = None if chances is None else np.array(chances, float)
        return cls(found["ids"], side(found["judge"]), side(found["people"]), group, chances)

    def rows(self, keep: Any) -> "Pairs":
        """Keep some of the items."""

        def of(values: Any) -> Any:
            return None if values is None else values[keep]

        ids = [key for key, kept in zip(self.ids, keep, strict=True) if kept]
        judge, people = (tuple(map(of, side)) for side in (self.judge, self.people))
        return Pairs(ids, judge, people, of(self.group), of(self.probability))


def all_pairs(card: Calibration, question: str, without: Container[str] = (), batch: Any = None) -> Pairs:
    """Put the labels of all weeks of a card together.

    Parameters
    ----------
    without : container of str
        Ids to leave out, such as those of the batch to be corrected, as far as the card can tell them.
    batch : GradedBatch or None
        Whose ids these are.
    """
    weeks = [
        _week(kept, question, without, batch)
        for kept in (card.pairs, *card.weeks)
        if question in kept["questions"]
    ]
    return _joined(weeks)


def _week(kept: dict[str, Any], question: str, without: Container[str], batch: GradedBatch | None) -> Pairs:
    found = Pairs.read(kept, question)
    if batch is None:
        return found
    gone = {salted(kept["salt"], identity) for identity in batch.ids if identity in without}
    return found.rows(np.array([key not in gone for key in found.ids], bool))


def _joined(weeks: list[Pairs]) -> Pairs:
    if len(weeks) == 1:
        return weeks[0]

    def over(of: Callable[[Pairs], Any]) -> Any:
        return np.concatenate([of(week) for week in weeks])

    def side(of: Callable[[Pairs], Side]) -> Side:
        codes, scores, passes = (over(lambda week, k=k: of(week)[k]) for k in range(3))  # type: ignore[misc]
        return codes, scores, passes

    return Pairs(
        [key for week in weeks for key in week.ids],
        side(lambda week: week.judge),
        side(lambda week: week.people),
        _groups(weeks),
        _chances(weeks),
    )


def _groups(weeks: list[Pairs]) -> Ints | None:
    """Give the groups of all weeks; none reaches from one week into the next."""
    if all(week.group is None for week in weeks):
        return None
    found, start = [], 0
    for week in weeks:
        group = np.arange(len(week.ids)) if week.group is None else week.group
        found.append(group + start)
        start += int(group.max(initial=-1)) + 1
    return np.concatenate(found).astype(np.intp)


def _chances(weeks: list[Pairs]) -> Floats | None:
    """Give each week's labels the weight of their number, and within a week that of their draw."""
    if all(week.probability is None for week in weeks):
        return None
    found = []
    for week in weeks:
        weight = np.ones(len(week.ids)) if week.probability is None else 1 / week.probability
        found.append(weight.mean() / weight)
    chances = np.concatenate(found)
    return np.asarray(chances / chances.max())
