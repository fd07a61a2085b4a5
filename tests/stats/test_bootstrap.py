"""Intervals of agreement: coverage, width, groups, strata, weights, what is undefined."""

import numpy as np
import pytest
from scipy.special import stdtrit

from judgekit.errors import ShapeError
from judgekit.stats import (
    bias,
    binary_rates,
    bootstrap,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac,
    icc,
    interval_alpha,
    kendall_tau_b,
    krippendorff_alpha,
    lin_ccc,
    matthews_corrcoef,
    mcnemar_p,
    paired_mean,
    proportion,
    scott_pi,
    spearman,
)
from judgekit.stats.coefficients import COEFFICIENTS


def labels(n, seed=0, rate=0.8, levels=3):
    rng = np.random.default_rng(seed)
    human = rng.integers(0, levels, n)
    return np.column_stack([human, np.where(rng.random(n) < rate, human, rng.integers(0, levels, n))])


def scores(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return np.column_stack([x, 0.2 + x + rng.normal(size=n) / 2])


def pair(statistic, **options):
    return lambda ratings: statistic(ratings[:, 0], ratings[:, 1], **options)


NAMED = {
    "cohen_kappa": (labels, pair(cohen_kappa, levels=range(3)), {"levels": range(3)}),
    "scott_pi": (labels, pair(scott_pi), {}),
    "matthews_corrcoef": (labels, pair(matthews_corrcoef), {}),
    "fleiss_kappa": (labels, fleiss_kappa, {}),
    "gwet_ac": (labels, lambda r: gwet_ac(r, "linear"), {"weights": "linear"}),
    "krippendorff_alpha": (labels, lambda r: krippendorff_alpha(r, "ordinal"), {"level": "ordinal"}),
    "interval_alpha": (scores, interval_alpha, {}),
    "icc": (scores, lambda r: icc(r, "ICC3"), {"form": "ICC3"}),
    "lin_ccc": (scores, pair(lin_ccc), {}),
    "spearman": (scores, pair(spearman), {}),
    "kendall_tau_b": (scores, pair(kendall_tau_b), {}),
}


def test_every_named_statistic_is_tested():
    assert NAMED.keys() == COEFFICIENTS.keys()


@pytest.mark.parametrize("name", NAMED)
def test_value_is_the_statistic_and_limits_hold_it(name):
    make, statistic, options = NAMED[name]
    found = bootstrap(name, make(80), draws=300, **options)
    assert found.value == pytest.approx(statistic(make(80)), abs=1e-12)
    assert -1 <= found.low < found.value < found.high <= 1
    assert (found.n, found.note) == (80, "")


@pytest.mark.parametrize("name", sorted(NAMED.keys() - {"kendall_tau_b"}))
def test_whole_tables_items_and_functions_give_the_same_interval(name):
    make, statistic, options = NAMED[name]
    plain = bootstrap(name, make(120), **options)
    weighted = bootstrap(name, make(120), item_weight=np.full(120, 7.0), **options)
    own = bootstrap(statistic, make(120), draws=500)
    for other in (weighted, own):
        assert other.value == pytest.approx(plain.value, abs=1e-12)
        assert [other.low, other.high] == pytest.approx([plain.low, plain.high], abs=0.04)


def test_same_seed_same_limits_and_confidence_widens():
    ratings = labels(60)
    first, again = (bootstrap("cohen_kappa", ratings, seed=5) for _ in range(2))
    other, wider = (
        bootstrap("cohen_kappa", ratings, seed=6),
        bootstrap("cohen_kappa", ratings, confidence=0.99),
    )
    assert first == again != other
    assert wider.low < first.low and wider.high > first.high


def test_table_bootstrap_follows_the_formula():
    ratings, n = labels(50, levels=2), 50
    counts = np.array([[np.sum((ratings == [k, m]).all(axis=1)) for m in (0, 1)] for k in (0, 1)])
    smooth = (counts + 1 / 4) / (n + 1)

    def kappa(p):
        chance = (p.sum(-1) * p.sum(-2)).sum(-1)
        return (np.trace(p, axis1=-2, axis2=-1) - chance) / (1 - chance)

    tables = np.random.default_rng(9).multinomial(n, smooth.ravel(), 20_000).reshape(-1, 2, 2) / n
    half = stdtrit(n - 1, 0.975) * kappa(tables).std() / (1 - kappa(smooth) ** 2)
    expected = np.tanh(np.arctanh(kappa(counts / n)) + np.array([-half, half]))
    found = bootstrap("cohen_kappa", ratings, draws=20_000)
    assert [found.low, found.high] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("n", [50, 200])
def test_kappa_interval_covers(n):
    rng = np.random.default_rng(n)
    cells = np.array([0.3, 0.1, 0.1, 0.5])  # human 0/1 by judge 0/1
    truth = (0.8 - 0.52) / (1 - 0.52)
    covered, runs = 0, 600
    for run in range(runs):
        cell = rng.choice(4, size=n, p=cells)
        found = bootstrap("cohen_kappa", np.column_stack([cell // 2, cell % 2]), seed=run, draws=500)
        covered += found.low <= truth <= found.high
    error = 3 * np.sqrt(0.05 * 0.95 / runs)
    assert 0.94 - error <= covered / runs <= 0.98 + error


def test_groups_that_depend_get_covering_limits():
    rng, covered, naive, runs = np.random.default_rng(2), 0, 0, 250
    for run in range(runs):
        group = np.repeat(np.arange(25), 8)
        quality = rng.choice([0.6, 1.0], size=25)[group]  # the judge knows some groups and not others
        human = rng.integers(0, 2, 200)
        ratings = np.column_stack([human, np.where(rng.random(200) < quality, human, 1 - human)])
        found = bootstrap("cohen_kappa", ratings, group=group, seed=run, draws=300)
        covered += found.low <= 0.6 <= found.high
        ignoring = bootstrap("cohen_kappa", ratings, seed=run, draws=300)
        naive += ignoring.low <= 0.6 <= ignoring.high
    assert covered / runs >= 0.91 > 0.89 > naive / runs


def test_weights_undo_a_sample_taken_by_verdict():
    rng = np.random.default_rng(8)
    human = rng.integers(0, 2, 20_000)
    judge = np.where(rng.random(20_000) < 0.8, human, 1 - human)
    chosen = np.concatenate([np.flatnonzero(judge == 0)[:1900], np.flatnonzero(judge == 1)[:100]])
    weight = np.where(judge == 0, (judge == 0).sum() / 1900, (judge == 1).sum() / 100)[chosen]
    ratings = np.column_stack([human, judge])[chosen]
    found = bootstrap("cohen_kappa", ratings, item_weight=weight, stratum=judge[chosen])
    assert found.value == pytest.approx(0.6, abs=0.05)
    assert found.low < 0.6 < found.high
    raw = binary_rates(*ratings.T)
    corrected = binary_rates(*ratings.T, item_weight=weight, stratum=judge[chosen])
    assert corrected.tnr.value == pytest.approx(0.8, abs=0.05) and raw.tnr.value > 0.95


def test_a_perfect_judge_keeps_a_width():
    agreeing = labels(50, rate=1.0)
    for options in (
        {},
        {"item_weight": np.ones(50)},
        {"group": np.arange(50) // 2},
        {"stratum": agreeing[:, 0]},
    ):
        found = bootstrap("cohen_kappa", agreeing, **options)
        assert (found.value, found.high) == (1, 1)
        assert 0.5 < found.low < 0.95
    x = scores(50)[:, 0]
    for name in ("icc", "lin_ccc", "spearman", "kendall_tau_b", "interval_alpha"):
        assert 0.2 < bootstrap(name, np.column_stack([x, x]), draws=500).low < 0.99


def test_an_item_without_labels_changes_nothing():
    ratings, weight = labels(60), np.linspace(1, 2, 60)
    longer = np.concatenate([ratings, [[-1, -1], [-1, -1]]])
    for name in ("cohen_kappa", "krippendorff_alpha", "gwet_ac"):
        assert bootstrap(name, longer) == bootstrap(name, ratings)
        heavy = bootstrap(name, longer, item_weight=np.append(weight, [90, 1]))
        light = bootstrap(name, ratings, item_weight=weight)
        assert [heavy.low, heavy.high] == pytest.approx([light.low, light.high], abs=1e-9)


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (bootstrap("cohen_kappa", []), "no item has two labels"),
        (bootstrap("krippendorff_alpha", [[0, -1], [-1, 1]]), "no item has two labels"),
        (bootstrap("cohen_kappa", [[1, 1]] * 50), "only one level was used, so chance agreement is complete"),
        (bootstrap("matthews_corrcoef", [[0, 1], [1, 1]] * 25), "a rater gave every item the same value"),
        (bootstrap("gwet_ac", [[0, 0]] * 50), "the scale has one level"),
        (bootstrap("icc", [[2.0, 2.0]] * 50), "all values are equal, so there is no variance"),
        (bootstrap("spearman", [[2.0, 2.0]] * 50), "a rater gave every item the same value"),
        (bootstrap(lambda rows: np.nan, [[0, 1]] * 50), "the function returned nan"),
    ],
)
def test_undefined_is_nan_with_its_reason(found, note):
    assert not found.defined and np.isnan(found.low)
    assert found.note == note


def test_below_thirty_items_there_is_a_value_without_limits():
    found = bootstrap("cohen_kappa", labels(29))
    assert found.defined and np.isnan(found.low)
    assert found.note == "fewer than 30 items: no interval"


def test_few_groups_are_said_and_fewer_get_no_limits():
    ratings = labels(60)
    nine, four = (bootstrap("cohen_kappa", ratings, group=np.arange(60) % g) for g in (9, 4))
    assert nine.note == "few groups: 9" and nine.low < nine.high
    assert four.note == "few groups: 4; no interval" and np.isnan(four.low)
    assert np.isnan(proportion(ratings[:, 0] == 1, group=np.arange(60) % 4).low)
    assert np.isnan(bias(*ratings.T, group=np.arange(60) % 4).low)


def test_undefined_draws_are_counted():
    ratings = np.zeros((40, 2), int)
    ratings[0, 0] = 1  # most tables still hold the single 1, many do not
    found = bootstrap("matthews_corrcoef", ratings)
    assert not found.defined
    ratings[0, 1] = 1
    found = bootstrap("matthews_corrcoef", ratings)
    assert "of the draws were undefined" in found.note and found.low < found.high
    half = bootstrap(lambda rows: np.nan if rows[:, 0].sum() != 20 else 0.5, [[0, 0], [1, 1]] * 20)
    assert "of the draws were undefined: no interval" in half.note and np.isnan(half.low)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap("kapa", labels(40)), "statistic 'kapa' is not known"),
        (lambda: bootstrap("cohen_kappa", np.zeros((40, 3), int)), "compares two raters, got 3"),
        (lambda: bootstrap("spearman", np.zeros((40, 3))), "compares two raters, got 3"),
        (lambda: bootstrap("cohen_kappa", labels(40), confidence=95), "confidence is 95"),
        (lambda: bootstrap("cohen_kappa", labels(40), item_weight=[1, 2]), "item_weight has shape"),
        (lambda: bootstrap("cohen_kappa", labels(40), item_weight=np.zeros(40)), "positive"),
        (lambda: bootstrap("cohen_kappa", labels(40), group=[1]), "group has shape"),
        (lambda: bootstrap(fleiss_kappa, labels(40), item_weight=np.ones(40)), "takes no item_weight"),
        (lambda: bootstrap(fleiss_kappa, [0, 1]), "shape"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_proportion_is_wilsons_and_groups_widen_it():
    hits = np.array([1.0] * 81 + [0.0] * 182 + [np.nan] * 5)
    found = proportion(hits)
    assert [found.low, found.high] == pytest.approx([0.2552885198782742, 0.36620957698280004], abs=1e-9)
    assert found.n == 263
    blocks = proportion(np.repeat([0.0, 1.0], 60), group=np.arange(120) // 10)
    assert blocks.high - blocks.low > 2 * (proportion(np.repeat([0.0, 1.0], 60)).half_width * 2)
    with pytest.raises(ShapeError, match="outside"):
        proportion([0, 2])


def test_rates_of_a_sample_stratified_by_verdict_cover():
    # few items of one class lie in the other verdict's stratum, and weigh much there
    rng, covered, runs = np.random.default_rng(1), np.zeros(2), 300
    for _ in range(runs):
        human = (rng.random(2000) < 0.1).astype(int)
        judge = np.where(rng.random(2000) < np.where(human == 1, 0.9, 0.95), human, 1 - human)
        drawn = np.concatenate([rng.choice(np.flatnonzero(judge == k), 50, replace=False) for k in (0, 1)])
        weight = np.bincount(judge)[judge[drawn]] / 50
        found = binary_rates(human[drawn], judge[drawn], item_weight=weight, stratum=judge[drawn])
        covered += [found.tpr.low <= 0.9 <= found.tpr.high, found.tnr.low <= 0.95 <= found.tnr.high]
    assert (covered / runs > 0.91).all()


def test_an_item_without_labels_changes_no_rate():
    human, judge = labels(60, levels=2).T
    weight, stratum = np.linspace(1, 3, 60), np.arange(60) % 3
    longer = binary_rates(
        np.append(human, -1),
        np.append(judge, 1),
        item_weight=np.append(weight, 50),
        stratum=np.append(stratum, 2),
    )
    shorter = binary_rates(human, judge, item_weight=weight, stratum=stratum)
    for name in ("tpr", "tnr", "ppv", "npv", "youden_j"):
        one, other = getattr(longer, name), getattr(shorter, name)
        assert [one.value, one.low, one.high] == pytest.approx(
            [other.value, other.low, other.high], abs=1e-12
        )


def test_one_stratum_gives_wilson_limits():
    hits = np.random.default_rng(2).integers(0, 2, 70)
    plain, one = proportion(hits), proportion(hits, stratum=np.zeros(70))
    assert [one.low, one.high] == pytest.approx([plain.low, plain.high], abs=1e-12)
    none = proportion(np.zeros(70), stratum=np.arange(70) % 2)
    assert (none.value, none.low) == (0, 0) and 0.03 < none.high < 0.2


def test_uneven_weights_widen_a_proportion():
    hits, weight = np.array([0.0, 1.0] * 40), np.random.default_rng(3).uniform(0.2, 5, 80)
    assert proportion(hits, item_weight=weight).half_width > proportion(hits).half_width
    assert proportion(hits, item_weight=np.full(80, 3.0)) == proportion(hits)


def test_bias_is_the_paired_t():
    from scipy.stats import ttest_rel

    human, judge = scores(40).T
    theirs = ttest_rel(judge, human).confidence_interval()
    found = bias(human, judge)
    assert [found.low, found.high] == pytest.approx([theirs.low, theirs.high], abs=1e-12)
    assert found.value == pytest.approx(np.mean(judge - human), abs=1e-12)
    single = bias(np.append(human, np.nan), np.append(judge, 3.0), group=np.arange(41))
    assert single.n == 40 and [single.low, single.high] == pytest.approx([theirs.low, theirs.high], abs=1e-12)


def test_differences_without_spread_have_no_limits_unless_asked():
    found = paired_mean([0.0] * 20)
    assert (found.value, found.note) == (0, "no spread to take an interval from") and np.isnan(found.low)
    widened = paired_mean([0.0] * 20, added=0.5)
    assert widened.high == pytest.approx(stdtrit(19, 0.975) * np.sqrt(0.5 / 19 / 20))
    assert paired_mean([np.nan]).note == "no item has both values"
    assert np.isnan(paired_mean([0.5]).low)
    with pytest.raises(ShapeError, match="finite"):
        paired_mean([np.inf])


def test_mcnemar_is_the_exact_binomial_test():
    from scipy.stats import binomtest

    first, second = np.random.default_rng(0).integers(0, 2, (2, 60))
    up, down = np.sum(first < second), np.sum(first > second)
    assert mcnemar_p(first, second) == pytest.approx(binomtest(int(up), int(up + down)).pvalue)


def test_a_scale_of_hundreds_of_levels_has_a_value_and_no_interval():
    """A table of all pairs of levels for each draw would take the memory of the whole machine."""
    rng = np.random.default_rng(0)
    human = rng.integers(0, 300, 500)
    judge = np.where(rng.random(500) < 0.8, human, rng.integers(0, 300, 500))
    found = bootstrap("cohen_kappa", np.column_stack([human, judge]), levels=range(300))
    assert found.value == pytest.approx(cohen_kappa(human, judge, levels=range(300)))
    assert np.isnan(found.low) and "300 levels" in found.note
    assert not bootstrap("krippendorff_alpha", np.column_stack([human, judge]), levels=range(300)).defined
