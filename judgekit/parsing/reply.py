"""Read a judge's reply: tolerant where only one reading exists, never guessing between two."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from judgekit._json import NotJson, decode_prefix, dumps
from judgekit.item import Item, step_extras
from judgekit.parsing.evidence import Source
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric, fold_label
from judgekit.verdict import ABSTAINED, OK, Evidence, Finding

PARSING = 1  # version; enters every fingerprint
MAX_EXPLANATION = 20_000
MAX_QUOTES = 50
MAX_REPLY = 1_000_000  # characters
MAX_OBJECTS = 200
MAX_FAILURES = 100  # braces that begin no object
MAX_FAILURES_IN_ITEM = 1000
MAX_SCANNED = 4_000_000  # characters read in vain
MAX_PROBLEM = 500
MAX_SHOWN = 100

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
    place : tuple of int or None
        Where in the reply the verdict begins and ends; None without one.
    """

    findings: dict[str, Finding] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    place: tuple[int, int] | None = None


class _TooMuch(NotJson):
    """There is more of a text than is read."""


def read_reply(text: str, rubric: Rubric, item: Item) -> Reading:
    """Read one reply to a request about `item`."""
    reading = _read(text, rubric, item)
    reading.problems[:] = [_short(problem) for problem in reading.problems]
    return reading


def _short(problem: str) -> str:
    return problem if len(problem) <= MAX_PROBLEM else problem[: MAX_PROBLEM - 1] + "…"


def _read(text: str, rubric: Rubric, item: Item) -> Reading:
    if len(text) > MAX_REPLY:
        return Reading(problems=[f"it is longer than {MAX_REPLY:,} characters"])
    answers = _THOUGHT.sub("", text)
    if _UNENDED.match(answers):
        return Reading(problems=["it ends before its reasoning does"])
    found, complaint = _verdicts(answers, rubric)
    quotes = _Quotes(item, rubric) if found else None
    own = [one for one in found if quotes is None or not quotes.hold(answers[one.start : one.end], one.value)]
    if found and not own:
        complaint = "it repeats a verdict that stands in the item; give your own"
    if not own:
        return Reading(problems=[complaint])
    first = own[0]
    if any(one.value != first.value for one in own):
        return Reading(problems=["it holds two different verdicts; give one"])
    thought = len(text) - len(answers)
    reading = Reading(place=(thought + first.start, thought + first.end))
    for criterion in rubric.criteria:
        if criterion.name not in first.value:
            reading.problems.append(f"the question {criterion.name!r} is not answered")
            continue
        try:
            reading.findings[criterion.name] = _finding(criterion, first.value[criterion.name], rubric, item)
        except ValueError as error:
            reading.problems.append(f"{criterion.name}: {error}")
    return reading


class _Verdict(NamedTuple):
    start: int
    end: int
    value: dict[str, Any]


def _verdicts(text: str, rubric: Rubric) -> tuple[list[_Verdict], str]:
    """Give every object that answers a question of the rubric, or a complaint."""
    names = set(rubric.by_name)
    found: list[_Verdict] = []
    complaint = "it holds no JSON object" if text.strip() else "it is empty"
    for start, end, value in _objects(text):
        if isinstance(value, _TooMuch):
            return [], complaint if complaint.startswith("its JSON cannot") else str(value)
        if isinstance(value, NotJson):
            if any(text.startswith(f'"{name}"', _past_space(text, start + 1)) for name in names):
                # A verdict that cannot be read: what stands inside it may be a quote, never another verdict.
                return [], f"its JSON cannot be read: {value}"
            complaint = f"its JSON cannot be read: {value}" if complaint.startswith("it ") else complaint
        elif names & value.keys():
            if text[:start].rstrip().endswith("[") and text.startswith(("]", ","), _past_space(text, end)):
                return [], "its verdict stands in a list; give one object"
            found.append(_Verdict(start, end, value))
        elif not found:
            complaint = f"its JSON object has none of the keys {', '.join(rubric.by_name)}"
    return found, complaint


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


class _Quotes:
    """The verdicts that stand in an item: repeated by a judge, each is a quote and not its own."""

    def __init__(self, item: Item, rubric: Rubric) -> None:
        texts = [text for text in dict.fromkeys(_strings(item.fields)) if "{" in text]
        self.names = set(rubric.by_name)
        self.folded = ["".join(text.split()) for text in texts]
        self.values = list(self._answers(dict(item.fields)))
        for text in texts:
            # A key may be written with escapes.
            if "\\" in text or any(f'"{name}"' in text for name in self.names):
                for _, _, value in _objects(text, len(text), MAX_FAILURES_IN_ITEM):
                    self.values += self._answers(value)

    def hold(self, raw: str, value: dict[str, Any]) -> bool:
        """Say whether a verdict stands in the item, as it is written or as it is read."""
        quote = "".join(raw.split())
        return value in self.values or any(quote in text for text in self.folded)

    def _answers(self, value: Any) -> Iterator[Mapping[str, Any]]:
        if isinstance(value, Mapping):
            if self.names & value.keys():
                yield value
            for part in value.values():
                yield from self._answers(part)
        elif isinstance(value, list | tuple):
            for part in value:
                yield from self._answers(part)


def _strings(value: Any) -> Iterator[str]:
    """Give each text of an item, and each object in it as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield dumps(dict(value))
        if "role" in value or "content" in value:
            # The prompt shows a step's role and text as text, and whatever else it has as an object.
            yield dumps(step_extras(value))
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def _objects(
    text: str, most: int = MAX_OBJECTS, failures: int = MAX_FAILURES
) -> Iterator[tuple[int, int, dict[str, Any] | NotJson]]:
    """Give each JSON object that stands outside others, and each brace that begins none.

    The work is bounded: where more is left, the last thing given is `_TooMuch`.
    """
    place = text.find("{")
    scanned = 0
    while place >= 0:
        if not most or not failures or scanned > MAX_SCANNED:
            yield place, len(text), _TooMuch("it holds more objects than are read; give one")
            return
        start = place
        try:
            value, end = decode_prefix(text, place)
        except NotJson as error:
            scanned += (len(text) if error.place is None else error.place) - start
            failures -= 1
            if (comma := _trailing_comma(text, error.place)) is not None:
                # White space in its place, so that every other place stays what it was.
                text = f"{text[:comma]} {text[comma + 1 :]}"
                continue
            end = place + 1
            yield start, end, error
        else:
            most -= 1
            yield start, end, value
        place = text.find("{", end)


def _trailing_comma(text: str, place: int | None) -> int | None:
    """Give the comma on which reading ended, if nothing but the end of its object or list follows it."""
    if place is None:
        return None
    comma = place if text.startswith(",", place) else len(text[:place].rstrip()) - 1
    follows, entry = _past_space(text, comma + 1), text[:comma].rstrip()
    trails = text.startswith(",", comma) and text.startswith(("}", "]"), follows)
    return comma if trails and not entry.endswith((",", "[", "{", ":")) else None


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
        raise ValueError(f"the label must be text, not {repr(label)[:MAX_SHOWN]}")
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
        f"{label[:MAX_SHOWN]!r} is not one of the labels {', '.join(allowed)}" if label else "no label"
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
