"""Strict JSON: no NaN, no duplicate keys, no bottomless nesting; any text survives the round trip."""

import json
from typing import Any

MAX_DEPTH = 100
MAX_DIGITS = 300


class NotJson(ValueError):
    """The text is not strict JSON; the message says why."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotJson(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON; write null")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJson(f"a number of {len(digits)} digits is too long")
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotJson(f"the number {text[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_number
)


def _too_deep(text: str) -> bool:
    # Cheap before exact: a text with few brackets cannot be deep.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth, inside, skip = 0, False, False
    for char in text:
        if skip:
            skip = False
        elif inside:
            skip, inside = char == "\\", char != '"'
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif char in "]}":
            depth -= 1
    return False


def loads(text: str) -> Any:
    """Read one JSON value.

    Raises
    ------
    NotJson
        With the reason and, for syntax, the column.

    Examples
    --------
    >>> loads('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    judgekit._json.NotJson: the key 'a' stands twice in one object
    """
    if _too_deep(text):
        raise NotJson(f"nested more than {MAX_DEPTH} deep")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"not valid JSON: {error.msg} at column {error.colno}") from None


def decode_prefix(text: str, start: int) -> tuple[Any, int]:
    """Read the JSON value that begins at `start`; return it and where it ends."""
    if _too_deep(text[start:]):
        raise NotJson(f"nested more than {MAX_DEPTH} deep")
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotJson(f"not valid JSON: {error.msg} at column {error.colno}") from None


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write one JSON value, readable where UTF-8 can hold it, escaped where it cannot (lone surrogates)."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
    return text
