"""Draw a random sample for labelling, and write the design into the sheet."""

import csv
import io
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._json import dumps
from judgekit.errors import InputError, Problem, Problems, UsageError
from judgekit.files.atomic import write_atomic
from judgekit.files.graded import manifest_path, manifest_rubric, read_graded, read_manifest
from judgekit.files.items import Columns, ItemFile
from judgekit.item import field_text
from judgekit.labels import frame_of
from judgekit.library import find
from judgekit.rubric import Rubric

LABELS, FRESH = 60, 30  # to calibrate, and to settle what changed in another batch
# A spreadsheet runs a cell that begins like this; an apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Sheet:
    """A sheet to fill in: how many items were drawn, out of how many, and the columns to answer."""

    drawn: int
    total: int
    criteria: tuple[str, ...]


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


def draw_sheet(
    source: str | Path,
    out: str | Path,
    n: int,
    *,
    rubric: str | Path | Rubric | None = None,
    columns: Columns | None = None,
    rater: str = "human",
    seed: int | None = None,
) -> Sheet:
    """Draw n items at random and write one row each, with a blank column per criterion.

    Parameters
    ----------
    source : path
        Graded rows (their verdicts are not shown) or items.
    out : path
        ``.csv`` or ``.jsonl``; must not exist, so that no label is overwritten.
    columns : Columns or None
        How columns become fields. What it leaves open is as the run that graded the rows had it, but for a
        text that was the same for every item: the run keeps its name only.
    seed : int or None
        None draws anew each time.

    Raises
    ------
    UsageError
        If there are fewer items than asked for, `out` exists, items come without a rubric, or a field is
        missing that the judge saw or the rubric requires.
    """
    out = Path(out)
    if out.suffix not in (".csv", ".jsonl"):
        raise UsageError(f"{out}: a sheet is .csv or .jsonl")
    if out.exists():
        raise UsageError(f"{out} exists, and may hold labels; choose another --out")
    one = sheet_rubric(source, rubric)
    found = list(_rows(Path(source), one, columns or Columns()))
    if n > len(found):
        raise UsageError(f"{source} holds {len(found)} items, {n} cannot be drawn")
    # The draw is the order too: a rater meets the items shuffled.
    chosen = np.random.default_rng(seed).choice(len(found), n, replace=False)
    frame = frame_of(identity for identity, _ in found)
    drawn = [found[int(place)] for place in chosen]
    _check_fields(str(source), drawn, one)
    lines = [_line(identity, fields, one, rater, frame) for identity, fields in drawn]
    write_atomic(out, _csv(lines) if out.suffix == ".csv" else (dumps(line) + "\n" for line in lines))
    return Sheet(n, len(found), tuple(one.by_name))


def _rows(source: Path, rubric: Rubric, columns: Columns) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield id and fields of each item."""
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


def _check_fields(source: str, drawn: list[tuple[str, Mapping[str, Any]]], rubric: Rubric) -> None:
    """Refuse a sheet on which people would answer without what the rubric says they need."""
    problems = Problems(source)
    for identity, fields in drawn:
        for name in rubric.required():
            if name not in fields:
                message = (
                    f"the item {identity!r} has no {name}, which {rubric.name} needs; "
                    f"say where it is: --map {name}=COLUMN or --set {name}=TEXT"
                )
                problems.add(message)
    problems.raise_if_any()


def plan_command(source: str | Path, n: int, manifest: Mapping[str, Any], items: int) -> str:
    """Give the command that draws a sample of graded rows, at most as many as there are."""
    constants = (manifest.get("columns") or {}).get("set") or ()
    again = "".join(f" --set {shlex.quote(name)}=…" for name in constants)
    return f"judgekit plan {shlex.quote(str(source))}{again} --n {min(n, items)} --out TO_LABEL.csv"


def _line(
    identity: str, given: Mapping[str, Any], rubric: Rubric, rater: str, frame: dict[str, Any]
) -> dict[str, Any]:
    fields = {name: field_text(name, given[name]) for name in rubric.inputs if name in given}
    blank = dict.fromkeys((*rubric.by_name, "note"), "")
    return {"id": identity, **fields, **blank, "rater": rater, "design": "random", "frame": frame}


def _csv(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    rows = list(lines)
    header = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # else a lone \r in a cell stays without quotes
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
