"""The figures of a calibration against scikit-learn, and against the formulas written out."""

import numpy as np
import pytest
from judged import LENGTH, SIDE, TONE, TOPIC, YES, binary, crossed, label, row, rubric_of
from scipy.special import stdtrit
from sklearn.metrics import accuracy_score, cohen_kappa_score

from judgekit.calibration import calibrate
from judgekit.calibration.in_memory import batch_from_rows
from judgekit.stats import icc, krippendorff_alpha
from judgekit.stats.difference import folds_of

EXACT = {"rel": 0, "abs": 1e-12}


def drawn(rubric, answers, n=80, total=240, right=0.7, seed=5):
    """A judge that gives people's answer most of the time, else any; labels of the first n items."""
    rng = np.random.default_rng(seed)
    name = rubric.criteria[0].name
    human = rng.choice(len(answers), total)
    judge = np.where(rng.random(total) < right, human, rng.choice(len(answers), total))
    rows = [row(rubric, f"i{n:03}", {name: answers[j]}) for n, j in enumerate(judge)]
    labels = [label(f"i{place:03}", name, answers[human[place]]) for place in range(n)]
    return rows, labels, judge, human[:n]


SCALES = {
    "binary": (rubric_of(YES), ("pass", "fail"), None),
    "categorical": (rubric_of(TOPIC), ("bill", "login", "other"), None),
    "pairwise": (rubric_of(SIDE, mode="pairwise"), ("a", "b", "tie"), None),
    "ordinal": (rubric_of(TONE), ("1", "2", "3"), "quadratic"),
}


@pytest.mark.parametrize("scale", SCALES)
def test_agreement_and_kappa_are_those_of_scikit_learn(scale):
    rubric, answers, weights = SCALES[scale]
    rows, labels, judge, human = drawn(rubric, answers)
    found = calibrate(rows, labels, rubric=rubric).overall
    assert found.agreement.value == pytest.approx(accuracy_score(human, judge[:80]), **EXACT)
    expected = cohen_kappa_score(human, judge[:80], weights=weights)
    assert found.coefficient.value == pytest.approx(expected, **EXACT)


def test_weights_follow_the_scores_of_the_levels_not_their_ranks():
    uneven = TONE | {"levels": [{"label": str(n), "score": s} for n, s in ((1, 0.0), (2, 0.9), (3, 1.0))]}
    rubric = rubric_of(uneven)
    rows, labels, judge, human = drawn(rubric, ("1", "2", "3"))
    found = calibrate(rows, labels, rubric=rubric).overall.coefficient.value
    score = np.array([0.0, 0.9, 1.0])
    apart = (score[:, None] - score) ** 2
    table = np.zeros((3, 3))
    np.add.at(table, (judge[:80], human), 1 / 80)
    chance = np.outer(table.sum(1), table.sum(0))
    assert found == pytest.approx(1 - (apart * table).sum() / (apart * chance).sum(), **EXACT)


def test_rates_are_counted_by_hand():
    rubric, rows, labels = binary(30, 10, 6, 14, rest=(20, 20))
    rates = calibrate(rows, labels, rubric=rubric).overall.rates
    assert (rates.tp, rates.fn, rates.fp, rates.tn) == (30, 10, 6, 14)
    assert (rates.tpr.value, rates.tnr.value) == (30 / 40, 14 / 20)
    assert (rates.ppv.value, rates.npv.value) == (30 / 36, 14 / 24)
    assert rates.youden_j.value == pytest.approx(0.75 + 0.7 - 1, **EXACT)
    z, p, n = 1.959963984540054, 0.75, 40
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert rates.tpr.low == pytest.approx((centre - half) / (1 + z**2 / n), **EXACT)


def test_a_corrected_pass_rate_is_post_stratified_by_verdict():
    rubric, rows, labels = binary(30, 10, 6, 14, rest=(100, 40))
    found = calibrate(rows, labels, rubric=rubric, design="random").overall.headline
    # verdict pass: 36 labels, 30 passed, 136 items; fail: 24 labels, 10 passed, 64 items
    assert found.corrected.value == pytest.approx(136 / 200 * 30 / 36 + 64 / 200 * 10 / 24, **EXACT)
    assert found.raw == 136 / 200
    assert found.human.value == 40 / 60


def test_failed_verdicts_and_abstentions_are_cells_of_their_own():
    rubric = rubric_of(YES, allow_abstain=True)
    cells = {("pass", "pass"): 20, ("fail", "fail"): 20, ("cannot_tell", "fail"): 10}
    rows, labels = crossed(rubric, cells, {"pass": 30, "fail": 10, "cannot_tell": 20})
    rows += [row(rubric, f"t{n}", "timeout") for n in range(40)]
    labels += [label(f"t{n}", "correct", "pass" if n < 4 else "fail") for n in range(8)]
    found = calibrate(rows, labels, rubric=rubric, design="random").overall.headline
    # 150 items: 50 pass (all right), 30 fail (all right), 30 abstained (none passes), 40 failed (half passes)
    assert found.corrected.value == pytest.approx(50 / 150 + 40 / 150 * 0.5, **EXACT)
    assert found.raw == 50 / 80


def test_an_ordinal_mean_is_the_cross_fitted_difference_estimate():
    rubric = rubric_of(TONE)
    rows, labels, judge, human = drawn(rubric, ("1", "2", "3"))
    found = calibrate(rows, labels, rubric=rubric, design="random", target="batch").overall.headline
    score = np.array([0.0, 0.5, 1.0])
    f, y = score[judge] - score[judge].mean(), score[human]
    folds = folds_of((y, f[:80]))
    slopes = [np.cov(y[folds != k], f[:80][folds != k])[0, 1] / np.var(f) for k in range(5)]
    e = y - np.clip(slopes, 0, 1)[folds] * f[:80]
    variance = (1 - 80 / 240) * (np.sum((e - e.mean()) ** 2) + 1 / 8) / (80 - 1.5) / 80
    half = stdtrit(78, 0.975) * np.sqrt(variance)
    expected = (e.mean(), e.mean() - half, e.mean() + half)
    assert (found.corrected.value, found.corrected.low, found.corrected.high) == pytest.approx(
        expected, abs=1e-9
    )
    assert found.human.value == pytest.approx(y.mean(), **EXACT)


def test_a_number_is_measured_by_icc_and_agreement_within_a_tenth():
    rubric = rubric_of(LENGTH)
    rng = np.random.default_rng(2)
    human = rng.uniform(1, 9, 50)
    judge = np.clip(human + rng.normal(0, 1.2, 50), 0, 10)
    rows = [row(rubric, f"i{n}", {"length": float(v)}) for n, v in enumerate(judge)]
    labels = [label(f"i{n}", "length", float(v)) for n, v in enumerate(human)]
    found = calibrate(rows, labels, rubric=rubric).overall
    order = np.argsort([f"i{n}" for n in range(50)])  # labelled items are taken in the order of their ids
    both = np.column_stack([human, judge])[order] / 10
    assert found.coefficient.value == pytest.approx(icc(both, form="ICC2"), abs=1e-9)
    assert found.agreement.value == pytest.approx(np.mean(np.abs(human - judge) <= 1), **EXACT)
    assert found.beside["bias"].value == pytest.approx(np.mean(judge - human) / 10, abs=1e-9)
    assert found.table == ()


def test_the_ceiling_is_alpha_over_the_raters():
    rubric, rows, labels = binary(20, 5, 5, 20, rest=(30, 20))
    flip = {"pass": "fail", "fail": "pass"}
    other = [
        one | {"rater": "bob", "label": one["label"] if n % 9 else flip[one["label"]]}
        for n, one in enumerate(labels)
    ]
    final = [one | {"rater": "adjudicated"} for one in labels]
    found = calibrate(rows, labels + other + final, rubric=rubric).overall.ceiling
    codes = np.array(
        [[a["label"] == "fail", b["label"] == "fail"] for a, b in zip(labels, other, strict=True)], int
    )
    assert found.alpha.value == pytest.approx(krippendorff_alpha(codes, levels=(0, 1)), **EXACT)
    assert found.raw.value == pytest.approx(np.mean(codes[:, 0] == codes[:, 1]), **EXACT)


def test_the_rate_of_the_process_is_less_certain_than_that_of_the_batch():
    rubric, rows, labels = binary(30, 10, 6, 14, rest=(30, 30))
    found = {
        t: calibrate(rows, labels, rubric=rubric, design="random", target=t) for t in ("process", "batch")
    }
    process, batch = (found[t].overall.headline for t in ("process", "batch"))
    assert process.corrected.value == batch.corrected.value
    assert process.corrected.half_width > batch.corrected.half_width
    assert process.human.half_width > batch.human.half_width
    assert found["batch"].overall.coefficient == found["process"].overall.coefficient


def test_a_batch_that_is_labelled_in_full_is_known_exactly():
    rubric, rows, labels = binary(30, 5, 10, 25)
    found = calibrate(rows, labels, rubric=rubric, design="random", target="batch").overall.headline
    for estimate in (found.human, found.corrected):
        assert (estimate.low, estimate.value, estimate.high) == (0.5, 0.5, 0.5)
    process = calibrate(rows, labels, rubric=rubric, design="random").overall.headline.corrected
    assert process.low < 0.5 < process.high


def test_skewed_answers_show_ac1_beside_kappa():
    rubric, rows, labels = binary(54, 2, 2, 2)
    assert "AC1" in calibrate(rows, labels, rubric=rubric).overall.beside
    rubric, rows, labels = binary(30, 2, 2, 26)
    assert "AC1" not in calibrate(rows, labels, rubric=rubric).overall.beside


def test_a_binary_verdict_is_carried_by_its_two_error_rates():
    """E5, Lang & Reiczigel (2014), with the smoothing of the specification written out again."""
    hits, positives, right, negatives, passed, total, z = 34, 40, 26, 40, 60, 100, 1.959963984540054
    p = (passed + z * z / 2) / (total + z * z)
    q1, q0 = (hits + 1) / (positives + 2), (right + 1) / (negatives + 2)
    v1, v0, youden = q1 * (1 - q1) / (positives + 2), q0 * (1 - q0) / (negatives + 2), q1 + q0 - 1
    at = (p + q0 - 1) / youden
    shift = 2 * z * z * (at * v1 - (1 - at) * v0)
    spread = p * (1 - p) / (total + z * z) + at**2 * v1 + (1 - at) ** 2 * v0
    half = z * spread**0.5 / youden
    rubric, rows, labels = binary(hits, positives - hits, negatives - right, right)
    card = calibrate(rows, labels, rubric=rubric, design="random")
    _, after, _ = binary(0, 0, 0, 0, rest=(passed, total - passed))
    found = card.correct(batch_from_rows(after, rubric), shift="prevalence").quantities[0]
    estimate = found.estimates["prevalence"]
    tpr, tnr = hits / positives, right / negatives
    assert estimate.value == pytest.approx((passed / total + tnr - 1) / (tpr + tnr - 1))
    limits = (max(at + shift - half, 0), min(at + shift + half, 1))
    assert (estimate.low, estimate.high) == pytest.approx(limits, abs=1e-9)


def test_a_judge_worse_than_chance_gives_no_rate_of_another_batch():
    rubric, rows, labels = binary(10, 20, 20, 10)
    card = calibrate(rows, labels, rubric=rubric, design="random")
    _, after, _ = binary(0, 0, 0, 0, rest=(50, 50))
    found = card.correct(batch_from_rows(after, rubric), shift="prevalence").quantities[0]
    assert np.isnan(found.estimates["prevalence"].value)
    assert found.estimates["prevalence"].note


def test_what_nobody_could_tell_is_no_outcome_of_the_item():
    """Without the heavy criterion the light one would decide; the item is open instead."""
    heavy, light = YES | {"name": "heavy", "weight": 9}, YES | {"name": "light", "weight": 1}
    rubric = rubric_of(heavy, light, threshold=0.6, allow_abstain=True)
    rows = [row(rubric, f"i{n}", {"heavy": "pass", "light": "pass"}) for n in range(60)]
    labels = [label(f"i{n}", "heavy", "cannot_tell" if n < 20 else "fail") for n in range(40)]
    labels += [label(f"i{n}", "light", "pass") for n in range(40)]
    whole = calibrate(rows, labels, rubric=rubric, design="random").overall
    assert (whole.counts.settled, whole.counts.cannot_tell) == (20, 20)
    assert np.isnan(whole.headline.human.value)


def test_trust_asks_that_no_share_is_off():
    """The first level is right and the other two are exchanged by a tenth: raw shares may not be used."""
    shares = {
        ("bill", "bill"): 400,
        ("login", "login"): 300,
        ("other", "other"): 200,
        ("other", "login"): 100,
    }
    rubric = rubric_of(TOPIC)
    rows, labels = crossed(rubric, shares)
    both = [one | {"rater": rater} for one in labels for rater in ("ann", "ben")]
    assert calibrate(rows, both, rubric=rubric, design="random").decision.verb == "correct"
