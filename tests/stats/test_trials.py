"""Several trials of each task."""

import json
from itertools import combinations
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.rates import proportion
from judgekit.stats.trials import trials


def test_the_published_figures_of_tau_bench(shared):
    """README of sierra-research/tau-bench, airline, gpt-4o with tool calling."""
    text = (shared / "data" / "taubench_airline" / "labels.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    found = trials([row["score"] for row in rows], [row["id"].rsplit("-", 1)[0] for row in rows])
    assert (found.tasks, found.trials, found.least, found.most, found.note) == (50, 200, 4, 4, "")
    assert [round(found.pass_hat[k].value, 4) for k in (1, 2, 3, 4)] == [0.42, 0.2733, 0.22, 0.2]
    assert found.pass_at[1] == found.pass_hat[1]


OUTCOMES = st.lists(st.lists(st.booleans(), min_size=1, max_size=5), min_size=1, max_size=12)


@given(OUTCOMES)
def test_every_figure_is_what_one_gets_by_drawing_all_sets_of_trials(tasks):
    passed = [float(one) for task in tasks for one in task]
    found = trials(passed, [k for k, task in enumerate(tasks) for _ in task])
    for k in range(1, max(map(len, tasks)) + 1):
        drawn = [list(combinations(task, k)) for task in tasks if len(task) >= k]
        assert found.pass_hat[k].n == found.pass_at[k].n == len(drawn)
        for function, estimate in ((all, found.pass_hat[k]), (any, found.pass_at[k])):
            assert estimate.value == pytest.approx(np.mean([np.mean([*map(function, d)]) for d in drawn]))
            assert np.isnan(estimate.low) or 0 <= estimate.low <= estimate.value <= estimate.high <= 1
            assert np.isnan(estimate.low) == (len(drawn) < 5)
    pairs = [[a != b for a, b in combinations(task, 2)] for task in tasks if len(task) > 1]
    flips = np.mean([np.mean(one) for one in pairs]) if pairs else nan
    assert found.flip_rate.value == pytest.approx(flips, nan_ok=True)


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_order_and_names_of_tasks_change_nothing(tasks, random):
    rows = [(float(one), k) for k, task in enumerate(tasks) for one in task]
    other = random.sample(rows, len(rows))
    first = trials(*zip(*rows, strict=True)).to_dict()
    second = trials([a for a, _ in other], [f"task {99 - b}" for _, b in other]).to_dict()
    assert first["note"] == second["note"]
    for k, one in first["pass^k"].items():
        assert one["value"] == pytest.approx(second["pass^k"][k]["value"])


def test_tasks_with_different_numbers_of_trials_say_so():
    found = trials([1, 1, 1, 0, 1, 1, 1, 0], [1, 1, 1, 2, 2, 2, 3, 4])
    assert (found.least, found.most) == (1, 3)
    assert found.note == "tasks have 1 to 3 trials; k above 1 rests on those with enough (2 at k = 3)"
    assert [found.pass_hat[k].n for k in (1, 2, 3)] == [4, 2, 2]


def test_unknown_outcomes_are_left_out_and_counted():
    found = trials([1, nan, 0, nan], ["a", "a", "b", "c"])
    assert (found.tasks, found.trials) == (2, 2)
    assert found.note == "2 trials without outcome left out"
    assert not found.flip_rate.defined and found.flip_rate.note == "no task has enough trials"
    empty = trials([], [])
    assert (empty.tasks, empty.pass_hat) == (0, {}) and not empty.flip_rate.defined


def test_one_trial_each_is_a_proportion():
    passed = [1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0]
    found, plain = trials(passed, range(12)).pass_hat[1], proportion(passed)
    assert (found.value, found.low, found.high) == (plain.value, plain.low, plain.high)


def test_more_trials_of_as_many_tasks_narrow_and_tasks_that_agree_keep_a_width():
    rng = np.random.default_rng(1)
    one = trials(rng.random(40) < 0.5, np.arange(40)).pass_hat[1]
    many = trials(rng.random(800) < 0.5, np.repeat(np.arange(40), 20)).pass_hat[1]
    assert many.half_width < one.half_width / 2
    every = trials(np.ones(60), np.repeat(np.arange(20), 3))
    assert every.pass_hat[3].low < 0.9 and every.pass_hat[3].high == 1
    half = trials([0, 1] * 20, np.repeat(np.arange(20), 2))
    assert 0 < half.pass_hat[1].half_width < 0.2


@pytest.mark.parametrize(("a", "b", "tasks"), [(0.3, 0.4, 50), (2, 2, 20), (4, 0.5, 20), (0.5, 4.5, 50)])
def test_intervals_hold_the_truth(a, b, tasks):
    """Tasks differ in difficulty; four trials of each. Single trials taken for independent covered .72."""
    rng = np.random.default_rng(8)
    count, held, naive = 150, [], []
    many = rng.beta(a, b, 200_000)
    truth = {1: many.mean(), 2: np.mean(many**2), 4: np.mean(many**4)}
    for _ in range(count):
        ease = np.repeat(rng.beta(a, b, tasks), 4)
        passed = rng.random(ease.size) < ease
        found = trials(passed, np.repeat(np.arange(tasks), 4)).pass_hat
        held += [found[k].low <= truth[k] <= found[k].high for k in truth]
        plain = proportion(passed.astype(float))
        naive.append(plain.low <= truth[1] <= plain.high)
    print(f"trials taken for independent: {np.mean(naive):.2f}")
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / count)


def test_errors():
    for passed, task in (([0.5], ["a"]), ([[1]], ["a"]), ([1, 0], ["a"]), ([2], ["a"])):
        with pytest.raises(ShapeError):
            trials(passed, task)
    with pytest.raises(ShapeError, match="confidence"):
        trials([1], ["a"], confidence=0)


def test_plain_json():
    data = json.loads(json.dumps(trials([1, 0, nan], ["a", "a", "b"]).to_dict(), allow_nan=False))
    assert data["pass^k"]["2"]["value"] == 0 and data["pass@k"]["2"]["value"] == 1
    assert data["flip_rate"]["low"] is None
