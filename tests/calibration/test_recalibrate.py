"""What a card says of one verdict."""

import json

import numpy as np
import pytest
from judged import LENGTH, TONE, TOPIC, YES, crossed, label, row, rubric_of

from judgekit.calibration import calibrate, load_card
from judgekit.calibration.recalibrate import vouching
from judgekit.errors import StaleError, UsageError
from judgekit.verdict import verdict_from_dict

TABLE = {("pass", "pass"): 40, ("fail", "pass"): 6, ("pass", "fail"): 8, ("fail", "fail"): 26}
FINGERPRINT = "sha256:f"


def card_of(tmp_path, rubric, rows, labels, design="random"):
    calibrate(rows, labels, rubric=rubric, design=design).save(tmp_path / "card.json")
    return load_card(tmp_path / "card.json")


def known_of(card, rubric, **options):
    return vouching(card, rubric, options.pop("fingerprint", FINGERPRINT), card.signature, **options)


def verdict_on(rubric, answers):
    return verdict_from_dict(row(rubric, "new", answers)["verdict"])


@pytest.fixture
def yes(tmp_path):
    rubric = rubric_of(YES)
    return rubric, card_of(tmp_path, rubric, *crossed(rubric, TABLE))


def test_by_hand(yes):
    rubric, card = yes
    known = known_of(card, rubric)
    base = 46 / 80
    for answer, p in (("pass", (40 + 2 * base) / 50), ("fail", (6 + 2 * base) / 34)):
        whole, parts = known.chances(verdict_on(rubric, {"correct": answer}))
        assert whole == pytest.approx(p) and parts == {"correct": pytest.approx(p)}


def test_a_card_keeps_it(yes, tmp_path):
    rubric, card = yes
    found = card["correct"].recalibration
    again = calibrate(*crossed(rubric, TABLE), rubric=rubric, design="random")["correct"].recalibration
    assert found.to_dict() == again.to_dict()
    assert json.loads((tmp_path / "card.json").read_text())["results"][0]["recalibration"] == found.to_dict()


@pytest.mark.parametrize("failure", ["timeout", "invalid_reply"])
def test_a_failure_has_no_probability(yes, failure):
    rubric, card = yes
    known = known_of(card, rubric)
    assert known.chances(verdict_on(rubric, failure)) == (None, {})
    assert known.chances(verdict_on(rubric, {"correct": failure})) == (None, {})


def test_what_neither_passes_nor_fails_has_none(tmp_path):
    rubric = rubric_of(TOPIC)
    rows, labels = crossed(rubric, {("bill", "bill"): 30, ("login", "login"): 30})
    card = card_of(tmp_path, rubric, rows, labels)
    assert card["topic"].recalibration is None
    assert known_of(card, rubric).chances(verdict_on(rubric, {"topic": "bill"})) == (None, {})


def test_a_number_is_read_as_a_score(tmp_path):
    rubric = rubric_of({**LENGTH, "pass_at": 6})
    rng = np.random.default_rng(0)
    rows, labels = [], []
    for n in range(120):
        people = float(rng.integers(0, 11))
        rows.append(row(rubric, f"i{n}", {"length": float(np.clip(people + rng.normal(0, 1), 0, 10))}))
        labels.append(label(f"i{n}", "length", people))
    card = card_of(tmp_path, rubric, rows, labels)
    assert card["length"].recalibration.kind == "platt"
    known = known_of(card, rubric)
    p = [known.chances(verdict_on(rubric, {"length": v}))[1]["length"] for v in (1.0, 5.5, 9.0)]
    assert p[0] < 0.1 < 0.25 < p[1] < 0.75 < 0.9 < p[2]


def test_the_whole_and_its_criteria(tmp_path):
    rubric = rubric_of({**YES, "gate": True}, {**TONE, "pass_at": "2"})
    rows, labels = [], []
    for n in range(80):
        yes, tone = ("pass", "fail")[n % 3 == 0], ("1", "2", "3")[n % 5 % 3]
        rows.append(row(rubric, f"i{n}", {"correct": yes, "tone": tone}))
        labels.append(label(f"i{n}", "correct", yes if n % 11 else "fail"))
        labels.append(label(f"i{n}", "tone", tone if n % 7 else "1"))
    card = card_of(tmp_path, rubric, rows, labels)
    known = known_of(card, rubric)
    whole, parts = known.chances(verdict_on(rubric, {"correct": "pass", "tone": "3"}))
    assert set(parts) == {"correct", "tone"}
    assert whole == pytest.approx(card["overall"].recalibration([0])[0])
    # one criterion failed to be judged: nothing follows for the whole, the other keeps its own
    whole, parts = known.chances(verdict_on(rubric, {"correct": "timeout", "tone": "3"}))
    assert whole is None and set(parts) == {"tone"}


def test_labels_of_no_design_offer_nothing(tmp_path):
    rubric = rubric_of(YES)
    card = card_of(tmp_path, rubric, *crossed(rubric, TABLE), design="unknown")
    found = card["correct"].recalibration
    assert not found.offered and "it is not stated how" in found.note


def test_labels_drawn_unevenly_are_weighted(tmp_path):
    rubric = rubric_of(YES)
    rows, labels = crossed(rubric, TABLE, {"pass": 20, "fail": 100})
    judged = {
        one["id"]: one["verdict"]["label"] or one["verdict"]["criteria"]["correct"]["label"] for one in rows
    }
    for one in labels:
        one |= {"probability": 48 / 68 if judged[one["id"]] == "pass" else 32 / 132}
    card = card_of(tmp_path, rubric, rows, labels, "probability")
    found = card["correct"].recalibration
    base = (68 * 40 / 48 + 132 * 6 / 32) / 200
    assert found.base_rate == pytest.approx(base)
    assert found([0, 1]) == pytest.approx([(40 + 2 * base) / 50, (6 + 2 * base) / 34])


def test_when_a_card_does_not_hold(yes):
    rubric, card = yes
    with pytest.raises(StaleError, match=r"it vouches for .* which differ in settings of the model"):
        known_of(card, rubric, fingerprint="sha256:g")
    assert known_of(card, rubric, fingerprint="sha256:g", force=True).state == "stale"
    reworded = rubric_of({**YES, "question": "Is it right?"})
    with pytest.raises(StaleError, match="what differs: correct"):
        known_of(card, reworded)
    forced = known_of(card, reworded, force=True)
    assert forced.state == "stale" and forced.recalibrations == {}


def test_a_judge_that_labels_did_not_decide_for(tmp_path):
    rubric = rubric_of(YES)
    few = {("pass", "pass"): 12, ("fail", "fail"): 8}
    card = card_of(tmp_path, rubric, *crossed(rubric, few))
    assert card.decision.verb == "insufficient"
    known = known_of(card, rubric)
    assert (known.state, known.chances(verdict_on(rubric, {"correct": "pass"}))) == ("none", (None, {}))
    opposite = {("pass", "fail"): 40, ("fail", "pass"): 40}
    card = card_of(tmp_path, rubric, *crossed(rubric, opposite))
    with pytest.raises(UsageError, match="the card advises against this judge: Do not use this judge"):
        known_of(card, rubric)
    assert known_of(card, rubric, force=True).state == "none"
