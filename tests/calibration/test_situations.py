"""Forty situations, their decisions and sentences written from the specification before the code was run."""

import pytest
from judged import TONE, binary, crossed, rubric_of
from situations import PAGE, calibrated, calibrated_by_command, numbers, outcome, page, situations

from judgekit.calibration import calibrate
from judgekit.cli.calibrate import EXITS
from judgekit.cli.console import ExitCode
from judgekit.errors import InputError, UsageError

TABLE = situations()
READY = [one for one in TABLE if "look" not in one]
ROUNDING = 1e-9


def named(chosen):
    return pytest.mark.parametrize("situation", chosen, ids=[one["id"] for one in chosen])


def check_sentence(situation, sentence):
    for fragment in situation.get("says", []):
        assert fragment in sentence
    expected, found = numbers(situation.get("sentence", "")), numbers(sentence)
    within = situation.get("within", [])
    assert len(found) >= len(expected), sentence
    for place, (wanted, got) in enumerate(zip(expected, found, strict=False)):
        allowed = within[place] if place < len(within) else 0
        assert abs(wanted - got) <= allowed + ROUNDING, (wanted, got, sentence)


def test_there_are_forty_and_every_decision_is_among_them():
    assert len({one["id"] for one in TABLE}) == 40
    assert {one["decision"] for one in TABLE} == {*EXITS, "error"}


@named(TABLE)
def test_counts_add_up(situation):
    labelled = sum(sum(people.values()) for people in situation["labelled"].values())
    assert labelled + sum(situation["unlabelled"].values()) == situation["N"]
    for judge, people in situation.get("second_rater", {}).items():
        for human, differs in people.items():
            assert sum(differs.values()) <= situation["labelled"][judge][human]


@named(READY)
def test_decision_sentence_and_exit_code_are_those_of_the_table(situation):
    verb, sentence = outcome(situation)
    assert verb == situation["decision"], sentence
    check_sentence(situation, sentence)
    assert EXITS.get(verb, ExitCode.WRONG) == situation["exit"]


@named([one for one in TABLE if one["decision"] == "error"])
def test_an_error_is_of_the_kind_that_ends_a_command_with_2(situation):
    with pytest.raises((UsageError, InputError)):
        calibrated(situation)


@named([one for one in READY if "prints" in one and one["id"] != "decent-60"])
def test_what_else_is_printed(situation):
    text = str(calibrated(situation))
    assert all(fragment in text for fragment in situation["prints"])


def test_one_rater_is_said_not_to_measure_label_noise():
    situation = next(one for one in TABLE if one["id"] == "decent-60")
    assert all(fragment in str(calibrated(situation)) for fragment in situation["prints"])


def test_agreement_with_development_labels_says_that_they_are():
    situation = next(one for one in TABLE if one["id"] == "development-labels") | {"design": None}
    found = calibrated(situation)
    assert found.overall.coefficient.defined
    assert "development" in str(found)


def test_second_look_widens_the_limits_of_the_decision(tmp_path):
    situation = next(one for one in TABLE if one["id"] == "second-look")
    check_sentence(situation, calibrated_by_command(situation, tmp_path))


def test_first_look_of_the_same_judge_would_trust_it():
    situation = next(one for one in TABLE if one["id"] == "second-look")
    assert outcome(situation)[0] == "trust"


@pytest.mark.parametrize("each", [15, 20, 30, 35])
def test_an_inverted_judge_is_rejected_however_few_the_labels(each):
    rubric, rows, labels = binary(0, each, each, 0, rest=(200, 200))
    found = calibrate(rows, labels, rubric=rubric, design="random").overall
    assert found.rates.youden_j.high < -0.7
    assert found.decision.verb == "reject"


def test_an_ordinal_judge_that_turns_the_scale_round_is_rejected():
    rubric = rubric_of(TONE)
    table = {("1", "3"): 20, ("2", "2"): 20, ("3", "1"): 20}
    rows, labels = crossed(rubric, table, {"1": 100, "2": 100, "3": 100})
    assert calibrate(rows, labels, rubric=rubric, design="random").decision.verb == "reject"


def test_page_is_what_the_program_prints():
    assert PAGE.read_text("utf-8") == page(), "run: python tests/situations.py"
