"""Each rater beside the others, and beside their own earlier answers."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

from judgekit.errors import ShapeError
from judgekit.stats import cohen_kappa, icc
from judgekit.stats.rater_standing import rater_standing, repeat_consistency

MISSING = -1
WAYS = {
    "nominal": lambda a, b: float(a == b),
    "ordinal": lambda a, b: 1 - ((a - b) / 3) ** 2,
    "interval": lambda a, b: 1 - abs(a - b) / 3,
}


def panel(seed=0, n=120, skill=(0.85, 0.85, 0.85, 0.85), levels=4, missing=0.1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, levels, n)
    right = rng.random((n, len(skill))) < np.array(skill)
    table = np.where(right, truth[:, None], rng.integers(0, levels, right.shape))
    return np.where(rng.random(table.shape) < missing, MISSING, table)


def by_hand(table, agree):
    """Agreement of each rater with the others and among the others, item by item; the t; Holm."""
    found = []
    for j in range(table.shape[1]):
        own, others = [], []
        for row in table.tolist():
            rest = [answer for k, answer in enumerate(row) if k != j and answer >= 0]
            if row[j] < 0 or len(rest) < 2:
                continue
            own.append(np.mean([agree(row[j], answer) for answer in rest]))
            others.append(np.mean([agree(*pair) for pair in combinations(rest, 2)]))
        own, others, n = np.array(own), np.array(others), len(own)
        apart = own - others
        error = sqrt((np.sum((apart - apart.mean()) ** 2) + 0.5) / (n - 1) / n)
        found.append((own.mean(), others.mean(), apart.mean(), stdtr(n - 1, apart.mean() / error), n))
    p, m = [one[3] for one in found], len(found)
    holm = [
        min(1.0, max((m - rank) * p[k] for rank, k in enumerate(np.argsort(p)) if p[k] <= p[j]))
        for j in range(m)
    ]
    return found, holm


@pytest.mark.parametrize("level", WAYS)
def test_it_is_that_of_the_definition(level):
    table = panel(skill=(0.85, 0.85, 0.85, 0.5))
    expected, holm = by_hand(table, WAYS[level])
    seen = np.where(table < 0, np.nan, table) if level == "interval" else table
    found = rater_standing(seen, level=level, levels=(0, 3) if level == "interval" else range(4))
    for one, (own, others, apart, p, n), adjusted in zip(found, expected, holm, strict=True):
        assert one.with_others.value == pytest.approx(own, abs=1e-12)
        assert one.among_others.value == pytest.approx(others, abs=1e-12)
        assert one.difference.value == pytest.approx(apart, abs=1e-12)
        assert one.with_others.n == one.among_others.n == one.difference.n == n
        assert one.p_value == pytest.approx(p, rel=1e-9)
        assert one.adjusted == pytest.approx(adjusted, rel=1e-9)


def test_the_one_who_guesses_stands_apart_and_the_others_do_not():
    found = rater_standing(panel(3, n=200, skill=(0.9, 0.9, 0.3, 0.9)))
    assert [one.adjusted < 0.05 for one in found] == [False, False, True, False]
    assert found[2].difference.high < 0 < found[0].difference.low


def test_equal_raters_rarely_stand_apart():
    flagged = [min(one.adjusted for one in rater_standing(panel(seed, n=60))) <= 0.05 for seed in range(200)]
    assert sum(flagged) <= 10  # Holm allows no more than 1 in 20


@given(st.integers(0, 999), st.permutations(range(4)))
def test_the_order_of_raters_does_not_matter(seed, order):
    table = panel(seed, n=50)
    found, moved = rater_standing(table), rater_standing(table[:, order])
    for place, one in zip(order, moved, strict=True):
        assert one.difference.value == pytest.approx(found[place].difference.value, abs=1e-12)
        assert one.adjusted == pytest.approx(found[place].adjusted, rel=1e-6)


def test_groups_widen():
    table = np.repeat(panel(5, n=40, skill=(0.9, 0.9, 0.6)), 5, axis=0)
    group = np.arange(200) // 5
    alone, grouped = rater_standing(table)[2], rater_standing(table, group=group)[2]
    assert grouped.difference.value == alone.difference.value < 0
    assert grouped.p_value > alone.p_value
    assert np.isnan(rater_standing(table, group=np.arange(200) // 50)[2].p_value)


def test_too_few_items_or_raters_leave_it_undefined():
    for table in (panel(n=20), panel(n=200)[:, :2], panel(n=200)[:, :1], panel()[:0]):
        for one in rater_standing(table):
            assert np.isnan(one.p_value) and np.isnan(one.adjusted)
    two = rater_standing(panel(n=200)[:, :2])[0]
    assert two.with_others.note == "fewer than 30 items that two other raters answered too"
    assert rater_standing(np.empty((4, 0), int)) == ()


def test_raters_of_one_mind_keep_a_width():
    for one in rater_standing([[0, 0, 0], [1, 1, 1]] * 30):
        assert one.difference.value == 0 and one.difference.low < 0 < one.difference.high
        assert one.p_value == pytest.approx(0.5)


def test_consistency_of_levels():
    first = np.array([0, 1, 2, 1] * 12 + [MISSING, 0])
    again = np.array([0, 1, 2, 2] * 12 + [1, MISSING])
    found = repeat_consistency(first, again, levels=range(3))
    assert (found.same.value, found.same.n, found.same.method) == (0.75, 48, "Wilson")
    assert found.coefficient.value == pytest.approx(cohen_kappa(first, again, levels=range(3)))
    ordinal = repeat_consistency(first, again, level="ordinal", levels=range(3))
    assert ordinal.same == found.same
    expected = cohen_kappa(first, again, weights="quadratic", levels=range(3))
    assert ordinal.coefficient.value == pytest.approx(expected)
    assert expected > found.coefficient.value


def test_consistency_of_scores():
    rng = np.random.default_rng(0)
    first = rng.random(60) * 10
    again = first + rng.choice([0.0, 0.99, -0.99, 1.01], 60)
    again[:3] = np.nan
    found = repeat_consistency(first, again, level="interval", levels=(0, 10))
    assert found.same.n == 57
    assert found.same.value == pytest.approx((np.abs(first - again)[3:] < 1).mean())
    assert found.coefficient.value == pytest.approx(icc(np.column_stack([first, again])[3:]))


def test_nobody_asked_again():
    for found in (repeat_consistency([], []), repeat_consistency([0, 1], [MISSING, MISSING])):
        assert not found.same.defined and not found.coefficient.defined
        assert found.same.note == "no question was answered twice" and found.coefficient.note


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rater_standing([[0, 0]], level="ratio"), "level 'ratio'"),
        (lambda: rater_standing([[0.0, 1.0]], level="interval"), "ends of the scale"),
        (lambda: rater_standing([[0.0, 1.0]], level="interval", levels=(1, 1)), "ends of the scale"),
        (lambda: rater_standing([0, 1]), "shape"),
        (lambda: repeat_consistency([0], [0, 1]), "one label per item"),
        (lambda: repeat_consistency([0], [0], level="ratio"), "level 'ratio'"),
        (lambda: repeat_consistency([0.0], [0.0], level="interval"), "ends of the scale"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
