"""Next week's batch from a few fresh labels: how often the interval holds the truth, and how wide it is.

    python tests/benchmarks/next_week.py [--seed 1] [--replicates 2000] [--only TEXT]

A card of 50 to 400 labels says what a verdict meant; then something drifts, or nothing; then n labels of the
new batch are drawn at random. Each replicate draws its own judge, card size, batch size (100 to 5,000) and
target. A line of 0/1 outcomes is `--replicates` draws at each of eleven prevalences from .02 to .98: the mean
coverage, that at the worst prevalence, beside it the worst of labels alone, and the width against labels
alone: over everything, and over prevalences .2 to .8 with judges that are worth having (TPR/TNR .95/.9 and
.8/.7). At 2,000 replicates the coverage at one prevalence has a standard error of .005.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np

from judgekit.stats.correction import corrected_mean
from judgekit.stats.fixed_slope import fixed_slope_mean

FRESH = (15, 20, 30, 60)
PREVALENCES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98)
JUDGES = ((0.95, 0.9), (0.8, 0.7), (0.6, 0.6))
DRIFTS = ("none", "prevalence", "mix", "worse", "misses more", "better", "flipped")
SHARES = ((0.2, 0.2, 0.2, 0.2, 0.2), (0.02, 0.05, 0.13, 0.3, 0.5), (0.7, 0.2, 0.05, 0.03, 0.02))
ORDINAL_DRIFTS = ("none", "prevalence", "worse", "flipped")


def cell_means(verdicts, outcomes, levels):
    """g for each level: the card's mean outcome there, drawn to the base rate as by two labels."""
    size = np.bincount(verdicts, minlength=levels)
    total = np.bincount(verdicts, weights=outcomes, minlength=levels)
    return (total + 2 * outcomes.mean()) / (size + 2)


def drawn(size, prevalence, tpr, tnr, rng):
    """Outcomes and the judge's verdicts on them."""
    outcome = rng.random(size) < prevalence
    right = rng.random(size) < np.where(outcome, tpr, tnr)
    return outcome.astype(float), np.where(right, outcome, ~outcome).astype(int)


def mixed(size, share, prevalence, tpr, tnr, rng):
    """Another share of positive verdicts, each of which means what it meant."""
    positive = prevalence * tpr + (1 - prevalence) * (1 - tnr)
    meaning = np.array([prevalence * (1 - tpr) / (1 - positive), prevalence * tpr / positive])
    verdict = (rng.random(size) < share).astype(int)
    return (
        (rng.random(size) < meaning[verdict]).astype(float),
        verdict,
        share * meaning[1] + (1 - share) * meaning[0],
    )


def binary(drift, prevalence, n, rng):
    """One card and one batch of 0/1 outcomes."""
    tpr, tnr = judge = JUDGES[rng.integers(3)]
    size, total = rng.choice([50, 100, 200, 400]), rng.choice([100, 300, 1000, 5000])
    before = rng.choice([0.2, 0.5, 0.8]) if drift == "prevalence" else prevalence
    outcome, verdict = drawn(size, before, tpr, tnr, rng)
    g = cell_means(verdict, outcome, 2)
    now = {
        "worse": (tpr - 0.2, tnr - 0.2),
        "misses more": (tpr - 0.35, tnr),
        "better": (min(0.99, tpr + 0.15), min(0.99, tnr + 0.15)),
        "flipped": (1 - tpr, 1 - tnr),
    }.get(drift, judge)
    if drift == "mix":
        outcome, verdict, rate = mixed(total, rng.uniform(0.05, 0.95), prevalence, tpr, tnr, rng)
    else:
        (outcome, verdict), rate = drawn(total, prevalence, *now, rng), prevalence
    return compared(g[verdict], n, outcome, rate, judge != JUDGES[2], rng)


def said(level, noise, rng):
    return np.clip(np.round(level + rng.normal(scale=noise, size=level.size)), 0, 4).astype(int)


def ordinal(drift, shares, n, rng):
    """One card and one batch of levels 0 to 4."""
    size, total = rng.choice([50, 100, 200, 400]), rng.choice([100, 300, 1000, 5000])
    noise = rng.choice([0.5, 1.0, 1.5])
    before = SHARES[rng.integers(3)] if drift == "prevalence" else shares
    level = rng.choice(5, size, p=before)
    g = cell_means(said(level, noise, rng), level / 4, 5)
    level = rng.choice(5, total, p=shares)
    verdict = said(level, 2 * noise if drift == "worse" else noise, rng)
    verdict = 4 - verdict if drift == "flipped" else verdict
    return compared(g[verdict], n, level / 4, float(np.dot(shares, range(5)) / 4), noise < 1.5, rng)


@dataclass(frozen=True)
class Replicate:
    """Whether the estimate and labels alone hold the truth, their widths, and whether the judge is good."""

    holds: bool
    alone_holds: bool
    width: float
    alone: float
    good: bool


def compared(g, n, outcome, rate, good, rng):
    """Estimate and labels alone, of the batch or of the process; items are exchangeable: the first n."""
    target = ("batch", "process")[rng.integers(2)]
    truth = outcome.mean() if target == "batch" else rate
    at = np.arange(n)
    found = fixed_slope_mean(g, at, outcome[:n], target=target)
    alone = corrected_mean(g, at, outcome[:n], target=target, method="human-only")
    holds = [one.low - 1e-12 <= truth <= one.high + 1e-12 for one in (found, alone)]
    return Replicate(*holds, found.half_width, alone.half_width, good)


@dataclass(frozen=True)
class Line:
    """Coverage by cell of a line, and mean widths against labels alone."""

    coverage: np.ndarray
    alone: np.ndarray
    width: float
    width_good: float


def measure(draw, drift, cells, middle, n, replicates, rng):
    """Draw replicates in every cell of a line; `middle` are the cells whose width is told apart."""
    found = {cell: [draw(drift, cell, n, rng) for _ in range(replicates)] for cell in cells}
    inside = [one for cell in middle for one in found[cell] if one.good]
    every = [one for rows in found.values() for one in rows]
    return Line(
        np.array([np.mean([one.holds for one in rows]) for rows in found.values()]),
        np.array([np.mean([one.alone_holds for one in rows]) for rows in found.values()]),
        ratio(every),
        ratio(inside),
    )


def ratio(rows):
    return sum(one.width for one in rows) / sum(one.alone for one in rows)


def lines():
    """What is drawn: name, how, drift, cells, and the cells in the middle."""
    middle = tuple(p for p in PREVALENCES if 0.2 <= p <= 0.8)
    for drift in DRIFTS:
        yield f"0/1, {drift}", binary, drift, PREVALENCES, middle
    for drift in ORDINAL_DRIFTS:
        yield f"ordinal, {drift}", ordinal, drift, SHARES, SHARES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--only", default="", help="lines whose name holds this text")
    options = parser.parse_args()
    print(f"{'drift':20} {'n':>3} {'coverage':>8} {'worst':>6} {'alone':>6} {'worst':>6}  width   good")
    for at, (name, draw, drift, cells, middle) in enumerate(lines()):
        for n in FRESH if options.only in name else ():
            start, rng = time.perf_counter(), np.random.default_rng([options.seed, at, n])
            line = measure(draw, drift, cells, middle, n, options.replicates, rng)
            print(
                f"{name:20} {n:3} {line.coverage.mean():8.3f} {line.coverage.min():6.3f} "
                f"{line.alone.mean():6.3f} {line.alone.min():6.3f} {line.width:6.2f} {line.width_good:6.2f} "
                f"({time.perf_counter() - start:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
