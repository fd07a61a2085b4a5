"""What every command shares: where text goes, exit codes, progress, and the two flags of all."""

import sys
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgekit._json import dumps
from judgekit._text import duration as duration
from judgekit._text import money as money
from judgekit._text import visible as visible

if TYPE_CHECKING:
    from judgekit.batch import Tally

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print results only.")]

PLAIN_EVERY = 5.0
TERMINAL_EVERY = 0.2


class ExitCode(IntEnum):
    """The exit codes of every command."""

    GOOD = 0
    BAD_FINDING = 1
    WRONG = 2
    INCOMPLETE = 3
    UNDECIDED = 4
    INTERRUPTED = 130


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


class ProgressLine:
    """One line that is rewritten on a terminal, and a plain one every few seconds elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.terminal = quiet, sys.stderr.isatty()
        self.shown_at = time.monotonic()

    def __call__(self, tally: "Tally") -> None:
        """Show the state, if it is time to."""
        every = TERMINAL_EVERY if self.terminal else PLAIN_EVERY
        if self.quiet or time.monotonic() - self.shown_at < every:
            return
        self.shown_at = time.monotonic()
        text = progress_text(tally)
        print(
            f"\r\x1b[2K{text}" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr
        )
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave an empty line to the results."""
        if self.terminal and not self.quiet:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def progress_text(tally: "Tally") -> str:
    """Say how far a run is: counts, rate, time left."""
    left = tally.seconds_left
    until = f", {duration(left)} left" if left is not None else ""
    return f"  graded {tally.done:,} of {tally.total:,}, {tally.failed:,} failed, {tally.rate:.3g}/s{until}"
