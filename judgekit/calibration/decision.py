"""What to do with a judge: the first rule that applies, each with one sentence."""

from dataclasses import dataclass
from math import ceil, isnan

import numpy as np

from judgekit.calibration.batch import Floats, Question
from judgekit.calibration.estimates import MEAN_SCORE, UNSTATED
from judgekit.calibration.results import Counts, Decision, Quantity
from judgekit.calibration.text import number
from judgekit.rubric import OVERALL
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates

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
    quantity : Quantity
        The headline.
    drawn : bool
        Whether it is known how the labelled items were chosen from the batch.
    """

    question: Question
    counts: Counts
    passes: Floats
    coefficient: Estimate
    rates: BinaryRates | None
    ceiling: Ceiling | None
    quantity: Quantity
    drawn: bool

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
        or _trust(evidence.quantity, evidence.ceiling)
        or _correct(evidence.quantity, evidence.counts)
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
    sentence = f"Not enough labels: {n}{both}{among}; label about {more} more."
    if n >= LEAST_LABELS and evidence.drawn:
        sentence += " This is about the judge; the rate itself has its interval all the same."
    return Decision("insufficient", sentence)


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
    limits = "" if isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    return Decision("reject", f"Do not use this judge for {what}: agreement {found.value:.2f}{limits}.")


def _no_design(evidence: Evidence) -> Decision | None:
    if evidence.drawn:
        return None
    return Decision(
        "insufficient",
        f"Agreement is measured, but not the rate: {UNSTATED}. {DRAW}",
    )


def _trust(quantity: Quantity, ceiling: Ceiling | None) -> Decision | None:
    value, margin = quantity.corrected, MARGIN
    if quantity.name != MEAN_SCORE:
        margin = min(MARGIN, min(value.value, 1 - value.value) / 2)
    below, above = quantity.raw - value.high, quantity.raw - value.low
    if not (-margin <= below and above <= margin) or ceiling is None:
        return None
    if ceiling.difference.n < CEILING_ITEMS or not ceiling.difference.low > -BELOW_HUMANS:
        return None
    return Decision(
        "trust",
        f"Raw rates may be used for batches like this one: bias within {number(quantity.name, margin)}, "
        f"agreement at most "
        f"{100 * BELOW_HUMANS:.0f} % below that between humans.",
    )


def _correct(quantity: Quantity, counts: Counts) -> Decision:
    value, ratio = quantity.corrected, quantity.ratio
    raw, middle, low, high = (
        number(quantity.name, one) for one in (quantity.raw, value.value, value.low, value.high)
    )
    if not value.defined:
        why = f"{value.note}."
        if not isnan(value.low):
            lost = counts.labelled - counts.settled
            why = (
                f"{lost} of {counts.labelled} labelled items have no human answer, so it lies between {low} "
                f"and {high}; settle them first."
            )
        return Decision("insufficient", f"There is no single corrected figure: {why}")
    limits = "" if isnan(value.low) else f" [{low}, {high}]"
    width = "" if isnan(ratio) else f", {ratio:.2f} × the width of labels alone"
    adds = "; the judge adds almost nothing" if ratio > ADDS_NOTHING else ""
    return Decision("correct", f"Correct this judge: raw {raw}, corrected {middle}{limits}{width}{adds}.")
