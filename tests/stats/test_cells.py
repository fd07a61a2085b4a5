"""Cells of the judge: levels, bins, and how small ones are merged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.cell_correction import post_stratified_mean
from judgekit.stats.cells import (
    Cells,
    CodePartition,
    judge_levels,
    judge_partition,
    quantile_cuts,
    within_strata,
)
from judgekit.stats.correction import corrected_mean

NAN = float("nan")


def cells(labels, counts, order, block=None):
    codes = np.repeat(np.arange(len(labels)), labels)
    blocks = np.zeros(len(labels), int) if block is None else np.array(block)
    return Cells(np.array(counts), codes, np.array(order, float), blocks)


@pytest.mark.parametrize(
    ("labels", "counts", "order", "expected"),
    [
        ([10, 10], [50, 50], [0, 1], [50, 50]),
        ([4, 10], [50, 50], [0, 1], [100]),
        ([10, 2, 10], [50, 5, 40], [0, 0.4, 1], [55, 40]),
        ([10, 2, 10], [50, 5, 40], [0, 0.6, 1], [50, 45]),
        ([10, 2, 10], [50, 5, 60], [0, 0.5, 1], [50, 65]),
        ([10, 10, 2], [50, 60, 5], [0, 1, NAN], [50, 65]),
        ([2, 10, 10], [50, 60, 5], [0, NAN, 1], [60, 55]),
        ([3, 3, 10], [9, 10, 50], [0, 0.5, 1], [19, 50]),
        ([0, 10, 10], [0, 50, 50], [0, 0.5, 1], [50, 50]),
        ([0, 10, 10], [7, 50, 50], [0, 0.5, 1], [57, 50]),
        ([2, 2], [50, 50], [0, 1], [100]),
        ([2, 10, 10], [50, 50, 60], [NAN, NAN, NAN], [50, 110]),
        ([2], [50], [0], [50]),
    ],
)
def test_small_cells_join_their_nearest(labels, counts, order, expected):
    merged = cells(labels, counts, order).merged()
    assert merged.counts.tolist() == expected
    assert merged.labels.sum() == sum(labels)


def test_strata_are_never_merged():
    merged = cells([2, 9, 1], [30, 40, 50], [0, 1, 0], block=[0, 0, 1]).merged()
    assert merged.counts.tolist() == [70, 50] and merged.block.tolist() == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), min_size=1, max_size=8), st.data())
def test_merging_loses_no_item_and_leaves_no_small_cell(pairs, data):
    labels = [n for n, _ in pairs]
    order = data.draw(st.lists(st.sampled_from([0, 0.5, 1, NAN]), min_size=len(pairs), max_size=len(pairs)))
    before = cells(labels, [n + more for n, more in pairs], order)
    merged = before.merged()
    assert merged.counts.sum() == before.counts.sum()
    assert merged.labels.sum() == sum(labels)
    assert merged.counts.size <= 1 or merged.labels.min() >= 5


def test_levels_are_found_beyond_the_first_thousand():
    judge = np.r_[np.zeros(2000), NAN, 0.5, np.ones(3)]
    assert judge_levels(judge, np.empty(0), 3).tolist() == [0, 0.5, 1]
    assert judge_levels(judge, np.empty(0), 2) is None
    assert judge_levels(judge, np.array([0.25]), 3) is None
    assert judge_levels(np.full(5, NAN), np.empty(0), 3).tolist() == []


@given(st.lists(st.integers(0, 16), min_size=3, max_size=60), st.integers(2, 5))
def test_bins_turn_round_with_the_scale(values, bins):
    judge = np.array(values) / 16
    partition = judge_partition(judge, judge, at_most=0, bins=bins)
    turned = judge_partition(1 - judge, judge, at_most=0, bins=bins)
    middle = (np.searchsorted(np.sort(judge), judge) + np.searchsorted(np.sort(judge), judge, "right")) * bins
    off_the_edge = middle % (2 * judge.size) != 0
    np.testing.assert_array_equal(partition.codes()[off_the_edge], bins - 1 - turned.codes()[off_the_edge])
    assert partition.cells(judge).counts.sum() == judge.size


def test_bins_of_a_million_are_about_equal():
    judge = np.random.default_rng(0).random(1_000_000) ** 3
    counts = judge_partition(judge, judge[:9], at_most=3, bins=3).cells(judge[:9]).counts
    assert np.abs(counts[:3] / 1e6 - 1 / 3).max() < 0.01 and counts[3] == 0


def test_no_verdict_at_all_has_no_cut():
    assert quantile_cuts(np.full(4, NAN), 3).size == 0


def test_cells_within_strata_count_every_item():
    partition = CodePartition(np.array([0, 1, -1, 1, 0, 1]), np.array([0.0, 1.0]))
    found = within_strata(partition, np.array([0, 0, 0, 1, 1, 1]), np.array([1, 4]))
    assert found.counts.tolist() == [1, 1, 1, 1, 2, 0]
    assert found.codes.tolist() == [1, 3] and found.block.tolist() == [0, 0, 0, 1, 1, 1]


RNG = np.random.default_rng(5)
LEVEL = RNG.integers(-1, 4, 500)
OUTCOME = (RNG.random(500) < np.array([0.2, 0.4, 0.9, 0.7, 0.5])[LEVEL]).astype(float)
AT = RNG.choice(500, 150, replace=False)


@pytest.mark.parametrize("target", ["batch", "process"])
def test_cells_of_verdicts_agree_with_judge_values(target):
    codes = np.minimum(LEVEL, 1)
    judge = np.where(codes < 0, NAN, codes)
    by_code = post_stratified_mean(codes, AT, OUTCOME[AT], order=[0, 1], target=target)
    by_value = corrected_mean(judge, AT, OUTCOME[AT], target=target)
    assert by_code == by_value


def test_all_levels_of_a_nominal_scale_are_cells():
    found = post_stratified_mean(LEVEL, AT, OUTCOME[AT])
    shares = sum(np.mean(k == LEVEL) * OUTCOME[AT][LEVEL[AT] == k].mean() for k in range(-1, 4))
    assert found.value == pytest.approx(shares)
    with_unused = post_stratified_mean(LEVEL, AT, OUTCOME[AT], levels=9)
    assert with_unused == found


def test_numeric_outcomes_in_cells():
    found = post_stratified_mean(LEVEL, AT, OUTCOME[AT] * 0.5 + 0.25)
    plain = post_stratified_mean(LEVEL, AT, OUTCOME[AT])
    assert found.value == pytest.approx(plain.value / 2 + 0.25)
    assert found.half_width == pytest.approx(plain.half_width / 2, rel=0.1)


def test_cells_in_strata_and_of_another_batch():
    stratum = np.arange(500) % 2
    inside = post_stratified_mean(LEVEL, AT, OUTCOME[AT], design="stratified", stratum=stratum)
    assert inside.method == "stratified" and inside.low < OUTCOME.mean() < inside.high
    external = (LEVEL[AT], OUTCOME[AT])
    for shift in ("mix", "prevalence"):
        found = post_stratified_mean(LEVEL, [], [], design="external", external=external, shift=shift)
        assert found.low < OUTCOME.mean() < found.high
    none = post_stratified_mean(LEVEL, [], [], design="external", external=external)
    assert np.isnan(none.value) and none.note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": [0.5, 1]}, "integer codes"),
        ({"cells": [-2, 1]}, "outside -1..1"),
        ({"cells": [0, 3], "order": [0, 1]}, "outside -1..1"),
        ({"order": [[0, 1]]}, "one place for each cell"),
        ({"order": [0, 1], "levels": 3}, "one place for each cell"),
        ({"design": "probability"}, "has no cells"),
    ],
)
def test_errors_say_what_is_wrong(change, message):
    arguments = {"cells": [0, 1], "labelled": [0], "human": [1]} | change
    with pytest.raises(ShapeError, match=message):
        post_stratified_mean(**arguments)
