"""What earlier labels tell a plan: how people answer, how far the judge agrees, how long a label takes."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import atanh, isnan, nan, sqrt, tanh

import numpy as np

from judgekit.calibration.batch import Floats, GradedBatch, Ints, Question
from judgekit.calibration.estimates import measures
from judgekit.calibration.human import human_answers
from judgekit.labels import ADJUDICATED, LabelSet
from judgekit.rubric import Rubric
from judgekit.stats.proportions import Z95

BREAK_S = 600.0  # who is away for longer was not labelling
LEAST_GAPS = 5
LEAST_PAIRS = 10
LARGEST = 0.95  # of a correlation: no plan rests on a judge that seems perfect


@dataclass(frozen=True)
class Pilot:
    """What labels at hand say about those to come.

    Attributes
    ----------
    outcomes : dict of str to float
        Human outcome of each labelled item, 0..1.
    mean, variance : float
        Of the outcomes in the batch they were drawn from; cautious for few labels, nan without any.
    binary : bool
        Whether outcomes are 0 or 1.
    failures : int
        Outcomes of 0.
    correlation : float
        Lower 95 % limit of that of judge value and outcome, 0 or more; nan where it is not known.
    agreement : float
        Share of items on which judge and people gave the same answer; nan where it is not known.
    pairs : int
        Items that both answered.
    seconds : float
        A rater's median time for an item; nan where no times are known.
    timed : int
        Items that this was measured on.
    """

    outcomes: Mapping[str, float]
    mean: float = nan
    variance: float = nan
    binary: bool = True
    failures: int = 0
    correlation: float = nan
    agreement: float = nan
    pairs: int = 0
    seconds: float = nan
    timed: int = 0


def pilot_of(labels: LabelSet, question: Question, rubric: Rubric, batch: GradedBatch | None) -> Pilot:
    """Read off labels what a plan needs; without a batch, nothing about the judge."""
    seconds, timed = seconds_per_item(labels)
    people = human_answers(labels, question, rubric)
    values = next(measures(question)).of(people.codes, people.scores, people.passes)
    known = ~np.isnan(values)
    ids = [key for key, there in zip(people.ids, known, strict=True) if there]
    y, weight = values[known].astype(float), _weights(labels, ids)
    outcomes = dict(zip(ids, y.tolist(), strict=True))
    if not ids:
        return Pilot(outcomes, seconds=seconds, timed=timed)
    mean, variance, binary = _moments(y, weight)
    correlation, agreement, pairs = nan, nan, 0
    if batch is not None:
        f, same, there = _judge_side(question, batch, ids, people.codes[known], values[known])
        correlation, pairs = _correlation(f[there], y[there], weight[there]), int(there.sum())
        agreement = float(np.average(same[there], weights=weight[there])) if pairs else nan
    return Pilot(
        outcomes, mean, variance, binary, int(np.sum(y == 0)), correlation, agreement, pairs, seconds, timed
    )


def _weights(labels: LabelSet, ids: list[str]) -> Floats:
    """How many items of their batch each labelled item stands for."""
    by_id = {label.id: label for label in labels.labels}
    drawn = Counter(by_id[key].stratum for key in ids)
    found = []
    for key in ids:
        label = by_id[key]
        mates = drawn[label.stratum]
        size = ((label.frame or {}).get("strata") or {}).get(label.stratum) or mates
        found.append(1 / label.probability if label.probability else size / mates)
    return np.array(found, float)


def _moments(y: Floats, weight: Floats) -> tuple[float, float, bool]:
    """Mean and variance: of a share two successes and two failures are added, so that none is certain."""
    mean, n = float(np.average(y, weights=weight)), y.size
    binary = bool(np.all((y == 0) | (y == 1)))
    if binary:
        likely = (n * mean + 2) / (n + 4)
        return mean, likely * (1 - likely), True
    squares = n * float(np.average((y - mean) ** 2, weights=weight))
    return mean, min((squares + 1 / 8) / max(n - 1.5, 0.5), 0.25), False


def _judge_side(
    question: Question, batch: GradedBatch, ids: list[str], codes: Ints, y: Floats
) -> tuple[Floats, np.ndarray, np.ndarray]:
    """Give the judge's values of labelled items, whether it said the same, and of which it has a value."""
    answers = batch.answers[question.name]
    values = next(measures(question)).of(answers.codes, answers.scores, answers.passes)
    places = np.array([batch.position.get(key, -1) for key in ids], np.intp)
    f = np.where(places < 0, nan, values[places])
    same = (answers.codes[places] == codes) if question.criterion.range is None else np.abs(f - y) <= 0.1
    return f, same, ~np.isnan(f)


def _correlation(f: Floats, y: Floats, weight: Floats) -> float:
    """Lower limit of the correlation, by Fisher's z; nan where there is too little to go by."""
    if f.size < LEAST_PAIRS or np.ptp(f) == 0 or np.ptp(y) == 0:
        return nan
    cov = np.cov(f, y, aweights=weight)
    r = float(np.clip(cov[0, 1] / sqrt(cov[0, 0] * cov[1, 1]), -0.999, 0.999))
    return min(max(tanh(atanh(r) - Z95 / sqrt(f.size - 3)), 0.0), LARGEST)


def spread_by_stratum(pilot: Pilot, batch: GradedBatch, codes: Ints) -> Floats | None:
    """Give the standard deviation of human outcomes in each stratum, shape (H,); None if unknown."""
    kinds = int(codes.max()) + 1
    inside: list[list[float]] = [[] for _ in range(kinds)]
    for key, outcome in pilot.outcomes.items():
        if key in batch.position:
            inside[codes[batch.position[key]]].append(outcome)
    if not any(inside):
        return None
    return np.array([_deviation(np.array(found), pilot.binary) for found in inside])


def _deviation(outcomes: Floats, binary: bool) -> float:
    n = outcomes.size
    if binary:
        likely = (outcomes.sum() + 1) / (n + 2)
        return sqrt(likely * (1 - likely))
    squares = float(np.sum((outcomes - outcomes.mean()) ** 2)) if n else 0.0
    return sqrt(min((squares + 1 / 8) / (n - 0.5), 0.25)) if n else 0.5


def seconds_per_item(labels: LabelSet) -> tuple[float, int]:
    """Median time that a rater spent on an item, from when labels were given.

    Parameters
    ----------
    labels : LabelSet
        With `at`, ISO 8601; other labels are passed over.

    Returns
    -------
    float
        Seconds between a rater's last label of one item and that of the next; gaps of more than ten minutes
        are breaks, none at all is a file saved in one go. nan with fewer than five.
    int
        Items that were timed.
    """
    last: dict[str, dict[tuple[str, bool], datetime]] = defaultdict(dict)
    for label in labels.labels:
        moment, key = _moment(label.at), (label.id, label.repeat)
        if moment is not None and label.rater != ADJUDICATED:
            last[label.rater][key] = max(last[label.rater].get(key, moment), moment)
    gaps: list[float] = []
    for moments in last.values():
        times = sorted(moments.values())
        steps = (float((b - a).total_seconds()) for a, b in pairwise(times))
        gaps += [step for step in steps if 0 < step <= BREAK_S]
    if len(gaps) < LEAST_GAPS:
        return nan, 0
    return float(np.median(gaps)), len(gaps)


def _moment(at: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(at.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def known(value: float, otherwise: float) -> float:
    """Give a value, or what stands for it where it is not known."""
    return otherwise if isnan(value) else value
