"""Whether a requirement of a rubric is met, by what a card or a correction knows of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite, isnan, nan
from typing import Any

from judgekit._text import plural
from judgekit.calibration.correct import Correction
from judgekit.calibration.estimates import NO_RATE, PASS_RATE
from judgekit.calibration.results import Calibration, CriterionResult
from judgekit.rubric import Criterion, Rubric
from judgekit.stats.estimate import Estimate

MET, NOT_MET, UNKNOWN = "met", "not met", "unknown"
# What a decision about the judge has to add to a figure that people's labels carry.
BESIDE = {
    "reject": "The judge is not to be used here; the interval holds, as people's labels carry it.",
    "relabel": "Raters agree too little with each other, so settle the labels before you rely on this.",
    "insufficient": "There are too few labels to judge the judge; the interval holds all the same.",
}


@dataclass(frozen=True)
class Requirement:
    """One requirement held against an interval.

    Attributes
    ----------
    criterion : str
    required : float
        Share of items that must pass.
    state : str
        ``met``, ``not met`` or ``unknown``.
    value, low, high, confidence : float
        The corrected pass rate; nan where there is none, or one under each assumption.
    n : int
        Labels it rests on.
    more : float
        About how many further labels would settle an open one; nan where that is not the question, ``inf``
        where no number of them would.
    why : str
        In a sentence.
    """

    criterion: str
    required: float
    state: str
    value: float = nan
    low: float = nan
    high: float = nan
    confidence: float = nan
    n: int = 0
    more: float = nan
    why: str = ""

    @property
    def opening(self) -> str:
        """What is asked."""
        return f"Required: at least {100 * self.required:.4g} % of items pass."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: nan and inf become None."""
        return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in asdict(self).items()}


def card_requirements(card: Calibration, rubric: Rubric) -> tuple[Requirement, ...]:
    """Hold every requirement of a rubric against a card; criteria without one are passed over.

    Parameters
    ----------
    card : Calibration
        Of this rubric, or of another version: a criterion that asks the same is known from either.
    rubric : Rubric
    """
    return tuple(_by_card(card, rubric, criterion) for criterion in _required(rubric))


def corrected_requirements(found: Correction, rubric: Rubric) -> tuple[Requirement, ...]:
    """Hold every requirement against a corrected batch; where assumptions give two numbers, against both."""
    rates = {q.criterion: q for q in found.quantities if q.name == PASS_RATE}
    held = []
    for criterion in _required(rubric):
        rate = rates.get(criterion.name)
        if found.stale or rate is None:
            why = f"{found.stale or 'the card holds no rate of this criterion'}."
            held.append(_unknown(criterion, f"the card says nothing of it: {why}"))
            continue
        # People's labels alone are no assumption: what adds the verdicts to them stands beside.
        ways = {way: one for way, one in rate.estimates.items() if way != "human only"} or rate.estimates
        held.append(_held(criterion, list(ways.values()), found.items))
    return tuple(held)


def exit_state(held: Iterable[Requirement]) -> str:
    """Give the state of all together: the worst that is known, else unknown if any is."""
    states = {one.state for one in held}
    return next((state for state in (NOT_MET, UNKNOWN) if state in states), MET)


def more_labels(estimate: Estimate, bound: float) -> float:
    """About how many further labels would put an interval on one side of a bound.

    Returns
    -------
    float
        n((h/|value − bound|)² − 1), h the part of the interval between value and bound's side; ``inf`` where
        the value is the bound.
    """
    apart = estimate.value - bound
    side = estimate.value - estimate.low if apart > 0 else estimate.high - estimate.value
    if apart == 0:
        return inf
    return max(1, ceil(estimate.n * ((side / abs(apart)) ** 2 - 1) - 1e-9))


def _required(rubric: Rubric) -> Iterable[Criterion]:
    return (criterion for criterion in rubric.criteria if criterion.target is not None)


def _by_card(card: Calibration, rubric: Rubric, criterion: Criterion) -> Requirement:
    result = next((one for one in card.results if one.name == criterion.name), None)
    if why := _elsewhere(card, rubric, criterion, result):
        return _unknown(criterion, why)
    assert result is not None
    rate = next((one for one in result.quantities if one.name == PASS_RATE), None)
    if rate is None:
        return _unknown(criterion, "the card holds no pass rate of this criterion.")
    if card.design in NO_RATE:
        return _unknown(criterion, f"the card holds no corrected rate, as {NO_RATE[card.design]}.")
    return _held(criterion, [rate.corrected], result.counts.batch, BESIDE.get(result.decision.verb, ""))


def _elsewhere(
    card: Calibration, rubric: Rubric, criterion: Criterion, result: CriterionResult | None
) -> str:
    """Say why a card's labels do not answer this criterion; empty if they do."""
    if card.stale:
        return f"the card is stale: {card.stale}."
    if result is None:
        return f"the card, of {card.rubric}, has no criterion of this name."
    if card.digests["criteria"].get(criterion.name) != rubric.criterion_digests[criterion.name]:
        return f"the card is of another wording of this criterion ({card.rubric}); label and calibrate again."
    # What passes is no part of the wording, which labels are bound to, but a rate rests on it.
    before = {one["name"]: one for one in _criteria(card.requirement)}.get(criterion.name)
    if before is not None and before.get("pass_at") != criterion.pass_at:
        return f"the card counts from {before.get('pass_at')} on as a pass ({card.rubric}); calibrate again."
    return ""


def _criteria(requirement: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    return () if requirement is None else requirement["criteria"]


def _unknown(criterion: Criterion, why: str) -> Requirement:
    assert criterion.target is not None
    return Requirement(criterion.name, criterion.target, UNKNOWN, why=why)


def _held(criterion: Criterion, found: Sequence[Estimate], items: int, beside: str = "") -> Requirement:
    """Decide by where the whole interval lies, or all of several under their own assumptions."""
    bound = criterion.target
    assert bound is not None
    if any(isnan(one.low) or isnan(one.high) for one in found) or not found:
        note = next((one.note for one in found if one.note), "no labels carry one")
        return _unknown(criterion, f"there is no interval to hold it against ({note}).")
    low, high = min(one.low for one in found), max(one.high for one in found)
    alone = found[0] if len(found) == 1 and found[0].defined else None
    state = MET if low >= bound else NOT_MET if high < bound else UNKNOWN
    more = more_labels(alone, bound) if state == UNKNOWN and alone is not None else nan
    said = _said(state, bound, low, high, len(found) > 1, more, items - found[0].n)
    why = f"{said} {beside}".strip()
    value, n = (alone.value if alone else nan), found[0].n
    return Requirement(criterion.name, bound, state, value, low, high, found[0].confidence, n, more, why)


def _said(state: str, bound: float, low: float, high: float, several: bool, more: float, left: int) -> str:
    limits = f"({100 * low:.1f} – {100 * high:.1f} %)"
    lies, share = "lie" if several else "lies", f"{100 * bound:.4g} %"
    which = (
        f"the corrected intervals of both assumptions {limits}"
        if several
        else f"the corrected interval {limits}"
    )
    if state == MET:
        return f"{which} {lies} wholly at or above {share}."
    if state == NOT_MET:
        return f"{which} {lies} wholly below {share}."
    return f"{which} {lies} on both sides of {share}{_settle(several, more, left)}."


def _settle(several: bool, more: float, left: int) -> str:
    """Say what would settle an open requirement."""
    if several:
        return "; labels of these items, drawn at random, would tell"
    if isnan(more):
        return "; settle the labelled items on which people gave no one answer, that comes before more labels"
    if more == inf:
        return ", and no number of labels tells a rate from itself"
    room = "" if more <= left else f", more than the {left:,} items left: grade further ones"
    return f"; about {plural(_rough(more), 'more label')} would tell{room}"


def _rough(count: float) -> int:
    """Write no more digits than are known."""
    return int(float(f"{count:.2g}"))
