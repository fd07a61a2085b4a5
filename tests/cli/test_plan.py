"""``judgekit plan`` through the command line: numbers with reason and price, sheets, and what is refused."""

import json

import desk
import pytest

LEXICAL = ("--model", "offline/lexical")
KEYS = ("resolves", "policy", "tone", "next_step")


@pytest.fixture
def graded(judgekit, demo):
    assert judgekit("grade", "support-reply", "answers.jsonl", *LEXICAL, "--out", "graded.jsonl").code == 0
    return demo


@pytest.fixture
def timed(graded):
    """The demo's labels, as if each rater had taken 48 seconds an item, with a lunch in between."""
    rows, seconds = desk.read_rows(graded / "labels.jsonl"), {}
    for row in rows:
        at = seconds.setdefault((row["rater"], row["id"]), 48 * sum(r == row["rater"] for r, _ in seconds))
        hour, rest = divmod(at + (3600 if at > 1200 else 0), 3600)
        row["at"] = f"2026-03-02T{9 + hour:02d}:{rest // 60:02d}:{rest % 60:02d}+01:00"
    desk.write_rows(graded / "timed.jsonl", rows)
    return graded


def fill(path, truth):
    """Answer a sheet with what is known of the demo's answers."""
    rows = [row | {key: truth[row["id"]][key] for key in KEYS} for row in desk.read_rows(path)]
    desk.write_rows(path, rows)


@pytest.fixture
def truth(graded):
    """Somebody's answer to every criterion of every item."""
    rows = desk.read_rows(graded / "graded.jsonl")
    return {
        row["id"]: {
            "resolves": "pass" if n % 3 else "fail",
            "policy": "pass" if n % 7 else "fail",
            "tone": str(1 + n % 3),
            "next_step": "pass",
        }
        for n, row in enumerate(rows)
    }


def test_counts_only(judgekit, graded):
    done = judgekit("plan", "graded.jsonl", "--half-width", "0.1", "--minutes", "0.8")
    assert done.code == 0 and not list(graded.glob("TO_LABEL*"))
    assert (
        "An interval of ± 10 points takes 89 labels, supposing that outcomes vary as much as they can"
        in done.out
    )
    assert "89 labels: about 71 minutes (48 s an item, as stated)" in done.out
    assert done.out.endswith("next: judgekit plan graded.jsonl --n 89 --out TO_LABEL.csv\n")


def test_without_a_goal_there_is_a_table(judgekit, graded):
    done = judgekit("plan", "graded.jsonl", "--json")
    assert [one["labels"] for one in done.json["curve"]] == [30, 60, 100, 200]
    widths = [one["half_width"] for one in done.json["curve"]]
    assert widths == sorted(widths, reverse=True) and done.json["seconds"] is None
    assert "time unknown (--minutes)" in done.err


def test_the_price_is_measured(judgekit, timed):
    done = judgekit(
        "plan", "graded.jsonl", "--exclude", "timed.jsonl", "--n", "100", "--json", "--minutes", "9"
    )
    assert "100 more labels: about 80 minutes (48 s an item, measured on 116 labels)" in done.err
    assert (done.json["seconds"], done.json["at_hand"], done.json["more"]) == (4800, 60, 100)
    assert done.json["half_width"]["before"] > done.json["half_width"]["after"]
    assert "next: judgekit plan graded.jsonl --exclude timed.jsonl --n 100 --out TO_LABEL.csv" in done.err


def test_a_pilot_of_these_items_is_pointed_out(judgekit, timed):
    done = judgekit("plan", "graded.jsonl", "--pilot", "timed.jsonl")
    assert "60 of these items are labelled already: --exclude in place of --pilot counts them." in done.out


@pytest.mark.parametrize("draw", ["random", "stratified", "active", "rare"])
def test_every_draw_ends_in_a_corrected_rate(judgekit, graded, truth, draw):
    done = judgekit(
        "plan", "graded.jsonl", "--draw", draw, "--n", "70", "--seed", "3", "--out", "s.jsonl", "--json"
    )
    design = {"random": "random", "active": "probability"}.get(draw, "stratified")
    assert done.code == 0 and done.json["design"] == design
    fill(graded / "s.jsonl", truth)
    found = judgekit("calibrate", "graded.jsonl", "s.jsonl", "--target", "batch", "--json").json
    assert found["design"] == design
    whole = next(result for result in found["results"] if result["name"] == "resolves")
    corrected = whole["quantities"][0]["corrected"]
    share = sum(one["resolves"] == "pass" for one in truth.values()) / 200
    assert abs(corrected["value"] - share) <= corrected["high"] - corrected["low"]  # four standard errors


@pytest.mark.parametrize("draw", ["random", "stratified"])
def test_two_draws_are_calibrated_as_one(judgekit, graded, truth, draw):
    given = ("--draw", draw, "--seed", "3", "--json")
    assert judgekit("plan", "graded.jsonl", *given, "--n", "40", "--out", "a.jsonl").code == 0
    fill(graded / "a.jsonl", truth)
    more = judgekit("plan", "graded.jsonl", *given, "--exclude", "a.jsonl", "--n", "50", "--out", "b.jsonl")
    assert more.json["drawn"] == 50 and "next: judgekit calibrate graded.jsonl a.jsonl b.jsonl" in more.err
    fill(graded / "b.jsonl", truth)
    found = judgekit("calibrate", "graded.jsonl", "a.jsonl", "b.jsonl", "--json").json
    assert found["results"][0]["counts"]["labelled"] == 90


def test_a_reworded_criterion_is_asked_alone(judgekit, graded, truth):
    assert judgekit("plan", "graded.jsonl", "--n", "60", "--seed", "3", "--out", "a.jsonl").code == 0
    fill(graded / "a.jsonl", truth)
    text = judgekit("rubric", "show", "support-reply").out
    assert "tone" in text
    manifest = json.loads((graded / "graded.run.json").read_text())
    tone = next(one for one in manifest["rubric"]["criteria"] if one["name"] == "tone")
    tone["question"] = "How does the reply sound to a customer in a hurry?"
    (graded / "new.yaml").write_text(json.dumps(manifest["rubric"]))
    assert judgekit("grade", "new.yaml", "answers.jsonl", *LEXICAL, "--out", "new.jsonl").code == 0
    refused = judgekit("calibrate", "new.jsonl", "a.jsonl")
    assert refused.code == 2 and "another wording" in refused.err
    done = judgekit("plan", "new.jsonl", "--relabel", "a.jsonl", "--criterion", "tone", "--out", "t.jsonl")
    assert done.code == 0 and "60 items into t.jsonl, to answer tone anew" in done.out
    rows = desk.read_rows(graded / "t.jsonl")
    assert not {"resolves", "policy", "next_step"} & rows[0].keys()
    desk.write_rows(graded / "t.jsonl", [row | {"tone": "3"} for row in rows])
    found = judgekit("calibrate", "new.jsonl", "a.jsonl", "t.jsonl", "--json").json
    assert {one["counts"]["labelled"] for one in found["results"]} == {60} and found["design"] == "random"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--n", "30", "--half-width", "0.1"), "one goal at a time"),
        (("--half-width", "5"), "write a share between 0 and 1, such as 0.05 for 5 points"),
        (("--half-width", "0.05"), "out of reach"),
        (("--draw", "best", "--out", "s.csv"), "'best' is not one of random, stratified, active, rare"),
        (("--criterion", "tonne"), "'tonne' is not a criterion"),
        (("--relabel", "labels.jsonl", "--out", "s.csv"), "--relabel takes --criterion and --out"),
        (
            ("--exclude", "labels.jsonl", "--half-width", "0.3", "--out", "s.csv"),
            "The 60 labels at hand suffice.",
        ),
        (("--exclude", "labels.jsonl", "--draw", "stratified", "--out", "s.csv"), "do not make one sample"),
        (("--exclude", "labels.jsonl", "--n", "141"), "60 of them labelled, 141 cannot be drawn"),
        (("--target", "world"), "'world' is not one of"),
    ],
)
def test_what_cannot_be_is_refused(judgekit, graded, given, said):
    done = judgekit("plan", "graded.jsonl", *given)
    assert done.code == 2 and said in done.err and not (graded / "s.csv").exists()


def test_items_that_nobody_graded(judgekit, folder):
    done = judgekit(
        "plan", "items.jsonl", "--rubric", "desk.yaml", "--half-width", "0.2", "--target", "batch"
    )
    assert done.code == 0 and "takes 14 labels" in done.out
    assert done.out.endswith("next: judgekit plan items.jsonl --n 14 --rubric desk.yaml --out TO_LABEL.csv\n")
    assert judgekit("plan", "items.jsonl", "--rubric", "desk.yaml", "--out", "s.csv").code == 0
