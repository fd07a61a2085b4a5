"""Verdicts made elsewhere, replayed."""

import json

import pytest
from judged import LENGTH, TONE, YES, rubric_of

import judgekit as jk
from judgekit.errors import InputError, UsageError
from judgekit.files.recorded import read_recorded
from judgekit.verdict import Finding

RUBRIC = rubric_of(YES | {"gate": True}, TONE, LENGTH)
ONE = rubric_of(YES)


@pytest.fixture
def file(tmp_path):
    def write(rows, name="verdicts.jsonl"):
        path = tmp_path / name
        path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def said(id_, criterion, label, **more):
    return {"id": id_, "criterion": criterion, "label": label, **more}


def problems(path, rubric=RUBRIC, judge=None):
    with pytest.raises(InputError) as caught:
        read_recorded(path, rubric, judge)
    return [line.removeprefix(str(path)) for line in str(caught.value).split("\n")]


def test_rows_of_one_judge(file):
    path = file(
        [
            said(17, "correct", " PASS", explanation="why", score=0.9),
            said("17", "tone", 2),
            said("17", "length", 7),
            said("b", "correct", "fail", score=0.2),
            said("c", "correct", "fail", score=0),
            said("d", "correct", "pass", score=1),
            said("b", "tone", "not_applicable", score=0.5),
            said("b", "length", "cannot_tell"),
        ]
    )
    name, found = read_recorded(path, RUBRIC)
    assert name == "verdicts"
    assert found["17"] == {
        "correct": Finding("ok", "pass", explanation="why", confidence=0.9),
        "tone": Finding("ok", "2"),
        "length": Finding("ok", value=7.0),
    }
    assert [found[id_]["correct"].confidence for id_ in "bcd"] == [0.8, 1.0, 1.0]
    assert found["b"]["tone"] == Finding("ok", "not_applicable")
    assert found["b"]["length"] == Finding("abstained")
    judge = jk.judge(RUBRIC, f"recorded/{path}")
    verdict = judge.grade(id=17, output="x")
    assert (verdict.status, verdict.passed, verdict.score) == ("ok", True, pytest.approx((1 + 0.5 + 0.7) / 3))
    assert verdict.criteria["correct"].confidence == 0.9


def test_csv_and_a_rubric_with_one_question(file):
    path = file("id,label,score,judge\n1,pass,,\n2,FAIL,1,\n3,,,\n", "v.csv")
    _, found = read_recorded(path, ONE)
    assert found["1"]["correct"] == Finding("ok", "pass")
    assert found["2"]["correct"].confidence == 0.0
    assert found["3"]["correct"] == Finding("invalid_reply", explanation="the recorded label is null")


def test_what_was_not_recorded_and_what_was_null(file):
    rows = [said("a", "correct", None), said("a", "tone", "1"), said("a", "length", 1)]
    rows.append(said("b", "correct", "pass"))
    judge = jk.judge(RUBRIC, f"recorded/{file(rows)}")
    absent = judge.grade(id="z", output="x")
    assert (absent.status, absent.score) == ("not_recorded", None)
    assert absent.error.message == "no verdict on this item was recorded"
    null = judge.grade(id="a", output="x")
    assert (null.status, null.score, null.passed) == ("invalid_reply", None, None)
    assert null.criteria["tone"].label == "1" and "null" in null.error.message
    part = judge.grade(id="b", output="x")
    assert (part.status, part.error.message) == ("not_recorded", "nothing was recorded for tone, length")
    assert part.criteria["correct"].label == "pass"


def test_several_judges(file):
    path = file([said("a", "correct", "pass", judge="x"), said("a", "correct", "fail", judge="y")])
    with pytest.raises(UsageError) as caught:
        jk.judge(ONE, f"recorded/{path}")
    assert str(caught.value) == (
        f"{path} holds several judges; choose one: recorded/{path}@x, recorded/{path}@y"
    )
    with pytest.raises(UsageError, match=r"holds no judge 'z' \(it has: x, y\)"):
        jk.judge(ONE, f"recorded/{path}@z")
    x, y = (jk.judge(ONE, f"recorded/{path}@{name}") for name in "xy")
    assert (x.grade(id="a", output="o").criteria["correct"].label, x.name) == ("pass", "recorded/x")
    assert y.grade(id="a", output="o").criteria["correct"].label == "fail"
    assert x.fingerprint != y.fingerprint


def test_the_fingerprint_is_the_judges_name_and_the_rubric(file, tmp_path):
    rows = [said("a", "correct", "pass", judge="x")]
    here, there = (
        jk.judge(ONE, f"recorded/{file(rows)}"),
        jk.judge(ONE, f"recorded/{file(rows, 'other.jsonl')}@x"),
    )
    assert here.fingerprint == there.fingerprint
    gated = rubric_of(YES | {"gate": True})
    assert jk.judge(gated, f"recorded/{file(rows)}").fingerprint != here.fingerprint


def test_a_file_name_with_an_at_sign(file):
    rows = [said("a", "correct", "pass", judge="x")]
    path = file(rows, "v@2.jsonl")
    for source in (path, f"{path}@x"):
        assert jk.judge(ONE, f"recorded/{source}").grade(id="a", output="o").label is None
        assert jk.judge(ONE, f"recorded/{source}").name == "recorded/x"


def test_all_that_is_wrong_is_named(file):
    path = file(
        [
            said(None, "correct", "pass"),
            said("a", "corect", "pass"),
            said("a", "correct", "maybe"),
            said("a", "tone", "1"),
            said("a", "tone", "2"),
            said("a", "length", 11),
            said("b", "correct", "pass", score=1.5),
            said("c", "correct", "pass", score="high"),
            said("d", "correct", ["pass"]),
        ]
    )
    assert problems(path) == [
        ":1: id: an id must be text or a whole number, not null",
        ":2: criterion: 'corect' is not a criterion of test (correct, tone, length)",
        ":3: label: 'maybe' is not a level of correct (allowed: pass, fail, not_applicable, cannot_tell)",
        ":5: id 'a' has a verdict on tone already on line 4",
        ":6: label: 11 lies outside the range 0 to 10 of length",
        ":7: label: the score 1.5 is not a number between 0 and 1",
        ":8: label: the score 'high' is not a number between 0 and 1",
        ":9: label: \"['pass']\" is not a level of correct "
        "(allowed: pass, fail, not_applicable, cannot_tell); did you mean 'pass'?",
    ]


def test_files_that_hold_nothing(file, tmp_path):
    assert problems(file("")) == [": holds no verdicts"]
    with pytest.raises(InputError, match="cannot be read: No such file"):
        jk.judge(ONE, f"recorded/{tmp_path}/absent.jsonl")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        jk.judge(ONE, f"recorded/{tmp_path}/absent.jsonl@x")
    with pytest.raises(UsageError, match="recorded/FILE"):
        jk.judge(ONE, "recorded/")
