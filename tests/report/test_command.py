import json
import subprocess
import sys

import pytest

from judgekit.cli.report import command
from judgekit.errors import UsageError

MAIN = [sys.executable, "-m", "judgekit", "report"]


def run(*words):
    return subprocess.run([*MAIN, *map(str, words)], capture_output=True, text=True, timeout=60)


def test_writes_the_page_and_names_the_next_step(desk, tmp_path):
    out = tmp_path / "report.html"
    done = run(desk.graded, "--labels", desk.labels, "--calibration", desk.card, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "format": 1,
        "out": str(out),
        "decision": "correct",
        "disagreements": 44,
        "failures": 0,
        "items": 200,
        "whole": 18,
    }
    assert "44 disagreements, first the 18 about the item as a whole" in done.stderr
    assert f"next: judgekit correct NEXT_GRADED.jsonl --calibration {desk.card}" in done.stderr
    assert out.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("name", ["graded", "labels", "card"])
def test_never_overwrites_what_it_reads(own, name):
    before = getattr(own, name).read_bytes()
    with pytest.raises(UsageError, match="is an input of this command"):
        command(own.graded, getattr(own, name), labels=[own.labels], calibration=own.card)
    assert getattr(own, name).read_bytes() == before
