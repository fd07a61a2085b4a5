"""Coverage and width of the corrected intervals, beside the figures they have to reach.

    python tests/benchmarks/coverage.py [--seed 1] [--replicates 1000] [--only TEXT]

Every row draws batches, labels some items, and asks how often the 95 % interval of the batch mean holds the
true one, and how wide it is compared with the interval of as many randomly drawn labels alone. At 1,000
replicates a single scenario's coverage has a standard error of .007.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from judgekit.stats.applicable import applicable_mean
from judgekit.stats.correction import corrected_mean
from judgekit.stats.difference import batch_moments
from judgekit.stats.estimate import Estimate
from judgekit.stats.paired import corrected_difference

Draw = Callable[[np.random.Generator], tuple[float, Estimate, Estimate | None]]
JUDGES = ((0.95, 0.9), (0.8, 0.7), (0.6, 0.6))
DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Row:
    """One line of the table: its scenarios, and what they have to reach."""

    name: str
    draws: tuple[Draw, ...]
    mean: tuple[float, float]
    worst: float
    width: float | None


@dataclass(frozen=True)
class Measured:
    """Coverage of each scenario of a row, widths against labels alone, and estimates without interval."""

    coverage: np.ndarray
    width: np.ndarray
    undefined: float


def measure(draws: Iterable[Draw], replicates: int, rng: np.random.Generator) -> Measured:
    coverage, width, undefined = [], [], []
    for draw in draws:
        found = [draw(rng) for _ in range(replicates)]
        known = [(t, e, h) for t, e, h in found if not np.isnan(e.low)]
        undefined.append(1 - len(known) / len(found))
        coverage.append(np.mean([e.low - 1e-12 <= t <= e.high + 1e-12 for t, e, _ in known]))
        alone = [h.half_width for _, _, h in known if h is not None]
        width.append(np.mean([e.half_width for _, e, _ in known]) / np.mean(alone) if alone else np.nan)
    return Measured(np.array(coverage), np.array(width), float(np.mean(undefined)))


def compared(judge, labelled, human, truth, rng, **design):
    """Estimate, and labels alone on as many items drawn at random."""
    estimate = corrected_mean(judge, labelled, human[labelled], target="batch", **design)
    others = labelled if not design else rng.choice(judge.size, labelled.size, replace=False)
    alone = corrected_mean(judge, others, human[others], target="batch", method="human-only")
    return truth, estimate, alone


def binary_verdicts(outcome, tpr, tnr, rng):
    right = rng.random(outcome.size) < np.where(outcome == 1, tpr, tnr)
    return np.where(right, outcome, 1 - outcome)


def binary_random(total, n, prevalence, tpr, tnr, rng):
    y = (rng.random(total) < prevalence).astype(float)
    judge = binary_verdicts(y, tpr, tnr, rng)
    return compared(judge, rng.choice(total, n, replace=False), y, y.mean(), rng)


def allotted(counts, n):
    """Labels for each stratum, proportional to the root of its size, at least 10 where it has them."""
    share = np.maximum(
        np.round(n * np.sqrt(counts) / np.sqrt(counts).sum()), np.minimum(10, n // counts.size)
    )
    share[np.argmax(counts)] += n - share.sum()
    return np.minimum(share, counts).astype(int)


def drawn_by_stratum(stratum, n, rng):
    counts = np.bincount(stratum)
    picks = [
        rng.choice(np.flatnonzero(stratum == h), size, replace=False)
        for h, size in enumerate(allotted(counts, n))
    ]
    return np.concatenate(picks)


def binary_stratified(total, n, prevalence, tpr, tnr, rng):
    y = (rng.random(total) < prevalence).astype(float)
    judge = binary_verdicts(y, tpr, tnr, rng)
    stratum = np.unique(judge, return_inverse=True)[1]
    labelled = drawn_by_stratum(stratum, n, rng)
    return compared(judge, labelled, y, y.mean(), rng, design="stratified", stratum=stratum)


def scored(total, prevalence, strength, rng):
    """0/1 outcomes and a judge's score for each, calibrated apart from its noise."""
    ability = rng.normal(size=total)
    middle = -np.log(1 / prevalence - 1) * np.sqrt(1 + strength**2 / 2.9)
    y = (rng.random(total) < 1 / (1 + np.exp(-(middle + strength * ability)))).astype(float)
    noisy = middle + strength * ability + rng.normal(scale=0.5, size=total)
    return y, np.round(1 / (1 + np.exp(-noisy)), 3)


def score_random(total, n, prevalence, strength, rng):
    y, judge = scored(total, prevalence, strength, rng)
    return compared(judge, rng.choice(total, n, replace=False), y, y.mean(), rng)


def score_active(total, n, prevalence, strength, rng):
    y, judge = scored(total, prevalence, strength, rng)
    doubt = np.sqrt(judge * (1 - judge))
    chance = np.minimum(n * (0.5 * doubt / doubt.sum() + 0.5 / total), 1)
    labelled = np.flatnonzero(rng.random(total) < chance)
    return compared(judge, labelled, y, y.mean(), rng, design="probability", probability=chance[labelled])


FLAT, SKEWED = (0.2,) * 5, (0.02, 0.05, 0.13, 0.3, 0.5)


def ordinal(total, shares, noise, rng):
    y = rng.choice(5, total, p=shares)
    judge = np.clip(np.round(y + rng.normal(scale=noise, size=total)), 0, 4)
    return y / 4, judge / 4


def ordinal_random(total, n, shares, noise, rng):
    y, judge = ordinal(total, shares, noise, rng)
    return compared(judge, rng.choice(total, n, replace=False), y, y.mean(), rng)


def ordinal_stratified(total, n, shares, noise, rng):
    y, judge = ordinal(total, shares, noise, rng)
    stratum = np.unique(judge, return_inverse=True)[1]
    labelled = drawn_by_stratum(stratum, n, rng)
    return compared(judge, labelled, y, y.mean(), rng, design="stratified", stratum=stratum)


def shifted_binary(total, n, before, prevalence, tpr, tnr, rng):
    other = (rng.random(n) < before).astype(float)
    y = (rng.random(total) < prevalence).astype(float)
    external = (binary_verdicts(other, tpr, tnr, rng), other)
    judge = binary_verdicts(y, tpr, tnr, rng)
    found = corrected_mean(
        judge, [], [], design="external", target="batch", external=external, shift="prevalence"
    )
    alone = rng.choice(total, n, replace=False)
    return y.mean(), found, corrected_mean(judge, alone, y[alone], target="batch", method="human-only")


def shifted_ordinal(total, n, noise, rng):
    other, said = ordinal(n, FLAT, noise, rng)
    y, judge = ordinal(total, SKEWED, noise, rng)
    found = corrected_mean(
        judge, [], [], design="external", target="batch", external=(said, other), shift="prevalence"
    )
    alone = rng.choice(total, n, replace=False)
    return y.mean(), found, corrected_mean(judge, alone, y[alone], target="batch", method="human-only")


def mixed_binary(total, n, before, prevalence, rates, rng):
    """Another mix of verdicts, of which each means what it meant: outcomes are drawn after verdicts."""
    said, judge = (rng.choice(rates.size, m, p=p) for m, p in ((n, before), (total, prevalence)))
    other, y = ((rng.random(v.size) < rates[v]).astype(float) for v in (said, judge))
    scale = (rates.size - 1) or 1
    external = (said / scale, other)
    found = corrected_mean(
        judge / scale, [], [], design="external", target="batch", external=external, shift="mix"
    )
    return y.mean(), found, None


def grouped(groups, size, prevalence, icc, tpr, tnr, rng):
    """Whole groups drawn from many: outcomes of a group share their rate."""
    a = (1 - icc) / icc
    rate = rng.beta(prevalence * a, (1 - prevalence) * a, 400)
    group = np.repeat(np.arange(400), size)
    y = (rng.random(group.size) < rate[group]).astype(float)
    judge = binary_verdicts(y, tpr, tnr, rng)
    labelled = np.flatnonzero(np.isin(group, rng.choice(400, groups, replace=False)))
    return compared(judge, labelled, y, y.mean(), rng, group=group[labelled])


def two_systems(total, n, lift, tpr, tnr, rng):
    """The second system passes what the first does, loses some of it and gains more."""
    ease = rng.normal(size=total)
    pair = [(ease + rng.normal(size=total) < level).astype(float) for level in (0.3 + lift, 0.3)]
    judged = tuple(binary_verdicts(y, tpr, tnr, rng) for y in pair)
    at = rng.choice(total, n, replace=False)
    people = (pair[0][at], pair[1][at])
    found = corrected_difference(judged, at, people, target="batch")
    nothing = (np.zeros(total), np.zeros(total))
    truth = float(np.mean(pair[0] - pair[1]))
    return truth, found, corrected_difference(nothing, at, people, target="batch")


def applicable(total, n, prevalence, share, rng):
    """A criterion that applies to some items only, as far as people and mostly the judge can tell."""
    applies = (rng.random(total) < share).astype(float)
    y = (rng.random(total) < prevalence).astype(float)
    graded, judge = binary_verdicts(applies, 0.9, 0.9, rng), binary_verdicts(y, 0.85, 0.8, rng)
    at = rng.choice(total, n, replace=False)
    found = applicable_mean(judge, graded, at, y[at], applies[at], target="batch")
    return float(y[applies == 1].mean()), found, None


def real_table(judge, human, n, rng):
    items = rng.choice(judge.size, judge.size)
    return compared(
        judge[items], rng.choice(judge.size, n, replace=False), human[items], human[items].mean(), rng
    )


def real_tables() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Judge values and human outcomes of the shared item tables."""
    scores = {"correct": 1.0, "incorrect": 0.0, "A": 1.0, "tie": 0.5, "B": 0.0, None: np.nan}
    for name in ("nq301", "pandalm"):
        votes: dict[str, list[float]] = {}
        for line in (DATA / name / "labels.jsonl").read_text().splitlines():
            row = json.loads(line)
            if row["rater"] == "adjudicated" or name == "pandalm":
                votes.setdefault(row["id"], []).append(scores[row["label"]])
        ids = list(votes)
        human = np.array([float(np.median(votes[i])) for i in ids])
        verdicts: dict[str, dict[str, float]] = {}
        for line in (DATA / name / "verdicts.jsonl").read_text().splitlines():
            row = json.loads(line)
            verdicts.setdefault(row["judge"], {})[row["id"]] = row.get("score") or scores[row["label"]]
        for judge, values in verdicts.items():
            yield f"{name} {judge}", np.array([values[i] for i in ids]), human


def real_row(n: int) -> Row:
    draws, floors = [], []
    for _, judge, human in real_tables():
        filled = np.where(np.isnan(judge), batch_moments(judge)[0], judge)
        floors.append(np.sqrt(1 - np.corrcoef(filled, human)[0, 1] ** 2))
        draws.append(partial(real_table, judge, human, n))
    most = 1.05 * float(np.mean(floors)) if n >= 100 else None
    return Row(f"real item tables, n {n}", tuple(draws), (0.94, 0.97), 0.92, most)


def each(draw, *choices) -> tuple[Draw, ...]:
    """Every combination of the choices as a scenario."""
    return tuple(partial(draw, *values) for values in product(*choices))


def binary_rows() -> Iterator[Row]:
    prevalences = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
    targets = {30: (0.97, 0.90, 0.92), 50: (0.97, 0.91, 0.90), 100: (0.97, 0.92, 0.88)}
    targets |= {200: (0.965, 0.93, 0.86), 500: (0.965, 0.93, 0.86)}
    for n, (high, worst, width) in targets.items():
        draws = tuple(partial(binary_random, 2000, n, p, *judge) for p in prevalences for judge in JUDGES)
        yield Row(f"0/1 random, n {n}", draws, (0.94, high), worst, width)
    for n, width in ((50, 0.77), (200, 0.67)):
        draws = each(binary_random, (2000,), (n,), prevalences, (0.95,), (0.9,))
        yield Row(f"0/1 random .95/.9, n {n}", draws, (0.94, 0.985), 0.93, width)
    for n in (50, 200):
        draws = each(binary_random, (2000,), (n,), prevalences, (0.6,), (0.6,))
        yield Row(f"0/1 random .6/.6, n {n}", draws, (0.93, 0.96), 0.90, 1.0)
    for total, n in ((100, 50), (100, 90), (1000, 50), (1000, 500), (20_000, 50), (20_000, 500)):
        for judge, width in ((JUDGES[0], 0.95), (JUDGES[1], None)):
            draws = each(binary_random, (total,), (n,), (0.02, 0.95), judge[:1], judge[1:])
            yield Row(f"rare or common {judge[0]}, {n} of {total}", draws, (0.94, 0.98), 0.90, width)


def design_rows() -> Iterator[Row]:
    prevalences = (0.1, 0.3, 0.5, 0.8)
    for n, width in ((30, 0.95), (50, 0.92), (100, 0.92), (200, 0.92)):
        draws = tuple(partial(binary_stratified, 2000, n, p, *judge) for p in prevalences for judge in JUDGES)
        yield Row(f"stratified by verdict, n {n}", draws, (0.94, 0.975), 0.90, width)
    for n, width in ((30, 1.0), (50, 1.0), (100, 0.9), (200, 0.82)):
        draws = each(score_active, (2000,), (n,), prevalences, (1.0, 2.0, 3.0))
        yield Row(f"probability, active, n {n}", draws, (0.935, 0.975), 0.89, width)
    for n, width in ((30, 1.03), (50, 1.0), (100, 0.9), (500, 0.8)):
        draws = each(score_random, (2000,), (n,), (0.05, 0.2, 0.5, 0.8), (1.5, 2.5, 4.0))
        yield Row(f"0/1, judge score, n {n}", draws, (0.94, 0.975), 0.89, width)


def ordinal_rows() -> Iterator[Row]:
    for n, width in ((30, 0.82), (50, 0.78), (100, 0.74), (500, 0.74)):
        draws = each(ordinal_random, (2000,), (n,), (FLAT, SKEWED), (0.75, 1.25, 1.75))
        yield Row(f"ordinal 0-4, n {n}", draws, (0.94, 0.97), 0.92, width)
    for n, width in ((30, 1.05), (50, 1.0), (100, 0.95), (200, 0.9)):
        draws = each(ordinal_stratified, (2000,), (n,), (FLAT, SKEWED), (0.5, 1.0, 1.5))
        yield Row(f"ordinal stratified, n {n}", draws, (0.93, 0.99), 0.92, width)


def other_rows() -> Iterator[Row]:
    for n, width in ((30, 0.9), (100, 0.9), (500, 0.9)):
        draws = tuple(partial(two_systems, 2000, n, lift, *j) for lift in (0.0, 0.2, 0.5) for j in JUDGES[:2])
        yield Row(f"two systems, n {n}", draws, (0.935, 0.975), 0.89, width)
    for n in (50, 100, 200, 400):
        draws = each(applicable, (2000,), (n,), (0.3, 0.5, 0.9), (0.4, 0.8))
        yield Row(f"not applicable (n), n {n}", draws, (0.935, 0.975), 0.89, None)
    for n in (50, 100, 500):
        draws = each(shifted_binary, (2000,), (n,), (0.5,), (0.2, 0.5, 0.8), (0.95, 0.8), (0.9, 0.7))
        yield Row(f"external, prevalence, n {n}", draws, (0.93, 0.985), 0.92, None)
    for n in (100, 200, 500):
        draws = each(shifted_ordinal, (2000,), (n,), (0.4, 0.6))
        yield Row(f"external, 5 levels, n {n}", draws, (0.93, 0.985), 0.92, None)
    rates, before, after = np.array([0.1, 0.5, 0.9]), (0.4, 0.2, 0.4), (0.15, 0.25, 0.6)
    for n in (50, 200):
        draws = each(mixed_binary, (200, 2000), (n,), (before,), (after,), (rates,))
        yield Row(f"external, mix, n {n}", draws, (0.93, 0.985), 0.92, None)
    for groups in (10, 20, 40):
        draws = each(grouped, (groups,), (5,), (0.3, 0.6), (0.1, 0.25, 0.4), (0.8,), (0.7,))
        yield Row(f"groups drawn whole, {groups} of 5", draws, (0.94, 0.98), 0.92, None)
    if DATA.exists():
        yield from (real_row(n) for n in (30, 50, 100, 200))


def all_rows() -> Iterator[Row]:
    yield from binary_rows()
    yield from design_rows()
    yield from ordinal_rows()
    yield from other_rows()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    options = parser.parse_args()
    print(
        f"{'scenario':34} {'coverage':>8} {'target':>11} {'worst':>5} {'least':>5} "
        f"{'width':>6} {'most':>5} {'nan':>5}"
    )
    for at, row in enumerate(all_rows()):
        if options.only not in row.name:
            continue
        start = time.perf_counter()
        found = measure(row.draws, options.replicates, np.random.default_rng([options.seed, at]))
        mean, worst, width = found.coverage.mean(), found.coverage.min(), np.mean(found.width)
        good = row.mean[0] <= mean <= row.mean[1] and worst >= row.worst and not width > (row.width or np.inf)
        print(
            f"{row.name:34} {mean:8.3f} {row.mean[0]:5.3f}-{row.mean[1]:.3f} {worst:5.3f} {row.worst:5.2f} "
            f"{width:6.2f} {row.width or np.nan:5.2f} {found.undefined:5.2f} {'' if good else '<-- '}"
            f"({time.perf_counter() - start:.0f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
