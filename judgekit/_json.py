"""Strict JSON: no NaN, no duplicate keys, no bottomless nesting; any text survives the round trip."""

import json
import re
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 100
MAX_DIGITS = 300
MAX_QUOTED = 100  # characters of a key in a message

_SPACE = re.compile(r"[ \t\r\n]*")


class NotJson(ValueError):
    """The text is not strict JSON; the message says why, `place` where reading ended (None: not known)."""

    place: int | None = None


class KeyTwice(NotJson):
    """An object has a key twice; `key` is that."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the key {key[:MAX_QUOTED]!r} stands twice in one object")


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of which no key stands twice: a hook for the standard library's parser."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set[str]()
        for key, _ in pairs:
            if key in seen:
                raise KeyTwice(key)
            seen.add(key)
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
    object_pairs_hook=once_each, parse_constant=_constant, parse_int=_integer, parse_float=_number
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _too_deep(value: Any) -> bool:
    layer = [value]
    for _ in range(MAX_DEPTH + 1):
        layer = [part for whole in layer for part in _parts(whole)]
        if not layer:
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [part for part in inside if isinstance(part, dict | list)]


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
    judgekit._json.KeyTwice: the key 'a' stands twice in one object
    """
    place = _SPACE.match(text).end()  # type: ignore[union-attr]
    value, end = decode_prefix(text, place)
    if (end := _SPACE.match(text, end).end()) != len(text):  # type: ignore[union-attr]
        raise _broken(text, "something follows the value", end)
    return value


def decode_prefix(text: str, start: int) -> tuple[Any, int]:
    """Read the JSON value that begins at `start`; return it and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _broken(text, error.msg, error.pos) from None
    except RecursionError:
        raise NotJson(f"nested more than {MAX_DEPTH} deep") from None
    # Cheap before exact: a value with few brackets cannot be deep.
    if text.count("[", start, end) + text.count("{", start, end) > MAX_DEPTH and _too_deep([value]):
        raise NotJson(f"nested more than {MAX_DEPTH} deep")
    return value, end


def _broken(text: str, reason: str, place: int) -> NotJson:
    before = text.count("\n", 0, place)
    column = place - text.rfind("\n", 0, place)
    where = f"line {before + 1}, column {column}" if before else f"column {column}"
    broken = NotJson(f"not valid JSON: {reason.removesuffix(' at')} at {where}")
    broken.place = place
    return broken


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Write one JSON value, readable where UTF-8 can hold it, escaped where it cannot (lone surrogates)."""
    if indent is None:
        text = _ENCODER.encode(value)
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)
    return text
