"""PandaLM's 999 pairs through a pairwise rubric: recorded judges against the majority of three raters."""

import json
from collections import Counter

import numpy as np
import pytest
from judged import rubric_of
from sklearn.metrics import cohen_kappa_score

import judgekit as jk
from judgekit.calibration.batch import load_batch
from judgekit.files.labels import read_labels
from judgekit.stats import cohen_kappa

RUBRIC = rubric_of(
    {"name": "preference", "question": "Which response follows the instruction better?"}, mode="pairwise"
)
RIGHT = {"gpt-3.5-turbo": 697, "pandalm-7b": 667}  # 0.6977 with a null counted as wrong, 0.6677
LOST = {"gpt-3.5-turbo": {"invalid_reply": 25}, "pandalm-7b": {}}


@pytest.fixture(scope="module")
def data(shared):
    folder = shared / "data/pandalm"
    if not folder.is_dir():
        pytest.skip("the PandaLM data is not in the shared folder")
    return folder


@pytest.fixture(scope="module")
def labels(data):
    return read_labels(data / "labels.jsonl", RUBRIC)


@pytest.fixture(scope="module")
def found(data, labels, tmp_path_factory):
    """By judge: calibrated with each item for itself, and by prompt."""
    folder, kept = tmp_path_factory.mktemp("pandalm"), {}
    for judge in RIGHT:
        grader = jk.judge(RUBRIC, f"recorded/{data / 'verdicts.jsonl'}@{judge}")
        jk.grade_file(grader, data / "items.jsonl", folder / f"{judge}.jsonl")
        plain, by_prompt = (load_batch(folder / f"{judge}.jsonl", group=g) for g in ("id", "input"))
        kept[judge] = [
            jk.calibrate(batch, labels, design="random", target="batch").overall
            for batch in (plain, by_prompt)
        ]
    return kept


def codes(labels):
    """Raters' answers, shape (999, 3)."""
    said = {}
    for label in labels.labels:
        said.setdefault(label.id, {})[label.rater] = ("a", "b", "tie").index(label.answer)
    return np.array([[one[f"annotator{n}"] for n in (1, 2, 3)] for one in said.values()])


def test_raters_agree_as_the_source_says(labels):
    raters = codes(labels)
    pairs = {(0, 1): 0.8520, (0, 2): 0.8789, (1, 2): 0.8617}
    for (a, b), kappa in pairs.items():
        assert round(cohen_kappa(raters[:, a], raters[:, b], levels=range(3)), 4) == kappa


@pytest.mark.parametrize("judge", RIGHT)
def test_recorded_judges_agree_with_the_majority_as_the_source_says(found, judge):
    result = found[judge][0]
    assert sum(result.table[place][place] for place in range(3)) == RIGHT[judge]
    assert result.counts.failed == LOST[judge]
    assert result.counts.split == 0
    used = 999 - sum(LOST[judge].values())
    assert result.agreement.value == pytest.approx(RIGHT[judge] / used, rel=0, abs=1e-12)


def test_the_majority_has_the_counts_of_the_source(found):
    result = found["pandalm-7b"][0]
    assert dict(zip(result.levels, map(sum, zip(*result.table, strict=True)), strict=True)) == {
        "a": 422, "b": 472, "tie": 105,
    }  # fmt: skip
    wins = (422 + 105 / 2) / 999
    assert result.headline.human.value == pytest.approx(wins, abs=1e-12)
    assert (result.headline.corrected.low, result.headline.corrected.high) == pytest.approx((wins, wins))


@pytest.mark.parametrize("judge", RIGHT)
def test_kappa_is_that_of_scikit_learn(found, data, labels, judge):
    majority = {
        key: Counter(("a", "b", "tie")[code] for code in row).most_common(1)[0][0]
        for key, row in zip(labels.ids, codes(labels), strict=True)
    }
    said = [json.loads(line) for line in (data / "verdicts.jsonl").read_text("utf-8").splitlines()]
    pairs = [
        (majority[one["id"]], one["label"].lower()) for one in said if one["judge"] == judge and one["label"]
    ]
    expected = cohen_kappa_score(*zip(*pairs, strict=True), labels=["a", "b", "tie"])
    assert found[judge][0].coefficient.value == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("judge", RIGHT)
def test_999_pairs_on_170_prompts_say_less_than_999_would(found, judge):
    alone, by_prompt = (one.coefficient for one in found[judge])
    assert alone.value == by_prompt.value
    assert by_prompt.half_width > alone.half_width
    assert found[judge][0].ceiling.raw.n == 999
