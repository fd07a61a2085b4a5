"""Writes docs/commands.md from the program itself; with --check, says whether it is stale.

Run it after a change to a command: ``python docs/generate.py``.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.testing import CliRunner

from judgekit.cli.app import build
from judgekit.cli.console import ExitCode

PAGE = Path(__file__).parent / "commands.md"
# What a terminal would decide: width, colours.
SETTING = {"COLUMNS": "100", "LINES": "40", "TERM": "dumb", "NO_COLOR": "1", "FORCE_COLOR": None}

EXITS = {
    ExitCode.GOOD: (
        "done, and good",
        "the judge may be trusted or corrected; one of the judges may be used; every row was graded; a plan",
    ),
    ExitCode.BAD_FINDING: (
        "done, and the finding is bad",
        "`calibrate`: reject the judge; `calibrate --check`: a card does not hold; `judges`: the best are "
        "rejected; `correct --labels`: a verdict no longer means what it meant; `grade --canary`: the model "
        "has changed, nothing was graded; `rubric show --card`: a requirement is not met; `doctor`: no "
        "verdict could be read",
    ),
    ExitCode.WRONG: (
        "wrong usage or bad input; nothing was done",
        "an unknown option, a broken file, a stale card; `plan`: a goal that no number of labels reaches, or "
        "that is reached already",
    ),
    ExitCode.INCOMPLETE: (
        "incomplete; the same command goes on",
        "`grade`: more rows failed than `--max-failed` allows, or the provider refuses every call; "
        "`grade --canary`: fewer than half could be asked again; `calibrate --model`: no item got an answer; "
        "any: the disk is full, or judgekit itself is at fault",
    ),
    ExitCode.UNDECIDED: (
        "not enough evidence to decide",
        "`calibrate`: too few labels, or people disagree; `judges`: fewer than 30 items that all of them "
        "answered; `correct`: two assumptions, two numbers; `rubric show --card`: a requirement is unknown",
    ),
    ExitCode.INTERRUPTED: ("interrupted (Ctrl-C); the same command goes on", ""),
    143: ("ended by SIGTERM; the same command goes on", ""),
}

HEAD = """\
# Commands

<!-- Written by docs/generate.py from the program; change the program, then run `python docs/generate.py`. -->

Every command takes `--json` (one machine-readable object on stdout; tables and progress go to stderr) and
`--quiet` (results only), and ends by naming the next useful command.

## Exit codes

| code | meaning | such as |
|---|---|---|
"""


def page() -> str:
    """Give the whole page."""
    missing = set(ExitCode) - set(EXITS)
    if missing:
        raise SystemExit(f"docs/generate.py: EXITS does not explain {', '.join(map(str, missing))}")
    rows = [f"| {int(code)} | {meaning} | {example} |\n" for code, (meaning, example) in EXITS.items()]
    return HEAD + "".join(rows) + "".join(_section(path) for path in _commands())


def _commands() -> Iterator[list[str]]:
    """Yield the words of every command, the program itself first."""
    waiting = [([], typer.main.get_command(build()))]
    while waiting:
        words, command = waiting.pop(0)
        yield words
        inner = getattr(command, "commands", {})
        waiting[:0] = [([*words, name], one) for name, one in inner.items()]


def _section(words: list[str]) -> str:
    found = CliRunner().invoke(build(), [*words, "--help"], prog_name="judgekit", env=SETTING)
    if found.exit_code != 0:
        raise SystemExit(f"docs/generate.py: judgekit {' '.join(words)} --help ended with {found.exit_code}")
    text = "\n".join(line.rstrip() for line in found.output.strip().splitlines())
    return f"\n## {' '.join(['judgekit', *words])}\n\n```\n{text}\n```\n"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="Write nothing; 1 if the page is stale.")
    check = parser.parse_args().check
    new = page()
    if PAGE.exists() and PAGE.read_text("utf-8") == new:
        return 0
    if check:
        print(f"{PAGE} is stale; run: python docs/generate.py", file=sys.stderr)
        return 1
    PAGE.write_text(new, "utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
