"""Levels to numbers: weights, gates, what is not applicable, and what was not answered."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from judged import LENGTH, SIDE, TONE, TOPIC, YES, rubric_of

from judgekit.rubric import rubric_from_dict
from judgekit.scoring import (
    Answer,
    Result,
    aggregate,
    answer,
    conclude,
    finding_answer,
    reason,
    scored,
)
from judgekit.verdict import ABSTAINED, FAILURES, OK, Finding

NA, OUT, FAILED = Answer("not_applicable"), Answer("abstained"), Answer("failed")
GOOD, BAD = Answer("answered", 1.0, True), Answer("answered", 0.0, False)


def yes(name, **more):
    return YES | {"name": name, **more}


def combined(rubric, *answers):
    return aggregate(rubric, dict(zip(rubric.by_name, answers, strict=False)))


def test_scores_and_passing_of_each_scale():
    rubric = rubric_of(YES, TONE | {"pass_at": "2"}, TOPIC, LENGTH | {"pass_at": 6})
    correct, tone, topic, length = rubric.criteria
    assert answer(correct, "pass") == GOOD and answer(correct, "fail") == BAD
    assert answer(tone, "2") == Answer("answered", 0.5, True)
    assert answer(tone, "1") == Answer("answered", 0.0, False)
    assert answer(topic, "bill") == Answer("answered", None, None)
    assert answer(length, 6.0) == Answer("answered", 0.6, True)
    assert answer(length, 5.5) == Answer("answered", 0.55, False)
    assert answer(rubric_of(TONE).criteria[0], "3") == Answer("answered", 1.0, None)


def test_weights():
    rubric = rubric_of(yes("a", weight=3), yes("b"), threshold=0.7)
    assert combined(rubric, GOOD, BAD) == Result(0.75, True, "pass")
    assert combined(rubric, BAD, GOOD) == Result(0.25, False, "fail")


def test_what_is_not_applicable_or_abstained_leaves_both_sides_of_the_mean():
    rubric = rubric_of(yes("a", weight=3), yes("b"), threshold=0.5)
    for out in (NA, OUT):
        assert combined(rubric, out, GOOD) == Result(1.0, True, "pass")
        assert combined(rubric, out, BAD) == Result(0.0, False, "fail")


def test_all_not_applicable_is_no_score():
    for way in ("weighted_mean", "minimum", "all_pass"):
        rubric = rubric_of(yes("a", gate=True), yes("b"), aggregate=way)
        assert combined(rubric, NA, NA) == Result(None, None, None)


def test_neither_gate_nor_threshold_decides_nothing():
    assert combined(rubric_of(yes("a"), yes("b")), GOOD, BAD) == Result(0.5, None, None)


GATED = rubric_of(yes("gate", gate=True), yes("other"))


@pytest.mark.parametrize(
    ("gate", "other", "passed"),
    [
        (GOOD, BAD, True),
        (BAD, GOOD, False),
        (BAD, OUT, False),
        (NA, GOOD, True),
        (NA, BAD, True),
        (NA, NA, None),
        (NA, OUT, None),
        (OUT, GOOD, None),
        (OUT, BAD, None),
        (GOOD, OUT, True),
        (GOOD, NA, True),
        (FAILED, GOOD, None),
        (BAD, FAILED, False),
    ],
)
@pytest.mark.parametrize("way", ["weighted_mean", "minimum"])
def test_one_gate(gate, other, passed, way):
    rubric = GATED.model_copy(update={"aggregate": way})
    assert combined(rubric, gate, other).passed is passed


def test_gates_follow_three_valued_logic():
    rubric = rubric_of(*(yes(name, gate=True) for name in "abc"))
    for states in product([GOOD, BAD, NA, OUT], repeat=3):
        passed = combined(rubric, *states).passed
        if BAD in states:
            assert passed is False
        elif OUT in states or set(states) == {NA}:
            assert passed is None
        else:
            assert passed is True


def test_a_gate_passes_at_its_level_not_at_one():
    rubric = rubric_of(TONE | {"pass_at": "2", "gate": True}, threshold=0.5)
    assert combined(rubric, answer(rubric.criteria[0], "2")) == Result(0.5, True, "pass")
    assert combined(rubric, answer(rubric.criteria[0], "1")).passed is False


def test_minimum():
    rubric = rubric_of(yes("a", weight=9), TONE, aggregate="minimum", threshold=0.5)
    half = answer(rubric.criteria[1], "2")
    assert combined(rubric, GOOD, half) == Result(0.5, True, "pass")
    assert combined(rubric, GOOD, NA) == Result(1.0, True, "pass")
    # An open answer could still be lower, unless the lowest is there already.
    assert combined(rubric, OUT, half) == Result(None, None, None)
    assert combined(rubric, BAD, OUT) == Result(0.0, False, "fail")


def test_all_pass():
    rubric = rubric_of(yes("a"), TONE | {"pass_at": "2"}, aggregate="all_pass")
    two, one = (answer(rubric.criteria[1], label) for label in "21")
    assert combined(rubric, GOOD, two) == Result(1.0, True, "pass")
    assert combined(rubric, GOOD, one) == Result(0.0, False, "fail")
    assert combined(rubric, GOOD, NA) == Result(1.0, True, "pass")
    assert combined(rubric, GOOD, OUT) == Result(None, None, None)
    assert combined(rubric, OUT, one) == Result(0.0, False, "fail")


def test_a_failure_is_never_a_score():
    for way in ("weighted_mean", "minimum", "all_pass"):
        rubric = rubric_of(yes("a"), yes("b"), aggregate=way, threshold=1)
        assert combined(rubric, GOOD, FAILED) == combined(rubric, BAD, FAILED) == Result(None, None, None)
        assert combined(rubric, GOOD) == Result(None, None, None)


@pytest.mark.parametrize("count", range(2, 30))
def test_a_threshold_that_the_score_just_reaches(count):
    rubric = rubric_of(*(yes(f"c{n}") for n in range(count)), threshold=1 / count)
    assert combined(rubric, GOOD, *[BAD] * (count - 1)).passed is True
    assert combined(rubric, *[BAD] * count).passed is False
    tenths = rubric_of(*(yes(f"c{n}", weight=0.1) for n in range(10)), threshold=0.7)
    assert combined(tenths, *[GOOD] * 7, *[BAD] * 3).passed is True
    assert combined(tenths, *[GOOD] * 6, *[BAD] * 4).passed is False


def test_unscored_levels_are_outside_the_score():
    rubric = rubric_of(TOPIC, YES, threshold=0.5)
    bill = answer(rubric.criteria[0], "bill")
    assert combined(rubric, bill, GOOD) == Result(1.0, True, "pass")
    assert combined(rubric_of(TOPIC), bill) == Result(None, None, None)


def test_pairs():
    rubric = rubric_of(SIDE, SIDE | {"name": "second", "weight": 3}, mode="pairwise")
    a, b, tie = (answer(rubric.criteria[0], label) for label in ("a", "b", "tie"))
    assert combined(rubric, a, a) == Result(1.0, None, "a")
    assert combined(rubric, a, b) == Result(0.25, None, "b")
    assert combined(rubric, tie, tie) == Result(0.5, None, "tie")
    assert combined(rubric, NA, b) == Result(0.0, None, "b")
    assert combined(rubric, NA, NA) == Result(None, None, None)
    thirds = rubric_of(*(SIDE | {"name": n, "weight": 0.1} for n in "xyz"), mode="pairwise")
    assert combined(thirds, a, tie, b).label == "tie"


# ---------------------------------------------------------------- properties

STATES = st.sampled_from([NA, OUT, FAILED]) | st.builds(
    lambda place: Answer("answered", place / 4, place >= 2), st.integers(0, 4)
)
PARTS = st.lists(st.tuples(STATES, st.floats(0.01, 100), st.booleans()), min_size=1, max_size=5)
WAYS = st.sampled_from(["weighted_mean", "minimum", "all_pass"])
BARS = st.none() | st.integers(0, 20).map(lambda n: n / 20)


def build(parts, way, bar):
    criteria = [
        LENGTH | {"name": f"c{n}", "weight": weight, "gate": gate, "pass_at": 5}
        for n, (_, weight, gate) in enumerate(parts)
    ]
    threshold = {} if bar is None or way == "all_pass" else {"threshold": bar}
    return rubric_of(*criteria, aggregate=way, **threshold), {
        f"c{n}": part[0] for n, part in enumerate(parts)
    }


@given(PARTS, WAYS, BARS)
def test_a_score_lies_between_0_and_1(parts, way, bar):
    rubric, answers = build(parts, way, bar)
    result = aggregate(rubric, answers)
    assert result.score is None or 0 <= result.score <= 1
    assert result.label == {None: None, True: "pass", False: "fail"}[result.passed]
    if FAILED in answers.values():
        assert result.score is None and result.passed is not True


@given(PARTS, WAYS, BARS, st.booleans(), st.floats(0.01, 100), st.integers(0, 5))
def test_a_criterion_that_does_not_apply_changes_nothing(parts, way, bar, gate, weight, place):
    # A gate makes the rubric decide where nothing else did: then compare among rubrics that decide.
    assume(not gate or bar is not None or way == "all_pass" or any(part[2] for part in parts))
    before = aggregate(*build(parts, way, bar))
    wider = [*parts[:place], (NA, weight, gate), *parts[place:]]
    assert close(aggregate(*build(wider, way, bar)), before)


@given(PARTS, WAYS, BARS, st.randoms())
def test_the_order_of_criteria_does_not_matter(parts, way, bar, random):
    before = aggregate(*build(parts, way, bar))
    random.shuffle(parts)
    assert close(aggregate(*build(parts, way, bar)), before)


@given(PARTS, BARS, st.integers(0, 4))
def test_a_better_answer_is_never_a_worse_result(parts, bar, place):
    assume(place < len(parts) and parts[place][0].state == "answered" and parts[place][0].score < 1)
    before = aggregate(*build(parts, "weighted_mean", bar))
    parts[place] = (GOOD, *parts[place][1:])
    after = aggregate(*build(parts, "weighted_mean", bar))
    assert (before.score is None) == (after.score is None)
    if before.score is not None:
        assert after.score >= before.score - 1e-12
    assert not (before.passed is True and after.passed is not True)


def close(one, other):
    same_score = one.score == pytest.approx(other.score, abs=1e-9)
    return same_score and (one.passed, one.label) == (other.passed, other.label)


# ---------------------------------------------------------------- findings to an item

TWO = rubric_of(yes("a"), yes("b", gate=True, allow_not_applicable=True), threshold=0.5)


def found(a, b):
    findings = {"a": a, "b": b}
    return conclude(TWO, {n: scored(TWO.by_name[n], f) for n, f in findings.items()})


def test_findings_are_scored_only_where_there_is_an_answer():
    (one, *_), length = TWO.criteria, rubric_of(LENGTH).criteria[0]
    assert scored(one, Finding(OK, "pass")) == Finding(OK, "pass", None, 1.0, True)
    assert scored(length, Finding(OK, value=3.0)) == Finding(OK, None, 3.0, 0.3, None)
    for finding in (Finding(OK, "not_applicable"), Finding(ABSTAINED), Finding("timeout", "pass")):
        assert scored(one, finding) == finding


def test_the_status_of_an_item():
    good, bad = Finding(OK, "pass"), Finding(OK, "fail")
    na, out = Finding(OK, "not_applicable"), Finding(ABSTAINED)
    assert found(good, good) == (OK, Result(1.0, True, "pass"))
    assert found(good, bad) == (OK, Result(0.5, False, "fail"))
    assert found(out, good) == (OK, Result(1.0, True, "pass"))
    assert found(good, out) == (OK, Result(1.0, None, None))
    assert found(out, out) == (ABSTAINED, Result(None, None, None))
    assert found(out, na) == (ABSTAINED, Result(None, None, None))
    assert found(na, na) == (OK, Result(None, None, None))
    assert conclude(TWO, {"a": good}) == ("invalid_reply", Result(None, None, None))


@pytest.mark.parametrize("status", FAILURES)
def test_one_failed_criterion_fails_the_row(status):
    for other in (Finding(OK, "pass"), Finding(OK, "fail"), Finding(ABSTAINED)):
        assert found(other, Finding(status)) == (status, Result(None, None, None))
        assert finding_answer(Finding(status)) == FAILED


def test_the_reason_in_one_line():
    good, bad = Finding(OK, "pass", explanation="why"), Finding(OK, "fail", explanation="why not")

    def said(rubric, **findings):
        full = {n: scored(rubric.by_name[n], f) for n, f in findings.items()}
        return reason(rubric, full, conclude(rubric, full)[1])

    assert said(rubric_of(yes("a")), a=bad) == "why not"
    assert said(TWO, a=good, b=bad) == "failed gate: b"
    assert said(rubric_of(yes("a", gate=True), yes("b", gate=True)), a=bad, b=bad) == "failed gates: a, b"
    assert said(TWO, a=bad, b=good) == "score 0.5, threshold 0.5"
    assert said(rubric_of(yes("a"), yes("b")), a=good, b=bad) == "score 0.5"
    na = replace(good, label="not_applicable")
    assert said(rubric_of(yes("a"), yes("b")), a=na, b=na) == "no criterion gave a score"


def test_extreme_weights_give_numbers():
    data = rubric_of(yes("a", weight=1e6), yes("b", weight=1e-6)).to_dict()
    rubric = rubric_from_dict(data)
    assert combined(rubric, GOOD, GOOD).score == 1.0
    assert 0 < combined(rubric, BAD, GOOD).score < 1e-9
