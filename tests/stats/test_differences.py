"""Paired and unpaired differences, ratios, slices, fixed slopes and limits under missing outcomes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.applicable import applicable_mean
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.fixed_slope import fixed_slope_mean
from judgekit.stats.missing import imbens_manski
from judgekit.stats.paired import corrected_difference, unpaired_difference
from judgekit.stats.sample import design_effect
from judgekit.stats.slices import slice_means

RNG = np.random.default_rng(13)
FIRST = (RNG.random(500) < 0.7).astype(float)
SECOND = np.where(RNG.random(500) < 0.8, FIRST, 0.0)
JUDGED = tuple(np.where(RNG.random(500) < 0.85, y, 1 - y) for y in (FIRST, SECOND))
AT = np.arange(100)
PEOPLE = (FIRST[AT], SECOND[AT])


def test_difference_of_two_systems():
    found = corrected_difference(JUDGED, AT, PEOPLE, target="batch")
    alone = corrected_difference((FIRST * 0, FIRST * 0), AT, PEOPLE, target="batch")
    assert found.low < np.mean(FIRST - SECOND) < found.high
    assert found.half_width < alone.half_width
    assert alone.value == pytest.approx(np.mean(PEOPLE[0] - PEOPLE[1]))


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("design", ["random", "stratified", "probability"])
def test_exchanging_the_systems_changes_the_sign(n, design):
    more = {"stratified": {"stratum": np.arange(500) % 2}, "probability": {"probability": np.full(n, 0.1)}}
    more = {"design": design} | more.get(design, {})
    people = (FIRST[:n], SECOND[:n])
    there = corrected_difference(JUDGED, np.arange(n), people, **more)
    back = corrected_difference(JUDGED[::-1], np.arange(n), people[::-1], **more)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
    assert ("labels alone" in there.note) == (n == 10 and design == "random")


def test_equal_systems_keep_a_width_unless_all_is_labelled():
    same = corrected_difference((JUDGED[0],) * 2, AT, (PEOPLE[0],) * 2)
    assert same.value == 0 and same.low < 0 < same.high
    every = corrected_difference(JUDGED, np.arange(500), (FIRST, SECOND), target="batch")
    assert every.low == every.value == every.high == pytest.approx(np.mean(FIRST - SECOND))


def test_missing_outcomes_of_a_difference_are_bounded():
    people = (np.r_[[np.nan] * 10, PEOPLE[0][10:]], PEOPLE[1])
    found = corrected_difference(JUDGED, AT, people)
    plain = corrected_difference(JUDGED, AT, PEOPLE)
    assert np.isnan(found.value) and found.low < plain.low and found.high > plain.high


def test_difference_errors():
    with pytest.raises(ShapeError, match="no paired difference"):
        corrected_difference(JUDGED, AT, PEOPLE, design="external")
    with pytest.raises(ShapeError, match="500 values of the first system, 2 of the second"):
        corrected_difference((JUDGED[0], [1, 0]), AT, PEOPLE)
    with pytest.raises(ShapeError, match=r"human\[1\]\[0\] is 3"):
        corrected_difference(JUDGED, [0], ([1], [3]))


def test_unpaired_difference_adds_variances():
    found = unpaired_difference(Estimate(0.7, 0.6, 0.8, n=50), Estimate(0.4, 0.3, 0.5, n=60))
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.3, 0.3 - 0.1 * 2**0.5, 0.3 + 0.1 * 2**0.5)
    )
    assert found.n == 110 and "unpaired" in found.note
    assert not unpaired_difference(Estimate(0.7), Estimate.undefined("why")).defined


APPLIES = (RNG.random(500) < 0.6).astype(float)
GRADED = np.where(RNG.random(500) < 0.95, APPLIES, 1 - APPLIES)


def ratio(labelled, outcome, applies, **more):
    return applicable_mean(JUDGED[0], GRADED, labelled, outcome, applies, **more)


@pytest.mark.parametrize("design", ["random", "stratified", "probability"])
def test_mean_of_applicable_items(design):
    more = {"stratified": {"stratum": np.arange(500) % 2}, "probability": {"probability": np.full(200, 0.4)}}
    found = ratio(
        np.arange(200), FIRST[:200], APPLIES[:200], design=design, target="batch", **more.get(design, {})
    )
    assert found.low < FIRST[APPLIES == 1].mean() < found.high
    assert found.n == APPLIES[:200].sum()


def test_outcomes_that_do_not_apply_do_not_matter():
    plain = ratio(np.arange(200), FIRST[:200], APPLIES[:200])
    other = ratio(np.arange(200), np.where(APPLIES[:200] == 0, np.nan, FIRST[:200]), APPLIES[:200])
    assert plain == other


@pytest.mark.parametrize("target", ["batch", "process"])
def test_all_items_labelled(target):
    found = ratio(np.arange(500), FIRST, APPLIES, target=target)
    assert found.value == pytest.approx(FIRST[APPLIES == 1].mean())
    assert (found.half_width < 1e-12) == (target == "batch")


def test_rare_outcomes_among_applicable_items_are_taken_alone():
    found = ratio(np.arange(100), np.ones(100), APPLIES[:100])
    assert found.value == 1 and found.low < 0.97 and "labels alone" in found.note
    every = ratio(np.arange(500), np.ones(500), APPLIES, target="batch")
    assert every.low == every.high == 1


def test_nothing_applicable_and_nothing_tellable():
    none = ratio(np.arange(50), FIRST[:50], np.zeros(50))
    assert np.isnan(none.value) and "no labelled item" in none.note
    applies = np.r_[[np.nan] * 20, APPLIES[20:100]]
    bounded = ratio(np.arange(100), FIRST[:100], applies)
    assert np.isnan(bounded.value) and bounded.high - bounded.low > 0.3
    numeric = ratio(np.arange(100), FIRST[:100] * 0.5, APPLIES[:100])
    assert numeric.low < numeric.value < numeric.high


def test_ratio_errors():
    with pytest.raises(ShapeError, match="has no ratio"):
        ratio(AT, FIRST[AT], APPLIES[AT], design="external")
    with pytest.raises(ShapeError, match="as long as"):
        ratio(AT, FIRST[AT], APPLIES[:3])


def test_fixed_slope_of_zero_and_one():
    alone = fixed_slope_mean(JUDGED[0], AT, FIRST[AT] * 0.5, slope=0)
    assert alone.value == pytest.approx(FIRST[AT].mean() / 2)
    full = fixed_slope_mean(JUDGED[0], AT, FIRST[AT])
    assert full.value == pytest.approx(JUDGED[0].mean() + np.mean(FIRST[AT] - JUDGED[0][AT]))
    assert full.method == "difference-wilson"


def test_slices():
    slices = np.array(["a", "b", "c"])[np.minimum(np.arange(500) % 10, 2)]
    labelled = np.arange(200)
    many, some, few = slice_means(JUDGED[0], labelled, FIRST[:200], np.sort(slices)[RNG.permutation(500)])[
        ::-1
    ]
    own = slice_means(JUDGED[0], labelled, FIRST[:200], np.zeros(500))[0]
    assert own == corrected_mean(JUDGED[0], labelled, FIRST[:200])
    assert many.defined and many.n > 100
    for one in (some, few):
        assert one.defined == (one.n >= 15)
        assert ("weight of the judge from the whole batch" in one.note) == (15 <= one.n < 30)
    empty = slice_means(JUDGED[0], np.arange(0), np.empty(0), np.zeros(500))[0]
    assert empty.note == "too few labels in this slice (0)"
    constant = slice_means(np.ones(40), np.arange(20), FIRST[:20], np.zeros(40))[0]
    assert constant.value == pytest.approx(FIRST[:20].mean())


def test_imbens_and_manski_between_one_and_two_sides():
    point = Estimate(0.5, 0.4, 0.6)
    same = imbens_manski(point, point)
    assert same == pytest.approx((0.4, 0.6), abs=1e-6)
    apart = imbens_manski(point, Estimate(0.8, 0.7, 0.9))
    assert apart == pytest.approx((0.5 - 0.1 * 1.6449 / 1.96, 0.8 + 0.1 * 1.6449 / 1.96), abs=1e-4)
    exact = imbens_manski(Estimate(0.2, 0.2, 0.2), Estimate(0.4, 0.4, 0.4))
    assert exact == (0.2, 0.4)
    assert np.isnan(imbens_manski(Estimate(0.2), point)).all()


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=30))
def test_design_effect_of_single_items_is_one(values):
    influence = np.array(values) - np.mean(values)
    assert design_effect(influence, np.arange(influence.size)) == pytest.approx(1)
    assert design_effect(influence, None) == 1
    assert np.isnan(design_effect(influence, np.zeros(influence.size, int)))
