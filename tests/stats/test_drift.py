"""Two batches against each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # noqa: TID253 - the other implementation

from judgekit.errors import ShapeError
from judgekit.stats.drift import level_drift, score_drift, total_variation

COUNTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=6)


def test_two_levels_have_the_exact_p_value_of_all_arrangements():
    found = level_drift([18, 2], [11, 9], draws=200_000)
    ones = np.arange(12)
    likely = stats.hypergeom(40, 11, 20).pmf(ones)
    far = np.abs(ones - 5.5) >= 3.5
    assert found.p == pytest.approx(likely[far].sum(), abs=0.002)
    assert found.method == "chi-squared, permutation" and found.n == 20


def test_many_draws_are_left_to_the_law():
    table = [[800, 200, 50], [60, 40, 5]]
    found = level_drift(*table, alpha=1e-7)
    law = stats.chi2_contingency(table, correction=False)
    assert (found.statistic, found.p) == pytest.approx((law.statistic, law.pvalue))
    assert found.method == "chi-squared, limit law"
    assert level_drift(*table, draws=399).method.endswith("limit law")  # 20 / .05 are needed
    assert level_drift(*table, draws=400).method.endswith("permutation")
    assert level_drift(*table).p == pytest.approx(law.pvalue, abs=0.01)


def test_scores_agree_with_another_implementation():
    rng = np.random.default_rng(3)
    old, new = rng.normal(size=40), rng.normal(0.4, 1, size=30)
    found, other = score_drift(old, np.r_[new, np.nan], draws=20_000), stats.ks_2samp(old, new)
    assert found.statistic == pytest.approx(other.statistic) and found.n == 30
    assert found.p == pytest.approx(other.pvalue, abs=0.015)
    law = score_drift(old, new, alpha=1e-9)
    assert law.p == pytest.approx(stats.kstwobign.sf(np.sqrt(40 * 30 / 70) * other.statistic))


def test_ties_do_not_hide_a_difference_of_scores():
    old, new = np.repeat([0, 0.5, 1], [60, 30, 10]), np.repeat([0, 0.5, 1], [40, 35, 25])
    law = score_drift(old, new, alpha=1e-9)
    assert score_drift(old, new).p < law.p  # the law takes scores for continuous


def test_nothing_drifted_is_called_drift_as_often_as_asked():
    rng = np.random.default_rng(4)
    p = [level_drift(*rng.multinomial((120, 60), [0.7, 0.2, 0.07, 0.03]), seed=k).p for k in range(600)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=0.06)


@given(COUNTS)
def test_moved_share_and_statistic_do_not_care_for_order(pairs):
    old, new = np.array(pairs).T
    turned = np.random.default_rng(0).permutation(len(pairs))
    moved = total_variation(old, new)
    if not old.sum() or not new.sum():
        assert np.isnan(moved) and np.isnan(level_drift(old, new).p)
        return
    assert 0 <= moved <= 1 and moved == pytest.approx(total_variation(new[turned], old[turned]))
    one, other = level_drift(old, new, draws=0), level_drift(new[turned], old[turned], draws=0)
    assert (one.statistic, one.p) == pytest.approx((other.statistic, other.p), nan_ok=True)


def test_nothing_to_tell_apart():
    alike = level_drift([5, 0], [9, 0])  # no test, so that it takes no power from others
    assert np.isnan(alike.p) and "one level" in alike.note
    empty = score_drift([], [0.5])
    assert np.isnan(empty.p) and empty.to_dict()["p"] is None and "no scores" in empty.note


@pytest.mark.parametrize("counts", [([1, 2], [1]), ([1, -2], [1, 2]), ([0.5, 1], [1, 2])])
def test_what_is_no_count_is_refused(counts):
    with pytest.raises(ShapeError):
        level_drift(*counts)
