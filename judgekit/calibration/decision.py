"""What to do with a judge: the first rule that applies, each with one sentence."""

from dataclasses import dataclass
from math import ceil, isnan, nan

import numpy as np

from judgekit.calibration.batch import Floats, Question
from judgekit.calibration.estimates import NO_RATE, UNSTATED, is_mean
from judgekit.calibration.results import Counts, Decision, Quantity
from judgekit.calibration.text import number, plural, signed, symbol
from judgekit.calibration.thresholds import Thresholds
from judgekit.labels import ADJUDICATED
from judgekit.rubric import OVERALL
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates
from judgekit.verdict import ABSTAINED

ADDS_NOTHING = 0.95
MARGIN = 0.05
EXTERNAL = (
    "Correct this judge: its labelled items are no sample of a graded batch, so one is corrected by this "
    "card with judgekit correct, under a stated --shift or with 15 fresh labels."
)

KINDS = {"fail": "fails", "pass": "passes"}
NOMINAL = ("binary", "categorical", "pairwise")
DRAW = "Draw a random sample (judgekit plan), or state --design random if this was one."
DRAW_OTHERS = "Draw a random sample of other items (judgekit plan): what tuned the rubric cannot test it."


@dataclass(frozen=True)
class Evidence:
    """What a decision about the judge of one question rests on.

    Attributes
    ----------
    question : Question
    counts : Counts
    passes : ndarray of float
        People's pass (1) and fail (0) on the items that enter agreement.
    agreement : Estimate
    coefficient : Estimate
        Chance-corrected agreement; its `n` are the items that both sides answered on the scale.
    rates : BinaryRates or None
    ceiling : Ceiling or None
    quantities : tuple of Quantity
        The headline first.
    design : str
        How the labelled items were chosen.
    coefficient_name : str
    thresholds : Thresholds
    direction : Estimate or None
        Whether the judge says more where people do: Youden's J, or Spearman's correlation of scores.
    tuned : bool
        Whether labels tuned the rubric.
    """

    question: Question
    counts: Counts
    passes: Floats
    agreement: Estimate
    coefficient: Estimate
    rates: BinaryRates | None
    ceiling: Ceiling | None
    quantities: tuple[Quantity, ...]
    design: str
    coefficient_name: str
    thresholds: Thresholds
    direction: Estimate | None = None
    tuned: bool = False

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
        or _trust(evidence)
        or _correct(evidence.quantities[0], evidence.counts, evidence.design)
    )


def _insufficient(evidence: Evidence) -> Decision | None:
    n, among, least = evidence.coefficient.n, "", evidence.thresholds.in_class
    more = evidence.thresholds.labels - n
    if evidence.binary and n:
        passed = int(np.sum(evidence.passes))
        failed = evidence.passes.size - passed
        fewer, kind = (failed, "fail") if failed <= passed else (passed, "pass")
        among = f", of which {fewer} {kind if fewer == 1 else KINDS[kind]}"
        if fewer < least:
            more = max(more, ceil((least - fewer) * (n + 2) / (fewer + 1)))
    if more <= 0:
        return None
    settled = evidence.counts.settled
    both = f" that the judge answered too (of {settled})" if settled > evidence.counts.used else ""
    sentence = f"Not enough labels: {n}{both}{among}; {_for_more(evidence.counts, more)}."
    if n >= evidence.thresholds.labels and evidence.design not in NO_RATE:
        sentence += " This is about the judge; the rate itself has its interval all the same."
    return Decision("insufficient", sentence)


def _for_more(counts: Counts, more: int) -> str:
    """Say how to come by more answers: from the judge, where verdicts are missing, else from people."""
    lost = sum(count for status, count in counts.failed.items() if status != ABSTAINED)
    if min(lost, counts.settled - counts.used) < more:
        return f"label about {more} more"
    return f"finish the run: {lost} labelled {'item has' if lost == 1 else 'items have'} no verdict"


def _relabel(evidence: Evidence) -> Decision | None:
    ceiling, asked = evidence.ceiling, evidence.thresholds
    if ceiling is None or ceiling.raw.n < asked.rated_items or not ceiling.alpha.high < asked.alpha:
        return None
    if evidence.question.criterion.scale in NOMINAL and not ceiling.raw.high < asked.raw_agreement:
        return None
    said = f"alpha {ceiling.alpha.value:.2f}"
    return Decision(
        "relabel", f"Humans agree too little with each other ({said}); fix the criterion or the labels first."
    )


def _reject(evidence: Evidence) -> Decision | None:
    found, rates, asked = evidence.coefficient, evidence.rates, evidence.thresholds
    informed = rates.youden_j if evidence.binary and rates is not None else found
    hopeless = found.high < asked.reject and informed.high < asked.reject
    # A coefficient near -1 has wide limits; which way the judge points does not.
    backwards = evidence.direction is not None and evidence.direction.high <= 0
    if not hopeless and not backwards and not (found.n >= asked.chance_labels and informed.low <= 0):
        return None
    what = "the items as a whole" if evidence.question.name == OVERALL else evidence.question.name
    limits = "" if isnan(found.low) else f" [{signed(found.low)}, {signed(found.high)}]"
    agreement = f"agreement ({symbol(evidence.coefficient_name)}) {signed(found.value)}{limits}"
    why = "; it says the opposite of what people say" if backwards else ""
    return Decision("reject", f"Do not use this judge for {what}: {agreement}{why}.")


def _no_design(evidence: Evidence) -> Decision | None:
    if evidence.design == "external":
        return Decision("correct", EXTERNAL)
    if evidence.design != "unknown":
        return None
    if evidence.tuned:
        return Decision("insufficient", f"Agreement is measured, but not the rate. {DRAW_OTHERS}")
    return Decision("insufficient", f"Agreement is measured, but not the rate: {UNSTATED}. {DRAW}")


def _trust(evidence: Evidence) -> Decision | None:
    asked = evidence.thresholds
    enough = _as_humans(evidence) or _as_stated(evidence)
    if not enough or not all(_unbiased(quantity, asked) for quantity in evidence.quantities):
        return None
    margin = 100 * min(_margin(quantity, asked) for quantity in evidence.quantities)
    return Decision(
        "trust",
        f"Raw rates may be used for batches like this one: bias within {margin:.1f} points, {enough}.",
    )


def _as_humans(evidence: Evidence) -> str:
    """Say that the judge agrees with people about as they do with each other; empty if that is not shown."""
    ceiling, asked = evidence.ceiling, evidence.thresholds
    if ceiling is None or ceiling.difference.n < asked.ceiling_items:
        return ""
    if not ceiling.difference.low > -asked.below_humans:
        return ""
    return f"agreement at most {100 * asked.below_humans:.0f} points below that between humans"


def _as_stated(evidence: Evidence) -> str:
    """Say that the agreement that was asked for is reached; empty if it is not, or none was."""
    wanted = evidence.thresholds.agreement
    if wanted is None or not evidence.agreement.low >= wanted:
        return ""
    return f"agreement at least the {100 * wanted:.0f} % asked for"


def _margin(quantity: Quantity, asked: Thresholds) -> float:
    """Give the bias that does not matter: a twentieth of the scale, and half the rarer class of a rate."""
    if asked.margin is not None:
        return asked.margin
    value = quantity.corrected.value
    return MARGIN if is_mean(quantity.name) else min(MARGIN, min(value, 1 - value) / 2)


def _unbiased(quantity: Quantity, asked: Thresholds) -> bool:
    value, margin = quantity.corrected, _margin(quantity, asked)
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


def _correct(quantity: Quantity, counts: Counts, design: str) -> Decision:
    # Strata by verdict have the judge in them already: labels alone, drawn so, are no yardstick for it.
    value, ratio = quantity.corrected, nan if design == "stratified" else quantity.ratio
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
