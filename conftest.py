"""Runs the examples of README and docs/: Python blocks as code, console blocks as real commands.

A console block is run line by line (``$ ...``) in a folder of its page, which starts with the demo's
files. Its output must match, where ``…`` stands for anything.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

# Commands buffer their output here as they do for users.
os.environ.pop("PYTHONUNBUFFERED", None)
# Pages call the command by its name, whether or not the environment that tests run in is activated.
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]


def setup(namespace: dict[str, Any]) -> None:
    """Give every page a folder of its own."""
    namespace["folder"] = tempfile.TemporaryDirectory()
    namespace["before"] = os.getcwd()
    os.chdir(namespace["folder"].name)


def teardown(namespace: dict[str, Any]) -> None:
    """Leave it as it was."""
    os.chdir(namespace["before"])
    namespace["folder"].cleanup()


def run_console(example: Example) -> str | None:
    """Run each command of a block and compare what it prints."""
    steps = re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]
    for step in steps:
        command, _, expected = step.partition("\n")
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=120)
        said = (done.stdout + done.stderr).strip()
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        if expected.strip() and not re.fullmatch(pattern, said, re.DOTALL):
            return f"$ {command}\nprinted:\n{said}\n\nthe page says:\n{expected.strip()}"
        if not expected.strip() and done.returncode not in (0, 4):
            return f"$ {command}\nended with {done.returncode}:\n{said}"
    return None


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser(language="console", evaluator=run_console),
        SkipParser(),
    ],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=setup,
    teardown=teardown,
).pytest()
