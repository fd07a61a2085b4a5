"""``judgekit calibrate --model`` or ``--judge``: another judge on the items that people have labelled."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import typer

from judgekit._json import dumps
from judgekit.cli.columns import read_columns
from judgekit.cli.console import Console, ExitCode, duration, money
from judgekit.cli.grade import graded_rows
from judgekit.cli.which import Which, make_room, where_to
from judgekit.errors import InputError, UsageError
from judgekit.library import find
from judgekit.rubric import Rubric

WEIGHTED = ("stratified", "probability")


def regraded(
    console: Console,
    wanted: str | None,
    graded: Path,
    labels: list[Path],
    out: Path,
    which: Which,
    allow_unmatched: bool,
    constants: list[str],
    concurrency: int,
) -> tuple[Path, str]:
    """Grade the labelled items of a graded file with another model.

    Returns
    -------
    tuple of Path and str
        The rows, and the design under which the old labels count for them: verdicts on the labelled items
        alone carry no rate of the batch, and agreement is what they are for.

    Raises
    ------
    UsageError
        If the labels were drawn unevenly, so that these items alone would not show the agreement.
    """
    from judgekit.batch import Options
    from judgekit.batch.output import earlier
    from judgekit.calibration.batch import same_rubric
    from judgekit.files.graded import manifest_rubric, read_manifest

    if out.resolve() == graded.resolve():
        raise UsageError(f"{out}: holds the rows of the other judge; choose another --graded-out")
    rubric = manifest_rubric(read_manifest(graded), f"{graded} (manifest)")
    if wanted is not None:
        same_rubric(find(wanted), rubric.reference, rubric.digest, str(graded))
    items = out.with_suffix(".items.jsonl")
    fixed = dict(read_columns(rubric, None, [], constants).constants)
    grader = which(rubric, concurrency)
    make_room(concurrency, getattr(grader, "clients", 1))
    earlier(grader, out)  # refuses another judge's rows before anything is written
    many = _write_items(items, graded, labels, rubric, fixed, allow_unmatched)
    where = where_to(which.hosts, rubric)
    by = f"by {grader.name} with {rubric.reference}"
    console.say(f"grading {many:,} labelled items of {graded.name} {by}   ({where})")
    tally = graded_rows(grader, items, out, Options(concurrency=concurrency), console).tally
    console.say(
        f"  graded {tally.done - tally.failed:,} of {tally.total:,}, {tally.failed:,} failed, "
        f"{duration(tally.seconds)}, {money(tally.usage.cost_usd)}\n"
    )
    if tally.failed == tally.total:
        console.say("No item got an answer; the same command asks again.")
        raise typer.Exit(ExitCode.INCOMPLETE)
    return out, "external"


def _write_items(
    path: Path, graded: Path, labels: list[Path], rubric: Rubric, constants: dict[str, Any], unmatched: bool
) -> int:
    """Write the labelled items, with their fields as they were graded; give their number."""
    from judgekit.batch.again import graded_items
    from judgekit.files.labels import read_label_files

    given = read_label_files(labels, rubric)
    if uneven := sorted(given.said("design") & set(WEIGHTED)):
        raise UsageError(
            f"the labels were drawn as {', '.join(uneven)}, so their items alone do not show the agreement "
            "on the batch; grade all of it with the new model, and calibrate on that"
        )
    wanted = set(given.ids)
    rows = list(graded_items(graded, rubric, constants, wanted))
    if (lacking := wanted - {one.item.id for one in rows}) and (not unmatched or not rows):
        raise UsageError(
            f"{len(lacking):,} labelled items are not in {graded} (first: {min(lacking)!r}); correct the "
            "ids, or leave these out with --allow-unmatched"
        )
    lines = []
    for one in rows:
        rest = {k: v for k, v in (one.row.columns or {}).items() if k not in rubric.inputs}
        lines.append(dumps({**rest, **one.item.fields, "id": one.item.id}) + "\n")
    _write(path, "".join(lines))
    return len(lines)


def _write(path: Path, text: str) -> None:
    """Write the items, over nothing but what an earlier run of this command left."""
    from judgekit.files.atomic import write_atomic

    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder; make it, or choose another --graded-out")
    if path.exists() and not (path.is_file() and _ours(path, text.encode("utf-8", "surrogatepass"))):
        raise UsageError(f"{path}: exists, and the labelled items would be written there; move it away")
    write_atomic(path, [text])


def _ours(path: Path, text: bytes) -> bool:
    """Whether a file is what would be written, or, by the manifest of its run, the items that were graded."""
    from judgekit.files.graded import manifest_path, open_manifest

    held = path.read_bytes()
    if held == text:
        return True
    try:
        manifest = open_manifest(manifest_path(path.with_suffix("")))
    except InputError:
        return False
    given = manifest.get("input") or {}
    return given.get("name") == path.name and given.get("checksum") == f"sha256:{sha256(held).hexdigest()}"
