"""What to do with a judge: the first rule that applies, each with one sentence."""

from dataclasses import dataclass
from math import ceil, isnan

import numpy as np

from judgekit.calibration.batch import Floats, Question
from judgekit.calibration.estimates import UNSTATED, is_mean
from judgekit.calibration.results import Counts, Decision, Quantity
from judgekit.calibration.text import number, plural, signed, symbol
from judgekit.labels import ADJUDICATED
from judgekit.rubric import OVERALL
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates
from judgekit.verdict import ABSTAINED

LEAST_LABELS = 30
LEAST_IN_CLASS = 5
HUMAN_ALPHA = 0.60
HUMAN_AGREEMENT = 0.90
REJECT_BELOW = 0.40
NO_BETTER_THAN_CHANCE_FROM = 100
MARGIN = 0.05
BELOW_HUMANS = 0.10
CEILING_ITEMS = 50
ADDS_NOTHING = 0.95

KINDS = {"fail": "fails", "pass": "passes"}
NOMINAL = ("binary", "categorical", "pairwise")
DRAW = "Draw a random sample (judgekit plan), or state --design random if this was one."


@dataclass(frozen=True)
class Evidence:
    """What a decision about the judge of one question rests on.

    Attributes
    ----------
    question : Question
    counts : Counts
    passes : ndarray of float
        People's pass (1) and fail (0) on the items that enter agreement.
    coefficient : Estimate
        Chance-corrected agreement; its `n` are the items that both sides answered on the scale.
    rates : BinaryRates or None
    ceiling : Ceiling or None
    quantities : tuple of Quantity
        The headline first.
    drawn : bool
        Whether it is known how the labelled items were chosen from the batch.
    coefficient_name : str
    """

    question: Question
    counts: Counts
    passes: Floats
    coefficient: Estimate
    rates: BinaryRates | None
    ceiling: Ceiling | None
    quantities: tuple[Quantity, ...]
    drawn: bool
    coefficient_name: str

    @property
    def binary(self) -> bool:
        """Whether the answer is pass or fail, so that both kinds are needed."""
        return self.question.criterion.scale == "binary"


def decide(evidence: Evidence) -> Decision:
    """Decide about the judge of one question."""
    return (
        _insufficient(evidence)
        or _relabel(evidence)
        or _reject(evidence)
        or _no_design(evidence)
        or _trust(evidence.quantities, evidence.ceiling)
        or _correct(evidence.quantities[0], evidence.counts)
    )


def _insufficient(evidence: Evidence) -> Decision | None:
    n, among, more = evidence.coefficient.n, "", LEAST_LABELS - evidence.coefficient.n
    if evidence.binary and n:
        passed = int(np.sum(evidence.passes))
        failed = evidence.passes.size - passed
        fewer, kind = (failed, "fail") if failed <= passed else (passed, "pass")
        among = f", of which {fewer} {kind if fewer == 1 else KINDS[kind]}"
        if fewer < LEAST_IN_CLASS:
            more = max(more, ceil((LEAST_IN_CLASS - fewer) * (n + 2) / (fewer + 1)))
    if more <= 0:
        return None
    settled = evidence.counts.settled
    both = f" that the judge answered too (of {settled})" if settled > evidence.counts.used else ""
    sentence = f"Not enough labels: {n}{both}{among}; {_for_more(evidence.counts, more)}."
    if n >= LEAST_LABELS and evidence.drawn:
        sentence += " This is about the judge; the rate itself has its interval all the same."
    return Decision("insufficient", sentence)


def _for_more(counts: Counts, more: int) -> str:
    """Say how to come by more answers: from the judge, where verdicts are missing, else from people."""
    lost = sum(count for status, count in counts.failed.items() if status != ABSTAINED)
    if min(lost, counts.settled - counts.used) < more:
        return f"label about {more} more"
    return f"finish the run: {lost} labelled {'item has' if lost == 1 else 'items have'} no verdict"


def _relabel(evidence: Evidence) -> Decision | None:
    ceiling = evidence.ceiling
    if ceiling is None or ceiling.raw.n < LEAST_LABELS or not ceiling.alpha.high < HUMAN_ALPHA:
        return None
    if evidence.question.criterion.scale in NOMINAL and not ceiling.raw.high < HUMAN_AGREEMENT:
        return None
    said = f"alpha {ceiling.alpha.value:.2f}"
    return Decision(
        "relabel", f"Humans agree too little with each other ({said}); fix the criterion or the labels first."
    )


def _reject(evidence: Evidence) -> Decision | None:
    found, rates = evidence.coefficient, evidence.rates
    informed = rates.youden_j if evidence.binary and rates is not None else found
    hopeless = found.high < REJECT_BELOW and informed.high < REJECT_BELOW
    if not hopeless and not (found.n >= NO_BETTER_THAN_CHANCE_FROM and informed.low <= 0):
        return None
    what = "the items as a whole" if evidence.question.name == OVERALL else evidence.question.name
    limits = "" if isnan(found.low) else f" [{signed(found.low)}, {signed(found.high)}]"
    agreement = f"agreement ({symbol(evidence.coefficient_name)}) {signed(found.value)}{limits}"
    return Decision("reject", f"Do not use this judge for {what}: {agreement}.")


def _no_design(evidence: Evidence) -> Decision | None:
    if evidence.drawn:
        return None
    return Decision(
        "insufficient",
        f"Agreement is measured, but not the rate: {UNSTATED}. {DRAW}",
    )


def _trust(quantities: tuple[Quantity, ...], ceiling: Ceiling | None) -> Decision | None:
    if ceiling is None or not all(_unbiased(quantity) for quantity in quantities):
        return None
    if ceiling.difference.n < CEILING_ITEMS or not ceiling.difference.low > -BELOW_HUMANS:
        return None
    margin = 100 * min(_margin(quantity) for quantity in quantities)
    return Decision(
        "trust",
        f"Raw rates may be used for batches like this one: bias within {margin:.1f} points, agreement at "
        f"most {100 * BELOW_HUMANS:.0f} points below that between humans.",
    )


def _margin(quantity: Quantity) -> float:
    """Give the bias that does not matter: a twentieth of the scale, and half the rarer class of a rate."""
    value = quantity.corrected.value
    return MARGIN if is_mean(quantity.name) else min(MARGIN, min(value, 1 - value) / 2)


def _unbiased(quantity: Quantity) -> bool:
    value, margin = quantity.corrected, _margin(quantity)
    return -margin <= quantity.raw - value.high and quantity.raw - value.low <= margin


def _unsettled(counts: Counts) -> str:
    ways = {
        "the raters differ": counts.split,
        "nobody could tell": counts.cannot_tell,
        "a criterion is not answered": counts.partial,
    }
    (why, first), *more = [(why, count) for why, count in ways.items() if count]
    rest = "".join(f", on {count} {why}" for why, count in more)
    return f"on {first} of {plural(counts.labelled, 'labelled item')} {why}{rest}"


def _settle(counts: Counts) -> str:
    if counts.partial:
        return "have these answered first"
    return f"add a row with rater `{ADJUDICATED}` for each"


def _correct(quantity: Quantity, counts: Counts) -> Decision:
    value, ratio = quantity.corrected, quantity.ratio
    raw, middle, low, high = (
        number(quantity.name, one) for one in (quantity.raw, value.value, value.low, value.high)
    )
    if not value.defined:
        why = f"{value.note}."
        if not isnan(value.low):
            why = f"{_unsettled(counts)}, so it lies between {low} and {high}; {_settle(counts)}."
        return Decision("insufficient", f"There is no single corrected figure: {why}")
    limits = "" if isnan(value.low) else f" [{low}, {high}]"
    width = "" if isnan(ratio) else f", {ratio:.2f} × the width of labels alone"
    adds = "; the judge adds almost nothing" if ratio > ADDS_NOTHING else ""
    if ratio > 1:
        adds = "; the judge adds nothing, and the labels alone are as good"
    return Decision("correct", f"Correct this judge: raw {raw}, corrected {middle}{limits}{width}{adds}.")
