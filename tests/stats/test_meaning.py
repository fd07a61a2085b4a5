"""What a verdict meant and means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # noqa: TID253 - the other implementation

from judgekit.errors import ShapeError
from judgekit.stats.meaning import meaning_drift


def cells(*counts):
    """Codes and 0/1 outcomes from (failed, passed) for each cell."""
    codes = np.repeat(np.arange(len(counts)), [sum(pair) for pair in counts])
    return codes, np.concatenate([np.repeat([0.0, 1.0], pair) for pair in counts])


def test_a_changed_verdict_is_refuted_and_named():
    found = meaning_drift(*cells((36, 4), (5, 55)), *cells((11, 1), (8, 10)), names=("fail", "pass"))
    assert found.refuted and found.cells[1].p_adjusted == pytest.approx(2 * found.cells[1].p)
    assert "pass: 56 % (n 18), was 92 % (n 60)" in found.sentence and "fail:" not in found.sentence


@given(st.tuples(*[st.integers(0, 25)] * 4))
@settings(max_examples=60)
def test_one_cell_is_fishers_test(counts):
    (a, b), (c, d) = counts[:2], counts[2:]
    found = meaning_drift(*cells((a, b)), *cells((c, d)))
    if not found.cells or np.isnan(found.cells[0].p):
        return
    assert found.cells[0].p == pytest.approx(stats.fisher_exact([[a, b], [c, d]]).pvalue)


def test_cells_that_could_refute_nothing_are_no_tests():
    # Two new labels at 'fail' cannot reach .05 against ten; the other cell pays for one test only.
    found = meaning_drift(*cells((10, 0), (5, 55)), *cells((1, 1), (8, 10)))
    assert np.isnan(found.cells[0].p) and found.cells[1].p_adjusted == found.cells[1].p
    few = meaning_drift(*cells((1, 1)), *cells((1, 1)))
    assert few.state == "untested" and "Too few labels" in few.sentence and not few.refuted


def test_what_would_have_been_found_is_found_four_times_in_five():
    found = meaning_drift(*cells((4, 56)), *cells((2, 18)))
    assert found.state == "not refuted" and np.isnan(found.cells[0].found_above)
    below = found.cells[0].found_below
    assert (
        f"rate fallen from 93 % to {100 * below:.0f} % where the judge says 0, these 20 labels"
        in found.sentence
    )
    rng = np.random.default_rng(5)

    def power(rate):
        hits = rng.binomial(20, rate, 400)
        return np.mean([stats.fisher_exact([[4, 56], [20 - k, k]]).pvalue <= 0.05 for k in hits])

    assert power(below) > 0.75 and power(below + 0.08) < 0.8


def test_scores_are_compared_by_their_means():
    rng = np.random.default_rng(6)
    old, new = rng.random(60) ** 0.5, rng.random(25)
    found = meaning_drift(np.zeros(60, int), old, np.zeros(25, int), new, seed=1)
    law = stats.permutation_test(
        (old, new), lambda a, b: a.mean() - b.mean(), n_resamples=20_000, rng=np.random.default_rng(0)
    )
    assert found.method.startswith("permutation") and found.cells[0].p == pytest.approx(law.pvalue, abs=0.02)
    alike = meaning_drift(np.zeros(60, int), np.full(60, 0.5), np.zeros(25, int), np.full(25, 0.5))
    assert alike.state == "untested"


@pytest.mark.parametrize("outcome", [lambda u: (u < 0.8).astype(float), lambda u: np.round(4 * u) / 4])
def test_unchanged_verdicts_are_seldom_refuted(outcome):
    rng = np.random.default_rng(7)
    wrong = 0
    for k in range(150):
        old, new = rng.integers(0, 3, 90), rng.integers(0, 3, 45)
        wrong += meaning_drift(old, outcome(rng.random(90)), new, outcome(rng.random(45)), seed=k).refuted
    assert wrong / 150 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_missing_answers_are_left_out():
    found = meaning_drift([0, 0, -1], [1, np.nan, 0], [0, -1], [0, 1])
    assert [(cell.n_old, cell.n_new) for cell in found.cells] == [(1, 1)]
    assert found.to_dict()["cells"][0]["p"] is None
    with pytest.raises(ShapeError, match="give one each"):
        meaning_drift([0], [1, 1], [0], [1])
    with pytest.raises(ShapeError, match="integer codes"):
        meaning_drift([0.5], [1], [0], [1])


def test_the_order_of_labels_changes_nothing():
    rng = np.random.default_rng(8)
    old, new = rng.random(30), rng.random(12) ** 2
    turned = rng.permutation(12)
    zeros = np.zeros(30, int), np.zeros(12, int)
    assert meaning_drift(zeros[0], old, zeros[1], new) == meaning_drift(zeros[0], old, zeros[1], new[turned])
