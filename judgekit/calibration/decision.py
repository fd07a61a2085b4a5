"""What to do with a judge: the first rule that applies, each with one sentence."""

from math import ceil

import numpy as np

from judgekit.calibration.batch import Floats, Question
from judgekit.calibration.estimates import MEAN_SCORE
from judgekit.calibration.results import Counts, Decision, Quantity
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

NOMINAL = ("binary", "categorical", "pairwise")


def decide(
    question: Question,
    counts: Counts,
    coefficient: Estimate,
    rates: BinaryRates | None,
    ceiling: Ceiling | None,
    quantity: Quantity,
    design: str,
    passes: Floats,
) -> Decision:
    """Decide about the judge of one question; `passes` are people's 0/1 outcomes that enter agreement."""
    return (
        _insufficient(question, counts, passes)
        or _relabel(question, ceiling)
        or _reject(question, counts, coefficient, rates)
        or _no_design(design)
        or _trust(quantity, ceiling)
        or _correct(quantity)
    )


def _insufficient(question: Question, counts: Counts, passes: Floats) -> Decision | None:
    n = counts.used
    if question.criterion.scale != "binary":
        if n >= LEAST_LABELS:
            return None
        more = LEAST_LABELS - n
        return Decision("insufficient", f"Not enough labels: {n}; label about {more} more.")
    passed = int(np.sum(passes))
    failed = passes.size - passed
    fewer, minority = (failed, "fails") if failed <= passed else (passed, "passes")
    if n >= LEAST_LABELS and fewer >= LEAST_IN_CLASS:
        return None
    more = max(LEAST_LABELS - n, ceil((LEAST_IN_CLASS - fewer) * (n + 2) / (fewer + 1)))
    about = (
        "" if n < LEAST_LABELS else " This is about the judge; the rate below has its interval all the same."
    )
    return Decision(
        "insufficient",
        f"Not enough labels: {n}, of which {fewer} {minority}; label about {more} more.{about}",
    )


def _relabel(question: Question, ceiling: Ceiling | None) -> Decision | None:
    if ceiling is None or ceiling.raw.n < LEAST_LABELS or not ceiling.alpha.high < HUMAN_ALPHA:
        return None
    if question.criterion.scale in NOMINAL and not ceiling.raw.high < HUMAN_AGREEMENT:
        return None
    said = f"alpha {ceiling.alpha.value:.2f}"
    return Decision(
        "relabel", f"Humans agree too little with each other ({said}); fix the criterion or the labels first."
    )


def _reject(
    question: Question, counts: Counts, coefficient: Estimate, rates: BinaryRates | None
) -> Decision | None:
    binary = question.criterion.scale == "binary" and rates is not None
    informed = rates.youden_j if binary and rates is not None else coefficient
    hopeless = coefficient.high < REJECT_BELOW and informed.high < REJECT_BELOW
    blind = counts.used >= NO_BETTER_THAN_CHANCE_FROM and informed.low <= 0
    if not hopeless and not blind:
        return None
    what = "the items as a whole" if question.name == "overall" else question.name
    return Decision(
        "reject",
        f"Do not use this judge for {what}: agreement {coefficient.value:.2f} "
        f"[{coefficient.low:.2f}, {coefficient.high:.2f}].",
    )


def _no_design(design: str) -> Decision | None:
    if design != "unknown":
        return None
    return Decision(
        "insufficient",
        "Agreement is measured, but not the rate: how the labelled items were chosen is not stated. Draw a "
        "random sample (judgekit plan), or state --design random if this was one.",
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
        f"Raw rates may be used for batches like this one: bias within {margin:.1%}, agreement at most "
        f"{BELOW_HUMANS:.0%} below that between humans.",
    )


def _correct(quantity: Quantity) -> Decision:
    value, ratio = quantity.corrected, quantity.ratio
    if not value.defined:
        return Decision("insufficient", f"There is no corrected figure: {value.note}.")
    unit = "{:.3f}" if quantity.name == MEAN_SCORE else "{:.1%}"
    said = unit.format
    adds = "; the judge adds almost nothing" if ratio > ADDS_NOTHING else ""
    return Decision(
        "correct",
        f"Correct this judge: raw {said(quantity.raw)}, corrected {said(value.value)} "
        f"[{said(value.low)}, {said(value.high)}], {ratio:.2f} × the width of labels alone{adds}.",
    )
