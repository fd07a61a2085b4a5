"""A rubric as the requirement document that a product manager would sign."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from judgekit._text import answer_text
from judgekit.rubric import Criterion, Rubric

if TYPE_CHECKING:
    from judgekit.calibration.requirement import Requirement
    from judgekit.calibration.results import Calibration


def document(rubric: Rubric, held: "Iterable[Requirement]" = (), said: str = "") -> str:
    """Write a rubric as Markdown: whom it serves, what must hold, how an answer is judged.

    Parameters
    ----------
    rubric : Rubric
    held : iterable of Requirement
        Whether requirements are met, where that is known or asked.
    said : str
        What to say of them all together, above the first.
    """
    states = {one.criterion: one for one in held}
    parts = [f"# {rubric.reference}", rubric.purpose, _about(rubric)]
    if rubric.outcome is not None:
        parts.append(_outcome(rubric))
    fields = [
        f"- **{name}**{'' if given.required else ' (optional)'}: {given.description}"
        for name, given in rubric.inputs.items()
    ]
    parts.append("## What is looked at\n\n" + "\n".join(fields))
    if rubric.instructions:
        parts.append("## How to decide, for people and judges alike\n\n" + rubric.instructions)
    parts += ["## Requirements", said]
    parts += [_criterion(n, one, states.get(one.name)) for n, one in enumerate(rubric.criteria, 1)]
    parts.append("## When an item passes\n\n" + _passing(rubric))
    if rubric.examples:
        parts.append(_examples(rubric))
    return "\n\n".join(part for part in parts if part)


def held_against(card: "Calibration", name: str, held: "Sequence[Requirement]") -> str:
    """Say what requirements were held against, and how many are met."""
    from judgekit.report.numbers import level_of

    if not held:
        return (
            "No criterion of this rubric states a target, so there is nothing to be met: "
            "write `target: 0.9` into a criterion."
        )
    counts = Counter(one.state for one in held)
    said = ", ".join(f"{n} {state}" for state, n in counts.items())
    n = card.digests["frame"]["n"]
    whose = "the system that made them" if card.target == "process" else "these items and no others"
    return (
        f"Held against {name} ({card.signature}; {n:,} items, corrected pass rates of {whose}, "
        f"{level_of(card.confidence)} intervals): {said}."
    )


def _about(rubric: Rubric) -> str:
    owner = f"Owner: {rubric.owner}. " if rubric.owner else ""
    return f"{owner}Digest: {rubric.digest[:19]}…"


def _outcome(rubric: Rubric) -> str:
    given = rubric.outcome
    assert given is not None
    lag = f", known after {given.lag_days:g} days" if given.lag_days is not None else ""
    return (
        "## What it stands for\n\n"
        f"{given.name} (column `{given.column}`, {given.good_when} is better{lag}). "
        "The rubric is a proxy for it: compare the two before trusting either."
    )


def _criterion(number: int, criterion: Criterion, held: "Requirement | None") -> str:
    lines = [f"### {number}. {criterion.name}: {criterion.question}", ""]
    if criterion.target is not None:
        state = "" if held is None else f" **{held.state.capitalize()}**: {held.why}"
        lines += [f"**Required: at least {100 * criterion.target:.4g} % of items pass.**{state}", ""]
    if criterion.range is not None:
        low, high = criterion.range
        lines.append(f"- a number from {low:g} (worst) to {high:g} (best)")
    for level in criterion.levels:
        score = "" if level.score is None else f" (scores {level.score:g})"
        lines.append(f"- **{level.label}**{score}: {level.description}".rstrip(": "))
    if criterion.allow_not_applicable:
        lines.append("- *not_applicable*: leaves the count; the question does not arise")
    if criterion.check is not None:
        lines += ["", f"Decided by code: {criterion.check.said}."]
    facts = list(_facts(criterion))
    return "\n".join(lines + (["", "; ".join(facts).capitalize() + "."] if facts else []))


def _facts(criterion: Criterion) -> list[str]:
    facts = []
    if criterion.gate:
        facts.append("failing it fails the item")
    if criterion.pass_at is not None:
        facts.append(f"passes from {answer_text(criterion.pass_at)} on")
    if criterion.weight != 1:
        facts.append(f"weight {criterion.weight:g}")
    if criterion.severity:
        facts.append(f"severity {criterion.severity}")
    if criterion.evidence:
        must = " and counts only if every quote stands there" if criterion.evidence_must_exist else ""
        facts.append(f"the judge quotes its evidence from {criterion.evidence}{must}")
    if criterion.origin is not None:
        seen = f" in {len(criterion.origin.items)} items" if criterion.origin.items else ""
        code = f" {criterion.origin.code}" if criterion.origin.code else ""
        facts.append(f"comes from the error analysis: code{code} seen{seen}")
    return facts


def _passing(rubric: Rubric) -> str:
    if rubric.mode == "pairwise":
        return "Two outputs are compared; the answer is a, b or tie. Nothing passes or fails."
    ways = {
        "weighted_mean": "The score is the weighted mean over the criteria that apply.",
        "minimum": "The score is the lowest over the criteria that apply.",
        "all_pass": "The score is 1 if every criterion that applies passes, else 0.",
    }
    gates = [criterion.name for criterion in rubric.criteria if criterion.gate]
    rules = [ways[rubric.aggregate]]
    if gates:
        rules.append(f"An item fails if it fails {' or '.join(gates)}.")
    if rubric.threshold is not None:
        rules.append(
            f"{'Otherwise it' if gates else 'An item'} passes with a score of at least {rubric.threshold:g}."
        )
    elif not gates:
        rules.append("The rubric gives scores; it does not say what passes.")
    if rubric.allow_abstain:
        rules.append("A judge or rater who cannot tell says so: that is no verdict, not a fail.")
    return " ".join(rules)


def _examples(rubric: Rubric) -> str:
    lines = ["## Examples"]
    for number, example in enumerate(rubric.examples, 1):
        answers = ", ".join(f"{name} = **{answer_text(answer)}**" for name, answer in example.labels.items())
        lines.append(f"{number}. {answers}. {example.explanation}".rstrip())
        lines += [f"   - {name}: {_short(value)}" for name, value in example.item.items()]
    return "\n\n".join(lines[:1]) + "\n\n" + "\n".join(lines[1:])


def _short(value: object, limit: int = 300) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[:limit] + "…"
