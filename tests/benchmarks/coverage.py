"""Coverage and width of the intervals, beside the figures they have to reach and the common recipes.

    python tests/benchmarks/coverage.py [--seed 1] [--replicates 2000] [--processes 2] [--only TEXT]

Each row asks in several scenarios how often the 95 % interval holds the truth, and how wide it is compared
with the interval of as many randomly drawn labels alone. A figure beyond its bound is shown with the number
of Monte Carlo errors it lies beyond; more than three end the program with exit code 1. A scenario's numbers
depend on the seed, its row and its place there only, not on the number of processes.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import nan
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from recipes import NAMES
from scenarios import (
    DATA,
    FLAT,
    SKEWED,
    Replicate,
    applicable,
    binary_random,
    binary_stratified,
    grouped,
    kappa_binary,
    kappa_weighted,
    mixed_binary,
    ordinal_random,
    ordinal_stratified,
    real_table,
    real_tables,
    score_active,
    score_random,
    shifted_binary,
    shifted_ordinal,
    two_systems,
    weighted_kappa_of,
    youden,
)

from judgekit.stats.difference import batch_moments

Draw = Callable[[np.random.Generator], Replicate]
JUDGES = ((0.95, 0.9), (0.8, 0.7), (0.6, 0.6))
TOLERATED = 3.0
RECIPE_REPLICATES = 500  # the common recipes miss by far more than its Monte Carlo error


@dataclass(frozen=True)
class Row:
    """One line of the table: its scenarios, and what they have to reach."""

    name: str
    draws: tuple[Draw, ...]
    mean: tuple[float, float]
    worst: float
    width: float | None = None


@dataclass(frozen=True)
class Measured:
    """Of each scenario: coverage, width against labels alone with its Monte Carlo error, share undefined."""

    coverage: np.ndarray
    width: np.ndarray
    width_error: np.ndarray
    undefined: float
    replicates: int
    recipes: dict[str, tuple[float, float]] = field(default_factory=dict)


def measure(draws: Iterable[Draw], replicates: int, rng: np.random.Generator) -> Measured:
    """Run scenarios one after the other."""
    return together([run(draw, replicates, rng) for draw in draws], replicates)


def run(draw: Draw, replicates: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One scenario: by estimator, whether each replicate's limits hold the truth, and their width."""
    own = rng.spawn(1)[0]  # for the recipes, so that leaving them out changes nothing else
    truth, limits = np.empty(replicates), {}
    for at in range(replicates):
        found = draw(rng)
        truth[at] = found.truth
        said = {"": (found.estimate.low, found.estimate.high)}
        if found.alone is not None:
            said["alone"] = found.alone.low, found.alone.high
        if found.recipes is not None and at < RECIPE_REPLICATES:
            said |= found.recipes(own)
        for name, pair in said.items():
            limits.setdefault(name, []).append(pair)
    return {name: _held(truth, np.array(of)) for name, of in limits.items()}


def _held(truth: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Whether each interval holds the truth, and its width; nan where it is undefined. Shape (2, R)."""
    low, high = limits.T
    truth = truth[: low.size]
    held = np.where(np.isnan(low), nan, (low - 1e-12 <= truth) & (truth <= high + 1e-12))
    return np.array([held, high - low])


def together(cells: list[dict[str, np.ndarray]], replicates: int) -> Measured:
    """Put the scenarios of a row together."""
    ours = np.array([cell[""] for cell in cells])
    ratios = np.array([_ratio(cell, "") for cell in cells])
    recipes = {}
    for name in NAMES:
        fitting = [cell for cell in cells if name in cell and not np.isnan(cell[name]).all()]
        if fitting:
            held = np.mean([np.nanmean(cell[name][0]) for cell in fitting])
            recipes[name] = float(held), float(np.mean([_ratio(cell, name)[0] for cell in fitting]))
    undefined = float(np.isnan(ours[:, 0]).mean())
    return Measured(np.nanmean(ours[:, 0], axis=1), *ratios.T, undefined, replicates, recipes)


def _ratio(cell: dict[str, np.ndarray], name: str) -> tuple[float, float]:
    """Mean width over that of labels alone on the same replicates, and its Monte Carlo error."""
    if "alone" not in cell:
        return nan, nan
    width = cell[name][1]
    alone = cell["alone"][1][: width.size]
    known = ~np.isnan(width) & ~np.isnan(alone)
    if not known.any():
        return nan, nan
    width, alone = width[known], alone[known]
    ratio = width.mean() / alone.mean()
    return ratio, float(np.std(width - ratio * alone) / alone.mean() / np.sqrt(width.size))


def beyond(row: Row, found: Measured) -> float:
    """By how many Monte Carlo errors the worst figure of a row lies beyond its bound; negative = none."""
    spread = found.coverage * (1 - found.coverage) / found.replicates
    mean, error = found.coverage.mean(), np.sqrt(spread.sum()) / spread.size
    single = np.sqrt(row.worst * (1 - row.worst) / found.replicates)
    excess = [(row.mean[0] - mean) / error, (mean - row.mean[1]) / error]
    excess.append((row.worst - found.coverage.min()) / single)
    if row.width is not None:
        error = np.sqrt(np.sum(found.width_error**2)) / found.width_error.size
        excess.append((found.width.mean() - row.width) / error)
    return float(max(excess))


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


PREVALENCES = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8)


def binary_rows() -> Iterator[Row]:
    targets = {30: (0.97, 0.90, 0.92), 50: (0.97, 0.91, 0.90), 100: (0.97, 0.92, 0.88)}
    targets |= {200: (0.965, 0.93, 0.86), 500: (0.965, 0.93, 0.86)}
    for n, (high, worst, width) in targets.items():
        draws = tuple(partial(binary_random, 2000, n, p, *judge) for p in PREVALENCES for judge in JUDGES)
        yield Row(f"0/1 random, n {n}", draws, (0.94, high), worst, width)
    for n, width in ((50, 0.77), (200, 0.67)):
        draws = each(binary_random, (2000,), (n,), PREVALENCES, (0.95,), (0.9,))
        yield Row(f"0/1 random .95/.9, n {n}", draws, (0.94, 0.985), 0.93, width)
    for n in (50, 200):
        draws = each(binary_random, (2000,), (n,), PREVALENCES, (0.6,), (0.6,))
        yield Row(f"0/1 random .6/.6, n {n}", draws, (0.93, 0.96), 0.90, 1.0)
    for total, n in ((100, 50), (100, 90), (1000, 50), (1000, 500), (20_000, 50), (20_000, 500)):
        for judge, width in ((JUDGES[0], 0.95), (JUDGES[1], 1.0)):
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
    for n, width in ((30, 1.03), (50, 1.0), (100, 0.9), (200, 0.85), (500, 0.8)):
        draws = each(score_random, (2000,), (n,), (0.05, 0.2, 0.5, 0.8), (1.5, 2.5, 4.0))
        yield Row(f"0/1, judge score, n {n}", draws, (0.94, 0.975), 0.90, width)


def ordinal_rows() -> Iterator[Row]:
    for n, width in ((30, 0.82), (50, 0.78), (100, 0.74), (200, 0.74), (500, 0.74)):
        draws = each(ordinal_random, (2000,), (n,), (FLAT, SKEWED), (0.75, 1.25, 1.75))
        yield Row(f"ordinal 0-4, n {n}", draws, (0.94, 0.97), 0.92, width)
    for n, width in ((30, 1.05), (50, 1.0), (100, 0.95), (200, 0.9)):
        draws = each(ordinal_stratified, (2000,), (n,), (FLAT, SKEWED), (0.5, 1.0, 1.5))
        yield Row(f"ordinal stratified, n {n}", draws, (0.93, 0.99), 0.92, width)


def other_rows() -> Iterator[Row]:
    for n in (30, 50, 100, 200, 500):
        draws = tuple(partial(two_systems, 2000, n, lift, *j) for lift in (0.0, 0.2, 0.5) for j in JUDGES[:2])
        yield Row(f"two systems, n {n}", draws, (0.935, 0.975), 0.89, 0.9)
    for n in (50, 100, 200, 400):
        draws = each(applicable, (2000,), (n,), (0.3, 0.5, 0.9), (0.4, 0.8))
        yield Row(f"not applicable, n {n}", draws, (0.935, 0.975), 0.89)
    for n in (50, 100, 500):
        draws = each(shifted_binary, (2000,), (n,), (0.5,), (0.2, 0.5, 0.8), (0.95, 0.8), (0.9, 0.7))
        yield Row(f"external, prevalence, n {n}", draws, (0.93, 0.985), 0.92)
    for n in (100, 200, 500):
        draws = each(shifted_ordinal, (2000,), (n,), (0.4, 0.6))
        yield Row(f"external, 5 levels, n {n}", draws, (0.93, 0.985), 0.92)
    rates, before, after = np.array([0.1, 0.5, 0.9]), (0.4, 0.2, 0.4), (0.15, 0.25, 0.6)
    for n in (50, 200):
        draws = each(mixed_binary, (200, 2000), (n,), (before,), (after,), (rates,))
        yield Row(f"external, mix, n {n}", draws, (0.93, 0.985), 0.92)
    for groups in (10, 20, 40):
        draws = each(grouped, (groups,), (5,), (0.3, 0.6), (0.1, 0.25, 0.4), (0.8,), (0.7,))
        yield Row(f"groups drawn whole, {groups} of 5", draws, (0.94, 0.98), 0.92)


def agreement_rows() -> Iterator[Row]:
    for n in (30, 50, 100, 200):
        draws = tuple(partial(kappa_binary, n, p, *judge) for p in PREVALENCES for judge in JUDGES)
        yield Row(f"kappa, 2 levels, n {n}", draws, (0.94, 0.98), 0.90)
    for n in (30, 50, 100, 200):
        scales = list(product((FLAT, SKEWED), (0.5, 1.0, 1.5)))
        draws = tuple(partial(kappa_weighted, weighted_kappa_of(*scale), n, *scale) for scale in scales)
        yield Row(f"weighted kappa, 5 levels, n {n}", draws, (0.94, 0.98), 0.90)
    for n in (30, 50, 100, 200):
        draws = tuple(partial(youden, n, p, *judge) for p in PREVALENCES for judge in JUDGES)
        yield Row(f"Youden's J, n {n}", draws, (0.93, 0.97), 0.88)


def all_rows() -> Iterator[Row]:
    yield from binary_rows()
    yield from design_rows()
    yield from ordinal_rows()
    yield from other_rows()
    yield from agreement_rows()
    if DATA.exists():
        yield from (real_row(n) for n in (30, 50, 100, 200))


ROWS: list[Row] = []


def _scenario(seed: int, replicates: int, at: int, place: int) -> dict[str, np.ndarray]:
    """One scenario of one row, for a process that was forked with the rows at hand."""
    return run(ROWS[at].draws[place], replicates, np.random.default_rng([seed, at, place]))


HEADINGS = ("scenario", "coverage", "target", "worst", "least", "width", "most", "nan", *NAMES, "verdict")
LENGTHS = (8, 9, 5, 5, 5, 5, 5, *(12,) * len(NAMES), 12)


def cells_of(row: Row, found: Measured) -> list[str]:
    """What the table says of a row; recipes as coverage and width."""
    off = beyond(row, found)
    verdict = "ok" if off <= 0 else f"ok, {off:.1f} MCE" if off <= TOLERATED else f"BEYOND {off:.1f} MCE"
    width = found.width.mean()
    bounds = "-".join(f"{bound:.3f}"[1:] for bound in row.mean)
    figures = [f"{found.coverage.mean():.3f}", bounds]
    figures += [f"{found.coverage.min():.3f}", f"{row.worst:.2f}", "" if np.isnan(width) else f"{width:.2f}"]
    figures += ["" if row.width is None else f"{row.width:.2f}"]
    figures += ["" if not found.undefined else f"{found.undefined:.1%}"]
    pairs = [found.recipes.get(name) for name in NAMES]
    return [row.name, *figures, *("" if p is None else f"{p[0]:.3f}, {p[1]:.2f}" for p in pairs), verdict]


def line(cells: Iterable[str]) -> str:
    name, *figures = cells
    return f"{name:<34} " + " ".join(f"{c:>{w}}" for c, w in zip(figures, LENGTHS, strict=True))


def markdown(table: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(HEADINGS) - 2), "---"]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (list(HEADINGS), rule, *table))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    options = parser.parse_args()
    ROWS.extend(all_rows())
    chosen = [at for at, row in enumerate(ROWS) if options.only in row.name]
    start, table, bad = time.perf_counter(), [], 0
    print(line(HEADINGS), flush=True)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("fork")) as pool:
        scenario = partial(_scenario, options.seed, options.replicates)
        running = {at: [pool.submit(scenario, at, k) for k in range(len(ROWS[at].draws))] for at in chosen}
        for at in chosen:
            found = together([one.result() for one in running.pop(at)], options.replicates)
            table.append(cells_of(ROWS[at], found))
            bad += beyond(ROWS[at], found) > TOLERATED
            print(line(table[-1]), flush=True)
    spent = time.perf_counter() - start
    print(
        f"seed {options.seed}, {options.replicates} replicates a scenario, {spent:.0f} s: "
        f"{bad} of {len(chosen)} rows beyond a bound by more than {TOLERATED:g} Monte Carlo errors (MCE)"
    )
    if options.markdown is not None:
        options.markdown.write_text(markdown(table), encoding="utf-8")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
