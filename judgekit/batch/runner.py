"""Grade a file: every input row ends as exactly one output row, whatever happens on the way."""

import asyncio
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from judgekit import _sync
from judgekit._json import dumps
from judgekit.batch.journal import Journal
from judgekit.batch.tally import Tally
from judgekit.errors import CallRefused, InputError, Stopped, UsageError
from judgekit.files.atomic import write_atomic, write_json
from judgekit.files.graded import FORMAT, journal_path, manifest_path, read_graded, read_manifest
from judgekit.files.items import Census, Columns, ItemFile, ItemRow, item_key
from judgekit.grader import Grader
from judgekit.item import Item
from judgekit.verdict import ANSWERS, Verdict

Progress = Callable[[Tally], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How a file is graded.

    Attributes
    ----------
    columns : Columns
        How columns of the file become fields of the rubric.
    concurrency : int
        Items under way at once.
    limit, sample : int or None
        Only the first rows, or as many drawn at random (always the same ones of the same file).
    fresh : bool
        Forget what an earlier run left.
    omit_items : bool
        Leave the original columns out of the graded rows.
    """

    columns: Columns = field(default_factory=Columns)
    concurrency: int = 16
    limit: int | None = None
    sample: int | None = None
    fresh: bool = False
    omit_items: bool = False

    def __post_init__(self) -> None:
        for name in ("concurrency", "limit", "sample"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}")
        if self.limit is not None and self.sample is not None:
            raise UsageError("give either a limit (the first rows) or a sample (rows at random)")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    out : Path
        The graded rows.
    manifest : dict
        What was written beside them.
    tally : Tally
        Counts by status, tokens, cost.
    """

    out: Path
    manifest: dict[str, Any]
    tally: Tally

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.tally.statuses.items())
        return f"Run({str(self.out)!r}, {counts})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"out": str(self.out), **{k: v for k, v in self.manifest.items() if k != "rubric"}}


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
) -> Run:
    """Grade every item of a file, taking up what an earlier run of the same grader left.

    Raises
    ------
    InputError
        If the items are wrong; nothing has been graded then.
    UsageError
        If `out` holds something else, or another process writes it.
    Stopped
        If the provider refuses every call, or the disk takes no more. What was done is kept.
    """
    options = options or Options()
    source = ItemFile(items, grader.rubric, options.columns)
    out = _checked_out(Path(out), source.path)
    census = await _in_thread(source.check)
    chosen = _chosen(census, options)
    started = datetime.now(UTC)
    if (finished := _already(grader, out, census, chosen, options)) is not None:
        return finished
    earlier = _earlier(grader, out, options, source)
    journal = Journal(journal_path(out), _identity(grader), options.fresh)
    try:
        for key, verdict in earlier:
            journal.append(key, verdict)
        work = _Work(grader, source, census, chosen, journal, options, progress)
        await work.run()
        manifest = _manifest(grader, work.tally, census, options, started, source.path)
        await _in_thread(lambda stop: write_atomic(out, work.graded_lines(stop)))
        write_json(manifest_path(out), manifest)
        journal.remove()
    except OSError as error:
        raise Stopped(f"{out}: cannot be written: {error.strerror}; run the same command again") from None
    finally:
        journal.close()
    return Run(out, manifest, work.tally)


async def _in_thread(work: Callable[[Event], T]) -> T:
    """Run what takes long and never waits beside the loop; when cancelled, tell it to stop."""
    stop = Event()
    try:
        return await asyncio.to_thread(work, stop)
    finally:
        stop.set()


def _checked_out(out: Path, items: Path) -> Path:
    if out.suffix != ".jsonl":
        raise UsageError(f"{out}: graded rows are written as .jsonl")
    if out.resolve() == items.resolve() or journal_path(out).resolve() == items.resolve():
        raise UsageError(f"{out}: is the input itself; choose another --out")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: there is no such folder")
    return out


def _identity(grader: Grader) -> dict[str, Any]:
    return {"fingerprint": grader.fingerprint, "signature": grader.signature}


def _chosen(census: Census, options: Options) -> NDArray[np.bool_]:
    mask = np.ones(census.count, dtype=bool)
    if options.limit is not None:
        mask[options.limit :] = False
    elif options.sample is not None and options.sample < census.count:
        # Seeded by the content: the same file gives the same sample, so that a run can be taken up again.
        seed = int(census.digest.removeprefix("sha256:")[:16], 16)
        mask[:] = False
        mask[np.random.default_rng(seed).choice(census.count, options.sample, replace=False)] = True
    return mask


def _already(
    grader: Grader, out: Path, census: Census, chosen: NDArray[np.bool_], options: Options
) -> Run | None:
    """Give the finished run, if `out` is what this very command would write and nothing in it failed."""
    if options.fresh or not out.exists() or journal_path(out).exists():
        return None
    manifest = _own_manifest(grader, out)
    selection = {"limit": options.limit, "sample": options.sample}
    tally = Tally(int(chosen.sum()))
    tally.statuses.update(manifest["counts"])
    tally.resumed = tally.done
    same = manifest["input"]["digest"] == census.digest and manifest["selection"] == selection
    return Run(out, manifest, tally) if same and not tally.failed else None


def _own_manifest(grader: Grader, out: Path) -> dict[str, Any]:
    try:
        manifest = read_manifest(out)
    except InputError as error:
        raise UsageError(
            f"{out} exists and is not a run that could be continued ({error}); use --fresh"
        ) from None
    if manifest["fingerprint"] != grader.fingerprint:
        raise UsageError(
            f"{out}: was graded by {manifest.get('signature')}, this run is {grader.signature}; "
            "choose another --out, or overwrite it with --fresh"
        )
    return manifest


def _earlier(
    grader: Grader, out: Path, options: Options, source: ItemFile
) -> list[tuple[int, dict[str, Any]]]:
    """Take the answers of a finished file that is to be extended or repaired."""
    if options.fresh or not out.exists() or journal_path(out).exists():
        return []
    _own_manifest(grader, out)
    found = []
    for row in read_graded(out):
        if row.columns is None:
            raise UsageError(f"{out}: was written without its items and cannot be extended; use --fresh")
        if row.verdict.status in ANSWERS:
            item = Item(row.id, source.columns.fields(row.columns, source.rubric))
            found.append((item_key(item), row.verdict.to_dict()))
    return found


class _Work:
    """One run: what is done, what is open, and the tasks under way."""

    def __init__(
        self,
        grader: Grader,
        source: ItemFile,
        census: Census,
        chosen: NDArray[np.bool_],
        journal: Journal,
        options: Options,
        progress: Progress | None,
    ) -> None:
        self.grader, self.source, self.chosen = grader, source, chosen
        self.journal, self.options, self.progress = journal, options, progress
        self.keys = np.frombuffer(census.keys, dtype=np.uint64)
        self.offsets = np.full(census.count, -1, dtype=np.int64)
        self.tally = Tally(int(chosen.sum()))
        self._take_up()

    def _take_up(self) -> None:
        order = np.argsort(self.keys, kind="stable")
        ranked = self.keys[order]
        for offset, key, verdict in self.journal.rows():
            self.tally.spend(verdict)
            place = int(np.searchsorted(ranked, np.uint64(key)))
            if verdict["status"] not in ANSWERS or place == len(ranked) or ranked[place] != key:
                continue
            ordinal = int(order[place])
            if self.chosen[ordinal] and self.offsets[ordinal] < 0:
                self.offsets[ordinal] = offset
                self.tally.statuses[verdict["status"]] += 1
        self.tally.resumed = self.tally.done

    async def run(self) -> None:
        """Grade what is open; on the way out nothing is left running."""
        slots = asyncio.Semaphore(self.options.concurrency)
        tasks: set[asyncio.Task[None]] = set()
        failure: list[BaseException] = []

        def ended(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            slots.release()
            if not task.cancelled() and (error := task.exception()) is not None:
                failure.append(error)

        try:
            for ordinal, row in enumerate(self.source):
                if not self.chosen[ordinal] or self.offsets[ordinal] >= 0:
                    if ordinal % 1000 == 0:
                        await asyncio.sleep(0)  # let an interrupt through
                    continue
                await slots.acquire()
                if failure:
                    break
                task = asyncio.create_task(self._one(ordinal, row))
                tasks.add(task)
                task.add_done_callback(ended)
            while tasks and not failure:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if failure:
            raise self._stop(failure[0]) from failure[0]

    def _stop(self, error: BaseException) -> BaseException:
        if isinstance(error, CallRefused):
            return Stopped(
                f"{error}; {self.tally.done} of {self.tally.total} rows are kept, the same command goes on"
            )
        return error

    async def _one(self, ordinal: int, row: ItemRow) -> None:
        verdict: Verdict = await self.grader.agrade(row.item)
        plain = verdict.to_dict()
        self.offsets[ordinal] = self.journal.append(item_key(row.item), plain)
        self.tally.add(plain)
        if self.progress is not None:
            self.progress(self.tally)

    def graded_lines(self, stop: Event) -> Iterator[str]:
        """Yield the graded rows in input order.

        Raises
        ------
        Stopped
            If the input changed while it was graded, or `stop` is set.
        """
        for ordinal, row in enumerate(self.source):
            if stop.is_set():
                raise Stopped("interrupted while the graded rows were put in order")
            if ordinal >= len(self.keys) or item_key(row.item) != int(self.keys[ordinal]):
                raise Stopped(
                    f"{self.source.path}: changed while it was graded (line {row.line}); run it again"
                )
            if self.chosen[ordinal]:
                item = "" if self.options.omit_items else f'"item": {dumps(row.columns)}, '
                verdict = self.journal.verdict_text(int(self.offsets[ordinal]))
                yield f'{{"id": {dumps(row.item.id)}, {item}"verdict": {verdict}}}\n'


def _manifest(
    grader: Grader, tally: Tally, census: Census, options: Options, started: datetime, items: Path
) -> dict[str, Any]:
    columns = options.columns
    return {
        "format": FORMAT,
        "kind": "run",
        "rubric": grader.rubric.to_dict(),
        "rubric_digest": grader.rubric.digest,
        "fingerprint": grader.fingerprint,
        "signature": grader.signature,
        "grader": grader.name,
        "destination": grader.destination or None,
        "input": {"name": items.name, "rows": census.count, "digest": census.digest},
        "columns": {"id": columns.id, "map": dict(columns.renamed), "set": sorted(columns.constants)},
        "selection": {"limit": options.limit, "sample": options.sample},
        "rows": tally.done,
        "counts": dict(tally.statuses),
        "usage": tally.usage.to_dict(),
        "versions": {"judgekit": version("judgekit-calibrated"), "python": platform.python_version()},
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
