"""Where judge and people differ: which items, on which questions, and what each said."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Answers, Question, questions
from judgekit.calibration.correct import Pairs
from judgekit.calibration.measure import CLOSE
from judgekit.report.basis import Basis
from judgekit.rubric import Criterion


@dataclass(frozen=True)
class Said:
    """What judge and people answered to one question."""

    question: str
    judge: str
    people: str


@dataclass(frozen=True)
class Disagreement:
    """One item, with every question that both answered differently, the item as a whole first."""

    id: str
    place: int
    differs: tuple[Said, ...]
    agrees: tuple[Said, ...]


def disagreements(basis: Basis) -> list[Disagreement]:
    """Find them all: those about the item as a whole first, then those on most questions, then file order."""
    if basis.calibration is None:
        return []
    asked = questions(basis.batch.rubric)
    ordered = [*asked[-1:], *asked[:-1]]
    differs: dict[int, list[Said]] = {}
    agrees: dict[int, list[Said]] = {}
    for question in ordered:
        for place, said, same in _compared(basis, question):
            (agrees if same else differs).setdefault(place, []).append(said)
    first = ordered[0].name
    found = [
        Disagreement(basis.batch.ids[place], place, tuple(said), tuple(agrees.get(place, ())))
        for place, said in differs.items()
    ]
    return sorted(found, key=lambda d: (d.differs[0].question != first, -len(d.differs), d.place))


def _compared(basis: Basis, question: Question) -> list[tuple[int, Said, bool]]:
    """Give place, answers and whether they are the same, for each item that both answered."""
    calibration = basis.calibration
    assert calibration is not None
    pairs = Pairs.read(calibration.pairs["questions"][question.name])
    places = np.array([basis.places[key] for key in pairs.ids], np.intp)
    judge = basis.batch.answers[question.name]
    codes, scores, _ = pairs.people
    if question.criterion.range is not None:
        return _numbers(question.criterion, judge, places, scores)
    both = judge.answered[places] & (codes >= 0) & (judge.codes[places] >= 0)
    return [
        (int(place), Said(question.name, question.cell_names[mine], question.cell_names[theirs]), mine == theirs)
        for place, mine, theirs in zip(
            places[both], judge.codes[places][both].tolist(), codes[both].tolist(), strict=True
        )
    ]


def _numbers(
    criterion: Criterion, judge: Answers, places: NDArray[np.intp], scores: NDArray[np.float64]
) -> list[tuple[int, Said, bool]]:
    """Compare numbers: the same is what lies within a tenth of the range, as agreement counts it."""
    assert criterion.range is not None
    low, high = criterion.range
    given = judge.scores[places]
    both = judge.answered[places] & ~np.isnan(given) & ~np.isnan(scores)
    found = []
    for place, mine, theirs in zip(places[both], given[both].tolist(), scores[both].tolist(), strict=True):
        words = [f"{low + score * (high - low):.4g}" for score in (mine, theirs)]
        said = Said(criterion.name, *words)
        found.append((int(place), said, abs(mine - theirs) <= CLOSE + 1e-12))
    return found


def by_answers(
    found: list[Disagreement], question: str, limit: int
) -> list[tuple[str, str, list[Disagreement], int]]:
    """Group the disagreements on one question by what was said; at most `limit` items of each, and how many."""
    groups: dict[tuple[str, str], list[Disagreement]] = {}
    for one in found:
        for said in one.differs:
            if said.question == question:
                groups.setdefault((said.judge, said.people), []).append(one)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [(judge, people, items[:limit], len(items)) for (judge, people), items in ranked]
