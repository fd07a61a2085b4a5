"""Planning: what earlier labels tell, how many, which items, and that a sheet keeps the design honest."""

import csv
import json
from collections import Counter
from math import isnan

import numpy as np
import pytest
from judged import LENGTH, TONE, YES, label, row, rubric_of

from judgekit.calibration.batch import GradedBatch, load_batch
from judgekit.calibration.draw import draw_sheet, relabel_sheet
from judgekit.calibration.in_memory import labels_from_memory
from judgekit.calibration.pilot import Pilot, pilot_of, seconds_per_item
from judgekit.calibration.plan import Goal, plan_labels
from judgekit.calibration.strata import chances_of, question_of, strata_of
from judgekit.errors import InputError, UsageError
from judgekit.files.label_cells import unseal
from judgekit.files.labels import read_label_files, read_labels
from judgekit.stats import corrected_mean

BOTH = rubric_of(YES | {"gate": True}, TONE, allow_abstain=True)


def write_graded(place, rubric, rows, name="graded.jsonl"):
    """Write rows and the manifest that a run would leave."""
    (place / name).write_text("".join(json.dumps(one) + "\n" for one in rows))
    manifest = {"format": 1, "fingerprint": "sha256:f", "rubric": rubric.to_dict(), "columns": {}}
    (place / name.replace(".jsonl", ".run.json")).write_text(json.dumps(manifest))
    return place / name


def answers(place):
    """A judge that passes four of five, with some that it could not grade."""
    if place % 40 == 7:
        return "timeout"
    return {"correct": "fail" if place % 5 == 0 else "pass", "tone": str(1 + place % 3)}


@pytest.fixture
def graded(tmp_path):
    return write_graded(tmp_path, BOTH, [row(BOTH, f"i{n}", answers(n)) for n in range(200)])


def rows_of(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def drawn_rows(path):
    """Rows with what the sheet hides in plain sight."""
    return [unseal(one["id"], one) for one in rows_of(path)]


def fill(path, answer=lambda one: "pass", criteria=("correct",)):
    """Label a sheet as a rater would, and give its labels."""
    rows = [one | {name: answer(one) for name in criteria} for one in rows_of(path)]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return rows


# ------------------------------------------------------------------------------------------ earlier labels


def labels_at(times, rater="ann", **more):
    rows = [label(f"i{n}", "correct", "pass", rater, at=at, **more) for n, at in enumerate(times)]
    return labels_from_memory(rows, rubric_of(YES))


def clock(*seconds):
    return [f"2026-03-01T{9 + s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in np.cumsum(seconds)]


def test_the_time_of_an_item_is_the_median_gap_without_breaks():
    assert seconds_per_item(labels_at(clock(0, 40, 50, 60, 1800, 50, 45, 55))) == (50, 6)
    assert seconds_per_item(labels_at(clock(0, 40, 50, 600, 50, 45))) == (50, 5)  # ten minutes are no break


def test_the_order_of_rows_does_not_matter_and_raters_are_apart():
    times = clock(0, 40, 50, 60, 50, 45, 55)
    shuffled = [times[k] for k in (3, 0, 5, 1, 6, 2, 4)]
    assert seconds_per_item(labels_at(shuffled)) == seconds_per_item(labels_at(times)) == (50, 6)
    two = labels_from_memory(
        [
            label(f"i{n}", "correct", "pass", rater, at=at)
            for rater, start in (("ann", 0), ("bob", 7))
            for n, at in enumerate(clock(start, 40, 50, 60, 50, 45, 55))
        ],
        rubric_of(YES),
    )
    assert seconds_per_item(two) == (50, 12)


@pytest.mark.parametrize("times", [[""] * 9, ["yesterday"] * 9, clock(*[0] * 9), clock(0, 40, 50, 60, 50)])
def test_no_times_no_price(times):
    seconds, timed = seconds_per_item(labels_at(times))
    assert isnan(seconds) and timed == 0


def test_criteria_of_one_item_are_one_gap():
    rows = []
    for n, at in enumerate(clock(0, 60, 60, 60, 60, 60)):
        rows.append(label(f"i{n}", "correct", "pass", at=at))
        rows.append(label(f"i{n}", "tone", "2", at=at.replace(":00Z", ":09Z")))
    assert seconds_per_item(labels_from_memory(rows, BOTH)) == (60, 5)


def test_a_pilot(graded):
    batch = load_batch(graded)
    rows = [label(f"i{n}", "correct", "pass" if n % 5 or n % 2 else "fail") for n in range(60)]
    told = pilot_of(labels_from_memory(rows, BOTH), question_of(BOTH, "correct"), BOTH, batch)
    human = np.array([one["label"] == "pass" for one in rows], float)
    judge = np.array([n % 5 > 0 for n in range(60)], float)
    graded_ones = np.array([n % 40 != 7 for n in range(60)])
    assert told.mean == pytest.approx(human.mean()) and told.failures == 6
    likely = (human.sum() + 2) / 64
    assert told.variance == pytest.approx(likely * (1 - likely))
    assert told.pairs == graded_ones.sum() == 58
    assert told.agreement == pytest.approx(np.mean((human == judge)[graded_ones]))
    r = np.corrcoef(judge[graded_ones], human[graded_ones])[0, 1]
    low = np.tanh(np.arctanh(r) - 1.959964 / np.sqrt(55))
    assert told.correlation == pytest.approx(low) and 0 < low < r


def test_a_pilot_that_was_stratified_is_weighted():
    frame = {"digest": "sha256:" + "0" * 64, "n": 100, "strata": {"s1": 90, "s2": 10}}
    more = {"design": "stratified", "frame": frame}
    rows = [label(f"a{n}", "correct", "pass", stratum="s1", **more) for n in range(10)]
    rows += [label(f"b{n}", "correct", "fail", stratum="s2", **more) for n in range(10)]
    rubric = rubric_of(YES)
    assert pilot_of(
        labels_from_memory(rows, rubric), question_of(rubric), rubric, None
    ).mean == pytest.approx(0.9)


# ---------------------------------------------------------------------------------------------- how many


def plan(items=2000, goal=None, **more):
    return plan_labels(items, question_of(BOTH), goal, **more)


def test_a_plan_says_number_reason_price_and_gain():
    told = Pilot({f"i{n}": 1.0 for n in range(60)}, 0.6, 0.24, True, 24, 0.5, 0.8, 60, 48.0, 60)
    found = plan(goal=Goal("half_width", 0.07), pilot=told, at_hand=60)
    assert found.more + 60 == 151
    assert str(found) == (
        "An interval of ± 7 points takes 151 labels, supposing that people pass 60 % as on 60 labels and "
        "correlate with the judge by 0.5 (the lower limit from 60 labels).\n"
        "91 more labels: about 73 minutes (48 s an item, measured on 60 labels); the interval goes from ± 11 "
        "to about ± 7 points."
    )
    assert found.seconds == 91 * 48 and found.after <= 0.07 < found.before
    assert found.to_dict()["half_width"]["after"] == found.after


def test_no_time_no_price():
    assert "time unknown (--minutes)" in str(plan(goal=Goal("labels", 40)))
    assert "40 labels: about 40 minutes (1 min 00 s an item, as stated)" in str(
        plan(goal=Goal("labels", 40), minutes=1)
    )
    assert (
        plan(goal=Goal("difference", 0.15), minutes=1).seconds
        == 120 * plan(goal=Goal("difference", 0.15)).more
    )


def test_what_is_at_hand_may_suffice():
    found = plan(goal=Goal("half_width", 0.2), at_hand=100)
    assert found.more == 0 and str(found).endswith("The 100 labels at hand suffice.")


def test_what_is_out_of_reach_is_refused():
    with pytest.raises(
        UsageError, match=r"would leave ± 6.9 points .* grade about 385 items.*--target batch"
    ):
        plan(200, Goal("half_width", 0.05))
    assert plan(200, Goal("half_width", 0.05), target="batch").more == 125
    with pytest.raises(UsageError, match="There are 50: grade more"):
        plan(50, Goal("agreement", 0.8))
    with pytest.raises(UsageError, match="more than the 100 items"):
        plan(100, Goal("difference", 0.05))


def test_goals():
    assert plan(goal=Goal("agreement", 0.8)).more == 94
    assert plan(goal=Goal("rare", 0.02)).more == 149
    assert plan().more == 60 and plan(20).more == 20
    good = Pilot({"a": 1.0}, agreement=0.95, pairs=80)
    assert plan(goal=Goal("agreement", 0.8), pilot=good).more < 94
    bad = Pilot({"a": 1.0}, agreement=0.7, pairs=80)
    assert "on 80 labels it was 70 %" in plan(goal=Goal("agreement", 0.8), pilot=bad).reason


def test_scores_have_no_points():
    rubric = rubric_of(LENGTH)
    found = plan_labels(1000, question_of(rubric), Goal("half_width", 0.05))
    assert "± 0.05 takes" in found.reason and "points" not in str(found)


# -------------------------------------------------------------------------------------------------- which


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_stratified_sheet_shows_no_verdict_and_calibrate_finds_the_strata(graded, tmp_path, suffix):
    out = tmp_path / f"sheet.{suffix}"
    sheet = draw_sheet(graded, out, 60, draw="stratified", criterion="correct", seed=4)
    assert (sheet.drawn, sheet.design) == (60, "stratified")
    rows = rows_of(out)
    assert {one["design"] for one in rows} == {"stratified"} and len({one["id"] for one in rows}) == 60
    for one in rows:
        assert "verdict" not in one and not {"pass", "fail", "timeout"} & set(map(str, one.values()))
        assert not {"stratum", "probability"} & set(one)
    assert len({one["frame"] for one in rows}) == 60 and len({len(one["frame"]) for one in rows}) == 1
    batch, found = load_batch(graded), read_labels(as_labelled(out, rows), BOTH)
    rows = drawn_rows(out)
    names = strata_of(batch, found)
    codes = batch.answers["correct"].codes
    assert names.shape == (200,) and len(set(zip(names, codes.tolist(), strict=True))) == 3
    assert all(names[batch.position[one["id"]]] == one["stratum"] for one in rows)
    sizes = Counter(names.tolist())
    frame = rows[0]["frame"]
    assert frame["strata"] == dict(sizes) and sorted(sizes.values()) == [5, 40, 155]
    per = Counter(one["stratum"] for one in rows)
    assert min(per.values()) == 5 and sum(per.values()) == 60  # all that it could not grade


def as_labelled(path, rows):
    if path.suffix == ".jsonl":
        fill(path)
        return path
    filled = path.with_name("filled.csv")
    with filled.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows([one | {"correct": "pass"} for one in rows])
    return filled


def test_neither_order_nor_names_tell_strata(graded, tmp_path):
    """The stratum of passed items has either name, and items of both kinds come first."""
    batch, names, first = load_batch(graded), set(), set()
    for seed in range(12):
        out = tmp_path / f"{seed}.jsonl"
        draw_sheet(graded, out, 40, draw="stratified", criterion="correct", seed=seed)
        rows = drawn_rows(out)
        kinds = [int(batch.answers["correct"].codes[batch.position[one["id"]]]) for one in rows]
        names |= {one["stratum"] for one, kind in zip(rows, kinds, strict=True) if kind == 0}
        first.add(kinds[0])
    assert len(names) == 3 and len(first) > 1


def stratified(graded, tmp_path, n=60, **more):
    out = tmp_path / "first.jsonl"
    draw_sheet(graded, out, n, draw="stratified", criterion="correct", seed=4, **more)
    fill(out)
    return read_labels(out, BOTH)


def test_other_verdicts_are_refused(graded, tmp_path):
    labels = stratified(graded, tmp_path)
    rows = [row(BOTH, f"i{n}", answers(n if n != 3 else 5)) for n in range(200)]
    other = load_batch(write_graded(tmp_path, BOTH, rows, "other.jsonl"))
    with pytest.raises(UsageError, match=r"other verdicts on correct than .*other\.jsonl holds"):
        strata_of(other, labels)
    fewer = load_batch(write_graded(tmp_path, BOTH, rows[:150], "fewer.jsonl"))
    with pytest.raises(UsageError, match="of other items than"):
        strata_of(fewer, labels)
    again = load_batch(
        write_graded(tmp_path, BOTH, [row(BOTH, f"i{n}", answers(n)) for n in range(200)][::-1], "a.jsonl")
    )
    assert dict(zip(again.ids, strata_of(again, labels), strict=True)) == dict(
        zip(load_batch(graded).ids, strata_of(load_batch(graded), labels), strict=True)
    )


def test_labels_of_strata_have_probabilities_for_other_judges(graded, tmp_path):
    chances = chances_of(stratified(graded, tmp_path))
    assert len(chances) == 60 and sum(1 / chance for chance in chances.values()) == pytest.approx(200)


def test_strata_that_do_not_fit_are_refused(graded, tmp_path):
    stratified(graded, tmp_path)
    rows = drawn_rows(tmp_path / "first.jsonl")
    batch: GradedBatch = load_batch(graded)
    one = next(r for r in rows if r["stratum"] != rows[0]["stratum"])

    def with_change(change):
        return labels_from_memory([r | (change if r is one else {}) for r in rows], BOTH)

    with pytest.raises(InputError, match="another stratum than other items of its kind"):
        strata_of(batch, with_change({"stratum": rows[0]["stratum"]}))
    with pytest.raises(InputError, match="has no stratum"):
        strata_of(batch, with_change({"stratum": ""}))
    with pytest.raises(InputError, match="has the stratum 's9'"):
        strata_of(batch, with_change({"stratum": "s9"}))


def test_a_stratum_without_labels_keeps_its_name(graded, tmp_path):
    stratified(graded, tmp_path)
    rows = drawn_rows(tmp_path / "first.jsonl")
    batch = load_batch(graded)
    whole = strata_of(batch, labels_from_memory(rows, BOTH))
    part = [one for one in rows if one["stratum"] != "s2"]
    assert strata_of(batch, labels_from_memory(part, BOTH)).tolist() == whole.tolist()


def test_strata_of_a_number_are_fifths(tmp_path):
    rubric = rubric_of(LENGTH)
    rows = [row(rubric, f"i{n}", {"length": n % 100 / 10} if n % 50 else "refused") for n in range(400)]
    graded = write_graded(tmp_path, rubric, rows)
    draw_sheet(graded, tmp_path / "s.jsonl", 80, draw="stratified", seed=1)
    sizes = drawn_rows(tmp_path / "s.jsonl")[0]["frame"]["strata"]
    assert len(sizes) == 6 and min(sizes.values()) == 8 and sum(sizes.values()) == 400


def test_a_second_random_draw_makes_one_sample(graded, tmp_path):
    draw_sheet(graded, tmp_path / "a.jsonl", 60, seed=1)
    first = fill(tmp_path / "a.jsonl")
    at_hand = read_labels(tmp_path / "a.jsonl", BOTH)
    draw_sheet(graded, tmp_path / "b.jsonl", 140, seed=1, exclude=at_hand)
    second = rows_of(tmp_path / "b.jsonl")
    assert len({one["id"] for one in (*first, *second)}) == 200
    assert first[0]["frame"] == second[0]["frame"] and second[0]["design"] == "random"
    with pytest.raises(UsageError, match="200 items, 60 of them labelled, 141 cannot be drawn"):
        draw_sheet(graded, tmp_path / "c.jsonl", 141, exclude=at_hand)


def test_a_second_stratified_draw_makes_one_sample(graded, tmp_path):
    at_hand = stratified(graded, tmp_path)
    out = tmp_path / "second.jsonl"
    draw_sheet(graded, out, 40, draw="stratified", criterion="correct", exclude=at_hand)
    rows = fill(out)
    assert not {one["id"] for one in rows} & set(at_hand.ids)
    both = read_label_files([tmp_path / "first.jsonl", out], BOTH)
    assert strata_of(load_batch(graded), both).tolist() == strata_of(load_batch(graded), at_hand).tolist()


@pytest.mark.parametrize(
    ("first", "then"),
    [("random", "stratified"), ("stratified", "random"), ("active", "active"), ("rare", "stratified")],
)
def test_draws_that_make_no_sample_together_are_refused(graded, tmp_path, first, then):
    draw_sheet(graded, tmp_path / "a.jsonl", 60, draw=first, seed=1)
    fill(tmp_path / "a.jsonl")
    at_hand = read_labels(tmp_path / "a.jsonl", BOTH)
    with pytest.raises(UsageError, match=r"do not make one sample|draw the rest so too"):
        draw_sheet(graded, tmp_path / "b.jsonl", 20, draw=then, exclude=at_hand)


def test_labels_that_state_no_design_or_another_file_are_refused(graded, tmp_path):
    plain = labels_from_memory([label("i3", "correct", "pass")], BOTH)
    with pytest.raises(UsageError, match="whose design is unstated"):
        draw_sheet(graded, tmp_path / "b.jsonl", 20, exclude=plain)
    strange = labels_from_memory([label("x3", "correct", "pass", design="random")], BOTH)
    with pytest.raises(UsageError, match="drawn from other items"):
        draw_sheet(graded, tmp_path / "b.jsonl", 20, exclude=strange)


def test_rare_takes_what_the_judge_fails(tmp_path):
    rubric = rubric_of(YES)
    rows = [row(rubric, f"i{n}", {"correct": "fail" if n < 12 else "pass"}) for n in range(300)]
    graded = write_graded(tmp_path, rubric, rows)
    draw_sheet(graded, tmp_path / "r.jsonl", 60, draw="rare", seed=1)
    found = drawn_rows(tmp_path / "r.jsonl")
    assert {f"i{n}" for n in range(12)} <= {one["id"] for one in found} and len(found) == 60
    assert {one["design"] for one in found} == {"stratified"}
    assert sorted(found[0]["frame"]["strata"].values()) == [12, 288]
    few = write_graded(tmp_path, rubric, rows[12:], "none.jsonl")
    with pytest.raises(UsageError, match="no failures by the judge beside other items"):
        draw_sheet(few, tmp_path / "n.jsonl", 60, draw="rare")


def doubtful(n, confidence=None, parts=()):
    one = row(rubric_of(YES), f"i{n}", {"correct": "pass"})
    one["verdict"]["criteria"]["correct"]["confidence"] = confidence
    one["verdict"]["parts"] = list(parts)
    return one


def part(answer):
    return {"status": "ok", "label": answer, "criteria": {"correct": {"status": "ok", "label": answer}}}


@pytest.mark.parametrize(
    ("rows", "by"),
    [
        ([doubtful(n, 0.5 if n < 50 else 1.0) for n in range(200)], "confidence"),
        ([doubtful(n, None, map(part, ("pass", "fail" if n < 50 else "pass"))) for n in range(200)], "parts"),
    ],
)
def test_active_goes_where_the_judge_doubts(tmp_path, rows, by):
    graded = write_graded(tmp_path, rubric_of(YES), rows)
    sheet = draw_sheet(graded, tmp_path / "a.jsonl", 60, draw="active", criterion="correct", seed=1)
    assert by in sheet.note
    found = drawn_rows(tmp_path / "a.jsonl")
    # 60(½·½/25 + ½/200) = 0.75 for a doubtful item, 0.15 for any other.
    for one in found:
        assert one["probability"] == pytest.approx(0.75 if int(one["id"][1:]) < 50 else 0.15)
    assert {one["design"] for one in found} == {"probability"} and 40 <= len(found) <= 80


def test_active_by_a_score_is_unbiased_through_the_file(tmp_path):
    rubric, rng = rubric_of(LENGTH), np.random.default_rng(3)
    score = rng.random(400)
    human = np.clip(score + rng.normal(0, 0.1, 400), 0, 1)
    graded = write_graded(
        tmp_path, rubric, [row(rubric, f"i{n}", {"length": 10 * f}) for n, f in enumerate(score)]
    )
    held = []
    for seed in range(25):
        out = tmp_path / f"{seed}.jsonl"
        draw_sheet(graded, out, 60, draw="active", seed=seed)
        fill(out, lambda one: 10 * human[int(one["id"][1:])], ("length",))
        labels = read_labels(out, rubric).labels
        at = [int(one.id[1:]) for one in labels]
        chance = [one.probability for one in labels]
        found = corrected_mean(score, at, human[at], design="probability", probability=chance, target="batch")
        held.append(found.low <= human.mean() <= found.high)
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 25)


def test_without_a_sign_of_doubt_active_is_refused(tmp_path):
    rubric = rubric_of(YES)
    rows = [
        row(rubric, f"i{n}", {"correct": "pass" if n % 3 else "fail"} if n % 9 else "timeout")
        for n in range(50)
    ]
    graded = write_graded(tmp_path, rubric, rows)
    with pytest.raises(UsageError, match="do not say how certain the judge is"):
        draw_sheet(graded, tmp_path / "a.jsonl", 20, draw="active")


def test_items_without_verdicts_are_drawn_at_random_only(tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_text("".join(json.dumps({"id": f"i{n}", "output": "x"}) + "\n" for n in range(50)))
    assert draw_sheet(items, tmp_path / "a.jsonl", 20, rubric=BOTH).drawn == 20
    with pytest.raises(UsageError, match="has no verdicts"):
        draw_sheet(items, tmp_path / "b.jsonl", 20, rubric=BOTH, draw="stratified")


# ------------------------------------------------------------------------------------ again, and once more


def test_repeats_stand_far_apart_and_do_not_count(graded, tmp_path):
    out = tmp_path / "s.jsonl"
    sheet = draw_sheet(graded, out, 40, repeats=8, seed=2)
    assert (sheet.drawn, sheet.repeats) == (40, 8)
    rows = rows_of(out)
    at: dict[str, list[int]] = {}
    for place, one in enumerate(rows):
        at.setdefault(one["id"], []).append(place)
    twice = [places for places in at.values() if len(places) == 2]
    assert len(rows) == 48 and len(twice) == 8 and min(b - a for a, b in twice) >= 20
    assert [bool(rows[b].get("repeat")) for _, b in twice] == [True] * 8
    assert sum(bool(one.get("repeat")) for one in rows) == 8
    fill(out, lambda one: "fail" if one.get("repeat") else "pass")
    labels = read_labels(out, BOTH)
    settled = labels.settled(BOTH.by_name["correct"])
    assert {one.answer for one in settled.values()} == {"pass"} and not labels.notes
    with pytest.raises(UsageError, match="at most half"):
        draw_sheet(graded, tmp_path / "t.jsonl", 40, repeats=21)


REWORDED = rubric_of(YES | {"gate": True}, TONE | {"question": "How kind is it?"}, allow_abstain=True)


@pytest.fixture
def reworded(graded, tmp_path):
    """A labelled sheet, and the same items graded after a question was reworded."""
    out = tmp_path / "old.jsonl"
    draw_sheet(graded, out, 50, draw="stratified", criterion="correct", seed=4, rater="ann")
    fill(out, lambda one: "pass")
    fill(out, lambda one: "2", ("tone",))
    return write_graded(
        tmp_path, REWORDED, [row(REWORDED, f"i{n}", answers(n)) for n in range(200)], "new.jsonl"
    )


def test_after_a_rewording_only_that_criterion_is_asked_again(reworded, tmp_path):
    old, out = tmp_path / "old.jsonl", tmp_path / "again.jsonl"
    sheet = relabel_sheet(reworded, out, [old], "tone", seed=1)
    assert (sheet.drawn, sheet.criteria, sheet.design) == (50, ("tone",), "stratified")
    before, rows = {one["id"]: one for one in rows_of(old)}, rows_of(out)
    assert {one["id"] for one in rows} == set(before)
    for one in rows:
        assert "correct" not in one and one["tone"] == "" and one["rater"] == "ann"
        assert all(one[key] == before[one["id"]][key] for key in ("design", "frame"))
    fill(out, lambda one: "3", ("tone",))
    for files in ([old, out], [out, old]):
        labels, digests = read_label_files(files, REWORDED).labels, REWORDED.criterion_digests
        now = [one for one in labels if one.criterion_digest == digests[one.criterion]]
        assert [one.answer for one in now if one.criterion == "tone"] == ["3"] * 50
        assert [one.answer for one in now if one.criterion == "correct"] == ["pass"] * 50


def test_levels_of_another_wording_are_left_out_with_a_note(tmp_path, graded):
    out = tmp_path / "old.jsonl"
    draw_sheet(graded, out, 30, seed=4)
    fill(out, lambda one: "2", ("tone",))
    fill(out)
    kinds = [{"label": "rude", "score": 0.0}, {"label": "kind", "score": 1.0}]
    renamed = rubric_of(YES | {"gate": True}, TONE | {"levels": kinds}, allow_abstain=True)
    labels = read_labels(out, renamed)
    assert labels.criteria() == {"correct"}
    assert any(
        note.startswith("30 labels of tone left out: a level of another wording") for note in labels.notes
    )


def test_what_needs_no_asking_is_refused(graded, reworded, tmp_path):
    old = tmp_path / "old.jsonl"
    with pytest.raises(UsageError, match="tone has the wording that these labels answer"):
        relabel_sheet(graded, tmp_path / "x.jsonl", [old], "tone")
    with pytest.raises(UsageError, match="'kindness' is not a criterion"):
        relabel_sheet(reworded, tmp_path / "x.jsonl", [old], "kindness")
    rows = rows_of(old)
    (tmp_path / "bob.jsonl").write_text("".join(json.dumps(one | {"rater": "bob"}) + "\n" for one in rows))
    with pytest.raises(UsageError, match="the labels are by ann, bob: draw one sheet for each"):
        relabel_sheet(reworded, tmp_path / "x.jsonl", [old, tmp_path / "bob.jsonl"], "tone")
    assert (
        relabel_sheet(
            reworded, tmp_path / "x.jsonl", [old, tmp_path / "bob.jsonl"], "tone", rater="bob"
        ).drawn
        == 50
    )


@pytest.mark.parametrize("draw", ["stratified", "rare", "active"])
def test_nothing_on_a_sheet_tells_a_rater_what_the_judge_said(graded, tmp_path, draw):
    sheets = [tmp_path / "s.csv", tmp_path / "s.jsonl"]
    for out in sheets:
        draw_sheet(graded, out, 60, draw=draw, seed=4, repeats=4)
        rows = rows_of(out)
        shown = {"id", "input", "output", "correct", "tone", "note", "rater", "design", "frame"}
        assert set(rows[0]) <= shown | {"criterion_digest", "repeat"}
        assert len({one["frame"] for one in rows}) == len({one["id"] for one in rows})
        assert len({len(one["frame"]) for one in rows}) == 1
        text = out.read_text("utf-8-sig")
        assert not any(word in text for word in ("flagged", "stratum", "partition", 'probability":'))
    assert [one["frame"] for one in drawn_rows(sheets[0])] == [one["frame"] for one in drawn_rows(sheets[1])]


def test_a_hidden_cell_belongs_to_its_row(graded, tmp_path):
    stratified(graded, tmp_path)
    rows = rows_of(tmp_path / "first.jsonl")
    moved = [rows[0] | {"frame": rows[1]["frame"]}, rows[1] | {"frame": rows[1]["frame"][:-8]}, *rows[2:]]
    with pytest.raises(InputError, match=f"labels:1: frame: was not written for the item '{rows[0]['id']}'"):
        labels_from_memory(moved, BOTH)
    (tmp_path / "moved.jsonl").write_text("".join(json.dumps(one) + "\n" for one in moved))
    with pytest.raises(InputError, match=r"moved\.jsonl:2: .*was changed"):
        relabel_sheet(graded, tmp_path / "x.jsonl", [tmp_path / "moved.jsonl"], "correct")


@pytest.mark.parametrize("role", ["development", "holdout", "confirmatory"])
def test_an_item_keeps_its_role_when_it_is_asked_again(reworded, tmp_path, role):
    old, out = tmp_path / "old.jsonl", tmp_path / "again.jsonl"
    before = [one | {"role": role if n else ""} for n, one in enumerate(rows_of(old))]
    old.write_text("".join(json.dumps(one) + "\n" for one in before))
    relabel_sheet(reworded, out, [old], "tone", seed=1)
    assert {one["id"]: one.get("role", "") for one in rows_of(out)} == {
        one["id"]: one["role"] for one in before
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": {"a": 1}}, "an id must be text or a whole number"),
        ({"rater": ["a", "b"]}, "is no name of one rater"),
        ({"frame": {"strata": {"s1": "x"}}}, "the stratum 's1' has the size 'x'"),
    ],
)
def test_earlier_labels_that_cannot_be_read_name_file_and_line(reworded, tmp_path, change, said):
    rows = rows_of(tmp_path / "old.jsonl")
    rows[2] |= change
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    with pytest.raises(InputError, match=rf"odd\.jsonl:3: .*{said}"):
        relabel_sheet(reworded, tmp_path / "x.jsonl", [tmp_path / "odd.jsonl"], "tone")


def test_a_sheet_is_all_in_quotes(tmp_path):
    rubric = rubric_of(YES)
    rows = [row(rubric, f"i{n}", {"correct": "pass"}, output='one; two, "three"\r\nfour') for n in range(4)]
    draw_sheet(write_graded(tmp_path, rubric, rows), tmp_path / "s.csv", 4, seed=1)
    text = (tmp_path / "s.csv").read_text("utf-8-sig")
    cells = [cell for one in csv.reader(text.splitlines()) for cell in one]
    assert text.startswith('"id",') and len(cells) > 8
    assert text.count('"one; two, ""three""') == 4
    assert {one["output"] for one in rows_of(tmp_path / "s.csv")} == {'one; two, "three"\r\nfour'}
