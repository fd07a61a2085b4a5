import json
import os
from importlib.resources import files
from typing import Any, NamedTuple

import desk
import pytest

from judgekit.cli.app import run


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with the rubric and twenty items of the desk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in [name for name in os.environ if name.endswith("API_KEY")]:
        monkeypatch.delenv(name)
    (tmp_path / "desk.yaml").write_text(desk.RUBRIC)
    desk.write_rows(tmp_path / "items.jsonl", [desk.item(n) for n in range(20)])
    return tmp_path


@pytest.fixture
def judgekit(folder, capsys):
    """Run a command in this process, as its own process would."""

    def command(*arguments: str) -> Ended:
        capsys.readouterr()
        code = run(list(map(str, arguments)))
        return Ended(code, *capsys.readouterr())

    return command


@pytest.fixture
def demo(folder):
    """The demo's answers and labels, and a run over them."""
    for name in ("answers.jsonl", "labels.jsonl"):
        (folder / name).write_bytes(files("judgekit").joinpath("_demo", name).read_bytes())
    return folder
