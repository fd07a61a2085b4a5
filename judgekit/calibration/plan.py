"""Draw a random sample for labelling, and write the design into the sheet."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._json import dumps
from judgekit.errors import InputError, Problem, UsageError
from judgekit.files.atomic import write_atomic
from judgekit.files.graded import manifest_path, manifest_rubric, read_graded, read_manifest
from judgekit.files.items import ItemFile
from judgekit.labels import frame_of
from judgekit.library import find
from judgekit.prompt import field_text
from judgekit.rubric import Rubric

# A spreadsheet runs a cell that begins like this; an apostrophe makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Sheet:
    """A sheet to fill in: how many items were drawn, out of how many, and the columns to answer."""

    drawn: int
    total: int
    criteria: tuple[str, ...]


def draw_sheet(
    source: str | Path,
    out: str | Path,
    n: int,
    *,
    rubric: str | Path | Rubric | None = None,
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
    seed : int or None
        None draws anew each time.

    Raises
    ------
    UsageError
        If there are fewer items than asked for, `out` exists, or items come without a rubric.
    """
    out = Path(out)
    if out.suffix not in (".csv", ".jsonl"):
        raise UsageError(f"{out}: a sheet is .csv or .jsonl")
    if out.exists():
        raise UsageError(f"{out} exists, and may hold labels; choose another --out")
    one, rows = _rows(Path(source), rubric)
    found = list(rows)
    if n > len(found):
        raise UsageError(f"{source} holds {len(found)} items, {n} cannot be drawn")
    # The draw is the order too: a rater meets the items shuffled.
    chosen = np.random.default_rng(seed).choice(len(found), n, replace=False)
    frame = frame_of(identity for identity, _ in found)
    drawn = [found[int(place)] for place in chosen]
    lines = [_line(identity, columns, one, rater, frame) for identity, columns in drawn]
    write_atomic(out, _csv(lines) if out.suffix == ".csv" else (dumps(line) + "\n" for line in lines))
    return Sheet(n, len(found), tuple(one.by_name))


def _rows(
    source: Path, rubric: str | Path | Rubric | None
) -> tuple[Rubric, Iterator[tuple[str, dict[str, Any]]]]:
    if manifest_path(source).exists():
        one = manifest_rubric(read_manifest(source), str(source))
        return one, ((row.id, _shown(row.columns, source)) for row in read_graded(source))
    if rubric is None:
        raise UsageError(f"{source} is no graded file, so say which rubric people answer: --rubric")
    one = find(rubric)
    items = ItemFile(source, one)
    items.check()
    return one, ((row.item.id, row.columns) for row in items)


def _shown(columns: dict[str, Any] | None, source: Path) -> dict[str, Any]:
    if columns is None:
        raise InputError([Problem("was written without its items; draw from the items file", str(source))])
    return columns


def _line(
    identity: str, columns: dict[str, Any], rubric: Rubric, rater: str, frame: dict[str, Any]
) -> dict[str, Any]:
    fields = {
        name: field_text(name, columns[name]) for name in rubric.inputs if columns.get(name) is not None
    }
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
