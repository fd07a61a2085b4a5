"""What very many items are counted by: other ways than for few, with the same answers."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.stats import bootstrap, corrected_mean, draws
from judgekit.stats.cells import judge_partition, within_strata
from judgekit.stats.codes import MOST_KINDS, distinct_rows, level_counts
from judgekit.stats.continuous import spearman_of_weights, spearman_slopes
from judgekit.stats.sample import codes_of

intervals = sys.modules["judgekit.stats.bootstrap"]  # the package's name for it is the function

RNG = np.random.default_rng(20_261)


@pytest.mark.parametrize("late", [False, True], ids=["all levels early", "a level after the first thousand"])
@pytest.mark.parametrize(
    "values",
    [
        np.array(["pass", "fail", "tie"])[RNG.integers(0, 3, 3_000)],
        RNG.integers(0, 5, 3_000) / 4,
        RNG.integers(0, 200, 3_000) / 4,
        RNG.integers(-7, 3, 3_000) * 1_000,
        RNG.integers(3, 9, 3_000),
        RNG.integers(0, 2, 3_000).astype(bool),
    ],
    ids=["words", "scores", "many scores", "far apart", "integers", "booleans"],
)
def test_codes_number_the_distinct_values_in_order(values, late):
    if late:
        values = np.concatenate([np.full(2_000, np.sort(values)[-1]), values])
    found = codes_of("stratum", values, values.size)
    assert found.dtype == np.intp
    np.testing.assert_array_equal(found, np.unique(values, return_inverse=True)[1])


@pytest.mark.parametrize("levels", [2, 5, 16, 17, 40])
def test_level_counts_count_each_answer(levels):
    codes = RNG.integers(-1, levels, (60, 4))
    expected = [[np.sum(row == k) for k in range(levels)] for row in codes]
    np.testing.assert_array_equal(level_counts(codes, levels), expected)


@pytest.mark.parametrize(("levels", "raters"), [(2, 3), (5, 5), (12, 5), (40, 9)])
def test_distinct_rows_put_equal_rows_together(levels, raters):
    counts = level_counts(RNG.integers(0, levels, (400, raters)) // 2, levels)
    rows, times = distinct_rows(counts)
    expected, often = np.unique(counts, axis=0, return_counts=True)
    order = np.lexsort(rows.T[::-1])
    np.testing.assert_array_equal(rows[order], expected)
    np.testing.assert_array_equal(times[order], often)


def test_distinct_rows_of_both_sides_of_the_limit_are_tried():
    assert 6**5 <= MOST_KINDS < 6**12


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_cells_within_strata_are_counted_one_by_one(strata, levels, seed):
    rng = np.random.default_rng(seed)
    stratum = np.concatenate([np.arange(strata), rng.integers(0, strata, 80)])
    judge = np.where(rng.random(stratum.size) < 0.1, np.nan, rng.integers(0, levels, stratum.size) / levels)
    labelled = rng.choice(stratum.size, 30, replace=False)
    partition = judge_partition(judge, judge[labelled], at_most=10, bins=3)
    found = within_strata(partition, stratum, labelled)
    width = partition.order.size + 1
    one_by_one = np.zeros(strata * width, int)
    np.add.at(one_by_one, stratum * width + partition.codes(), 1)
    np.testing.assert_array_equal(found.counts, one_by_one)
    np.testing.assert_array_equal(found.codes, (stratum * width + partition.codes())[labelled])


def grouped_draws(rng):
    """Draws of 60 items of two strata, in groups, with weights, and four chance items."""
    weight, stratum = rng.uniform(0.5, 2, 60), np.repeat([0, 1], [25, 35])
    group = np.arange(60) // 3
    return draws.unit_draws(weight / weight.mean(), stratum, group, 4, rng)


def test_the_moments_of_sums_are_those_of_resampling():
    source, features = grouped_draws(np.random.default_rng(1)), np.random.default_rng(2).normal(size=(64, 3))
    mean, covariance = source.moments(features)
    sums = source.draw(40_000) @ features
    error = np.sqrt(np.diag(covariance) / 40_000)
    np.testing.assert_allclose(sums.mean(axis=0), mean, atol=4.5 * error.max())
    np.testing.assert_allclose(np.cov(sums.T), covariance, atol=0.04 * np.diag(covariance).max())


def test_the_mean_of_sums_is_that_of_the_smoothed_data():
    """Both are the data with one item in n + 1 drawn from chance, the one per draw and the other per item."""
    rng = np.random.default_rng(3)
    source, features = draws.unit_draws(np.ones(50), None, None, 4, rng), rng.normal(size=(54, 2))
    smoothed = source.smoothed[0] @ features
    np.testing.assert_allclose(source.moments(features)[0], smoothed * 50 / 51)


SCORES = RNG.normal(size=(2_000, 1)) + RNG.normal(size=(2_000, 2))
SAID = RNG.integers(0, 3, 2_000)
LABELS = np.column_stack([SAID, np.where(RNG.random(2_000) < 0.7, SAID, RNG.integers(0, 3, 2_000))])


@pytest.mark.parametrize(
    ("statistic", "ratings", "options"),
    [
        ("icc", SCORES, {}),
        ("lin_ccc", SCORES, {"group": np.arange(2_000) // 2}),
        ("interval_alpha", SCORES, {}),
        ("spearman", SCORES, {}),
        ("spearman", np.round(SCORES), {"group": np.arange(2_000) // 4}),
        ("spearman", np.round(SCORES), {"stratum": LABELS[:, 1], "item_weight": 1 + LABELS[:, 1]}),
        ("cohen_kappa", LABELS, {"group": np.arange(2_000) // 4}),
        ("gwet_ac", LABELS, {"stratum": LABELS[:, 1], "item_weight": 1 + LABELS[:, 1]}),
    ],
)
def test_normal_sums_give_the_interval_of_resampling(statistic, ratings, options, monkeypatch):
    drawn = bootstrap(statistic, ratings, **options)
    monkeypatch.setattr(intervals, "MANY_UNITS", 400)
    found = bootstrap(statistic, ratings, **options)
    assert found.value == drawn.value and found.low != drawn.low
    assert found.half_width == pytest.approx(drawn.half_width, rel=0.08)  # 2,000 draws: 1.6 % each


def test_slopes_of_spearman_are_its_derivatives():
    rng = np.random.default_rng(4)
    table, weights = rng.integers(0, 6, (40, 2)).astype(float), rng.uniform(0.5, 2, 40)
    step = 1e-5 * np.eye(40)
    up, down = (spearman_of_weights(weights + sign * step, table) for sign in (1, -1))
    np.testing.assert_allclose(spearman_slopes(weights, table), (up - down) / 2e-5, atol=1e-8)


def test_rare_answers_keep_their_sums_above_zero(monkeypatch):
    """Without that, a normal sum of one item's answer is negative in one draw of six."""
    monkeypatch.setattr(intervals, "MANY_UNITS", 100)
    human = np.r_[np.ones(1), np.zeros(299)].astype(int)
    found = bootstrap("matthews_corrcoef", np.column_stack([human, human]), group=np.arange(300))
    assert found.value == 1 and 0 < found.low < 1


def test_strata_of_equal_labels_are_no_wider_than_a_random_sample():
    """With the ridge in full in each of five strata their interval was 1.8 times as wide."""
    stratum, at = np.arange(500) % 5, np.arange(50)
    human = np.full(50, 0.75)
    strata = corrected_mean(stratum / 4, at, human, design="stratified", stratum=stratum, target="batch")
    random = corrected_mean(np.full(500, 0.5), at, human, target="batch")
    assert 0 < strata.half_width < 1.2 * random.half_width
