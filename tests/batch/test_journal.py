import json

import desk
import pytest
from loopback import error

from judgekit.batch import Options
from judgekit.batch.journal import Journal
from judgekit.errors import InputError, Stopped, UsageError

IDENTITY = {"fingerprint": "f", "signature": "s", "rubric_digest": "d"}
VERDICT = {"status": "ok", "label": "pass"}


@pytest.fixture
def stopped(place):
    """A run that stopped in the middle: the server knew the model no more."""
    place.broken = 0

    def script(seen):
        place.broken += 1
        return desk.honest(seen) if place.broken <= 8 else error(404, "gone")

    with pytest.raises(Stopped, match="gone"):
        place.grade(script, concurrency=1)
    assert desk.kept_in(place.journal) == set(range(8))
    return place


def opened(path) -> Journal:
    journal = Journal(path, IDENTITY)
    journal.begin(None)
    return journal


def lines(place) -> list[bytes]:
    return place.journal.read_bytes().split(b"\n")[:-1]


def damage(place, change) -> None:
    place.journal.write_bytes(change(place.journal.read_bytes()))


def test_continues(stopped):
    assert stopped.grade() == list(range(8, 20))
    desk.assert_honest(stopped.out, list(range(20)))


@pytest.mark.parametrize("cut", [1, 2, 40, 700])
def test_torn_last_line(stopped, cut):
    damage(stopped, lambda raw: raw[:-cut])
    assert stopped.grade() == list(range(7, 20))
    desk.assert_honest(stopped.out, list(range(20)))


@pytest.mark.parametrize("size", [1, 4096, 200_000])
def test_zero_filled_tail(stopped, size):
    damage(stopped, lambda raw: raw + b"\0" * size)
    assert stopped.grade() == list(range(8, 20))
    desk.assert_honest(stopped.out, list(range(20)))


def test_torn_line_turned_to_zeros(stopped):
    damage(stopped, lambda raw: raw[:-500] + b"\0" * 500)
    assert stopped.grade() == list(range(7, 20))


def test_zeros_before_a_whole_row(stopped):
    """Pages reach the disk in any order: what was written after a lost one counts."""
    parts = lines(stopped)
    parts[3] = b"\0" * (len(parts[3]) + 1) + parts[4]
    del parts[4]
    stopped.journal.write_bytes(b"\n".join(parts) + b"\n")
    assert stopped.grade() == [2, *range(8, 20)]
    desk.assert_honest(stopped.out, list(range(20)))


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"",
        b"\xff\xfe\xff",
        b"[1, 2]",
        b'{"key": "zz", "verdict": {"status": "ok"}}',
        b'{"key": "00", "verdict": null}',
        b'{"key": "00", "verdict": {"status": 3}}',
        b'{"key": "00"}',
        b"[" * 5000,
    ],
)
def test_garbage_in_the_middle(stopped, garbage):
    parts = lines(stopped)
    parts[4] = garbage
    stopped.journal.write_bytes(b"\n".join(parts) + b"\n")
    assert stopped.grade() == [3, *range(8, 20)]
    desk.assert_honest(stopped.out, list(range(20)))


@pytest.mark.parametrize("left", [b"", b'{"for', b'{"format": 1, "journal": {"finger', b"\0" * 300])
def test_torn_header(place, left):
    place.journal.write_bytes(left)
    assert place.grade() == list(range(20))


@pytest.mark.parametrize(
    "foreign",
    [b"my notes\n", b"my notes", b'{"format": 1}\n', b'{"journal": 3}\n', b"[]\n", b"\xff\xfe\n", b"\0\n"],
)
@pytest.mark.parametrize("fresh", [False, True])
def test_foreign_file(place, foreign, fresh):
    place.journal.write_bytes(foreign)
    with pytest.raises(UsageError, match=r"out\.journal: is not a journal of judgekit"):
        place.grade(fresh=fresh)
    assert place.journal.read_bytes() == foreign
    assert not place.asked


def test_another_model(stopped):
    before = stopped.journal.read_bytes()
    with pytest.raises(UsageError, match=r"graded by desk@1\.0\.0\|m\|.*this run is desk@1\.0\.0\|other\|"):
        stopped.grade(model="other")
    assert stopped.journal.read_bytes() == before
    assert not stopped.asked


def test_another_rubric_of_the_same_name(stopped):
    text = desk.RUBRIC.replace("Is the answer right?", "Is the answer kind?")
    (stopped.folder / "desk.yaml").write_text(text)
    with pytest.raises(UsageError, match="the rubric says something else since"):
        stopped.grade()


def test_fresh_starts_over(stopped):
    assert stopped.grade(model="other", fresh=True) == list(range(20))


def test_a_wrong_name_leaves_nothing_in_the_way(place):
    """The first call shows that the model's name was misspelt; no answer rests on it."""
    with pytest.raises(Stopped, match="no such model"):
        place.grade([error(404, "no such model")], model="typo")
    assert place.journal.exists()
    assert place.grade(model="m") == list(range(20))


def test_second_writer(place):
    journal = opened(place.journal)
    with pytest.raises(UsageError, match="another process is writing this run"):
        place.grade(fresh=True)
    journal.close()
    assert place.grade() == list(range(20))


def test_lock_of_a_file_that_is_gone(tmp_path):
    """Whoever waited for a run that finished does not write into the file that it took away."""
    path = tmp_path / "a.journal"
    first = opened(path)
    first.remove()
    second = opened(path)
    second.append(7, VERDICT)
    first.close()
    second.close()
    assert [entry.key for entry in Journal(path, IDENTITY).rows()] == [7]


def test_unwritable(place, tmp_path):
    place.journal.mkdir()
    with pytest.raises(InputError, match=r"out\.journal: cannot be written: Is a directory"):
        place.grade()
    assert not place.asked


def test_rows_read_back(tmp_path):
    path = tmp_path / "a.journal"
    journal = opened(path)
    odd = VERDICT | {"explanation": '\ud800 \u2028 "verdict": \x00 é\n'}
    offsets = [journal.append(2**64 - 1, odd), journal.append(0, VERDICT, copied=True)]
    journal.close()
    journal = Journal(path, IDENTITY)
    assert [tuple(entry) for entry in journal.rows()] == [
        (offsets[0], 2**64 - 1, odd, False),
        (offsets[1], 0, VERDICT, True),
    ]
    assert [json.loads(journal.verdict_text(offset)) for offset in offsets] == [odd, VERDICT]
    journal.close()


def test_options():
    for wrong in ({"concurrency": 0}, {"limit": 0}, {"sample": -1}, {"limit": 1, "sample": 1}):
        with pytest.raises(UsageError):
            Options(**wrong)
