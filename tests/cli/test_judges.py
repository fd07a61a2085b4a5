"""``judgekit judges``: the demo's judge beside two recorded ones."""

import json

import pytest

LABELS = ("--labels", "labels.jsonl")


@pytest.fixture
def judges(judgekit, demo):
    """Graded files: word overlap, and two judges that repeat one rater, one of them with an error."""
    labels = [json.loads(line) for line in (demo / "labels.jsonl").read_text().splitlines()]
    said = {name: [one for one in labels if one["rater"] == name] for name in ("kim", "lea")}
    graded = ["lexical.jsonl"]
    judgekit("grade", "support-reply", "answers.jsonl", "--model", "offline/lexical", "--out", graded[0])
    for name, rows in said.items():
        recorded = demo / f"{name}-said.jsonl"
        keep = ("id", "criterion", "label")
        recorded.write_text("".join(json.dumps({key: one[key] for key in keep}) + "\n" for one in rows))
        model = ("--model", f"recorded/{recorded}", "--max-failed", "1")
        assert judgekit("grade", "support-reply", "answers.jsonl", *model, "--out", f"{name}.jsonl").code == 0
        graded.append(f"{name}.jsonl")
    return graded


def test_a_comparison_and_its_page(judgekit, judges, folder):
    costs = ("--cost", "kim.jsonl=4", "--cost", "recorded/lea-said=0.5")
    done = judgekit("judges", *judges, *LABELS, *costs, "--out", "judges.html", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["format"] == 1 and found["common"] == 60
    assert [one["expense"]["cost"] for one in found["judges"] if one["name"] == "offline/lexical"] == [0.0]
    assert found["best"] in found["indistinguishable"] and "offline/lexical" not in found["indistinguishable"]
    assert found["advised"] in found["indistinguishable"]
    page = (folder / "judges.html").read_text()
    assert page.count("<svg") > 3 and 'name="generator" content="judgekit"' in page
    assert f"next: judgekit calibrate {found['advised'].split('/')[1][:3]}.jsonl labels.jsonl" in done.err
    again = judgekit("judges", *judges, *LABELS, *costs, "--out", "judges.html")
    assert again.code == 0 and "Take " in again.out and (folder / "judges.html").read_text() == page


def test_one_criterion(judgekit, judges):
    done = judgekit("judges", *judges, *LABELS, "--criterion", "tone", "--json")
    assert done.code == 0 and done.json["scale"] == "ordinal"
    assert done.json["judges"][0]["coefficient"]["name"] == "quadratic-weighted kappa"


def test_too_few_labels_end_with_four(judgekit, judges, folder):
    lines = (folder / "labels.jsonl").read_text().splitlines()
    ids = sorted({json.loads(line)["id"] for line in lines})[:20]
    few = [line for line in lines if json.loads(line)["id"] in ids]
    (folder / "few.jsonl").write_text("\n".join(few) + "\n")
    done = judgekit("judges", *judges, "--labels", "few.jsonl", "--json")
    assert done.code == 4 and done.json["best"] is None and "Too few to compare: 20" in done.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--cost", "lea"), "write JUDGE=USD"),
        (("--cost", "nobody=2"), "none of the judges"),
        (("--out", "labels.jsonl"), "is an input of this command"),
        (("--criterion", "colour"), "has no criterion 'colour'"),
    ],
)
def test_refusals(judgekit, judges, more, said):
    done = judgekit("judges", *judges, *LABELS, *more, "--json")
    assert done.code == 2 and said in done.json["error"]


def test_one_judge_is_no_comparison(judgekit, judges):
    done = judgekit("judges", judges[0], *LABELS)
    assert done.code == 2 and "two or more" in done.err
