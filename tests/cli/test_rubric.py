"""``judgekit rubric show --card``: the requirement document with what a card knows of it."""

import json

import pytest
from judged import YES, crossed, rubric_of

from judgekit.calibration import calibrate

TABLE = {("pass", "pass"): 60, ("fail", "pass"): 6, ("pass", "fail"): 8, ("fail", "fail"): 26}


@pytest.fixture
def card(folder):
    """A card of one criterion, and a function that writes its rubric with a target."""
    rubric = rubric_of(YES)
    rows, labels = crossed(rubric, TABLE, {"pass": 200, "fail": 100})
    calibrate(rows, labels, rubric=rubric, design="random").save("card.json")

    def write(target, **more):
        asked = {
            **rubric.to_dict(),
            "criteria": [{**rubric.to_dict()["criteria"][0], "target": target, **more}],
        }
        if target is None:
            del asked["criteria"][0]["target"]
        (folder / "asked.yaml").write_text(json.dumps(asked))
        return "asked.yaml"

    return write


@pytest.mark.parametrize("target, state, code", [(0.2, "met", 0), (0.97, "not met", 1), (0.66, "unknown", 4)])
def test_each_state_has_its_exit_code(judgekit, card, target, state, code):
    done = judgekit("rubric", "show", card(target), "--card", "card.json")
    assert done.code == code
    assert f"**Required: at least {100 * target:g} % of items pass.** **{state.capitalize()}**: " in done.out
    assert f"95 % intervals): 1 {state}." in done.out and "next: judgekit" in done.out


def test_as_json(judgekit, card):
    done = judgekit("rubric", "show", card(0.97), "--card", "card.json", "--json")
    assert done.code == 1
    (held,) = done.json["requirements"]
    assert held["state"] == "not met" and held["low"] < held["value"] < held["high"] < held["required"]
    assert done.json["card"]["design"] == "random" and done.json["rubric"]["name"] == "test"


def test_another_wording_is_not_enough_evidence(judgekit, card):
    done = judgekit("rubric", "show", card(0.2, question="Is it right?"), "--card", "card.json")
    assert done.code == 4 and "another wording of this criterion" in done.out


def test_nothing_required_is_nothing_to_meet(judgekit, card):
    done = judgekit("rubric", "show", card(None), "--card", "card.json")
    assert done.code == 0 and "nothing to be met: write `target: 0.9` into" in done.out
    assert "Required" not in done.out


def test_a_card_holds_its_own_rubric(judgekit, card):
    named = judgekit("rubric", "show", card(None), "--card", "card.json")
    assert judgekit("rubric", "show", "--card", "card.json").out == named.out
    done = judgekit("rubric", "show")
    assert done.code == 2 and "name a rubric, or a card that holds one" in done.err


def test_what_is_no_card(judgekit, card):
    done = judgekit("rubric", "show", card(0.5), "--card", "asked.yaml")
    assert done.code == 2 and "is not a card" in done.err
