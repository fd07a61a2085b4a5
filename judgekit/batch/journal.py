"""The rows of a run under way: appended one by one, synced in groups, taken up again after any stop."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgekit._json import NotJson, dumps, loads
from judgekit.errors import InputError, Problem, Stopped, UsageError

FORMAT = 1
SYNC_ROWS = 50
SYNC_SECONDS = 1.0

_HEAD = len('{"key": "0123456789abcdef", "verdict": ')


class Journal:
    """One file of finished rows, locked against a second writer.

    The first line is a header that names what the rows were graded by; every other line holds the key of an
    item and its verdict. A torn or zero-filled tail, as a crash leaves it, is cut off when the file is opened.

    Parameters
    ----------
    path : Path
    identity : dict
        What the rows rest on; a journal of anything else is refused.
    fresh : bool
        Start over, whatever lies there.

    Raises
    ------
    UsageError
        If another process writes it, or it belongs to another run.
    InputError
        If the folder cannot be written.
    """

    def __init__(self, path: Path, identity: dict[str, Any], fresh: bool = False) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise InputError([Problem(f"cannot be written: {error.strerror}", str(path))]) from None
        try:
            self._lock()
            self._end = 0 if fresh else self._usable_end(identity)
            self._cut(self._end)
            if self._end == 0:
                self._append(dumps({"format": FORMAT, "journal": identity}) + "\n")
        except BaseException:
            os.close(self._file)
            raise
        self._unsynced, self._synced_at = 0, time.monotonic()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{self.path}: another process is writing this run; wait for it or stop it"
            ) from None

    def _usable_end(self, identity: dict[str, Any]) -> int:
        """Check the header, and find where the last whole row ends."""
        end = 0
        for offset, raw in self._raw_lines():
            if offset == 0:
                self._check_header(raw, identity)
            if not raw.endswith(b"\n") or raw.startswith(b"\0"):
                break
            end = offset + len(raw)
        return end

    def _check_header(self, raw: bytes, identity: dict[str, Any]) -> None:
        try:
            header = loads(raw.decode("utf-8"))
            found = header["journal"]
        except (NotJson, UnicodeDecodeError, KeyError, TypeError):
            if not raw.endswith(b"\n") and raw.startswith((b'{"format"', b"\0")):
                return  # killed while the header itself was written
            raise UsageError(
                f"{self.path}: is not a journal of judgekit; move it away or choose another --out"
            ) from None
        changed = [key for key, value in identity.items() if found.get(key) != value]
        if changed:
            was = "; ".join(f"{key} was {found.get(key)}, is {identity[key]}" for key in changed)
            raise UsageError(
                f"{self.path}: belongs to an unfinished run of something else ({was}); finish that run with "
                "its own command, choose another --out, or start over with --fresh"
            )

    def _raw_lines(self) -> Iterator[tuple[int, bytes]]:
        with open(self._file, "rb", closefd=False) as stream:
            stream.seek(0)
            offset = 0
            for raw in stream:
                yield offset, raw
                offset += len(raw)

    def rows(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Yield offset, key and verdict of each row; one that cannot be read is as if it were not there."""
        for offset, raw in self._raw_lines():
            if offset == 0:
                continue
            try:
                row = loads(raw.decode("utf-8"))
                key, verdict = int(row["key"], 16), row["verdict"]
                status = verdict["status"]
            except (NotJson, UnicodeDecodeError, KeyError, TypeError, ValueError):
                continue
            if isinstance(status, str):
                yield offset, key, verdict

    def append(self, key: int, verdict: dict[str, Any]) -> int:
        """Hand one row to the system, and give its offset.

        Raises
        ------
        Stopped
            If the disk does not take it; the rows before it stay whole.
        """
        offset = self._end
        self._append(f'{{"key": "{key:016x}", "verdict": {dumps(verdict)}}}\n')
        self._unsynced += 1
        if self._unsynced >= SYNC_ROWS or time.monotonic() - self._synced_at > SYNC_SECONDS:
            self.sync()
        return offset

    def _append(self, text: str) -> None:
        data = memoryview(text.encode("utf-8"))
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._end + written)
        except OSError as error:
            self._cut(self._end)
            raise Stopped(
                f"{self.path}: cannot be written: {error.strerror}; what was graded so far is kept, and the "
                "same command goes on from there"
            ) from None
        self._end += len(data)

    def _cut(self, end: int) -> None:
        os.ftruncate(self._file, end)

    def sync(self) -> None:
        """Make everything so far durable."""
        os.fsync(self._file)
        self._unsynced, self._synced_at = 0, time.monotonic()

    def verdict_text(self, offset: int) -> str:
        """Give the verdict of the row at an offset as it was written, without reading it as JSON."""
        with open(self._file, "rb", closefd=False) as stream:
            stream.seek(offset)
            return stream.readline()[_HEAD:-2].decode("utf-8")

    def close(self) -> None:
        """Sync and release the lock."""
        self.sync()
        os.close(self._file)

    def remove(self) -> None:
        """Delete the file once its rows stand in the finished one."""
        self.path.unlink(missing_ok=True)
