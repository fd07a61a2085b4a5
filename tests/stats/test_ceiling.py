"""Agreement between humans, and of the judge in a human's place."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import stdtrit

from judgekit.errors import ShapeError
from judgekit.stats import ceiling, interval_alpha, krippendorff_alpha

MISSING = -1


def panel(n=120, raters=3, seed=0, levels=4):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, levels, n)
    ratings = np.where(rng.random((n, raters)) < 0.8, truth[:, None], rng.integers(0, levels, (n, raters)))
    judge = np.where(rng.random(n) < 0.7, truth, rng.integers(0, levels, n))
    return judge, np.where(rng.random(ratings.shape) < 0.1, MISSING, ratings)


def by_hand(judge, ratings, agree):
    """The definition, item by item: each rater against the others, then the judge in the rater's place."""
    human, stead = [], []
    for verdict, row in zip(judge, ratings, strict=True):
        row = [label for label in row if label >= 0]
        if len(row) < 2 or verdict < 0:
            continue
        human.append(np.mean([agree(a, b) for a, b in combinations(row, 2)]))
        stead.append(np.mean([agree(verdict, label) for label in row]))
    return np.array(human), np.array(stead)


WAYS = {
    "nominal": lambda a, b: float(a == b),
    "ordinal": lambda a, b: 1 - ((a - b) / 3) ** 2,
    "interval": lambda a, b: 1 - abs(a - b) / 3,
}


@pytest.mark.parametrize("level", WAYS)
def test_agreement_is_that_of_the_definition(level):
    judge, ratings = panel()
    judge[:7] = MISSING
    human, stead = by_hand(judge, ratings, WAYS[level])
    if level == "interval":
        judge, ratings = (np.where(codes < 0, np.nan, codes) for codes in (judge, ratings))
        expected = interval_alpha(ratings)
    else:
        expected = krippendorff_alpha(ratings, level, range(4))
    found = ceiling(judge, ratings, level=level, levels=range(4))
    assert found.human.value == pytest.approx(human.mean(), abs=1e-12)
    assert found.judge.value == pytest.approx(stead.mean(), abs=1e-12)
    assert found.human.n == found.judge.n == found.difference.n == len(human) < found.raw.n
    assert found.alpha.value == pytest.approx(expected, abs=1e-12)
    difference, n = stead - human, len(human)
    error = np.sqrt((np.sum((difference - difference.mean()) ** 2) + 0.5) / (n - 1) / n)
    lower = difference.mean() - stdtrit(n - 1, 0.95) * error
    assert found.difference.low == pytest.approx(lower, abs=1e-12)
    assert found.difference.confidence == pytest.approx(0.9)


def test_a_judge_that_copies_a_rater_stands_level_with_the_humans():
    _, ratings = panel(n=4000, raters=2)
    ratings = ratings[(ratings >= 0).all(axis=1)]
    copied = np.where(np.arange(len(ratings)) % 2, ratings[:, 0], ratings[:, 1])
    found = ceiling(copied, ratings)
    assert found.difference.low > 0  # it agrees with itself, half of the time
    assert found.raw == found.human


def test_groups_widen_the_difference():
    judge, ratings = panel(n=200)
    plain = ceiling(judge, ratings)
    grouped = ceiling(judge, ratings, group=np.arange(200) // 20)
    assert grouped.difference.value == plain.difference.value
    assert grouped.difference.low < plain.difference.low
    assert grouped.alpha.method == "bootstrap of groups"


def test_one_rater_leaves_everything_undefined():
    found = ceiling([0, 1, 1], [[0], [1], [0]])
    values = found.to_dict()
    assert all(values[name]["value"] is None and values[name]["note"] for name in values)
    assert found.human.note == "no item has labels of two raters"


def test_humans_and_judge_of_one_mind_keep_a_width():
    found = ceiling([0, 1] * 30, [[0, 0], [1, 1]] * 30)
    assert found.difference.value == 0 > found.difference.low > -0.05
    assert found.human.low < 1 and found.alpha.low < 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ceiling([0, 1], [[0, 0]]), "judge has shape"),
        (lambda: ceiling([0.0], [[0.0, 0.0]], level="interval"), "ends of the scale"),
        (lambda: ceiling([0.0], [[0.0, 0.0]], level="interval", levels=(1, 1)), "scale length 0"),
        (lambda: ceiling([0], [[0, 0]], level="ratio"), "level 'ratio'"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
