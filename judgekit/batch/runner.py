"""Grade a file: every input row ends as exactly one output row, whatever happens on the way."""

import asyncio
import glob
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from threading import Event
from typing import TypeVar

from judgekit import _sync
from judgekit.batch.journal import Journal
from judgekit.batch.options import Options
from judgekit.batch.output import Run, Source, check_place, earlier, finished, identity, manifest_of, spent
from judgekit.batch.work import Progress, Work
from judgekit.errors import InputError, Problem, Stopped, UsageError
from judgekit.exchange import Usage
from judgekit.files.atomic import write_atomic, write_json
from judgekit.files.graded import journal_path, manifest_path
from judgekit.files.items import ItemFile
from judgekit.grader import Grader
from judgekit.judges import CorrectedJudge, RecordedGrader

T = TypeVar("T")
First = Callable[[], Awaitable[Usage]]


def grade_file(
    grader: Grader,
    items: str | Path,
    out: str | Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Run:
    """Grade every item of a file; the synchronous door to `agrade_file`."""
    return _sync.run(agrade_file(grader, items, out, options, progress))


async def agrade_file(
    grader: Grader,
    items: str | Path,
    out: str | Path,
    options: Options | None = None,
    progress: Progress | None = None,
    first: First | None = None,
) -> Run:
    """Grade every item of a file, taking up what an earlier run of the same grader left.

    Parameters
    ----------
    grader : Grader
    items, out : path
        The items; the graded rows (``.jsonl``).
    options : Options, optional
    progress : callable, optional
        Called with the `Tally` after each row, and every half second while the run waits.
    first : coroutine function, optional
        Awaited before the first item is asked, when all else is known to be in order; gives what it spent,
        which is counted with the rest. What it raises ends the run.

    Raises
    ------
    InputError
        If the items are wrong; nothing has been graded then.
    UsageError
        If `out` holds something else, or another process writes it, or a recorded judge knows no item.
    Stopped
        If the provider refuses every call, or the disk takes no more. What was done is kept.
    """
    _refuse_rows(items)
    options, out = options or Options(), Path(out)
    if out.is_symlink():  # what lies beside a link must be the same whichever name is used
        out = out.resolve()
    began = datetime.now(UTC)
    file = ItemFile(items, grader.rubric, options.columns)
    check_place(out, file.path, options.fresh)
    source = await _in_thread(lambda stop: _checked(file, stop))
    notes = await _in_thread(lambda stop: _recorded_elsewhere(grader, file, stop))
    lying = None if options.fresh or journal_path(out).exists() else earlier(grader, out)
    if (run := finished(lying, out, source, options)) is not None:
        return replace(run, notes=notes)
    journal = Journal(journal_path(out), identity(grader), options.fresh)
    try:
        work = Work(grader, file, source.census, journal, options, progress)
        await _taken_up(work, out, first)
        await work.run()
        return replace(await _written(work, source, out, began), notes=notes)
    finally:
        journal.close()


def _refuse_rows(items: object) -> None:
    if not isinstance(items, str | Path):
        raise UsageError(
            f"grade_file reads a file, not a {type(items).__name__}: write the items as JSONL first, or "
            "grade each with judge.grade(item)"
        )


def _recorded_elsewhere(grader: Grader, file: ItemFile, stop: Event) -> tuple[str, ...]:
    """Say how many recorded verdicts are of items that the file does not hold.

    Raises
    ------
    UsageError
        If all are: nothing could be graded.
    """
    if isinstance(grader, CorrectedJudge):
        grader = grader.grader
    if not isinstance(grader, RecordedGrader):
        return ()
    left, first = dict.fromkeys(grader.findings), ""
    for row in file:
        if stop.is_set():
            raise Stopped("interrupted while the recorded ids were looked up")
        first = first or row.item.id
        left.pop(row.item.id, None)
    if not left:
        return ()
    ids = ", ".join(map(repr, list(left)[:3])) + (", …" if len(left) > 3 else "")
    if len(left) == len(grader.findings):
        raise UsageError(
            f"{file.path}: holds none of the {len(left):,} items that {grader.name} has verdicts on (there "
            f"{ids}; here {first!r}, …); choose the column of the id with --id, or mend the recorded ids"
        )
    kind = "item" if len(left) == 1 else "items"
    return (f"{grader.name} also has verdicts on {len(left):,} {kind} not in {file.path.name}: {ids}",)


def _checked(file: ItemFile, stop: Event) -> Source:
    census = file.check(stop)
    try:
        with file.path.open("rb") as stream:
            checksum = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", str(file.path))]) from None
    return Source(file.path, census, f"sha256:{checksum}")


async def _taken_up(work: Work, out: Path, first: First | None) -> None:
    """Keep what is there already; if it may not be used, leave everything as it was."""
    try:
        if work.journal.new:
            manifest = None if work.options.fresh else earlier(work.grader, out)
            work.journal.begin(None if manifest is None else spent(manifest).to_dict())
        await _in_thread(lambda stop: work.take_up(out, stop))
        if first is not None:
            work.tally.usage += await first()
    except BaseException:
        if work.journal.new:
            work.journal.remove()
        raise


async def _written(work: Work, source: Source, out: Path, began: datetime) -> Run:
    """Put the rows in order and give them their name; until the last step the journal can do it again."""
    try:
        size = await _in_thread(lambda stop: _write(work, out, stop))
        manifest = manifest_of(work.grader, work.tally, source, work.options, began, size)
        write_json(manifest_path(out), manifest)
    except OSError as error:
        raise Stopped(
            f"{out}: cannot be written: {error.strerror}; every answer is kept in {work.journal.path}: make "
            "room, and run the same command again"
        ) from None
    work.journal.remove()
    return Run(out, manifest, work.tally)


def _write(work: Work, out: Path, stop: Event) -> int:
    for left in out.parent.glob(f".{glob.escape(out.name)}.*.part"):  # of a process that was killed here
        left.unlink(missing_ok=True)
    write_atomic(out, work.graded_lines(stop))
    return out.stat().st_size


async def _in_thread(work: Callable[[Event], T]) -> T:
    """Run what takes long and never waits beside the loop; when cancelled, it has ended before this ends."""
    stop = Event()
    running = asyncio.get_running_loop().run_in_executor(None, work, stop)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        with suppress(Exception):
            await running
        raise
