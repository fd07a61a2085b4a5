"""Read a judge's reply: tolerant where only one reading exists, never guessing between two."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from judgekit._json import KeyTwice, NotJson, decode_prefix
from judgekit.item import Item
from judgekit.parsing.evidence import Source
from judgekit.parsing.quoting import Quotes
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric, fold_label
from judgekit.verdict import ABSTAINED, OK, Evidence, Finding

PARSING = 2  # version; enters every fingerprint
FORM = {"explanation", "evidence", "label", "value", "step", "quote"}
MAX_EXPLANATION = 20_000
MAX_QUOTES = 50
MAX_REPLY = 1_000_000  # characters
MAX_OBJECTS = 200
MAX_FAILURES = 100  # braces that begin no object
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
        What is wrong with the rest, for people.
    repairs : list of str
        The same for the judge to act on, without words of its reply: they may be the item's.
    place : tuple of int or None
        Where in the reply the verdict begins and ends; None without one.
    """

    findings: dict[str, Finding] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    place: tuple[int, int] | None = None


class _TooMuch(NotJson):
    """There is more of a text than is read."""


class _Unusable(ValueError):
    """What a reply says cannot be used; `repair` says why without its words."""

    def __init__(self, said: str, repair: str = "") -> None:
        super().__init__(said)
        self.repair = repair or said


def read_reply(text: str, rubric: Rubric, item: Item) -> Reading:
    """Read one reply to a request about `item`."""
    try:
        reading = _read(text, rubric, item)
    except _Unusable as error:
        reading = Reading(problems=[str(error)], repairs=[error.repair])
    for said in (reading.problems, reading.repairs):
        said[:] = [_short(problem) for problem in said]
    return reading


def _short(problem: str) -> str:
    return problem if len(problem) <= MAX_PROBLEM else problem[: MAX_PROBLEM - 1] + "…"


def _read(text: str, rubric: Rubric, item: Item) -> Reading:
    if len(text) > MAX_REPLY:
        raise _Unusable(f"it is longer than {MAX_REPLY:,} characters")
    answers = _THOUGHT.sub("", text)
    if _UNENDED.match(answers):
        raise _Unusable("it ends before its reasoning does")
    found = _verdicts(answers, rubric)
    quotes = Quotes(item)
    own = [one for one in found if not quotes.hold(one.value, rubric.by_name)]
    if not own:
        raise _Unusable("it repeats a verdict that stands in the item; give your own")
    first = own[0]
    if any(one.value != first.value for one in own):
        raise _Unusable("it holds two different verdicts; give one")
    thought = len(text) - len(answers)
    reading = Reading(place=(thought + first.start, thought + first.end))
    for criterion in rubric.criteria:
        if criterion.name not in first.value:
            reading.problems.append(f"the question {criterion.name!r} is not answered")
            reading.repairs.append(reading.problems[-1])
            continue
        try:
            reading.findings[criterion.name] = _finding(criterion, first.value[criterion.name], rubric, item)
        except ValueError as error:
            reading.problems.append(f"{criterion.name}: {error}")
            reading.repairs.append(f"{criterion.name}: {getattr(error, 'repair', error)}")
    return reading


class _Verdict(NamedTuple):
    start: int
    end: int
    value: dict[str, Any]


def _verdicts(text: str, rubric: Rubric) -> list[_Verdict]:
    """Give every object that answers a question of the rubric, one at least; or raise what is wrong."""
    names = set(rubric.by_name)
    found: list[_Verdict] = []
    complaint = _Unusable("it holds no JSON object" if text.strip() else "it is empty")
    unread: _Unusable | None = None
    for start, end, value in _objects(text):
        if isinstance(value, _TooMuch):
            raise unread or _Unusable(str(value))
        if isinstance(value, NotJson):
            broken = _unread(value, names)
            if any(text.startswith(f'"{name}"', _past_space(text, start + 1)) for name in names):
                # A verdict that cannot be read: what stands inside it may be a quote, never another verdict.
                raise broken
            complaint = unread = unread or broken
        elif names & value.keys():
            if text[:start].rstrip().endswith("[") and text.startswith(("]", ","), _past_space(text, end)):
                raise _Unusable("its verdict stands in a list; give one object")
            found.append(_Verdict(start, end, value))
        elif not found:
            complaint = _Unusable(f"its JSON object has none of the keys {', '.join(rubric.by_name)}")
    if not found:
        raise complaint
    return found


def _unread(error: NotJson, names: set[str]) -> _Unusable:
    said = f"its JSON cannot be read: {error}"
    if isinstance(error, KeyTwice) and error.key not in names | FORM:
        return _Unusable(said, "its JSON cannot be read: a key stands twice in one object")
    return _Unusable(said)


def _past_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _objects(text: str) -> Iterator[tuple[int, int, dict[str, Any] | NotJson]]:
    """Give each JSON object that stands outside others, and each brace that begins none.

    The work is bounded: where more is left, the last thing given is `_TooMuch`.
    """
    place = text.find("{")
    most, failures, scanned = MAX_OBJECTS, MAX_FAILURES, 0
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
        raise _Unusable(f"the label must be text, not {repr(label)[:MAX_SHOWN]}", "the label must be text")
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
    which = f"is not one of the labels {', '.join(allowed)}"
    raise _Unusable(f"{label[:MAX_SHOWN]!r} {which}" if label else "no label", f"the label {which}")


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
    quotes = [_quote(one) for one in (given if isinstance(given, list) else [given])]
    source = Source(criterion.evidence, item.fields.get(criterion.evidence))
    found = tuple(source.locate(quote, step) for quote, step in quotes[:MAX_QUOTES] if quote.strip() or step)
    lost = [one.quote for one in found if not one.found]
    if criterion.evidence_must_exist and lost:
        where = f"does not stand in {criterion.evidence}"
        said = f"the quote {lost[0][:MAX_SHOWN]!r} {where}"
        raise _Unusable(said, f"a quote {where}; copy it verbatim, or leave it away")
    return found


def _quote(given: Any) -> tuple[str, int | None]:
    """Read a quote: a text, or a text with the number of its step."""
    quote, step = (given.get("quote"), given.get("step")) if isinstance(given, dict) else (given, None)
    whole = step is None or (isinstance(step, int) and not isinstance(step, bool))
    if not isinstance(quote, str) or not whole:
        raise ValueError("evidence must be a list of quotes")
    return quote[:MAX_EXPLANATION], step
