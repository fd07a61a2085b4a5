"""Stored values of other packages and closed forms for corrected means."""

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from judgekit.stats.correction import corrected_mean
from judgekit.stats.inversion import rogan_gladen_value
from judgekit.stats.prediction_powered import ppi_lambda, ppi_mean
from judgekit.stats.sample import checked_sample
from judgekit.stats.weighted import stratified_fit

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles" / "agreement.json"


@cache
def stored() -> list[dict]:
    return json.loads(ORACLES.read_text())["cases"] if ORACLES.exists() else []


def cases(*quantities: str) -> list:
    found = [c for c in stored() if c["quantity"] in quantities]
    return [pytest.param(c, id=c["id"]) for c in found]


def arrays(case: dict) -> SimpleNamespace:
    return SimpleNamespace(**{k: np.asarray(v, float) for k, v in case["data"].items()})


def test_the_stored_cases_were_found(shared: Path) -> None:
    assert len(cases("ppi_mean", "ppi_mean_ci", "ppi_lambda", "rogan_gladen", "post_stratified_mean")) == 24


@pytest.mark.parametrize("case", cases("ppi_mean", "ppi_mean_ci"))
def test_prediction_powered_mean(case: dict) -> None:
    data, lam = arrays(case), case["params"]["lam"]
    confidence = 1 - case["params"].get("alpha", 0.05)
    found = ppi_mean(data.y_labeled, data.f_labeled, data.f_unlabeled, lam=lam, confidence=confidence)
    expected = case["expected"]
    if isinstance(expected, dict):
        assert (found.low, found.high) == pytest.approx((expected["low"], expected["high"]), abs=1e-9)
    else:
        assert found.value == pytest.approx(expected, abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("ppi_mean", "ppi_mean_ci"))
def test_prediction_powered_by_method_name(case: dict) -> None:
    data = arrays(case)
    method = {1: "ppi", 0: "human-only", None: "ppi++"}[case["params"]["lam"]]
    if max(data.y_labeled.max(), data.f_unlabeled.max()) > 1:
        pytest.skip("scores beyond 0..1")
    judge = np.concatenate((data.f_labeled, data.f_unlabeled))
    found = corrected_mean(judge, np.arange(data.y_labeled.size), data.y_labeled, method=method)
    expected = case["expected"]
    if isinstance(expected, dict):
        assert (found.low, found.high) == pytest.approx((expected["low"], expected["high"]), abs=1e-9)
    else:
        assert found.value == pytest.approx(expected, abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("ppi_lambda"))
def test_tuned_lambda(case: dict) -> None:
    data = arrays(case)
    found = ppi_lambda(data.y_labeled, data.f_labeled, data.f_unlabeled)
    expected = np.nan if case["expected"] is None else case["expected"]
    assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("case", cases("rogan_gladen"))
def test_rogan_gladen(case: dict) -> None:
    data = arrays(case)
    y, f = data.y_labeled, data.f_labeled
    if case["params"]["clip"]:
        found = corrected_mean(
            data.f_unlabeled, [], [], design="external", external=(f, y), shift="prevalence"
        )
        value = found.value
        assert found.defined or found.note
    else:
        value = rogan_gladen_value(
            data.f_unlabeled.mean(), f[y == 1].mean(), 1 - f[y == 0].mean(), clip=False
        )
    expected = np.nan if case["expected"] is None else case["expected"]
    assert value == pytest.approx(expected, abs=case["tolerance"], nan_ok=True)


@pytest.mark.parametrize("case", cases("rogan_gladen_delta_se"))
def test_interval_is_as_wide_as_the_delta_method_says(case: dict) -> None:
    data = arrays(case)
    external = (data.f_labeled, data.y_labeled)
    found = corrected_mean(data.f_unlabeled, [], [], design="external", external=external, shift="prevalence")
    assert found.half_width == pytest.approx(1.96 * case["expected"], rel=0.1)


@pytest.mark.parametrize("case", cases("rogan_gladen_judgy_ci"))
def test_interval_counts_the_error_of_the_batch_that_judgy_leaves_out(case: dict) -> None:
    data = arrays(case)
    external = (data.f_labeled, data.y_labeled)
    found = corrected_mean(data.f_unlabeled, [], [], design="external", external=external, shift="prevalence")
    left_out = 2 * found.half_width - (case["expected"]["high"] - case["expected"]["low"])
    assert 0 < left_out < 0.1


@pytest.mark.parametrize("case", cases("post_stratified_mean", "post_stratified_se"))
def test_post_stratified(case: dict) -> None:
    strata, weights = case["data"]["strata"], np.asarray(case["data"]["weights"], float)
    if case["expected"] is None:
        with pytest.raises(ValueError, match="stratum 1 has no label"):
            corrected_mean(np.ones(4), [0, 1], [1, 0], design="stratified", stratum=[0, 0, 1, 1])
        return
    # The whole is far larger than the sample, as the closed form has no finite-population factor.
    counts = np.round(weights / weights.sum() * 1_000_000).astype(int)
    codes = np.repeat(np.arange(counts.size), [len(s) for s in strata])
    sample = checked_sample(
        np.zeros(counts.sum()), np.arange(codes.size), np.concatenate(strata), target="batch", scale=(0, 3)
    )
    fit = stratified_fit(sample, counts, codes, ridge=0.0)
    if case["quantity"] == "post_stratified_mean":
        assert fit.value == pytest.approx(case["expected"], abs=case["tolerance"])
        return
    share = weights / weights.sum()
    plain = [(len(s) - 1 + w / 2) / (len(s) - 1) for s, w in zip(strata, share, strict=True)]
    terms = share**2 * [np.var(s, ddof=1) / len(s) for s in strata]
    assert np.sqrt(terms.sum()) == pytest.approx(case["expected"], abs=1e-9)
    assert np.sqrt(np.sum(terms / plain)) == pytest.approx(np.sqrt(fit.variance), rel=1e-4)
