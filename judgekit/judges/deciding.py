"""How code decides whether a field passes: one function for each kind of check.

Each takes an item and gives whether it passes and why, in words.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from math import isfinite
from typing import Any

from judgekit._json import NotJson, dumps, loads
from judgekit.item import Item, field_text
from judgekit.rubric.check_form import Check, CloseTo, EqualTo
from judgekit.rubric.patterns import compiled, found

MAX_SHOWN = 100  # characters of a text in a reason

Decide = Callable[[Item], tuple[bool, str]]

_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*\Z")
_MAX_DIGITS = 400
_PRECISION = 3000  # digits: any difference of two such numbers is exact
# A sign or separator right before a digit belongs to a number: -5 is not 5, and 3.14 not 314.
_OF_NUMBERS = re.compile(r"[-.,:/](?=[0-9])")


class Undecided(Exception):
    """The check cannot say; the message says why."""


class Lacking(Undecided):
    """The item lacks a field that the check needs."""


def decider(check: Check) -> Decide:
    """Give the function that decides a check other than `python`; what can be prepared once is prepared."""
    field = check.field or ""
    if check.matches is not None:
        compiled(check.matches)
        return lambda item: _matches(field, check.matches or "", check.absent, item)
    if check.equals is not None:
        equals = check.equals
        return lambda item: _equals(field, equals, item)
    if check.number is not None:
        number = check.number
        return lambda item: _close(field, number, item)
    return _fits(field, check.json_schema or {})


def shown(value: Any) -> str:
    """Write a value for a reason: cut, and with nothing that a terminal obeys."""
    text = repr(value[: MAX_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= MAX_SHOWN + 2 else text[:MAX_SHOWN] + "…"


def _field(item: Item, name: str) -> Any:
    if (value := item.fields.get(name)) is None:
        raise Lacking(f"needs the field {name!r}, which the item lacks")
    return value


def _expected(item: Item, name: str) -> list[Any]:
    """Give what a field may be held against: each entry of a list, and the list itself."""
    value = _field(item, name)
    if not isinstance(value, list | tuple):
        return [value]
    if not value:
        raise Lacking(f"needs an entry in the field {name!r}, which is an empty list")
    return [*value, value]


def _one_of(values: list[Any]) -> str:
    return shown(values[0]) if len(values) == 1 else f"one of {shown(values[-1])}"


def _matches(field: str, pattern: str, absent: bool, item: Item) -> tuple[bool, str]:
    value = _field(item, field)
    match = found(pattern, field_text(field, value))
    if match is None:
        return absent, f"nothing in {field} matches /{pattern[:MAX_SHOWN]}/"
    where = f" at character {match.start() + 1}" if isinstance(value, str) else f" in {field}"
    return not absent, f"{shown(match[0])} stands{where}" + (", which must not be there" if absent else "")


def _equals(field: str, equals: EqualTo, item: Item) -> tuple[bool, str]:
    value = _field(item, field)
    allowed = [equals.text] if equals.field is None else _expected(item, equals.field)
    mine = _alike(value, equals.ignore)
    if any(_alike(one, equals.ignore) == mine for one in allowed):
        return True, f"{field} is {shown(value)}, as expected"
    return False, f"expected {_one_of(allowed)}, got {shown(value)}"


def _alike(value: Any, ignore: Iterable[str]) -> tuple[str, str]:
    """Give what is equal for equal values: a text or number as text, anything else as JSON."""
    if isinstance(value, dict | list | tuple):
        return "json", dumps(_sorted(value))
    text = unicodedata.normalize("NFC", value if isinstance(value, str) else dumps(value))
    if "case" in ignore:
        text = unicodedata.normalize("NFC", text.casefold())
    if "punctuation" in ignore:
        kept = {match.start() for match in _OF_NUMBERS.finditer(text)}
        text = "".join(
            c for n, c in enumerate(text) if n in kept or not unicodedata.category(c).startswith("P")
        )
    return "text", " ".join(text.split()) if "space" in ignore else text


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list | tuple) else value


def _close(field: str, number: CloseTo, item: Item) -> tuple[bool, str]:
    given = _field(item, field)
    value = _read(given)
    allowed = [number.value] if number.field is None else _expected(item, number.field)
    goals = [goal for goal in map(_read, allowed) if goal is not None]
    if not goals:
        raise Undecided(f"expects a number in {number.field!r}, which holds {shown(allowed[-1])}")
    if value is None:
        return False, f"{shown(given)} is not one plain number"
    hits = [goal for goal in goals if _within(value, goal, number)]
    goal = hits[0] if hits else min(goals, key=lambda goal: abs(goal - value))
    room = f" ± {number.within:.12g}" if number.within else ""
    room = f" ± {number.within_percent:.12g} %" if number.within_percent is not None else room
    return bool(hits), f"expected {_decimal(goal)}{room}, got {_decimal(value)}"


def _within(value: Decimal, goal: Decimal, number: CloseTo) -> bool:
    # In decimals, as they are written: 1.1 lies within 0.1 of 1, which binary fractions deny.
    with localcontext(prec=_PRECISION):
        if number.within_percent is None:
            return abs(value - goal) <= Decimal(repr(number.within or 0.0))
        return abs(value - goal) * 100 <= abs(goal) * Decimal(repr(number.within_percent))


def _read(value: Any) -> Decimal | None:
    """Read a JSON number, or a text that is one plain number; None for anything else."""
    if isinstance(value, str):
        match = _NUMBER.match(value)
        return Decimal(match[1]) if match and len(match[1]) <= _MAX_DIGITS else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return Decimal(repr(value))


def _decimal(number: Decimal) -> str:
    text = str(number).removesuffix(".0")
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _fits(field: str, given: dict[str, Any]) -> Decide:
    from judgekit.judges.json_fit import Schema

    schema = Schema(given)

    def decide(item: Item) -> tuple[bool, str]:
        value = _field(item, field)
        try:
            value = loads(value) if isinstance(value, str) else loads(dumps(value))
        except NotJson as error:
            return False, f"{field}: {error}"
        misfit = schema.misfit(value)
        return (
            misfit is None,
            f"{field} fits the schema" if misfit is None else f"{field} does not fit the schema: {misfit}",
        )

    return decide
