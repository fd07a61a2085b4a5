"""One run over the rows of a file: what is done, what is open, and the tasks under way."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from judgekit._json import dumps
from judgekit.batch.journal import Journal
from judgekit.batch.options import Options
from judgekit.batch.output import answered, spent
from judgekit.batch.tally import Tally
from judgekit.errors import CallRefused, InputError, JudgekitError, Stopped, UsageError
from judgekit.files.items import Census, ItemFile, ItemRow, item_key
from judgekit.grader import Grader
from judgekit.verdict import ANSWERS, Verdict

Progress = Callable[[Tally], None]

TICK_SECONDS = 0.5  # between reports of a run that waits
BREATH = 1000  # rows between two chances for an interrupt
UNREACHED = 30  # rows without an answer at the start of a run, each tried again and again, that end it
UNREACHED_STATUSES = ("provider_error", "timeout", "rate_limited", "invalid_reply")


class Work:
    """One run: what is done, what is open, and the tasks under way."""

    def __init__(
        self,
        grader: Grader,
        source: ItemFile,
        census: Census,
        journal: Journal,
        options: Options,
        progress: Progress | None,
    ) -> None:
        self.grader, self.source, self.journal = grader, source, journal
        self.options, self.progress = options, progress
        self.chosen = options.chosen(census)
        self.keys = np.frombuffer(census.keys, dtype=np.uint64)
        self.offsets = np.full(census.count, -1, dtype=np.int64)
        self.tally = Tally(int(self.chosen.sum()))
        self.unreached: int | None = 0  # None once any row got through
        self.halted: JudgekitError | None = None  # why no further row is asked

    def take_up(self, out: Path, stop: Event) -> None:
        """Take the answers of the journal, and of the finished file that it extends.

        Raises
        ------
        UsageError
            If answers would be lost: of other items, or of rows that are not asked for now.
        """
        known = _Places(self.keys)
        lost = {"elsewhere": 0, "unchosen": 0}

        def place_of(key: int | None) -> int | None:
            if stop.is_set():
                raise Stopped("interrupted while earlier answers were read")
            ordinal = known.find(key)
            if ordinal is None or not self.chosen[ordinal]:
                lost["elsewhere" if ordinal is None else "unchosen"] += 1
                return None
            return ordinal if self.offsets[ordinal] < 0 else None

        for entry in self.journal.rows():
            if not entry.copied:
                self.tally.spend(entry.verdict)
            if entry.verdict["status"] in ANSWERS and (ordinal := place_of(entry.key)) is not None:
                self._keep(ordinal, entry.offset, entry.verdict)
        if self.journal.before is not None:
            self.tally.usage += spent({"usage": self.journal.before})
            for key, verdict in answered(out) if out.exists() else ():
                if (ordinal := place_of(key)) is not None:
                    offset = self.journal.append(int(self.keys[ordinal]), verdict, copied=True)
                    self._keep(ordinal, offset, verdict)
        self.tally.resumed = self.tally.done
        self._refuse_loss(out, **lost)

    def _keep(self, ordinal: int, offset: int, verdict: dict[str, Any]) -> None:
        self.offsets[ordinal] = offset
        self.tally.keep(verdict)

    def _refuse_loss(self, out: Path, elsewhere: int, unchosen: int) -> None:
        if unchosen:
            raise UsageError(
                f"{out}: {unchosen:,} answers that lie there would be lost by this --limit or --sample; "
                "leave it away, choose another --out, or start over with --fresh"
            )
        if elsewhere and not self.tally.done:
            raise UsageError(
                f"{out}: the answers that lie there are about other items than those of {self.source.path}, "
                "or about other fields of them; choose another --out, or start over with --fresh"
            )

    async def run(self) -> None:
        """Grade what is open; on the way out nothing is left running.

        Raises
        ------
        Stopped
            If the provider refuses every call, the disk takes no more, or the input has changed.
        """
        failures: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as group:
                ticker = group.create_task(self._tick())
                await self._ask_all(group)
                ticker.cancel()
        except* Exception as found:
            failures += found.exceptions
        if failures:
            raise self._stopping(failures[0])

    async def _ask_all(self, group: asyncio.TaskGroup) -> None:
        slots = asyncio.Semaphore(self.options.concurrency)
        trouble: JudgekitError | None = None
        try:
            for ordinal, (row, key) in enumerate(self._rows()):
                if self.chosen[ordinal] and self.offsets[ordinal] < 0:
                    await slots.acquire()
                    if self.halted is not None:
                        slots.release()
                        break
                    task = group.create_task(self._one(ordinal, row, key))
                    task.add_done_callback(lambda _: slots.release())
                elif ordinal % BREATH == 0:
                    await asyncio.sleep(0)
        except JudgekitError as error:
            trouble = error  # with the input
        # What is under way is paid for, and may end.
        for _ in range(self.options.concurrency):
            await slots.acquire()
        if (why := trouble or self.halted) is not None:
            raise why

    async def _one(self, ordinal: int, row: ItemRow, key: int) -> None:
        try:
            verdict: Verdict = await self.grader.agrade(row.item)
        except CallRefused as error:
            self.halted = self.halted or error
            return
        plain = verdict.to_dict()
        self.offsets[ordinal] = self.journal.append(key, plain)
        self.tally.add(plain)
        if self.progress is not None:
            self.progress(self.tally)
        self._check_reached(plain)

    def _check_reached(self, verdict: dict[str, Any]) -> None:
        """Halt a run whose server answers nothing that can be used, rather than try it with every row."""
        retried = verdict["attempts"] > 1 and verdict["status"] in UNREACHED_STATUSES
        if not retried:
            self.unreached = None
        if self.unreached is None:
            return
        self.unreached += 1
        if self.halted is None and self.unreached >= max(UNREACHED, 2 * self.options.concurrency):
            self.halted = Stopped(
                f"none of the first {self.unreached} rows got an answer: {verdict['error']['message']}; when "
                "that is mended, the same command goes on"
            )

    async def _tick(self) -> None:
        while self.progress is not None:
            await asyncio.sleep(TICK_SECONDS)
            self.progress(self.tally)

    def _stopping(self, error: Exception) -> Exception:
        if not isinstance(error, CallRefused):
            return error
        return Stopped(
            f"{error}; {self.tally.done:,} of {self.tally.total:,} rows are done and kept, the same command "
            "goes on"
        )

    def _rows(self) -> Iterator[tuple[ItemRow, int]]:
        """Read the input again, which may not have changed since it was checked."""
        count = 0
        try:
            for count, row in enumerate(self.source, 1):
                key = item_key(row.item)
                if count > len(self.keys) or key != int(self.keys[count - 1]):
                    raise self._changed(f"line {row.line}")
                yield row, key
        except InputError as error:  # it was whole when it was checked
            raise self._changed(str(error)) from None
        if count < len(self.keys):
            raise self._changed(f"it ends after {count:,} of {len(self.keys):,} items")

    def _changed(self, where: str) -> Stopped:
        return Stopped(
            f"{self.source.path}: changed while it was graded ({where}); run the same command again: what "
            "was graded is kept, and only new or changed rows are asked"
        )

    def graded_lines(self, stop: Event) -> Iterator[str]:
        """Yield the graded rows in input order.

        Raises
        ------
        Stopped
            If the input changed while it was graded, or `stop` is set.
        """
        for ordinal, (row, key) in enumerate(self._rows()):
            if stop.is_set():
                raise Stopped("interrupted while the graded rows were put in order")
            if self.chosen[ordinal]:
                item = "" if self.options.omit_items else f'"item": {dumps(row.columns)}, '
                verdict = self.journal.verdict_text(int(self.offsets[ordinal]))
                yield f'{{"id": {dumps(row.item.id)}, "key": "{key:016x}", {item}"verdict": {verdict}}}\n'


class _Places:
    """Finds the row of a key."""

    def __init__(self, keys: "np.ndarray[Any, np.dtype[np.uint64]]") -> None:
        self._order = np.argsort(keys, kind="stable")
        self._ranked = keys[self._order]

    def find(self, key: int | None) -> int | None:
        if key is None or not 0 <= key < 2**64:
            return None
        place = int(np.searchsorted(self._ranked, np.uint64(key)))
        found = place < len(self._ranked) and int(self._ranked[place]) == key
        return int(self._order[place]) if found else None
