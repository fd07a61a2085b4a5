"""Limits and alarms for those who look again and again."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.sequential import (
    agreement_alarm,
    chosen_confidence,
    confidence_sequence,
    look_confidence,
)

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "looks.py"
SPEC = importlib.util.spec_from_file_location("looks_benchmark", BENCHMARK)
bench = importlib.util.module_from_spec(SPEC)
sys.modules["looks_benchmark"] = bench
SPEC.loader.exec_module(bench)


def at_most(share, of):
    """The share with three standard errors of as many replicates."""
    return share + 3 * np.sqrt(share * (1 - share) / of)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_levels_of_all_looks_add_up(confidence):
    one_sided = [(1 - look_confidence(k, confidence)) / 2 for k in range(1, 20_001)]
    assert sum(one_sided) == pytest.approx(1 - confidence, abs=1e-4)
    assert look_confidence(1, confidence) == chosen_confidence(1, confidence) == confidence


def test_the_levels_as_published():
    for k in range(2, 12):
        assert (1 - look_confidence(k)) / 2 == pytest.approx(0.05 / (k * (k + 1)))
    assert chosen_confidence(20) == pytest.approx(0.9975)


def wealth(m, x, sign, alpha, population):
    """The betting game of the papers, one outcome after the other."""
    capital, total, variance, seen = 1.0, 0.0, 0.25, []
    for i, one in enumerate(x, 1):
        mean = m if population is None else (population * m - total) / (population - i + 1)
        if not -1e-12 <= mean <= 1 + 1e-12:
            return np.inf if (mean < 0) == (sign > 0) else 0.0
        stake = np.sqrt(2 * np.log(2 / alpha) / (variance * i * np.log(1 + i)))
        room = mean if sign > 0 else 1 - mean
        capital *= 1 + sign * min(stake, 0.5 / room if room > 1e-12 else np.inf) * (one - mean)
        seen.append(one)
        total += one
        centres = [(0.5 + sum(seen[: j + 1])) / (j + 2) for j in range(i)]
        variance = (0.25 + sum((v - c) ** 2 for v, c in zip(seen, centres, strict=True))) / (i + 1)
    return capital


def is_certain(limit, x, population):
    """Whether no mean beyond is possible, were all outcomes that are not drawn yet 0, or 1."""
    least = np.sum(x) / population
    return np.isclose(limit, least) or np.isclose(limit, least + 1 - len(x) / population)


@pytest.mark.parametrize("population", [None, 60])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_limits_are_where_the_game_is_won(population, confidence):
    rng = np.random.default_rng(5)
    x = np.round(rng.random(30) * (rng.random(30) < 0.8), 2)
    low, high = confidence_sequence(x, population=population, confidence=confidence)
    alpha = 1 - confidence
    for t in (1, 2, 10, 30):
        for limit, sign in ((low[t - 1], 1), (high[t - 1], -1)):
            beyond = [wealth(limit - sign * 0.0006, x[:s], sign, alpha, population) for s in range(1, t + 1)]
            inside = [wealth(limit + sign * 0.0011, x[:s], sign, alpha, population) for s in range(1, t + 1)]
            if 0 < limit < 1 and (population is None or not is_certain(limit, x[:t], population)):
                assert max(beyond) >= 2 / alpha
            assert max(inside) < 2 / alpha


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(0, 40))
def test_limits_only_tighten_and_mirror(values, more):
    for population in (None, len(values) + more):
        low, high = confidence_sequence(values, population=population)
        assert np.all(np.diff(low) >= -1e-12) and np.all(np.diff(high) <= 1e-12)
        assert np.all((low >= 0) & (high <= 1))
        other_low, other_high = confidence_sequence(1 - np.array(values), population=population)
        assert other_low == pytest.approx(1 - high) and other_high == pytest.approx(1 - low)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_whole_population_collapses_to_its_mean(values):
    low, high = confidence_sequence(values, population=len(values))
    assert low[-1] == high[-1] == pytest.approx(np.mean(values))


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("population", [None, 400])
def test_outcomes_that_are_all_equal(value, population):
    low, high = confidence_sequence(np.full(200, value), population=population)
    assert np.all((low <= value) & (value <= high))
    assert 0 < high[-1] - low[-1] < 0.06
    assert (low[-1] if value == 0 else high[-1]) == value


def test_no_outcome_and_one():
    assert all(limit.shape == (0,) for limit in confidence_sequence([]))
    low, high = confidence_sequence([0.3])
    assert low[0] < 0.05 and high[0] > 0.9


def test_a_finite_population_is_known_better():
    x = (np.random.default_rng(2).random(300) < 0.7).astype(float)
    (low, high), (near, far) = confidence_sequence(x), confidence_sequence(x, population=400)
    assert far[-1] - near[-1] < 0.7 * (high[-1] - low[-1])


@pytest.mark.parametrize("population", [None, 1000])
def test_five_hundred_looks_miss_in_one_of_twenty_at_most(population):
    """No more misses than allowed, and fewer than of plain limits taken as often."""
    trials = [partial(bench.watched, rate, 500, population) for rate in (0.1, 0.5)]
    plain, counted = np.mean(
        [bench.measure(trial, 25, np.random.default_rng(k)) for k, trial in enumerate(trials)], axis=0
    )
    assert counted <= at_most(0.05, 50) < plain


def test_errors_of_sequences():
    with pytest.raises(ShapeError, match=r"outcomes\[1\] is missing"):
        confidence_sequence([1, np.nan])
    with pytest.raises(ShapeError, match=r"outcomes\[0\] is 2"):
        confidence_sequence([2])
    with pytest.raises(ShapeError, match="cannot be drawn from a population of 2"):
        confidence_sequence([1, 0, 1], population=2)
    with pytest.raises(ShapeError, match="confidence is 1"):
        confidence_sequence([1], confidence=1)
    with pytest.raises(ShapeError, match="look is 0"):
        look_confidence(0)
    with pytest.raises(ShapeError, match="number of candidates is 0"):
        chosen_confidence(0)


# Agreement


def stream(rng, *parts):
    return np.concatenate([rng.random(n) < share for n, share in parts]).astype(float)


@pytest.mark.parametrize("agreement", [0.7, 0.85, 0.95])
def test_agreement_as_promised_alarms_in_one_of_twenty_at_most(agreement):
    rng = np.random.default_rng(3)
    false = np.mean([agreement_alarm(stream(rng, (1500, agreement)), agreement).alarm for _ in range(200)])
    assert false <= at_most(0.05, 200)


@pytest.mark.parametrize(("after", "within"), [(0.75, 600), (0.6, 150)])
def test_an_agreement_that_falls_after_many_good_labels_alarms(after, within):
    """Frozen at the end of their window, the games found the small fall in 6 of 100 streams."""
    rng = np.random.default_rng(4)
    found = [agreement_alarm(stream(rng, (400, 0.9), (within, after)), 0.85).at or np.inf for _ in range(100)]
    assert np.mean(np.isfinite(found)) >= 0.85 and min(found) > 400


def test_the_stake_is_divided_over_the_games():
    """Before the second window there is one game, with half the stake; the other half lies idle."""
    a, expected, cap = np.array([0, 1, 0, 0.0]), 0.8, 0.5 / 0.2
    capital = 1.0
    for one in a:  # the first bets of a game are as large as they may be
        capital *= 1 + cap * (expected - one)
    assert agreement_alarm(a, expected).evidence == pytest.approx(0.5 + capital / 2)


def test_alarms_at_the_edges():
    assert agreement_alarm([], 0.9).to_dict() | {"n": 0} == {
        "alarm": False,
        "at": None,
        "evidence": 1.0,
        "agreement": None,
        "expected": 0.9,
        "n": 0,
    }
    assert agreement_alarm(np.ones(500), 0.95).evidence == 1
    assert not agreement_alarm(np.zeros(500), 0).alarm
    assert agreement_alarm(np.zeros(3000), 1).evidence == 1e300
    assert not agreement_alarm(np.ones(500), 1).alarm
    for wrong in ({"expected": np.nan}, {"expected": 1.2}, {"expected": 0.9, "window": 0}):
        with pytest.raises(ShapeError):
            agreement_alarm([1], **wrong)


# The benchmark, small


SMALL = {
    "gate": (partial(bench.growing_labels, 0.8, 0.8, 0.7), 150, 0.05),
    "best judge": (partial(bench.best_judge, 20, 100, 0.6, 0.85), 200, 0.025),
    "judges on a holdout": (partial(bench.opened_judges, 10, 100, 0.6, 0.85), 60, 0.05),
    "versions on a holdout": (partial(bench.opened_versions, 10, 100, 0.8, 0.85), 60, 0.05),
}


@pytest.mark.parametrize("name", SMALL)
def test_counted_looks_err_no_more_than_they_may_and_plain_ones_do(name):
    trial, replicates, most = SMALL[name]
    plain, counted = bench.measure(trial, replicates, np.random.default_rng(11))
    assert counted <= at_most(most, replicates)
    assert plain > 2 * counted and plain > most
