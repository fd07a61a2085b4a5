"""Items from a file: ids, the fields a rubric asks for, and all that is wrong, found before paying."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from hashlib import blake2b, sha256
from pathlib import Path
from threading import Event
from typing import Any

from judgekit.errors import Problems, Stopped, UsageError
from judgekit.files.rows import Row, read_rows
from judgekit.item import Item, content_id, read_id
from judgekit.rubric import Rubric

SHOWN_COLUMNS = 40
CURE = "fill it in (an empty text can be stated in JSONL), or mark the field `required: false` in the rubric"


@dataclass(frozen=True)
class Columns:
    """How the columns of a file become the fields of an item.

    Attributes
    ----------
    id : str or None
        Column of the id; None takes ``id`` where the file has it, else a digest of the content.
    renamed : mapping of str to str
        Field of the rubric to column of the file.
    constants : mapping of str to Any
        Fields that are the same for every item.
    blank_is_absent : bool
        Whether an empty cell is no value, as in CSV, which cannot write null.
    """

    id: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    blank_is_absent: bool = False

    def fields(self, columns: Mapping[str, Any], rubric: Rubric) -> dict[str, Any]:
        """Pick the fields that the rubric asks for; null is absent."""
        found: dict[str, Any] = {}
        for name in rubric.inputs:
            if name in self.constants:
                value = self.constants[name]
            else:
                value = columns.get(self.renamed.get(name, name))
                if self.blank_is_absent and value == "":
                    continue
            if value is not None:
                found[name] = value
        return found

    def check(self, rubric: Rubric) -> None:
        """Refuse fields that the rubric does not have, and fields given twice.

        Raises
        ------
        UsageError
            For the first of them.
        """
        for name in (*self.renamed, *self.constants):
            if name not in rubric.inputs:
                close = get_close_matches(name, rubric.inputs, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise UsageError(f"{name!r} is no field of {rubric.name} ({', '.join(rubric.inputs)}){hint}")
        if both := self.renamed.keys() & self.constants.keys():
            raise UsageError(f"{min(both)!r} is both renamed and set; give one of the two")


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item with the original columns of its row, and its line."""

    item: Item
    columns: dict[str, Any]
    line: int


@dataclass(frozen=True)
class Census:
    """What a file holds: the number of items, and a 64-bit key of id and content for each, in order."""

    count: int
    keys: "array[int]"

    @property
    def digest(self) -> str:
        """Digest of ids and contents in order."""
        return "sha256:" + sha256(self.keys.tobytes()).hexdigest()


def item_key(item: Item) -> int:
    """Give 64 bits that tell an item, its id and its content, from any other of a file."""
    text = f"{item.id}\0{item.digest}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


class ContentIds:
    """Gives ids to rows that have none: a digest of the content; repeats get ``-2`` and so on."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, columns: Mapping[str, Any]) -> str:
        """Give the id of the next row."""
        base = content_id(columns)
        self._seen[base] += 1
        return base if self._seen[base] == 1 else f"{base}-{self._seen[base]}"


class ItemFile:
    """A file of items for one rubric.

    Parameters
    ----------
    path : str or Path
    rubric : Rubric
    columns : Columns
        How columns become fields.

    Raises
    ------
    UsageError
        If the columns name a field that the rubric does not have.
    """

    def __init__(self, path: str | Path, rubric: Rubric, columns: Columns | None = None) -> None:
        self.path = Path(path)
        self.rubric = rubric
        columns = columns or Columns()
        columns.check(rubric)
        is_csv = self.path.suffix.lower() in (".csv", ".tsv")
        self.columns = replace(columns, blank_is_absent=is_csv)

    def check(self, stop: Event | None = None) -> Census:
        """Read the whole file once: how many items, and the key of each in order.

        Raises
        ------
        InputError
            Naming every row that cannot be read, every id twice or unfit, every required field missing.
        Stopped
            Soon after `stop` is set from another thread.
        """
        problems = Problems(str(self.path))
        first_line: dict[bytes, int] = {}
        lacking: Counter[str] = Counter()
        lacks: list[tuple[str, ItemRow]] = []
        known: set[str] = set()
        count = 0
        keys = array("Q")
        for row in self._rows(problems):
            if stop is not None and stop.is_set():
                raise Stopped("interrupted while the items were checked")
            count += 1
            keys.append(item_key(row.item))
            known.update(row.columns)
            key = blake2b(row.item.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            if key in first_line:
                problems.add(
                    f"the id {row.item.id!r} stands already on line {first_line[key]}", row.line, "id"
                )
            first_line.setdefault(key, row.line)
            for name in self._lacking(row):
                lacking[name] += 1
                lacks.append((name, row)) if len(lacks) < 1000 else None
        self._report_lacking(problems, lacking, lacks, count, known)
        self._report_columns(problems, count, known, lacking)
        if not count and not problems:
            problems.add("holds no items")
        problems.raise_if_any()
        return Census(count, keys)

    def _lacking(self, row: ItemRow) -> list[str]:
        return [name for name in self.rubric.required() if name not in row.item.fields]

    def _report_lacking(
        self,
        problems: Problems,
        lacking: Counter[str],
        lacks: list[tuple[str, ItemRow]],
        count: int,
        known: set[str],
    ) -> None:
        for name, rows in lacking.items():
            column = self.columns.renamed.get(name, name)
            if rows == count and column not in known:
                close = get_close_matches(column, known, n=1)
                example = close[0] if close else "COLUMN"
                problems.add(
                    f"no row has a column {column!r}, which {self.rubric.name} needs; the file has "
                    f"{_listed(known)}; rename with --map {name}={example}",
                    field=name,
                )
                continue
            for row in (row for lacked, row in lacks if lacked == name):
                said = f"is required and missing for id {row.item.id!r}: {CURE}"
                problems.add(said, row.line, name)
            problems.total += rows - sum(one[0] == name for one in lacks)

    def _report_columns(
        self, problems: Problems, count: int, known: set[str], lacking: Mapping[str, int]
    ) -> None:
        """Report a column that was asked for by name and that no row has."""
        for name, column in self.columns.renamed.items():
            if count and column not in known and name not in lacking:
                problems.add(no_column("column", column, known), field=name)

    def __iter__(self) -> Iterator[ItemRow]:
        """Yield the items of a file that `check` has passed."""
        problems = Problems(str(self.path))
        yield from self._rows(problems)
        problems.raise_if_any()

    def _rows(self, problems: Problems) -> Iterator[ItemRow]:
        column = self.columns.id or "id"
        ids = ContentIds()
        with_id = without = 0
        seen: set[str] = set()
        for row in read_rows(self.path, problems):
            if self.columns.id is not None and not with_id:
                seen.update(row.columns)
            stated = column in row.columns
            with_id, without = with_id + stated, without + (not stated)
            identity: str | None = None
            if stated:
                if without:
                    problems.add("the row has an id, and an earlier one has none", row.line, column)
                identity = self._stated_id(row.columns[column], row, problems)
            elif with_id:
                problems.add("the row has no id, and an earlier one has one", row.line, column)
            else:
                identity = ids.of(row.columns)
            if identity is not None:
                fields = self.columns.fields(row.columns, self.rubric)
                yield ItemRow(Item(identity, fields), row.columns, row.line)
        if self.columns.id is not None and without and not with_id:
            problems.add(no_column("id column", column, seen), field="id")

    def _stated_id(self, value: Any, row: Row, problems: Problems) -> str | None:
        try:
            return read_id(value)
        except ValueError as error:
            problems.add(str(error), row.line, self.columns.id or "id")
            return None


def no_column(what: str, column: str, known: set[str]) -> str:
    """Say that a column asked for by name is not there, and which are."""
    close = get_close_matches(column, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"no row has the {what} {column!r}; the file has {_listed(known)}{hint}"


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:SHOWN_COLUMNS]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
