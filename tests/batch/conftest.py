from contextlib import contextmanager
from pathlib import Path

import desk
import pytest
from loopback import LoopbackServer

from judgekit import _sync
from judgekit.batch import Options, grade_file
from judgekit.factory import judge
from judgekit.rubric import load_rubric


class Desk:
    """A folder with a rubric and items, and short ways to grade them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out, self.journal = folder / "out.jsonl", folder / "out.journal"
        self.manifest = folder / "out.run.json"
        (folder / "desk.yaml").write_text(desk.RUBRIC)
        self.items = self.write(range(20))

    def write(self, numbers, **more) -> Path:
        return desk.write_rows(self.folder / "items.jsonl", [desk.item(n, **more) for n in numbers])

    @contextmanager
    def grader(self, script=desk.honest, **options):
        """A judge whose server answers as scripted, beside that server."""
        with LoopbackServer(script) as server:
            grader = self.judge(server, **options)
            try:
                yield grader, server
            finally:
                _sync.run(grader.aclose())

    def judge(self, server: LoopbackServer, model: str = "m", **options):
        rubric = load_rubric(self.folder / "desk.yaml")
        return judge(rubric, model, base_url=server.url, attempts=options.pop("attempts", 1), **options)

    def grade(self, script=desk.honest, model: str = "m", progress=None, attempts: int = 1, **options):
        """Grade the items by a scripted server, and give the numbers it was asked about."""
        with LoopbackServer(script) as server:
            grader = self.judge(server, model, attempts=attempts)
            try:
                self.run = grade_file(grader, self.items, self.out, Options(**options), progress)
            finally:
                _sync.run(grader.aclose())
                self.asked = desk.asked(server)
        return sorted(self.asked)


@pytest.fixture
def place(tmp_path) -> Desk:
    return Desk(tmp_path)
