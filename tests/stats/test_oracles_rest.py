"""Every stored case is tested: here the public quantities left, and what the library does not offer.

What it does not offer is worked out by a short formula of the test's own, so that a stored value which the
library is not held against is at least known to be right.
"""

import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betaincinv, fdtrc, fdtri, ndtri, stdtrit

from judgekit.stats import bootstrap, cohen_kappa, confusion_table, gwet_ac, icc, proportion, wilson

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles" / "agreement.json"

# Where the cases of each quantity are tested against a public function (or one of its parts).
LIBRARY = {
    "test_oracles_agreement": "percent_agreement cohen_kappa scott_pi fleiss_kappa krippendorff_alpha "
    "gwet_ac1 gwet_ac2 icc lin_ccc spearman kendall_tau_b matthews_corrcoef confusion_matrix binary_rates "
    "mcnemar_exact_p",
    "test_oracles_correction": "ppi_mean ppi_mean_ci ppi_lambda rogan_gladen rogan_gladen_delta_se "
    "rogan_gladen_judgy_ci post_stratified_mean post_stratified_se",
    "test_dawid_skene": "dawid_skene_posterior dawid_skene_prior dawid_skene_errors",
    "test_multiplicity": "bh_adjusted holm_adjusted",
    "test_recalibration": "brier_score ece",
    "here": "wilson_interval gwet_pa gwet_pe",
}
TEST_SIDE = (
    "clopper_pearson_interval cohen_kappa_se cohen_kappa_se0 cohen_kappa_ci gwet_ac_se gwet_ac_ci icc_ci "
    "icc_f newcombe_interval pearson bradley_terry rasch_cml_difficulty"
)


@cache
def stored():
    return json.loads(ORACLES.read_text())["cases"] if ORACLES.exists() else []


def cases(*quantities):
    return [pytest.param(case, id=case["id"]) for case in stored() if case["quantity"] in quantities]


def codes(case):
    return np.array([[-1 if c is None else c for c in row] for row in case["data"]["ratings"]], int)


def check(case, found):
    """Hold numbers, or named numbers, against the stored ones."""
    expected, given = case["expected"], case["tolerance"]
    if isinstance(expected, dict):
        assert set(found) == set(expected)
        found, expected = [found[name] for name in expected], list(expected.values())
    expected = np.nan if expected is None else expected
    np.testing.assert_allclose(found, expected, rtol=0, atol=given, err_msg=case["id"])


def ends(low, high):
    return {"low": low, "high": high}


def test_no_case_is_left_out(shared):
    covered = [name for names in (*LIBRARY.values(), TEST_SIDE) for name in names.split()]
    assert max(Counter(covered).values()) == 1
    assert {case["quantity"] for case in stored()} == set(covered)
    assert len(stored()) == 169
    assert sum(case["quantity"] in TEST_SIDE.split() for case in stored()) == 30


UNDEFINED = {
    "cohen_kappa": "cohen_kappa",
    "scott_pi": "scott_pi",
    "fleiss_kappa": "fleiss_kappa",
    "krippendorff_alpha": "krippendorff_alpha",
    "gwet_ac1": "gwet_ac",
    "icc": "icc",
    "lin_ccc": "lin_ccc",
    "spearman": "spearman",
    "kendall_tau_b": "kendall_tau_b",
    "matthews_corrcoef": "matthews_corrcoef",
    "percent_agreement": "",
}


@pytest.mark.parametrize("case", [one for one in cases(*UNDEFINED) if one.values[0]["expected"] is None])
def test_what_is_undefined_says_why(case):
    data, options = case["data"], {}
    if "x" in data:
        table = np.column_stack([data["x"], data["y"]]).astype(float)
    elif "values" in data:
        table = np.array(data["values"], float)
    else:
        table = codes(case) if data["ratings"] else np.empty((0, 2), int)
        if case["quantity"] != "matthews_corrcoef":
            options["levels"] = data["levels"]
        if case["params"].get("weights") not in (None, "identity"):
            options["weights"] = case["params"]["weights"]
        if "level" in case["params"]:
            options["level"] = case["params"]["level"]
    if case["quantity"] == "percent_agreement":
        found = proportion(np.where((table < 0).any(axis=1), np.nan, table[:, 0] == table[:, 1]))
    else:
        found = bootstrap(UNDEFINED[case["quantity"]], table, **options)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.note


@pytest.mark.parametrize("case", cases("wilson_interval"))
def test_wilson(case):
    k, n = case["data"]["k"], case["data"]["n"]
    z = float(ndtri((1 + case["params"]["confidence"]) / 2))
    if n == 0:
        nothing = proportion([])
        assert np.isnan([nothing.value, nothing.low, nothing.high]).all() and nothing.note
        return
    check(case, ends(*map(float, wilson(k / n, n, z))))
    found = proportion([1] * k + [0] * (n - k), confidence=case["params"]["confidence"])
    check(case, ends(found.low, found.high))


@pytest.mark.parametrize("case", cases("clopper_pearson_interval"))
def test_clopper_pearson(case):
    k, n = case["data"]["k"], case["data"]["n"]
    tail = (1 - case["params"]["confidence"]) / 2
    if n == 0:
        assert case["expected"] is None
        return
    low = betaincinv(k, n - k + 1, tail) if k else 0.0
    check(case, ends(low, betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0))


@pytest.mark.parametrize("case", cases("newcombe_interval"))
def test_newcombe_from_two_wilson_intervals(case):
    k1, n1, k2, n2 = (case["data"][name] for name in ("k1", "n1", "k2", "n2"))
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = (wilson(p, n, float(ndtri(0.975))) for p, n in ((p1, n1), (p2, n2)))
    low = p1 - p2 - np.hypot(p1 - l1, u2 - p2)
    check(case, ends(low, p1 - p2 + np.hypot(u1 - p1, p2 - l2)))


@pytest.mark.parametrize("case", cases("cohen_kappa_se", "cohen_kappa_se0", "cohen_kappa_ci"))
def test_kappa_error_by_fleiss_cohen_and_everitt(case):
    table, levels, weights = codes(case), case["data"]["levels"], case["params"]["weights"]
    k, n = len(levels), len(table)
    kappa = cohen_kappa(table[:, 0], table[:, 1], weights=weights, levels=range(k))
    p = confusion_table(table[:, 0], table[:, 1], levels=range(k)) / n
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(k - 1, 1)
    w = {None: np.eye(k), "linear": 1 - apart, "quadratic": 1 - apart**2}[weights]
    rows, cols = p.sum(axis=1), p.sum(axis=0)
    pe, both = rows @ w @ cols, (w @ cols)[:, None] + (rows @ w)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        if case["quantity"] == "cohen_kappa_se0":
            variance = np.sum(np.outer(rows, cols) * (w - both) ** 2) - pe**2
        else:
            variance = np.sum(p * (w - both * (1 - kappa)) ** 2) - (kappa - pe * (1 - kappa)) ** 2
        error = np.sqrt(variance / n) / (1 - pe)
    if case["quantity"] == "cohen_kappa_ci":
        half = float(ndtri(0.975)) * error
        check(case, ends(kappa - half, kappa + half))
    else:
        check(case, error)


@pytest.mark.parametrize("case", cases("gwet_pa", "gwet_pe", "gwet_ac_se", "gwet_ac_ci"))
def test_gwet_by_its_parts(case):
    table, levels = codes(case), np.array(case["data"]["levels"], float)
    q, weights = levels.size, case["params"]["weights"]
    apart = np.abs(np.subtract.outer(levels, levels)) / np.ptp(levels)
    w = {"identity": np.eye(q), "linear": 1 - apart, "quadratic": 1 - apart**2}[weights]
    r = np.stack([(table == code).sum(axis=1) for code in range(q)], axis=1).astype(float)
    r = r[r.sum(axis=1) > 0]
    n, each = len(r), r.sum(axis=1)
    two = each >= 2
    pairs = np.where(two, np.sum(r * (r @ w - 1), axis=1) / np.where(two, each * (each - 1), 1), 0)
    share = (r / each[:, None]).mean(axis=0)
    scale = w.sum() / (q * (q - 1))
    pa, pe = pairs.sum() / two.sum(), scale * np.sum(share * (1 - share))
    ac = (pa - pe) / (1 - pe)
    # What the library says is made of just these parts.
    assert gwet_ac(table, None if weights == "identity" else weights, levels) == pytest.approx(ac, abs=1e-12)
    own = n / two.sum() * (pairs - pe * two) / (1 - pe)
    chance = scale * (r / each[:, None]) @ (1 - share)
    own = own - 2 * (1 - ac) * (chance - pe) / (1 - pe)
    error = np.sqrt(np.sum((own - ac) ** 2) / (n * (n - 1)))
    half = stdtrit(n - 1, 0.975) * error
    parts = {"gwet_pa": pa, "gwet_pe": pe, "gwet_ac_se": error}
    check(case, parts.get(case["quantity"], ends(ac - half, min(ac + half, 1.0))))


def mean_squares(table):
    n, k = table.shape
    rows, cols = table.mean(axis=1), table.mean(axis=0)
    total, between = np.sum((table - table.mean()) ** 2), k * np.sum((rows - table.mean()) ** 2)
    raters = n * np.sum((cols - table.mean()) ** 2)
    error = (total - between - raters) / ((n - 1) * (k - 1))
    return between / (n - 1), raters / (k - 1), error, (total - between) / (n * (k - 1))


@pytest.mark.parametrize("case", cases("icc_ci", "icc_f"))
def test_icc_interval_by_mcgraw_and_wong(case):
    table = np.array(case["data"]["values"], float)
    table = table[~np.isnan(table).any(axis=1)]
    (n, k), (between, raters, error, within) = table.shape, mean_squares(table)
    family, single = case["params"]["form"][4], case["params"]["form"][6] == "1"
    df1, df2 = n - 1, (n * (k - 1) if family == "1" else (n - 1) * (k - 1))
    f = between / (within if family == "1" else error)
    if case["quantity"] == "icc_f":
        check(case, {"F": f, "df1": df1, "df2": df2, "p": fdtrc(df1, df2, f)})
        return
    if family == "2":
        value, ratio = icc(table, "ICC2"), raters / error
        rest = n * (1 + (k - 1) * value) - k * value
        df = (n - 1) * (k - 1) * (k * value * ratio + rest) ** 2
        df /= (n - 1) * k**2 * value**2 * ratio**2 + rest**2
        upper, lower = fdtri(n - 1, df, 0.975), fdtri(df, n - 1, 0.975)
        spread = k * raters + (k * n - k - n) * error
        low = n * (between - upper * error) / (upper * spread + n * between)
        high = n * (lower * between - error) / (spread + n * lower * between)
    else:
        fl, fu = f / fdtri(df1, df2, 0.975), f * fdtri(df2, df1, 0.975)
        low, high = (fl - 1) / (fl + k - 1), (fu - 1) / (fu + k - 1)
    check(case, ends(*((one if single else k * one / (1 + (k - 1) * one)) for one in (low, high))))


@pytest.mark.parametrize("case", cases("pearson"))
def test_pearson(case):
    x, y = (np.array(case["data"][side], float) for side in "xy")
    x, y = x - x.mean(), y - y.mean()
    size = np.sqrt((x @ x) * (y @ y))
    check(case, x @ y / size if size else np.nan)


@pytest.mark.parametrize("case", cases("bradley_terry"))
def test_bradley_terry(case):
    wins = np.array(case["data"]["wins"], float)
    reach = np.linalg.matrix_power((wins > 0) + np.eye(len(wins)), len(wins)) > 0
    if not reach.all():  # someone never loses to the rest: the likelihood has no maximum
        assert case["expected"] is None
        return
    strength, games = np.ones(len(wins)), wins + wins.T
    for _ in range(5000):  # Zermelo's iteration
        strength = wins.sum(axis=1) / (games / np.add.outer(strength, strength)).sum(axis=1)
        strength /= np.exp(np.log(strength).mean())
    check(case, np.log(strength))


@pytest.mark.parametrize("case", cases("rasch_cml_difficulty"))
def test_rasch_by_conditional_likelihood(case):
    answers = np.array(case["data"]["responses"])
    totals = answers.sum(axis=1)
    answers = answers[(totals > 0) & (totals < answers.shape[1])]
    totals, right = np.bincount(answers.sum(axis=1), minlength=answers.shape[1] + 1), answers.sum(axis=0)
    difficulty = np.zeros(answers.shape[1])
    for _ in range(400):  # each item is to be solved as often as the totals make one expect
        easy = np.exp(-difficulty)
        ways = np.poly(-easy)  # the elementary symmetric functions
        expected = np.zeros(easy.size)
        for item in range(easy.size):
            without = np.poly(-np.delete(easy, item))
            for total in range(1, easy.size):
                expected[item] += totals[total] * easy[item] * without[total - 1] / ways[total]
        difficulty += 0.5 * np.log(expected / right)
        difficulty -= difficulty.mean()
    check(case, difficulty)


def test_f1_of_the_stored_rates(shared):
    for case in (one.values[0] for one in cases("binary_rates")):
        human, judge = codes(case).reshape(-1, 2).T
        hits, wrong = np.sum(human & judge), np.sum(human != judge)
        f1 = 2 * hits / (2 * hits + wrong) if hits + wrong else np.nan
        expected = case["expected"]["f1"]
        assert f1 == pytest.approx(np.nan if expected is None else expected, abs=1e-9, nan_ok=True)
