"""What every command shares: where text goes, exit codes, and the two flags of all."""

import errno
import os
import shlex
import sys
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from judgekit._json import dumps
from judgekit._text import duration as duration
from judgekit._text import money as money
from judgekit._text import visible as visible

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print results only.")]


class ExitCode(IntEnum):
    """The exit codes of every command."""

    GOOD = 0
    BAD_FINDING = 1
    WRONG = 2
    INCOMPLETE = 3
    UNDECIDED = 4
    INTERRUPTED = 130


class Interrupted(Exception):
    """A signal ended a command, which has tidied up; `code` is what shells expect."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Unwritable(Exception):
    """Stdout takes no more: a full disk, not a reader who left."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the output cannot be written: {error.strerror or error}")
        self.code = exit_code(error)


def exit_code(error: OSError) -> ExitCode:
    """Give the exit code: a full disk can be emptied, and the command run again."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return ExitCode.INCOMPLETE if full else ExitCode.WRONG


def put(text: str, stream: IO[str] | None, end: str = "\n") -> None:
    """Print a line; where nobody reads any more, the command goes on in silence.

    Raises
    ------
    Unwritable
        If stdout cannot be written for any other reason.
    """
    try:
        print(text, end=end, file=stream, flush=True)
    except OSError as error:
        failed(error, stream)


def failed(error: OSError, stream: IO[str] | None) -> None:
    """Silence a stream that cannot be written: Python would complain when it flushes at its end."""
    if stream is not None:
        with suppress(OSError):
            sink = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(sink, stream.fileno())
            finally:
                os.close(sink)
    if stream is not sys.stderr and not isinstance(error, BrokenPipeError):
        raise Unwritable(error) from None


class Console:
    """Text for people on stdout, or, with ``--json``, on stderr beside one object on stdout."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet

    def result(self, text: str, data: Any) -> None:
        """Print what the command is for."""
        put(visible(text), sys.stderr if self.as_json else sys.stdout)
        if self.as_json:
            put(dumps({"format": 1, **data}), sys.stdout)

    def say(self, text: str) -> None:
        """Print what helps to follow; silent with ``--quiet``."""
        if not self.quiet:
            put(visible(text), sys.stderr if self.as_json else sys.stdout)

    def next(self, command: str) -> None:
        """Name the next useful command."""
        self.say(f"\nnext: {command}")


def shortened(text: str, most: int = 300) -> str:
    """Put a text on one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def quoted(path: str | Path) -> str:
    """Write a file name so that it can be pasted into a shell."""
    return shlex.quote(str(path))
