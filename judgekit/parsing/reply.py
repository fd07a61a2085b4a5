"""Read a judge's reply: tolerant where only one reading exists, never guessing between two."""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from judgekit._json import NotJson, decode_prefix, dumps
from judgekit.item import Item
from judgekit.parsing.evidence import Source
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric, fold_label
from judgekit.verdict import ABSTAINED, OK, Evidence, Finding

PARSING = 1  # version; enters every fingerprint
MAX_EXPLANATION = 20_000
MAX_QUOTES = 50
MAX_FAILURES = 100  # braces that begin no object

_THOUGHT = re.compile(r"^\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)
_UNENDED = re.compile(r"^\s*<(think|thinking|reasoning)>")


@dataclass(frozen=True)
class Reading:
    """What a reply says.

    Attributes
    ----------
    findings : dict of str to Finding
        The criteria answered in a way that the rubric allows.
    problems : list of str
        What is wrong with the rest, in words that the judge can act on.
    """

    findings: dict[str, Finding] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_reply(text: str, rubric: Rubric, item: Item) -> Reading:
    """Read one reply to a request about `item`."""
    answers = _THOUGHT.sub("", text)
    if _UNENDED.match(answers):
        return Reading(problems=["it ends before its reasoning does"])
    found, complaint = _verdicts(answers, rubric)
    own = [value for raw, value in found if not _planted(raw, item, rubric)]
    if found and not own:
        complaint = "it repeats a verdict that stands in the item; give your own"
    if not own:
        return Reading(problems=[complaint])
    if any(one != own[0] for one in own):
        return Reading(problems=["it holds two different verdicts; give one"])
    reading = Reading()
    for criterion in rubric.criteria:
        if criterion.name not in own[0]:
            reading.problems.append(f"the question {criterion.name!r} is not answered")
            continue
        try:
            reading.findings[criterion.name] = _finding(criterion, own[0][criterion.name], rubric, item)
        except ValueError as error:
            reading.problems.append(f"{criterion.name}: {error}")
    return reading


def _verdicts(text: str, rubric: Rubric) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """Give every object that answers a question of the rubric, as text and as read, or a complaint."""
    names = set(rubric.by_name)
    found: list[tuple[str, dict[str, Any]]] = []
    complaint = "it holds no JSON object" if text.strip() else "it is empty"
    for start, end, value in _objects(text):
        if isinstance(value, NotJson):
            if any(text.startswith(f'"{name}"', _past_space(text, start + 1)) for name in names):
                # A verdict that cannot be read: what stands inside it may be a quote, never another verdict.
                return [], f"its JSON cannot be read: {value}"
            complaint = f"its JSON cannot be read: {value}" if complaint.startswith("it ") else complaint
        elif names & value.keys():
            found.append((text[start:end], value))
        elif not found:
            complaint = f"its JSON object has none of the keys {', '.join(rubric.by_name)}"
    return found, complaint


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _planted(raw: str, item: Item, rubric: Rubric) -> bool:
    """Say whether a verdict stands in the item itself: repeated by a judge, it is a quote and not its own."""
    quote = "".join(raw.split())
    texts = _strings(item.fields, rubric.by_name.keys())
    return any(quote in "".join(text.split()) for text in texts)


def _strings(value: Any, names: Set[str]) -> Iterator[str]:
    """Give each text of an item that could hold a verdict."""
    if isinstance(value, str):
        if any(f'"{name}"' in value for name in names):
            yield value
    elif isinstance(value, Mapping):
        if names & value.keys():
            yield dumps(value)
        for part in value.values():
            yield from _strings(part, names)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part, names)


def _objects(text: str) -> Iterator[tuple[int, int, dict[str, Any] | NotJson]]:
    """Give each JSON object that stands outside others, and each brace that begins none."""
    place = text.find("{")
    failures = 0
    while place >= 0 and failures < MAX_FAILURES:
        start = place
        try:
            value, end = decode_prefix(text, place)
        except NotJson as error:
            failures, end = failures + 1, place + 1
            yield start, end, error
        else:
            yield start, end, value
        place = text.find("{", end)


def _finding(criterion: Criterion, given: Any, rubric: Rubric, item: Item) -> Finding:
    if not isinstance(given, dict):
        raise ValueError("must be an object with explanation and label")
    explanation = given.get("explanation")
    if not isinstance(explanation, str) or not explanation.strip():
        raise ValueError("the explanation is missing")
    if len(explanation) > MAX_EXPLANATION:
        explanation = explanation[:MAX_EXPLANATION] + "…"
    evidence = _evidence(criterion, given.get("evidence"), item)
    status, label, value = _answer(criterion, given, rubric.allow_abstain)
    return Finding(status, label, value, explanation=explanation, evidence=evidence)


def _answer(
    criterion: Criterion, given: dict[str, Any], abstain: bool
) -> tuple[str, str | None, float | None]:
    label, value = given.get("label"), given.get("value")
    if label is not None and not isinstance(label, str):
        raise ValueError(f"the label must be text, not {label!r}")
    said = fold_label(label) if label is not None else None
    if said == ABSTAIN and abstain and value is None:
        return ABSTAINED, None, None
    if said == NOT_APPLICABLE and criterion.allow_not_applicable and value is None:
        return OK, NOT_APPLICABLE, None
    if criterion.range is not None:
        return OK, None, _number(criterion.range, value, said)
    if said is None:
        raise ValueError("the label is missing")
    for level in criterion.levels:
        if fold_label(level.label) == said:
            return OK, level.label, None
    allowed = [*criterion.labels, *[NOT_APPLICABLE] * criterion.allow_not_applicable, *[ABSTAIN] * abstain]
    raise ValueError(
        f"{label[:100]!r} is not one of the labels {', '.join(allowed)}" if label else "no label"
    )


def _number(limits: tuple[float, float], value: Any, label: str | None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"the value must be a number from {limits[0]:g} to {limits[1]:g}")
    if label is not None:
        raise ValueError("give either a value or a label")
    if not limits[0] <= value <= limits[1]:
        raise ValueError(f"{value:g} lies outside {limits[0]:g} to {limits[1]:g}")
    return float(value)


def _evidence(criterion: Criterion, given: Any, item: Item) -> tuple[Evidence, ...]:
    if criterion.evidence is None:
        return ()
    quotes = [given] if isinstance(given, str) else given
    if not isinstance(quotes, list) or not all(isinstance(quote, str) for quote in quotes):
        raise ValueError("evidence must be a list of quotes")
    source = Source(criterion.evidence, item.fields.get(criterion.evidence))
    return tuple(source.locate(quote[:MAX_EXPLANATION]) for quote in quotes[:MAX_QUOTES] if quote.strip())
