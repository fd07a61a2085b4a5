"""A folder to start from: twenty outputs to read, a rubric to fill in."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._json import dumps
from judgekit._text import visible
from judgekit.errors import InputError, Problem, Problems, UsageError
from judgekit.files.atomic import write_atomic
from judgekit.files.items import ContentIds, no_column
from judgekit.files.rows import Row, read_rows
from judgekit.item import field_text
from judgekit.rubric import Rubric

TO_READ = 20
# The fields that a judge is shown without being asked: other columns may hold addresses, keys or labels.
USUAL = {
    "input": "What the user asked",
    "output": "The answer being graded",
    "context": "What the answer could draw on",
    "expected": "An answer known to be good",
    "messages": "The conversation",
}
ALWAYS = ("input", "output")
HOLDS = "What this holds"
PURPOSE = "Whom this serves, and what success means for them."
INSTRUCTIONS = "What people and judges should know alike."
QUESTION = "Does the output give this user what they came for?"

# What would be markup in a line of Markdown, and what would be at its beginning.
_MARKUP = re.compile(r"[\\`*\[\]]")
_BEGINNING = re.compile(r"^(?=[-+#>=~|])|^\d+(?=[.)](\s|$))")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

RUBRIC = f"""\
# What success means, as a requirement that a person can sign and a judge can apply.
# Check it with: judgekit rubric check rubric.yaml
name: my-rubric
version: 0.1.0
purpose: >-
  {PURPOSE} Write it after you have read real outputs.
inputs:
{{inputs}}
instructions: >-
  {INSTRUCTIONS} Delete this key if there is nothing to say.
criteria:
  # One criterion for each thing that went wrong in what you read; yes-or-no questions are judged best.
  - name: serves_the_user
    question: {QUESTION}
    scale: binary
    gate: true # failing it fails the item
    # target: 0.9 # a requirement: 90 % of items must pass. Whether they do: judgekit rubric show --card CARD
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


def start(
    folder: Path, logs: Path | None, id_column: str | None = None
) -> tuple[list[tuple[Path, str]], str]:
    """Write the files of a new project; give each with a word on what it is, and which columns are missing.

    Parameters
    ----------
    logs : Path or None
        What to read first; None gives three invented items instead.
    id_column : str or None
        Column of the id in the logs; None takes ``id``, else a digest of the content, as grading does.

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
    if id_column is not None and logs is None:
        raise UsageError("an id column is one of your logs; name them too, with --from")
    rows = [] if logs is None else _rows(logs, id_column)
    folder.mkdir(parents=True, exist_ok=True)
    inputs = _invented_inputs() if logs is None else _inputs(rows, logs, id_column)
    write_atomic(rubric, [RUBRIC.format(inputs="\n".join(inputs))])
    what = [(rubric, "the rubric to fill in")]
    if logs is None:
        write_atomic(items, (dumps(row) + "\n" for row in EXAMPLES))
        return [*what, (items, "three invented items; put your own here")], ""
    write_atomic(reading, _reading(logs, rows, id_column or "id"))
    read = f"{min(TO_READ, len(rows))} of your {len(rows):,} outputs, at random, to read first"
    return [(reading, read), *what], _missing(rows, logs, id_column)


def unfinished(rubric: Rubric) -> list[str]:
    """Say which words of the starter rubric nobody has replaced yet."""
    found = ["name"] if rubric.name == "my-rubric" else []
    found += ["purpose"] if rubric.purpose.startswith(PURPOSE) else []
    found += [f"inputs.{name}" for name, given in rubric.inputs.items() if given.description == HOLDS]
    found += ["instructions"] if rubric.instructions.startswith(INSTRUCTIONS) else []
    return found + [f"the question of {c.name}" for c in rubric.criteria if c.question == QUESTION]


def _rows(logs: Path, id_column: str | None) -> list[Row]:
    problems = Problems(str(logs))
    rows = list(read_rows(logs, problems))
    problems.raise_if_any()
    if not rows:
        raise InputError([Problem("holds no rows", str(logs))])
    known = {name for row in rows for name in row.columns}
    if id_column is not None and id_column not in known:
        raise InputError([Problem(no_column("id column", id_column, known), str(logs), field="id")])
    return rows


def _missing(rows: list[Row], logs: Path, id_column: str | None) -> str:
    """Say which of the usual columns the logs lack, and what to give instead; empty if none."""
    seen = list(dict.fromkeys(name for row in rows for name in row.columns))
    lacking = [name for name in ALWAYS if name not in seen]
    advice = []
    if lacking:
        maps = " ".join(f"--map {name}=COLUMN" for name in lacking)
        advice.append(f"give {maps} when grading")
    if id_column is None and "id" not in seen:
        advice.append(f"for ids --id {_identifying(rows, seen)}, else they are made of the content")
        lacking.append("id")
    if not lacking:
        return ""
    columns = ", ".join(map(_pasted, seen[:TO_READ])) + (", …" if len(seen) > TO_READ else "")
    names = " or ".join(f"`{name}`" for name in lacking)
    return f"no column {names} in {_pasted(logs.name)} (columns: {columns}): {'; '.join(advice)}"


def _identifying(rows: list[Row], seen: list[str]) -> str:
    """Give the first column that is called an id and differs from row to row."""
    for name in seen:
        values = [row.columns.get(name) for row in rows]
        plain = all(isinstance(one, str | int) and one != "" for one in values)
        if name.casefold().endswith("id") and plain and len(set(values)) == len(rows):
            return _pasted(name)
    return "COLUMN"


def _invented_inputs() -> list[str]:
    return [f"  {name}: {USUAL[name]}" for name in ALWAYS]


def _inputs(rows: list[Row], logs: Path, id_column: str | None) -> Iterator[str]:
    """Write the inputs: what a judge will see, and the other columns as comments."""
    seen = dict.fromkeys(name for row in rows for name in row.columns)
    named = (id_column or "id", "id")
    everywhere = {name for name in seen if all(row.columns.get(name) not in (None, "") for row in rows)}
    yield "  # What a judge sees of each item, and what leaves the machine. Grade your logs with:"
    yield f"  #   {_grade_line(logs, id_column, [name for name in ALWAYS if name not in seen])}"
    for name, what in USUAL.items():
        if name in seen or name in ALWAYS:
            need = "" if name in everywhere or name not in seen else ", required: false"
            yield f"  {name}: {{description: {what}{need}}}"
    others = [name for name in seen if name not in USUAL and name not in named]
    if others:
        yield "  # Other columns of your logs; a judge sees one if you uncomment its line:"
    for name in (name for name in others if _FIELD.fullmatch(name)):
        need = "" if name in everywhere else ", required: false"
        key = f'"{name}"' if name.casefold() in ("null", "true", "false") else name
        yield f"  # {key}: {{description: {HOLDS}{need}}}"
    odd = [name for name in others if not _FIELD.fullmatch(name)]
    if odd:
        yield "  # Columns whose names are no field names; take one, as input or a field of your own, with:"
    for name in odd[: 2 * TO_READ]:
        yield f"  #   --map FIELD={_pasted(name)}"


def _grade_line(logs: Path, id_column: str | None, lacking: list[str]) -> str:
    identity = [] if id_column is None else ["--id", _pasted(id_column)]
    maps = [f"--map {name}=COLUMN" for name in lacking]
    given = ["judgekit grade rubric.yaml", _pasted(logs.name), *identity, *maps]
    return " ".join([*given, "--model MODEL --out graded.jsonl"])


def _pasted(name: str) -> str:
    # Whatever a column is called, it stays in its comment.
    return shlex.quote(name) if name.isprintable() else ascii(name)[:80]


def _reading(logs: Path, rows: list[Row], id_column: str) -> Iterator[str]:
    drawn = np.random.default_rng().choice(len(rows), min(TO_READ, len(rows)), replace=False)
    ids = ContentIds()
    names = [row.columns[id_column] if id_column in row.columns else ids.of(row.columns) for row in rows]
    yield f"# Read these {len(drawn)} first\n\n"
    yield (
        f"Drawn at random from {len(rows):,} rows of {_one_line(logs.name)}. Read each as its user would, "
        "and write in your own words what went wrong first, or that nothing did. When you are through, group "
        "the notes: every group that matters becomes one criterion of rubric.yaml.\n"
    )
    for number, place in enumerate(drawn, 1):
        yield f"\n## {number}. {_one_line(names[place])}\n"
        for field, value in rows[place].columns.items():
            if field != id_column and value not in (None, ""):
                yield f"\n{_one_line(field)}:\n\n{_block(field, value)}\n"
        yield "\nWhat went wrong first, in your words:\n\n"


def _one_line(value: Any) -> str:
    text = visible(" ".join(str(value).split())[:200])
    text = _MARKUP.sub(r"\\\g<0>", text).replace("&", "&amp;").replace("<", "&lt;")
    return _BEGINNING.sub(r"\g<0>\\", text)


def _block(field: str, value: Any) -> str:
    # Indented text is shown as it is: nothing in a log becomes markup.
    return "\n".join(f"    {visible(line)}" for line in field_text(field, value).splitlines())
