"""Several findings on one criterion to one: by majority, or by the mean of their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import fsum
from typing import Any, Literal

from judgekit.errors import UsageError
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric
from judgekit.verdict import ABSTAINED, OK, Finding

Way = Literal["majority", "mean"]
WAYS = ("majority", "mean")
RESERVED = (NOT_APPLICABLE, ABSTAIN)
ROUNDING = 1e-9

Answer = str | float


def check_way(by: str, rubric: Rubric) -> None:
    """Refuse a way of combining that there is not, or that a criterion has no scores for; UsageError."""
    if by not in WAYS:
        raise UsageError(f"{by!r} is no way to combine verdicts; choose {' or '.join(WAYS)}")
    unscored = [c.name for c in rubric.criteria if not c.scored]
    if by == "mean" and unscored:
        raise UsageError(f"{', '.join(unscored)}: the levels have no scores and so no mean; choose majority")


@dataclass(frozen=True, slots=True)
class Vote:
    """One grader's finding, and how much it weighs: 0 or more."""

    finding: Finding
    weight: float = 1.0

    @property
    def answer(self) -> Answer | None:
        """The label, the number, ``cannot_tell``; None for a failure."""
        if self.finding.status == ABSTAINED:
            return ABSTAIN
        if self.finding.status != OK:
            return None
        return self.finding.label if self.finding.value is None else self.finding.value


def combined(criterion: Criterion, votes: Sequence[Vote], way: Way) -> Finding:
    """Combine findings on one criterion.

    By majority, the answer with most weight wins. A tie is settled by the middle answer where levels are
    ordered; else the judges are split, and the finding abstains. Numbers have a (lower) weighted median. By
    mean, the score is the weighted mean of scores and the label the level nearest to it, the lower of two.
    A failed vote counts for nobody: where it could have turned the outcome, the finding fails as it did.

    Returns
    -------
    Finding
        With the explanation and evidence of the first vote that agrees. `confidence` is the share of the
        weight that agrees with the answer; None for numbers.
    """
    votes = _counting(votes)
    given = [vote for vote in votes if vote.answer is not None]
    lost = [vote for vote in votes if vote.answer is None]
    open_ = _weight(lost)
    if not _weight(given):
        return _failed(lost, votes) if lost else _split(given)
    if way == "mean" or criterion.range is not None:
        return _failed(lost, votes) if open_ else _averaged(criterion, given, way)
    weights = _weights(given)
    first, second = (*weights.values(), 0.0)[:2]
    if open_ and first - second <= open_ + ROUNDING:
        return _failed(lost, votes)
    answer = next(iter(weights)) if first - second > ROUNDING else _between(criterion, weights)
    if answer is None or not any(vote.answer == answer for vote in given):
        return (
            _split(given)
            if answer is None
            else Finding(OK, str(answer), explanation=_split(given).explanation)
        )
    return _said(given, answer, open_)


def _counting(votes: Sequence[Vote]) -> list[Vote]:
    """Give the votes that have weight, the heaviest 1: what is no more than rounding is relative to it."""
    heaviest = max((vote.weight for vote in votes), default=0.0)
    scaled = [replace(vote, weight=vote.weight / heaviest) for vote in votes] if heaviest else []
    return [vote for vote in scaled if vote.weight]


def _failed(lost: Sequence[Vote], votes: Sequence[Vote]) -> Finding:
    first = lost[0].finding
    told = f"{len(lost)} of {len(votes)} gave no answer, which could have turned it"
    return Finding(first.status, explanation=f"{told}: {first.explanation or first.status}")


def _weights(votes: Sequence[Vote]) -> dict[Answer, float]:
    weights: dict[Answer, float] = {}
    for vote in votes:
        if vote.answer is not None:
            weights[vote.answer] = weights.get(vote.answer, 0.0) + vote.weight
    return dict(sorted(weights.items(), key=lambda one: -one[1]))


def _said(votes: Sequence[Vote], answer: Answer, open_: float = 0.0) -> Finding:
    """Give the finding that says an answer, in the words of the first that said it."""
    agreeing = [vote for vote in votes if vote.answer == answer]
    share = _weight(agreeing) / (_weight(votes) + open_)
    first = agreeing[0].finding
    told = f"{len(agreeing)} of {len(votes)}: {first.explanation}"
    return made_of(first, explanation=told, confidence=round(share, 6))


def made_of(first: Finding, **changes: Any) -> Finding:
    """Take over what a vote says, but for what was reckoned of it alone."""
    return replace(first, **{"score": None, "passed": None, "p_pass": None, "confidence": None, **changes})


def _split(votes: Sequence[Vote]) -> Finding:
    sides = ", ".join(f"{answer}: {weight:g}" for answer, weight in _weights(votes).items())
    return Finding(ABSTAINED, explanation=f"the votes are split ({sides})")


def _between(criterion: Criterion, weights: Mapping[Answer, float]) -> str | None:
    """Give the answer in the middle of a tie; None where the middle falls between two levels."""
    if not set(weights) <= set(criterion.labels):
        return None
    if criterion.scale == "pairwise":
        return "tie" if abs(weights.get("a", 0.0) - weights.get("b", 0.0)) <= ROUNDING else None
    if criterion.scale != "ordinal":
        return None
    half, below = sum(weights.values()) / 2, 0.0
    for label in criterion.labels:
        below += weights.get(label, 0.0)
        if below > half + ROUNDING:
            return label
        if below >= half - ROUNDING:
            return None
    return None


def _averaged(criterion: Criterion, votes: Sequence[Vote], way: Way) -> Finding:
    """Combine numbers, and scores by their mean; who says that there is none may outvote the others."""
    apart = [vote for vote in votes if vote.answer in RESERVED]
    if _weight(apart) * 2 >= _weight(votes) - ROUNDING:
        answer, weight = next(iter(_weights(apart).items()))
        return _said(votes, answer) if weight * 2 > _weight(votes) + ROUNDING else _split(votes)
    voting = [vote for vote in votes if vote.answer not in RESERVED]
    return _number(criterion.range, voting, way) if criterion.range is not None else _level(criterion, voting)


def _number(limits: tuple[float, float], votes: Sequence[Vote], way: Way) -> Finding:
    ranked = sorted((float(vote.answer or 0.0), vote.weight) for vote in votes)
    if way == "mean":
        value = sum(number * weight for number, weight in ranked) / _weight(votes)
    else:
        reached = accumulate(weight for _, weight in ranked)
        half = _weight(votes) / 2 - ROUNDING
        value = next(number for (number, _), below in zip(ranked, reached, strict=True) if below >= half)
    nearest = min(votes, key=lambda vote: abs(float(vote.answer or 0.0) - value)).finding
    said = ", ".join(f"{vote.answer:g}" for vote in votes)
    told = f"{'mean' if way == 'mean' else 'median'} of {said}: {nearest.explanation}"
    return made_of(nearest, value=min(max(value, limits[0]), limits[1]), explanation=told)


def _level(criterion: Criterion, votes: Sequence[Vote]) -> Finding:
    def score(vote: Vote) -> float:
        own = vote.finding.score
        return own if own is not None else criterion.level(str(vote.answer)).score or 0.0

    mean = fsum(score(vote) * vote.weight for vote in votes) / _weight(votes)
    weights = _weights(votes)
    # Of levels with one score the one that was said.
    levels = sorted(criterion.levels, key=lambda one: (one.score or 0.0, -weights.get(one.label, 0.0)))
    label = min(levels, key=lambda level: round(abs((level.score or 0.0) - mean), 9)).label
    agreeing = [vote for vote in votes if vote.answer == label]
    first = (agreeing or votes)[0].finding
    said = ", ".join(str(vote.answer) for vote in votes)
    told = f"mean {mean:.3g} of {said}: {first.explanation}"
    share = round(_weight(agreeing) / _weight(votes), 6)
    return made_of(first, label=label, score=round(mean, 6), explanation=told, confidence=share)


def _weight(votes: Sequence[Vote]) -> float:
    return fsum(vote.weight for vote in votes)
