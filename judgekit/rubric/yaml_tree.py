"""YAML text to plain data with the line of every key, defended against files from strangers.

Built from parser events rather than through a loader, because a loader stops at the first duplicate key,
lets tags through as data, and expands aliases before anybody has counted them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from judgekit.errors import Problem

Path = tuple[str | int, ...]

MAX_BYTES = 500_000
MAX_DEPTH = 20
MAX_NODES = 20_000

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


class TooLarge(Exception):
    """The document is larger, deeper or more aliased than a rubric can be."""


@dataclass
class Tree:
    """A YAML document as data.

    Attributes
    ----------
    data : Any
        Dicts, lists and scalars (YAML 1.2: ``yes`` and ``no`` are text).
    lines : dict
        Path to the line, from 1, of a key or list entry.
    problems : list of Problem
        Syntax errors, tags, duplicate keys.
    """

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """Give the line of a path, or of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def read_tree(text: str, where: str) -> Tree:
    """Read one YAML document; whatever is wrong with it is in `problems`."""
    tree = Tree()
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        tree.problems.append(Problem(f"larger than {MAX_BYTES // 1000} kB; a rubric is a page or two", where))
        return tree
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        _Builder(tree, where, iter(YAML(typ="safe", pure=True).parse(text))).document()
    except TooLarge as error:
        tree.problems.append(Problem(str(error), where))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        tree.problems.append(Problem(_one_line(error), where, mark.line + 1 if mark else None))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character[:1])
        tree.problems.append(
            Problem(f"holds the character U+{code:04X}, which YAML does not allow", where, line)
        )
    except (YAMLError, ValueError) as error:
        tree.problems.append(Problem(f"not readable as YAML: {str(error).splitlines()[0]}", where))
    return tree


def _one_line(error: Any) -> str:
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    return f"not valid YAML: {said}"


class _Builder:
    def __init__(self, tree: Tree, where: str, events: Iterator[Any]) -> None:
        self.tree, self.where, self.events = tree, where, events
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.nodes = 0
        self.deepest = 0
        self.inside_key = 0

    def document(self) -> None:
        next(self.events)  # stream start
        event = next(self.events)
        if type(event).__name__ == "StreamEndEvent":
            self.problem("the file is empty", 1)
            return
        self.tree.data = self.value(next(self.events), (), 0)
        next(self.events)  # document end
        event = next(self.events)
        if type(event).__name__ != "StreamEndEvent":
            self.problem("holds a second YAML document; a rubric is one", event.start_mark.line + 1)

    def problem(self, message: str, line: int, path: Path = ()) -> None:
        self.tree.problems.append(Problem(message, self.where, line, dotted(path)))

    def count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise TooLarge(f"holds more than {MAX_NODES} values once its aliases are expanded")

    def value(self, event: Any, path: Path, depth: int) -> Any:
        line = event.start_mark.line + 1
        self.tree.lines.setdefault(path, line)
        self.reach(depth, line)
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self.alias(event, path, depth, line)
        if event.tag is not None:
            self.problem(
                f"the tag {event.tag} is refused; a rubric is plain text, numbers, lists", line, path
            )
        before, outside = self.nodes, self.deepest
        self.deepest = depth
        self.count(1)
        if kind == "ScalarEvent":
            built: Any = event.value if event.style else plain(event.value)
        elif kind == "SequenceStartEvent":
            built = self.sequence(path, depth)
        else:
            built = self.mapping(path, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (built, self.nodes - before, self.deepest - depth)
        self.deepest = max(self.deepest, outside)
        return built

    def reach(self, depth: int, line: int) -> None:
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            raise TooLarge(f"line {line} is nested more than {MAX_DEPTH} deep")

    def alias(self, event: Any, path: Path, depth: int, line: int) -> Any:
        if event.anchor not in self.anchors:
            self.problem(f"the alias *{event.anchor} has no finished anchor before it", line, path)
            return None
        built, nodes, height = self.anchors[event.anchor]
        self.count(nodes)
        self.reach(depth + height, line)
        return built

    def sequence(self, path: Path, depth: int) -> list[Any]:
        found: list[Any] = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            found.append(self.value(event, (*path, len(found)), depth + 1))
        return found

    def mapping(self, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            line = event.start_mark.line + 1
            key = self.key(event, path, depth, line)
            inner = (*path, key)
            if key in found:
                self.problem(f"the key {key!r} stands twice; first on line {self.tree.lines[inner]}", line)
                self.value(next(self.events), (*inner, "again"), depth + 1)
                continue
            self.tree.lines[inner] = line
            found[key] = self.value(next(self.events), inner, depth + 1)
        return found

    def key(self, event: Any, path: Path, depth: int, line: int) -> str:
        if type(event).__name__ == "ScalarEvent":
            if event.tag is not None:
                self.problem(f"the tag {event.tag} is refused; a key is plain text", line, path)
            self.count(1)
            return str(event.value)
        if not self.inside_key:
            self.problem(
                "a key must be plain text (braces begin a mapping; put such a text in quotes)", line, path
            )
        self.inside_key += 1
        self.value(event, (*path, f"key on line {line}"), depth + 1)
        self.inside_key -= 1
        return f"key on line {line}"


def plain(text: str) -> Any:
    """Resolve an unquoted scalar by the core schema of YAML 1.2."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text) and isfinite(number := float(text)):
        return number
    return text


def dotted(path: Path) -> str:
    """Write a path as people read it: ``criteria[0].levels``."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".")
