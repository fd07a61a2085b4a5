"""From a file or a dict to a checked rubric, with every problem and its line."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from judgekit.errors import Problem, RubricError
from judgekit.rubric.checks import PAIRWISE, SCORES, check, did_you_mean
from judgekit.rubric.model import Criterion, Example, Input, Level, Origin, Outcome, Rubric
from judgekit.rubric.yaml_tree import Path, Tree, dotted, read_tree

# A rubric is shared between people; what a run talks to, and with which key, is not the author's to say.
FOREIGN = {
    "model",
    "base_url",
    "url",
    "endpoint",
    "api_key",
    "key",
    "headers",
    "env",
    "code",
    "python",
    "include",
    "import",
    "file",
    "provider",
    "temperature",
}


def load_rubric(path: str | FilePath) -> Rubric:
    """Read a rubric file.

    Raises
    ------
    RubricError
        With every problem found, each with its line.
    """
    try:
        raw = FilePath(path).read_bytes()
    except OSError as error:
        raise RubricError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise RubricError([Problem("is not UTF-8 text; save it as UTF-8", str(path), line)]) from None
    return read_rubric(text, str(path))


def read_rubric(text: str, where: str = "rubric") -> Rubric:
    """Read a rubric from YAML text; `where` names it in messages."""
    return _build(read_tree(text, where), where)


def rubric_from_dict(data: dict[str, Any], where: str = "rubric") -> Rubric:
    """Check a rubric given as a dict with the keys of the file format."""
    return _build(Tree(deepcopy(data)), where)


def _build(tree: Tree, where: str) -> Rubric:
    problems = list(tree.problems)
    if not isinstance(tree.data, dict):
        if not problems:
            problems.append(Problem("a rubric is a mapping that begins with `name:`", where, 1))
        raise RubricError(problems)
    data = _normal(tree)
    rubric, found = _typed(data)
    pruned = deepcopy(data)
    for path, _ in found:
        _remove(pruned, path)
    found += check(pruned)
    problems += [Problem(message, where, tree.line(path), dotted(path)) for path, message in _once(found)]
    if problems or rubric is None:
        raise RubricError(sorted(problems, key=lambda p: p.line or 0))
    return rubric


def _once(found: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
    # Removing a wrong value can make a check say that it is missing: one mistake, one message.
    said: dict[Path, str] = {}
    for path, message in found:
        if not any(path == other[: len(path)] and path != other for other in said if len(path) > 1):
            said.setdefault(path, message)
    return list(said.items())


def _normal(tree: Tree) -> dict[str, Any]:
    """Fold the short forms of the file into the long ones, keeping the lines."""
    data: dict[str, Any] = deepcopy(tree.data)
    inputs = data.get("inputs")
    if isinstance(inputs, dict):
        data["inputs"] = {
            k: {"description": v or ""} if not isinstance(v, dict) else v for k, v in inputs.items()
        }
    criteria = data.get("criteria")
    if isinstance(criteria, dict):
        return data
    pair = data.get("mode") == "pairwise"
    for index, criterion in enumerate(criteria if isinstance(criteria, list) else []):
        if isinstance(criterion, dict):
            _normal_criterion(criterion, ("criteria", index), tree, pair)
    _normal_numbers(data)
    if data.get("aggregate") == "all_pass":
        data.setdefault("threshold", 1)
    return data


def _normal_criterion(criterion: dict[str, Any], path: Path, tree: Tree, pair: bool) -> None:
    if pair:
        criterion.setdefault("scale", "pairwise")
        criterion.setdefault("levels", {label: "" for label in PAIRWISE})
    levels = criterion.get("levels")
    if isinstance(levels, dict):
        for place, label in enumerate(levels):
            line = tree.line((*path, "levels", label))
            if line is not None:
                tree.lines[(*path, "levels", place)] = line
        criterion["levels"] = [{"label": k, "description": v or ""} for k, v in levels.items()]
    levels = [level for level in _list(criterion.get("levels")) if isinstance(level, dict)]
    for level in levels:
        if isinstance(level.get("label"), bool | int):
            level["label"] = str(level["label"]).lower()
    labels = [str(level.get("label")) for level in levels]
    known = PAIRWISE if pair else SCORES if criterion.get("scale") == "binary" else {}
    if all(label.casefold() in known for label in labels):
        for level in levels:
            level.setdefault("score", known[str(level["label"]).casefold()])
    at = criterion.get("pass_at")
    if criterion.get("scale") != "numeric" and isinstance(at, bool | int):
        criterion["pass_at"] = str(at).lower()


def _normal_numbers(data: dict[str, Any]) -> None:
    """Keep a whole number that answers a numeric criterion from being taken for a label."""
    numeric = [c for c in _list(data.get("criteria")) if isinstance(c, dict) and c.get("scale") == "numeric"]
    for criterion in numeric:
        _make_float(criterion, "pass_at")
    for example in _list(data.get("examples")):
        labels = example.get("labels") if isinstance(example, dict) else None
        for name in (c.get("name") for c in numeric if isinstance(labels, dict)):
            _make_float(labels, name)


def _make_float(holder: dict[str, Any], key: Any) -> None:
    if isinstance(key, str) and type(holder.get(key)) is int:
        holder[key] = float(holder[key])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _typed(data: dict[str, Any]) -> tuple[Rubric | None, list[tuple[Path, str]]]:
    try:
        return Rubric.model_validate(data), []
    except ValidationError as error:
        found = []
        for one in error.errors():
            path = tuple(p for p in one["loc"] if p not in _BRANCHES)
            found.append((path, _message(one, path)))
        return None, found


# pydantic puts the tried type into the path of a union.
_BRANCHES = {
    "str",
    "float",
    "function-before[_label_text(), constrained-str]",
    "function-before[_number(), float]",
}


def _remove(data: Any, path: Path) -> None:
    for key in path[:-1]:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(data, dict):
        data.pop(path[-1], None)
    elif isinstance(data, list) and isinstance(path[-1], int) and path[-1] < len(data):
        data[path[-1]] = {} if isinstance(data[path[-1]], dict) else None


def _known_keys(path: Path) -> list[str]:
    """Give the keys that are allowed where an unknown one was found."""
    kinds: dict[Any, Any] = {
        "inputs": Input,
        "outcome": Outcome,
        "from": Origin,
        "examples": Example,
        "levels": Level,
    }
    kind: Any = Rubric
    for part in path[:-1]:
        kind = Criterion if part == "criteria" else kinds.get(part, kind)
    return [given.alias or name for name, given in kind.model_fields.items()]


def _unknown(path: Path) -> str:
    key = str(path[-1])
    if key.casefold() in FOREIGN:
        return (
            f"a rubric holds no model, address, key or code: {key!r} is refused; give it on the command line"
        )
    known = _known_keys(path)
    return f"unknown key {key!r}{did_you_mean(key, known) or '; known here: ' + ', '.join(known)}"


_MESSAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda e: "is missing",
    "string_type": lambda e: f"must be text, not {e['input']!r}; put it in quotes",
    "string_too_short": lambda e: "must not be empty",
    "string_too_long": lambda e: f"is longer than {e['ctx']['max_length']} characters",
    "greater_than": lambda e: f"must be more than {e['ctx']['gt']:g}, not {e['input']!r}",
    "greater_than_equal": lambda e: f"must be at least {e['ctx']['ge']:g}, not {e['input']!r}",
    "less_than_equal": lambda e: f"must be at most {e['ctx']['le']:g}, not {e['input']!r}",
    "finite_number": lambda e: "must be a finite number",
    "bool_type": lambda e: f"must be true or false, not {e['input']!r}",
    "dict_type": lambda e: "must be a mapping, `key: value`",
    "model_type": lambda e: "must be a mapping, `key: value`",
    "tuple_type": lambda e: "must be a list",
    "too_short": lambda e: "must not be empty",
    "value_error": lambda e: f"{e['ctx']['error']}, not {e['input']!r}",
}


def _message(error: Any, path: Path) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "literal_error":
        allowed = [a.strip(" '") for a in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        allowed = [a for a in allowed if not (path[-1] == "scale" and a == "pairwise")]
        hint = did_you_mean(str(error["input"]), allowed)
        return f"{error['input']!r} is not one of {', '.join(allowed)}{hint}"
    if kind == "string_pattern_mismatch":
        if path[-1] == "version":
            return f"{error['input']!r} is not a version like 1.0.0"
        return f"{error['input']!r} is not a name: a letter, then letters, digits, - or _ (at most 64)"
    if kind in _MESSAGES:
        return _MESSAGES[kind](error)
    return str(error["msg"])
