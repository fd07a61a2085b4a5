"""Adjusted p-values: known-good values, and what any adjustment must keep."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.multiplicity import METHODS, adjusted_p

P_VALUES = st.lists(st.floats(0, 1), max_size=30)


@pytest.mark.parametrize("method", ["bh", "holm"])
def test_equals_the_oracle(shared, method):
    cases = json.loads((shared / "oracles" / "agreement.json").read_text())["cases"]
    cases = [case for case in cases if case["quantity"] == f"{method}_adjusted"]
    assert cases
    for case in cases:
        found = adjusted_p(case["data"]["p_values"], method)
        np.testing.assert_allclose(
            found, case["expected"], rtol=0, atol=case["tolerance"], err_msg=case["id"]
        )


def rejected(p, method, rate):
    """Tests that the published procedure rejects, step by step."""
    order, m = sorted(range(len(p)), key=lambda place: p[place]), len(p)
    if method == "holm":
        for rank, place in enumerate(order):
            if p[place] > rate / (m - rank):
                return set(order[:rank])
        return set(order)
    looks = m * sum(1 / rank for rank in range(1, m + 1)) if method == "by" else m
    kept = [rank for rank, place in enumerate(order, 1) if p[place] <= rate * rank / looks]
    return set(order[: max(kept, default=0)])


@pytest.mark.parametrize("method", METHODS)
@given(p=P_VALUES, rate=st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_rejects_what_the_published_procedure_rejects(method, p, rate):
    found = adjusted_p(p, method)
    near = np.abs(found - rate) < 1e-12  # a tie with the rate may fall to either side
    steps = rejected(p, method, rate)
    assert all((place in steps) == (found[place] <= rate) for place in range(len(p)) if not near[place])


def test_dependence_costs_benjamini_yekutieli_the_harmonic_sum():
    np.testing.assert_allclose(adjusted_p([0.01, 0.02, 0.9], "by"), [0.055, 0.055, 1.0])


@pytest.mark.parametrize("method", METHODS)
@given(p=P_VALUES)
def test_keeps_order_and_range_and_never_lowers(method, p):
    found = adjusted_p(p, method)
    assert (found <= 1).all() and (found >= np.array(p) - 1e-15).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
@given(p=P_VALUES, places=st.lists(st.integers(0, 30), max_size=4))
def test_a_test_that_was_not_made_changes_nothing(method, p, places):
    holed = list(p)
    for place in places:
        holed.insert(min(place, len(holed)), float("nan"))
    found = adjusted_p(holed, method)
    made = ~np.isnan(holed)
    np.testing.assert_array_equal(found[made], adjusted_p(p, method))
    assert np.isnan(found[~made]).all()


@pytest.mark.parametrize(
    ("p", "method", "message"),
    [
        ([[0.1]], "holm", "shape"),
        ([0.1, 1.5], "bh", "got 1.5"),
        ([-0.1], "bh", "got -0.1"),
        ([0.1], "sidak", "use one of: holm, bh, by"),
    ],
)
def test_wrong_input_is_named(p, method, message):
    with pytest.raises(ShapeError, match=message):
        adjusted_p(p, method)
