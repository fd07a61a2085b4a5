"""How far a run is, on stderr: one line that is rewritten on a terminal, plain ones elsewhere."""

import logging
import shutil
import sys
import time
from typing import TYPE_CHECKING

from judgekit._text import duration, visible
from judgekit.cli.console import put

if TYPE_CHECKING:
    from judgekit.batch import Tally

PLAIN_EVERY = 5.0  # seconds between lines
TERMINAL_EVERY = 0.2
RETRIES = "judgekit.providers.retry"


class Progress(logging.Handler):
    """Shows a tally when it is time to, and why calls wait, as the retry policy logs it.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, quiet: bool) -> None:
        super().__init__(logging.INFO)
        self.quiet, self.terminal = quiet, sys.stderr.isatty()
        self.shown_at = time.monotonic()
        self.pause, self.pause_ends = "", 0.0
        self.tally: Tally | None = None

    def __enter__(self) -> "Progress":
        logger = logging.getLogger(RETRIES)
        logger.addHandler(self)
        logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(RETRIES).removeHandler(self)
        if self.terminal:
            self._print("\r\x1b[2K")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep why a call waits, if it waits longest."""
        seconds = record.args[-1] if isinstance(record.args, tuple) and record.args else None
        ends = time.monotonic() + (seconds if isinstance(seconds, float) else 0.0)
        if ends > self.pause_ends:
            self.pause, self.pause_ends = record.getMessage(), ends

    def __call__(self, tally: "Tally") -> None:
        """Show the state, if it is time to."""
        self.tally = tally
        every = TERMINAL_EVERY if self.terminal else PLAIN_EVERY
        if time.monotonic() - self.shown_at < every:
            return
        self.shown_at = time.monotonic()
        waits = f"; waiting: {self.pause}" if self.shown_at < self.pause_ends else ""
        text = visible(progress_text(tally) + waits)
        if self.terminal:
            self._print(f"\r\x1b[2K{text[: shutil.get_terminal_size().columns - 1]}")
        else:
            self._print(f"{text}\n")

    def _print(self, text: str) -> None:
        if not self.quiet:
            put(text, sys.stderr, end="")


def progress_text(tally: "Tally") -> str:
    """Say how far a run is: counts, rate, time left."""
    left = tally.seconds_left
    until = f", {duration(left)} left" if left is not None else ""
    graded = f"  graded {tally.done - tally.failed:,} of {tally.total:,}, {tally.failed:,} failed"
    return f"{graded}, {tally.rate:.3g}/s{until}"
