"""Calibrations and corrections as text for people: the one text, which the command line prints too."""

from collections.abc import Iterable, Sequence
from math import isnan

from judgekit._text import plural as plural
from judgekit.calibration.correct import SAME, SHIFTS, CorrectedQuantity, Correction
from judgekit.calibration.estimates import NO_RATE, in_scores
from judgekit.calibration.fresh import ALONE, FRESH
from judgekit.calibration.looks import standing_lines
from judgekit.calibration.raters import rater_lines
from judgekit.calibration.results import Calibration, Counts, CriterionResult, Quantity
from judgekit.rubric import OVERALL
from judgekit.stats.ceiling import Ceiling
from judgekit.stats.estimate import Estimate
from judgekit.stats.rates import BinaryRates

NO_INTERVAL = "none: a judge's count is not an estimate"
TOO_FEW = "too few items for an interval"
SHOWN_SPLIT, SHOWN_ID, SHOWN_LEVELS = 10, 60, 12
CHOSEN = {
    "random": "chosen at random",
    "stratified": "drawn by stratum",
    "probability": "drawn with known probabilities",
}
# A symbol a reader of papers looks for; the full name where there is none.
SYMBOLS = {"kappa": "κ", "quadratic-weighted kappa": "quadratic κ"}


def number(name: str, value: float) -> str:
    """Write a rate in per cent and a mean score as it is."""
    if isnan(value):
        return "undefined"
    return f"{value:.3f}" if in_scores(name) else f"{100 * value:.1f} %"


def interval(name: str, estimate: Estimate) -> str:
    """Write an interval in the unit of its value."""
    if isnan(estimate.low) or isnan(estimate.high):
        return estimate.note or "undefined"
    if in_scores(name):
        return f"{estimate.low:.3f} – {estimate.high:.3f}"
    return f"{100 * estimate.low:.1f} – {100 * estimate.high:.1f}"


def share(estimate: Estimate) -> str:
    """Write a share with its interval: ``90 % (75–97)``."""
    if not estimate.defined:
        return f"undefined ({estimate.note})"
    if isnan(estimate.low):
        return f"{100 * estimate.value:.0f} % ({estimate.note or TOO_FEW})"
    return f"{100 * estimate.value:.0f} % ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})"


def coefficient(estimate: Estimate) -> str:
    """Write a coefficient with its interval: ``0.46 (0.24–0.63)``."""
    if not estimate.defined:
        return f"undefined ({estimate.note})"
    if isnan(estimate.low):
        return f"{signed(estimate.value)} ({estimate.note or TOO_FEW})"
    low, high = signed(estimate.low), signed(estimate.high)
    to = " to " if "−" in low + high else "–"
    return f"{signed(estimate.value)} ({low}{to}{high})"


def signed(value: float) -> str:
    """Write a number that may be negative, with a minus as in print and zero without one."""
    text = f"{value:.2f}".replace("-", "−")
    return "0.00" if text == "−0.00" else text


def symbol(name: str) -> str:
    """Write the name of a coefficient as readers of papers look for it."""
    return SYMBOLS.get(name, name)


def quantity_table(quantity: Quantity, counts: Counts, design: str) -> list[str]:
    """Give raw, human-only and corrected under each other."""
    level = f"{100 * quantity.human.confidence:.4g} % interval"
    lines = [f"  {quantity.name:<30} {level:<18} from"]
    there = counts.batch if counts.verdicts is None else counts.verdicts
    among = f" ({there:,} of {counts.batch:,} items)" if there < counts.batch else ""
    lines.append(f"  {'raw':<12}{number(quantity.name, quantity.raw):<19}{NO_INTERVAL}{among}")
    if design in NO_RATE:
        how = " (draw with judgekit plan, or state --design)" if design == "unknown" else ""
        return [*lines, f"  human only, corrected: undefined, as {NO_RATE[design]}{how}"]
    chosen, both = sources(quantity, counts, design)
    if design == "stratified":
        # A sample drawn by verdict has the judge in it already: how wide both are says nothing of the judge.
        both += "; strata made of verdicts use them in both"
    elif not isnan(quantity.ratio):
        both += f", {quantity.ratio:.2f} × the width"
    for name, estimate, source in (
        ("human only", quantity.human, chosen),
        ("corrected", quantity.corrected, both),
    ):
        value = number(quantity.name, estimate.value)
        limits = "none" if isnan(estimate.low) else interval(quantity.name, estimate)
        lines.append(f"  {name:<12}{value:<19}{limits:<18} {source}")
        if estimate.note:
            lines.append(f"  {'':<12}{estimate.note}")
    return lines


def sources(quantity: Quantity, counts: Counts, design: str) -> tuple[str, str]:
    """Say what the human-only and the corrected figure rest on; what does not apply is no label of a rate."""
    given = plural(min(quantity.human.n or counts.settled, counts.settled), "label")
    there = counts.batch if counts.verdicts is None else counts.verdicts
    without = f" ({counts.batch - there:,} without)" if there < counts.batch else ""
    return f"{given} {CHOSEN.get(design, design)}", f"{given} + {plural(there, 'verdict')}{without}"


def agreement_lines(result: CriterionResult) -> list[str]:
    """Say in sentences how judge and people agree."""
    lines = []
    if result.rates is not None:
        lines.append(f"  {rates_sentence(result.rates)}")
    name = symbol(result.coefficient_name)
    top = ""
    if result.ceiling is not None:
        top = f"; between humans α {coefficient(result.ceiling.alpha)}, n = {result.ceiling.raw.n}"
    within = " within a tenth of the range" if result.scale == "numeric" else ""
    lines.append(
        f"  Agreement{within} {share(result.agreement)}, {name} {coefficient(result.coefficient)}, "
        f"n = {result.coefficient.n}{top}."
    )
    if result.chosen:
        best = "; ".join(f"{symbol(k)} {_beside(v)}" for k, v in result.chosen.items())
        lines.append(f"  At the limits that hold for the best of all judges tried on these labels: {best}.")
    if result.ceiling is not None and result.ceiling.difference.defined:
        lines.append(f"  {ceiling_sentence(result.ceiling)}")
    if result.rater_report is not None:
        lines += [f"  {line}" for line in rater_lines(result.rater_report)]
    if result.beside:
        lines.append("  " + "; ".join(f"{k} {_beside(v)}" for k, v in result.beside.items()) + ".")
    return lines


def ceiling_sentence(ceiling: Ceiling) -> str:
    """Hold the judge's agreement with people against theirs with each other, on the same items."""
    apart = ceiling.difference
    least = "" if isnan(apart.low) else f" (one-sided 95 % limit {_points(apart.low)})"
    return (
        f"In a rater's place the judge agrees with the others on {share(ceiling.judge)}, raters with each "
        f"other on {share(ceiling.human)}, n = {ceiling.human.n}: {_points(apart.value)} points{least}."
    )


def _points(apart: float) -> str:
    points = round(100 * apart)
    return f"{points:+d}".replace("-", "−") if points else "0"


def _beside(estimate: Estimate) -> str:
    return share(estimate) if estimate.method == "Wilson" else coefficient(estimate)


def rates_sentence(rates: BinaryRates) -> str:
    """Spell out both directions: how often the judge passes what people pass, and fails what they fail."""
    passed = f"Of the answers humans passed the judge passed {share(rates.tpr)}"
    failed = f"of those they failed it failed {share(rates.tnr)}"
    if not rates.tpr.defined:
        passed = "Humans passed none, so how often the judge passes a good answer is unknown"
    if not rates.tnr.defined:
        failed = "humans failed none, so how often the judge catches a bad answer is unknown"
    return f"{passed}; {failed}."


def count_line(result: CriterionResult) -> str:
    """Say what entered, and where the rest went."""
    counts = result.counts
    lost = [f"{n} where the judge {_ended(status)}" for status, n in counts.failed.items()]
    if counts.split:
        lost.append(f"{counts.split} on which raters are split")
    if counts.cannot_tell:
        lost.append(f"{counts.cannot_tell} where nobody could tell")
    if counts.partial:
        lost.append(f"{counts.partial} on which people did not answer every criterion")
    used = result.coefficient.n
    if counts.used > used:
        lost.append(f"{counts.used - used} to which judge or people say it does not apply")
    rest = f"; without {', '.join(lost)}" if lost else ""
    enter = "enters" if used == 1 else "enter"
    return f"  {used} of {plural(counts.labelled, 'labelled item')} {enter} agreement{rest}."


def split_line(split: Sequence[str]) -> str:
    """Name the items on which raters differ, the first ten of them."""
    shown = ", ".join(one if len(one) <= SHOWN_ID else one[:SHOWN_ID] + "…" for one in split[:SHOWN_SPLIT])
    more = f" and {len(split) - SHOWN_SPLIT:,} more" if len(split) > SHOWN_SPLIT else ""
    return f"  Raters differ on {shown}{more}."


def _ended(status: str) -> str:
    return "abstained" if status == "abstained" else f"gave no verdict ({status})"


def table_lines(result: CriterionResult) -> list[str]:
    """Draw the confusion table, rows the judge's answers, columns people's."""
    if not result.table:
        return []
    if len(result.levels) > SHOWN_LEVELS:
        return [f"  The table of {len(result.levels)} levels is on the card (--out, --json)."]
    wide = max(len(level) for level in result.levels) + 2
    head = "".join(f"{level:>{max(wide, 8)}}" for level in result.levels)
    lines = [f"  {'judge ╲ human':<{max(wide, 14)}}{head}"]
    for level, row in zip(result.levels, result.table, strict=True):
        lines.append(f"  {level:<{max(wide, 14)}}" + "".join(f"{count:>{max(wide, 8)}}" for count in row))
    return lines


def result_text(result: CriterionResult, design: str, split: Sequence[str] = ()) -> str:
    """Give everything about one criterion; `split` are the items on which raters differ."""
    title = "The item as a whole" if result.name == OVERALL else f"Criterion {result.name}"
    lines = [f"{title} ({result.scale})", ""]
    for quantity in result.quantities:
        lines += [*quantity_table(quantity, result.counts, design), ""]
    lines += agreement_lines(result)
    if result.coefficient.n < result.counts.labelled:
        lines.append(count_line(result))
    lines += [*([split_line(split)] if split else []), *table_lines(result)]
    return "\n".join([*lines, decision_line(result)])


def decision_line(result: CriterionResult) -> str:
    """Say what to do, in one sentence."""
    sentence = result.decision.sentence
    return f"  Decision: {sentence[0].lower()}{sentence[1:]}"


def calibration_text(calibration: Calibration) -> str:
    """Give the whole calibration, the item as a whole first."""
    first, *others = calibration.results[::-1]
    whose = "of the system that made them" if calibration.target == "process" else "of these items"
    head = f"{calibration.rubric} graded by {calibration.grader}, held against people; rates {whose}."
    looks = [] if calibration.standing is None else standing_lines(calibration.standing)
    of = [
        result_text(result, calibration.design, calibration.split.get(result.name, ()))
        for result in (first, *others[::-1])
    ]
    parts = [head, of[0], *(["\n".join(looks)] if looks else []), *of[1:]]
    if calibration.notes:
        parts.append("\n".join(f"note: {note}" for note in calibration.notes))
    return "\n\n".join(parts)


def correction_text(correction: Correction) -> str:
    """Give what a card says of a batch: each number with the assumption it rests on."""
    whose = "of the system that made them" if correction.target == "process" else "of these items"
    items = plural(correction.items, "item")
    lines = [f"{correction.batch}: {items} graded with {correction.signature}; rates {whose}."]
    if correction.stale:
        lines.append(f"STALE CARD, nothing below can be relied on: {correction.stale}.")
    for quantity in correction.quantities:
        lines += ["", *_corrected_lines(quantity, bool(correction.stale))]
    if correction.meaning:
        lines += ["", "  Does a verdict still mean what it meant?"]
        lines += [f"    {_of(one.criterion)}: {one.sentence}" for one in correction.meaning]
    if correction.drift is not None:
        lines += ["", "  What is different from the batch that the card was made on?"]
        lines += [f"    {sentence}" for sentence in correction.drift.sentences]
    lines += [f"note: {note}" for note in correction.notes]
    return "\n".join(lines)


def _of(criterion: str) -> str:
    return "the item as a whole" if criterion == OVERALL else criterion


def _corrected_lines(quantity: CorrectedQuantity, stale: bool) -> Iterable[str]:
    mark = " (stale)" if stale else ""
    yield f"  {_of(quantity.criterion)}, {quantity.name}{mark}"
    yield f"    raw         {number(quantity.name, quantity.raw):<12} {NO_INTERVAL}"
    for way, estimate in quantity.estimates.items():
        value, limits = number(quantity.name, estimate.value), not isnan(estimate.low)
        said = interval(quantity.name, estimate) if limits else ""
        name = "human only" if way == ALONE else "corrected"
        yield f"    {name:<12}{value:<12} {said:<16} {_basis(way, estimate, quantity)}"
        # The assumption stands on the line above; what else is to be said follows.
        more = "; ".join(part for part in estimate.note.split("; ") if part != f"holds {SHIFTS.get(way)}")
        if more:
            yield f"                {more}"


def _basis(way: str, estimate: Estimate, quantity: CorrectedQuantity) -> str:
    """Say what a figure rests on, or what it assumes."""
    if way == SAME:
        return "the card's labels are of these items"
    if way == ALONE:
        return f"{plural(estimate.n, 'fresh label')} chosen at random"
    if way != FRESH:
        return f"{SHIFTS[way]} ({way})"
    if "labels alone" in estimate.note:
        return "as human only; nothing assumed"
    wide = quantity.estimates[ALONE].half_width
    ratio = f", {estimate.half_width / wide:.2f} × the width" if wide > 0 and estimate.half_width > 0 else ""
    return f"fresh labels + what verdicts were worth on the card{ratio}; nothing assumed"
