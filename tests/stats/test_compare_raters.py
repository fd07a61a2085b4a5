"""Raters against the best of them: scipy's tests, what may not matter, and how often the best is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.compare_raters import against_best
from judgekit.stats.frontier import undominated

TABLES = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=raters, max_size=raters),
        min_size=1,
        max_size=40,
    )
)


def scipy_stats():
    """Load it when it is used, as the package does."""
    from scipy import stats

    return stats


def drawn(rates, n, rng):
    """Hits of raters that find the same items hard."""
    hard = rng.standard_normal((n, 1)) * 0.55
    return (hard + rng.standard_normal((n, len(rates))) * 0.835 < scipy_stats().norm.ppf(rates)).astype(float)


def test_p_is_that_of_an_exact_binomial_test_and_holm_by_hand():
    hits = drawn([0.85, 0.8, 0.7, 0.6], 200, np.random.default_rng(3))
    found = against_best(hits)
    p = {}
    for j in range(4):
        if j != found.best:
            gained = int(((hits[:, j] == 1) & (hits[:, found.best] == 0)).sum())
            apart = int((hits[:, j] != hits[:, found.best]).sum())
            p[j] = scipy_stats().binomtest(gained, apart).pvalue
            assert found.p[j] == pytest.approx(p[j], rel=1e-10)
    least = 0.0
    for rank, j in enumerate(sorted(p, key=p.get)):
        least = max(least, min(1.0, p[j] * (3 - rank)))
        assert found.adjusted[j] == pytest.approx(least, rel=1e-10)
        assert found.kept[j] == (least > 0.05)
    assert found.kept[found.best] and np.isnan(found.p[found.best])


def test_limits_are_those_of_a_paired_t_with_a_half_added():
    hits = drawn([0.85, 0.7], 120, np.random.default_rng(1))
    found = against_best(hits).difference[1]
    apart = hits[:, 1] - hits[:, 0]
    squares = ((apart - apart.mean()) ** 2).sum() + 0.5
    half = scipy_stats().t.ppf(0.975, 119) * np.sqrt(squares / 119 / 120)
    assert (found.low, found.high) == pytest.approx((apart.mean() - half, apart.mean() + half))


def test_groups_count_as_often_as_they_are_independent():
    hits = drawn([0.85, 0.7], 100, np.random.default_rng(1))
    alone, thrice = (
        against_best(hits),
        against_best(np.repeat(hits, 3, axis=0), group=np.repeat(range(100), 3)),
    )
    assert thrice.difference[1].half_width == pytest.approx(alone.difference[1].half_width, rel=0.02)
    one = scipy_stats().ttest_rel(hits[:, 1], hits[:, 0]).pvalue
    assert thrice.p[1] == pytest.approx(one, rel=0.1)


def test_a_weight_of_two_is_an_item_twice_for_the_value():
    hits = drawn([0.8, 0.7], 60, np.random.default_rng(2))
    weight = np.where(np.arange(60) < 20, 2, 1)
    weighted, twice = against_best(hits, item_weight=weight), against_best(np.repeat(hits, weight, axis=0))
    assert weighted.difference[1].value == pytest.approx(twice.difference[1].value)
    assert [one.value for one in weighted.agreement] == pytest.approx([one.value for one in twice.agreement])


def test_the_chosen_one_has_the_limits_of_the_best_of_all_that_were_tried():
    hits = drawn([0.85, 0.8], 100, np.random.default_rng(4))
    found, more = against_best(hits), against_best(hits, tried=10)
    assert found.chosen[0].confidence == pytest.approx(0.975)
    assert more.chosen[0].confidence == pytest.approx(0.995)
    wide = [one.half_width for one in (found.agreement[0], found.chosen[0], more.chosen[0])]
    assert wide == sorted(wide) and wide[0] < wide[-1]


@given(TABLES)
def test_items_that_one_did_not_answer_and_the_order_of_items_do_not_matter(rows):
    table = np.array(rows)
    found = against_best(table)
    whole = table[~np.isnan(table).any(axis=1)][::-1]
    again = against_best(whole) if len(whole) else found
    assert (found.n, found.best, found.kept) == (len(whole), again.best, again.kept)
    assert np.array_equal(found.p, again.p, equal_nan=True)
    if len(whole):
        assert found.agreement[found.best].value == whole.mean(axis=0).max()


@given(TABLES, st.randoms())
def test_the_order_of_raters_does_not_matter(rows, shuffle):
    table = np.array(rows)
    order = list(range(table.shape[1]))
    shuffle.shuffle(order)
    one, two = against_best(table), against_best(table[:, order])
    values = [(a.value, a.low) for a in one.agreement]
    assert np.array_equal(
        [values[k] for k in order], [(a.value, a.low) for a in two.agreement], equal_nan=True
    )
    means = np.array([v for v, _ in values])
    if one.n and (means == means.max()).sum() == 1:
        assert order[two.best] == one.best
        assert [one.kept[k] for k in order] == list(two.kept)


def test_the_truly_best_is_hardly_ever_set_aside():
    rng = np.random.default_rng(5)
    lost = sum(not against_best(drawn([0.8, 0.79, 0.79, 0.6], 150, rng)).kept[0] for _ in range(150))
    assert lost <= 15  # 5 % of 150 is 7.5; more than 15 come once in 200 even there


@pytest.mark.parametrize("wrong", [[0, 1], [[1], [0]], [[0.5, 1]], np.zeros((2, 2, 2))])
def test_what_is_no_table_of_hits_is_refused(wrong):
    with pytest.raises(ShapeError, match="hits"):
        against_best(wrong)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_the_frontier_is_what_nobody_beats(choices):
    cost, error = zip(*choices, strict=True)
    found = undominated(cost, error)
    for k, (c, e) in enumerate(choices):
        beaten = any(x <= c and y <= e and (x, y) != (c, e) for x, y in choices)
        assert found[k] == (not beaten)
    assert found.any()


def test_an_unknown_cost_neither_beats_nor_is_on_the_frontier():
    assert undominated([np.nan, 1, 2], [0.0, 0.2, 0.2]).tolist() == [False, True, False]
