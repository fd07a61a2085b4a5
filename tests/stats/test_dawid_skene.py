"""Dawid–Skene: known-good values, an independent EM, and what a better answer than the vote must do."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.dawid_skene import dawid_skene, dawid_skene_of_labels

MISSING = -1


@pytest.mark.parametrize("part", ["posterior", "prior", "errors"])
def test_equals_the_oracle(shared, part):
    cases = json.loads((shared / "oracles" / "agreement.json").read_text())["cases"]
    cases = [case for case in cases if case["quantity"] == f"dawid_skene_{part}"]
    assert cases
    for case in cases:
        rows = [[MISSING if code is None else code for code in row] for row in case["data"]["ratings"]]
        iterations = case["params"]["iterations"]
        found = dawid_skene(rows, case["data"]["levels"], iterations=iterations, smoothing=0)
        assert found.iterations == iterations
        np.testing.assert_allclose(
            getattr(found, part), case["expected"], rtol=0, atol=case["tolerance"], err_msg=case["id"]
        )


def panel(seed=0, n=150, raters=4, levels=3, missing=0.2, skill=None):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, levels, n)
    skill = rng.uniform(0.5, 0.95, raters) if skill is None else np.array(skill)
    right = rng.random((n, raters)) < skill
    wrong = (truth[:, None] + rng.integers(1, levels, (n, raters))) % levels
    table = np.where(right, truth[:, None], wrong)
    return truth, np.where(rng.random(table.shape) < missing, MISSING, table)


def by_hand(table, levels, iterations, smoothing):
    """The algorithm with loops and products of probabilities."""
    table = [row for row in table.tolist() if max(row) >= 0]
    raters = range(len(table[0]))
    belief = [[row.count(k) / sum(code >= 0 for code in row) for k in range(levels)] for row in table]

    def maximise():
        prior = [sum(b[k] for b in belief) / len(belief) for k in range(levels)]
        errors = np.zeros((len(raters), levels, levels))
        for j in raters:
            for k in range(levels):
                counts = [smoothing] * levels
                for row, b in zip(table, belief, strict=True):
                    if row[j] >= 0:
                        counts[row[j]] += b[k]
                errors[j, k] = np.array(counts) / sum(counts)
        return prior, errors

    prior, errors = maximise()
    for _ in range(iterations):
        for place, row in enumerate(table):
            joint = [
                prior[k] * np.prod([errors[j, k, row[j]] for j in raters if row[j] >= 0])
                for k in range(levels)
            ]
            belief[place] = [one / sum(joint) for one in joint]
        prior, errors = maximise()
    return np.array(belief), np.array(prior), errors


@pytest.mark.parametrize("smoothing", [0.5, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_equals_an_em_by_hand(seed, smoothing):
    _, table = panel(seed, n=60)
    table[:2] = MISSING
    found = dawid_skene(table, range(3), iterations=12, smoothing=smoothing)
    belief, prior, errors = by_hand(table, 3, 12, smoothing)
    seen = (table >= 0).any(axis=1)
    np.testing.assert_allclose(found.posterior[seen], belief, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.prior, prior, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.errors, errors, rtol=0, atol=1e-12)
    labels = [(i, code) for i, row in enumerate(table) for code in row if code >= 0]
    wrong = np.mean([1 - found.posterior[i, code] for i, code in labels])
    assert found.noise == pytest.approx(wrong, abs=1e-12)


def test_it_finds_the_raters_errors_and_beats_their_vote():
    truth, table = panel(1, n=4000, raters=5, levels=2, skill=[0.95, 0.9, 0.6, 0.55, 0.55], missing=0.0)
    found = dawid_skene(table)
    skill = np.einsum("k,rkk->r", found.prior, found.errors)
    np.testing.assert_allclose(skill, (table == truth[:, None]).mean(axis=0), atol=0.04)
    assert found.noise == pytest.approx((table != truth[:, None]).mean(), abs=0.02)
    vote = (table.mean(axis=1) > 0.5).astype(int)
    assert (found.answer == truth).mean() > (vote == truth).mean() + 0.05


@given(st.integers(0, 999), st.permutations(range(3)), st.permutations(range(4)))
def test_names_of_levels_and_raters_do_not_matter(seed, names, order):
    _, table = panel(seed, n=40)
    found = dawid_skene(table, range(3), iterations=5)
    renamed = np.array([*names, MISSING])[table][:, order]
    moved = dawid_skene(renamed, range(3), iterations=5)
    np.testing.assert_allclose(moved.posterior[:, names], found.posterior, rtol=0, atol=1e-9)
    np.testing.assert_allclose(moved.errors[:, names][:, :, names], found.errors[order], rtol=0, atol=1e-9)


@given(st.integers(0, 999), st.integers(1, 30))
def test_items_and_raters_without_labels_change_nothing(seed, more):
    _, table = panel(seed, n=30)
    table[table.max(axis=1) < 0, 0] = 0
    wider = np.pad(table, ((0, more), (0, 1)), constant_values=MISSING)
    found, other = dawid_skene(table, range(3), iterations=5), dawid_skene(wider, range(3), iterations=5)
    np.testing.assert_allclose(other.posterior[:30], found.posterior, rtol=0, atol=1e-12)
    np.testing.assert_allclose(other.errors[:-1], found.errors, rtol=0, atol=1e-12)
    assert np.isnan(other.posterior[30:]).all() and np.isnan(other.errors[-1]).all()
    assert (other.answer[30:] == MISSING).all() and other.noise == pytest.approx(found.noise)
    assert other.note == ("1 item" if more == 1 else f"{more} items") + " without a label have no answer"
    assert found.note == ""


def test_a_list_of_labels_is_the_same():
    _, table = panel(2)
    item, rater = np.nonzero(table >= 0)
    order = np.random.default_rng(0).permutation(item.size)
    item, rater = item[order], rater[order]
    listed = dawid_skene_of_labels(item, rater, table[item, rater], range(3), shape=table.shape)
    whole = dawid_skene(table, range(3))
    np.testing.assert_allclose(listed.posterior, whole.posterior, rtol=0, atol=1e-9)


def test_stopping_early_at_rest_is_not_stopping_early():
    _, table = panel(3, n=60, skill=[0.95] * 4, missing=0.0)
    rested = dawid_skene(table, iterations=5000)
    assert rested.iterations < 5000
    longer = dawid_skene(table, iterations=rested.iterations + 50, tol=0)
    np.testing.assert_array_equal(longer.posterior, rested.posterior)
    sooner = dawid_skene(table, iterations=5000, tol=1e-3)
    assert sooner.iterations < rested.iterations
    np.testing.assert_allclose(sooner.posterior, rested.posterior, atol=0.05)


def test_no_label_at_all():
    for table in (np.full((3, 2), MISSING), np.empty((0, 2), int)):
        found = dawid_skene(table, range(2))
        assert np.isnan(found.noise) and np.isnan(found.prior).all() and (found.answer == MISSING).all()


def test_everyone_of_one_mind_is_not_beyond_doubt():
    found = dawid_skene([[0, 0, 0], [1, 1, 1]] * 20)
    assert found.answer.tolist() == [0, 1] * 20
    assert 0 < found.noise < 1e-3 and found.errors.min() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dawid_skene([0, 1]), "shape"),
        (lambda: dawid_skene([[0, 2]], levels=(0, 1)), "code 2"),
        (lambda: dawid_skene([[0, -2]]), "code -2"),
        (lambda: dawid_skene([[0.5, 1.0]]), "integer codes"),
        (lambda: dawid_skene([[0, 1]], smoothing=-1), "negative"),
        (lambda: dawid_skene_of_labels([0], [0, 1], [0]), "one length"),
        (lambda: dawid_skene_of_labels([-1], [0], [0]), "from 0"),
        (lambda: dawid_skene_of_labels([0], [0], [-1]), "must be a level"),
        (lambda: dawid_skene_of_labels([4], [0], [0], shape=(2, 2)), "outside the shape"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
