import json
import os
import random
import signal
import time

import desk
import pytest
from loopback import LoopbackServer

from judgekit.batch import grade_file, runner

ROWS = 240
AT_ONCE = 4


def test_ten_kills(tmp_path):
    """Whatever moment a run is killed at: every row ends once, and none that was on disk is asked again."""
    draw = random.Random(20260)
    (tmp_path / "desk.yaml").write_text(desk.RUBRIC)
    desk.write_rows(tmp_path / "items.jsonl", [desk.item(n) for n in range(ROWS)])
    out, journal = tmp_path / "out.jsonl", tmp_path / "out.journal"
    with LoopbackServer(desk.slowly(0.06)) as server:
        command = ["grade", "desk.yaml", "items.jsonl", "--model", "m", "--base-url", server.url]
        command += ["--out", "out.jsonl", "--concurrency", str(AT_ONCE)]
        under_way = 0
        for _ in range(10):
            before, kept = server.count, desk.kept_in(journal)
            process = desk.start(*command, cwd=tmp_path, stdout=None, stderr=None)
            if draw.random() < 0.8:
                desk.wait_until(lambda before=before: server.count > before)
            time.sleep(draw.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            time.sleep(0.1)
            asked = {desk.number_in(seen) for seen in server.seen[before:]}
            assert not asked & kept
            assert kept <= desk.kept_in(journal)
            under_way += len(asked - desk.kept_in(journal))
        before, kept = server.count, desk.kept_in(journal)
        assert 0 < len(kept) < ROWS
        assert not out.exists()
        done = desk.run(*command, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert server.count - before == ROWS - len(kept)
        # Paid twice is at most what was under way at each kill.
        assert server.count == ROWS + under_way
        assert under_way <= 10 * AT_ONCE
    desk.assert_honest(out, list(range(ROWS)))
    assert json.loads(done.stdout)["usage"]["input_tokens"] == 100 * ROWS
    assert sorted(os.listdir(tmp_path)) == ["desk.yaml", "items.jsonl", "out.jsonl", "out.run.json"]


def test_killed_while_the_rows_are_put_in_order(place, monkeypatch):
    """Between the last verdict and the rename: nothing is asked again, and no half file stays."""

    def half(path, chunks):
        path.with_name(f".{path.name}.99999.part").write_text("half a r")
        raise MemoryError

    with place.grader() as (grader, server):
        with monkeypatch.context() as patch, pytest.raises(MemoryError):
            patch.setattr(runner, "write_atomic", half)
            grade_file(grader, place.items, place.out)
        assert server.count == 20 and not place.out.exists()
        grade_file(grader, place.items, place.out)
        assert server.count == 20
    desk.assert_honest(place.out, list(range(20)))
    assert not list(place.folder.glob(".*"))


def test_killed_between_the_rows_and_their_manifest(place, monkeypatch):
    def never(path, value):
        raise MemoryError

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(runner, "write_json", never)
        place.grade()
    assert place.out.exists() and not place.manifest.exists()
    assert place.grade() == []
    assert place.manifest.exists() and not place.journal.exists()
    assert place.run.manifest["usage"]["input_tokens"] == 20 * 100


def test_killed_while_an_output_is_extended(place, monkeypatch):
    """The answers of the finished file are copied into the new journal: half a copy loses none of them."""
    place.grade()
    place.write(range(30))
    real = runner.Journal.append

    def five(self, key, verdict, copied=False):
        if self.count >= 5:
            raise MemoryError
        self.count += 1
        return real(self, key, verdict, copied)

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(runner.Journal, "append", five)
        patch.setattr(runner.Journal, "count", 0, raising=False)
        patch.setattr(runner.Journal, "remove", lambda self: None)
        place.grade()
    assert len(place.journal.read_text().splitlines()) == 6
    assert place.grade() == list(range(20, 30))
    desk.assert_honest(place.out, list(range(30)))
    assert place.run.manifest["usage"]["input_tokens"] == 30 * 100
