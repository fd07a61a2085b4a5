"""What a check must satisfy beyond the type of each key; reads plain data, as `checks` does."""

from collections.abc import Iterator
from typing import Any

from judgekit.rubric.json_schema import schema_faults
from judgekit.rubric.nearest import did_you_mean
from judgekit.rubric.patterns import BadPattern, compiled
from judgekit.rubric.yaml_tree import Path

Finding = tuple[Path, str]

WAYS = ("equals", "matches", "json_schema", "number", "python")


def code_check(criterion: dict[str, Any], rubric: dict[str, Any], pair: bool) -> Iterator[Finding]:
    """Yield what is wrong with the check of a criterion, and with the criterion for having one."""
    check = criterion.get("check")
    if not isinstance(check, dict):
        return
    if criterion.get("evidence") is not None:
        yield ("evidence",), "a criterion decided by code quotes no evidence; remove it"
    stated = [way for way in WAYS if check.get(way) is not None]
    if len(stated) != 1:
        said = f"not {' and '.join(stated)}" if stated else "and here is none"
        yield ("check",), f"a check says exactly one of {', '.join(WAYS)}, {said}"
        return
    (way,) = stated
    yield from _scale(criterion.get("scale"), way, pair)
    rules = {"equals": _equals, "matches": _matches, "json_schema": _json_schema, "number": _number}
    found = [*_looked_at(check, rubric, way), *(rules[way](check, rubric) if way in rules else ())]
    if check.get("absent") and way != "matches":
        found.append((("absent",), "absent belongs to matches; remove it"))
    yield from ((("check", *path), message) for path, message in found)


def _scale(scale: Any, way: str, pair: bool) -> Iterator[Finding]:
    if way == "python":
        return
    if pair:
        yield ("check",), f"a pairwise criterion can only be checked by python, not by {way}"
    elif scale not in (None, "binary"):
        yield ("scale",), f"{way} passes or fails: the criterion must be binary, not {scale}"


def _looked_at(check: dict[str, Any], rubric: dict[str, Any], way: str) -> Iterator[Finding]:
    """Yield what is wrong with the field that is looked at; `output` was filled in where it is an input."""
    field = check.get("field")
    if way == "python":
        if field is not None:
            yield ("field",), "the function is given every input; remove field"
    elif field is None:
        yield (), "say which input is looked at: `field: …`"
    else:
        yield from _input(field, rubric, ("field",))


def _input(field: str, rubric: dict[str, Any], path: Path) -> Iterator[Finding]:
    inputs = rubric.get("inputs")
    if inputs and field not in inputs:
        yield path, f"{field!r} is not one of the inputs ({', '.join(inputs)}){did_you_mean(field, inputs)}"


def _one_of(
    part: dict[str, Any], other: str, check: dict[str, Any], rubric: dict[str, Any]
) -> Iterator[Finding]:
    field = part.get("field")
    if (field is None) == (part.get(other) is None):
        yield (), f"say what is expected: either `field: …` (an input) or `{other}: …`"
    elif field is not None:
        yield from _input(field, rubric, ("field",))
        if field == check.get("field"):
            yield ("field",), f"{field!r} would be held against itself"


def _equals(check: dict[str, Any], rubric: dict[str, Any]) -> Iterator[Finding]:
    for path, message in _one_of(check["equals"], "text", check, rubric):
        yield ("equals", *path), message


def _number(check: dict[str, Any], rubric: dict[str, Any]) -> Iterator[Finding]:
    number = check["number"]
    for path, message in _one_of(number, "value", check, rubric):
        yield ("number", *path), message
    if number.get("within") is not None and number.get("within_percent") is not None:
        yield ("number", "within_percent"), "give either within or within_percent"
    for key in ("value", "within", "within_percent"):
        given = number.get(key)
        if isinstance(given, int) and int(float(given)) != given:
            yield ("number", key), f"{given} has more digits than can be compared"


def _matches(check: dict[str, Any], rubric: dict[str, Any]) -> Iterator[Finding]:
    try:
        compiled(check["matches"])
    except BadPattern as error:
        yield ("matches",), str(error)


def _json_schema(check: dict[str, Any], rubric: dict[str, Any]) -> Iterator[Finding]:
    for path, message in schema_faults(check["json_schema"]):
        yield ("json_schema", *path), message
