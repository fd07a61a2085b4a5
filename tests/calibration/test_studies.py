"""The studies: what is committed comes out again, and an independent computation gives the same figures."""

import importlib.util
import json
import sys
from collections import Counter
from math import comb, sqrt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import stdtr
from sklearn.metrics import accuracy_score, cohen_kappa_score, precision_recall_fscore_support

STUDIES = Path(__file__).parents[2] / "calibration"
NAMES = ("nq301", "pandalm", "dices350", "taubench_airline")
NEW = NAMES[1:]


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"{name}_study", STUDIES / name / "study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(name):
    return json.loads((STUDIES / name / "results.json").read_text("utf-8"))


@pytest.fixture
def data(shared):
    def folder(name):
        if not (shared / "data" / name).is_dir():
            pytest.skip(f"the data of {name} is not in the shared folder")
        return shared / "data" / name

    return folder


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_page_is_that_of_the_committed_results(name):
    assert loaded(name).readme(results(name)) == (STUDIES / name / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", NEW)
def test_the_committed_results_are_what_the_code_gives(data, name):
    module, plan = loaded(name), {"splits": 0} if name == "pandalm" else {}
    again = json.loads(json.dumps(module.study(data(name), **plan)))
    found = module.studies.differences(results(name), again)
    assert [one for one in found if "splits" not in one] == []


def test_a_check_says_which_figure_differs(data, tmp_path, monkeypatch, capsys):
    module = loaded("taubench_airline")
    kept = results("taubench_airline")
    monkeypatch.setattr(sys, "argv", ["study.py", "--data", str(data("taubench_airline")), "--check"])

    def checked():
        (tmp_path / "results.json").write_text(json.dumps(kept), "utf-8")
        code = module.studies.main(tmp_path, module.study, module.readme, "A study.")
        return code, capsys.readouterr().out

    assert checked() == (0, f"{tmp_path}/results.json: holds\n")
    kept["pass_hat"]["2"]["value"] += 0.001
    code, said = checked()
    assert code == 1 and "\npass_hat.2.value: 0.274333 stored, 0.273333 now\n" in said
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize("name", NEW)
def test_no_row_of_the_data_is_kept(data, name):
    kept = "".join(
        path.read_text("utf-8") for path in (STUDIES / name).iterdir() if path.suffix in (".md", ".json")
    )
    for item in rows(data(name) / "items.jsonl"):
        assert item["id"] not in kept and item["input"] not in kept


# ---------------------------------------------------------------------------------------------------- PandaLM


@pytest.fixture(scope="module")
def pandalm(shared):
    folder = shared / "data/pandalm"
    if not folder.is_dir():
        pytest.skip("the data of pandalm is not in the shared folder")
    people, said = {}, {}
    for row in rows(folder / "labels.jsonl"):
        people.setdefault(row["id"], []).append(row["label"])
    for row in rows(folder / "verdicts.jsonl"):
        said.setdefault(row["judge"], {})[row["id"]] = row["label"] or "tie"
    votes = {key: Counter(row).most_common(1)[0][0] for key, row in people.items()}
    prompts = {row["id"]: row["input"] for row in rows(folder / "items.jsonl")}
    return SimpleNamespace(people=people, said=said, votes=votes, prompts=prompts)


def test_pandalm_has_the_figures_of_its_source(pandalm):
    found = results("pandalm")
    assert {pair: round(value, 4) for pair, value in found["raters"].items()} == {
        "1-2": 0.8520, "1-3": 0.8789, "2-3": 0.8617,
    }  # fmt: skip
    assert found["majority"] == {"a": 422, "b": 472, "tie": 105}
    published = {
        "gpt-3.5-turbo": (0.7107, 0.5879, 0.5736, 0.5755),
        "pandalm-7b": (0.6677, 0.5738, 0.5750, 0.5743),
    }
    for judge, expected in published.items():
        one = found["judges"][judge]["as_published"]
        given = tuple(round(one[name], 4) for name in ("accuracy", "precision", "recall", "f1"))
        assert given == expected
        human, verdict = zip(
            *((pandalm.votes[key], pandalm.said[judge][key]) for key in pandalm.votes), strict=True
        )
        macro = precision_recall_fscore_support(human, verdict, average="macro")[:3]
        by_package = [accuracy_score(human, verdict), *macro]
        assert [one[name] for name in ("accuracy", "precision", "recall", "f1")] == pytest.approx(
            by_package, abs=1e-6
        )
    assert found["judges"]["gpt-3.5-turbo"]["agreement_failures_wrong"] == round(697 / 999, 6)


def test_pandalm_raters_agree_as_scikit_learn_says(pandalm):
    table = list(pandalm.people.values())
    for pair, kappa in results("pandalm")["raters"].items():
        first, second = (int(place) - 1 for place in pair.split("-"))
        expected = cohen_kappa_score([row[first] for row in table], [row[second] for row in table])
        assert kappa == pytest.approx(expected, abs=1e-6)


def test_pandalm_in_a_raters_place_by_loops(pandalm):
    """No verdict of pandalm-7b is missing, so that every pair counts."""
    one, said = results("pandalm")["judges"]["pandalm-7b"], pandalm.said["pandalm-7b"]
    raters, judge, ahead = [], [], []
    for key, answers in pandalm.people.items():
        for place, own in enumerate(answers):
            others = [answer for at, answer in enumerate(answers) if at != place]
            by_rater, by_judge = (sum(other == mine for other in others) / 2 for mine in (own, said[key]))
            raters.append(by_rater)
            judge.append(by_judge)
            ahead.append(by_judge >= by_rater)
    assert one["rater_with_the_others"]["value"] == pytest.approx(np.mean(raters), abs=1e-6)
    assert one["in_a_raters_place"]["value"] == pytest.approx(np.mean(judge), abs=1e-6)
    assert one["alternative"][0]["advantage"] == pytest.approx(np.mean(ahead), abs=1e-6)


def test_pandalm_corrected_intervals_hold_where_whole_prompts_are_drawn(data):
    found, module = results("pandalm"), loaded("pandalm")
    short = module.study(data("pandalm"), splits=60, seed=5)
    assert found["splits"]["count"] == 1000
    for judge, one in found["judges"].items():
        coverage, width = one["splits"]["coverage"], one["splits"]["width"]
        assert 0.935 <= coverage["corrected"] <= 0.975
        assert coverage["as if single"] < coverage["corrected"] - 0.05
        assert width["as if single"] < width["corrected"] < width["labels alone"]
        # Another seed and few draws: the same, as far as 60 draws can tell.
        assert short["judges"][judge]["splits"]["coverage"]["corrected"] >= 0.86
        assert short["judges"][judge]["splits"]["width"]["corrected"] == pytest.approx(
            width["corrected"], rel=0.06
        )


# ------------------------------------------------------------------------------------------------------ DICES


@pytest.fixture(scope="module")
def dices(shared):
    folder = shared / "data/dices350"
    if not folder.is_dir():
        pytest.skip("the data of dices350 is not in the shared folder")
    expert, crowd = {}, {}
    for row in rows(folder / "labels.jsonl"):
        if row["rater"] == "expert":
            expert[row["id"]] = row["label"]
        elif row["label"] != "unsure":
            crowd.setdefault(row["id"], {})[row["rater"]] = row["label"]
    return expert, crowd


def scores(dices):
    """By rater, the lead over the expert on each item, -1, 0 or 1; and whether the expert is as good."""
    expert, crowd = dices
    leads, ahead = {}, {}
    for key, answers in crowd.items():
        counts = Counter(answers.values())
        for rater, own in answers.items():
            mine = counts[own] - 1
            theirs = counts[expert[key]] - (own == expert[key])
            leads.setdefault(rater, []).append((mine > theirs) - (theirs > mine))
            ahead.setdefault(rater, []).append(theirs >= mine)
    return leads, ahead


def test_dices_alternative_annotator_test_by_loops(dices):
    leads, ahead = scores(dices)
    m = len(leads)
    assert m == 123
    for test in results("dices350")["alternative"]:
        p = []
        for lead in leads.values():
            n, mean = len(lead), sum(lead) / len(lead)
            spread = sqrt(sum((one - mean) ** 2 for one in lead) / (n - 1))
            p.append(float(stdtr(n - 1, (mean - test["epsilon"]) / (spread / sqrt(n)))))
        harmonic = sum(1 / k for k in range(1, m + 1))
        passed = [k for k, one in enumerate(sorted(p), 1) if one <= 0.05 * k / (m * harmonic)]
        wins = max(passed, default=0)
        assert (test["wins"], test["raters"], test["passed"]) == (wins, m, wins / m >= 0.5)
        assert test["advantage"] == pytest.approx(np.mean([np.mean(one) for one in ahead.values()]), abs=1e-6)


def test_dices_raters_who_stand_apart_by_loops(dices):
    _, crowd = dices
    gaps = {}
    for answers in crowd.values():
        counts, n = Counter(answers.values()), len(answers)
        for rater, own in answers.items():
            with_others = (counts[own] - 1) / (n - 1)
            left = counts - Counter([own])
            among = sum(comb(count, 2) for count in left.values()) / comb(n - 1, 2)
            gaps.setdefault(rater, []).append((with_others, among))
    p = {}
    for rater, pairs in gaps.items():
        d = np.array([own - others for own, others in pairs])
        spread = sqrt((np.sum((d - d.mean()) ** 2) + 0.5) / (d.size - 1))  # ½: equal differences keep a width
        p[rater] = float(stdtr(d.size - 1, d.mean() / (spread / sqrt(d.size))))
    below = []
    for rank, (rater, one) in enumerate(sorted(p.items(), key=lambda pair: pair[1])):
        if one * (len(p) - rank) > 0.05:  # Holm stops at the first that is not refuted
            break
        below.append(rater)
    found = results("dices350")["apart"]
    assert found["raters"] == len(below)
    below.sort(key=lambda rater: np.mean([own - others for own, others in gaps[rater]]))
    for one, rater in zip(found["furthest"], below, strict=False):
        assert (one["with_others"], one["among_others"]) == pytest.approx(
            np.mean(gaps[rater], axis=0), abs=1e-6
        )


def test_dices_vote_and_model_by_another_computation(dices):
    expert, crowd = dices
    found, keys = results("dices350"), list(crowd)
    raters = sorted({rater for answers in crowd.values() for rater in answers})
    column = {rater: place for place, rater in enumerate(raters)}
    given = np.zeros((len(keys), len(raters), 2))
    for row, key in enumerate(keys):
        for rater, label in crowd[key].items():
            given[row, column[rater], int(label == "unsafe")] = 1
    counts = given.sum(axis=1)
    assert found["tied"] == int(np.sum(counts[:, 0] == counts[:, 1]))
    share = counts / counts.sum(axis=1, keepdims=True)
    assert found["two_in_five"] == int(np.sum((share[:, 1] >= 0.4) & (share[:, 1] <= 0.6)))
    for _ in range(101):  # the last only makes up its mind
        prior = share.mean(axis=0)
        errors = np.einsum("it,irl->rtl", share, given) + 0.5
        errors /= errors.sum(axis=2, keepdims=True)
        before = share
        likely = np.log(prior) + np.einsum("irl,rtl->it", given, np.log(errors))
        share = np.exp(likely - likely.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
    truth = np.array([int(expert[key] == "unsafe") for key in keys])
    vote = np.where(counts[:, 0] == counts[:, 1], -1, counts.argmax(axis=1))
    model = before.argmax(axis=1)
    for answer, one in ((vote, found["vote"]), (model, found["dawid_skene"])):
        known = answer >= 0
        assert one["without"] == int(np.sum(~known))
        assert one["table"] == [[int(np.sum((truth == k) & (answer == at))) for at in (0, 1)] for k in (0, 1)]
        assert one["agreement"]["value"] == pytest.approx(
            accuracy_score(truth[known], answer[known]), abs=1e-6
        )
        assert one["kappa"]["value"] == pytest.approx(
            cohen_kappa_score(truth[known], answer[known]), abs=1e-6
        )
    wrong = 1 - np.einsum("it,irt->", before, given) / given.sum()
    assert found["dawid_skene"]["noise"] == pytest.approx(wrong, abs=1e-6)
    assert found["vote_and_model_differ"] == int(np.sum(vote != model))


def test_dices_has_the_counts_of_its_source():
    found = results("dices350")
    assert found["labels"] == {"safe": 26292, "unsafe": 14064, "unsure": 2694}
    assert (found["items"], found["raters"]) == (350, 123)
    assert found["expert"] == {"safe": 175, "unsafe": 175, "unsure": 0}


# -------------------------------------------------------------------------------------------------- tau-bench


def test_taubench_has_the_figures_of_its_source_and_of_the_formula(data):
    found = results("taubench_airline")
    assert [round(found["pass_hat"][k]["value"], 4) for k in "1234"] == [0.4200, 0.2733, 0.2200, 0.2000]
    folder = data("taubench_airline")
    task = {row["id"]: row["task_id"] for row in rows(folder / "items.jsonl")}
    passes = Counter()
    for row in rows(folder / "labels.jsonl"):
        passes[task[row["id"]]] += row["label"] == "pass"
    for k in range(1, 5):
        every = np.mean([comb(c, k) / comb(4, k) for c in passes.values()])
        one = 1 - np.mean([comb(4 - c, k) / comb(4, k) for c in passes.values()])
        assert found["pass_hat"][str(k)]["value"] == pytest.approx(every, abs=1e-6)
        assert found["pass_at"][str(k)]["value"] == pytest.approx(one, abs=1e-6)
    flips = np.mean([2 * c * (4 - c) / 12 for c in passes.values()])
    assert found["flip_rate"]["value"] == pytest.approx(flips, abs=1e-6)
    assert sum(passes.values()) == found["passed"] == 84
