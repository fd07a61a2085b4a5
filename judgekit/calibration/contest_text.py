"""A comparison of judges as text for people: tables, and what to do in sentences."""

from collections.abc import Iterator, Sequence
from math import isnan

from judgekit._text import duration, money
from judgekit.calibration.contest import LEAST, Contender, JudgeComparison
from judgekit.calibration.text import coefficient, interval, number, plural, share, signed, symbol
from judgekit.rubric import OVERALL
from judgekit.stats.estimate import Estimate

UNKNOWN = "unknown"
Rows = list[list[str]]


def comparison_text(found: JudgeComparison) -> str:
    """Give the whole comparison: who agrees how often, who errs which way, what follows, what it costs."""
    parts = ["\n".join(findings(found)), laid_out(*agreement_table(found)), laid_out(*errors_table(found))]
    if found.design != UNKNOWN:
        parts.append(laid_out(*rates_table(found)))
    parts.append(laid_out(*cost_table(found)))
    parts += ["\n".join(f"note: {note}" for note in found.notes)] * bool(found.notes)
    return "\n\n".join([headline(found), *parts])


def headline(found: JudgeComparison) -> str:
    """Say what was compared, on how many items."""
    what = "the items as a whole" if found.criterion == OVERALL else found.criterion
    items = plural(found.common, "labelled item")
    rest = found.labelled - found.common
    lost = f" ({rest:,} more were not answered by all)" if rest else ""
    return f"{found.rubric}, {what}: {plural(len(found.judges), 'judge')} on the same {items}{lost}."


def laid_out(title: str, head: Sequence[str], rows: Rows) -> str:
    """Put cells under each other."""
    wide = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    lines = ["  ".join(map(str.ljust, row, wide)) for row in (head, *rows)]
    return "\n".join([f"  {title}", *(f"    {line}".rstrip() for line in lines)])


def agreement_table(found: JudgeComparison) -> tuple[str, list[str], Rows]:
    """How often each judge says what people say, and how far it is from the best."""
    comparisons = plural(len(found.judges) - 1, "comparison")
    title = f"Agreement with people; from the best: points, paired; p: over {comparisons} (Holm)"
    name = symbol(found.best.result.coefficient_name)
    head = ["judge", "agreement", name, "from the best", "p", "no answer"]
    rows = [
        [
            judge.name,
            share(judge.agreement),
            coefficient(judge.result.coefficient),
            "best" if judge is found.best else points(judge.difference),
            "" if judge is found.best else p_value(judge.p_holm),
            f"{sum(judge.unanswered.values()):,}",
        ]
        for judge in found.judges
    ]
    if found.common < found.labelled:
        head.append("no answer as wrong")
        rows = [[*row, share(judge.strict)] for row, judge in zip(rows, found.judges, strict=True)]
    return title, head, rows


def errors_table(found: JudgeComparison) -> tuple[str, list[str], Rows]:
    """Which way each judge errs."""
    binary = found.best.result.rates is not None
    rates = ["passes what people pass", "fails what they fail"] if binary else []
    rows = []
    for judge in found.judges:
        both = judge.result.rates
        cells = [share(both.tpr), share(both.tnr)] if both is not None else []
        rows.append([judge.name, *cells, bias_text(judge.bias)])
    return "Which way they err", ["judge", *rates, "bias of the score"], rows


def rates_table(found: JudgeComparison) -> tuple[str, list[str], Rows]:
    """Give the rate that each judge leads to, and how much it narrows the interval of the labels alone."""
    rows = []
    for judge in found.judges:
        quantity = judge.own.headline
        corrected, ratio = quantity.corrected, quantity.ratio
        rows.append(
            [
                judge.name,
                number(quantity.name, quantity.raw),
                number(quantity.name, corrected.value),
                interval(quantity.name, corrected) if not isnan(corrected.low) else "none",
                "–" if isnan(ratio) else f"{ratio:.2f}",
            ]
        )
    head = ["judge", "raw", "corrected", "95 % interval", "× the width of labels alone"]
    return f"Corrected {found.best.own.headline.name}, by all labels of each judge's batch", head, rows


def cost_table(found: JudgeComparison) -> tuple[str, list[str], Rows]:
    """Give what each judge takes, the cheapest first, and whether another beats it on cost and error."""
    ordered = sorted(found.judges, key=lambda one: (not one.expense.known, one.expense.cost, one.error))
    head = ["judge", "1,000 items", "error", "frontier", "tokens in/out", "time", "model that answered"]
    rows = [
        [
            judge.name,
            cost_text(judge),
            f"{100 * judge.error:.1f} %",
            frontier_word(judge),
            tokens_text(judge),
            time_text(judge),
            served_text(judge),
        ]
        for judge in ordered
    ]
    return "Cost and error; frontier: no other costs no more and errs no more", head, rows


def frontier_word(judge: Contender) -> str:
    """Say whether a judge is on the frontier."""
    return "yes" if judge.frontier else "no" if judge.expense.known else "?"


def cost_text(judge: Contender) -> str:
    """Write what 1,000 items cost; what nobody knows is not free."""
    return money(judge.expense.cost) if judge.expense.known else UNKNOWN


def tokens_text(judge: Contender) -> str:
    """Write the mean tokens of an item."""
    both = judge.expense.input_tokens, judge.expense.output_tokens
    if both == (0.0, 0.0):
        return "none"
    return UNKNOWN if any(map(isnan, both)) else " / ".join(f"{count:,.0f}" for count in both)


def time_text(judge: Contender) -> str:
    """Write the median time of an item."""
    seconds = judge.expense.latency_s
    if isnan(seconds):
        return "–"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else duration(seconds)


def served_text(judge: Contender) -> str:
    """Name the models that answered, where the provider says so."""
    first, more = judge.expense.served[:2], len(judge.expense.served) - 2
    return ", ".join(first) + (f" and {more} more" if more > 0 else "") or "–"


def points(estimate: Estimate) -> str:
    """Write a difference of shares in points: ``−4.2 (−6.6 to −1.9)``."""
    if not estimate.defined:
        return "undefined"
    value, low, high = (_point(100 * one) for one in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})" if not isnan(estimate.low) else value


def _point(value: float) -> str:
    text = f"{value:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def p_value(p: float) -> str:
    """Write a p-value to the digits that matter."""
    if isnan(p):
        return "none"
    if p < 0.001:
        return "< .001"
    return f"{p:.{3 if p < 0.1 else 2}f}".removeprefix("0")


def bias_text(estimate: Estimate) -> str:
    """Write how much higher than people a judge scores, 0 to 1."""
    if not estimate.defined:
        return "undefined"
    limits = "" if isnan(estimate.low) else f" ({signed(estimate.low)} to {signed(estimate.high)})"
    return f"{signed(estimate.value)}{limits}"


def findings(found: JudgeComparison) -> list[str]:
    """Say what follows: who agrees most, which one to take, and what not to quote."""
    if not found.enough:
        some = plural(found.common, "labelled item")
        return [f"Too few to compare: {some} with an answer of every judge, at least {LEAST} are needed."]
    return [*_who(found), *_advice(found), *_flattered(found)]


def _who(found: JudgeComparison) -> Iterator[str]:
    others = [judge.name for judge in found.kept if judge is not found.best]
    if found.best not in found.kept:
        yield (
            f"{found.best.name} agrees most often where all answer, but not once missing answers count as "
            f"wrong: then {_listed(others)} {'does' if len(others) == 1 else 'do'}."
        )
    elif others:
        yield f"{found.best.name} agrees with people most often; {_listed(others)} cannot be told from it."
    else:
        yield f"{found.best.name} agrees with people more often than each of the others."
    worse = [judge.name for judge in found.judges if not judge.kept and judge is not found.best]
    if worse and others:
        yield f"{_listed(worse)} {'agrees' if len(worse) == 1 else 'agree'} less often."


def _advice(found: JudgeComparison) -> Iterator[str]:
    chosen, fit = found.advised, [judge for judge in found.kept if not judge.rejected]
    rejected = [judge.name for judge in found.kept if judge.rejected]
    if rejected:
        yield f"The labels reject {_listed(rejected)}: see `judgekit calibrate`."
    if not fit:
        yield "Use none of these judges."
        return
    unknown = [judge.name for judge in fit if not judge.expense.known]
    if chosen is None:
        yield "Which of them is the cheapest is not known; state what 1,000 items cost: --cost JUDGE=USD."
        return
    yield f"Take {chosen.name}{_reason(found, chosen, fit)}."
    if found.open is not None:
        looks, price = _points_worse(found.open.difference), cost_text(found.open)
        yield (
            f"{found.open.name} costs {price} and looks {looks}; {plural(found.common, 'label')} do not "
            "settle it. Take it if you can afford the worst of that, or label more."
        )
    if unknown and len(fit) > 1:
        cost = "costs" if len(unknown) == 1 else "cost"
        yield f"What {_listed(unknown)} {cost} is not known (--cost JUDGE=USD)."


def _earlier(found: JudgeComparison) -> str:
    """Say where judges come from that were tried on these labels and are not compared here."""
    more = found.tried - len(found.judges)
    return f" ({'one' if more == 1 else more} tried earlier, by the ledger)" if more > 0 else ""


def _reason(found: JudgeComparison, chosen: Contender, fit: list[Contender]) -> str:
    if len(fit) == 1:
        return ""
    price = f"{cost_text(chosen)} for 1,000 items"
    if chosen is found.best and found.open is not None:
        return ""
    if chosen is found.best and not chosen.expense.known:
        return ", as far as these labels tell"
    if chosen is found.best:
        known = "" if all(judge.expense.known for judge in fit) else " whose cost is known"
        return f": at {price} it is also the cheapest of them{known}"
    low = chosen.difference.low
    if isnan(low):
        return f", the cheapest of them at {price}"
    less = f"{100 * max(-low, 0):.1f} points less often"
    return f", the cheapest of them at {price}; it may agree up to {less} (95 % limit)"


def _points_worse(difference: Estimate) -> str:
    """Write how much less often a judge agrees than the best: ``13.3 points worse (1.0 to 25.7)``."""
    value, low, high = (-100 * one for one in (difference.value, difference.high, difference.low))
    limits = "" if isnan(low) else f" ({_point(low).lstrip('+')} to {_point(high).lstrip('+')})"
    return f"{value:.1f} points worse{limits}"


def _flattered(found: JudgeComparison) -> Iterator[str]:
    best = found.best
    level = f"{100 * best.chosen.confidence:.1f}".removesuffix(".0")
    yield (
        f"The best of {found.tried}{_earlier(found)} is flattered by the labels that chose it: for "
        f"{best.name} read {share(best.chosen)}, limits at {level} %. A corrected rate suffers little, "
        "as it rests on the labels; for the last word on agreement label other items."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
