"""A small world to run the commands in: a rubric, numbered items, and a server whose judge is honest.

Item n says "answer number n" in its output; the judge passes it by a rule of n alone, so that every verdict
of a file can be checked against what the server must have said.
"""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import Answer, LoopbackServer, Seen, completion

RUBRIC = """\
name: desk
version: 1.0.0
purpose: For tests.
inputs:
  input: The question
  output: The answer
criteria:
  - name: right
    question: Is the answer right?
    scale: binary
    gate: true
    levels:
      pass: It is
      fail: It is not
allow_abstain: true
"""

MAIN = [sys.executable, "-m", "judgekit"]


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"t-{number:04d}", "input": "Is it?", "output": f"answer number {number}", **more}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def number_in(seen: Seen) -> int:
    return int(re.findall(rb"answer number (\d+)", seen.raw)[0])


def label_of(number: int) -> str:
    return "pass" if number * 7 % 10 < 6 else "fail"


def verdict_text(number: int) -> str:
    return json.dumps({"right": {"explanation": f"Number {number}.", "label": label_of(number)}})


def honest(seen: Seen) -> str:
    """Answer as the rule says."""
    return verdict_text(number_in(seen))


def slowly(seconds: float) -> Callable[[Seen], Answer]:
    return lambda seen: Answer(completion(honest(seen)), delay=seconds)


def asked(server: LoopbackServer) -> Counter[int]:
    """How often the server was asked about each item."""
    return Counter(number_in(seen) for seen in list(server.seen))


def assert_honest(out: Path, numbers: list[int]) -> None:
    """Every item is there once, in order, with the verdict that the rule gives."""
    rows = read_rows(out)
    assert [row["id"] for row in rows] == [item(n)["id"] for n in numbers]
    assert [row["verdict"]["status"] for row in rows] == ["ok"] * len(numbers)
    assert [row["verdict"]["criteria"]["right"]["label"] for row in rows] == [label_of(n) for n in numbers]


def kept_in(journal: Path) -> set[int]:
    """The items that have a whole row in a journal."""
    lines = journal.read_bytes().split(b"\n")[1:-1] if journal.exists() else []
    said = [json.loads(line)["verdict"]["explanation"] for line in lines]
    return {int(text.removeprefix("Number ").removesuffix(".")) for text in said}


def run(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in a process of its own."""
    return subprocess.run(
        [*MAIN, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False, **options
    )


def start(*arguments: str, cwd: Path, main: list[str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start one command and let it run."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([*(main or MAIN), *arguments], cwd=cwd, **pipes)


def wait_until(true: Callable[[], object], seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.01)
