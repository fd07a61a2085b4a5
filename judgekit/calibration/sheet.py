"""A sheet to label: one row an item, blank columns for the answers, and how the item was drawn."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from judgekit._json import dumps
from judgekit.errors import InputError, Problem, Problems, UsageError
from judgekit.files.atomic import write_atomic
from judgekit.files.graded import manifest_path, manifest_rubric, read_graded, read_manifest
from judgekit.files.items import Columns, ItemFile
from judgekit.files.label_cells import seal
from judgekit.item import field_text
from judgekit.library import find
from judgekit.rubric import Rubric

# A spreadsheet runs a cell that begins like this; an apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

Items = list[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Line:
    """One row of a sheet: an item, and what is said of its draw.

    Attributes
    ----------
    id : str
    fields : mapping
        What the rubric shows of the item.
    draw : mapping
        ``design``, ``frame``, and where they apply ``probability``, ``stratum``, ``repeat``, ``role``. The
        sheet shows nothing of it that tells of the judge.
    """

    id: str
    fields: Mapping[str, Any]
    draw: Mapping[str, Any]


def sheet_rubric(source: str | Path, rubric: str | Path | Rubric | None) -> Rubric:
    """Give the rubric that people answer: graded rows know theirs.

    Raises
    ------
    UsageError
        If items come without one.
    """
    if manifest_path(source).exists():
        return manifest_rubric(read_manifest(source), str(source))
    if rubric is None:
        raise UsageError(f"{source} is no graded file, so say which rubric people answer: --rubric")
    return find(rubric)


def read_fields(source: str | Path, rubric: Rubric, columns: Columns) -> Items:
    """Give id and fields of each item, in file order; `columns` as for `draw_sheet`.

    Raises
    ------
    InputError
        If a file is wrong.
    UsageError
        If `columns` leaves open what the run did not keep.
    """
    return list(_rows(Path(source), rubric, columns))


def _rows(source: Path, rubric: Rubric, columns: Columns) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if manifest_path(source).exists():
        columns = _as_graded(source, read_manifest(source), columns)
        columns.check(rubric)
        for graded in read_graded(source):
            yield graded.id, columns.fields(_shown(graded.columns, source), rubric)
        return
    items = ItemFile(source, rubric, columns)
    items.check()
    for row in items:
        yield row.item.id, row.item.fields


def _as_graded(source: Path, manifest: dict[str, Any], asked: Columns) -> Columns:
    """Complete what was asked for by what the run recorded."""
    recorded = manifest.get("columns") or {}
    if asked.id not in (None, recorded.get("id")):
        raise UsageError(f"{source}: graded rows have their ids already; leave --id {asked.id} away")
    if gone := sorted(set(recorded.get("set") or ()) - asked.constants.keys() - asked.renamed.keys()):
        again = " ".join(f"--set {name}=…" for name in gone)
        raise UsageError(
            f"{source}: the run gave every item the same {' and '.join(gone)} and kept no text of it; "
            f"people have to see it too: give {again} again, as for judgekit grade"
        )
    renamed = {k: v for k, v in (recorded.get("map") or {}).items() if k not in asked.constants}
    blank = str((manifest.get("input") or {}).get("name")).lower().endswith((".csv", ".tsv"))
    return replace(asked, renamed={**renamed, **asked.renamed}, blank_is_absent=blank)


def _shown(columns: Mapping[str, Any] | None, source: Path) -> Mapping[str, Any]:
    if columns is None:
        raise InputError([Problem("was written without its items; draw from the items file", str(source))])
    return columns


def check_out(out: Path) -> None:
    """Raise UsageError for a file that is no sheet, or may hold labels."""
    if out.suffix not in (".csv", ".jsonl"):
        raise UsageError(f"{out}: a sheet is .csv or .jsonl")
    if out.exists():
        raise UsageError(f"{out} exists, and may hold labels; choose another --out")


def write_sheet(
    out: Path, lines: Sequence[Line], rubric: Rubric, asked: Sequence[str], rater: str, source: str
) -> None:
    """Write a sheet with a blank column for each criterion asked.

    Raises
    ------
    UsageError
        If a cell would run as a formula.
    InputError
        Naming each item that lacks what the rubric says people need.
    """
    _check_fields(source, lines, rubric)
    digests = {name: rubric.criterion_digests[name] for name in asked}
    rows = [_row(line, rubric, asked, rater, digests) for line in lines]
    write_atomic(out, _csv(rows) if out.suffix == ".csv" else (dumps(row) + "\n" for row in rows))


def _check_fields(source: str, lines: Sequence[Line], rubric: Rubric) -> None:
    """Refuse a sheet on which people would answer without what the rubric says they need."""
    problems = Problems(source)
    for line in lines:
        for name in rubric.required():
            if name not in line.fields:
                message = (
                    f"the item {line.id!r} has no {name}, which {rubric.name} needs; "
                    f"say where it is: --map {name}=COLUMN or --set {name}=TEXT"
                )
                problems.add(message)
    problems.raise_if_any()


def _row(
    line: Line, rubric: Rubric, asked: Sequence[str], rater: str, digests: dict[str, str]
) -> dict[str, Any]:
    fields = {name: field_text(name, line.fields[name]) for name in rubric.inputs if name in line.fields}
    blank = dict.fromkeys((*asked, "note"), "")
    return {
        "id": line.id,
        **fields,
        **blank,
        "rater": rater,
        **seal(line.id, line.draw),
        "criterion_digest": digests,
    }


def _csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    rows = list(rows)
    header = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    # All in quotes: else a lone \r stays without, and a spreadsheet that expects semicolons splits texts.
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    for row in rows:
        if row["id"].startswith(_FORMULA):
            raise UsageError(
                f"the id {row['id']!r} would run as a formula in a spreadsheet; write a .jsonl sheet"
            )
        writer.writerow([_cell(row.get(key, "")) for key in header])
    yield "\ufeff"  # spreadsheets read UTF-8 only where a BOM says so
    yield text.getvalue()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else dumps(value)
    return "'" + text if text.startswith(_FORMULA) else text
