"""The pictures of a calibration: marks where the numbers are, and words where nothing can be drawn."""

from dataclasses import replace
from itertools import pairwise
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import TONE, YES, crossed, label, row, rubric_of

from judgekit.calibration import calibrate
from judgekit.calibration.batch import questions
from judgekit.report.ceiling import ceiling_picture
from judgekit.report.labels_width import labels_width
from judgekit.report.pictures import heat
from judgekit.report.reliability import FROM, HEAD, TALL, TO, reliability, reliability_words, spread
from judgekit.stats.calibration_error import ReliabilityBin
from judgekit.stats.recalibration import recalibrate


def measured(size=400, n=160, raters=1, **criterion):
    """A batch of which n items are labelled, by raters who differ now and then."""
    rng = np.random.default_rng(3)
    rubric = rubric_of({**TONE, "pass_at": "2", **criterion})
    truth = rng.integers(0, 3, size)
    rows = [
        row(rubric, f"i{k}", {"tone": str(min(t + int(rng.random() < 0.3), 2) + 1)})
        for k, t in enumerate(truth)
    ]
    labels = []
    for k in rng.choice(size, n, replace=False):
        for rater in ("ann", "bob")[:raters]:
            said = max(truth[k] - int(rng.random() < 0.1), 0)
            labels.append(label(f"i{k}", "tone", str(said + 1), rater))
        if raters > 1:
            labels.append(label(f"i{k}", "tone", str(truth[k] + 1), "adjudicated"))
    found = calibrate(rows, labels, rubric=rubric, design="random")
    return found, found["tone"], questions(rubric)[0]


@pytest.fixture(scope="module")
def tone():
    return measured(raters=2)


# ------------------------------------------------------------------------------------------------ reliability


def test_bins_stand_where_they_are(tone):
    found = tone[1].recalibration
    picture = reliability(found)
    assert len(picture.bins) == len(found.bins) >= 2
    for mark, one in zip(picture.bins, sorted(found.bins, key=lambda b: b.stated), strict=True):
        assert mark.x == pytest.approx(FROM + (TO - FROM) * one.stated, abs=0.01)
        for at, share in ((mark.y, one.observed), (mark.low, one.low), (mark.high, one.high)):
            assert at == pytest.approx(HEAD + TALL * (1 - share), abs=0.06)
        assert mark.n == one.n and f"n = {one.n}" in picture.words
    assert f"Brier score {found.brier:.3f}, {found.brier_constant:.3f} for" in reliability_words(found)


def test_what_is_not_offered_is_not_drawn():
    rng = np.random.default_rng(0)
    found = recalibrate(rng.random(60), rng.integers(0, 2, 60))
    held = replace(found, bins=(ReliabilityBin(0.1, 0.1, 0, 0.2, 30), ReliabilityBin(0.9, 0.9, 0.8, 1, 30)))
    assert reliability(replace(held, offered=True)) is not None
    refused = replace(held, offered=False, note="worse than the base rate: not offered")
    assert reliability(refused) is None
    assert reliability_words(refused).endswith("is not stated: worse than the base rate.")
    assert reliability(replace(held, offered=True, bins=held.bins[:1])) is None
    assert reliability(None) is None and reliability_words(None) == ""


PLACES = st.lists(st.floats(0, 100), min_size=1, max_size=10).map(sorted)


@given(PLACES)
def test_counts_never_stand_on_each_other(places):
    moved = spread(places, 9.5, 0, 100)
    assert all(0 <= one <= 100 for one in moved)
    assert all(b - a >= 9.5 - 0.011 for a, b in pairwise(moved))
    if all(b - a >= 9.5 for a, b in pairwise(places)):
        assert moved == pytest.approx(places, abs=0.006)


# ------------------------------------------------------------------------------------------ labels and width


def test_today_lies_on_the_curve_at_its_own_width():
    calibration, result, question = measured(6000, 60)
    picture, why = labels_width(calibration, result, question)
    half = 100 * result.headline.corrected.half_width
    assert why == "" and picture.today.said == f"today: 60 labels, ± {half:.1f} points"
    x1, y1, x2, y2 = next(one for one in picture.both if one[0] <= picture.today.x <= one[2])
    assert y1 >= y2 or y1 <= picture.today.y <= y2  # pixels grow downwards as widths shrink
    assert abs(picture.today.y - np.interp(picture.today.x, (x1, x2), (y1, y2))) < 2


def test_to_halve_takes_about_four_times_the_labels():
    calibration, result, question = measured(6000, 60)
    picture, _ = labels_width(calibration, result, question)
    wanted = int(picture.half.said.split()[3])
    assert 150 < wanted < 260 and f"{wanted - 60} more labels, {wanted} in all" in picture.caption
    foot = picture.foot
    assert foot - picture.half.y == pytest.approx((foot - picture.today.y) / 2, abs=0.2)


def test_curves_fall_and_the_judge_saves_labels():
    picture, _ = labels_width(*measured(6000, 60))
    for curve in (picture.both, picture.alone):
        heights = [y for _, y, _, _ in curve] + [curve[-1][3]]
        assert heights == sorted(heights) and picture.top - 0.1 <= heights[0] and heights[-1] <= picture.foot
    assert picture.both[0][0] < picture.alone[0][0]


def test_few_items_cannot_halve_it():
    picture, _ = labels_width(*measured(100, 60))
    assert picture.half is None and "Labelling all 100 would leave 0." in picture.caption


@pytest.mark.parametrize("size, n", [(100, 60), (150, 60), (6000, 60)])
def test_the_judge_is_never_drawn_above_labels_alone(size, n):
    picture, _ = labels_width(*measured(size, n))
    ends = [[(a, b) for a, b, _, _ in curve] + [curve[-1][2:]] for curve in (picture.alone, picture.both)]
    (x, alone), (to, both) = (zip(*curve, strict=True) for curve in ends)
    there = [(at, y) for at, y in zip(to, both, strict=True) if at >= x[0]]
    assert all(y >= np.interp(at, x, alone) - 1.5 for at, y in there)  # lower down is narrower
    assert min(to) >= picture.across[0][0]


@pytest.mark.parametrize(
    "size, n, why", [(40, 10, "With 10 labels nobody can tell"), (60, 60, "Every item is labelled")]
)
def test_no_curve_without_ground(size, n, why):
    picture, said = labels_width(*measured(size, n))
    assert picture is None and said.startswith(why)


def test_no_curve_where_raters_leave_no_value():
    rubric = rubric_of(YES)
    rows, labels = crossed(rubric, {("pass", "pass"): 50, ("fail", "fail"): 30}, {"pass": 100})
    labels += [label(f"i{n}", "correct", "fail", "bob") for n in range(40)]
    found = calibrate(rows, labels, rubric=rubric, design="random")
    picture, why = labels_width(found, found["correct"], questions(rubric)[0])
    assert picture is None and "labels without one answer" in why


# ---------------------------------------------------------------------------------------- ceiling, confusion


def test_the_ceiling_is_drawn_beside_the_judge(tone):
    result = tone[1]
    picture, words = ceiling_picture(result)
    people, judge = picture.marks
    assert (people.at, people.low) == (
        round(100 * result.ceiling.human.value, 2),
        round(100 * result.ceiling.human.low, 2),
    )
    assert judge.at == round(100 * result.ceiling.judge.value, 2) and "n = 160" in judge.said
    assert words


@pytest.mark.parametrize(
    "value, low, words",
    [
        (-0.02, -0.05, "nearly as well as they do with each other: 5 points less at most"),
        (0.05, 0.01, "0 points less at most"),
        (-0.2, -0.3, "room for a better judge"),
        (-0.08, -0.2, "cannot show"),
        (-0.08, nan, "most one can ask"),
    ],
)
def test_the_words_go_by_the_limit(tone, value, low, words):
    top = tone[1].ceiling
    moved = replace(top, difference=replace(top.difference, value=value, low=low))
    assert words in ceiling_picture(replace(tone[1], ceiling=moved))[1]


def test_one_rater_has_no_ceiling():
    picture, words = ceiling_picture(measured()[1])
    assert picture is None and words.startswith("One rater labelled these items")


@pytest.mark.parametrize("size", range(2, 8))
def test_confusion_of_two_to_seven_levels(size):
    levels = tuple(f"level number {n}" for n in range(size))
    table = tuple(tuple(n * size + m for m in range(size)) for n in range(size))
    picture = heat("t", levels, table)
    assert len(picture.squares) == size**2 and picture.width <= 420
    for place, square in enumerate(picture.squares):
        r, c = divmod(place, size)
        column = sum(line[c] for line in table)
        assert square.count == table[r][c] and square.agrees == (r == c)
        assert square.shade == pytest.approx(table[r][c] / column, abs=6e-4)
