"""Next week with fresh labels: the estimate that assumes nothing, the test of drift, the card that learns."""

import numpy as np
import pytest
from judged import LENGTH, TONE, YES, label, row, rubric_of

from judgekit.calibration import calibrate, load_card
from judgekit.calibration.fresh import ALONE, FRESH
from judgekit.calibration.in_memory import batch_from_rows
from judgekit.errors import StaleError, UsageError

RUBRIC = rubric_of(YES)


def week(rng, size, rate=0.6, right=0.9, prefix="w"):
    """A batch, and the labels of any of its items."""
    human = rng.random(size) < rate
    judge = np.where(rng.random(size) < right, human, ~human)
    said = {True: "pass", False: "fail"}
    rows = [row(RUBRIC, f"{prefix}{n}", {"correct": said[bool(judge[n])]}) for n in range(size)]
    labels = [label(f"{prefix}{n}", "correct", said[bool(human[n])], design="random") for n in range(size)]
    return human, rows, labels


def some(rng, labels, n):
    return [labels[place] for place in rng.choice(len(labels), n, replace=False)]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def card(rng, tmp_path):
    _, rows, labels = week(rng, 400, prefix="c")
    calibrate(rows, some(rng, labels, 120), rubric=RUBRIC).save(tmp_path / "card.json")
    return load_card(tmp_path / "card.json")


def test_fresh_labels_assume_nothing_and_gain_from_the_card(rng, card):
    human, rows, labels = week(rng, 500)
    found = card.correct(batch_from_rows(rows, RUBRIC), labels=some(rng, labels, 60))
    (quantity,) = found.quantities
    assert list(quantity.estimates) == [ALONE, FRESH]
    alone, fresh = quantity.estimates[ALONE], quantity.estimates[FRESH]
    assert fresh.low <= human.mean() <= fresh.high
    assert fresh.half_width < 0.85 * alone.half_width
    assert not found.open and not found.drifted and found.fresh == 60
    assert "nothing assumed" in str(found) and "Not refuted" in str(found)


def test_it_holds_where_both_assumptions_fail(card):
    """The judge got worse and the product too: fresh labels find the rate, the card alone does not."""
    held, assumed = 0, 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        human, rows, labels = week(rng, 600, rate=0.3, right=0.6)
        batch = batch_from_rows(rows, RUBRIC)
        fresh = (
            card.correct(batch, labels=some(rng, labels, 40), target="batch").quantities[0].estimates[FRESH]
        )
        held += fresh.low <= human.mean() <= fresh.high
        if seed < 20:
            both = card.correct(batch, target="batch").quantities[0].estimates
            assumed += any(one.low <= human.mean() <= one.high for one in both.values())
    assert held >= 150 * 0.95 - 3 * np.sqrt(150 * 0.95 * 0.05)
    assert assumed < 5


def test_a_verdict_that_means_something_else_makes_the_card_stale(rng, card, tmp_path):
    _, rows, labels = week(rng, 400, right=0.3)
    batch = batch_from_rows(rows, RUBRIC)
    found = card.correct(batch, labels=some(rng, labels, 60))
    assert found.drifted
    found.card.save(tmp_path / "stale.json")
    stale = load_card(tmp_path / "stale.json")
    with pytest.raises(StaleError, match="a verdict no longer means what it meant"):
        stale.correct(batch)
    assert stale.correct(batch, force=True).stale
    # With fresh labels nothing is taken from the card on trust.
    assert not stale.correct(batch, labels=some(rng, labels, 60)).stale


def test_eight_criteria_at_once_raise_no_more_false_alarms_than_one():
    """Each tested at .05, one of eight would be refuted by chance in every fourth or fifth week."""
    rng = np.random.default_rng(3)
    rubric = rubric_of(*({**YES, "name": f"c{k}"} for k in range(8)))
    said = {True: "pass", False: "fail"}

    def batch_of(size, prefix):
        human = rng.random((size, 8)) < 0.6
        judge = np.where(rng.random((size, 8)) < 0.85, human, ~human)
        rows = [
            row(rubric, f"{prefix}{n}", {f"c{k}": said[bool(judge[n, k])] for k in range(8)})
            for n in range(size)
        ]
        labels = [
            label(f"{prefix}{n}", f"c{k}", said[bool(human[n, k])], design="random")
            for n in range(size)
            for k in range(8)
        ]
        return rows, labels

    card, alarms = calibrate(*batch_of(150, "c"), rubric=rubric), 0
    for _ in range(25):
        rows, labels = batch_of(80, "w")
        alarms += card.correct(batch_from_rows(rows, rubric), labels=labels).drifted
    assert alarms <= 3


def test_the_card_learns_week_by_week(rng, card, tmp_path):
    weeks, widths = [], []
    for number in range(3):
        _, rows, labels = week(rng, 300, prefix=f"w{number}-")
        batch = batch_from_rows(rows, RUBRIC)
        found = card.correct(batch, labels=some(rng, labels, 60))
        found.card.save(tmp_path / "card.json")
        card = load_card(tmp_path / "card.json")
        weeks.append(len(card.weeks))
        _, rows, _ = week(np.random.default_rng(1), 2000, prefix="n")
        widths.append(card.correct(batch_from_rows(rows, RUBRIC), shift="mix").quantities[0].estimates["mix"])
    assert weeks == [1, 2, 3]
    assert widths[0].half_width > widths[1].half_width > widths[2].half_width
    assert [one.n for one in widths] == [180, 240, 300]
    again = card.correct(batch, labels=some(rng, labels, 60)).card
    assert len(again.weeks) == 3


def test_items_that_were_on_the_card_do_not_vouch_for_themselves(rng, tmp_path):
    """The labels of the very batch, given again as fresh: none of them may be known beforehand."""
    _, rows, labels = week(rng, 300)
    given = some(rng, labels, 60)
    calibrate(rows, given, rubric=RUBRIC).save(tmp_path / "card.json")
    found = load_card(tmp_path / "card.json").correct(batch_from_rows(rows, RUBRIC), labels=given)
    assert (
        found.quantities[0].estimates[FRESH].half_width
        >= found.quantities[0].estimates[ALONE].half_width - 1e-9
    )


def test_fewer_than_15_leave_the_assumptions_open(rng, card):
    _, rows, labels = week(rng, 200)
    found = card.correct(batch_from_rows(rows, RUBRIC), labels=some(rng, labels, 14))
    assert found.open and set(found.quantities[0].estimates) == {"mix", "prevalence"}
    assert "14 fresh labels, too few" in str(found)


def test_fresh_labels_are_a_random_draw(rng, card):
    _, rows, labels = week(rng, 200)
    batch = batch_from_rows(rows, RUBRIC)
    unstated = [{k: v for k, v in one.items() if k != "design"} for one in some(rng, labels, 40)]
    with pytest.raises(UsageError, match="have to be a random draw"):
        card.correct(batch, labels=unstated)
    assert card.correct(batch, labels=unstated, design="random").fresh == 40


@pytest.mark.parametrize("criterion", [TONE, LENGTH])
def test_means_too(criterion, tmp_path):
    rng, rubric, name = np.random.default_rng(4), rubric_of(criterion), criterion["name"]

    def batch(size, prefix):
        human = rng.integers(1, 4, size)
        judge = np.clip(human + rng.integers(-1, 2, size) * (rng.random(size) < 0.4), 1, 3)
        as_said = str if criterion is TONE else float
        rows = [row(rubric, f"{prefix}{n}", {name: as_said(judge[n])}) for n in range(size)]
        labels = [label(f"{prefix}{n}", name, as_said(human[n]), design="random") for n in range(size)]
        scale = (human - 1) / 2 if criterion is TONE else human / 10
        return scale.mean(), rows, labels

    _, rows, labels = batch(300, "c")
    card = calibrate(rows, some(rng, labels, 150), rubric=rubric)
    truth, rows, labels = batch(1000, "w")
    found = card.correct(batch_from_rows(rows, rubric), labels=some(rng, labels, 80))
    estimates = next(q for q in found.quantities if q.name.startswith("mean score")).estimates
    assert estimates[FRESH].low <= truth <= estimates[FRESH].high
    assert estimates[FRESH].half_width < 0.9 * estimates[ALONE].half_width
