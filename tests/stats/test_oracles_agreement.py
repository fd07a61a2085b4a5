"""Known-good values, computed by published packages and checked by direct formulas."""

import json

import numpy as np
import pytest

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
    mcnemar_p,
    percent_agreement,
    scott_pi,
    spearman,
)


def codes(case):
    rows = [[-1 if code is None else code for code in row] for row in case["data"]["ratings"]]
    return np.array(rows, dtype=int).reshape(len(rows), -1 if rows else 2)


def two(statistic, *options):
    def of(case):
        table = codes(case)
        named = {"levels": case["data"]["levels"]} if "levels" in options else {}
        return statistic(table[:, 0], table[:, 1], **named)

    return of


def kappa(case):
    table, levels = codes(case), case["data"]["levels"]
    if case["params"].get("distance") == "position":
        levels = range(len(levels))
    return cohen_kappa(table[:, 0], table[:, 1], weights=case["params"]["weights"], levels=levels)


def gwet(case):
    weights = case["params"]["weights"]
    return gwet_ac(codes(case), None if weights == "identity" else weights, case["data"]["levels"])


def alpha(case):
    return krippendorff_alpha(codes(case), case["params"]["level"], case["data"]["levels"])


def intraclass(case):
    family, averaged = case["params"]["form"][4], case["params"]["form"][6] == "k"
    return icc(np.array(case["data"]["values"], dtype=float), f"ICC{family}{'k' if averaged else ''}")


def scores(statistic):
    return lambda case: statistic(case["data"]["x"], case["data"]["y"])


def mcnemar(case):
    counts = np.array(case["data"]["table"])
    rows, cols = np.indices((2, 2)).reshape(2, 4)
    return mcnemar_p(np.repeat(rows, counts.ravel()), np.repeat(cols, counts.ravel()))


def rates(case):
    table = codes(case)
    found = binary_rates(table[:, 0], table[:, 1])
    named = {"tpr": found.tpr.value, "tnr": found.tnr.value, "precision": found.ppv.value}
    named |= {"tp": found.tp, "fp": found.fp, "fn": found.fn, "tn": found.tn}
    named["accuracy"] = percent_agreement(table[:, 0], table[:, 1])
    named["balanced_accuracy"] = (found.youden_j.value + 1) / 2
    return named


QUANTITIES = {
    "percent_agreement": two(percent_agreement),
    "cohen_kappa": kappa,
    "scott_pi": two(scott_pi, "levels"),
    "fleiss_kappa": lambda case: fleiss_kappa(codes(case), case["data"]["levels"]),
    "krippendorff_alpha": alpha,
    "gwet_ac1": gwet,
    "gwet_ac2": gwet,
    "icc": intraclass,
    "lin_ccc": scores(lin_ccc),
    "spearman": scores(spearman),
    "kendall_tau_b": scores(kendall_tau_b),
    "matthews_corrcoef": two(matthews_corrcoef),
    "confusion_matrix": two(confusion_table, "levels"),
    "binary_rates": rates,
    "mcnemar_exact_p": mcnemar,
}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_equals_the_oracle(shared, quantity):
    cases = json.loads((shared / "oracles" / "agreement.json").read_text())["cases"]
    cases = [case for case in cases if case["quantity"] == quantity]
    assert cases
    for case in cases:
        expected, found = case["expected"], QUANTITIES[quantity](case)
        if isinstance(found, dict):  # f1 is not offered
            expected = [np.nan if expected[name] is None else expected[name] for name in found]
            found = list(found.values())
        expected = np.nan if expected is None else expected
        np.testing.assert_allclose(found, expected, rtol=0, atol=case["tolerance"], err_msg=case["id"])


def test_alpha_of_scores_equals_alpha_of_their_levels(shared):
    cases = json.loads((shared / "oracles" / "agreement.json").read_text())["cases"]
    cases = [case for case in cases if case["params"].get("level") == "interval"]
    assert cases
    for case in cases:
        table, levels = codes(case), np.array(case["data"]["levels"], dtype=float)
        scored = np.where(table < 0, np.nan, levels[table])
        assert interval_alpha(scored) == pytest.approx(case["expected"], abs=case["tolerance"])
