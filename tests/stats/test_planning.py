from math import ceil, comb, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats import corrected_mean
from judgekit.stats.paired import corrected_difference
from judgekit.stats.planning import (
    binomial_power,
    half_width,
    labels_for_agreement,
    labels_for_difference,
    labels_for_half_width,
    labels_for_rare,
)

RATES = st.floats(0.02, 0.98)
RHO = st.floats(0, 0.95)


def test_the_textbook_size_and_its_small_sample_terms():
    # 1.96² · ¼ / 0.05² = 384.1 without a judge, and 5 more; a judge of correlation 0.6 leaves 64 % of it.
    assert labels_for_half_width(0.05, correlation=0) == pytest.approx(384.15 + 5, abs=1.5)
    assert labels_for_half_width(0.05, correlation=0.6) == pytest.approx(0.64 * 384.15 + 5 / 0.64, abs=1.5)
    assert labels_for_half_width(0.05, variance=1 / 12, correlation=0) == pytest.approx(128.05 + 5, abs=1.5)


def test_a_finite_batch():
    n0 = 0.75 * 384.15
    found = labels_for_half_width(0.05, population=1000, target="batch")
    assert found == pytest.approx(n0 / (1 + n0 / 1000) + 5 / 0.75, abs=3)
    assert half_width(1000, population=1000, target="batch") == 0
    # 1.96 √(¼/1000): what a thousand items say of their process, all of them labelled.
    assert half_width(1000, population=1000) == pytest.approx(0.03099, abs=1e-5)
    assert labels_for_half_width(0.03, population=1000) == inf
    assert labels_for_half_width(0.0310, population=1000) == 1000


@given(
    st.floats(0.01, 0.3),
    RATES,
    RHO,
    st.sampled_from([inf, 50, 300, 5000]),
    st.sampled_from(["process", "batch"]),
)
def test_the_number_is_the_smallest_that_gives_the_width(h, rate, rho, population, target):
    known = {"rate": rate, "correlation": rho, "population": population, "target": target}
    n = labels_for_half_width(h, **known)
    if n == inf:
        assert half_width(population, **known) > h
        return
    assert n == int(n) and 1 <= n <= population
    assert half_width(n, **known) <= h * (1 + 1e-9)
    if n > 2 and n < population:
        assert half_width(n - 1, **known) > h


@given(st.integers(2, 2000), RATES, RHO)
def test_more_labels_never_widen(n, rate, rho):
    known = {"rate": rate, "correlation": rho, "population": 4000}
    assert half_width(n, **known) < half_width(n - 1, **known)


@pytest.mark.parametrize(
    ("rate", "tpr", "tnr"),
    [(0.5, 0.8, 0.7), (0.8, 0.9, 0.8), (0.2, 0.8, 0.7), (0.5, 0.6, 0.6), (0.8, 0.95, 0.9)],
)
@pytest.mark.parametrize("h", [0.05, 0.1])
def test_the_planned_number_gives_the_width(rate, tpr, tnr, h):
    q = rate * tpr + (1 - rate) * (1 - tnr)
    rho = rate * (tpr - q) / sqrt(rate * (1 - rate) * q * (1 - q))
    total, rng, widths = 2000, np.random.default_rng(7), []
    n = int(labels_for_half_width(h, rate=rate, correlation=rho, population=total))
    for _ in range(40):
        y = rng.random(total) < rate
        f = np.where(y, rng.random(total) < tpr, rng.random(total) > tnr).astype(float)
        chosen = rng.choice(total, n, replace=False)
        widths.append(corrected_mean(f, chosen, y[chosen].astype(float)).half_width)
    assert 0.88 * h <= np.mean(widths) <= 1.08 * h


def chances(n, share):
    """Binomial probabilities of 0 to n, straight from the formula."""
    return np.array([comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)])


def power_of(n, bound, truth, alpha=0.05):
    """Of the smallest region of high counts that errs at most alpha."""
    at_least = np.append(np.cumsum(chances(n, bound)[::-1])[::-1], 0.0)
    critical = int(np.flatnonzero(at_least <= alpha)[0])
    return float(chances(n, truth)[critical:].sum())


def smallest_size(bound, truth, power=0.8, alpha=0.05, most=320):
    """The definition, size by size."""
    short = [n for n in range(1, most) if power_of(n, bound, truth, alpha) < power]
    return max(short, default=0) + 1


@pytest.mark.parametrize(
    ("bound", "truth"),
    [(0.8, 0.9), (0.5, 0.75), (0.9, 0.99), (0.7, 0.8), (0.6, 1.0), (0.1, 0.3)],
)
def test_agreement_by_the_definition(bound, truth):
    assert labels_for_agreement(bound, truth=truth) == smallest_size(bound, truth)


def test_agreement_without_a_stated_truth_and_without_hope():
    assert labels_for_agreement(0.8) == labels_for_agreement(0.8, truth=0.9) == 94
    assert labels_for_agreement(0.8, truth=0.8) == inf
    assert labels_for_agreement(0.0, truth=0.5) == 3  # 1 − .5³ = .875
    assert labels_for_agreement(0.8, power=0.9) > 94 < labels_for_agreement(0.8, alpha=0.01)


@given(st.integers(1, 200), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_power_by_the_definition(n, bound, truth):
    # A tail that equals alpha but for rounding falls on either side of it.
    assume(not np.isclose(np.cumsum(chances(n, bound)[::-1]), 0.05, rtol=0, atol=1e-12).any())
    wanted = power_of(n, bound, truth)
    assert binomial_power(np.array([n]), bound, truth)[0] == pytest.approx(wanted, abs=1e-9)


def test_difference():
    # (1.95996 + 0.84162)² · (.3·.7 + .2·.8) / .1² = 290.4 without a judge, the textbook size of one arm.
    found = labels_for_difference(0.1, rates=(0.3, 0.2), correlation=0)
    assert found == pytest.approx(290.4 + 5, abs=1.5)
    assert labels_for_difference(0.1, variance=0.37, correlation=0) == found
    assert labels_for_difference(0.1, outcomes=0.5) < labels_for_difference(0.1)
    assert labels_for_difference(0.05, population=300) == inf


def test_the_planned_number_finds_the_difference():
    rng, found, total, delta = np.random.default_rng(3), 0, 4000, 0.12
    flip, rho = 0.1, None  # the judge errs on a tenth, whatever the outcome
    y = (rng.random((200_000, 2)) < [0.62, 0.5]).astype(float)
    f = np.where(rng.random(y.shape) < flip, 1 - y, y)
    rho = float(np.corrcoef(y[:, 0] - y[:, 1], f[:, 0] - f[:, 1])[0, 1])
    n = int(labels_for_difference(delta, rates=(0.62, 0.5), correlation=rho, population=total))
    for _ in range(200):
        y = (rng.random((total, 2)) < [0.62, 0.5]).astype(float)
        f = np.where(rng.random(y.shape) < flip, 1 - y, y)
        chosen = rng.choice(total, n, replace=False)
        estimate = corrected_difference((f[:, 0], f[:, 1]), chosen, (y[chosen, 0], y[chosen, 1]))
        found += estimate.low > 0
    assert 0.8 - 3 * sqrt(0.16 / 200) <= found / 200 <= 0.8 + 3 * sqrt(0.16 / 200)


def few(most, n, share):
    """Probability of so many or fewer."""
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(min(most, n) + 1))


@given(st.floats(0.01, 0.5), st.integers(0, 8))
def test_rare_by_the_definition(bound, failures):
    n = int(labels_for_rare(bound, failures=failures))
    assert few(failures, n, bound) <= 0.05 + 1e-9
    assert n - 1 <= failures or few(failures, n - 1, bound) > 0.05 - 1e-9


def test_rare_closed_form_and_known_values():
    assert labels_for_rare(0.02) == ceil(log(0.05) / log(0.98)) == 149
    assert labels_for_rare(0.05) == 59  # the rule of three says 60
    assert labels_for_rare(0.05, failures=1) == 93  # tables of acceptance sampling, 95 % confidence


@pytest.mark.parametrize(
    "call",
    [
        lambda: half_width(10, rate=1.2),
        lambda: half_width(10, correlation=1.0),
        lambda: half_width(10, target="world"),
        lambda: half_width(10, population=0),
        lambda: half_width(10, variance=-1),
        lambda: half_width(10, confidence=95),
        lambda: labels_for_half_width(0),
        lambda: labels_for_agreement(1.0),
        lambda: labels_for_agreement(0.8, truth=1.1),
        lambda: labels_for_agreement(0.8, power=1),
        lambda: labels_for_difference(0),
        lambda: labels_for_difference(0.1, outcomes=2),
        lambda: labels_for_difference(0.1, rates=(0.5, 1.5)),
        lambda: labels_for_rare(0),
        lambda: labels_for_rare(0.1, failures=-1),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ShapeError):
        call()


def test_no_label_says_nothing():
    assert half_width(0) == inf
