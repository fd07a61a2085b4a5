"""Slices drawn towards each other: nearer to the truth on the whole, and still 95 % of the intervals hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.stats import corrected_mean, slice_means
from judgekit.stats.slices import shrunken


def draw(rng, rates, labels, size=400, right=(0.85, 0.75)):
    """A batch of slices with known rates in the process, and a random sample of labels from each."""
    code = np.repeat(np.arange(len(rates)), size)
    truth = rng.random(code.size) < np.repeat(rates, size)
    judge = np.where(rng.random(code.size) < np.where(truth, right[0], right[1]), truth, ~truth).astype(float)
    at = np.concatenate([rng.choice(size, n, replace=False) + size * place for place, n in enumerate(labels)])
    return judge, at, truth[at].astype(float), code


def of_slices(rng, between, low, high, slices=8):
    rates = np.clip(rng.normal(0.6, between, slices), 0.02, 0.98)
    labels = rng.integers(low, high + 1, slices)
    return rates, draw(rng, rates, labels)


@pytest.mark.parametrize("between", [0.0, 0.1, 0.2])
def test_the_intervals_hold_and_the_estimates_are_nearer(between):
    rng = np.random.default_rng(int(100 * between))
    held, apart, wide = [], [], []
    for _ in range(60):
        rates, batch = of_slices(rng, between, 15, 60)
        pooled, alone = (slice_means(*batch, pool=pool) for pool in (True, False))
        held += [one.low <= rate <= one.high for one, rate in zip(pooled, rates, strict=True)]
        apart.append([np.sum((np.array([e.value for e in m]) - rates) ** 2) for m in (pooled, alone)])
        wide.append([np.mean([e.half_width for e in m]) for m in (pooled, alone)])
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(held))
    nearer, narrower = (np.mean(both, axis=0) for both in (apart, wide))
    assert nearer[0] <= nearer[1]
    assert narrower[0] < narrower[1]
    if between == 0:
        assert nearer[0] < 0.5 * nearer[1] and narrower[0] < 0.8 * narrower[1]


@pytest.mark.parametrize("target", ["process", "batch"])
def test_slices_far_apart_are_left_where_they_are(target):
    rates = np.array([0.05, 0.95] * 6)
    batch = draw(np.random.default_rng(3), rates, [60] * 12)
    found = slice_means(*batch, pool=True, target=target)
    assert [one.value for one in found] == pytest.approx(rates, abs=0.12)


def test_too_few_slices_or_too_rare_outcomes_are_not_pooled_and_it_says_so():
    rng = np.random.default_rng(4)
    few = draw(rng, [0.5] * 3, [40] * 3)
    rare = draw(rng, [0.05] * 8, [40] * 8)
    for batch, why in ((few, "fewer than 4 slices"), (rare, "rarer outcome")):
        pooled, alone = (slice_means(*batch, pool=pool) for pool in (True, False))
        assert [one.value for one in pooled] == [one.value for one in alone]
        assert [one.half_width for one in pooled] == [one.half_width for one in alone]
        assert all(why in one.note and "not pooled" in one.note for one in pooled)


def test_a_slice_with_few_labels_or_missing_outcomes_takes_no_part():
    judge, at, human, code = draw(np.random.default_rng(5), [0.5] * 7, [40, 14, 40, 40, 40, 40, 40])
    human[0] = np.nan
    pooled, alone = (slice_means(judge, at, human, code, pool=pool) for pool in (True, False))
    assert pooled[0] == alone[0] and "pooled" not in pooled[0].method
    assert np.isnan(pooled[1].value) and "too few labels in this slice (14)" in pooled[1].note
    assert all(one.method == "pooled difference" for one in pooled[2:])
    without = slice_means(judge, at[40:], human[40:], code, pool=True)
    assert [one.value for one in without[2:]] == pytest.approx([one.value for one in pooled[2:]], abs=0.02)


def test_scores_and_groups_are_pooled_too():
    rng = np.random.default_rng(6)
    code = np.repeat(np.arange(6), 100)
    group = np.arange(600) // 5
    human = np.clip(rng.normal(0.5, 0.1, 120)[group] + rng.normal(0, 0.1, 600), 0, 1)
    judge = np.clip(human + rng.normal(0, 0.1, 600), 0, 1)
    at = np.sort(rng.choice(600, 240, replace=False))
    single, grouped = (slice_means(judge, at, human[at], code, group=g, pool=True) for g in (None, group))
    assert all(one.method == "pooled difference" for one in single + grouped)
    assert np.mean([one.half_width for one in grouped]) > np.mean([one.half_width for one in single])


def test_groups_of_the_whole_batch_are_those_of_the_slice():
    # By itself a slice is a batch of its own: the same interval as where only its rows are given.
    rng = np.random.default_rng(7)
    judge, at, human, code = draw(rng, [0.3, 0.7], [60, 60], size=200)
    group = np.arange(400) // 4
    found = slice_means(judge, at, human, code, group=group)
    for place in (0, 1):
        rows, mine = np.flatnonzero(code == place), code[at] == place
        own = corrected_mean(judge[rows], at[mine] - rows[0], human[mine], group=group[rows])
        assert (found[place].value, found[place].low, found[place].high) == pytest.approx(
            (own.value, own.low, own.high), abs=1e-9
        )


MEANS = st.lists(st.floats(-1, 1), min_size=4, max_size=30)


@given(MEANS, st.floats(1e-4, 1), st.floats(-3, 3))
def test_shrinking_draws_towards_the_middle_and_moves_with_the_data(means, variance, shift):
    given_ = np.array(means)
    each = np.full(given_.size, variance)
    drawn, left = shrunken(given_, each)
    middle = given_.mean()
    assert np.all(np.abs(drawn - middle) <= np.abs(given_ - middle) + 1e-9)
    assert np.all((drawn - middle) * (given_ - middle) >= -1e-12)
    assert np.all(left > 0)
    again, same = shrunken(given_ + shift, each)
    np.testing.assert_allclose(again, drawn + shift, atol=1e-6)
    np.testing.assert_allclose(same, left, atol=1e-6)


def test_the_variance_between_is_that_of_dersimonian_and_laird():
    # Their formula written out; four means, variances unlike each other.
    means, variances = np.array([0.1, 0.5, 0.3, 0.9]), np.array([0.01, 0.02, 0.04, 0.01])
    w = 1 / variances
    centre = sum(w * means) / sum(w)
    q = sum(w * (means - centre) ** 2)
    between = (q - 3) / (sum(w) - sum(w**2) / sum(w))
    share = variances / (between + variances) * (1 / 3)  # Morris: (4 − 3)/(4 − 1)
    middle = sum(means / (between + variances)) / sum(1 / (between + variances))
    np.testing.assert_allclose(shrunken(means, variances)[0], means - share * (means - middle), atol=1e-12)
