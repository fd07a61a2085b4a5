"""From a file or a dict to a checked rubric, with every problem and its line."""

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from judgekit.errors import Problem, RubricError
from judgekit.rubric.check_form import Check, CloseTo, EqualTo
from judgekit.rubric.checks import PAIRWISE, SCORES, check
from judgekit.rubric.model import Criterion, Example, Input, Level, Origin, Outcome, Rubric
from judgekit.rubric.nearest import did_you_mean, nearest
from judgekit.rubric.yaml_tree import MAX_BYTES, Path, Tree, dotted, read_tree

SHOWN_VALUE = 60

# A rubric is shared between people; what a run talks to, and with which key, is not the author's to say.
FOREIGN = frozenset(
    """apibase apikey apikeyenv apiversion authorization baseurl code command endpoint env environment exec
    file header headers host import include key judge maxtokens model module password provider python script
    secret seed server shell system temperature token url""".split()
)


def load_rubric(path: str | FilePath) -> Rubric:
    """Read a rubric file.

    Raises
    ------
    RubricError
        With every problem found, each with its line.
    """
    try:
        # What is no file may never end, or never begin.
        if (file := FilePath(path)).exists() and not file.is_file() and not file.is_dir():
            raise RubricError([Problem("cannot be read: is no regular file", str(path))])
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise RubricError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
    try:
        # The cut may go through a character; what is too large is refused either way.
        text = raw.decode("utf-8-sig", "replace" if len(raw) > MAX_BYTES else "strict")
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
    misspelt = _respelt(tree)
    data = _normal(tree)
    rubric, wrong = _typed(data)
    pruned = deepcopy(data)
    for path in wrong:
        _remove(pruned, path)
    found = misspelt | wrong | _beyond(check(pruned), wrong)
    problems += [Problem(message, where, tree.line(path), dotted(path)) for path, message in found.items()]
    if problems or rubric is None:
        raise RubricError(sorted(problems, key=lambda p: p.line or 0))
    return rubric


# Wrong or not, these decide no other check.
_APART = ("description", "required")


def _beyond(found: Iterable[tuple[Path, str]], wrong: dict[Path, str]) -> dict[Path, str]:
    """Leave out what a check only finds because a wrong value was taken away: one mistake, one message."""
    removed = [path for path in wrong if path[-1] not in _APART]
    said: dict[Path, str] = {}
    for path, message in found:
        if path not in wrong and not any(path == other[: len(path)] for other in removed):
            said.setdefault(path, message)
    return said


def _respelt(tree: Tree) -> dict[Path, str]:
    """Put what stands under a misspelt key under the key that was meant, so that it is checked as well."""
    known, found = _known_keys(("",)), dict[Path, str]()
    for key in [key for key in tree.data if key not in known and not _foreign(key)]:
        meant = nearest(key, known)
        if meant is not None and meant not in tree.data:
            found[(key,)] = _unknown((key,))
            tree.data[meant] = tree.data.pop(key)
            moved = {(meant, *path[1:]): line for path, line in tree.lines.items() if path[:1] == (key,)}
            tree.lines.update(moved)
    return found


def _normal(tree: Tree) -> dict[str, Any]:
    """Fold the short forms of the file into the long ones, keeping the lines."""
    data: dict[str, Any] = deepcopy(tree.data)
    inputs = data.get("inputs")
    if isinstance(inputs, dict):
        data["inputs"] = {
            k: v if isinstance(v, dict) else {"description": _or_blank(v)} for k, v in inputs.items()
        }
    criteria = data.get("criteria")
    if isinstance(criteria, dict):
        return data
    pair = data.get("mode") == "pairwise"
    for index, criterion in enumerate(criteria if isinstance(criteria, list) else []):
        if isinstance(criterion, dict):
            _normal_criterion(criterion, ("criteria", index), tree, pair)
            _normal_check(criterion.get("check"), data.get("inputs"))
    _normal_answers(data)
    if data.get("aggregate") == "all_pass":
        data.setdefault("threshold", 1)
    return data


def _or_blank(value: Any) -> Any:
    return "" if value is None else value


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
        criterion["levels"] = [{"label": k, "description": _or_blank(v)} for k, v in levels.items()]
    levels = [level for level in _list(criterion.get("levels")) if isinstance(level, dict)]
    for level in levels:
        if isinstance(level.get("label"), bool | int):
            level["label"] = str(level["label"]).lower()
    labels = [str(level.get("label")) for level in levels]
    known = PAIRWISE if pair else SCORES if criterion.get("scale") == "binary" else {}
    if all(label.casefold() in known for label in labels):
        for level in levels:
            level.setdefault("score", known[str(level["label"]).casefold()])
    if criterion.get("scale") != "numeric":
        _as_label(criterion, "pass_at")


def _normal_check(check: Any, inputs: Any) -> None:
    """Fill in the field that most checks look at."""
    if not isinstance(check, dict) or not isinstance(inputs, dict) or "output" not in inputs:
        return
    if check.get("python") is None and check.get("field") is None:
        check["field"] = "output"


def _normal_answers(data: dict[str, Any]) -> None:
    """Take a number for a level's name in examples, except where the scale is numeric."""
    criteria = [c for c in _list(data.get("criteria")) if isinstance(c, dict)]
    numeric = [c.get("name") for c in criteria if c.get("scale") == "numeric"]
    examples = [e for e in _list(data.get("examples")) if isinstance(e, dict)]
    for labels in (e["labels"] for e in examples if isinstance(e.get("labels"), dict)):
        for name in labels:
            if name not in numeric:
                _as_label(labels, name)


def _as_label(holder: dict[str, Any], key: str) -> None:
    if isinstance(holder.get(key), bool | int):
        holder[key] = str(holder[key]).lower()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _typed(data: dict[str, Any]) -> tuple[Rubric | None, dict[Path, str]]:
    try:
        return Rubric.model_validate(data), {}
    except ValidationError as error:
        wrong: dict[Path, str] = {}
        for one in error.errors():
            path = tuple(part for part in one["loc"] if part != "[key]")  # pydantic's mark of a wrong key
            if (form := _levels_form(one, path)) is not None:
                wrong.setdefault(path[: path.index("levels") + 1], form)
            else:
                wrong.setdefault(path, _message(one, path))
        return None, wrong


def _levels_form(error: Any, path: Path) -> str | None:
    """Show how levels are written, where they are bare texts, or mappings under their labels."""
    if "levels" not in path[:-1]:
        return None
    given = error["input"]
    if path[-2] == "levels" and error["type"].startswith("model_") and isinstance(given, str | int | float):
        name = str(given)[:SHOWN_VALUE]
        return f"each level says what it means: write `levels: {{{name}: …, …}}`"
    if path[-1] == "description" and isinstance(given, dict):
        return "levels with scores are a list: write `- {label: …, score: …, description: …}` for each"
    return None


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
        "check": Check,
        "equals": EqualTo,
        "number": CloseTo,
    }
    kind: Any = Rubric
    # What stands directly under inputs is a name of the author's.
    for part in path[:1] if path[0] == "inputs" else path[:-1]:
        kind = Criterion if part == "criteria" else kinds.get(part, kind)
    return [given.alias or name for name, given in kind.model_fields.items()]


def _foreign(key: str) -> bool:
    return re.sub(r"[-_ ]", "", str(key).casefold()) in FOREIGN


def _unknown(path: Path) -> str:
    key = str(path[-1])
    if _foreign(key):
        return (
            f"a rubric holds no model, address, key or code: {key!r} is refused; give it on the command line"
        )
    known = _known_keys(path)
    for part, kind in (("equals", EqualTo), ("number", CloseTo)) if path[-2:-1] == ("check",) else ():
        if key in kind.model_fields:
            return f"{key!r} stands inside `{part}`: write `{part}: {{…, {key}: …}}`"
    return f"unknown key {key!r}{did_you_mean(key, known) or '; known here: ' + ', '.join(known)}"


def _short(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    shown = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return shown if len(shown) <= SHOWN_VALUE else shown[:SHOWN_VALUE] + "…"


def _not_text(error: Any) -> str:
    if error["input"] is None:
        return "is empty; write it"
    quotes = "" if isinstance(error["input"], dict | list) else "; put it in quotes"
    return f"must be text, not {_short(error['input'])}{quotes}"


# How a part of a check is written, where it is not the mapping that it must be.
_FORMS = {
    "check": "`check: {matches: …}`",
    "equals": "`equals: {field: …}` or `equals: {text: …}`",
    "number": "`number: {field: …, within: …}` or `number: {value: …, within: …}`",
    "json_schema": "`json_schema: {type: object, …}`",
}


_MESSAGES: dict[str, Callable[[Any], str]] = {
    "missing": lambda e: "is missing",
    "string_type": _not_text,
    "string_too_short": lambda e: "must not be empty",
    "string_too_long": lambda e: f"is longer than {e['ctx']['max_length']} characters",
    "greater_than": lambda e: f"must be more than {e['ctx']['gt']:g}, not {_short(e['input'])}",
    "greater_than_equal": lambda e: f"must be at least {e['ctx']['ge']:g}, not {_short(e['input'])}",
    "less_than_equal": lambda e: f"must be at most {e['ctx']['le']:g}, not {_short(e['input'])}",
    "finite_number": lambda e: "must be a finite number",
    "bool_type": lambda e: f"must be true or false, not {_short(e['input'])}",
    "dict_type": lambda e: "must be a mapping, `key: value`",
    "model_type": lambda e: "must be a mapping, `key: value`",
    "model_attributes_type": lambda e: "must be a mapping, `key: value`",
    "tuple_type": lambda e: "must be a list",
    "too_long": lambda e: f"has {e['ctx']['actual_length']} entries, not {e['ctx']['max_length']}",
    "value_error": lambda e: f"{e['ctx']['error']}, not {_short(e['input'])}",
}


def _message(error: Any, path: Path) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "literal_error":
        allowed = [a.strip(" '") for a in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        allowed = [a for a in allowed if not (path[-1] == "scale" and a == "pairwise")]
        hint = did_you_mean(str(error["input"]), allowed)
        return f"{_short(error['input'])} is not one of {', '.join(allowed)}{hint}"
    if kind == "string_pattern_mismatch":
        if path[-1] == "version":
            return f"{_short(error['input'])} is not a version like 1.0.0"
        if path[-2:] == ("check", "python"):
            return (
                f"{_short(error['input'])} is not the name of a function: a letter, then letters, digits, ., "
                "- or _ (at most 100); the function itself is given by whoever runs the judge"
            )
        return f"{_short(error['input'])} is not a name: a letter, then letters, digits, - or _ (at most 64)"
    if kind in ("model_type", "model_attributes_type", "dict_type") and path[-1] in _FORMS:
        return f"must be a mapping: write {_FORMS[str(path[-1])]}"
    if kind in _MESSAGES:
        return _MESSAGES[kind](error)
    return str(error["msg"])
