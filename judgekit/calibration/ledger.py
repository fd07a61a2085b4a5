"""The trace that looks at labels leave: a file beside them to which every distinct look appends one row.

It lies beside the first file of labels, as ``<its name without suffix>.ledger.jsonl``, and names no item.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from judgekit._json import NotJson, dumps, loads
from judgekit.calibration.batch import GradedBatch
from judgekit.calibration.looks import STRICTEST, Look, Standing, standing, strictest_role
from judgekit.errors import InputError, Problem
from judgekit.labels import LabelSet

FORMAT = 1
LOCK_SECONDS = 10.0
WRONG = "is not a file, or is too large; the ledger of looks has to lie here"
LARGEST = 50_000_000  # bytes; a row has some 500
UNCOUNTED = "regression"

_BEGINS = b'{"format": '
_PACKED = (".gz", ".zst")


def ledger_path(labels: str | Path | Sequence[str | Path]) -> Path:
    """Give the place of the ledger: beside the file of labels, or the first of several.

    Examples
    --------
    >>> ledger_path(["data/anna.csv.gz", "data/ben.csv"]).name
    'anna.ledger.jsonl'
    """
    # Where the file itself lies: a link to it is no other set of labels.
    first = Path(labels if isinstance(labels, str | Path) else labels[0]).resolve()
    plain = first.with_suffix("") if first.suffix.lower() in _PACKED else first
    return plain.with_name(f"{plain.stem}.ledger.jsonl")


def looked(
    batch: GradedBatch,
    labels: LabelSet,
    files: Sequence[str | Path],
    question: str,
    least: int,
    at_least: Standing | None = None,
) -> Standing | None:
    """Note a look at the labels of a batch in the ledger beside their files; None if they are no files.

    Fewer than `least` labelled items decide nothing, so that looking at them costs nothing. Of several files
    each has a ledger, and what stands in any of them counts: neither their order nor leaving one away helps.
    """
    if not files:
        return None
    fingerprint, signature, _ = batch.judge
    role = strictest_role(labels.said("role"))
    frame, rubric = batch.frame["digest"], batch.rubric.digest
    look = Look(labels.digest, len(labels.labels), fingerprint, signature, rubric, frame, role, question)
    note = note_look if len(labels.ids) >= least else peek
    ledgers = sorted({ledger_path(file) for file in files})
    found = [note(ledger, look, at_least) for ledger in ledgers]
    if len(found) == 1:
        return found[0]
    rows = {row.identity: row for ledger in ledgers for row in _rows(ledger)}
    said = "; ".join(dict.fromkeys(one.note for one in found if one.note))
    return replace(standing(list(rows.values()), look, at_least, said), first=all(one.first for one in found))


def note_look(ledger: Path | None, look: Look, at_least: Standing | None = None) -> Standing:
    """Write a look down, unless it is there already, and say where it stands.

    Parameters
    ----------
    ledger : Path or None
        From `ledger_path`; None for labels that come from no file.
    look : Look
    at_least : Standing, optional
        From an older card that is about to be overwritten, whose count outlives the ledger's: see `standing`.

    Returns
    -------
    Standing
        If the ledger cannot be written or locked: as counted so far, with a note.

    Raises
    ------
    InputError
        If the file is no ledger, or one of another format; names file and line.
    """
    if ledger is None:
        return standing([], look, at_least, "these labels come from no file: looks at them are not counted")
    if look.role == UNCOUNTED:
        return peek(ledger, look, at_least)
    try:
        with _locked(ledger) as file:
            found, end, note = _read(ledger, file)
            if look.identity not in {row.identity for row in found}:
                _append(file, end, look)
            return standing(found, look, at_least, note)
    except OSError as error:
        # Into the card, which names no folder.
        why = f"the ledger could not be written ({error.strerror}): looks are not counted here"
    return standing(_rows(ledger), look, at_least, why)


def peek(ledger: Path | None, look: Look, at_least: Standing | None = None) -> Standing:
    """Say where a look would stand, without writing it down; see `note_look`."""
    return standing([] if ledger is None else _rows(ledger), look, at_least)


def read_ledger(ledger: Path) -> list[Look]:
    """Give the distinct looks in order; none where there is no such file.

    Raises
    ------
    InputError
        As `note_look`; also if the file cannot be read.
    """
    try:
        file = _opened(ledger, os.O_RDONLY)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", str(ledger))]) from None
    try:
        return _read(ledger, file)[0]
    finally:
        os.close(file)


def _rows(ledger: Path) -> list[Look]:
    """Give the looks of a ledger that was not locked; none where it cannot be read."""
    return read_ledger(ledger) if os.access(ledger, os.R_OK) else []


def _opened(ledger: Path, flags: int) -> int:
    """Open a file without waiting for what is none; InputError for a folder or a pipe."""
    file = -1
    try:
        file = os.open(ledger, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, 0o644)
        found = os.fstat(file)
        if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST:
            return file
    except IsADirectoryError:
        pass
    except OSError as error:
        if error.errno != errno.ELOOP:  # a link, that would have another file written
            raise
    if file >= 0:
        os.close(file)
    raise InputError([Problem(WRONG, str(ledger))])


@contextmanager
def _locked(ledger: Path) -> Iterator[int]:
    """Open the ledger for this process alone; OSError if that cannot be had."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        file = _opened(ledger, os.O_RDWR | os.O_CREAT)
        try:
            _wait_for(file, until)
            if os.path.exists(ledger) and os.path.samestat(os.fstat(file), os.stat(ledger)):
                yield file
                return
        finally:
            os.close(file)  # and unlocks it; where it was deleted meanwhile, again with the new one


def _wait_for(file: int, until: float) -> None:
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise OSError(error.errno, "another process holds it") from None
            time.sleep(0.01)


def _read(ledger: Path, file: int) -> tuple[list[Look], int, str]:
    """Give the distinct looks, where the last whole row ends, and a note if something lies behind it."""
    with open(file, "rb", closefd=False) as stream:
        stream.seek(0)
        raw = stream.read()
    end = len(raw) if not _torn(tail := raw[raw.rfind(b"\n") + 1 :]) else len(raw) - len(tail)
    note = "a row of the ledger that a crash cut off was left out" if end < len(raw) else ""
    distinct: dict[tuple[str, ...], Look] = {}
    for at, line in enumerate(raw[:end].splitlines(), 1):
        if line.strip():
            look = _row(ledger, at, line)
            distinct.setdefault(look.identity, look)
    return list(distinct.values()), end, note


def _torn(tail: bytes) -> bool:
    """Tell whether the end of a file is a row of ours that a crash tore; anything else is never cut off."""
    if not tail.strip(b"\0"):
        return bool(tail)
    if not (tail.startswith(_BEGINS) or _BEGINS.startswith(tail)):
        return False
    try:
        return not isinstance(loads(tail.decode("utf-8")), dict)
    except (NotJson, UnicodeDecodeError):
        return True


def _row(ledger: Path, at: int, line: bytes) -> Look:
    why = "is not a row of a ledger of looks; remove the line, or move the file away"
    try:
        row = loads(line.decode("utf-8-sig"))
        if isinstance(row, dict) and row.get("format", FORMAT) != FORMAT:
            why = f"is of format {row['format']!r}, this version reads {FORMAT}; update judgekit"
        elif isinstance(row, dict) and row.get("format") == FORMAT:
            look = Look(**{field.name: row[field.name] for field in fields(Look)})
            texts = [value for name, value in asdict(look).items() if name != "n"]
            if type(look.n) is int and all(isinstance(t, str) for t in texts) and look.role in STRICTEST:
                return look
    except (NotJson, UnicodeDecodeError, KeyError):
        pass
    raise InputError([Problem(why, str(ledger), at)])


def _append(file: int, end: int, look: Look) -> None:
    """Write one row behind the last whole one, or nothing at all."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    begin = "" if end == 0 or os.pread(file, 1, end - 1) == b"\n" else "\n"
    data = memoryview(f"{begin}{dumps({'format': FORMAT, 'at': at} | asdict(look))}\n".encode())
    try:
        os.ftruncate(file, end)
        written = 0
        while written < len(data):
            written += os.pwrite(file, data[written:], end + written)
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise
