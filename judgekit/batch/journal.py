"""The rows of a run under way: appended one by one, synced in groups, taken up again after any stop."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from judgekit._json import NotJson, dumps, loads
from judgekit.batch.output import changes
from judgekit.errors import InputError, Problem, Stopped, UsageError
from judgekit.verdict import ANSWERS

FORMAT = 1
SYNC_ROWS = 500
SYNC_SECONDS = 1.0

_BEGINS = b'{"format": 1, "journal": '
_VERDICT = b'"verdict": '
_PIECE = 2**16


class Entry(NamedTuple):
    """One row: where it begins, the key of its item, its verdict, and whether an earlier output gave it."""

    offset: int
    key: int
    verdict: dict[str, Any]
    copied: bool


class Journal:
    """One file of finished rows, locked against a second writer.

    The first line is a header that names what the rows were graded by; every other line holds the key of
    an item and its verdict. A torn or zero-filled tail, as a crash leaves it, is cut off on opening.

    Parameters
    ----------
    path : Path
    identity : dict
        What the rows rest on; answers of anything else are refused.
    fresh : bool
        Start over, unless what lies there is not ours.

    Attributes
    ----------
    new : bool
        Whether it has no rows yet, and has to `begin`.
    before : dict or None
        What the finished output that this run extends has cost; None if it extends none.

    Raises
    ------
    UsageError
        If another process writes it, or it belongs to another run.
    InputError
        If the folder cannot be written.
    """

    def __init__(self, path: Path, identity: dict[str, Any], fresh: bool = False) -> None:
        self.path, self._identity = path, identity
        self._file = _locked(path)
        self._synced_at, self._unsynced = time.monotonic(), 0
        try:
            header = self._header()
            self.new = fresh or header is None or not self._belongs(header)
            self.before = None if self.new or header is None else header.get("before")
            self._end = 0 if self.new else self._usable_end()
            self._cut(self._end)
        except BaseException:
            os.close(self._file)
            raise

    def begin(self, before: dict[str, Any] | None) -> None:
        """Write the header of a new journal, with what the output that it extends has cost."""
        self.before = before
        self._append({"format": FORMAT, "journal": self._identity, "before": before})

    def _header(self) -> dict[str, Any] | None:
        """Read the first line; None if there is none yet, or a crash tore it."""
        with open(self._file, "rb", closefd=False) as stream:
            stream.seek(0)
            raw = stream.readline(_PIECE)
        whole = raw.endswith(b"\n")
        if not whole and (not raw.strip(b"\0") or raw.startswith(_BEGINS) or _BEGINS.startswith(raw)):
            return None
        try:
            header = loads(raw.decode("utf-8"))
            if isinstance(header["journal"], dict):
                return dict(header)
        except (NotJson, UnicodeDecodeError, KeyError, TypeError):
            pass
        raise UsageError(f"{self.path}: is not a journal of judgekit; move it away or choose another --out")

    def _belongs(self, header: dict[str, Any]) -> bool:
        """Tell whether the rows are of this run; where none holds an answer, nothing is lost with them."""
        said = changes(header["journal"], self._identity)
        if said and any(entry.verdict["status"] in ANSWERS for entry in self.rows()):
            raise UsageError(
                f"{self.path}: an unfinished run lies there, {said}; finish it with its own command, choose "
                "another --out, or start over with --fresh"
            )
        return not said

    def _usable_end(self) -> int:
        """Find where the last whole line ends."""
        end = os.fstat(self._file).st_size
        while end > 0:
            begin = max(0, end - _PIECE)
            place = os.pread(self._file, end - begin, begin).rfind(b"\n")
            if place >= 0:
                return begin + place + 1
            end = begin
        return 0

    def rows(self) -> Iterator[Entry]:
        """Yield the rows; one that cannot be read is as if it were not there."""
        with open(self._file, "rb", closefd=False) as stream:
            stream.seek(0)
            offset = len(stream.readline())
            for raw in stream:
                if (entry := _entry(offset, raw)) is not None:
                    yield entry
                offset += len(raw)

    def append(self, key: int, verdict: dict[str, Any], copied: bool = False) -> int:
        """Hand one row to the system, and give its offset.

        Raises
        ------
        Stopped
            If the disk does not take it; the rows before it stay whole.
        """
        offset = self._end
        self._append({"key": f"{key:016x}", **({"copied": True} if copied else {}), "verdict": verdict})
        self._unsynced += 1
        if self._unsynced >= SYNC_ROWS or time.monotonic() - self._synced_at > SYNC_SECONDS:
            self.sync()
        return offset

    def _append(self, row: dict[str, Any]) -> None:
        data = memoryview(f"{dumps(row)}\n".encode())
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._end + written)
        except OSError as error:
            self._cut(self._end)
            raise self._stopped(error) from None
        self._end += len(data)

    def _stopped(self, error: OSError) -> Stopped:
        return Stopped(
            f"{self.path}: cannot be written: {error.strerror}; what was graded so far is kept: make room, "
            "and the same command goes on from there"
        )

    def _cut(self, end: int) -> None:
        os.ftruncate(self._file, end)

    def sync(self) -> None:
        """Make everything so far durable."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._stopped(error) from None
        self._unsynced, self._synced_at = 0, time.monotonic()

    def verdict_text(self, offset: int) -> str:
        """Give the verdict of the row at an offset as it was written, without reading it as JSON."""
        with open(self._file, "rb", closefd=False) as stream:
            stream.seek(offset)
            return stream.readline().partition(_VERDICT)[2][:-2].decode("utf-8")

    def close(self) -> None:
        """Sync and release the lock."""
        try:
            self.sync()
        finally:
            os.close(self._file)

    def remove(self) -> None:
        """Delete the file: its rows stand in the finished one, or it was started for nothing."""
        self.path.unlink(missing_ok=True)


def _entry(offset: int, raw: bytes) -> Entry | None:
    text = raw.lstrip(b"\0")  # a page that never reached the disk before the row that did
    try:
        row = loads(text.decode("utf-8"))
        key, verdict = int(row["key"], 16), row["verdict"]
        status = verdict["status"]
    except (NotJson, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return None
    if not isinstance(status, str):
        return None
    return Entry(offset + len(raw) - len(text), key, verdict, row.get("copied") is True)


def _locked(path: Path) -> int:
    """Open a file that no other run has open."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        except OSError as error:
            raise InputError([Problem(f"cannot be written: {error.strerror}", str(path))]) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, path):
                return file
        except BlockingIOError:
            os.close(file)
            raise UsageError(
                f"{path}: another process is writing this run; wait for it, stop it, or choose another --out"
            ) from None
        except OSError as error:
            os.close(file)
            raise InputError([Problem(f"cannot be locked: {error.strerror}", str(path))]) from None
        os.close(file)  # the run that held it ended meanwhile, and took it away


def _is_at(file: int, path: Path) -> bool:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a file")
    try:
        return os.path.samestat(found, path.stat())
    except FileNotFoundError:
        return False
