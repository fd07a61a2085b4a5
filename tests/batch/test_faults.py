import json
import os
import random
import time
from hashlib import sha256

import desk
import pytest
from loopback import Answer, completion, error

from judgekit.batch import Options, grade_file
from judgekit.batch.work import Work
from judgekit.errors import Stopped
from judgekit.files.graded import read_graded
from judgekit.verdict import ANSWERS, STATUSES

KEY = "sk-secret-0123456789-abcdef"


def troubled(seen, number, tries):
    """Answer three of ten requests wrongly, each in its own way."""
    die = int(sha256(f"{number}:{tries}".encode()).hexdigest(), 16)
    if die % 10 >= 3:
        return desk.honest(seen)
    return [
        error(429, "slow down", {"Retry-After": "0.05"}),
        error(500, "oops"),
        Answer("<html>bad gateway</html>", 502),
        Answer("<html>"),
        Answer({"error": {"message": "overloaded"}}),
        Answer(completion(desk.honest(seen)), reset=True),
        Answer(completion(desk.honest(seen)), keep=40),
        Answer(completion("I think it is fine.")),
        Answer(completion('{"right": {"explanation": "x", "label": "excellent"}}')),
        Answer(completion(None)),
        Answer({"choices": []}),
        Answer(b"\xff\xfe\x00"),
    ][die // 10 % 12]


def test_every_row_ends_once(place, monkeypatch):
    monkeypatch.setattr("judgekit.providers.retry.MAX_BACKOFF", 0.02)
    numbers = list(range(300))
    place.write(numbers)
    tries = {}

    def script(seen):
        number = desk.number_in(seen)
        tries[number] = tries.get(number, 0) + 1
        return troubled(seen, number, tries[number])

    place.grade(script, attempts=3)
    rows = list(read_graded(place.out))
    assert [row.id for row in rows] == [desk.item(n)["id"] for n in numbers]
    statuses = [row.verdict.status for row in rows]
    assert set(statuses) <= set(STATUSES) and statuses.count("ok") > 250
    for number, row in zip(numbers, rows, strict=True):
        if row.verdict.status == "ok":
            assert row.verdict.label == desk.label_of(number)
        else:
            assert row.verdict.score is None and row.verdict.label is None
            assert row.verdict.error.message
    failed = [n for n, status in zip(numbers, statuses, strict=True) if status not in ANSWERS]
    assert place.run.manifest["counts"] == {s: statuses.count(s) for s in set(statuses)}
    # All requests are counted, whatever came of them.
    assert sum(row.verdict.attempts for row in rows) == sum(tries.values())
    assert place.grade() == failed
    desk.assert_honest(place.out, numbers)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "check the key"),
        (error(403, "not yours"), "check the key"),
        (error(404, "the model `m` does not exist"), "check the model's name"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "no quota left"),
        (error(402, "pay"), "no quota left"),
        (Answer("", 302, {"Location": "http://203.0.113.9/v1"}), "redirect to 203.0.113.9"),
    ],
)
def test_what_fails_every_call_stops_the_run_at_once(place, monkeypatch, answer, said):
    monkeypatch.setenv("DESK_KEY", KEY)
    place.write(range(200))
    real = place.judge
    monkeypatch.setattr(place, "judge", lambda *a, **o: real(*a, api_key_env="DESK_KEY", **o))
    good = iter([True] * 30 + [False] * 1000)
    with pytest.raises(Stopped, match=said) as stopped:
        place.grade(lambda seen: desk.honest(seen) if next(good) else answer, attempts=4, concurrency=8)
    assert 30 < sum(place.asked.values()) <= 30 + 8
    assert KEY not in str(stopped.value) + place.journal.read_text()
    assert "of 200 rows are done and kept, the same command goes on" in str(stopped.value)
    kept = desk.kept_in(place.journal)
    assert 22 <= len(kept) <= 30
    assert set(place.grade(concurrency=8)) == set(range(200)) - kept
    desk.assert_honest(place.out, list(range(200)))


@pytest.mark.parametrize("answer", [error(500, "oops"), error(429, "slow"), Answer(reset=True)])
def test_a_server_that_answers_nothing_ends_the_run_early(place, monkeypatch, answer):
    """Not after every row of the file has been tried in vain."""
    monkeypatch.setattr("judgekit.providers.retry.MAX_BACKOFF", 0.02)
    place.write(range(300))
    with pytest.raises(Stopped, match=r"none of the first 30 rows got an answer: .*command goes on"):
        place.grade([answer], attempts=2, concurrency=8)
    assert len(place.asked) <= 30 + 8
    assert place.grade() == list(range(300))


def test_rows_that_fail_by_themselves_do_not(place, monkeypatch):
    """One answer shows that the server is there; a complaint about a row says nothing about the others."""
    monkeypatch.setattr("judgekit.providers.retry.MAX_BACKOFF", 0.02)
    place.write(range(80))
    place.grade([error(400, "too long")], attempts=2)
    assert place.run.tally.failed == 80
    place.grade(lambda s: desk.honest(s) if desk.number_in(s) < 1 else error(500), attempts=2, fresh=True)
    assert place.run.tally.failed == 79


@pytest.mark.parametrize("concurrency", [1, 7, 40])
def test_concurrency_is_used_and_bounded(place, concurrency):
    place.write(range(80))
    with place.grader(desk.slowly(0.03), connections=100) as (grader, server):
        grade_file(grader, place.items, place.out, Options(concurrency=concurrency))
        assert server.most_at_once == concurrency


def test_disk_full(place, monkeypatch):
    """The disk takes no more in the middle: what is there stays whole, and nothing more is paid for."""
    place.write(range(60))
    real, room = os.pwrite, [9000]

    def pwrite(file, data, offset):
        if room[0] <= 0:
            raise OSError(28, "No space left on device")
        written = real(file, data[: room[0]], offset)
        room[0] -= written
        return written

    with (
        monkeypatch.context() as patch,
        pytest.raises(Stopped, match=r"out\.journal: cannot be written: No space"),
    ):
        patch.setattr(os, "pwrite", pwrite)
        place.grade(concurrency=3)
    kept = desk.kept_in(place.journal)
    assert 0 < len(kept) < 20 and place.journal.read_bytes().endswith(b"\n")
    assert sum(place.asked.values()) <= len(kept) + 3
    assert place.grade() == sorted(set(range(60)) - kept)


def test_no_room_for_the_last_step(place, monkeypatch):
    def full(path, chunks):
        next(iter(chunks))
        raise OSError(28, "No space left on device")

    with (
        monkeypatch.context() as patch,
        pytest.raises(Stopped, match=r"every answer is kept in .*out\.journal"),
    ):
        patch.setattr("judgekit.batch.runner.write_atomic", full)
        place.grade()
    assert place.grade() == []


def test_a_sync_that_fails(place, monkeypatch):
    """A disk that loses what it took: said as such, and no traceback."""

    def broken(file):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch, pytest.raises(Stopped, match="Input/output error"):
        patch.setattr("judgekit.batch.journal.os.fsync", broken)
        place.grade()


def test_a_grader_that_breaks(place, monkeypatch):
    """What is not an item's trouble comes through as it is, with everything so far kept."""
    real = Work._one

    async def one(self, ordinal, row, key):
        if ordinal == 12:
            raise ConnectionResetError("my own grader's fault")
        await real(self, ordinal, row, key)

    with monkeypatch.context() as patch, pytest.raises(ConnectionResetError, match="my own"):
        patch.setattr(Work, "_one", one)
        place.grade(concurrency=1)
    assert place.grade() == list(range(12, 20))


def test_waiting_is_reported(place, monkeypatch):
    """A run whose calls all wait calls its progress all the same."""
    monkeypatch.setattr("judgekit.batch.work.TICK_SECONDS", 0.02)
    told = []
    place.write(range(2))
    place.grade(
        lambda seen: Answer(completion(desk.honest(seen)), delay=0.3),
        progress=lambda tally: told.append((time.monotonic(), tally.done)),
    )
    assert [done for _, done in told].count(0) >= 5
    assert told[-1][1] == 2


def test_texts_that_are_odd(place):
    odd = [
        "\ud800 alone",
        "nul \x00 and \x1b[31m",
        "\u202e bidi \u200b",
        "{{ x }} $HOME %s {0}",
        "\u2028\u0085",
    ]
    rows = [desk.item(n, note=text) | {"input": text} for n, text in enumerate(odd)]
    place.items.write_text("".join(json.dumps(row) + "\n" for row in rows))
    place.grade()
    assert [row["item"] for row in desk.read_rows(place.out)] == rows
    random.shuffle(rows)
    place.items.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert place.grade() == []
