"""A few fresh labels of a new batch: the benchmark with few draws, bounds widened by three errors."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from judgekit.stats.correction import corrected_mean
from judgekit.stats.fixed_slope import fixed_slope_mean

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "next_week.py"
SPEC = importlib.util.spec_from_file_location("next_week_benchmark", BENCHMARK)
bench = importlib.util.module_from_spec(SPEC)
sys.modules["next_week_benchmark"] = bench
SPEC.loader.exec_module(bench)

REPLICATES = 40
NARROWER = {15: 0.94, 20: 0.91, 30: 0.88, 60: 0.86}
LINES = {name: line for name, *line in bench.lines()}


@pytest.mark.parametrize("n", (15, 60))
@pytest.mark.parametrize("name", LINES)
def test_the_interval_holds_the_truth_whatever_has_drifted(name, n):
    draw, drift, cells, middle = LINES[name]
    line = bench.measure(draw, drift, cells, middle, n, REPLICATES, np.random.default_rng(n))
    error = 3 * np.sqrt(0.05 * 0.95 / (REPLICATES * len(cells)))
    least = 0.94 if draw is bench.ordinal else 0.95
    assert line.coverage.mean() >= least - error
    if drift == "none":
        assert line.width_good <= NARROWER[n]


def fresh(outcome, judge, target="process"):
    outcome = np.array(outcome, float)
    alone = corrected_mean(judge, np.arange(outcome.size), outcome, target=target, method="human-only")
    return fixed_slope_mean(judge, np.arange(outcome.size), outcome, target=target), alone


GOOD = np.tile([0.9, 0.1], 200)


@pytest.mark.parametrize("target", ["process", "batch"])
def test_rare_outcomes_are_taken_alone(target):
    few, alone = fresh([1] * 58 + [0] * 2, GOOD, target)
    assert (few.low, few.high) == (alone.low, alone.high) and "too few labels of one outcome (2)" in few.note
    enough, _ = fresh([1, 0] * 8 + [1] * 44, GOOD, target)
    assert enough.method == "difference-wilson"
    assert "too few labels of one outcome (7)" in fresh([1, 0] * 7 + [1] * 46, GOOD)[0].note
    assert fresh([1, 0] * 10 + [1] * 280, GOOD)[0].method == "difference-wilson"


def test_a_judge_that_tells_nothing_is_left_out_before_outcomes_are_seen():
    weak = np.tile([0.55, 0.45], 200)
    found, alone = fresh([1, 0] * 10, weak)
    assert (found.low, found.high) == (alone.low, alone.high) and "tells too little" in found.note
    # However the labels fall, the choice stays.
    assert "tells too little" in fresh([1] * 10 + [0] * 10, weak)[0].note
    good, alone = fresh([1, 0] * 10, GOOD)
    assert good.half_width < 0.8 * alone.half_width


def test_fewer_than_fifteen_labels_and_graded_outcomes():
    assert "fewer than 15 labels" in fresh([1, 0] * 7, GOOD)[0].note
    assert fresh([0.5, 1.0] * 10, GOOD)[0].method == "difference"
