"""The demo is not lucky: its figures hold for other draws of the labelled items, and its README is true."""

import json
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import judgekit as jk
from judgekit.calibration.batch import load_batch, questions
from judgekit.calibration.demo import demo_labels, true_pass_rate
from judgekit.calibration.estimates import Outcomes, quantities
from judgekit.calibration.human import human_answers
from judgekit.labels import frame_of

DRAWS, LABELLED = 500, 60
DEMO = files("judgekit").joinpath("_demo")


def lines(name):
    return [json.loads(line) for line in DEMO.joinpath(f"{name}.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    (folder / "answers.jsonl").write_bytes(DEMO.joinpath("answers.jsonl").read_bytes())
    judge = jk.judge("support-reply", "offline/lexical")
    jk.grade_file(judge, folder / "answers.jsonl", folder / "graded.jsonl")
    return load_batch(folder / "graded.jsonl")


def truth_of(batch):
    """Codes, scores and passes of every answer as a whole, in the order of the batch."""
    whole = questions(batch.rubric)[-1]
    people = human_answers(demo_labels("truth", batch.rubric), whole, batch.rubric)
    order = [people.ids.index(identity) for identity in batch.ids]
    return people.codes[order], people.scores[order], people.passes[order]


@pytest.mark.parametrize("target", ["process", "batch"])
def test_the_corrected_interval_holds_the_truth_in_500_other_draws(graded, target):
    whole, truth = questions(graded.rubric)[-1], truth_of(graded)
    rate, judge = truth[2].mean(), graded.answers["overall"]
    rng = np.random.default_rng(1)
    found = []
    for _ in range(DRAWS):
        labelled = rng.choice(len(graded.ids), LABELLED, replace=False)
        outcomes = Outcomes(labelled, *(column[labelled] for column in truth))
        found.append(quantities(whole, judge, outcomes, "random", target)[0])
    held = np.mean([one.corrected.low <= rate <= one.corrected.high for one in found])
    human = 2 * np.mean([one.human.half_width for one in found])
    corrected = 2 * np.mean([one.corrected.half_width for one in found])
    print(
        f"\n{DRAWS} draws of {LABELLED}, target {target}: corrected intervals hold the truth in {held:.1%};"
    )
    print(f"mean widths: labels alone {human:.3f}, corrected {corrected:.3f}, ratio {corrected / human:.2f}")
    assert held >= 0.93
    assert np.mean([one.corrected.value for one in found]) == pytest.approx(rate, abs=0.01)
    assert abs(found[0].raw - rate) > 0.15  # the judge's count is far off, so the correction has work to do


def test_half_of_the_answers_pass(graded):
    passes = truth_of(graded)[2]
    assert (passes.size, passes.sum()) == (200, 104)
    assert true_pass_rate(graded.rubric) == 0.52


def test_the_readme_counts_what_is_there(graded):
    text = (Path(__file__).parents[2] / "calibration/demo/README.md").read_text("utf-8")
    kinds = {one["id"]: one["made_as"] for one in lines("truth")}
    answers = {}
    for one in lines("truth"):
        answers.setdefault(one["made_as"], {})[one["criterion"]] = one["label"]
    passes = dict(zip(graded.ids, truth_of(graded)[2], strict=True))
    table = re.findall(
        r"^\| (\w+) \| (\d+) \|[^|]*\| (\w+) \| (\w+) \| (\d) \| (\w+) \| (yes|no) \|", text, re.M
    )
    assert sum(int(n) for _, n, *_ in table) == 200
    for kind, n, resolves, policy, tone, step, passed in table:
        of_kind = [identity for identity, made in kinds.items() if made == kind]
        assert len(of_kind) == int(n)
        said = {"resolves": resolves, "policy": policy, "tone": tone, "next_step": step}
        assert answers[kind] == said
        assert {passes[identity] for identity in of_kind} == {float(passed == "yes")}


def test_the_labels_are_two_raters_on_60_answers_drawn_at_random(graded):
    labels = lines("labels")
    assert len({one["id"] for one in labels}) == LABELLED
    assert {one["design"] for one in labels} == {"random"}
    assert {one["frame"]["digest"] for one in labels} == {frame_of(graded.ids)["digest"]}
    raters = Counter(one["rater"] for one in labels)
    assert len(raters) == 3 and "adjudicated" in raters
    # Adjudication restores the construction, and is there only where raters differ.
    truth = {(one["id"], one["criterion"]): one["label"] for one in lines("truth")}
    said = {}
    for one in labels:
        said.setdefault((one["id"], one["criterion"]), {})[one["rater"]] = one["label"]
    for key, given in said.items():
        final = given.pop("adjudicated", None)
        differ = len(set(given.values())) > 1
        assert differ == (final is not None)
        assert truth[key] in given.values()
        assert final in (None, truth[key])


def test_segments_differ_as_the_readme_says_and_channels_do_not(graded):
    passes = dict(zip(graded.ids, truth_of(graded)[2], strict=True))
    rates = {}
    for column in ("segment", "channel"):
        groups = {}
        for one in lines("answers"):
            groups.setdefault(one[column], []).append(passes[one["id"]])
        rates[column] = {name: round(float(np.mean(values)), 2) for name, values in groups.items()}
    assert rates["segment"].pop("returns") == 0.40
    assert all(0.53 <= rate <= 0.58 for rate in rates["segment"].values())
    assert max(rates["channel"].values()) - min(rates["channel"].values()) < 0.1
