"""Who is held against whom: what enters, what does not, and that nothing leaves in silence."""

import json

import numpy as np
import pytest
from judged import LENGTH, SIDE, TONE, TOPIC, YES, binary, crossed, label, row, rubric_of

from judgekit._json import dumps
from judgekit.calibration import calibrate
from judgekit.calibration.batch import batch_of, load_batch, questions
from judgekit.errors import InputError, UsageError
from judgekit.files.graded import graded_from_rows
from judgekit.labels import frame_of


def written(tmp_path, rubric, rows, labels, name="labels.jsonl"):
    """The same as files, with the manifest that a run writes."""
    graded = tmp_path / "graded.jsonl"
    graded.write_text("".join(dumps(one) + "\n" for one in rows))
    manifest = {
        "format": 1,
        "rubric": rubric.to_dict(),
        "fingerprint": "sha256:f",
        "signature": "s",
        "grader": "g",
    }
    (tmp_path / "graded.run.json").write_text(json.dumps(manifest))
    path = tmp_path / name
    path.write_text(labels if isinstance(labels, str) else "".join(dumps(one) + "\n" for one in labels))
    return graded, path


GOOD = binary(20, 5, 5, 20, rest=(30, 20))


# ---- ids ----


def test_labels_of_unknown_items_are_refused_with_how_many_and_where(tmp_path):
    rubric, rows, labels = GOOD
    graded, path = written(
        tmp_path, rubric, rows, [*labels, *(label(f"x{n}", "correct", "pass") for n in range(4))]
    )
    with pytest.raises(InputError) as error:
        calibrate(graded, path, design="random")
    message = str(error.value)
    assert "4 labels are of 4 items not in" in message
    assert "'x0' on line 51, 'x1' on line 52, 'x2' on line 53" in message
    assert "--allow-unmatched" in message


def test_allow_unmatched_goes_on_and_says_so_without_naming_an_item():
    rubric, rows, labels = GOOD
    more = [*labels, label("somebody@example.org", "correct", "pass")]
    found = calibrate(rows, more, rubric=rubric, design="random", allow_unmatched=True)
    assert found.notes == ("1 label is of 1 item not in graded rows: left out",)
    assert found.overall.counts.labelled == 50
    assert "note: 1 label is of 1 item" in str(found)


def test_no_common_item_is_never_let_through():
    rubric, rows, _ = GOOD
    with pytest.raises(InputError, match=r"no label is of an item .*'x' on line 1.*are the ids the same"):
        calibrate(rows, [label("x", "correct", "pass")], rubric=rubric, allow_unmatched=True)


# ---- the judge's side ----


def test_failures_and_abstentions_on_labelled_items_are_counted_by_status():
    rubric = rubric_of(YES, allow_abstain=True)
    rows, labels = crossed(rubric, {("pass", "pass"): 20, ("fail", "fail"): 20})
    for place, state in enumerate(("timeout", "timeout", "refused", "cannot_tell")):
        answers = {"correct": "cannot_tell"} if state == "cannot_tell" else state
        rows.append(row(rubric, f"f{place}", answers))
        labels.append(label(f"f{place}", "correct", "fail"))
    found = calibrate(rows, labels, rubric=rubric, design="random")
    counts = found.overall.counts
    assert counts.failed == {"abstained": 1, "refused": 1, "timeout": 2}
    assert (counts.batch, counts.labelled, counts.settled, counts.used) == (44, 44, 44, 40)
    assert found.overall.headline.human.n == 44  # a failed verdict loses no label
    lost = (
        "1 where the judge abstained, 1 where the judge gave no verdict (refused), 2 where the judge gave no "
    )
    assert f"40 of 44 labelled items enter agreement; without {lost}verdict (timeout)." in str(found)


def test_a_level_that_the_rubric_does_not_have_is_refused_by_id():
    rubric, rows, labels = GOOD
    spoilt = json.loads(json.dumps(rows[3]))
    spoilt["verdict"]["criteria"]["correct"]["label"] = "maybe"
    with pytest.raises(InputError, match=r"id 'i3': 'maybe' is not one of its levels \(pass, fail\)"):
        calibrate([*rows[:3], spoilt, *rows[4:]], labels, rubric=rubric)


def test_a_number_without_a_score_is_refused_by_id():
    rubric = rubric_of(LENGTH)
    spoilt = row(rubric, "a", {"length": 3})
    spoilt["verdict"]["criteria"]["length"]["score"] = None
    with pytest.raises(InputError, match="id 'a': has no score"):
        calibrate([spoilt], [label("a", "length", 3)], rubric=rubric)


def test_verdicts_of_two_judges_in_one_file_are_refused():
    rubric, rows, labels = GOOD
    other = row(rubric, "other", {"correct": "pass"}, fingerprint="sha256:g")
    with pytest.raises(InputError, match="the verdict on id 'other' is another judge's than the rest"):
        calibrate([*rows, other], labels, rubric=rubric)


def test_a_rubric_that_did_not_grade_is_refused(tmp_path):
    rubric, rows, labels = GOOD
    other = rubric_of(YES, TONE)
    graded, path = written(tmp_path, rubric, rows, labels)
    for given in (graded, load_batch(graded), rows):
        with pytest.raises(UsageError, match=r"was graded by test@1\.0\.0"):
            calibrate(given, path, rubric=other)


def test_an_item_whose_gate_is_open_abstains_as_a_whole():
    rubric = rubric_of(YES | {"gate": True}, TONE, threshold=0.5, allow_abstain=True)
    rows = [
        row(rubric, "a", {"correct": "cannot_tell", "tone": "3"}),
        row(rubric, "b", {"correct": "pass", "tone": "3"}),
    ]
    batch = batch_of(graded_from_rows(_as_rows(rows), None), rubric, {"fingerprint": "sha256:f"}, "rows")
    assert batch.answers["overall"].states == ("abstained", "ok")


def _as_rows(rows):
    from judgekit.files.rows import Row

    return [Row(one, number) for number, one in enumerate(rows, 1)]


# ---- people's side ----


def test_split_raters_and_those_who_cannot_tell_are_counted_apart():
    rubric, rows, labels = GOOD
    rows = [*rows, row(rubric, "s", {"correct": "pass"}), row(rubric, "c", {"correct": "pass"})]
    labels = [
        *labels,
        label("s", "correct", "pass"),
        label("s", "correct", "fail", "bob"),
        label("c", "correct", "cannot_tell"),
    ]
    counts = calibrate(rows, labels, rubric=rubric, design="random").overall.counts
    assert (counts.labelled, counts.settled, counts.split, counts.cannot_tell) == (52, 50, 1, 1)


def test_repeats_and_superseded_labels_are_no_second_opinion():
    rubric, rows, labels = GOOD
    changed = [
        *labels,
        label("i0", "correct", "fail", repeat=True),
        label("i1", "correct", "fail", supersedes=True),
    ]
    found = calibrate(rows, changed, rubric=rubric, design="random")
    assert found.overall.table == ((19, 6), (5, 20))  # i1 moved from passed to failed, i0 stayed
    assert found.overall.raters == 1
    assert "1 label superseded by a later one" in found.notes


def test_several_raters_settle_by_majority_and_give_the_ceiling():
    rubric, rows, labels = GOOD
    every = [one | {"rater": name} for one in labels for name in ("ann", "bob", "cy")]
    every[2]["label"] = "fail"  # cy alone on i0
    result = calibrate(rows, every, rubric=rubric, design="random").overall
    assert result.table == ((20, 5), (5, 20))
    assert result.raters == 3
    assert result.ceiling.raw.n == 50
    assert result.ceiling.raw.value == pytest.approx(1 - (2 / 3) / 50)


def test_not_applicable_is_a_level_in_nominal_agreement():
    rubric = rubric_of(YES | {"allow_not_applicable": True})
    cells = {
        ("pass", "pass"): 20,
        ("fail", "fail"): 10,
        ("not_applicable", "not_applicable"): 8,
        ("pass", "not_applicable"): 2,
    }
    rows, labels = crossed(rubric, cells, {"pass": 10})
    result = calibrate(rows, labels, rubric=rubric, design="random").overall
    assert result.levels == ("pass", "fail", "not_applicable")
    assert result.table == ((20, 0, 2), (0, 10, 0), (0, 0, 8))
    assert result.agreement.value == 38 / 40
    assert (result.rates.tpr.n, result.rates.tnr.n) == (20, 10)
    assert result.headline.human.value == pytest.approx(20 / 30)
    assert result.headline.corrected.method == "ratio of applicable"


@pytest.mark.parametrize("criterion", [TONE, LENGTH], ids=["ordinal", "numeric"])
def test_not_applicable_leaves_a_scale_pairwise_and_is_counted(criterion):
    rubric = rubric_of(criterion | {"allow_not_applicable": True})
    low, high = ("1", "3") if criterion is TONE else (0.0, 10.0)
    cells = {
        (low, low): 20,
        (high, high): 15,
        ("not_applicable", "not_applicable"): 3,
        (high, "not_applicable"): 2,
    }
    rows, labels = crossed(rubric, cells, {high: 10})
    found = calibrate(rows, labels, rubric=rubric, design="random")
    result = found.overall
    assert (result.counts.used, result.agreement.n, result.coefficient.n) == (40, 35, 35)
    assert result.headline.human.value == pytest.approx(15 / 35)
    assert result.headline.corrected.method == "ratio of applicable"
    assert (
        "35 of 40 labelled items enter agreement; without 5 to which judge or people say it does not apply."
        in str(found)
    )


def test_a_rater_alone_with_not_applicable_breaks_nothing():
    rubric = rubric_of(YES | {"allow_not_applicable": True})
    rows, labels = crossed(rubric, {("pass", "pass"): 20, ("fail", "fail"): 20})
    every = [one | {"rater": name} for one in labels for name in ("ann", "bob", "cy")]
    every[0]["label"] = "not_applicable"
    result = calibrate(rows, every, rubric=rubric, design="random").overall
    assert result.ceiling.raw.value == pytest.approx(1 - (2 / 3) / 40)


def test_wide_and_long_files_say_the_same(tmp_path):
    rubric, rows, labels = GOOD
    graded, long = written(tmp_path, rubric, rows, labels)
    wide = tmp_path / "wide.csv"
    wide.write_text("id,correct,rater\n" + "".join(f"{one['id']},{one['label']},ann\n" for one in labels))
    a, b = (calibrate(graded, path, design="random").to_dict() for path in (long, wide))
    assert a == b


# ---- the item as a whole ----

WHOLE = rubric_of(YES | {"gate": True}, TONE, threshold=0.6)


def whole(answers):
    """Calibrate WHOLE with one judge; `answers` are people's, (correct, tone) or with None for a blank."""
    rows = [row(WHOLE, f"i{n}", {"correct": "pass", "tone": "3"}) for n in range(len(answers))]
    pairs = [
        (f"i{n}", name, a)
        for n, one in enumerate(answers)
        for name, a in zip(("correct", "tone"), one, strict=True)
    ]
    labels = [label(identity, name, a) for identity, name, a in pairs if a is not None]
    return calibrate(rows, labels, rubric=WHOLE, design="random")


def test_the_whole_follows_from_peoples_criteria_by_the_rubric_gates_included():
    # score of (pass, 1) = .5 < .6; (pass, 2) = .75; the gate fails (fail, 3) although it scores .5
    found = whole([("pass", "1"), ("pass", "2"), ("pass", "3"), ("fail", "3")]).overall
    assert found.name == "overall"
    assert found.table == ((2, 2), (0, 0))


def test_a_failed_gate_settles_the_item_although_the_rest_was_left_blank():
    # Leaving such items out would call the rate 100 %.
    found = whole([("pass", "3")] * 30 + [("fail", None)] * 10)
    assert found.overall.headline.human.value == 0.75
    assert found.overall.counts.partial == 0
    assert found["tone"].counts.labelled == 30
    assert any(note.startswith("30 of 40 labelled items have an answer on tone") for note in found.notes)


def test_an_item_that_blanks_leave_open_is_missing_and_counted():
    found = whole([("pass", "3")] * 39 + [("pass", None)])
    assert found.overall.counts.partial == 1
    assert found.overall.headline.human.n == 39
    assert "1 on which people did not answer every criterion" in str(found)


def test_split_raters_leave_the_whole_open_unless_a_gate_failed():
    rows = [row(WHOLE, i, {"correct": "pass", "tone": "3"}) for i in ("a", "b")]
    labels = [label("a", "correct", "pass"), label("b", "correct", "fail")]
    labels += [
        label(i, "tone", level, rater) for i in ("a", "b") for level, rater in (("1", "x"), ("3", "y"))
    ]
    found = calibrate(rows, labels, rubric=WHOLE, design="random")
    assert (found.overall.counts.split, found.overall.counts.settled) == (1, 1)
    assert found["tone"].counts.split == 2


def test_peoples_own_word_on_the_whole_is_compared_and_never_used():
    answers = [("pass", "3")] * 20 + [("fail", "3")] * 20
    rows = [row(WHOLE, f"i{n}", {"correct": "pass", "tone": "3"}) for n in range(40)]
    labels = [
        label(f"i{n}", name, a)
        for n, one in enumerate(answers)
        for name, a in zip(("correct", "tone"), one, strict=True)
    ]
    own = [label(f"i{n}", "overall", "pass") for n in range(30)]
    found = calibrate(rows, [*labels, *own], rubric=WHOLE, design="random").overall
    assert found.headline.human.value == 0.5
    agreement = found.beside["people's own word on the item agrees with their criteria on"]
    assert (agreement.value, agreement.n) == (pytest.approx(20 / 30), 30)


def test_labels_of_overall_alone_are_said_to_be_unused():
    rows = [row(WHOLE, "a", {"correct": "pass", "tone": "3"})]
    found = calibrate(rows, [label("a", "overall", "pass")], rubric=WHOLE)
    assert found.overall.counts.labelled == 0
    assert (
        "labels of overall do not stand for answers to the criteria, and were not used alone" in found.notes
    )


# ---- kinds of rubrics ----


def names(rubric):
    return [question.name for question in questions(rubric)]


def test_a_single_criterion_is_the_whole_unless_a_threshold_asks_another_question():
    assert names(rubric_of(YES)) == ["correct"]
    assert names(rubric_of(YES, threshold=0.5)) == ["correct"]
    assert names(rubric_of(TONE)) == ["tone"]
    assert names(rubric_of(TONE, threshold=0.5)) == ["tone", "overall"]


def test_several_criteria_without_a_threshold_have_a_mean():
    rubric = rubric_of(YES, TONE)
    rows = [row(rubric, f"i{n}", {"correct": "pass", "tone": "2"}) for n in range(30)]
    labels = [
        label(f"i{n}", name, a)
        for n in range(30)
        for name, a in (("correct", "pass"), ("tone", "3" if n % 2 else "1"))
    ]
    whole = calibrate(rows, labels, rubric=rubric, design="random").overall
    assert (whole.scale, whole.headline.name) == ("numeric", "mean score")
    assert whole.headline.raw == pytest.approx(0.75)
    assert whole.headline.human.value == pytest.approx(0.75)


def test_criteria_without_scores_make_no_whole_and_the_worst_of_them_decides():
    rubric = rubric_of(TOPIC, TOPIC | {"name": "second"})
    assert names(rubric) == ["topic", "second"]
    levels = ("bill", "login", "other")
    rows = [row(rubric, f"i{n}", {"topic": levels[n % 3], "second": levels[n % 3]}) for n in range(90)]
    labels = [label(f"i{n}", "topic", levels[n // 3 % 3]) for n in range(60)]
    labels += [label(f"i{n}", "second", levels[n % 3]) for n in range(60)]
    found = calibrate(rows, labels, rubric=rubric, design="random")
    assert found["topic"].decision.verb == "reject"
    assert found["second"].decision.verb == "correct"
    assert found.decision.verb == "reject"


def test_pairs_have_three_levels_and_agreement_without_ties():
    rubric = rubric_of(SIDE, mode="pairwise")
    cells = {("a", "a"): 15, ("b", "b"): 12, ("tie", "tie"): 5, ("a", "tie"): 4, ("b", "a"): 4}
    rows, labels = crossed(rubric, cells, {"a": 30, "b": 20})
    result = calibrate(rows, labels, rubric=rubric, design="random").overall
    assert result.levels == ("a", "b", "tie")
    assert result.agreement.value == 32 / 40
    assert result.beside["agreement without ties"].value == 27 / 31
    assert result.headline.human.value == pytest.approx((19 + 0.5 * 9) / 40)
    assert [q.name for q in result.quantities[1:]] == ["share of a", "share of b", "share of tie"]


def test_several_pairwise_criteria_give_the_side_that_wins():
    rubric = rubric_of(SIDE, SIDE | {"name": "shorter"}, mode="pairwise")
    rows = [
        row(rubric, "x", {"better": "a", "shorter": "b"}),
        row(rubric, "y", {"better": "a", "shorter": "tie"}),
    ]
    labels = [label(i, name, "b") for i in ("x", "y") for name in ("better", "shorter")]
    result = calibrate(rows, labels, rubric=rubric, design="random").overall
    assert result.levels == ("a", "b", "tie")
    assert result.table == ((0, 1, 0), (0, 0, 0), (0, 1, 0))


# ---- designs, roles, wordings ----


def test_labels_that_state_a_design_for_these_items_need_no_option():
    rubric, rows, labels = GOOD
    frame = frame_of(one["id"] for one in rows)
    stated = [one | {"design": "random", "frame": frame} for one in labels]
    assert calibrate(rows, stated, rubric=rubric).design == "random"


def test_labels_drawn_from_other_items_give_agreement_only():
    rubric, rows, labels = GOOD
    stated = [one | {"design": "random", "frame": frame_of(["other"])} for one in labels]
    found = calibrate(rows, stated, rubric=rubric)
    assert found.design == "unknown"
    assert "drawn from other items than graded rows" in found.notes[0]
    assert calibrate(rows, stated, rubric=rubric, design="random").design == "random"


def test_labels_added_to_a_draw_spoil_it():
    rubric, rows, labels = GOOD
    stated = [one | {"design": "random"} for one in labels[:40]] + labels[40:]
    found = calibrate(rows, stated, rubric=rubric)
    assert found.design == "unknown"
    assert "10 of 50 labelled items state no design" in found.notes[0]


def test_an_adjudication_without_a_design_belongs_to_its_draw():
    rubric, rows, labels = GOOD
    stated = [one | {"design": "random"} for one in labels] + [labels[0] | {"rater": "adjudicated"}]
    assert calibrate(rows, stated, rubric=rubric).design == "random"


def test_a_design_that_there_is_not_is_refused():
    rubric, rows, labels = GOOD
    with pytest.raises(UsageError, match="no design 'convenience'; known: random, stratified"):
        calibrate(rows, labels, rubric=rubric, design="convenience")


def test_development_labels_give_agreement_and_correct_nothing():
    rubric, rows, labels = GOOD
    tuned = [one | {"role": "development"} for one in labels]
    assert calibrate(rows, tuned, rubric=rubric).overall.coefficient.defined
    drawn = [one | {"design": "random"} for one in tuned]
    for given, design in ((tuned, "random"), (drawn, None)):
        with pytest.raises(UsageError, match="50 labels with the role development"):
            calibrate(rows, given, rubric=rubric, design=design)
    assert calibrate(rows, drawn, rubric=rubric, design="unknown").overall.agreement.value == 0.8


def test_labels_of_another_wording_are_refused_by_criterion():
    rubric, rows, labels = GOOD
    now = rubric.criterion_digests["correct"]
    calibrate(rows, [one | {"criterion_digest": now} for one in labels], rubric=rubric)
    old = rubric_of(YES | {"question": "Is it right?"}).criterion_digests["correct"]
    mixed = [one | {"criterion_digest": old} for one in labels[:3]] + labels[3:]
    with pytest.raises(InputError) as error:
        calibrate(rows, mixed, rubric=rubric)
    message = str(error.value)
    assert "3 labels of correct answer another wording than test@1.0.0 has" in message
    assert old[:19] in message and now[:19] in message and "first on line 1" in message


def test_labels_of_an_older_wording_give_way_to_new_ones_of_the_same_items():
    rubric, rows, labels = GOOD
    old = rubric_of(YES | {"question": "Is it right?"}).criterion_digests["correct"]
    before = [one | {"criterion_digest": old, "label": "fail"} for one in labels]
    found = calibrate(rows, before + labels, rubric=rubric)
    assert found.overall == calibrate(rows, labels, rubric=rubric).overall
    assert f"{len(labels)} labels of correct answer an older wording: left out" in found.notes
    with pytest.raises(InputError, match="1 label of correct answers another wording"):
        calibrate(rows, before + labels[1:], rubric=rubric)


def test_labels_of_an_older_wording_lend_their_role():
    rubric, rows, labels = GOOD
    old = rubric_of(YES | {"question": "Is it right?"}).criterion_digests["correct"]
    before = [one | {"criterion_digest": old, "role": "development"} for one in labels]
    drawn = [one | {"design": "random"} for one in labels]
    calibrate(rows, drawn, rubric=rubric)
    for given in (before + drawn, before + [one | {"role": "holdout"} for one in drawn]):
        with pytest.raises(UsageError, match="50 labels with the role development"):
            calibrate(rows, given, rubric=rubric)


def test_a_random_draw_has_neither_strata_nor_chances_that_differ():
    rubric, rows, labels = GOOD
    for name, values in (("probability", (0.5, 0.1)), ("stratum", ("s1", "s2"))):
        stated = [one | {"design": "random", name: values[n > 30]} for n, one in enumerate(labels)]
        with pytest.raises(
            InputError, match=rf"(?s)labels:1: {name}: the design is random.*labels:32: {name}"
        ):
            calibrate(rows, stated, rubric=rubric)
        assert calibrate(rows, stated, rubric=rubric, design="random").design == "random"
    alike = [one | {"design": "random", "probability": 0.5} for one in labels]
    assert calibrate(rows, alike, rubric=rubric).design == "random"
    with pytest.raises(InputError, match="labels:1: stratum: the design is random, and stratum is 'bad'"):
        calibrate(rows, [one | {"stratum": "bad"} for one in alike], rubric=rubric)


# ---- groups ----


def grouped(target, group="task"):
    rng = np.random.default_rng(3)
    rubric = rubric_of(YES)
    rows, labels = [], []
    for place in range(40):
        human = rng.random() < 0.5
        for turn in range(5):
            identity = f"i{place}-{turn}"
            judge = human if rng.random() < 0.9 else not human
            rows.append(row(rubric, identity, {"correct": "pass" if judge else "fail"}, task=f"t{place}"))
            if turn < 2:
                labels.append(label(identity, "correct", "pass" if human else "fail"))
    return calibrate(rows, labels, rubric=rubric, design="random", target=target, group=group).overall


def test_dependent_items_widen_the_rate_of_the_process_and_not_that_of_the_batch():
    # People's answers repeat within a task: 80 labels of 40 tasks say about as much as 40.
    width = {
        t: [grouped(t, g).headline.human.half_width for g in ("task", "id")] for t in ("process", "batch")
    }
    assert width["process"][0] > 1.25 * width["process"][1]
    assert width["batch"][0] == width["batch"][1]
    assert "group" in grouped("process").coefficient.method
    assert grouped("process").ceiling is None


def test_a_group_column_that_is_not_there_is_named():
    rubric, rows, labels = GOOD
    with pytest.raises(InputError, match="id 'i0' has no column 'task'; --group needs it"):
        calibrate(rows, labels, rubric=rubric, group="task")
    bare = [{"id": one["id"], "verdict": one["verdict"]} for one in rows]
    with pytest.raises(InputError, match="was graded with --omit-items"):
        calibrate(bare, labels, rubric=rubric, group="task")
