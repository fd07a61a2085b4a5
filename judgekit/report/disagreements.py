"""Where judge and people differ: which items, on which questions, and what each said."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgekit.calibration.batch import Answers, Question
from judgekit.calibration.measure import CLOSE
from judgekit.calibration.pairs import Pairs
from judgekit.report.basis import Basis, whole_first
from judgekit.rubric import OVERALL, Criterion


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
    asked = whole_first(basis.batch.rubric)
    differs: dict[int, list[Said]] = {}
    agrees: dict[int, list[Said]] = {}
    for question in asked:
        for place, said, same in _compared(basis, question):
            (agrees if same else differs).setdefault(place, []).append(said)
    first = asked[0].name
    found = [
        Disagreement(basis.batch.ids[place], place, tuple(said), tuple(agrees.get(place, ())))
        for place, said in differs.items()
    ]
    # Without a whole, the first question weighs no more than the others.
    leads = {first} if first == OVERALL else {one.name for one in asked}
    return sorted(found, key=lambda d: (d.differs[0].question not in leads, -len(d.differs), d.place))


def _compared(basis: Basis, question: Question) -> list[tuple[int, Said, bool]]:
    """Give place, answers and whether they are the same, for each item that both answered."""
    calibration = basis.calibration
    assert calibration is not None
    pairs = Pairs.read(calibration.pairs, question.name)
    places = np.array([basis.places[key] for key in pairs.ids], np.intp)
    judge = basis.batch.answers[question.name]
    codes, scores, _ = pairs.people
    if question.criterion.range is not None:
        return _numbers(question.criterion, judge, places, scores)
    both = judge.answered[places] & (codes >= 0) & (judge.codes[places] >= 0)
    return [
        (
            int(place),
            Said(question.name, question.cell_names[mine], question.cell_names[theirs]),
            mine == theirs,
        )
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


def by_answers(found: list[Disagreement], question: Question) -> list[tuple[str, list[Disagreement]]]:
    """Group the disagreements on one question by what was said, the largest group first."""
    groups: dict[str, list[Disagreement]] = {}
    for one in found:
        for said in one.differs:
            if said.question == question.name:
                groups.setdefault(_words(said, question), []).append(one)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def _words(said: Said, question: Question) -> str:
    if question.criterion.range is None:
        return f"judge {said.judge}, people {said.people}"
    return f"judge {'above' if float(said.judge) > float(said.people) else 'below'} people"
