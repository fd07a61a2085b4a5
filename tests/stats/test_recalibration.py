"""What a verdict means: fitted probabilities against scikit-learn, and their error against a known truth."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from judgekit.errors import ShapeError
from judgekit.stats.calibration_error import (
    brier_score,
    debiased_calibration_error,
    equal_mass_bins,
    expected_calibration_error,
)
from judgekit.stats.recalibration import Recalibration, recalibrate


def scores(n, seed=0):
    """Scores of a judge that is overconfident, and outcomes with a known probability."""
    rng = np.random.default_rng(seed)
    judge = rng.beta(1.2, 1.2, n)
    truth = 0.15 + 0.7 * judge**2
    return judge, (rng.random(n) < truth).astype(float), truth


def test_known_good_values(shared):
    cases = json.loads((shared / "oracles" / "agreement.json").read_text())["cases"]
    seen = set()
    for case in cases:
        p, y = case["data"].get("p"), case["data"].get("y")
        if case["quantity"] == "brier_score":
            found = brier_score(p, y)
        elif case["quantity"] == "ece":
            found = expected_calibration_error(p, y, bins=case["params"]["bins"])
        else:
            continue
        seen.add(case["id"])
        expected = np.nan if case["expected"] is None else case["expected"]
        assert found == pytest.approx(expected, abs=case["tolerance"] or 1e-9, nan_ok=True), case["id"]
    assert len(seen) >= 6


def test_a_level_is_drawn_towards_the_base_rate():
    # 40 items: level 1 has 18 of 20, level 0 has 6 of 20, level 2 nobody gave.
    judge, human = [1] * 20 + [0] * 20, [1] * 18 + [0] * 2 + [1] * 6 + [0] * 14
    found = recalibrate(judge, human, levels=3)
    assert found([0, 1, 2, -1]) == pytest.approx([(6 + 1.2) / 22, (18 + 1.2) / 22, 0.6, np.nan], nan_ok=True)
    assert found.offered and found.brier < found.brier_constant


def test_a_rare_level_speaks_with_the_labels_it_has():
    # Half the labels come from a level that is 5 % of the batch; weights must not make 30 labels two.
    judge, human = np.repeat([0, 1], 30), np.r_[np.ones(28), 0, 0, np.zeros(27), 1, 1, 1]
    probability = np.repeat([30 / 950, 30 / 50], 30)
    base = 0.95 * 28 / 30 + 0.05 * 3 / 30
    found = recalibrate(judge, human, levels=2, probability=probability)
    assert found.base_rate == pytest.approx(base)
    assert found([0, 1]) == pytest.approx([(28 + 2 * base) / 32, (3 + 2 * base) / 32])


def test_platt_is_logistic_regression_on_platts_targets():
    judge, human, _ = scores(120)
    found = recalibrate(judge, human)
    assert found.kind == "platt"
    ones, zeros = human.sum(), (1 - human).sum()
    high, low = (ones + 1) / (ones + 2), 1 / (zeros + 2)
    target = np.where(human == 1, high, low)
    # a target between 0 and 1 is both classes, each with its weight
    both = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(
        np.r_[judge, judge][:, None], np.repeat([1, 0], 120), sample_weight=np.r_[target, 1 - target]
    )
    grid = np.linspace(0, 1, 7)
    assert found(grid) == pytest.approx(both.predict_proba(grid[:, None])[:, 1], abs=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_isotonic_is_that_of_scikit_learn(turned):
    judge, human, _ = scores(400, 1)
    judge = np.round(1 - judge if turned else judge, 2)  # ties
    weight = np.random.default_rng(2).uniform(0.2, 1, 400)
    found = recalibrate(judge, human, probability=weight)
    assert found.kind == "isotonic"
    other = IsotonicRegression(
        y_min=1 / 402, y_max=401 / 402, increasing=not turned, out_of_bounds="clip"
    ).fit(judge, human, sample_weight=1 / weight)
    grid = np.linspace(0, 1, 101)
    assert found(grid) == pytest.approx(other.predict(grid), abs=1e-12)
    assert len(found.knots) < np.unique(judge).size  # flat pieces keep their ends only


@pytest.mark.parametrize(
    ("n", "rare", "kind"), [(199, 50, "platt"), (200, 29, "platt"), (200, 30, "isotonic")]
)
def test_which_curve(n, rare, kind):
    judge = np.linspace(0, 1, n)
    assert recalibrate(judge, np.arange(n) >= n - rare).kind == kind


def test_a_judge_that_guesses_is_not_offered():
    rng = np.random.default_rng(3)
    refused = [recalibrate(rng.random(60), rng.random(60) < 0.5) for _ in range(20)]
    assert sum(not one.offered for one in refused) >= 14
    worst = max(refused, key=lambda one: one.brier - one.brier_constant)
    assert "worse than the base rate" in worst.note and worst.brier > worst.brier_constant


@pytest.mark.parametrize(
    ("judge", "human", "group", "note"),
    [
        ([1] * 7 + [0] * 7, [1] * 7 + [0] * 7, None, "too few labels (14, of 15)"),
        ([1] * 20, [1] * 20, None, "people passed all of the 20"),
        ([1, 0] * 10, [0] * 20, None, "people failed all of the 20"),
        ([1, 0] * 10, [1, 0] * 10, [0, 1, 2, 3] * 5, "too few groups (4, of 5)"),
        ([], [], None, "too few labels (0"),
        ([-1] * 20, [1, 0] * 10, None, "too few labels (0"),
    ],
)
def test_too_little_to_go_by(judge, human, group, note):
    found = recalibrate(np.array(judge, int), human, levels=2, group=group)
    assert not found.offered and note in found.note
    assert np.isnan(found.brier) and not found.calibration_error.defined


def test_a_constant_judge_gives_the_base_rate():
    found = recalibrate(np.ones(50, int), [1] * 30 + [0] * 20, levels=2)
    assert found([1]) == pytest.approx([0.6])
    assert not found.calibration_error.defined and "fewer than two bins" in found.calibration_error.note
    flat = recalibrate(np.full(50, 0.7), [1] * 30 + [0] * 20)
    assert flat([0.0, 0.7, 1.0]) == pytest.approx([flat([0.7])[0]] * 3)


@given(seed=st.integers(0, 50), grouped=st.booleans())
def test_the_order_of_rows_changes_nothing(seed, grouped):
    judge, human, _ = scores(40, seed)
    judge, group = np.round(judge, 1), np.arange(40) // 3
    order = np.random.default_rng(seed).permutation(40)
    first = recalibrate(judge, human, group=group if grouped else None)
    again = recalibrate(judge[order], human[order], group=group[order] if grouped else None)
    assert first.offered == again.offered
    for name in ("brier", "brier_constant"):
        assert getattr(first, name) == pytest.approx(getattr(again, name), nan_ok=True)
    assert first.calibration_error.value == pytest.approx(
        again.calibration_error.value, abs=1e-9, nan_ok=True
    )


def test_missing_answers_are_left_out():
    judge, human, _ = scores(100)
    gaps = recalibrate(np.r_[judge, np.nan, 0.5], np.r_[human, 1, np.nan])
    assert gaps.to_dict() == recalibrate(judge, human).to_dict()
    assert np.isnan(gaps([np.nan])[0])


@pytest.mark.parametrize(("n", "levels"), [(30, 2), (120, None), (300, None)])
def test_round_trip(n, levels):
    judge, human, _ = scores(n)
    judge = (judge > 0.5).astype(int) if levels else judge
    found = recalibrate(judge, human, levels=levels)
    again = Recalibration.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again.to_dict() == found.to_dict()
    assert np.array_equal(again(judge), found(judge))


def test_the_error_out_of_fold_is_that_of_the_map():
    """Two levels, 60 labels: the map is off by some 0.08, and the estimate must not call that nothing."""
    rng, true, said = np.random.default_rng(4), [], []
    for _ in range(60):
        judge = rng.integers(2, size=60)
        truth = np.array([0.3, 0.85])[judge]
        found = recalibrate(judge, (rng.random(60) < truth), levels=2)
        true.append(np.mean((found(judge) - truth) ** 2))
        said.append(found.calibration_error.value**2)
    assert np.sqrt(np.nanmean(said)) == pytest.approx(np.sqrt(np.mean(true)), rel=0.35)


def test_debiased_error_of_stated_probabilities():
    rng = np.random.default_rng(5)
    p = rng.random(4000)
    good = debiased_calibration_error(p, rng.random(4000) < p)
    off = debiased_calibration_error(p, rng.random(4000) < np.clip(p + 0.1, 0, 1))
    assert good.low == 0 and good.value < 0.02
    assert off.low < 0.1 < off.high and off.low > 0.07
    # (j) by hand, on two bins
    p, y = np.repeat([0.2, 0.7], 20), np.r_[np.ones(8), np.zeros(12), np.ones(10), np.zeros(10)]
    by_hand = 0.5 * (0.2**2 - 0.24 / 19) + 0.5 * (0.2**2 - 0.25 / 19)
    assert debiased_calibration_error(p, y).value == pytest.approx(np.sqrt(by_hand))
    assert np.isnan(debiased_calibration_error(p[:39], y[:39]).value)


@given(st.lists(st.integers(0, 12), max_size=300))
def test_bins_are_large_and_keep_equal_values_together(values):
    bins = equal_mass_bins(np.array(values, float))
    counts = np.bincount(bins)
    assert len(counts) <= 10 and (len(counts) < 2 or counts.min() >= 20)
    assert all(len(set(bins[np.array(values) == v])) == 1 for v in set(values))


def test_groups_stay_in_one_fold_and_widen():
    judge, human, _ = scores(60, 6)
    once = recalibrate(judge, human)
    # each label five times over is no more evidence than once
    many = recalibrate(np.repeat(judge, 5), np.repeat(human, 5), group=np.repeat(np.arange(60), 5))
    alone = recalibrate(np.repeat(judge, 5), np.repeat(human, 5))
    assert many.brier == pytest.approx(once.brier, abs=0.02)
    assert alone.brier < many.brier
    widths = [one.bins[0].high - one.bins[0].low for one in (many, alone)]
    assert widths[0] > widths[1]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0.5], [0.5]), {}, "must be 0 or 1"),
        (([0.5, 1.5], [1, 0]), {}, "outside 0..1"),
        (([0.5], [1, 0]), {}, "1 values and human 2"),
        (([0, 3], [1, 0]), {"levels": 3}, "outside -1..2"),
        (([0.5], [1]), {"levels": 3}, "integer codes"),
        (([0.5], [1]), {"probability": [0.0]}, "probability"),
    ],
)
def test_what_does_not_fit(arguments, options, message):
    with pytest.raises(ShapeError, match=message):
        recalibrate(*arguments, **options)


def test_plain_scores_refuse_gaps():
    with pytest.raises(ShapeError, match=r"p\[1\] is missing"):
        brier_score([0.5, np.nan], [1, 0])
    with pytest.raises(ShapeError, match="bins must be at least 1"):
        expected_calibration_error([0.5], [1], bins=0)
