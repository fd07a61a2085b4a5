"""Situations written from the specification (k), before they were run: what is decided, in which words."""

import re

import pytest
from judged import LENGTH, TONE, TOPIC, YES, binary, crossed, label, row, rubric_of

from judgekit._json import dumps
from judgekit.calibration import calibrate

ABOUT = " This is about the judge; the rate itself has its interval all the same."
NUMBER = r"−?\d\.\d\d"
PERCENT = r"\d+\.\d %"


def few(passed, failed, design="random"):
    rubric, rows, labels = binary(passed, 0, 0, failed, rest=(50, 50))
    return calibrate(rows, labels, rubric=rubric, design=design)


def with_raters(rubric, rows, labels, said, design="random", target="process"):
    """Replace each label by two raters' and an adjudicated one; `said` gives the raters' answers by place."""
    every = []
    for place, one in enumerate(labels):
        first, second = said(place, one["label"])
        every += [one | {"rater": "ann", "label": first}, one | {"rater": "bob", "label": second}]
        every += [one | {"rater": "adjudicated"}]
    return calibrate(rows, every, rubric=rubric, design=design, target=target)


def alike(place, answer):
    return answer, answer


def at_odds(place, answer):
    return (("pass", "fail"), ("fail", "pass"), ("pass", "pass"), ("fail", "fail"))[place % 4]


FEW = [
    (few(10, 10), "Not enough labels: 20, of which 10 fails; label about 10 more."),
    (few(29, 0), "Not enough labels: 29, of which 0 fails; label about 155 more."),
    (few(40, 0), f"Not enough labels: 40, of which 0 fails; label about 210 more.{ABOUT}"),
    (few(1, 30), f"Not enough labels: 31, of which 1 pass; label about 66 more.{ABOUT}"),
    (few(0, 10), "Not enough labels: 10, of which 0 passes; label about 60 more."),
    (few(36, 4), f"Not enough labels: 40, of which 4 fails; label about 9 more.{ABOUT}"),
    (few(40, 0, "unknown"), "Not enough labels: 40, of which 0 fails; label about 210 more."),
]


@pytest.mark.parametrize(("found", "sentence"), FEW, ids=[sentence[:40] for _, sentence in FEW])
def test_few_labels_or_few_of_a_class_decide_nothing_and_say_how_many_more(found, sentence):
    assert (found.decision.verb, found.decision.sentence) == ("insufficient", sentence)


def test_29_labels_on_a_scale_lack_one():
    rubric = rubric_of(TONE)
    rows, labels = crossed(rubric, {("1", "1"): 14, ("3", "3"): 15}, {"2": 9})
    found = calibrate(rows, labels, rubric=rubric, design="random").decision
    assert (found.verb, found.sentence) == ("insufficient", "Not enough labels: 29; label about 1 more.")


def test_a_criterion_that_nobody_labelled_lacks_thirty():
    rubric = rubric_of(YES, TONE)
    rows = [row(rubric, f"i{n}", {"correct": "pass", "tone": "2"}) for n in range(40)]
    found = calibrate(rows, [label("i1", "correct", "pass")], rubric=rubric, design="random")
    assert found["tone"].decision.sentence == "Not enough labels: 0; label about 30 more."
    assert "nobody labelled tone" in found.notes


def test_labels_that_the_judge_did_not_answer_are_not_called_missing():
    rubric, rows, labels = binary(15, 0, 0, 14, rest=(20, 20))
    rows += [row(rubric, f"t{n}", "timeout") for n in range(11)]
    labels += [label(f"t{n}", "correct", "fail") for n in range(11)]
    found = calibrate(rows, labels, rubric=rubric, design="random").decision
    assert found.sentence == (
        "Not enough labels: 29 that the judge answered too (of 40), of which 14 fails; "
        "finish the run: 11 labelled items have no verdict."
    )


REJECTED = {
    "a judge that passes everything": binary(30, 0, 30, 0, rest=(40, 0)),
    "a judge worse than chance": binary(5, 25, 25, 5, rest=(20, 20)),
    "no better than chance on 100 labels": binary(63, 27, 4, 6, rest=(40, 20)),
}


@pytest.mark.parametrize("case", REJECTED)
@pytest.mark.parametrize("design", ["random", "unknown"])
def test_a_judge_that_sees_nothing_is_rejected_whatever_the_design(case, design):
    rubric, rows, labels = REJECTED[case]
    found = calibrate(rows, labels, rubric=rubric, design=design).decision
    assert found.verb == "reject"
    agreement = rf"agreement \(κ\) {NUMBER} \[{NUMBER}, {NUMBER}\]"
    opposite = "(; it says the opposite of what people say)?"
    expected = rf"Do not use this judge for correct: {agreement}{opposite}\."
    assert re.fullmatch(expected, found.sentence)


def test_the_whole_item_is_called_that():
    rubric = rubric_of(YES, TONE, threshold=0.7)
    rows = [row(rubric, f"i{n}", {"correct": "pass", "tone": "3"}) for n in range(60)]
    labels = [label(f"i{n}", "correct", "pass" if n % 2 else "fail") for n in range(60)]
    labels += [label(f"i{n}", "tone", "3" if n % 2 else "1") for n in range(60)]
    found = calibrate(rows, labels, rubric=rubric, design="random")
    assert found.decision.sentence.startswith("Do not use this judge for the items as a whole: agreement")


def test_a_scale_is_rejected_by_its_weighted_kappa():
    rubric = rubric_of(TONE)
    rows, labels = crossed(rubric, {(j, h): 10 for j in "123" for h in "123"}, {"2": 9})
    found = calibrate(rows, labels, rubric=rubric, design="random").decision
    assert found.verb == "reject"


def test_an_unstated_design_gives_agreement_and_no_rate():
    rubric, rows, labels = binary(45, 5, 5, 45, rest=(60, 60))
    found = calibrate(rows, labels, rubric=rubric)
    assert found.decision.verb == "insufficient"
    assert found.decision.sentence == (
        "Agreement is measured, but not the rate: it is not stated how the labelled items were chosen from "
        "these. Draw a random sample (judgekit plan), or state --design random if this was one."
    )
    assert not found.overall.headline.corrected.defined
    assert found.overall.coefficient.defined


def test_people_who_disagree_are_sent_back_to_the_wording():
    found = with_raters(*binary(20, 0, 0, 20, rest=(40, 40)), at_odds).decision
    assert found.verb == "relabel"
    little = rf"Humans agree too little with each other \(alpha {NUMBER}\)"
    expected = rf"{little}; fix the criterion or the labels first\."
    assert re.fullmatch(expected, found.sentence)


def test_disagreement_on_29_items_is_not_enough_to_blame_the_wording():
    rubric, rows, labels = binary(15, 0, 0, 14, rest=(40, 40))
    rows.append(row(rubric, "more", {"correct": "pass"}))
    every = [*labels, label("more", "correct", "pass")]
    doubled = [one | {"rater": "bob", "label": at_odds(p, "")[1]} for p, one in enumerate(labels)]
    final = [one | {"rater": "adjudicated"} for one in labels]
    found = calibrate(rows, [*every, *doubled, *final], rubric=rubric, design="random")
    assert found.overall.ceiling.raw.n == 29
    assert found.decision.verb != "relabel"


def test_rare_failures_with_raters_who_agree_on_nine_in_ten_are_not_blamed_on_the_wording():
    rubric, rows, labels = binary(55, 0, 0, 5, rest=(50, 5))

    def said(place, answer):
        return ("pass", "fail") if place >= 54 else ("pass", "pass")

    found = with_raters(rubric, rows, labels, said)
    assert found.overall.ceiling.alpha.high < 0.6  # alpha alone would blame it
    assert found.overall.ceiling.raw.value == 0.9
    assert found.decision.verb == "correct"


TRUSTED = (
    "Raw rates may be used for batches like this one: bias within 5.0 points, agreement at most 10 points "
    "below that between humans."
)


def test_a_judge_as_good_as_people_on_enough_labels_may_be_trusted():
    found = with_raters(*binary(200, 0, 0, 200, rest=(400, 400)), alike).decision
    assert (found.verb, found.sentence) == ("trust", TRUSTED)


def test_without_two_raters_nobody_is_trusted():
    rubric, rows, labels = binary(200, 0, 0, 200, rest=(400, 400))
    assert calibrate(rows, labels, rubric=rubric, design="random").decision.verb == "correct"


def test_a_rare_class_narrows_the_margin():
    # 5 % of items fail, so a bias of 2.5 points is the most that is allowed, and 160 labels leave more open.
    found = with_raters(*binary(152, 0, 0, 8, rest=(152, 8)), alike)
    value = found.overall.headline.corrected
    assert 0.025 < max(0.95 - value.low, value.high - 0.95) < 0.05
    assert found.decision.verb == "correct"


def test_a_biased_judge_is_corrected_however_well_people_agree():
    found = with_raters(*binary(160, 0, 40, 200, rest=(500, 300)), alike).decision
    assert found.verb == "correct"


def test_a_useful_judge_is_corrected_and_the_sentence_gives_the_three_numbers():
    rubric, rows, labels = binary(50, 5, 5, 40, rest=(550, 450))
    found = calibrate(rows, labels, rubric=rubric, design="random")
    result, decision = found.overall.headline, found.decision
    assert decision.verb == "correct"
    value = result.corrected
    assert decision.sentence == (
        f"Correct this judge: raw 55.0 %, corrected {100 * value.value:.1f} % [{100 * value.low:.1f} %, "
        f"{100 * value.high:.1f} %], {result.ratio:.2f} × the width of labels alone."
    )
    assert result.ratio < 0.8


def test_a_judge_that_barely_helps_is_said_to():
    rubric, rows, labels = binary(24, 16, 4, 36, rest=(40, 80))
    wide = calibrate(rows, labels, rubric=rubric, design="random")
    assert wide.decision.verb == "correct"
    tail = "; the judge adds almost nothing."
    assert wide.decision.sentence.endswith(tail) == (wide.overall.headline.ratio > 0.95)


def test_when_every_item_is_labelled_the_figure_is_exact_and_no_width_is_compared():
    rubric, rows, labels = binary(30, 5, 10, 25)
    found = calibrate(rows, labels, rubric=rubric, design="random", target="batch")
    value = found.overall.headline.corrected
    assert (value.low, value.value, value.high) == (0.5, 0.5, 0.5)
    assert found.decision.sentence == "Correct this judge: raw 57.1 %, corrected 50.0 % [50.0 %, 50.0 %]."


def test_items_without_a_human_answer_leave_limits_and_no_value():
    rubric, rows, labels = binary(25, 3, 4, 22, rest=(60, 60))
    lost = [row(rubric, f"u{n}", {"correct": "pass"}) for n in range(6)]
    open_ = [label(f"u{n}", "correct", "cannot_tell") for n in range(6)]
    found = calibrate([*rows, *lost], [*labels, *open_], rubric=rubric, design="random")
    value = found.overall.headline.corrected
    assert found.decision.verb == "insufficient"
    assert found.decision.sentence == (
        "There is no single corrected figure: on 6 of 60 labelled items nobody could tell, so it lies "
        f"between {100 * value.low:.1f} % and {100 * value.high:.1f} %; "
        "add a row with rater `adjudicated` for each."
    )


def test_a_scale_without_scores_is_corrected_by_shares():
    rubric = rubric_of(TOPIC)
    table = {
        (j, h): 20 if j == h else 1 for j in ("bill", "login", "other") for h in ("bill", "login", "other")
    }
    rows, labels = crossed(rubric, table, {"bill": 40, "login": 50, "other": 60})
    found = calibrate(rows, labels, rubric=rubric, design="random")
    assert found.decision.verb == "correct"
    assert [q.name for q in found.overall.quantities] == ["share of bill", "share of login", "share of other"]


def test_a_number_is_corrected_in_its_own_unit():
    rubric = rubric_of(LENGTH)
    table = {(float(n), float(n) + (n % 3 - 1) / 2): 5 for n in range(1, 9)}
    rows, labels = crossed(rubric, table, {float(n): 10 for n in range(11)})
    found = calibrate(rows, labels, rubric=rubric, design="random")
    assert found.overall.coefficient_name == "ICC(2,1)"
    assert re.match(
        r"Correct this judge: raw 0\.\d{3}, corrected 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]",
        found.decision.sentence,
    )


def test_no_failure_at_all_is_a_rate_all_the_same():
    human = few(60, 0).overall.headline.human
    assert human.value == 1
    assert human.note == "one-sided 95 %: at least 95.1 %"


def test_items_on_which_raters_differ_are_named_in_the_text_and_not_on_the_card():
    rubric, rows, labels = binary(25, 3, 4, 22, rest=(60, 60))
    split = [label(f"i{n}", "correct", "fail", rater="bob") for n in range(12)]
    found = calibrate(rows, [*labels, *split], rubric=rubric, design="random")
    assert "on 12 of 54 labelled items the raters differ, so it lies" in found.decision.sentence
    assert found.split["correct"] == tuple(sorted(f"i{n}" for n in range(12)))
    assert "  Raters differ on i0, i1, i10, i11, i2, i3, i4, i5, i6, i7 and 2 more." in str(found)
    assert "i11" not in dumps(found.to_dict()) and "split" not in found.to_dict()


def test_verdicts_are_counted_where_there_is_one():
    rubric, rows, labels = binary(20, 10, 10, 20, rest=(20, 20))
    rows += [row(rubric, f"t{n}", "timeout") for n in range(17)]
    found = calibrate(rows, labels, rubric=rubric, design="random")
    assert "60 labels + 100 verdicts (17 without)" in str(found)
