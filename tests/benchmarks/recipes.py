"""What is commonly done with a judge's verdicts and some labels, beside which the intervals are shown.

Each takes the judge's values of a batch, and judge values and outcomes of its labelled items, and gives 95 %
limits; nan where the recipe has none. They are here to be compared with, as published or as practised.
"""

from math import nan, sqrt

import numpy as np

from judgekit.stats.difference import batch_moments
from judgekit.stats.prediction_powered import ppi_mean
from judgekit.stats.proportions import Z95, wilson
from judgekit.stats.sample import is_binary

NAMES = ("raw rate", "Rogan-Gladen", "judgy", "PPI++")
JUDGY_DRAWS = 2_000
Limits = tuple[float, float]


def all_recipes(judge, labelled, human, rng) -> dict[str, Limits]:
    """Limits by every recipe that fits: error rates need outcomes of 0 and 1."""
    graded = judge[~np.isnan(judge)]
    at = labelled[~np.isnan(judge[labelled])]
    values, outcome = judge[at], human[at]
    found = {"raw rate": raw_rate(graded), "PPI++": ppi(judge, at, outcome)}
    if is_binary(outcome):
        rate, table = float(np.mean(graded >= 0.5)), verdict_table(values >= 0.5, outcome)
        found["Rogan-Gladen"] = rogan_gladen_delta(rate, graded.size, table)
        found["judgy"] = judgy_bootstrap(rate, table, rng)
    return found


def verdict_table(passed, outcome):
    """Labelled items: passed and 1, failed and 1, passed and 0, failed and 0."""
    return np.bincount(2 * (1 - outcome.astype(int)) + (1 - passed.astype(int)), minlength=4)


def raw_rate(judge) -> Limits:
    """The judge's own mean, as if verdicts were outcomes: Wilson's limits, or normal ones for scores."""
    mean, variance = batch_moments(judge)
    if is_binary(judge):
        low, high = wilson(mean, judge.size)
        return float(low), float(high)
    half = Z95 * sqrt(variance / judge.size)
    return mean - half, mean + half


def rogan_gladen_delta(rate, total, table) -> Limits:
    """Rogan and Gladen's estimate (doi:10.1093/oxfordjournals.aje.a112510) with the delta method's limits."""
    tp, fn, fp, tn = table
    if not (tp + fn and fp + tn):
        return nan, nan
    tpr, tnr = tp / (tp + fn), tn / (fp + tn)
    youden = tpr + tnr - 1
    if youden <= 0:
        return nan, nan
    value = (rate + tnr - 1) / youden
    spread = rate * (1 - rate) / total
    spread += value**2 * tpr * (1 - tpr) / (tp + fn) + (1 - value) ** 2 * tnr * (1 - tnr) / (fp + tn)
    half = Z95 * sqrt(spread) / youden
    return float(np.clip(value - half, 0, 1)), float(np.clip(value + half, 0, 1))


def judgy_bootstrap(rate, table, rng, draws=JUDGY_DRAWS) -> Limits:
    """What `judgy.estimate_success_rate` does: resample the labelled pairs, hold the rate fixed.

    Drawing pairs is drawing their table, which is what makes 2,000 replicates of it affordable.
    """
    tp, fn, fp, tn = table
    if not (tp + fn and fp + tn) or tp / (tp + fn) + tn / (fp + tn) <= 1:
        return nan, nan
    drawn = rng.multinomial(table.sum(), table / table.sum(), size=draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, tnr = drawn[:, 0] / drawn[:, :2].sum(axis=1), drawn[:, 3] / drawn[:, 2:].sum(axis=1)
        youden = tpr + tnr - 1
        values = np.clip((rate + tnr - 1) / youden, 0, 1)
    low, high = np.percentile(values[youden > 0], [2.5, 97.5])
    return float(low), float(high)


def ppi(judge, labelled, outcome) -> Limits:
    """PPI++ with its normal limits (arXiv:2311.01453), labels apart from the rest."""
    rest = np.delete(judge, labelled)
    found = ppi_mean(outcome, judge[labelled], rest[~np.isnan(rest)])
    return found.low, found.high
