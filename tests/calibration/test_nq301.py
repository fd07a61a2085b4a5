"""The NQ301 study: what it committed is what it gives, and its figures are those of scikit-learn."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from judgekit.calibration import calibrate
from judgekit.files.labels import read_labels

STUDY = Path(__file__).parents[2] / "calibration/nq301"
JUDGES = ("gpt-4", "text-davinci-003", "BEM", "offline/lexical")
COMMITTED = json.loads((STUDY / "results.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("nq301_study", STUDY / "study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(shared):
    folder = shared / "data/nq301"
    if not folder.is_dir():
        pytest.skip("the NQ301 data is not in the shared folder")
    return folder


@pytest.fixture(scope="module")
def again(study, data):
    return study.study(data, splits=60, seed=7)


def test_the_committed_results_are_what_the_code_gives(study, again):
    found = study.studies.differences(COMMITTED, again)
    assert [one for one in found if "splits." not in one] == []


def test_the_committed_page_is_that_of_the_committed_results(study):
    assert study.readme(COMMITTED) == (STUDY / "README.md").read_text("utf-8")


def test_the_page_holds_no_row_of_the_data(data):
    page = (STUDY / "README.md").read_text("utf-8") + json.dumps(COMMITTED)
    for line in (data / "items.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        assert item["input"] not in page
        assert item["id"] not in page


@pytest.mark.parametrize("judge", JUDGES)
def test_agreement_and_kappa_are_those_of_scikit_learn(study, data, judge, tmp_path):
    batch = study.studies.grade(STUDY / "rubric.yaml", data, judge, tmp_path, "question_id")
    found = calibrate(batch, read_labels(data / "labels.jsonl", batch.rubric)).overall
    rows = [json.loads(line) for line in (data / "labels.jsonl").read_text("utf-8").splitlines()]
    truth = {one["id"]: one["label"] == "correct" for one in rows if one["rater"] == "adjudicated"}
    answers = zip(batch.ids, batch.answers["correct"].passes, strict=True)
    said = [(truth[identity], bool(passed)) for identity, passed in answers if not np.isnan(passed)]
    human, verdict = np.array(said).T
    assert found.counts.used == len(said)
    assert found.agreement.value == pytest.approx(accuracy_score(human, verdict), rel=0, abs=1e-12)
    assert found.coefficient.value == pytest.approx(cohen_kappa_score(human, verdict), rel=0, abs=1e-12)


def test_the_figures_are_those_of_the_source():
    two = COMMITTED["annotators_1_2"]
    assert (two["n"], round(two["agreement"], 4), round(two["kappa"], 4)) == (1483, 0.8685, 0.7347)
    rights = {"gpt-4": 1262, "text-davinci-003": 1248, "BEM": 1201}
    for judge, right in rights.items():
        one = COMMITTED["judges"][judge]
        assert one["table"][0][0] + one["table"][1][1] == right
        assert one["agreement_failures_wrong"] == round(right / 1490, 6)
    assert COMMITTED["judges"]["gpt-4"]["failed"] == {"invalid_reply": 2}


@pytest.mark.parametrize("judge", JUDGES)
def test_the_corrected_interval_covers_and_is_narrower_than_labels_alone(again, judge):
    long, short = COMMITTED["judges"][judge]["splits"], again["judges"][judge]["splits"]
    assert COMMITTED["splits"]["count"] == 1000
    assert 0.94 <= long["coverage"]["corrected"] <= 0.97
    assert long["width"]["corrected"] < long["width"]["human"]
    # Another seed and few draws: the same, as far as 60 draws can tell.
    assert short["coverage"]["corrected"] >= 0.85
    assert short["width"]["corrected"] == pytest.approx(long["width"]["corrected"], rel=0.05)


def test_clusters_widen_the_interval_for_other_questions_only():
    for one in COMMITTED["judges"].values():
        width = one["splits"]["width"]
        assert width["corrected"] < width["alone"] < width["by_question"]
