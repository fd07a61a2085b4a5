"""Thresholds of the decision that the user states."""

import pytest
from judged import binary

from judgekit.calibration import calibrate, load_card
from judgekit.calibration.thresholds import Thresholds, read_thresholds
from judgekit.errors import UsageError


def verb(table, rest=(0, 0), **thresholds):
    rubric, rows, labels = binary(*table, rest=rest)
    stated = Thresholds(**thresholds)
    return calibrate(rows, labels, rubric=rubric, design="random", thresholds=stated).decision


def test_a_stated_agreement_and_margin_stand_in_for_people_who_were_not_compared():
    excellent = (120, 2, 2, 76)
    assert verb(excellent).verb == "correct"
    found = verb(excellent, agreement=0.9, margin=0.1)
    assert found.verb == "trust"
    assert "bias within 10.0 points, agreement at least the 90 % asked for" in found.sentence
    assert verb(excellent, agreement=0.99).verb == "correct"
    assert verb(excellent, agreement=0.9, margin=0.001).verb == "correct"


def test_each_line_moves():
    weak = (20, 10, 10, 20)
    assert verb(weak).verb == "correct"
    assert verb(weak, reject=0.7).verb == "reject"
    assert verb(weak, labels=61).verb == "insufficient"
    assert verb(weak, in_class=31).verb == "insufficient"


def test_they_are_on_the_card(tmp_path):
    rubric, rows, labels = binary(20, 10, 10, 20)
    found = calibrate(rows, labels, rubric=rubric, design="random", thresholds=Thresholds(reject=0.7))
    found.save(tmp_path / "card.json")
    assert load_card(tmp_path / "card.json").thresholds == Thresholds(reject=0.7)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("rejct=.4", "the names are labels, in_class"),
        ("reject", "write NAME=VALUE"),
        ("labels=1.5", "write NAME=VALUE"),
        ("reject=1.4", "a share from 0 to 1"),
        ("margin=nan", "a share from 0 to 1"),
        ("labels=-1", "a whole number from 0"),
    ],
)
def test_a_wrong_one_is_named(given, why):
    with pytest.raises(UsageError, match=why):
        read_thresholds([given])


def test_they_are_read_as_written():
    assert read_thresholds(["labels=50", "reject=.3"]) == Thresholds(labels=50, reject=0.3)
