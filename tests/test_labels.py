"""How several labels of one item settle into one human answer."""

import pytest
from design_rubric import DESIGN
from hypothesis import given
from hypothesis import strategies as st
from judged import LENGTH, SIDE, TONE, TOPIC, YES, rubric_of

from judgekit.labels import (
    ADJUDICATED,
    Label,
    LabelSet,
    Settled,
    frame_of,
    match_answer,
    overall_criterion,
    raters_of,
    settle,
)
from judgekit.rubric import read_rubric

SCALES = rubric_of(YES, TONE, TOPIC, LENGTH).by_name
NA, CANT = "not_applicable", "cannot_tell"


def labels_of(*answers, raters=None):
    return [Label("i", "c", (raters or "abcdefgh")[n], answer) for n, answer in enumerate(answers)]


@pytest.mark.parametrize(
    ("criterion", "answers", "answer"),
    [
        # majority
        ("correct", ["pass"], "pass"),
        ("correct", ["pass", "fail", "pass"], "pass"),
        ("correct", ["pass", "fail"], None),
        ("correct", ["pass", "pass", "fail", "fail"], None),
        ("topic", ["bill", "login", "bill"], "bill"),
        ("topic", ["bill", "login", "other"], None),
        ("topic", ["bill", "bill", "login", "other"], "bill"),
        # median
        ("tone", ["1", "3", "3"], "3"),
        ("tone", ["1", "2", "3"], "2"),
        ("tone", ["1", "1", "3"], "1"),
        ("tone", ["1", "2"], None),
        ("tone", ["1", "2", "2", "3"], "2"),
        ("tone", ["3", "1", "1", "2"], None),
        # mean
        ("length", [2.0, 3.0], 2.5),
        ("length", [0.0, 0.0, 9.0], 3.0),
        # not applicable is an answer; half and half is none
        ("correct", [NA, NA, "pass"], NA),
        ("correct", [NA, "pass"], None),
        ("tone", [NA, NA, "1"], NA),
        ("tone", [NA, "1", "1"], "1"),
        ("tone", [NA, "1"], None),
        ("tone", [NA, NA, "1", "3"], None),
        ("length", [NA, 4.0], None),
        ("length", [NA, NA, 4.0, 6.0], None),
        ("length", [NA, 4.0, 6.0], 5.0),
        ("length", [NA, NA, 4.0], NA),
        # cannot_tell is no answer
        ("correct", [CANT, "pass"], "pass"),
        ("tone", [CANT, "1", "3"], None),
        ("length", [CANT, 4.0], 4.0),
    ],
)
def test_settling(criterion, answers, answer):
    found = settle(SCALES[criterion], labels_of(*answers))
    assert found == Settled(answer, "split" if answer is None else "settled", len(answers))
    assert settle(SCALES[criterion], labels_of(*answers)[::-1]) == found


def test_nobody_could_tell():
    assert settle(SCALES["correct"], labels_of(CANT, CANT)) == Settled(None, "cannot_tell", 2)
    assert settle(SCALES["correct"], []) == Settled(None, "cannot_tell", 0)


def test_the_adjudicated_answer_stands_alone():
    final = Label("i", "c", ADJUDICATED, "fail")
    assert settle(SCALES["correct"], [*labels_of("pass", "pass", "pass"), final]) == Settled(
        "fail", "settled", 1
    )
    unsure = Label("i", "c", ADJUDICATED, CANT)
    assert settle(SCALES["correct"], [*labels_of("pass"), unsure]) == Settled(None, "cannot_tell", 1)


def test_repeats_do_not_count():
    again = Label("i", "c", "a", "fail", repeat=True)
    assert settle(SCALES["correct"], [*labels_of("pass"), again, again]) == Settled("pass", "settled", 1)
    assert settle(SCALES["correct"], [again]).state == "cannot_tell"


@given(st.lists(st.sampled_from(["1", "2", "3", NA, CANT]), max_size=8), st.randoms())
def test_order_of_raters_does_not_matter(answers, random):
    labels = labels_of(*answers)
    found = settle(SCALES["tone"], labels)
    random.shuffle(labels)
    assert settle(SCALES["tone"], labels) == found
    assert found.answer is None or found.answer in answers


@given(st.lists(st.sampled_from(["pass", "fail", NA, CANT]), max_size=8))
def test_cannot_tell_changes_no_answer(answers):
    with_, without = labels_of(*answers), labels_of(*[a for a in answers if a != CANT])
    assert settle(SCALES["correct"], with_).answer == settle(SCALES["correct"], without).answer


@pytest.mark.parametrize(
    ("criterion", "given_", "read"),
    [
        ("correct", " Pass ", "pass"),
        ("correct", "FAIL", "fail"),
        ("tone", "2", "2"),
        ("length", " 7.50 ", 7.5),
        ("length", "0", 0.0),
        ("length", "10", 10.0),
        ("correct", " Not_Applicable", NA),
        ("length", "CANNOT_TELL", CANT),
    ],
)
def test_matching(criterion, given_, read):
    assert match_answer(SCALES[criterion], given_) == read


@pytest.mark.parametrize(
    ("criterion", "given_"),
    [
        ("correct", "passed"),
        ("correct", ""),
        ("tone", "2.0"),
        ("tone", "4"),
        ("length", "-0.1"),
        ("length", ""),
    ],
)
def test_nothing_is_guessed(criterion, given_):
    with pytest.raises(ValueError, match=r"is not a level|is not a number|lies outside"):
        match_answer(SCALES[criterion], given_)


def test_levels_match_in_any_spelling_of_their_letters():
    (one,) = rubric_of(TOPIC | {"levels": {"Caf\u00e9  au lait": "", "other": ""}}).criteria
    assert one.labels[0] == "Caf\u00e9 au lait"
    assert match_answer(one, "cafe\u0301 AU\u00a0lait") == one.labels[0]


def test_the_question_behind_overall():
    assert overall_criterion(rubric_of(YES)) is None
    gated = overall_criterion(rubric_of(YES | {"gate": True}))
    assert (gated.name, gated.labels, gated.pass_score) == ("overall", ("pass", "fail"), 1.0)
    assert overall_criterion(rubric_of(YES, threshold=0.5)).scale == "binary"
    pair = overall_criterion(rubric_of(SIDE, mode="pairwise"))
    assert (pair.scale, [pair.score_of(x) for x in ("a", "b", "tie")]) == ("pairwise", [1.0, 0.0, 0.5])


def test_a_label_set_by_criterion():
    labels = LabelSet(
        (
            Label("2", "correct", "ann", "pass", role="holdout"),
            Label("1", "correct", "ann", "pass"),
            Label("1", "correct", ADJUDICATED, "fail"),
            Label("1", "tone", "bob", "2"),
        )
    )
    assert labels.ids == ["2", "1"]
    assert {k: [one.rater for one in v] for k, v in labels.by_item("correct").items()} == {
        "2": ["ann"],
        "1": ["ann", ADJUDICATED],
    }
    assert {k: v.answer for k, v in labels.settled(SCALES["correct"]).items()} == {"2": "pass", "1": "fail"}
    assert raters_of(labels.labels) == ["ann", "bob"]
    assert labels.said("role") == {"holdout"}


def test_a_frame_does_not_depend_on_order():
    assert frame_of(["b", "a"]) == frame_of(["a", "b"]) != frame_of(["a", "c"])
    assert frame_of(["a", "b"])["n"] == 2


def test_every_level_of_the_design_can_be_labelled():
    for criterion in read_rubric(DESIGN).criteria:
        for label in criterion.labels:
            assert match_answer(criterion, label.upper()) == label
