"""The one text that people read."""

from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from judged import LENGTH, SIDE, TONE, TOPIC, YES, binary, crossed, label, row, rubric_of

import judgekit as jk
from judgekit.calibration import calibrate
from judgekit.calibration.text import coefficient, share
from judgekit.stats import Estimate

GOLDEN = Path(__file__).with_name("demo.txt")


def test_the_text_of_the_demo(tmp_path):
    demo = files("judgekit").joinpath("_demo")
    for name in ("answers.jsonl", "labels.jsonl"):
        (tmp_path / name).write_bytes(demo.joinpath(name).read_bytes())
    judge = jk.judge("support-reply", "offline/lexical")
    jk.grade_file(judge, tmp_path / "answers.jsonl", tmp_path / "graded.jsonl")
    found = jk.calibrate(tmp_path / "graded.jsonl", tmp_path / "labels.jsonl")
    assert str(found) + "\n" == GOLDEN.read_text("utf-8")


def study(rubric, table, rest=None, **options):
    rows, labels = crossed(rubric, table, rest)
    return calibrate(rows, labels, rubric=rubric, **{"design": "random", **options})


NA = YES | {"allow_not_applicable": True}
ODD = {
    "a single label": study(rubric_of(YES), {("pass", "pass"): 1}, {"fail": 3}),
    "one class": study(rubric_of(YES), {("pass", "pass"): 40}, {"fail": 3}),
    "one level throughout": study(rubric_of(YES), {("pass", "pass"): 40}),
    "all labelled": study(rubric_of(YES), {("pass", "pass"): 30, ("fail", "fail"): 9}, target="batch"),
    "unknown design": study(rubric_of(YES), {("pass", "pass"): 30, ("fail", "fail"): 9}, design=None),
    "nobody could tell": study(rubric_of(YES), {("pass", "cannot_tell"): 40}),
    "the judge never could": study(rubric_of(YES, allow_abstain=True), {("cannot_tell", "pass"): 40}),
    "nothing applies": study(rubric_of(NA), {("not_applicable", "not_applicable"): 40}),
    "the judge sees nothing that applies": study(rubric_of(NA), {("not_applicable", "pass"): 40}),
    "one rank": study(rubric_of(TONE), {("2", "2"): 40}),
    "one number": study(rubric_of(LENGTH), {(5.0, 5.0): 40}, {4.0: 3}),
    "two numbers": study(rubric_of(LENGTH), {(5.0, 5.0): 1, (2.0, 3.0): 1}),
    "ties only": study(rubric_of(SIDE, mode="pairwise"), {("tie", "tie"): 40}),
    "one topic": study(rubric_of(TOPIC), {("bill", "bill"): 3}, {"login": 3}),
}


def test_few_groups_are_said_to_be_few():
    rubric = rubric_of(YES)
    rows = [row(rubric, f"i{n}", {"correct": "pass" if n % 3 else "fail"}, team=n % 3) for n in range(60)]
    labels = [label(f"i{n}", "correct", "pass" if n % 2 else "fail") for n in range(50)]
    found = calibrate(rows, labels, rubric=rubric, design="random", group="team")
    assert "3 groups: an interval needs at least 5" in str(found)
    assert "nan" not in str(found)


@pytest.mark.parametrize("case", ODD)
def test_no_undefined_number_is_printed_bare(case):
    text = str(ODD[case])
    assert "nan" not in text.casefold()
    assert "None" not in text
    assert "()" not in text
    # What is undefined says why, after it on its line.
    lines = text.splitlines()
    for line, below in pairwise(lines):
        if line.startswith(("  human only  undefined", "  corrected   undefined")):
            assert below.startswith(" " * 14) and below.strip(), line
        elif "undefined" in line and not line.startswith("  raw"):
            assert len(line.partition("undefined")[2].strip(" .;")) > 10, line


@pytest.mark.parametrize("case", ODD)
def test_nor_in_the_plain_json(case):
    from judgekit._json import dumps

    assert "NaN" not in dumps(ODD[case].to_dict())


def test_intervals_below_zero_are_written_with_a_word():
    assert coefficient(Estimate(-0.02, -0.21, 0.17, n=60)) == "−0.02 (−0.21 to 0.17)"
    assert coefficient(Estimate(-0.08, -0.16, -0.001, n=60)) == "−0.08 (−0.16 to 0.00)"
    assert coefficient(Estimate(0.46, 0.24, 0.63, n=60)) == "0.46 (0.24–0.63)"


def test_a_value_without_limits_says_why():
    assert coefficient(Estimate(0.5, n=12)) == "0.50 (too few items for an interval)"
    assert share(Estimate(0.5, note="few groups: 3")) == "50 % (few groups: 3)"
    assert share(Estimate(np.nan, note="no item counts")) == "undefined (no item counts)"


def test_one_of_a_thing_is_singular():
    text = str(ODD["a single label"])
    assert "1 label chosen at random" in text
    assert "of which 0 fails; label about 29 more" in text and "1 labels" not in text


def test_notes_of_estimates_stand_under_them():
    rubric, rows, labels = binary(28, 3, 3, 26, rest=(30, 30))
    rows.append(row(rubric, "u", {"correct": "pass"}))
    labels.append(label("u", "correct", "cannot_tell"))
    assert "              1 of 61 outcomes missing, left out" in str(
        calibrate(rows, labels, rubric=rubric, design="random")
    )


def test_a_mean_says_what_it_is_a_mean_of():
    assert "  mean score (0 to 10 as 0 to 1)" in str(ODD["two numbers"])
    assert "  share won by a, ties half      95 % interval" in str(ODD["ties only"])
    assert "  raw         50.0 %" in str(ODD["ties only"])
