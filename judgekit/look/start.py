"""A folder to start from: twenty outputs to read, a rubric to fill in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._json import dumps
from judgekit.errors import InputError, Problem, Problems, UsageError
from judgekit.files.atomic import write_atomic
from judgekit.files.rows import Row, read_rows
from judgekit.prompt import field_text

TO_READ = 20
USUAL = {"input": "What the user asked", "output": "The answer being graded"}

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

RUBRIC = """\
# What success means, as a requirement that a person can sign and a judge can apply.
# Check it with: judgekit rubric check rubric.yaml
name: my-rubric
version: 0.1.0
purpose: >-
  Whom this serves, and what success means for them. Write it after you have read real outputs.
inputs:
{inputs}
instructions: >-
  What people and judges should know alike. Delete this key if there is nothing to say.
criteria:
  # One criterion for each thing that went wrong in what you read; yes-or-no questions are judged best.
  - name: serves_the_user
    question: Does the output give this user what they came for?
    scale: binary
    gate: true # failing it fails the item
    levels:
      pass: What they came for is there and right
      fail: Anything else
allow_abstain: true # the judge may say that it cannot tell
"""

EXAMPLES = [
    {"id": "1", "input": "How do I export my data?", "output": "Open Settings, then Export, and choose CSV."},
    {
        "id": "2",
        "input": "Can I get a refund?",
        "output": "Refunds are a topic that many customers ask about.",
    },
    {"id": "3", "input": "Where is my parcel?", "output": "It left our depot today and arrives on Friday."},
]


def start(folder: Path, logs: Path | None) -> list[tuple[Path, str]]:
    """Write the files of a new project, and give each with a word on what it is.

    Raises
    ------
    UsageError
        If one of them exists.
    InputError
        If the logs cannot be read.
    """
    rubric, items, reading = folder / "rubric.yaml", folder / "items.jsonl", folder / "read-first.md"
    written = [rubric, items if logs is None else reading]
    for path in written:
        if path.exists():
            raise UsageError(f"{path} exists, and nothing is overwritten; choose another folder")
    rows = [] if logs is None else _rows(logs)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(rubric, [RUBRIC.format(inputs=_inputs(rows))])
    what = [(rubric, "the rubric to fill in")]
    if logs is None:
        write_atomic(items, (dumps(row) + "\n" for row in EXAMPLES))
        return [*what, (items, "three invented items; put your own here")]
    write_atomic(reading, _reading(logs, rows))
    return [
        (reading, f"{min(TO_READ, len(rows))} of your {len(rows):,} outputs, at random, to read first"),
        *what,
    ]


def _rows(logs: Path) -> list[Row]:
    problems = Problems(str(logs))
    rows = list(read_rows(logs, problems))
    problems.raise_if_any()
    if not rows:
        raise InputError([Problem("holds no rows", str(logs))])
    return rows


def _inputs(rows: list[Row]) -> str:
    seen = [name for row in rows[:TO_READ] for name in row.columns if name != "id"]
    names = [name for name in dict.fromkeys(seen) if _FIELD.fullmatch(name)]
    others = [name for name in dict.fromkeys(seen) if name not in names]
    everywhere = {name for name in names if all(row.columns.get(name) not in (None, "") for row in rows)}
    lines = ["  # Your columns. Keep what a judge needs to see, and say what each holds."] if names else []
    if others:
        # As ASCII: whatever a column is called, it stays in its comment.
        listed = ", ".join(ascii(name)[:80] for name in others[:TO_READ])
        lines.append(f"  # Not field names; take such a column with --map FIELD=COLUMN: {listed}")
    for name in names:
        need = "" if name in everywhere else ", required: false"
        key = f'"{name}"' if name.casefold() in ("null", "true", "false") else name
        lines.append(f"  {key}: {{description: {USUAL.get(name, 'What this holds')}{need}}}")
    lines += [] if names else [f"  {name}: {what}" for name, what in USUAL.items()]
    return "\n".join(lines)


def _reading(logs: Path, rows: list[Row]) -> Iterator[str]:
    drawn = np.random.default_rng().choice(len(rows), min(TO_READ, len(rows)), replace=False)
    yield f"# Read these {len(drawn)} first\n\n"
    yield (
        f"Drawn at random from {len(rows):,} rows of {logs.name}. Read each as its user would, and write in "
        "your own words what went wrong first, or that nothing did. When you are through, group the notes: "
        "every group that matters becomes one criterion of rubric.yaml.\n"
    )
    for number, place in enumerate(drawn, 1):
        row = rows[place]
        name = row.columns.get("id", f"line {row.line}")
        yield f"\n## {number}. {_one_line(name)}\n"
        for field, value in row.columns.items():
            if field != "id" and value not in (None, ""):
                yield f"\n{_one_line(field)}:\n\n{_block(field, value)}\n"
        yield "\nWhat went wrong first, in your words:\n\n"


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())[:200]


def _block(field: str, value: Any) -> str:
    # Indented text is shown as it is: nothing in a log becomes markup.
    return "\n".join(f"    {line}" for line in field_text(field, value).splitlines())
