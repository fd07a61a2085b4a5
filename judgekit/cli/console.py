"""What every command shares: where text goes, exit codes, and the two flags of all."""

import shlex
import sys
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

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


class Console:
    """Text for people on stdout, or, with ``--json``, on stderr beside one object on stdout."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet

    def result(self, text: str, data: Any) -> None:
        """Print what the command is for."""
        print(visible(text), file=sys.stderr if self.as_json else sys.stdout, flush=True)
        if self.as_json:
            print(dumps({"format": 1, **data}), flush=True)

    def say(self, text: str) -> None:
        """Print what helps to follow; silent with ``--quiet``."""
        if not self.quiet:
            print(visible(text), file=sys.stderr if self.as_json else sys.stdout, flush=True)

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
