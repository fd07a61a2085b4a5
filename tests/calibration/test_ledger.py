"""Looks at labels: how they are numbered, and what can happen to the file that remembers them."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import YES, label, row, rubric_of

from judgekit.calibration import calibrate
from judgekit.calibration.ledger import ledger_path, note_look, peek, read_ledger
from judgekit.calibration.looks import Look, standing, standing_from, standing_lines, strictest_role
from judgekit.errors import InputError

LOOK = Look("sha256:1", 60, "judge-a", "tone@1|a", "rubric", "frame", "", "calibrate")


def looked(ledger, *looks, **more):
    return [note_look(ledger, replace(LOOK, **look), **more) for look in looks]


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "labels.ledger.jsonl"


def test_a_growing_label_set_is_numbered_for_each_judge(ledger):
    found = looked(ledger, {}, {"labels": "2"}, {"labels": "2", "fingerprint": "b"}, {"labels": "3"})
    assert [one.look for one in found] == [1, 2, 1, 3]
    assert [one.judges for one in found] == [1, 1, 2, 2]
    assert [one.confidence() for one in found] == pytest.approx([0.95, 1 - 0.1 / 6, 0.95, 1 - 0.1 / 12])
    assert found[3].chosen_confidence() == 0.975
    assert not any(one.worn or one.opening for one in found) and all(one.first for one in found)


def test_the_same_look_keeps_its_number_and_leaves_no_second_row(ledger):
    looked(ledger, {}, {"labels": "2"})
    before = ledger.read_bytes()
    again = note_look(ledger, replace(LOOK, question="gate", n=61))
    assert (again.look, again.first) == (1, False)
    assert ledger.read_bytes() == before


def test_the_same_labels_on_another_batch_or_rubric_are_no_further_look_at_a_growing_set(ledger):
    found = looked(ledger, {}, {"frame": "other"}, {"rubric": "reworded"})
    assert [one.look for one in found] == [1, 1, 1]
    assert len(read_ledger(ledger)) == 3


@pytest.mark.parametrize("role", ["holdout", "confirmatory"])
def test_each_distinct_look_opens_a_holdout_whatever_judge_it_was(ledger, role):
    found = looked(ledger, *({"role": role, "fingerprint": f"j{k}"} for k in range(11)))
    assert [one.opening for one in found] == list(range(1, 12)) == [one.look for one in found]
    assert [one.worn for one in found] == [False] * 10 + [True]
    assert found[-1].judges == 11
    assert f"Opening 11 of this {role} set: it is worn; replace it." in standing_lines(found[-1])


def test_a_set_that_was_tuned_on_is_no_fresh_holdout(ledger):
    looked(ledger, {"role": "development"}, {"role": "development", "fingerprint": "b"})
    assert note_look(ledger, replace(LOOK, role="holdout", fingerprint="c")).opening == 3


def test_development_is_free_and_regression_leaves_no_trace(ledger):
    found = looked(ledger, {"role": "development"}, {"role": "development", "labels": "2"})
    found += looked(ledger, {"role": "development", "labels": "2", "fingerprint": "b"})
    assert [(one.look, one.judges) for one in found] == [(1, 1), (1, 1), (1, 2)]
    before = ledger.read_bytes()
    run = note_look(ledger, replace(LOOK, role="regression", labels="3", fingerprint="c"))
    assert (run.look, run.judges, run.opening) == (1, 3, None)
    assert ledger.read_bytes() == before


def test_rows_say_when_and_what(ledger):
    note_look(ledger, LOOK)
    row = json.loads(ledger.read_text())
    at = datetime.fromisoformat(row.pop("at"))
    assert at.utcoffset().total_seconds() == 0 and abs((datetime.now(UTC) - at).total_seconds()) < 3600
    assert row == {
        "format": 1,
        "labels": "sha256:1",
        "n": 60,
        "fingerprint": "judge-a",
        "signature": "tone@1|a",
        "rubric": "rubric",
        "frame": "frame",
        "role": "",
        "question": "calibrate",
    }


def test_peeking_writes_nothing(ledger):
    assert peek(ledger, LOOK).first and not ledger.exists()
    looked(ledger, {})
    before = ledger.read_bytes()
    assert peek(ledger, replace(LOOK, labels="2")).look == 2
    assert ledger.read_bytes() == before


def test_where_the_ledger_lies():
    here = Path.cwd().resolve()
    assert ledger_path("a/labels.jsonl") == here / "a/labels.ledger.jsonl"
    assert ledger_path([Path("a/x.v2.csv"), "b/y.csv"]) == here / "a/x.v2.ledger.jsonl"
    assert ledger_path("labels.jsonl.zst") == here / "labels.ledger.jsonl"


def test_the_role_of_several():
    assert strictest_role({"development", "holdout"}) == "holdout"
    assert strictest_role({"", "production"}) == "production"
    assert strictest_role(set()) == ""


def test_labels_from_memory_are_not_counted():
    found = note_look(None, LOOK)
    assert (found.look, found.judges) == (1, 1) and "come from no file" in found.note


# What an older card remembers


def through_card(found):
    return standing_from(json.loads(json.dumps(found.to_dict())))


def test_a_card_outlives_its_ledger(ledger):
    card = None
    for k in range(1, 6):
        card = through_card(note_look(ledger, replace(LOOK, labels=str(k)), card))
        assert card.look == k
        if k in (2, 4):
            ledger.unlink()
    assert note_look(ledger, replace(LOOK, labels="5"), card).look == 5
    other = note_look(ledger, replace(LOOK, labels="6", fingerprint="b"), card)
    assert (other.look, other.judges) == (1, 2)


def test_judges_and_openings_go_on_from_the_card_too(ledger):
    card = None
    for k in range(1, 6):
        look = replace(LOOK, role="holdout", fingerprint=f"j{k}")
        card = through_card(note_look(ledger, look, card))
        assert (card.opening, card.judges) == (k, k)
        if k == 3:
            ledger.unlink()
    assert note_look(ledger, card.of, card) == replace(card, first=False)


LOOKS = st.builds(
    replace,
    st.just(LOOK),
    labels=st.sampled_from("123"),
    fingerprint=st.sampled_from("ab"),
    role=st.sampled_from(["", "holdout"]),
)


@given(st.lists(LOOKS, min_size=1, max_size=12), st.integers(0, 12))
def test_a_card_adds_nothing_to_a_whole_ledger_and_keeps_all_of_a_lost_one(looks, lost_after):
    rows, kept, card, before = [], [], None, None
    for at, look in enumerate(looks):
        whole, old = standing(rows, look), card
        assert standing(rows, look, before) == whole
        card = standing(kept, look, old)
        assert card.look >= 1 and card.judges >= whole.judges * (at < lost_after)
        if old is not None:
            assert card.judges >= old.judges
            if old.of.fingerprint == look.fingerprint and not (look.role or old.of.role):
                new = look.labels not in {row.labels for row in kept} | {old.of.labels}
                assert card.look > old.look if new else True
                assert card.look >= old.look if look.labels == old.of.labels else True
        for trace in (rows, kept):
            if look.identity not in {row.identity for row in trace}:
                trace.append(look)
        before = whole
        if at == lost_after:
            kept = []


# What can happen to the file


def many_looks(ledger, writer):
    for k in range(20):
        note_look(ledger, replace(LOOK, labels=f"{writer}-{k}", fingerprint=f"j{writer}"))
        note_look(ledger, replace(LOOK, labels=f"shared-{k}"))


def test_writers_at_once_lose_and_double_nothing(ledger):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=many_looks, args=(ledger, w)) for w in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    rows = [json.loads(line)["labels"] for line in ledger.read_text().splitlines()]
    assert len(rows) == len(set(rows)) == 5 * 20


@pytest.mark.parametrize("tail", [b'{"format": 1, "at": "20', b"{", b"\0\0\0\0", b'{"format": 1, "at"\0\0'])
def test_a_torn_row_is_left_out_and_cut_off(ledger, tail):
    looked(ledger, {})
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + tail)
    assert len(read_ledger(ledger)) == 1
    found = note_look(ledger, replace(LOOK, labels="2"))
    assert found.look == 2 and "a crash cut off" in found.note
    assert len(ledger.read_text().splitlines()) == 2 and ledger.read_bytes().startswith(whole)
    assert note_look(ledger, replace(LOOK, labels="2")).note == ""


def test_a_whole_last_row_without_its_newline_counts(ledger):
    looked(ledger, {})
    ledger.write_bytes(b"\xef\xbb\xbf" + ledger.read_bytes().rstrip(b"\n"))
    assert note_look(ledger, replace(LOOK, labels="2")).look == 2
    assert len(read_ledger(ledger)) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"format": 2, "looks": []}', ":2: is of format 2, this version reads 1"),
        ("<<<<<<< HEAD", ":2: is not a row of a ledger of looks; remove the line"),
        ('{"format": 1, "labels": 5}', ":2: is not a row"),
        ("[1]", ":2: is not a row"),
        ("id,criterion,label", ":2: is not a row"),
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_another_format_and_garbage_are_named_and_not_touched(ledger, line, message, end):
    looked(ledger, {})
    ledger.write_text(f"{ledger.read_text()}{line}{end}")
    before = ledger.read_bytes()
    for door in (note_look, peek):
        with pytest.raises(InputError) as raised:
            door(ledger, replace(LOOK, labels="2"))
        assert f"{ledger}{message}" in str(raised.value)
    assert ledger.read_bytes() == before


def test_a_folder_or_a_pipe_in_its_place(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        for door in (note_look, peek):
            with pytest.raises(InputError, match="is not a file"):
                door(place, LOOK)


def test_a_missing_folder_is_no_crash(tmp_path):
    found = note_look(tmp_path / "none" / "x.ledger.jsonl", LOOK)
    assert found.look == 1 and "could not be written (No such file" in found.note
    assert standing_lines(found)[-1].endswith("looks are not counted here")


def as_nobody(ledger, queue):
    if os.getuid() == 0:
        os.setuid(65534)
    queue.put((note_look(ledger, replace(LOOK, labels="2")), note_look(ledger.with_name("new"), LOOK)))


def test_a_read_only_folder_counts_as_far_as_it_can_be_read():
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "labels.ledger.jsonl"
        looked(ledger, {})
        ledger.chmod(0o444)
        os.chmod(folder, 0o555)
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=as_nobody, args=(ledger, queue))
        child.start()
        second, new = queue.get(timeout=60)
        child.join()
        os.chmod(folder, 0o755)
        assert second.look == 2 and "could not be written (Permission denied)" in second.note
        assert new.look == 1 and "looks are not counted here" in new.note
        assert len(read_ledger(ledger)) == 1 and not ledger.with_name("new").exists()


FULL = """
import resource, signal, sys
from dataclasses import replace
from pathlib import Path
from judgekit.calibration.ledger import note_look
from judgekit.calibration.looks import Look
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
found = note_look(Path(sys.argv[1]), Look("2", 60, "judge-a", "", "rubric", "frame"))
print(found.look, found.note)
"""


def test_a_disk_that_fills_up_keeps_the_rows_before(ledger):
    looked(ledger, {})
    before = ledger.read_bytes()
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(ledger)], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("2 ") and os.strerror(errno.EFBIG) in run.stdout
    assert ledger.read_bytes() == before


def test_a_lock_that_never_opens_is_no_hang(ledger, monkeypatch):
    import fcntl

    monkeypatch.setattr("judgekit.calibration.ledger.LOCK_SECONDS", 0.05)
    looked(ledger, {})
    with ledger.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        found = note_look(ledger, replace(LOOK, labels="2"))
    assert found.look == 2 and "another process holds it" in found.note
    assert len(read_ledger(ledger)) == 1


# What people read


def test_sentences(ledger):
    assert standing_lines(peek(None, LOOK)) == []
    third = looked(ledger, {}, {"labels": "2"}, {"labels": "3"})[-1]
    assert standing_lines(third) == [
        "Look 3 at these labels: limits widened to 99.2 % each, so that over all looks neither errs in more "
        "than 5 %."
    ]
    seventh = looked(ledger, *({"fingerprint": f"{k}"} for k in range(6)))[-1]
    assert standing_lines(seventh) == [
        "7 judges were tried on these labels: the agreement of the chosen one holds with limits at 99.3 %."
    ]
    assert standing_lines(standing([], replace(LOOK, role="holdout"))) == [
        "Opening 1 of 10 of this holdout set."
    ]
    late = replace(third, look=40)
    assert "widened to 99.994 % each" in standing_lines(late)[0]


def test_a_look_that_can_decide_nothing_is_free(tmp_path):
    """Thirty labels are needed for any decision: those who are told to label more are not charged for it."""
    rubric = rubric_of(YES)
    rows = [row(rubric, f"i{n}", {"correct": "pass" if n % 3 else "fail"}) for n in range(80)]
    labels = [label(f"i{n}", "correct", "pass" if n % 2 else "fail", design="random") for n in range(80)]
    file, confidence = tmp_path / "labels.jsonl", []
    for n in (10, 29, 40, 60):
        file.write_text("".join(json.dumps(one) + "\n" for one in labels[:n]))
        confidence.append(calibrate(rows, file, rubric=rubric).confidence)
    assert confidence == pytest.approx([0.95, 0.95, 0.95, 1 - 2 * 0.05 / 6])
    assert len(read_ledger(ledger_path(file))) == 2


def test_neither_order_nor_links_nor_another_choice_of_files_resets_the_count(tmp_path):
    rubric = rubric_of(YES)
    rows = [row(rubric, f"i{n}", {"correct": "pass" if n % 3 else "fail"}) for n in range(120)]
    labels = [label(f"i{n}", "correct", "pass" if n % 2 else "fail", role="holdout") for n in range(120)]
    a, b, link = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "elsewhere"

    def look(files, first, second):
        a.write_text("".join(json.dumps(one) + "\n" for one in labels[:first]))
        b.write_text("".join(json.dumps(one) + "\n" for one in labels[60 : 60 + second]))
        return calibrate(rows, files, rubric=rubric, design="random").standing.opening

    link.mkdir()
    (link / "a.jsonl").symlink_to(a)
    (link / "b.jsonl").symlink_to(b)
    assert look([a, b], 60, 60) == 1
    assert look([b, a], 60, 60) == 1
    assert look([b, a], 40, 60) == 2
    assert look([link / "b.jsonl", link / "a.jsonl"], 40, 50) == 3
    assert look([b], 40, 45) == 4
    assert look([a], 45, 45) == 4  # the ledger of a knows of three: the look at b alone is none of its own


def test_a_link_in_the_place_of_a_ledger_is_refused(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    (tmp_path / "labels.ledger.jsonl").symlink_to(victim)
    with pytest.raises(InputError, match="is not a file, or is too large"):
        note_look(tmp_path / "labels.ledger.jsonl", LOOK)
    assert victim.read_bytes() == b""
