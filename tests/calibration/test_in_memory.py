"""Rows and labels from Python, without files."""

import pytest
from judged import YES, binary, label, row, rubric_of

import judgekit as jk
from judgekit.calibration import calibrate
from judgekit.errors import InputError, UsageError
from judgekit.verdict import verdict_from_dict

RUBRIC, ROWS, LABELS = binary(20, 5, 5, 20, rest=(30, 20))


class Frame:
    """What calibration asks of a data frame; an empty cell of one is NaN, or a type of its own."""

    def __init__(self, rows):
        self.rows = rows

    def to_dict(self, orient):
        assert orient == "records"
        return self.rows


class NAType:
    """As pandas calls its missing value."""


def test_rows_frames_and_generators_say_the_same():
    plain = calibrate(ROWS, LABELS, rubric=RUBRIC, design="random").to_dict()
    assert calibrate(iter(ROWS), iter(LABELS), rubric=RUBRIC, design="random").to_dict() == plain
    assert calibrate(Frame(ROWS), Frame(LABELS), rubric=RUBRIC, design="random").to_dict() == plain


def test_verdict_objects_are_taken_as_they_are():
    objects = [{"id": one["id"], "verdict": verdict_from_dict(one["verdict"])} for one in ROWS]
    found = calibrate(objects, LABELS, rubric=RUBRIC, design="random")
    assert found.overall.table == ((20, 5), (5, 20))


def test_what_judge_grade_returns_can_be_calibrated_at_once():
    judge = jk.judge(rubric_of(YES), "offline/lexical")
    rows = [{"id": str(n), "verdict": judge.grade(output=f"answer {n}")} for n in range(3)]
    found = jk.calibrate(rows, [label("1", "correct", "fail")], rubric=judge.rubric)
    assert found.fingerprint == judge.fingerprint


def test_empty_cells_of_a_frame_are_blank():
    blank = [one | {"note": float("nan"), "stratum": NAType(), "probability": float("nan")} for one in LABELS]
    unlabelled = {"id": ROWS[60]["id"], "criterion": "correct", "label": float("nan")}
    found = calibrate(ROWS, Frame([*blank, unlabelled]), rubric=RUBRIC, design="random")
    assert found.overall.counts.labelled == 50


def test_wide_frames_are_label_files_too():
    wide = [{"id": one["id"], "correct": one["label"]} for one in LABELS]
    assert calibrate(ROWS, Frame(wide), rubric=RUBRIC).overall.agreement.value == 0.8


def test_rows_need_their_rubric_and_it_must_be_theirs():
    with pytest.raises(UsageError, match="give rubric="):
        calibrate(ROWS, LABELS)
    with pytest.raises(UsageError, match=r"graded rows was graded by test@1\.0\.0"):
        calibrate(ROWS, LABELS, rubric=rubric_of(YES | {"question": "Right?"}))
    bare = [row(RUBRIC, "a", {"correct": "pass"})]
    bare[0]["verdict"]["rubric"] = None
    with pytest.raises(UsageError, match="another rubric"):
        calibrate(bare, LABELS, rubric=RUBRIC)


def test_what_is_no_row_is_refused_with_its_place():
    with pytest.raises(InputError, match="mappings or a data frame, not str"):
        calibrate(["a"], LABELS, rubric=RUBRIC)
    with pytest.raises(InputError, match="graded rows:2: is not a graded row"):
        calibrate([ROWS[0], {"id": "x"}], LABELS, rubric=RUBRIC)
    with pytest.raises(InputError, match="holds no graded rows"):
        calibrate([], LABELS, rubric=RUBRIC)
    with pytest.raises(InputError, match="labels:2: label: 'perhaps' is not a level of correct"):
        calibrate(ROWS, [LABELS[0], LABELS[1] | {"label": "perhaps"}], rubric=RUBRIC)


def test_a_batch_that_is_loaded_takes_no_group():
    from judgekit.calibration.in_memory import batch_from_rows

    with pytest.raises(UsageError, match="loaded already"):
        calibrate(batch_from_rows(ROWS, RUBRIC), LABELS, group="task")
