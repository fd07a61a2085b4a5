import asyncio
import json
import subprocess
import sys

import desk
import pytest

from judgekit.batch import Options, agrade_file, grade_file
from judgekit.errors import UsageError


def test_inside_a_running_loop(place):
    with place.grader() as (grader, _):

        async def notebook():
            return grade_file(grader, place.items, place.out)

        assert asyncio.run(notebook()).tally.done == 20
    desk.assert_honest(place.out, list(range(20)))


def test_rows_that_are_no_file(place):
    with place.grader() as (grader, server):
        with pytest.raises(UsageError, match="reads a file, not a list: write the items as JSONL"):
            grade_file(grader, [desk.item(1)], place.out)
        assert server.count == 0


def test_cancellation_leaves_nothing_running(place):
    async def work(grader):
        reached = asyncio.Event()

        def progress(tally):
            if tally.done >= 8:
                reached.set()

        options = Options(concurrency=5)
        run = asyncio.create_task(agrade_file(grader, place.items, place.out, options, progress))
        await reached.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await grader.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with place.grader(desk.slowly(0.05)) as (grader, server):
        asyncio.run(work(grader))
        kept = desk.kept_in(place.journal)
        assert 8 <= len(kept) < 20
        # Neither a lock nor a loop is left behind: the same process can go on at once.
        before = server.count
        grade_file(grader, place.items, place.out)
        assert server.count - before == 20 - len(kept)
    desk.assert_honest(place.out, list(range(20)))


@pytest.mark.parametrize("step", ["check", "take_up", "graded_lines"])
def test_cancelled_in_a_step_that_takes_long(place, monkeypatch, step):
    """The steps that run beside the loop end when the run is cancelled, and before it returns."""
    from judgekit.batch.work import Work
    from judgekit.errors import Stopped
    from judgekit.files.items import ItemFile

    ended = []

    def until_told(stop):
        assert stop.wait(20)
        ended.append(step)
        raise Stopped("told")

    if step == "check":
        monkeypatch.setattr(ItemFile, "check", lambda self, stop: until_told(stop))
    elif step == "take_up":
        monkeypatch.setattr(Work, "take_up", lambda self, out, stop: until_told(stop))
    else:
        monkeypatch.setattr(Work, "graded_lines", lambda self, stop: until_told(stop))

    async def work(grader):
        run = asyncio.create_task(agrade_file(grader, place.items, place.out))
        await asyncio.sleep(0.5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await grader.aclose()
        assert ended == [step]

    with place.grader() as (grader, _):
        asyncio.run(work(grader))
    monkeypatch.undo()
    assert not place.out.exists()
    assert place.grade() == ([] if step == "graded_lines" else list(range(20)))


def test_interrupt_of_the_synchronous_door(place, monkeypatch):
    """Ctrl-C in a notebook: the run has tidied up when the exception arrives, so the cell can run again."""
    import concurrent.futures

    real = concurrent.futures.Future.result

    def interrupted(self, timeout=None):
        try:
            return real(self, 0.3)
        except TimeoutError:
            raise KeyboardInterrupt from None

    with place.grader(desk.slowly(0.1)) as (grader, server):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(concurrent.futures.Future, "result", interrupted)
            grade_file(grader, place.items, place.out, Options(concurrency=2))
        kept = desk.kept_in(place.journal)
        before = server.count
        grade_file(grader, place.items, place.out)
        assert server.count - before == 20 - len(kept)


def test_progress(place):
    told = []
    place.grade(progress=lambda tally: told.append((tally.done, tally.total, tally.failed)))
    assert sorted(set(told))[:20] == [(n, 20, 0) for n in range(1, 21)]


def test_progress_that_breaks_ends_the_run(place):
    def broken(tally):
        raise ValueError("no bar")

    with pytest.raises(ValueError, match="no bar"):
        place.grade(progress=broken)


def test_repr(place):
    place.grade()
    assert repr(place.run).endswith("out.jsonl', 20 ok)")
    assert json.dumps(place.run.to_dict())


PEAK = """
import resource, sys
from judgekit.batch import grade_file
from judgekit.factory import judge
run = grade_file(judge("desk.yaml", "offline/lexical"), sys.argv[1], sys.argv[2])
print(run.tally.done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_is_flat(place):
    """Ten times the rows, not ten times the memory."""
    peaks = []
    for count in (2_000, 20_000):
        items = place.folder / f"{count}.jsonl"
        with items.open("w") as stream:
            stream.writelines(json.dumps(desk.item(n, pad="x" * 500)) + "\n" for n in range(count))
        command = [sys.executable, "-c", PEAK, items.name, f"out{count}.jsonl"]
        done = subprocess.run(command, cwd=place.folder, capture_output=True, text=True, check=True)
        rows, peak = map(int, done.stdout.split())
        assert rows == count
        peaks.append(peak)
    assert peaks[1] < 1.5 * peaks[0]
