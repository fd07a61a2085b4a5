"""What the labels say of the raters: from rows of a label file to sentences."""

import json
from pathlib import Path

import numpy as np
import pytest
from judged import LENGTH, TONE, TOPIC, YES, label, row, rubric_of

from judgekit.calibration.batch import questions
from judgekit.calibration.calibrate import calibrate
from judgekit.calibration.human import human_answers
from judgekit.calibration.in_memory import batch_from_rows, labels_from_memory
from judgekit.calibration.rater_answers import (
    SETTLED_BY,
    dawid_skene_answers,
    rater_table,
    settled_by_dawid_skene,
)
from judgekit.calibration.raters import UNMEASURED, RaterReport, rater_lines, rater_report
from judgekit.calibration.tie_breakers import tie_breakers, without
from judgekit.errors import UsageError
from judgekit.labels import ADJUDICATED
from judgekit.rubric import OVERALL, load_rubric
from judgekit.stats.alternative_annotator import alternative_annotator
from judgekit.stats.dawid_skene import dawid_skene
from judgekit.stats.rater_standing import rater_standing

RATERS = ("zoe.zimmer@corp.example", "adam", "mia")
PASS = YES | {"gate": True, "allow_not_applicable": True}
ANSWERS = {
    "correct": ("pass", "fail", "not_applicable"),
    "tone": ("1", "2", "3"),
    "length": (0.0, 2.0, 7.0, 10.0),
    "topic": ("bill", "login", "other"),
}
RUBRIC = rubric_of(PASS, TONE, LENGTH, TOPIC, threshold=0.4, allow_abstain=True)


def made(n=120, skill=(0.9, 0.9, 0.9), seed=0, judge=0.85, rubric=RUBRIC):
    """Rows and labels: raters and judge who know the true level, or guess."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for place in range(n):
        said = {}
        for name in rubric.by_name:
            levels = ANSWERS[name]
            truth = levels[rng.integers(2)]
            said[name] = truth if rng.random() < judge else levels[rng.integers(2)]
            for rater, skilled in zip(RATERS, skill, strict=False):
                right = rng.random() < skilled
                answer = truth if right else levels[rng.integers(len(levels))]
                labels.append(label(f"i{place}", name, answer, rater))
        rows.append(row(rubric, f"i{place}", said))
    return rows, labels


def reported(rows, labels, name="correct", rubric=RUBRIC, group=None, **options):
    batch, found = batch_from_rows(rows, rubric, group), labels_from_memory(labels, rubric)
    question = next(one for one in questions(rubric) if one.name == name)
    people = human_answers(found, question, rubric)
    places = np.array([batch.position[key] for key in people.ids], np.intp)
    groups = None if group is None else np.unique(batch.groups, return_inverse=True)[1]
    answers = batch.answers[name]
    return rater_report(found, question, rubric, people, answers, places, groups, **options), found, people


NAMES = [*ANSWERS, OVERALL]


@pytest.mark.parametrize("name", NAMES)
def test_what_each_rater_answered_is_what_people_answered(name):
    _, labels = made(40)
    labels[5]["label"] = "cannot_tell"
    found = labels_from_memory([*labels, label("i1", "tone", "1", ADJUDICATED)], RUBRIC)
    question = next(one for one in questions(RUBRIC) if one.name == name)
    people = human_answers(found, question, RUBRIC)
    places, table = rater_table(found, question, RUBRIC, people.ids)
    assert places == (1, 2, 3) and table.dtype == people.raters.dtype
    ordered = table[:, np.lexsort(np.nan_to_num(table, nan=-1.0))]
    np.testing.assert_array_equal(ordered, people.raters)


def test_places_are_those_of_the_file_for_every_question():
    _, labels = made(30)
    labels = [one for one in labels if not (one["rater"] == "adam" and one["criterion"] == "tone")]
    found = labels_from_memory(labels, RUBRIC)
    for question in questions(RUBRIC):
        people = human_answers(found, question, RUBRIC)
        places, table = rater_table(found, question, RUBRIC, people.ids)
        assert places == ((1, 3) if question.name == "tone" else (1, 2, 3))
        assert table.shape == (30, len(places))


LEVELS = {
    "correct": {},
    "topic": {},
    "tone": {"level": "ordinal", "levels": [0.0, 0.5, 1.0]},
    "length": {"level": "interval", "levels": (0, 1)},
}


@pytest.mark.parametrize("name", LEVELS)
def test_the_report_holds_what_the_statistics_say(name):
    rows, labels = made(150, skill=(0.9, 0.9, 0.4))
    rows[3] = row(RUBRIC, "i3", "timeout")
    rows[4]["verdict"] = row(RUBRIC, "i4", dict.fromkeys(ANSWERS, "cannot_tell"))["verdict"]
    report, found, people = reported(rows, labels, name, epsilon=0.2)
    question = next(one for one in questions(RUBRIC) if one.name == name)
    table = rater_table(found, question, RUBRIC, people.ids)[1]
    batch = batch_from_rows(rows, RUBRIC)
    places = [batch.position[key] for key in people.ids]
    judge = batch.answers[name].scores[places] if name == "length" else batch.answers[name].codes[places]
    if name != "length":
        top = 3 - (name == "correct") + (name != "tone")
        judge, table = (np.where(side >= top, -1, side) for side in (judge, table))
    options = dict(LEVELS[name])
    expected = alternative_annotator(
        judge, table, epsilon=0.2, **{k: v for k, v in options.items() if name != "length" or k != "levels"}
    )
    assert report.alternative.p_values == pytest.approx(expected.p_values, rel=1e-9)
    assert report.alternative.n == expected.n and min(expected.n) >= 90
    standing = rater_standing(table, **options)
    assert [one.adjusted for one in report.standing] == pytest.approx([one.adjusted for one in standing])
    assert report.apart == (3,)
    if name == "length":
        assert not report.noise.defined and "not numbers" in report.noise.note
    else:
        assert report.noise.value == pytest.approx(dawid_skene(table, range(3)).noise)


def test_noise_is_about_the_share_of_wrong_labels():
    rows, labels = made(600, skill=(0.8, 0.8, 0.7), rubric=rubric_of(TOPIC))
    report, _, _ = reported(rows, labels, "topic", rubric_of(TOPIC))
    # a guess among three is right a third of the time
    assert report.noise.value == pytest.approx((0.2 + 0.2 + 0.3) / 3 * 2 / 3, abs=0.03)
    assert report.noise.n == 600


def test_splits_and_who_settled_them():
    rows, labels = made(40, skill=(1.0, 1.0))
    opposed = {"pass": "fail", "fail": "pass"}
    changed = [place for place, one in enumerate(labels) if one["criterion"] == "correct"][1:11:2]
    for place in changed:
        labels[place]["label"] = opposed[labels[place]["label"]]
    final = [label(labels[place]["id"], "correct", "pass", ADJUDICATED) for place in changed[:2]]
    report, _, _ = reported(rows, [*labels, *final, label("i30", "correct", "pass", ADJUDICATED)])
    assert (report.doubled, report.differing, report.adjudicated, report.split) == (40, 5, 2, 3)
    said = "Raters differ on 5 of 40 items that two answered; an adjudicated label settles 2 of them."
    assert said in rater_lines(report)
    assert report.raters == (1, 2) and report.standing == () and report.apart == ()


def test_repeats_by_rater_and_together():
    rows, labels = made(60)
    first = {(one["id"], one["rater"]): one["label"] for one in labels if one["criterion"] == "correct"}
    again = []
    for (key, rater), answer in list(first.items())[:90]:
        if rater != "mia":
            turned = rater == "adam" and key in ("i0", "i1", "i2")
            other = "fail" if answer == "pass" else "pass"
            again.append(label(key, "correct", other if turned else answer, rater, repeat=True))
    report, _, _ = reported(rows, [*labels, *again])
    assert (report.repeats.same.n, report.repeats.same.value) == (60, 57 / 60)
    steady, turning, never = report.repeats_by_rater
    assert (steady.same.value, turning.same.value, never) == (1.0, 0.9, None)
    assert 0.5 < turning.coefficient.value < 1
    assert rater_lines(report)[1].startswith("Asked again, raters gave the same answer on 95 % (")
    assert rater_lines(report)[1].endswith(") of 60 repeats.")
    unasked, _, _ = reported(rows, [*labels, *again], "tone")
    assert unasked.repeats is None and unasked.repeats_by_rater == (None, None, None)
    before, _, _ = reported(rows, labels)
    assert before.noise == report.noise and before.alternative == report.alternative


def test_repeats_of_numbers_and_of_what_nobody_answered_first():
    rows, labels = made(40)
    numbers = [one for one in labels if one["criterion"] == "length" and one["rater"] == "mia"]
    again = [one | {"label": min(one["label"] + 0.9, 10.0), "repeat": True} for one in numbers[:35]]
    again.append(label("i39", "length", 3.0, "new", repeat=True))
    report, _, _ = reported(rows, [*labels, *again], "length")
    assert (report.repeats.same.n, report.repeats.same.value) == (35, 1.0)
    assert report.repeats.coefficient.value < 1


def test_nothing_doubled_is_said():
    rows, labels = made(40, skill=(0.9,))
    report, _, _ = reported(rows, labels)
    assert rater_lines(report) == [UNMEASURED]
    assert report.alternative is None and not report.noise.defined


def test_sentences():
    rows, labels = made(200, skill=(0.95, 0.95, 0.4), judge=0.95)
    report, _, _ = reported(rows, labels)
    place, apart, noise = rater_lines(report)
    assert place == (
        "A judge in a rater's place: passes the alternative-annotator test at ε 0.1 "
        f"(wins against {report.alternative.wins} of 3 raters)."
    )
    low = report.standing[2]
    assert apart == (
        f"Rater 3 stands apart: agrees with the others on {100 * low.with_others.value:.0f} % where they "
        f"agree with each other on {100 * low.among_others.value:.0f} %."
    )
    assert noise.startswith("About ") and noise.endswith(
        " of single labels are wrong, if raters err independently."
    )
    worse, _, _ = reported(*made(200, judge=0.1))
    assert "fails the alternative-annotator test" in rater_lines(worse)[0]
    few, _, _ = reported(*made(20))
    assert rater_lines(few)[0].startswith("A judge in a rater's place: not tested, as fewer than two raters")
    two, _, _ = reported(*made(60, skill=(0.9, 0.9)))
    assert "weak with two raters" in rater_lines(two)[0]


@pytest.mark.parametrize("name", NAMES)
def test_plain_json_and_back_without_a_name(name):
    rows, labels = made(110, skill=(0.9, 0.5, 0.9))
    repeat = [one | {"repeat": True} for one in labels[:30]]
    report, _, _ = reported(rows, [*labels, *repeat], name)
    text = json.dumps(report.to_dict(), allow_nan=False)
    back = RaterReport.from_dict(json.loads(text))
    assert repr(back) == repr(report) and rater_lines(back) == rater_lines(report)
    assert len(rater_lines(report)) <= 4
    assert not any(rater in text for rater in RATERS) and "i1" not in text


def test_groups_reach_every_figure():
    rows, labels = made(40)
    rows = [row(RUBRIC, f"{one['id']}-{n}", _said(one), talk=one["id"]) for one in rows for n in range(4)]
    labels = [one | {"id": f"{one['id']}-{n}"} for one in labels for n in range(4)]
    alone, _, _ = reported(rows, labels)
    grouped, _, _ = reported(rows, labels, group="talk")
    assert grouped.standing[0].difference.half_width > alone.standing[0].difference.half_width
    assert grouped.alternative.p_values != alone.alternative.p_values
    assert grouped.alternative.advantages == alone.alternative.advantages


def _said(graded):
    found = graded["verdict"]["criteria"]
    return {name: one["value"] if name == "length" else one["label"] for name, one in found.items()}


def test_answers_by_dawid_skene():
    rubric = rubric_of(TOPIC)
    _, labels = made(150, skill=(0.95, 0.5, 0.5), rubric=rubric)
    final = label("i7", "topic", "other", ADJUDICATED)
    found = labels_from_memory([*labels, final], rubric)
    question = questions(rubric)[0]
    settled = dawid_skene_answers(found, question, rubric)
    people = human_answers(found, question, rubric)
    table = rater_table(found, question, rubric, people.ids)[1]
    expected = dict(zip(people.ids, dawid_skene(table, range(3)).answer.tolist(), strict=True))
    assert settled == expected | {"i7": 2}
    assert settled != dict(zip(people.ids, people.codes.tolist(), strict=True))


def test_labels_settled_by_dawid_skene_are_what_people_answer():
    _, labels = made(150, skill=(0.95, 0.6, 0.6))
    found = labels_from_memory([*labels, label("i7", "tone", "2", ADJUDICATED)], RUBRIC)
    settled = settled_by_dawid_skene(found, RUBRIC)
    assert settled.notes == (SETTLED_BY,)
    final = [(one.id, one.criterion) for one in settled.labels if one.rater == ADJUDICATED]
    assert len(final) == len(set(final)) == 3 * 150
    splits = 0
    for question in questions(RUBRIC):
        before, after = (human_answers(one, question, RUBRIC) for one in (found, settled))
        np.testing.assert_array_equal(before.raters, after.raters)
        if question.criterion.range is not None:
            continue
        if question.name != OVERALL:
            expected = dawid_skene_answers(found, question, RUBRIC)
            assert dict(zip(after.ids, after.codes.tolist(), strict=True)) == expected
        assert after.counts["split"] == 0
        splits += before.counts["split"]
    assert splits > 0


def test_where_the_model_cannot_be_fitted():
    for n, skill, message in ((99, (0.9,) * 3, "3 and 99"), (120, (0.9,) * 2, "2 and 120")):
        found = labels_from_memory(made(n, skill)[1], RUBRIC)
        asked = {one.name: one for one in questions(RUBRIC)}
        with pytest.raises(UsageError, match=message):
            dawid_skene_answers(found, asked["topic"], RUBRIC)
        with pytest.raises(UsageError, match="leave the answers to the vote"):
            settled_by_dawid_skene(found, RUBRIC)
        with pytest.raises(UsageError, match="not numbers"):
            dawid_skene_answers(found, asked["length"], RUBRIC)
        with pytest.raises(UsageError, match="follows from its criteria"):
            dawid_skene_answers(found, asked[OVERALL], RUBRIC)


def asked_third(labels, name, extra=0.0, seed=0):
    """Labels of which the third rater's are kept where the first two differ by much, and a few more."""
    said = {(one["id"], one["criterion"], one["rater"]): one["label"] for one in labels}
    rng, places = np.random.default_rng(seed), sorted({one["id"] for one in labels})
    first, second, third = RATERS
    differ = {key for key in places if said[key, name, first] != said[key, name, second]}
    asked = differ | {key for key in places if rng.random() < extra}
    return [one for one in labels if one["rater"] != third or one["id"] in asked]


LATER = "Rater 3 was asked where others differ, and is left out of what raters say of each other."


@pytest.mark.parametrize("name", NAMES)
def test_who_was_asked_where_others_differ_says_nothing_of_them(name):
    decides = "topic" if name == OVERALL else name
    rows, labels = made(200)
    two = labels_from_memory([one for one in labels if one["rater"] != "mia"], RUBRIC)
    kept = asked_third(labels, decides, extra=0.1)
    report, _, people = reported(rows, kept, name)
    assert report.asked_later == (3,) and people.tie_breakers == {"mia"}
    assert report.standing == () and report.apart == () and LATER in rater_lines(report)
    assert report.raters == (1, 2, 3) and people.raters.shape[1] == 3
    question = next(one for one in questions(RUBRIC) if one.name == name)
    settled = human_answers(two, question, RUBRIC)
    assert people.counts["split"] < settled.counts["split"] or name in ("length", "tone")
    expected, _, _ = reported(rows, [one for one in kept if one["rater"] != "mia"], name)
    assert report.alternative.p_values[:2] == expected.alternative.p_values
    card, without_third = (
        calibrate(batch_from_rows(rows, RUBRIC), labels_from_memory(one, RUBRIC))
        for one in (kept, [one for one in kept if one["rater"] != "mia"])
    )
    top, same = (next(r for r in one.results if r.name == name) for one in (card, without_third))
    assert top.raters == 3 and top.ceiling.to_dict() == same.ceiling.to_dict()
    back = RaterReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert rater_lines(back) == rater_lines(report)


def two_and_a_third(rng, n=400, skill=0.9):
    """Codes of two raters as good as each other, and of a third where they differ."""
    table = (rng.random((n, 3)) < skill) == (rng.random((n, 1)) < 0.5)
    return np.where([True, True, False] | (table[:, [0]] != table[:, [1]]), table, -1).astype(np.intp)


def test_nobody_stands_apart_because_a_third_settles_ties():
    naive = 0
    for seed in range(100):
        table = two_and_a_third(np.random.default_rng(seed))
        later = tie_breakers(table)
        assert later.tolist() == [False, False, True]
        assert not any(one.adjusted <= 0.05 for one in rater_standing(without(table, later), levels=[0, 1]))
        naive += any(one.adjusted <= 0.05 for one in rater_standing(table, levels=[0, 1]))
    assert naive > 90


@pytest.mark.parametrize("numeric", [False, True])
def test_tie_breakers_are_found_in_any_order_with_100_items(numeric):
    rng = np.random.default_rng(3)
    tables = [two_and_a_third(rng, 100) for _ in range(100)]
    if numeric:
        tables = [np.where(one < 0, np.nan, one.astype(float)) for one in tables]
    found = [tie_breakers(one) for one in tables]
    assert sum(one.tolist() == [False, False, True] for one in found) >= 95
    for table, later in zip(tables[:20], found, strict=False):
        turned = tie_breakers(table[rng.permutation(100)][:, [2, 0, 1]])
        assert turned.tolist() == later[[2, 0, 1]].tolist()


def test_raters_at_random_teams_and_panels_are_no_tie_breakers():
    rng = np.random.default_rng(5)
    for _ in range(150):
        table = (rng.random((200, 4)) < rng.uniform(0.6, 0.95, 4)).astype(np.intp)
        assert not tie_breakers(table).any()
        missing = np.where(rng.random((200, 4)) < rng.uniform(0.1, 0.9, 4), -1, table)
        assert not tie_breakers(missing).any()
        good, poor = (np.full((200, 5), -1) for _ in range(2))
        good[:, :3] = rng.random((200, 3)) < 0.95
        poor[:, 2:] = rng.random((200, 3)) < 0.7
        assert not tie_breakers(np.vstack([good, poor])).any()


def test_a_pool_that_breaks_its_own_ties_leaves_nobody():
    rng = np.random.default_rng(2)
    answers = (rng.random((400, 5)) < 0.85).astype(np.intp)
    order = rng.permuted(np.tile(np.arange(5), (400, 1)), axis=1)
    first, second, third = (np.eye(5, dtype=bool)[order[:, place]] for place in range(3))
    tie = (answers[first] != answers[second])[:, None]
    pool = np.where(first | second | (third & tie), answers, -1)
    assert tie_breakers(pool).all()
    outside = np.column_stack(
        [np.where(first | second, answers, -1), np.where(tie[:, 0], answers[third], -1)]
    )
    assert np.flatnonzero(tie_breakers(outside)).tolist() == [5]


def test_the_third_annotator_of_nq301_is_left_out(shared, tmp_path):
    source = shared / "data/nq301/labels.jsonl"
    if not source.is_file():
        pytest.skip("the NQ301 data is not in the shared folder")
    rubric = load_rubric(Path(__file__).parents[2] / "calibration/nq301/rubric.yaml")
    labels = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    rows = [row(rubric, key, {"correct": "correct"}) for key in {one["id"]: 0 for one in labels}]
    card = calibrate(batch_from_rows(rows, rubric), labels_from_memory(labels, rubric))
    result = next(one for one in card.results if one.name == "correct")
    assert (result.ceiling.raw.n, round(result.ceiling.raw.value, 4)) == (1483, 0.8685)
    assert result.rater_report.asked_later == (3,) and result.raters == 3
    lines = rater_lines(result.rater_report)
    assert LATER in lines and not any("stands apart" in line for line in lines)
