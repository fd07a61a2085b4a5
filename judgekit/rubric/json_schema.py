"""Whether a JSON Schema in a rubric can be held against items: sound, whole in itself, and sure to end."""

import json
from collections.abc import Iterator
from typing import Any

from judgekit.rubric.nearest import did_you_mean
from judgekit.rubric.patterns import BadPattern, compiled
from judgekit.rubric.yaml_tree import Path

Fault = tuple[Path, str]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_SHOWN = 200

# Keywords that say something about a value without refusing any, or that belong to another keyword.
_BESIDE = frozenset(
    """$schema $id $anchor $dynamicAnchor $defs $comment definitions title description default deprecated
    readOnly writeOnly examples format then else contentEncoding contentMediaType contentSchema minContains
    maxContains discriminator""".split()
)
_ENDLESS = ("unevaluatedProperties", "unevaluatedItems")


def schema_faults(schema: dict[str, Any]) -> Iterator[Fault]:
    """Yield a path inside the schema and a message for each thing that is wrong with it."""
    from jsonschema import FormatChecker
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator

    try:
        if json.loads(json.dumps(schema, allow_nan=False)) != schema:
            raise ValueError("it holds keys or values that JSON has not")
        # Formats are not looked at: that of a regular expression would be that of another engine.
        Draft202012Validator.check_schema(schema, FormatChecker(()))
        yield from _reach(schema, frozenset(Draft202012Validator.VALIDATORS))
    except SchemaError as error:
        yield tuple(error.absolute_path), f"is not a JSON Schema: {_short(error.message)}"
    except (ValueError, TypeError, RecursionError) as error:
        yield (), f"is not a JSON Schema: {_short(str(error))}"


def _reach(schema: dict[str, Any], rules: frozenset[str]) -> Iterator[Fault]:
    """Look at each schema inside this one, and at those that it refers to."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    paths = dict(_paths(schema, ()))
    whole = DRAFT202012.create_resource(schema)
    # A registry that holds nothing else and fetches nothing.
    waiting = [(whole, Registry[Any]().resolver_with_root(whole))]
    seen: set[int] = set()
    while waiting:
        one, resolver = waiting.pop()
        if not isinstance(one.contents, dict) or id(one.contents) in seen:
            continue
        seen.add(id(one.contents))
        path = paths.get(id(one.contents), ())
        yield from ((path + inner, message) for inner, message in _faults(one.contents, rules, path))
        waiting += [(inner, resolver.in_subresource(inner)) for inner in one.subresources()]
        for key in ("$ref", "$dynamicRef"):
            if (reference := one.contents.get(key)) is None:
                continue
            try:
                target = resolver.lookup(reference)
            except Unresolvable:
                yield (
                    (*path, key),
                    f"{_short(repr(reference))} is not in this schema; no other is fetched",
                )
            else:
                waiting.append((DRAFT202012.create_resource(target.contents), target.resolver))


def _paths(value: Any, path: Path) -> Iterator[tuple[int, Path]]:
    """Give the place of each mapping, by its identity."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _paths(part, (*path, key))
    if isinstance(value, dict):
        yield id(value), path


def _faults(schema: dict[str, Any], rules: frozenset[str], path: Path) -> Iterator[Fault]:
    for key in schema.keys() - rules - _BESIDE:
        if not key.startswith("x-"):
            yield (key,), f"unknown keyword {_short(repr(key))}{did_you_mean(key, sorted(rules | _BESIDE))}"
    for key in schema.keys() & set(_ENDLESS):
        yield (key,), f"{key} is not supported; use additionalProperties or items"
    if "$schema" in schema and (path or schema["$schema"].rstrip("#") != DRAFT):
        yield ("$schema",), f"the whole schema is read as {DRAFT}; remove it"
    patterns: dict[Path, str] = {
        ("patternProperties", one): one for one in schema.get("patternProperties", {})
    }
    if "pattern" in schema:
        patterns[("pattern",)] = schema["pattern"]
    for place, pattern in patterns.items():
        try:
            compiled(pattern)
        except BadPattern as error:
            yield place, str(error)


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
