"""Populations and draws from them: what each line of the coverage table is made of.

A scenario is a function of a random generator. It makes a batch (or a table of two raters), labels some
items, and returns what is true, what is estimated, and what others would have said.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from recipes import Limits, all_recipes

from judgekit.stats.agreement import kappa_of_tables
from judgekit.stats.applicable import applicable_mean
from judgekit.stats.bootstrap import bootstrap
from judgekit.stats.codes import disagreement
from judgekit.stats.correction import corrected_mean
from judgekit.stats.estimate import Estimate
from judgekit.stats.paired import corrected_difference
from judgekit.stats.rates import binary_rates

DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Replicate:
    """One draw: the truth, our estimate, that of labels alone, and how to ask the common recipes."""

    truth: float
    estimate: Estimate
    alone: Estimate | None = None
    recipes: Callable[[np.random.Generator], dict[str, Limits]] | None = None


def compared(judge, labelled, human, rng, **design):
    """Estimate of the batch mean, labels alone on as many items drawn at random, and the common recipes."""
    estimate = corrected_mean(judge, labelled, human[labelled], target="batch", **design)
    others = labelled if not design else rng.choice(judge.size, labelled.size, replace=False)
    recipes = None if design else partial(all_recipes, judge, labelled, human)
    return Replicate(human.mean(), estimate, alone(judge, others, human), recipes)


def alone(judge, labelled, human):
    return corrected_mean(judge, labelled, human[labelled], target="batch", method="human-only")


def binary_verdicts(outcome, tpr, tnr, rng):
    right = rng.random(outcome.size) < np.where(outcome == 1, tpr, tnr)
    return np.where(right, outcome, 1 - outcome)


def binary_random(total, n, prevalence, tpr, tnr, rng):
    y = (rng.random(total) < prevalence).astype(float)
    judge = binary_verdicts(y, tpr, tnr, rng)
    return compared(judge, rng.choice(total, n, replace=False), y, rng)


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
    return compared(judge, labelled, y, rng, design="stratified", stratum=stratum)


def scored(total, prevalence, strength, rng):
    """0/1 outcomes and a judge's score for each, calibrated apart from its noise."""
    ability = rng.normal(size=total)
    middle = -np.log(1 / prevalence - 1) * np.sqrt(1 + strength**2 / 2.9)
    y = (rng.random(total) < 1 / (1 + np.exp(-(middle + strength * ability)))).astype(float)
    noisy = middle + strength * ability + rng.normal(scale=0.5, size=total)
    return y, np.round(1 / (1 + np.exp(-noisy)), 3)


def score_random(total, n, prevalence, strength, rng):
    y, judge = scored(total, prevalence, strength, rng)
    return compared(judge, rng.choice(total, n, replace=False), y, rng)


def score_active(total, n, prevalence, strength, rng):
    y, judge = scored(total, prevalence, strength, rng)
    doubt = np.sqrt(judge * (1 - judge))
    chance = np.minimum(n * (0.5 * doubt / doubt.sum() + 0.5 / total), 1)
    labelled = np.flatnonzero(rng.random(total) < chance)
    return compared(judge, labelled, y, rng, design="probability", probability=chance[labelled])


FLAT, SKEWED = (0.2,) * 5, (0.02, 0.05, 0.13, 0.3, 0.5)


def ordinal(total, shares, noise, rng):
    y = rng.choice(5, total, p=shares)
    judge = np.clip(np.round(y + rng.normal(scale=noise, size=total)), 0, 4)
    return y / 4, judge / 4


def ordinal_random(total, n, shares, noise, rng):
    y, judge = ordinal(total, shares, noise, rng)
    return compared(judge, rng.choice(total, n, replace=False), y, rng)


def ordinal_stratified(total, n, shares, noise, rng):
    y, judge = ordinal(total, shares, noise, rng)
    stratum = np.unique(judge, return_inverse=True)[1]
    labelled = drawn_by_stratum(stratum, n, rng)
    return compared(judge, labelled, y, rng, design="stratified", stratum=stratum)


def shifted_binary(total, n, before, prevalence, tpr, tnr, rng):
    other = (rng.random(n) < before).astype(float)
    y = (rng.random(total) < prevalence).astype(float)
    external = (binary_verdicts(other, tpr, tnr, rng), other)
    judge = binary_verdicts(y, tpr, tnr, rng)
    found = corrected_mean(
        judge, [], [], design="external", target="batch", external=external, shift="prevalence"
    )
    return Replicate(y.mean(), found, alone(judge, rng.choice(total, n, replace=False), y))


def shifted_ordinal(total, n, noise, rng):
    other, said = ordinal(n, FLAT, noise, rng)
    y, judge = ordinal(total, SKEWED, noise, rng)
    found = corrected_mean(
        judge, [], [], design="external", target="batch", external=(said, other), shift="prevalence"
    )
    return Replicate(y.mean(), found, alone(judge, rng.choice(total, n, replace=False), y))


def mixed_binary(total, n, before, prevalence, rates, rng):
    """Another mix of verdicts, of which each means what it meant: outcomes are drawn after verdicts."""
    said, judge = (rng.choice(rates.size, m, p=p) for m, p in ((n, before), (total, prevalence)))
    other, y = ((rng.random(v.size) < rates[v]).astype(float) for v in (said, judge))
    scale = (rates.size - 1) or 1
    external = (said / scale, other)
    found = corrected_mean(
        judge / scale, [], [], design="external", target="batch", external=external, shift="mix"
    )
    return Replicate(y.mean(), found)


def grouped(groups, size, prevalence, icc, tpr, tnr, rng):
    """Whole groups drawn from many: outcomes of a group share their rate."""
    a = (1 - icc) / icc
    rate = rng.beta(prevalence * a, (1 - prevalence) * a, 400)
    group = np.repeat(np.arange(400), size)
    y = (rng.random(group.size) < rate[group]).astype(float)
    judge = binary_verdicts(y, tpr, tnr, rng)
    labelled = np.flatnonzero(np.isin(group, rng.choice(400, groups, replace=False)))
    return compared(judge, labelled, y, rng, group=group[labelled])


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
    return Replicate(truth, found, corrected_difference(nothing, at, people, target="batch"))


def applicable(total, n, prevalence, share, rng):
    """A criterion that applies to some items only, as far as people and mostly the judge can tell."""
    applies = (rng.random(total) < share).astype(float)
    y = (rng.random(total) < prevalence).astype(float)
    graded, judge = binary_verdicts(applies, 0.9, 0.9, rng), binary_verdicts(y, 0.85, 0.8, rng)
    at = rng.choice(total, n, replace=False)
    found = applicable_mean(judge, graded, at, y[at], applies[at], target="batch")
    return Replicate(float(y[applies == 1].mean()), found)


def real_table(judge, human, n, rng):
    items = rng.choice(judge.size, judge.size)
    return compared(judge[items], rng.choice(judge.size, n, replace=False), human[items], rng)


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


def two_raters(n, prevalence, tpr, tnr, rng):
    """Codes of a human and a 0/1 judge on n items of an endless population."""
    y = (rng.random(n) < prevalence).astype(float)
    return np.column_stack([y, binary_verdicts(y, tpr, tnr, rng)]).astype(int)


def kappa_binary(n, prevalence, tpr, tnr, rng):
    p, q = prevalence, 1 - prevalence
    table = np.array([[q * tnr, q * (1 - tnr)], [p * (1 - tpr), p * tpr]])
    seed = int(rng.integers(2**31))
    found = bootstrap("cohen_kappa", two_raters(n, prevalence, tpr, tnr, rng), levels=(0, 1), seed=seed)
    return Replicate(float(kappa_of_tables(table, disagreement(None, None, 2))), found)


def kappa_weighted(truth, n, shares, noise, rng):
    codes = np.column_stack([np.round(4 * v).astype(int) for v in ordinal(n, shares, noise, rng)])
    seed = int(rng.integers(2**31))
    found = bootstrap("cohen_kappa", codes, weights="quadratic", levels=range(5), seed=seed)
    return Replicate(truth, found)


def weighted_kappa_of(shares, noise):
    """Quadratically weighted kappa of the endless population behind `ordinal`."""
    from scipy.special import ndtr

    edges = np.r_[-np.inf, np.arange(0.5, 4), np.inf]
    table = np.array([share * np.diff(ndtr((edges - level) / noise)) for level, share in enumerate(shares)])
    return float(kappa_of_tables(table, disagreement("quadratic", None, 5)))


def youden(n, prevalence, tpr, tnr, rng):
    found = binary_rates(*two_raters(n, prevalence, tpr, tnr, rng).T).youden_j
    return Replicate(tpr + tnr - 1, found)
