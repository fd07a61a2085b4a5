"""The word-overlap heuristic: known values, every scale, and never a number outside its scale."""

import asyncio

import pytest
from design_rubric import DESIGN
from hypothesis import given
from hypothesis import strategies as st
from judged import LENGTH, SIDE, TONE, TOPIC, YES, rubric_of

from judgekit.grader import Grader
from judgekit.judges import LexicalGrader
from judgekit.library import find, names
from judgekit.rubric import read_rubric
from judgekit.verdict import verdict_from_dict


def grader(*criteria, **inputs):
    return LexicalGrader(rubric_of(*criteria, inputs=inputs or {"input": "", "output": ""}))


def share(judge, **fields):
    return judge.grade(**fields).criteria["length"].score


def test_the_share_of_content_words_that_stand_in_the_other_inputs():
    judge = grader(LENGTH)
    assert share(judge, input="Press the red button", output="the RED button works") == pytest.approx(2 / 3)
    assert share(judge, input="alpha", output="beta") == 0
    assert share(judge, input="alpha beta", output="beta, alpha!") == 1
    assert share(judge, input="x", output="") == 0
    assert share(judge, input="of the", output="of the") == 1  # nothing but function words


def test_held_against_a_reference_by_f1_and_the_best_of_several():
    judge = grader(LENGTH, output="", expected="", input="")
    assert share(judge, input="ignored", output="red button", expected="big red button") == pytest.approx(0.8)
    assert share(judge, input="", output="red red", expected="red blue") == 0.5
    assert share(judge, input="", output="red", expected=["blue", "red"]) == 1
    assert share(judge, input="", output="", expected="") == 1


def test_long_texts_take_no_quadratic_time():
    text = " ".join(f"word{n}" for n in range(60_000))
    assert share(grader(LENGTH, output="", expected=""), output=text, expected=text) == 1


def test_each_scale_is_answered():
    judge = LexicalGrader(read_rubric(DESIGN))
    whole = judge.grade(input="press button", output="press button")
    none = judge.grade(input="press button", output="something else")
    assert (whole.criteria["resolves"].label, none.criteria["resolves"].label) == ("pass", "fail")
    assert (whole.criteria["tone"].label, none.criteria["tone"].label) == ("3", "1")
    assert (whole.criteria["completeness"].value, none.criteria["completeness"].value) == (10.0, 0.0)
    assert (whole.passed, none.passed) == (True, False)
    assert whole.explanation and "reads no meaning" in whole.criteria["tone"].explanation


@pytest.mark.parametrize("order", [("input", "output_a", "output_b"), ("output_b", "output_a", "input")])
def test_pairs_wherever_the_input_stands(order):
    judge = LexicalGrader(rubric_of(SIDE, mode="pairwise", inputs=dict.fromkeys(order, "")))
    a, b = {"output_a": "red button"}, {"output_b": "green lamp"}
    assert judge.grade({"input": "red button", **a, **b}).label == "a"
    assert judge.grade({"input": "green lamp", **a, **b}).label == "b"
    assert judge.grade({"input": "grey", **a, **b}).label == "tie"


def test_a_pair_that_lacks_an_optional_side():
    inputs = {"input": "", "output_a": "", "output_b": {"required": False}}
    judge = LexicalGrader(rubric_of(SIDE, mode="pairwise", inputs=inputs))
    assert judge.grade(input="red", output_a="red").label == "a"


def test_a_rubric_with_one_input():
    found = grader(YES, output="").grade(output="x").criteria["correct"]
    assert found.label == "fail" and "nothing (the rubric has one input)" in found.explanation


def test_identity():
    one, same, other = grader(YES), grader(YES), grader(TONE)
    assert isinstance(one, Grader)
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert (one.name, one.destination) == ("offline/lexical", "")
    plain = one.grade(input="x", output="x").to_dict()
    assert plain["annotator_kind"] == "CODE" and plain["usage"]["cost_usd"] == 0 and plain["attempts"] == 0


TEXTS = st.none() | st.text("ab \n1é", max_size=12) | st.lists(st.text("ab ", max_size=4), max_size=3)
RANGES = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)).map(lambda p: [p[0], p[0] + p[1]])


@given(TEXTS, TEXTS, TEXTS, RANGES)
def test_any_item_has_an_answer_that_can_be_written_and_read(asked, output, expected, limits):
    inputs = {name: {"required": False} for name in ("input", "output", "expected")}
    rubric = rubric_of(YES, TONE, TOPIC, LENGTH | {"range": limits}, inputs=inputs)
    fields = {"input": asked, "output": output, "expected": expected}
    verdict = asyncio.run(LexicalGrader(rubric).agrade(fields))
    assert verdict.status == "ok" and 0 <= verdict.score <= 1
    assert verdict_from_dict(verdict.to_dict()) == verdict
    assert limits[0] <= verdict.criteria["length"].value <= limits[1]


@pytest.mark.parametrize("name", names())
def test_every_shipped_rubric_can_be_tried_offline(name):
    judge = LexicalGrader(find(name))
    verdict = judge.grade({field: "some words" for field in judge.rubric.inputs})
    assert verdict.status == "ok"
    assert set(verdict.criteria) == set(judge.rubric.by_name)
