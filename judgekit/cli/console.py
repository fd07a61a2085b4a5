"""What every command shares: where text goes, exit codes, progress, and the two flags of all."""

import re
import sys
import time
from enum import IntEnum
from typing import Annotated, Any

import typer

from judgekit._json import dumps
from judgekit.batch.tally import Tally

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print results only.")]

PLAIN_EVERY = 5.0
TERMINAL_EVERY = 0.2

# Control characters move the cursor or recolour the screen; bidirectional marks make a line read otherwise.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class ExitCode(IntEnum):
    """The exit codes of every command."""

    GOOD = 0
    BAD_FINDING = 1
    WRONG = 2
    INCOMPLETE = 3
    UNDECIDED = 4
    INTERRUPTED = 130


def visible(text: str) -> str:
    """Escape what a terminal would obey: texts from files are data."""
    return _HIDDEN.sub(lambda m: m[0].encode("unicode_escape", "surrogatepass").decode(), text)


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

    def __call__(self, tally: Tally) -> None:
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


def progress_text(tally: Tally) -> str:
    """Say how far a run is: counts, rate, time left."""
    left = tally.seconds_left
    until = f", {duration(left)} left" if left is not None else ""
    return f"  graded {tally.done:,} of {tally.total:,}, {tally.failed:,} failed, {tally.rate:.3g}/s{until}"


def duration(seconds: float) -> str:
    """Write a time span as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def money(cost: float | None) -> str:
    """Write a cost; what nobody knows is not free."""
    if cost is None:
        return "cost unknown"
    return f"${cost:.2f}" if cost == 0 or cost >= 0.01 else f"${cost:.4f}"
