"""Rows of JSONL, CSV and JSON files, one after the other, each with its line; strict about what they hold."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from judgekit._json import NotJson, decode_prefix, loads
from judgekit.errors import InputError, Problem, Problems

MAX_LINE = 64 * 1024 * 1024
MAX_JSON = 512 * 1024 * 1024
MAX_COLUMNS = 10_000
SUFFIXES = (".jsonl", ".csv", ".tsv", ".json")
SAVE_AS = "in a spreadsheet: save as CSV UTF-8"

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "Parquet",
}
_MAGIC |= {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its columns, and the line it begins on."""

    columns: dict[str, Any]
    line: int


def read_rows(path: str | Path, problems: Problems) -> Iterator[Row]:
    """Yield the rows of a file by its suffix; a row that cannot be read is a problem, not a row.

    Raises
    ------
    InputError
        If the file as a whole is none of ours: missing, a pipe, binary, compressed, of an unknown suffix.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        said = f"the suffix {suffix or '(none)'} is not one of {', '.join(SUFFIXES)}"
        hint = f"; {SAVE_AS}" if suffix in (".xlsx", ".xls", ".ods", ".numbers") else ""
        raise InputError([Problem(said + hint, str(path))])
    try:
        refuse_pipes(path)
        with path.open("rb") as stream:
            _refuse_foreign(stream, path)
            if suffix == ".jsonl":
                yield from _jsonl(stream, problems)
            elif suffix == ".json":
                yield from _json(stream, problems)
            else:
                yield from _csv(path, problems, "\t" if suffix == ".tsv" else None)
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None


def refuse_pipes(path: Path) -> None:
    """Raise InputError for a pipe or a device: it may never end, and is read more than once."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(
            [Problem("is a pipe or a device, not a file; write what it gives to a file first", str(path))]
        )


def _refuse_foreign(stream: IO[bytes], path: Path) -> None:
    head = stream.read(4096)
    stream.seek(0)
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            hint = f"; {SAVE_AS}" if path.suffix.lower() in (".csv", ".tsv") else ""
            said = f"holds {what}, not the UTF-8 text that its suffix says{hint}"
            raise InputError([Problem(said, str(path))])
    if b"\0" in head:
        raise InputError([Problem("holds binary data or UTF-16; save it as UTF-8 text", str(path))])


def _lines(stream: IO[bytes], problems: Problems) -> Iterator[tuple[int, str]]:
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            problems.add(f"the line is longer than {MAX_LINE // 2**20} MiB", number)
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(MAX_LINE)
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            problems.add(f"is not UTF-8 text (byte {error.start + 1} of the line)", number)
            continue
        if text.strip():
            yield number, text.rstrip("\r\n")


def _jsonl(stream: IO[bytes], problems: Problems) -> Iterator[Row]:
    for number, text in _lines(stream, problems):
        try:
            value = loads(text)
        except NotJson as error:
            problems.add(str(error), number)
            continue
        if isinstance(value, dict):
            yield Row(value, number)
        else:
            problems.add("the line is not a JSON object, {…}", number)


def _json(stream: IO[bytes], problems: Problems) -> Iterator[Row]:
    raw = stream.read(MAX_JSON + 1)
    if len(raw) > MAX_JSON:
        problems.add(f"is larger than {MAX_JSON // 2**20} MiB; use JSONL, which is read line by line")
        return
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add("is not UTF-8 text", raw[: error.start].count(b"\n") + 1)
        return
    yield from _array(text, problems)


def _array(text: str, problems: Problems) -> Iterator[Row]:
    def skip(place: int) -> int:
        while place < len(text) and text[place] in " \t\r\n":
            place += 1
        return place

    place, line, counted = skip(0), 1, 0
    if not text.startswith("[", place):
        problems.add("must be one array of objects, [{…}, {…}]; for one object a line use .jsonl", 1)
        return
    place = skip(place + 1)
    while not text.startswith("]", place):
        line, counted = line + text.count("\n", counted, place), place
        try:
            value, end = decode_prefix(text, place)
        except NotJson as error:
            problems.add(str(error), line)
            return
        if isinstance(value, dict):
            yield Row(value, line)
        else:
            problems.add("an entry of the array is not an object, {…}", line)
        place = skip(end)
        if text.startswith(",", place):
            place = skip(place + 1)
            if text.startswith("]", place):
                problems.add("the array ends in a comma", line + text.count("\n", counted, place))
        elif not text.startswith("]", place):
            problems.add(
                "expected , or ] after an entry of the array", line + text.count("\n", counted, place)
            )
            return
    if (place := skip(place + 1)) != len(text):
        problems.add("something follows the end of the array", line + text.count("\n", counted, place))


def _csv(path: Path, problems: Problems, delimiter: str | None) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        if delimiter is None:
            # Spreadsheets of many countries write semicolons, and call it CSV all the same.
            head = re.sub(r'"[^"]*("|$)', "", stream.readline(MAX_LINE))
            delimiter = max(",;\t", key=head.count)
            stream.seek(0)
        csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
        reader = csv.reader(_bounded(stream), delimiter=delimiter, strict=True)
        header: list[str] | None = None
        begins, nameless = 1, 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                problems.add(f"not readable as CSV: {error}", begins)
                return
            if cells is None:
                break
            line, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(cells, problems, line)
                if header is None:
                    return
                nameless = len(cells) - len(header)
            elif _clean(cells, header, nameless, problems, line):
                yield Row(dict(zip(header, cells, strict=False)), line)


def _bounded(stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise csv.Error(f"a line is longer than {MAX_LINE // 2**20} MiB")
        yield line


def _header(cells: list[str], problems: Problems, line: int) -> list[str] | None:
    """Read the names; columns at the end that have none, as a trailing separator makes them, are left out."""
    names = [cell.strip() for cell in cells]
    while not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        problems.add(f"the header has {len(names):,} columns, more than {MAX_COLUMNS:,}", line)
        return None
    before = problems.total
    for name, times in Counter(names).items():
        if not name:
            problems.add(f"column {names.index('') + 1} has no name; name it, or remove the column", line)
        elif times > 1:
            problems.add(f"the column {name!r} stands twice in the header", line)
        elif _not_utf8(name):
            problems.add(f"is not UTF-8 text; {SAVE_AS}", line)
    return names if problems.total == before else None


def _not_utf8(cell: str) -> bool:
    # A surrogate can only come from a byte that is not UTF-8: CSV has no escape for one.
    return any("\udc80" <= char <= "\udcff" for char in cell if char > "\ud7ff")


def _clean(cells: list[str], header: list[str], nameless: int, problems: Problems, line: int) -> bool:
    beyond = cells[len(header) :]
    filled = next((n for n, cell in enumerate(beyond, len(header) + 1) if cell.strip()), None)
    if len(beyond) == nameless and nameless and filled:
        problems.add(f"column {filled} holds something and has no name; name it, or remove the column", line)
        return False
    if len(cells) != len(header) and (filled or len(beyond) != nameless or not nameless):
        absent = ", ".join(header[len(cells) :])
        what = f"missing: {absent}" if absent else "is a comma inside a text not in quotes?"
        problems.add(f"the row has {len(cells)} cells, the header {len(header)} columns; {what}", line)
        return False
    if any(_not_utf8(cell) for cell in cells):
        problems.add(f"is not UTF-8 text; {SAVE_AS}", line)
        return False
    return True
