"""Items of a graded file, taken out of it as they were, to be asked again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgekit.errors import Problems, UsageError
from judgekit.files.graded import GradedRow, graded_from_rows, read_manifest
from judgekit.files.items import Columns, item_key
from judgekit.files.rows import read_rows
from judgekit.item import Item
from judgekit.rubric import Rubric


@dataclass(frozen=True, slots=True)
class Graded:
    """An item with the row that was graded."""

    item: Item
    row: GradedRow


def graded_items(graded: Path, rubric: Rubric, constants: dict[str, Any], wanted: Any) -> Iterator[Graded]:
    """Yield the items of a graded file whose ids are wanted.

    Parameters
    ----------
    graded : Path
    rubric : Rubric
        That it was graded by.
    constants : dict
        Fields that were the same for every item; the file does not hold them.
    wanted : container of str, or callable of str
        Ids.

    Raises
    ------
    InputError
        Naming each row without its item, and each whose item is not the one that was graded.
    UsageError
        If a constant is missing.
    """
    columns = _columns(graded, read_manifest(graded), constants)
    problems, keys = Problems(str(graded)), dict[str, Any]()

    def chosen() -> Iterator[Any]:
        for row in read_rows(graded, problems):
            identity = row.columns.get("id")
            if isinstance(identity, str) and (wanted(identity) if callable(wanted) else identity in wanted):
                keys[identity] = row.columns.get("key")
                yield row

    for row in graded_from_rows(chosen(), problems):
        if row.columns is None:
            problems.add(f"id {row.id!r} was graded with --omit-items; its text is not here", row.line)
            continue
        item = Item(row.id, columns.fields(row.columns, rubric))
        if keys[row.id] not in (None, f"{item_key(item):016x}"):
            said = f"the item of id {row.id!r} is not the one that was graded"
            problems.add(f"{said}; were its texts changed, or those of --set?", row.line)
            continue
        yield Graded(item, row)
    problems.raise_if_any()


def _columns(graded: Path, manifest: dict[str, Any], constants: dict[str, Any]) -> Columns:
    """Read the fields as the run read them."""
    said = manifest.get("columns") or {}
    if lacking := [name for name in said.get("set") or () if name not in constants]:
        raise UsageError(
            f"{graded} was graded with --set {lacking[0]}=…, which its rows do not hold; give it here too"
        )
    fixed = {name: constants[name] for name in said.get("set") or ()}
    csv = Path(str((manifest.get("input") or {}).get("name"))).suffix.lower() in (".csv", ".tsv")
    return Columns(None, said.get("map") or {}, fixed, csv)
