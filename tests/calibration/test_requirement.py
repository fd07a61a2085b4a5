"""Requirements held against a card: met, not met, unknown, and what would tell."""

import json
from dataclasses import replace
from math import ceil, inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import TONE, YES, crossed, row, rubric_of

from judgekit.calibration import calibrate
from judgekit.calibration.correct import CorrectedQuantity, Correction
from judgekit.calibration.in_memory import batch_from_rows
from judgekit.calibration.requirement import (
    MET,
    NOT_MET,
    UNKNOWN,
    card_requirements,
    corrected_requirements,
    exit_state,
    more_labels,
)
from judgekit.rubric import rubric_from_dict
from judgekit.stats.estimate import Estimate

TABLE = {("pass", "pass"): 60, ("fail", "pass"): 6, ("pass", "fail"): 8, ("fail", "fail"): 26}


def asking(target):
    return rubric_of({**YES, "target": target})


def card_of(table=TABLE, target=0.9, design="random"):
    rubric = asking(target)
    rows, labels = crossed(rubric, table, {"pass": 200, "fail": 100})
    return calibrate(rows, labels, rubric=rubric, design=design)


@pytest.mark.parametrize(
    "target, state", [(0.3, MET), (0.95, NOT_MET), (0.66, UNKNOWN), (0.0, MET), (1.0, NOT_MET)]
)
def test_the_whole_interval_decides(target, state):
    (held,) = card_requirements(card_of(target=target), asking(target))
    rate = card_of(target=target)["correct"].headline.corrected
    assert held.state == state
    assert (held.value, held.low, held.high, held.n) == (rate.value, rate.low, rate.high, rate.n)
    assert f"{100 * rate.low:.1f} – {100 * rate.high:.1f} %" in held.why and f"{100 * target:g} %" in held.why
    assert ("more label" in held.why) == (state == UNKNOWN)


def test_a_limit_on_the_requirement_decides_by_its_side():
    """At or above is met; below alone is not met, so an interval that ends on it is open."""
    for low, high, state in ((0.8, 0.9, MET), (0.7, 0.8, UNKNOWN), (0.7, 0.7999, NOT_MET)):
        found = Correction(
            "b", 900, "s", "process", "",
            (CorrectedQuantity("correct", "pass rate", 0.5, {"mix": Estimate(0.75, low, high, n=50)}),),
            0, (), None, (), card_of(),
        )  # fmt: skip
        assert corrected_requirements(found, asking(0.8))[0].state == state


def test_more_labels_shrink_the_near_side_to_the_bound():
    """By hand: 100 labels, 70 % ± 10 points, required 75 %: half the width, four times the labels."""
    assert more_labels(Estimate(0.7, 0.6, 0.8, n=100), 0.75) == 300
    assert more_labels(Estimate(0.7, 0.5, 0.75, n=100), 0.75) == 1
    assert more_labels(Estimate(0.7, 0.6, 0.8, n=100), 0.7) == inf


@given(
    st.floats(0.05, 0.95), st.floats(0.01, 0.3), st.floats(0.01, 0.3), st.integers(20, 500), st.floats(0, 1)
)
def test_more_labels_are_at_least_one(value, below, above, n, place):
    estimate = Estimate(value, value - below, value + above, n=n)
    bound = estimate.low + place * (below + above)
    more = more_labels(estimate, bound)
    assert more >= 1
    if more < inf:
        side = below if value > bound else above
        scaled = side * (n / (n + more)) ** 0.5
        assert scaled <= abs(value - bound) + 1e-9


def test_criteria_without_a_target_are_passed_over():
    assert card_requirements(card_of(), rubric_of(YES)) == ()
    assert exit_state(()) == MET


def test_another_wording_says_nothing():
    other = rubric_of({**YES, "question": "Is it really correct?", "target": 0.1})
    (held,) = card_requirements(card_of(), other)
    assert held.state == UNKNOWN and "another wording" in held.why and isnan(held.low)


def test_another_version_that_asks_the_same_counts():
    other = rubric_from_dict({**asking(0.2).to_dict(), "version": "2.0.0", "purpose": "Said otherwise."})
    assert card_requirements(card_of(), other)[0].state == MET


def test_what_passes_is_part_of_a_rate():
    """The digest that labels are bound to knows nothing of pass_at, the rate does."""
    before, after = (rubric_of({**TONE, "pass_at": at, "target": 0.5}) for at in ("2", "3"))
    assert before.criterion_digests == after.criterion_digests
    rows, labels = crossed(before, {("3", "3"): 30, ("2", "2"): 30, ("1", "1"): 5}, {"2": 100})
    card = calibrate(rows, labels, rubric=before, design="random")
    assert card_requirements(card, before)[0].state == MET
    (held,) = card_requirements(card, after)
    assert held.state == UNKNOWN and "counts from 2 on as a pass" in held.why


def test_a_card_without_a_design_has_no_rate():
    (held,) = card_requirements(card_of(design="unknown"), asking(0.1))
    assert held.state == UNKNOWN and "it is not stated how the labelled items were chosen" in held.why


def test_a_stale_card_says_nothing():
    (held,) = card_requirements(replace(card_of(), stale="of correct, it drifted"), asking(0.1))
    assert held.state == UNKNOWN and "stale: of correct, it drifted" in held.why


def test_a_criterion_that_the_card_does_not_know():
    other = rubric_of({**YES, "name": "new", "target": 0.5})
    assert "no criterion of this name" in card_requirements(card_of(), other)[0].why


def test_a_rejected_judge_leaves_the_interval_standing():
    chance = {("pass", "pass"): 35, ("fail", "pass"): 35, ("pass", "fail"): 25, ("fail", "fail"): 25}
    card = card_of(chance, 0.95)
    assert card["correct"].decision.verb == "reject"
    (held,) = card_requirements(card, asking(0.95))
    assert held.state == NOT_MET and "not to be used here" in held.why


def test_an_interval_without_a_value_asks_for_settled_labels():
    """Labels of two raters who differ bound the rate (Imbens and Manski) and give it no place."""
    rubric = asking(0.6)
    rows, labels = crossed(rubric, TABLE, {"pass": 100})
    labels += [{**one, "rater": "bob", "label": "fail"} for one in labels[:40]]
    (held,) = card_requirements(calibrate(rows, labels, rubric=rubric, design="random"), rubric)
    assert held.state == UNKNOWN and isnan(held.value) and held.low < 0.6 < held.high
    assert "settle the labelled items" in held.why


def test_two_assumptions_decide_only_together():
    rubric, card = asking(0.1), card_of(target=0.1)
    rows = [row(rubric, f"n{n}", {"correct": "pass" if n % 3 else "fail"}) for n in range(150)]
    found = card.correct(batch_from_rows(rows, rubric))
    assert found.open and corrected_requirements(found, rubric)[0].state == MET
    low, high = zip(*((one.low, one.high) for one in found.quantities[0].estimates.values()), strict=True)
    between = asking((min(high) + max(high)) / 2)
    (held,) = corrected_requirements(found, between)
    assert held.state == UNKNOWN and (held.low, held.high) == (min(low), max(high))
    assert isnan(held.more) and "of both assumptions" in held.why


def test_plain_json():
    (held,) = card_requirements(card_of(target=0.66), asking(0.66))
    data = json.loads(json.dumps(held.to_dict(), allow_nan=False))
    assert data["criterion"] == "correct" and data["more"] == ceil(held.more) and data["state"] == UNKNOWN
    assert card_requirements(card_of(design="unknown"), asking(0.1))[0].to_dict()["low"] is None
