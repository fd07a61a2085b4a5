"""What must not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import LENGTH, TONE, YES, label, row, rubric_of

from judgekit.calibration import calibrate

PASS, SCALE = YES | {"gate": True, "allow_not_applicable": True}, TONE
RUBRIC = rubric_of(PASS, SCALE, LENGTH, threshold=0.4, allow_abstain=True)
ANSWERS = {
    "correct": ("pass", "fail", "not_applicable"),
    "tone": ("1", "2", "3"),
    "length": (0.0, 2.0, 7.0, 10.0),
}


def made(seed, total, n, raters):
    """Graded rows, some of them failed, and labels of two or three raters on the first n."""
    rng = np.random.default_rng(seed)
    rows = [row(RUBRIC, f"i{place}", _judge(rng)) for place in range(total)]
    labels = []
    for place in range(n):
        for name, answers in ANSWERS.items():
            agreed = rng.choice(len(answers), p=_odds(len(answers)))
            for rater in RATERS[:raters]:
                code = agreed if rng.random() < 0.8 else rng.integers(len(answers))
                answer = "cannot_tell" if rng.random() < 0.01 else answers[code]
                labels.append(label(f"i{place}", name, answer, rater))
    return rows, labels


studies = st.tuples(st.integers(0, 10_000), st.integers(40, 70), st.integers(20, 36), st.integers(2, 3))


def _odds(count):
    return np.array([0.5, 0.4, 0.1, 0.0][:count]) / sum([0.5, 0.4, 0.1, 0.0][:count])


def _judge(rng):
    if rng.random() < 0.05:
        return "timeout"
    said = {
        name: answers[rng.choice(len(answers), p=_odds(len(answers)))] for name, answers in ANSWERS.items()
    }
    return said | ({"tone": "cannot_tell"} if rng.random() < 0.05 else {})


def figures(found, leave=()):
    """All numbers of a calibration, by where they stand."""
    seen = {}

    def walk(value, path):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                walk(inner, (*path, place))
        elif not set(path) & set(leave):
            seen[path] = np.nan if value is None else value

    walk({"results": found.to_dict()["results"], "digests": found.digests}, ())
    return seen


def same(first, second, leave=()):
    a, b = figures(first, leave), figures(second, leave)
    assert set(a) == set(b)
    for path, value in a.items():
        if isinstance(value, float):
            assert b[path] == pytest.approx(value, abs=1e-9, nan_ok=True), path
        else:
            assert b[path] == value, path


def run(rows, labels):
    return calibrate(rows, labels, rubric=RUBRIC, design="random")


RATERS = ("ann", "bob", "cy")
few = settings(max_examples=12)


@few
@given(studies, st.integers(0, 99))
def test_the_order_of_rows_and_of_labels(study, seed):
    rows, labels = made(*study)
    rng = np.random.default_rng(seed)
    mixed, shuffled = ([one[place] for place in rng.permutation(len(one))] for one in (rows, labels))
    same(run(rows, labels), run(mixed, shuffled), leave=("rater_report",))


@few
@given(studies, st.integers(0, 9))
def test_a_label_given_twice_alike(study, first):
    rows, labels = made(*study)
    twice = [*labels, *labels[first : first + 5]]
    found = run(rows, twice)
    same(run(rows, labels), found)
    assert "5 identical labels kept once" in found.notes


@few
@given(studies, st.permutations(["x", "y", "z"]))
def test_what_raters_are_called(study, names):
    rows, labels = made(*study)
    called = dict(zip(RATERS, names, strict=True))
    renamed = [one | {"rater": called[one["rater"]]} for one in labels]
    same(run(rows, labels), run(rows, renamed), leave=("digests",))


@few
@given(studies, st.integers(1, 30))
def test_unlabelled_items_move_only_the_judges_count_and_the_correction(study, more):
    rows, labels = made(*study)
    rng = np.random.default_rng(more)
    wider = [*rows, *(row(RUBRIC, f"new{n}", _judge(rng)) for n in range(more))]
    moves = ("quantities", "batch", "verdicts", "frame", "decision", "sentence")
    a, b = run(rows, labels), run(wider, labels)
    same(a, b, leave=moves)
    for before, after in zip(a.results, b.results, strict=True):
        for old, new in zip(before.quantities, after.quantities, strict=True):
            assert new.human.value == pytest.approx(old.human.value, nan_ok=True)
