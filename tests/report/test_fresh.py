"""Next week's batch: fresh labels beside the card of an earlier one, and what a card says of itself."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pages import Page

import judgekit as jk
from judgekit.calibration.text import interval, number
from judgekit.calibration.thresholds import Thresholds
from judgekit.report import write_report


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """Two batches of one judge; of each some items are labelled at random, the second also changed."""
    folder, rng = tmp_path_factory.mktemp("weeks"), np.random.default_rng(4)
    (folder / "r.yaml").write_text(
        "name: weekly\nversion: 1.0.0\npurpose: p\ninputs: {output: o}\ncriteria:\n"
        "  - {name: right, question: q, scale: binary, levels: {pass: p, fail: f}, target: 0.5}\n"
    )
    said = {True: "pass", False: "fail"}
    verdicts, batches = [], {}
    for name, size, n in (("first", 400, 150), ("next", 300, 60)):
        human = rng.random(size) < 0.8
        judge = np.where(rng.random(size) < 0.9, human, ~human)
        ids = [f"{name}{k}" for k in range(size)]
        verdicts += [
            {"id": i, "criterion": "right", "label": said[bool(j)]} for i, j in zip(ids, judge, strict=True)
        ]
        chosen = sorted(rng.choice(size, n, replace=False).tolist())
        batches[name] = ids, {ids[k]: bool(human[k]) for k in chosen}
    write(folder / "v.jsonl", verdicts)
    for name, (ids, people) in batches.items():
        write(folder / f"{name}.jsonl", [{"id": i, "output": "a text"} for i in ids])
        write(folder / f"{name}.labels.jsonl", [answer(i, said[y]) for i, y in people.items()])
        judge = jk.judge(folder / "r.yaml", f"recorded/{folder / 'v.jsonl'}")
        jk.grade_file(judge, folder / f"{name}.jsonl", folder / f"{name}.graded.jsonl")
    people = batches["next"][1]
    write(folder / "moved.jsonl", [answer(i, said[not y]) for i, y in people.items()])
    write(folder / "few.jsonl", [answer(i, said[y]) for i, y in list(people.items())[:9]])
    jk.calibrate(folder / "first.graded.jsonl", folder / "first.labels.jsonl").save(folder / "card.json")
    return folder


def write(path, rows):
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))


def answer(identity, label):
    return {"id": identity, "criterion": "right", "rater": "ann", "label": label, "design": "random"}


def reported(folder, labels, graded="next.graded.jsonl", card="card.json"):
    report = write_report(
        folder / graded,
        folder / "out.html",
        labels=None if labels is None else folder / labels,
        calibration=folder / card if isinstance(card, str) else card,
    )
    return report, Page(folder / "out.html")


def test_fresh_labels_lead_with_what_assumes_nothing(weeks):
    report, page = reported(weeks, "next.labels.jsonl")
    card = jk.load_card(weeks / "card.json")
    found = card.correct(weeks / "next.graded.jsonl", labels=weeks / "next.labels.jsonl").quantities[0]
    answer = page.section("answer")
    assert "Corrected by fresh labels" in answer and "60 fresh labels of this batch" in answer
    for way in ("human only", "fresh labels"):
        assert interval(found.name, found.estimates[way]) in answer
        assert number(found.name, found.estimates[way].value) in answer
    assert report.decision == card.decision.verb and card.decision.sentence in answer
    assert "Does a verdict still mean what it meant?" in answer and "Not refuted" in answer
    assert "No difference found that" in answer
    assert "if the judge still errs at the same rates" not in page.text
    assert not page.crossed and not page.open


def test_agreement_is_that_of_the_fresh_labels_alone(weeks):
    _, page = reported(weeks, "next.labels.jsonl")
    alone = jk.calibrate(weeks / "next.graded.jsonl", weeks / "next.labels.jsonl")
    found = page.section("question-0")
    assert "By the labels of this batch alone" in found and "60 of 60 labelled items enter agreement" in found
    for line in alone["right"].table:
        assert all(str(count) in found for count in line)
    assert "disagreements on 60 labelled items" in page.section("disagreements")


def test_requirements_go_by_the_fresh_estimate(weeks):
    _, page = reported(weeks, "next.labels.jsonl")
    found = jk.load_card(weeks / "card.json").correct(
        weeks / "next.graded.jsonl", labels=weeks / "next.labels.jsonl"
    )
    rate = found.quantities[0].estimates["fresh labels"]
    limits = f"({100 * rate.low:.1f} – {100 * rate.high:.1f} %)"
    assert f"The corrected interval {limits} lies" in page.section("answer")
    assert "Required: at least 50 % of items pass. Met: the corrected interval" in page.text


def test_a_verdict_that_means_something_else_breaks_the_card(weeks):
    report, page = reported(weeks, "moved.jsonl")
    answer = page.section("answer")
    assert "A verdict no longer means what it meant when the card was made" in answer
    assert "the card is stale" in answer and "Calibrate anew" in answer
    alone = jk.calibrate(weeks / "next.graded.jsonl", weeks / "moved.jsonl")
    assert report.decision == alone.decision.verb == "reject" and alone.decision.sentence in answer


def test_too_few_fresh_labels_leave_both_assumptions(weeks):
    report, page = reported(weeks, "few.jsonl")
    answer = page.section("answer")
    assert "No single number" in answer and "if a verdict still means what it meant" in answer
    assert "9 fresh labels, too few for an estimate that assumes nothing (15)" in page.section("origin")
    assert report.decision == "insufficient" and page.source.count('class="item"') == report.disagreements


def test_labels_that_are_no_draw_decide_alone(weeks):
    rows = [
        json.loads(line) | {"design": None} for line in (weeks / "next.labels.jsonl").read_text().splitlines()
    ]
    write(weeks / "handpicked.jsonl", rows)
    report, page = reported(weeks, "handpicked.jsonl")
    assert report.decision == "insufficient" and "Corrected by fresh labels" not in page.text
    assert "other verdicts or labels (400 items); the labels given here decide" in page.section("origin")


def test_a_stale_card_says_so_first(weeks):
    stale = replace(jk.load_card(weeks / "card.json"), stale="of <b>right</b>, it drifted")
    _, page = reported(weeks, None, "first.graded.jsonl", stale)
    answer = page.section("answer")
    assert "Nothing below can be relied on any more: of <b>right</b>, it drifted" in answer
    assert answer.index("Stale card") < answer.index("Decision") and ("b", {}) not in page.tags
    assert "Unknown" in answer and "the card is stale" in answer.lower()


def test_a_card_that_learned_names_its_weeks(weeks):
    card = jk.load_card(weeks / "card.json")
    learned = card.correct(weeks / "next.graded.jsonl", labels=weeks / "next.labels.jsonl").card
    _, page = reported(weeks, None, "first.graded.jsonl", learned)
    assert "Labelled since, of later batches 60 of 300 items" in page.section("origin")


def test_looks_widen_the_headings(weeks):
    """The third look at a growing set has wider limits, and says so wherever an interval stands."""
    rows = [json.loads(line) for line in (weeks / "first.labels.jsonl").read_text().splitlines()]
    grown = weeks / "grown.jsonl"
    for n in (50, 100, 150):
        write(grown, rows[:n])
        found = jk.calibrate(weeks / "first.graded.jsonl", grown)
    assert found.standing.look == 3
    _, page = reported(weeks, "grown.jsonl", "first.graded.jsonl", None)
    level = f"{100 * found.confidence:.1f} %"
    assert f"{level} interval" in page.section("answer") and "95 % interval" not in page.section("answer")
    assert "Look 3 at these labels" in page.section("answer")
    assert f"Numbers in parentheses are {level} intervals" in page.section("answer")
    assert "Looks at these labels 3, with 1 judge tried on them" in page.section("origin")


def test_stated_limits_of_the_decision_are_shown(weeks):
    stated = jk.calibrate(
        weeks / "first.graded.jsonl", weeks / "first.labels.jsonl", thresholds=Thresholds(margin=0.03)
    )
    _, page = reported(weeks, None, "first.graded.jsonl", stated)
    assert "Limits stated for the decision margin 0.03" in page.section("origin")
