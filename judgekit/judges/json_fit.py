"""Whether a JSON value fits a schema, in bounded time and without ever fetching another schema."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from judgekit._digest import digest
from judgekit.rubric.patterns import SECONDS, TooSlow, found

MAX_SHOWN = 200

_ends: ContextVar[float] = ContextVar("when the fitting under way must end")


class Schema:
    """A JSON Schema (draft 2020-12) that values are held against; `format` says nothing."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from referencing import Registry

        # The key would choose a class of validators that knows no time limit.
        own = {key: value for key, value in schema.items() if key != "$schema"}
        self.validator = _timed()(own, registry=Registry())

    def misfit(self, value: Any, seconds: float = SECONDS) -> str | None:
        """Say what does not fit; None if all does.

        Raises
        ------
        TooSlow
            If it takes longer than `seconds`.
        """
        token = _ends.set(time.monotonic() + seconds)
        try:
            error = next(self.validator.iter_errors(value), None)
        finally:
            _ends.reset(token)
        return None if error is None else _said(error)


def _said(error: Any) -> str:
    if len(error.message) <= MAX_SHOWN:
        return f"{error.json_path[:MAX_SHOWN]}: {error.message}"
    # The message begins with the value itself, and would be cut before it says anything.
    rule = f"{error.validator}: {error.validator_value!r}"
    return f"{error.json_path[:MAX_SHOWN]}: does not fit {rule[:MAX_SHOWN]}"


def _left() -> float:
    if (left := _ends.get() - time.monotonic()) <= 0:
        raise TooSlow("holding this text against the schema takes too long")
    return left


@cache
def _timed() -> Any:
    from jsonschema.validators import Draft202012Validator, extend

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    rules = {**Draft202012Validator.VALIDATORS, **own}
    limited = {name: _limited(rule) for name, rule in rules.items()}
    return extend(Draft202012Validator, limited)  # type: ignore[no-untyped-call]


def _limited(rule: Callable[..., Any]) -> Callable[..., Any]:
    def limited(*given: Any) -> Any:
        _left()
        return rule(*given)

    return limited


def _error(message: str) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


# The four rules whose time is not bounded by the size of what they look at: the package searches with `re`,
# and compares each entry with every other.


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    if validator.is_type(value, "string") and not found(pattern, value, _left()):
        yield _error(f"{value!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, given: dict[str, Any], value: Any, schema: Any) -> Iterator[Any]:
    if validator.is_type(value, "object"):
        for pattern, inner in given.items():
            for name, part in value.items():
                if found(pattern, name, _left()):
                    yield from validator.descend(part, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(value, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, part in value.items():
        if name not in named and not any(found(pattern, name, _left()) for pattern in patterns):
            if allowed is False:
                yield _error(f"{name!r} is not allowed")
            else:
                yield from validator.descend(part, allowed, path=name)


def _unique_items(validator: Any, unique: bool, value: Any, schema: Any) -> Iterator[Any]:
    if unique and validator.is_type(value, "array"):
        seen = {digest(_normal(part)) for part in value}
        if len(seen) < len(value):
            yield _error("its entries are not unique")


def _normal(value: Any) -> Any:
    """Write 1.0 as 1: to JSON Schema they are one number."""
    if isinstance(value, dict):
        return {key: _normal(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_normal(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
