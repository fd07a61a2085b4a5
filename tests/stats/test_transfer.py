"""Batches without labels of their own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgekit.errors import ShapeError
from judgekit.stats.correction import corrected_mean
from judgekit.stats.inversion import em_shares, lang_reiczigel, rogan_gladen_value

RNG = np.random.default_rng(11)
OTHER = (RNG.random(300) < 0.5).astype(float)
SAID = np.where(RNG.random(300) < 0.85, OTHER, 1 - OTHER)
BATCH = (RNG.random(1000) < 0.8).astype(float)
JUDGE = np.where(RNG.random(1000) < 0.85, BATCH, 1 - BATCH)


def external(judge=JUDGE, said=SAID, outcome=OTHER, **more):
    return corrected_mean(judge, [], [], design="external", external=(said, outcome), **more)


def test_prevalence_shift_is_undone_by_error_rates():
    found = external(shift="prevalence")
    tpr, tnr = SAID[OTHER == 1].mean(), 1 - SAID[OTHER == 0].mean()
    assert found.value == pytest.approx((JUDGE.mean() + tnr - 1) / (tpr + tnr - 1))
    assert found.low < BATCH.mean() < found.high and "errs at the same rates" in found.note


def test_mix_shift_is_undone_by_cell_means():
    found = external(shift="mix")
    rates = [OTHER[v == SAID].mean() for v in (0, 1)]
    assert found.value == pytest.approx((1 - JUDGE.mean()) * rates[0] + JUDGE.mean() * rates[1])
    assert "means what it meant" in found.note


def test_either_shift_is_right_where_nothing_shifted():
    for shift in ("mix", "prevalence"):
        for target in ("batch", "process"):
            found = external(judge=np.tile(SAID, 3), shift=shift, target=target)
            assert found.value == pytest.approx(OTHER.mean())


def test_turning_the_scale_round_mirrors_the_interval():
    for shift in ("mix", "prevalence"):
        plain, turned = external(shift=shift), external(1 - JUDGE, 1 - SAID, 1 - OTHER, shift=shift)
        assert (plain.value, plain.low, plain.high) == pytest.approx(
            (1 - turned.value, 1 - turned.high, 1 - turned.low)
        )


def test_a_useless_judge_or_few_labels_have_no_estimate():
    useless = external(said=1 - OTHER, shift="prevalence")
    assert np.isnan(useless.value) and "does not tell outcomes apart" in useless.note
    few = external(said=SAID[:6], outcome=np.r_[0, np.ones(5)], shift="prevalence")
    assert np.isnan(few.value) and "1 of outcome 0" in few.note


def test_a_weak_judge_is_named_so():
    said = np.where(np.arange(300) % 10 < 3, 1 - OTHER, OTHER)
    assert (
        "very weak judge"
        in external(said=np.where(RNG.random(300) < 0.1, 0.0, said), shift="prevalence").note
    )


def test_failed_verdicts_are_left_out_of_error_rates_and_stay_a_cell_of_the_mix():
    judge = np.r_[JUDGE, [np.nan] * 100]
    found = external(judge, shift="prevalence")
    assert found.value == external(shift="prevalence").value and "100 of 1100 items" in found.note
    assert "merged" in external(judge, shift="mix").note


def test_groups_widen_and_may_be_too_few():
    group = np.arange(300) // 30
    for shift in ("mix", "prevalence"):
        # Whole groups fail together, so ten groups say little more than ten labels.
        outcome, said = np.repeat([0.0, 1.0] * 5, 30), np.repeat([0.0, 1.0] * 4 + [1.0, 0.0], 30)
        grouped, plain = (external(said=said, outcome=outcome, shift=shift, group=g) for g in (group, None))
        assert grouped.half_width > 1.5 * plain.half_width
        assert np.isnan(external(shift=shift, group=group // 3).value)


def ordinal(rng, shares, n):
    y = rng.choice(4, n, p=shares)
    return np.clip(y + rng.choice([-1, 0, 0, 0, 1], n), 0, 3) / 3, y / 3


def test_several_levels():
    rng = np.random.default_rng(2)
    said, outcome = ordinal(rng, [0.25] * 4, 800)
    judge, y = ordinal(rng, [0.1, 0.1, 0.2, 0.6], 2000)
    found = external(judge, said, outcome, shift="prevalence")
    assert found.method == "confusion inversion" and found.low < y.mean() < found.high
    assert abs(found.value - y.mean()) < abs(judge.mean() - y.mean())
    mixed = external(judge, said, outcome, shift="mix")
    assert mixed.method == "external mix" and mixed.low < mixed.value < mixed.high
    few = external(judge, said[:40], outcome[:40], shift="prevalence")
    assert np.isnan(few.value) == (np.bincount(np.round(outcome[:40] * 3).astype(int), minlength=4).min() < 5)
    never_used = external(judge, said[outcome > 0], outcome[outcome > 0], shift="prevalence")
    assert np.isnan(never_used.value) and "fewer than 5 labels" in never_used.note


def test_one_human_class_has_no_error_rates():
    three = np.r_[JUDGE, 0.5]
    for judge in (JUDGE, three):
        found = external(judge, SAID[OTHER == 1], OTHER[OTHER == 1], shift="prevalence")
        assert np.isnan(found.value) and "label" in found.note


def test_scores_and_shares_of_levels():
    rng = np.random.default_rng(3)
    outcome = (rng.random(400) < 0.5).astype(float)
    y = (rng.random(3000) < 0.8).astype(float)
    said, judge = (np.clip(0.3 + 0.4 * v + rng.normal(scale=0.15, size=v.size), 0, 1) for v in (outcome, y))
    found = external(judge, said, outcome, shift="prevalence")
    assert found.low < y.mean() < found.high
    too_many = external(judge, said, rng.random(400), shift="prevalence")
    assert np.isnan(too_many.value) and "at most 10 levels" in too_many.note


def test_levels_that_cannot_be_told_apart():
    said = RNG.integers(0, 3, 600) / 2
    outcome = np.repeat([0, 0.5, 1], 200)
    found = external(np.r_[JUDGE, 0.5], said * 0, outcome, shift="prevalence")
    assert np.isnan(found.value) and "cannot be inverted" in found.note


def test_missing_outcomes_of_the_other_batch():
    outcome = np.r_[np.full(30, np.nan), OTHER[30:]]
    found = external(outcome=outcome, shift="mix")
    assert np.isnan(found.value) and found.low < external(shift="mix").low
    assumed = external(outcome=outcome, shift="mix", assume="missing at random within judge level")
    assert assumed.n == 270 and assumed.defined


def test_empty_sides():
    assert external(said=[], outcome=[], shift="mix").note == "no labelled items"
    assert external(judge=[], shift="mix").note == "no items in the batch"
    assert external(judge=[np.nan] * 3, shift="prevalence").note == "no verdict in the batch"


def test_external_labels_of_unequal_length():
    with pytest.raises(ShapeError, match="300 judge values for 2 outcomes"):
        external(outcome=[1, 0], shift="mix")


@given(st.integers(2, 5), st.integers(0, 10_000))
@settings(max_examples=50)
def test_exact_shares_are_recovered(levels, seed):
    rng = np.random.default_rng(seed)
    confusion = 0.6 * np.eye(levels) + 0.4 * rng.dirichlet(np.ones(levels), levels).T
    true = rng.dirichlet(np.full(levels, 3.0))
    found = em_shares((confusion @ true)[None], confusion[None])[0]
    np.testing.assert_allclose(found, true, atol=2e-3)


def test_shares_stay_within_bounds_where_the_inverse_does_not():
    confusion = np.array([[0.9, 0.2], [0.1, 0.8]])
    found = em_shares(np.array([[0.99, 0.01]]), confusion[None])[0]
    np.testing.assert_allclose(found, [1, 0], atol=1e-3)


def test_lang_reiczigel_with_a_perfect_well_known_judge_is_an_adjusted_wald_interval():
    low, high = lang_reiczigel(0.3, 500, 1e12, 1e12, 1e12, 1e12, 1.96)
    centre = (150 + 1.96**2 / 2) / (500 + 1.96**2)
    half = 1.96 * np.sqrt(centre * (1 - centre) / (500 + 1.96**2))
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_rogan_gladen_value_may_be_left_unclipped():
    assert rogan_gladen_value(0.2, 0.8, 0.7, clip=False) == pytest.approx(-0.2)
    assert rogan_gladen_value(0.2, 0.8, 0.7) == 0
    assert np.isnan(rogan_gladen_value(0.2, 0.5, 0.5))


@pytest.mark.parametrize("shift", ["prevalence", "mix"])
def test_labels_drawn_by_verdict_count_for_what_they_stand_for(shift):
    """Rejections labelled six times as often as passes: as equals they would flatter the judge's TNR."""
    rng, held, naive = np.random.default_rng(8), 0, 0
    for _ in range(200):
        other = rng.random(4000) < 0.5
        judge = np.where(rng.random(4000) < 0.8, other, ~other)
        chance = np.where(judge, 0.02, 0.12)
        drawn = rng.random(4000) < chance
        y = rng.random(3000) < (0.75 if shift == "prevalence" else 0.5)
        said = np.where(rng.random(3000) < 0.8, y, ~y).astype(float)
        external = (judge[drawn].astype(float), other[drawn].astype(float))
        how = {"design": "external", "external": external, "shift": shift}
        found = corrected_mean(said, [], [], probability=chance[drawn], **how)
        held += found.low <= (0.75 if shift == "prevalence" else 0.5) <= found.high
        plain = corrected_mean(said, [], [], **how)
        naive += plain.low <= (0.75 if shift == "prevalence" else 0.5) <= plain.high
    assert held >= 182
    # Within a verdict all were drawn alike, so what a verdict means is the same with and without weights.
    assert naive < 140 if shift == "prevalence" else naive == held


def test_equal_probabilities_change_nothing():
    rng = np.random.default_rng(2)
    y = (rng.random(150) < 0.6).astype(float)
    external = (np.where(rng.random(150) < 0.8, y, 1 - y), y)
    judge = (rng.random(500) < 0.5).astype(float)
    for shift in ("mix", "prevalence"):
        how = {"design": "external", "external": external, "shift": shift}
        one, other = (
            corrected_mean(judge, [], [], **how),
            corrected_mean(judge, [], [], probability=np.full(150, 0.3), **how),
        )
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
