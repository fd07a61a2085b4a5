"""Agreement coefficients: other implementations, properties, undefined cases."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from judgekit.errors import ShapeError
from judgekit.stats import (
    binary_rates,
    cohen_kappa,
    confusion_table,
    fleiss_kappa,
    gwet_ac,
    icc,
    interval_alpha,
    kendall_tau_b,
    krippendorff_alpha,
    lin_ccc,
    matthews_corrcoef,
    percent_agreement,
    scott_pi,
    spearman,
)


def pair(statistic, **options):
    return lambda ratings: statistic(ratings[:, 0], ratings[:, 1], **options)


LEVELS = range(4)
NOMINAL = {
    "percent agreement": pair(percent_agreement),
    "kappa": pair(cohen_kappa, levels=LEVELS),
    "pi": pair(scott_pi, levels=LEVELS),
    "mcc": pair(matthews_corrcoef),
    "fleiss": lambda ratings: fleiss_kappa(ratings, LEVELS),
    "alpha": lambda ratings: krippendorff_alpha(ratings, "nominal", LEVELS),
    "ac1": lambda ratings: gwet_ac(ratings, None, LEVELS),
}
ORDERED = {
    "linear kappa": pair(cohen_kappa, weights="linear", levels=LEVELS),
    "quadratic kappa": pair(cohen_kappa, weights="quadratic", levels=LEVELS),
    "ordinal alpha": lambda ratings: krippendorff_alpha(ratings, "ordinal", LEVELS),
    "interval alpha": lambda ratings: krippendorff_alpha(ratings, "interval", LEVELS),
    "ac2": lambda ratings: gwet_ac(ratings, "quadratic", LEVELS),
}
MEASURED = {
    "icc": icc,
    "ccc": pair(lin_ccc),
    "spearman": pair(spearman),
    "tau": pair(kendall_tau_b),
    "alpha of scores": interval_alpha,
}
CODED = NOMINAL | ORDERED
two_raters = arrays(np.int64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.integers(0, 3))
some_missing = arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-1, 3))


def same(a, b):
    return np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappa_equals_scikit_learn(weights):
    rng = np.random.default_rng(3)
    for _ in range(50):
        a, b = rng.integers(0, 5, (2, int(rng.integers(5, 300))))
        theirs = metrics.cohen_kappa_score(a, b, weights=weights, labels=range(5))
        assert cohen_kappa(a, b, weights, range(5)) == pytest.approx(theirs, abs=1e-12)


def test_mcc_agreement_and_table_equal_scikit_learn():
    rng = np.random.default_rng(4)
    for _ in range(50):
        a, b = rng.integers(0, 4, (2, 80))
        assert matthews_corrcoef(a, b) == pytest.approx(metrics.matthews_corrcoef(a, b), abs=1e-12)
        assert percent_agreement(a, b) == pytest.approx(metrics.accuracy_score(a, b), abs=1e-12)
        assert (confusion_table(a, b, range(4)) == metrics.confusion_matrix(a, b, labels=range(4))).all()


def test_rates_equal_scikit_learn():
    rng = np.random.default_rng(5)
    human, judge = rng.integers(0, 2, (2, 200))
    found = binary_rates(human, judge)
    assert found.tpr.value == pytest.approx(metrics.recall_score(human, judge), abs=1e-12)
    assert found.tnr.value == pytest.approx(metrics.recall_score(human, judge, pos_label=0), abs=1e-12)
    assert found.ppv.value == pytest.approx(metrics.precision_score(human, judge), abs=1e-12)
    balanced = metrics.balanced_accuracy_score(human, judge, adjusted=True)
    assert found.youden_j.value == pytest.approx(balanced, abs=1e-12)


@given(two_raters)
def test_swapping_two_raters_changes_nothing(ratings):
    for statistic in (CODED | MEASURED).values():
        same(statistic(ratings[:, ::-1]), statistic(ratings))


@given(some_missing, st.permutations(range(4)))
def test_renaming_levels_changes_no_nominal_statistic(ratings, names):
    renamed = np.append(names, -1)[ratings]
    for statistic in NOMINAL.values():
        same(statistic(renamed), statistic(ratings))


@given(some_missing)
def test_turning_the_scale_round_changes_no_ordered_statistic(ratings):
    turned = np.where(ratings < 0, -1, 3 - ratings)
    for statistic in ORDERED.values():
        same(statistic(turned), statistic(ratings))


@given(some_missing)
def test_items_without_labels_and_the_order_of_items_change_nothing(ratings):
    longer = np.concatenate([ratings[::-1], [[-1, -1]]])
    for statistic in CODED.values():
        same(statistic(longer), statistic(ratings))
    scores = np.where(ratings < 0, np.nan, ratings)
    for statistic in MEASURED.values():
        same(statistic(np.concatenate([scores[::-1], [[np.nan, np.nan]]])), statistic(scores))


@given(two_raters)
def test_every_item_twice_gives_the_same_value(ratings):
    # alpha and the ICC correct for the number of items, so they are not among these
    for name, statistic in (CODED | MEASURED).items():
        if "alpha" not in name and name != "icc":
            same(statistic(np.concatenate([ratings, ratings])), statistic(ratings))


@given(two_raters)
def test_perfect_agreement_is_one_or_undefined(ratings):
    agreeing = np.column_stack([ratings[:, 0], ratings[:, 0]])
    constant = len(np.unique(ratings[:, 0])) == 1
    for name, statistic in CODED.items():
        value = statistic(agreeing)
        always = name in ("percent agreement", "ac1", "ac2")
        assert value == pytest.approx(1) if always or not constant else np.isnan(value)


@given(two_raters)
def test_a_constant_judge_is_no_better_than_chance(ratings):
    ratings[:, 1] = 2
    assume((ratings[:, 0] != 2).any())
    same(cohen_kappa(ratings[:, 0], ratings[:, 1]), 0)
    assert np.isnan(matthews_corrcoef(ratings[:, 0], ratings[:, 1]))
    assert np.isnan(spearman(ratings[:, 0], ratings[:, 1]))
    assert np.isnan(kendall_tau_b(ratings[:, 0], ratings[:, 1]))


def test_a_constant_binary_judge_has_a_j_of_zero():
    found = binary_rates([0, 0, 1, 1, 1], [1, 1, 1, 1, 1])
    assert found.youden_j.value == 0
    assert np.isnan(found.npv.value) and found.npv.note == "the judge's 0 is never given"


def test_one_human_class_leaves_the_other_rate_and_j_undefined():
    found = binary_rates([1, 1, 1], [1, 0, 1])
    assert np.isnan(found.tnr.value) and np.isnan(found.youden_j.value)
    assert found.tnr.note == found.youden_j.note == "the human's 0 is never given"
    assert found.to_dict()["tnr"]["value"] is None


@pytest.mark.parametrize("name", CODED)
def test_without_items_nothing_is_defined(name):
    assert np.isnan(CODED[name](np.empty((0, 2), int)))
    assert np.isnan(CODED[name](np.full((3, 2), -1)))


@pytest.mark.parametrize("name", MEASURED)
def test_without_scores_nothing_is_defined(name):
    assert np.isnan(MEASURED[name](np.empty((0, 2))))
    assert np.isnan(MEASURED[name](np.full((3, 2), np.nan)))
    assert np.isnan(MEASURED[name](np.full((4, 2), 0.1)))


def test_plain_lists_and_empty_lists_are_taken():
    assert fleiss_kappa([[0, 0], [1, 1]]) == 1
    assert np.isnan(krippendorff_alpha([]))
    assert np.isnan(percent_agreement([], []))


def test_complete_fleiss_of_two_raters_is_scotts_pi():
    ratings = np.random.default_rng(6).integers(0, 3, (40, 2))
    assert fleiss_kappa(ratings) == pytest.approx(scott_pi(ratings[:, 0], ratings[:, 1]), abs=1e-12)


def test_unused_levels_matter_where_they_should():
    a, b = [0, 0, 1, 1, 1], [0, 1, 1, 1, 0]
    assert gwet_ac(np.column_stack([a, b])) != gwet_ac(np.column_stack([a, b]), levels="abc")
    spaced = cohen_kappa([0, 1, 2, 2], [0, 2, 2, 1], "linear", [1, 2, 10])
    assert spaced != pytest.approx(cohen_kappa([0, 1, 2, 2], [0, 2, 2, 1], "linear"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cohen_kappa([0, 1], [0]), "one label per item"),
        (lambda: cohen_kappa([0, 2], [0, 1], levels=["no", "yes"]), "code 2 is not on the scale"),
        (lambda: cohen_kappa([0, -2], [0, 1]), "code -2 is not on the scale"),
        (lambda: cohen_kappa([0.5, 1], [0, 1]), "integer codes"),
        (lambda: cohen_kappa([0, 1], [0, 1], weights="cubic"), "weights 'cubic'"),
        (lambda: cohen_kappa([0, 1], [0, 1], "linear", levels=[1, 1]), "finite and differ"),
        (lambda: krippendorff_alpha([[0, 1]], "circular"), "level 'circular'"),
        (lambda: krippendorff_alpha([0, 1]), "shape"),
        (lambda: fleiss_kappa([[0, 1]], levels=[]), "at least one level"),
        (lambda: icc([[1, 2], [2, 3]], "ICC4"), "form 'ICC4'"),
        (lambda: icc([1.0, 2.0]), "shape"),
        (lambda: lin_ccc([1.0, np.inf], [1.0, 2.0]), "finite"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
