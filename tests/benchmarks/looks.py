"""What looking again and again does to wrong conclusions, with plain limits and with those that count looks.

    python tests/benchmarks/looks.py [--seed 1] [--replicates 1000] [--only TEXT]

Every row lets something be looked at many times whose truth lies exactly at the threshold, and asks how often
it is declared better at least once. At 1,000 replicates a share of .05 has a standard error of .007.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from judgekit.stats import bootstrap, cohen_kappa, corrected_mean
from judgekit.stats.sequential import (
    agreement_alarm,
    chosen_confidence,
    confidence_sequence,
    look_confidence,
)

Trial = Callable[[np.random.Generator], tuple[float, float]]
STEPS = range(30, 201, 10)


@dataclass(frozen=True)
class Row:
    """One line of the table: a trial that goes wrong or not with plain and counted limits, and the most."""

    name: str
    trial: Trial
    most: float


def measure(trial: Trial, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Shares of wrong conclusions with plain and with counted limits."""
    return np.mean([trial(rng) for _ in range(replicates)], axis=0)


def verdicts(outcome, tpr, tnr, rng):
    right = rng.random(outcome.shape) < np.where(outcome == 1, tpr, tnr)
    return np.where(right, outcome, 1 - outcome)


def growing_labels(rate, tpr, tnr, rng):
    """A gate at the true rate, looked at after every ten labels until it is passed."""
    outcome = (rng.random(1000) < rate).astype(float)
    judge = verdicts(outcome, tpr, tnr, rng)
    drawn = rng.permutation(1000)

    def low(n, confidence):
        at = drawn[:n]
        return corrected_mean(judge, at, outcome[at], confidence=confidence).low

    plain = any(low(n, 0.95) > rate for n in STEPS)
    counted = plain and any(low(n, look_confidence(k)) > rate for k, n in enumerate(STEPS, 1))
    return plain, counted


def true_kappa(rate, tpr, tnr):
    """Kappa of a judge with these error rates, from its table of probabilities."""
    table = np.array([[(1 - rate) * tnr, (1 - rate) * (1 - tnr)], [rate * (1 - tpr), rate * tpr]])
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1))
    return (float(np.trace(table)) - by_chance) / (1 - by_chance)


def judged(count, n, rate, right, rng):
    """People's answers to n items, and those of equally good judges that err each for itself."""
    human = (rng.random(n) < rate).astype(int)
    return human, verdicts(np.broadcast_to(human, (count, n)), right, right, rng)


def kappa_low(human, judge, confidence):
    return bootstrap("cohen_kappa", np.column_stack([human, judge]), confidence=confidence, levels=(0, 1)).low


def best_judge(count, n, rate, right, rng):
    """The best of many equally good judges, its agreement taken for what it is worth."""
    human, judges = judged(count, n, rate, right, rng)
    best = max(judges, key=lambda one: cohen_kappa(human, one, levels=(0, 1)))
    truth = true_kappa(rate, right, right)
    plain = kappa_low(human, best, 0.95) > truth
    return plain, plain and kappa_low(human, best, chosen_confidence(count)) > truth


def opened_judges(openings, n, rate, right, rng):
    """One judge after the other on the same holdout, until one is shown better than it is."""
    human, judges = judged(openings, n, rate, right, rng)
    truth = true_kappa(rate, right, right)
    plain = [k for k, one in enumerate(judges, 1) if kappa_low(human, one, 0.95) > truth]
    return bool(plain), any(kappa_low(human, judges[k - 1], look_confidence(k)) > truth for k in plain)


def opened_versions(openings, n, rate, right, rng):
    """One version of a product after the other on the same holdout tasks, until one passes the gate."""
    passed = []
    for k in range(1, openings + 1):
        outcome = (rng.random(1000) < rate).astype(float)
        judge, at = verdicts(outcome, right, right, rng), np.arange(n)
        lows = [corrected_mean(judge, at, outcome[at], confidence=c).low for c in (0.95, look_confidence(k))]
        passed.append([low > rate for low in lows])
    return tuple(np.any(passed, axis=0))


def watched(rate, looks, population, rng):
    """A mean watched after every label; plain limits are those of the labels alone at each tenth."""
    x = (rng.random(population or looks) < rate).astype(float)
    truth = float(x.mean()) if population else rate
    low, high = confidence_sequence(x[:looks], population=population)
    missed = bool(np.any((low > truth + 1e-9) | (high < truth - 1e-9)))
    n = np.arange(30, looks + 1, 10)
    share = np.cumsum(x)[n - 1] / n
    spread = 1.96 * np.sqrt(share * (1 - share) / n)
    return bool(np.any(np.abs(share - truth) > spread + 1e-12)), missed


def promised(agreement, labels, rng):
    """An agreement that stays what it was: a false alarm, against z-tests of windows of 50."""
    agree = (rng.random(labels) < agreement).astype(float)
    windows = agree[: labels // 50 * 50].reshape(-1, 50).mean(axis=1)
    plain = windows < agreement - 1.645 * np.sqrt(agreement * (1 - agreement) / 50)
    return bool(plain.any()), agreement_alarm(agree, agreement).alarm


def all_rows() -> Iterator[Row]:
    for rate in (0.5, 0.8, 0.9):
        for right in ((0.95, 0.9), (0.8, 0.7)):
            trial = partial(growing_labels, rate, *right)
            yield Row(f"18 looks of a gate, rate {rate}, judge {right}", trial, 0.05)
    for n in (50, 100, 200):
        yield Row(f"best of 20 judges, {n} labels", partial(best_judge, 20, n, 0.6, 0.85), 0.025)
    for n in (50, 100, 200):
        yield Row(f"10 openings by judges, {n} labels", partial(opened_judges, 10, n, 0.6, 0.85), 0.05)
    yield Row("10 openings by versions, 100 labels", partial(opened_versions, 10, 100, 0.8, 0.85), 0.05)
    for rate in (0.05, 0.5, 0.9):
        yield Row(f"500 looks at a mean of {rate}", partial(watched, rate, 500, None), 0.05)
        yield Row(f"500 looks at a mean of {rate} of 1,000", partial(watched, rate, 500, 1000), 0.05)
    for agreement in (0.7, 0.85, 0.95):
        yield Row(f"2,000 labels, agreement {agreement} kept", partial(promised, agreement, 2000), 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    options = parser.parse_args()
    print(f"{'wrong at least once':48} {'plain':>6} {'counted':>8} {'most':>6}")
    for at, row in enumerate(all_rows()):
        if options.only not in row.name:
            continue
        start = time.perf_counter()
        plain, counted = measure(row.trial, options.replicates, np.random.default_rng([options.seed, at]))
        took = time.perf_counter() - start
        good = "" if counted <= row.most else "<-- "
        print(f"{row.name:48} {plain:6.3f} {counted:8.3f} {row.most:6.3f} {good}({took:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
