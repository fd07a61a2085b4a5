"""A quick look at coverage: the scenarios of the benchmark, few draws, bounds widened by three errors."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "coverage.py"
sys.path.insert(0, str(BENCHMARK.parent))  # the benchmark is a script, with its helpers beside it
SPEC = importlib.util.spec_from_file_location("coverage_benchmark", BENCHMARK)
bench = importlib.util.module_from_spec(SPEC)
sys.modules["coverage_benchmark"] = bench
SPEC.loader.exec_module(bench)

REPLICATES = 150
BINARY = tuple((p, *judge) for p in (0.1, 0.5, 0.8) for judge in bench.JUDGES)


def binary(draw, n):
    return [partial(draw, 1000, n, *scenario) for scenario in BINARY]


SCENARIOS = {
    "random 30": (binary(bench.binary_random, 30), 0.94, 0.97, 0.92),
    "random 50": (binary(bench.binary_random, 50), 0.94, 0.97, 0.90),
    "random 100": (binary(bench.binary_random, 100), 0.94, 0.97, 0.88),
    "random 200": (binary(bench.binary_random, 200), 0.94, 0.965, 0.86),
    "stratified 50": (binary(bench.binary_stratified, 50), 0.94, 0.975, 0.92),
    "score 50": (bench.each(bench.score_random, (1000,), (50,), (0.2, 0.5), (1.5, 4.0)), 0.94, 0.975, 1.0),
    "active 100": (
        bench.each(bench.score_active, (1000,), (100,), (0.2, 0.5), (1.0, 3.0)),
        0.935,
        0.975,
        0.9,
    ),
    "ordinal 50": (
        bench.each(bench.ordinal_random, (1000,), (50,), (bench.FLAT, bench.SKEWED), (0.75, 1.25)),
        0.94,
        0.97,
        0.78,
    ),
    "ordinal stratified 50": (
        bench.each(bench.ordinal_stratified, (1000,), (50,), (bench.FLAT, bench.SKEWED), (0.75, 1.25)),
        0.93,
        0.99,
        1.0,
    ),
    "two systems 50": (
        bench.each(bench.two_systems, (1000,), (50,), (0.0, 0.5), (0.95, 0.8), (0.9,)),
        0.935,
        0.975,
        0.9,
    ),
    "external 100": (
        bench.each(bench.shifted_binary, (1000,), (100,), (0.5,), (0.2, 0.8), (0.95, 0.8), (0.7,)),
        0.93,
        0.985,
        3.0,
    ),
    "not applicable 400": (
        bench.each(bench.applicable, (2000,), (400,), (0.9,), (0.4, 0.8)),
        0.935,
        0.975,
        None,
    ),
    "groups 20": (
        bench.each(bench.grouped, (20,), (5,), (0.3, 0.6), (0.1, 0.4), (0.8,), (0.7,)),
        0.94,
        0.98,
        None,
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_intervals_hold_the_truth_and_are_no_wider_than_promised(name):
    draws, low, high, width = SCENARIOS[name]
    found = bench.measure(draws, REPLICATES, np.random.default_rng(20_261))
    error = 3 * np.sqrt(0.05 * 0.95 / (REPLICATES * len(draws)))
    assert low - error <= found.coverage.mean() <= high + error
    assert found.coverage.min() >= 0.89 - 3 * np.sqrt(0.1 * 0.9 / REPLICATES)
    if width is not None:
        assert found.width.mean() <= width * 1.02
