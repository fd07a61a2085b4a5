"""Human labels from a file, long or wide, checked against the rubric they answer."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from judgekit._json import NotJson, loads
from judgekit.errors import InputError, Problem, Problems
from judgekit.files.label_cells import (
    read_flag,
    read_frame,
    read_probability,
    read_rater,
    unseal,
)
from judgekit.files.rows import Row, read_rows
from judgekit.item import read_id
from judgekit.labels import DESIGNS, ROLES, Label, LabelSet, match_answer, overall_criterion
from judgekit.rubric import OVERALL, Criterion, Rubric
from judgekit.rubric.checks import LABEL_COLUMNS

DEVELOPMENT = "development"
LONG = LABEL_COLUMNS | {"format"}


def read_labels(path: str | Path, rubric: Rubric, *, id_column: str = "id") -> LabelSet:
    """Read a label file: long (``id, criterion, rater, label``) or wide (one column per criterion).

    Raises
    ------
    InputError
        Naming each unknown level, criterion or id that cannot be one, each label given twice differently.
    """
    return _read_one(path, rubric, id_column)[0]


def _read_one(path: str | Path, rubric: Rubric, id_column: str = "id") -> tuple[LabelSet, dict[str, str]]:
    problems = Problems(str(path))
    found = _from_rows(read_rows(path, problems), rubric, problems, id_column)
    problems.raise_if_any()
    return found


def read_label_files(paths: Sequence[str | Path], rubric: Rubric) -> LabelSet:
    """Read several label files as one set, as when each rater filled in a sheet.

    Raises
    ------
    InputError
        Naming file and line of each problem; also where one rater says two things in two files.
    """
    if len(paths) == 1:
        return read_labels(paths[0], rubric)
    labels: list[Label] = []
    notes: list[str] = []
    wrong: list[Problem] = []
    roles: dict[str, str] = {}
    total = 0
    for number, path in enumerate(paths, 1):
        try:
            found, lost = _read_one(path, rubric)
        except InputError as error:
            wrong, total = wrong + error.problems, total + error.total
            continue
        labels += [replace(label, source=str(path)) for label in found.labels]
        remember_roles(roles, lost.items())
        # Into the card, which names neither folders nor raters.
        notes += [f"label file {number}: {note}" for note in found.notes]
    problems = Problems("")
    merged = _settle_duplicates(lend_roles(labels, roles), rubric, problems, notes)
    if wrong or problems:
        raise InputError(wrong + problems.first, total + problems.total)
    return merged


def labels_from_rows(
    rows: Iterable[Row], rubric: Rubric, problems: Problems, *, id_column: str = "id"
) -> LabelSet:
    """Read labels from rows already at hand; what is wrong goes to `problems`."""
    return _from_rows(rows, rubric, problems, id_column)[0]


def remember_roles(roles: dict[str, str], found: Iterable[tuple[str, str]]) -> None:
    """Note the role of items by id; what once tuned a rubric has done so for good."""
    for identity, role in found:
        if role and (role == DEVELOPMENT or identity not in roles):
            roles[identity] = role


def lend_roles(labels: Iterable[Label], roles: Mapping[str, str]) -> list[Label]:
    """Give labels the roles that answers to an older wording had: an item keeps what it was used for."""
    return [
        replace(label, role=role)
        if (role := roles.get(label.id)) and (role == DEVELOPMENT or not label.role)
        else label
        for label in labels
    ]


def _from_rows(
    rows: Iterable[Row], rubric: Rubric, problems: Problems, id_column: str
) -> tuple[LabelSet, dict[str, str]]:
    """Read labels, and the roles of items whose answers were left out as of another wording."""
    reader = _Reader(rubric, problems, id_column)
    labels: list[Label] = []
    for row in rows:
        labels.extend(reader.row(row))
    if not labels and not problems and not reader.reworded:
        problems.add(
            f"holds no labels; fill in {', '.join(rubric.by_name)}, or give the file that is filled in"
        )
    reader.unknown_columns()
    for name, many in reader.reworded.items():
        reader.notes.append(
            f"{many} label{'s' if many > 1 else ''} of {name} left out: a level of another wording, which "
            f"{rubric.reference} does not have"
        )
    if reader.blank:
        said = f"{reader.blank} of {reader.drawn} drawn items were left blank"
        reader.notes.append(f"{said}; if that was because they were hard, the rates are off: label them too")
    labels = lend_roles(labels, reader.roles)
    return _settle_duplicates(labels, rubric, problems, reader.notes), reader.roles


class _Reader:
    def __init__(self, rubric: Rubric, problems: Problems, id_column: str) -> None:
        self.rubric, self.problems, self.id_column = rubric, problems, id_column
        self.questions: dict[str, Criterion] = {name.casefold(): c for name, c in rubric.by_name.items()}
        overall = overall_criterion(rubric)
        if overall is not None:
            self.questions[OVERALL] = overall
        self.notes: list[str] = []
        self.strange: set[str] = set()
        self.roles: dict[str, str] = {}
        self.reworded: Counter[str] = Counter()
        self.wide = self.matched = False
        self.drawn = self.blank = 0
        self.has_ids: bool | None = None

    def row(self, row: Row) -> Iterator[Label]:
        columns = self.columns(row)
        identity = self.identity(columns, row.line)
        columns = self.unsealed(identity, columns, row.line)
        if "criterion" in columns or "label" in columns:
            pairs = [(columns.get("criterion"), columns.get("label"))]
        else:
            self.wide = True
            pairs = [(name, columns[name]) for name in self.questions if name in columns]
            self.matched = self.matched or bool(pairs)
            self.strange.update(key for key in row.columns if key.strip().casefold() not in self.questions)
        answered = False
        for criterion, answer in pairs:
            label = self.label(identity, criterion, answer, columns, row.line)
            if label is not None:
                answered = True
                yield label
        if self.wide and columns.get("design") and not self.cell(read_flag, columns, "repeat"):
            self.drawn += 1
            self.blank += not answered

    def columns(self, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in row.columns.items():
            key = name.strip().casefold()
            if key in found and (key in LONG or key in self.questions or key == self.id_column.casefold()):
                self.problems.add(f"the column {key!r} stands twice (case does not matter)", row.line)
            found[key] = value
        return found

    def unsealed(self, identity: str | None, columns: dict[str, Any], line: int) -> dict[str, Any]:
        try:
            return columns if identity is None else unseal(identity, columns)
        except ValueError as error:
            self.problems.add(str(error), line, "frame")
            return {**columns, "frame": None}

    def cell(self, read: Callable[[Any], Any], columns: dict[str, Any], name: str, line: int = 0) -> Any:
        """Read a cell; what is wrong with it is a problem where a line is given, and the cell blank."""
        try:
            return read(columns.get(name))
        except ValueError as error:
            if line:
                self.problems.add(str(error), line, name)
            return read(None)

    def identity(self, columns: dict[str, Any], line: int) -> str | None:
        key = self.id_column.casefold()
        if self.has_ids is None and key not in columns:
            self.has_ids = False
            self.problems.add(
                f"no column {self.id_column!r} names the item that a label is about; the file has "
                f"{', '.join(columns)}; rename the one that does to {self.id_column!r}",
                line,
            )
        if not (found := key in columns) and not self.has_ids:
            return None
        self.has_ids = self.has_ids or found
        raw = columns.get(key)
        if raw is None:
            self.problems.add("is missing: a label names the item it is about", line, self.id_column)
            return None
        try:
            return read_id(raw)
        except ValueError as error:
            self.problems.add(str(error), line, self.id_column)
            return None

    def label(
        self, identity: str | None, name: Any, answer: Any, columns: dict[str, Any], line: int
    ) -> Label | None:
        criterion = self.question(name, line)
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            return None  # blank is "not labelled"
        if criterion is None:
            return None
        if isinstance(answer, bool):
            answer = "true" if answer else "false"
        if not isinstance(answer, str | int | float):
            self.problems.add(f"{answer!r} is not a label", line, criterion.name)
            return None
        wording = self.wording(columns.get("criterion_digest"), criterion.name)
        try:
            read = match_answer(criterion, str(answer))
        except ValueError as error:
            if wording not in ("", self.rubric.criterion_digests.get(criterion.name)):
                self.reworded[criterion.name] += 1  # a level of its own time
                role = self.extras(columns, line)["role"]
                remember_roles(self.roles, [(identity, role)] if identity is not None else [])
                return None
            self.problems.add(str(error), line, criterion.name if self.wide else "label")
            return None
        extras = self.extras(columns, line) | {"criterion_digest": wording}
        if identity is None:
            return None
        rater = self.cell(read_rater, columns, "rater", line)
        return Label(identity, criterion.name, rater, read, line=line, **extras)

    def question(self, name: Any, line: int) -> Criterion | None:
        text = str(name or "").strip()
        if not text and len(self.rubric.criteria) == 1:
            return self.rubric.criteria[0]
        if not text:
            self.problems.add(
                "is missing: which question of the rubric does the label answer?", line, "criterion"
            )
            return None
        found = self.questions.get(text.casefold())
        if found is None:
            known = ", ".join(self.questions)
            close = get_close_matches(text.casefold(), self.questions, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            message = f"{text!r} is not a criterion of {self.rubric.name} ({known}){hint}"
            if text.casefold() == OVERALL:
                message = f"{self.rubric.name} has neither gate nor threshold, so no item passes overall"
            self.problems.add(message, line, "criterion")
        return found

    def extras(self, columns: dict[str, Any], line: int) -> dict[str, Any]:
        role, design = (str(columns.get(key) or "").strip().casefold() for key in ("role", "design"))
        for key, value, allowed in (("role", role, ROLES), ("design", design, DESIGNS)):
            if value and value not in allowed:
                self.problems.add(f"{value!r} is not one of {', '.join(allowed)}", line, key)
        return {
            "note": str(columns.get("note") or ""),
            "at": str(columns.get("at") or ""),
            "repeat": self.cell(read_flag, columns, "repeat", line),
            "supersedes": self.cell(read_flag, columns, "supersedes", line),
            "role": role,
            "design": design,
            "probability": self.cell(read_probability, columns, "probability", line),
            "stratum": str(columns.get("stratum") or ""),
            "frame": self.cell(read_frame, columns, "frame", line),
        }

    def wording(self, raw: Any, criterion: str) -> str:
        """Give the digest of the criterion that was answered: a text, or, in a wide row, one for each."""
        try:
            found = loads(raw) if isinstance(raw, str) and raw.lstrip().startswith("{") else raw
        except NotJson:
            found = raw
        return str((found.get(criterion) if isinstance(found, dict) else found) or "")

    def unknown_columns(self) -> None:
        """Catch a criterion column misspelt; other columns of a spreadsheet are none of our business."""
        if not self.wide:
            return
        others = {name for name in self.strange if name.strip().casefold() not in LONG}
        for name in sorted(others):
            close = get_close_matches(name.strip().casefold(), self.questions, n=1, cutoff=0.8)
            if close:
                self.problems.add(f"the column {name!r} is not a criterion; did you mean {close[0]!r}?", 1)
        if not self.matched:
            known = ", ".join(self.questions)
            self.problems.add(
                f"has neither the columns criterion and label, nor one of a criterion ({known})", 1
            )


def _settle_duplicates(labels: list[Label], rubric: Rubric, problems: Problems, notes: list[str]) -> LabelSet:
    """Keep one of identical labels, let a superseding one win, refuse other second opinions of one rater."""
    current = rubric.criterion_digests
    kept: dict[tuple[str, str, str, str], Label] = {}
    repeats: list[Label] = []
    same = replaced = 0
    for label in labels:
        # An answer to another wording is no second opinion.
        wording = label.criterion_digest
        key = (label.id, label.criterion, label.rater, wording * (wording != current.get(label.criterion)))
        before = kept.get(key)
        if label.repeat:
            repeats.append(label)
        elif before is None:
            kept[key] = label
        elif label.supersedes:
            kept[key], replaced = label, replaced + 1
        elif _bare(label) == _bare(before):
            same += 1
        else:
            problems.add(_conflict(before, label), label.line, "label", label.source)
    if same:
        notes.append(f"{same} identical label{'s' if same > 1 else ''} kept once")
    if replaced:
        notes.append(f"{replaced} label{'s' if replaced > 1 else ''} superseded by a later one")
    return LabelSet(tuple(kept.values()) + tuple(repeats), tuple(notes))


def _bare(label: Label) -> Label:
    """Leave out where a label stands, and what is said beside it."""
    return replace(label, line=None, source="", note="", at="")


def _conflict(before: Label, label: Label) -> str:
    who = f"rater {label.rater!r} said {before.answer!r} of {label.criterion!r} for id {label.id!r}"
    where = f"in {before.place}" if before.source else f"on {before.place}"
    cure = "mark the later row supersedes or repeat, or remove one"
    if before.source != label.source:
        cure = f"if two people, give each a rater name (judgekit plan --rater NAME); else {cure}"
    if before.answer != label.answer:
        return f"{who} {where}, and here {label.answer!r}; {cure}"
    names = (f.name for f in fields(Label) if f.name not in ("line", "source", "note", "at"))
    differ = ", ".join(name for name in names if getattr(before, name) != getattr(label, name))
    return f"{who} here and {where}, but with another {differ}; {cure}"
