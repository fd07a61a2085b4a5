"""Build the demo data: 200 support answers, two simulated raters, and how each answer was made.

Run ``python calibration/demo/make.py``. Reads ``situations.toml`` beside this file, writes ``answers.jsonl``,
``labels.jsonl`` and ``truth.jsonl`` to ``judgekit/_demo``, and the labels also beside the card here. The same
input gives the same bytes everywhere: every draw is a digest, so nothing depends on the random generator of a
Python version.
"""

import hashlib
import json
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "judgekit" / "_demo"
SEED = "judgekit demo 1"  # the first one tried
LABELLED = 60
CHANNELS = ("chat", "email", "form")  # dealt out in turn within each way: goes with no label
RATERS = ("kim", "lea")

CRITERIA = ("resolves", "policy", "tone", "next_step")
# How an answer was made decides its label on each criterion.
WAYS = {
    "plain_fix": ("pass", "pass", "3", "pass"),
    "own_words_fix": ("pass", "pass", "3", "pass"),
    "curt_fix": ("pass", "pass", "2", "pass"),
    "fix_no_next": ("pass", "pass", "3", "fail"),
    "curt_no_next": ("pass", "pass", "2", "fail"),
    "blaming_fix": ("pass", "pass", "1", "pass"),
    "over_promise": ("pass", "fail", "3", "pass"),
    "false_promise": ("fail", "fail", "3", "pass"),
    "other_plan": ("fail", "pass", "3", "pass"),
    "generic_tips": ("fail", "pass", "3", "pass"),
    "partial": ("fail", "pass", "3", "pass"),
    "echo": ("fail", "pass", "3", "fail"),
    "policy_quote": ("fail", "pass", "2", "fail"),
    "brush_off": ("fail", "pass", "2", "fail"),
}
# What a hurried rater can take an answer for. One rater of the two does, on a share of the answers made so.
MISREADINGS = {
    "own_words_fix": ("resolves", "fail"),  # does not recognise the fix in other words
    "partial": ("resolves", "pass"),  # takes half the fix for the whole
    "over_promise": ("policy", "pass"),  # overlooks the promise behind the fix
    "curt_fix": ("tone", "3"),  # takes brevity for efficiency
    "fix_no_next": ("next_step", "pass"),  # takes the fix itself for the next step
    "curt_no_next": ("next_step", "pass"),
}
MISREAD_SHARE = 0.4


def draw(*parts):
    """Give a number in [0, 1) that depends on the seed and the parts only."""
    text = "\x1f".join((SEED, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def read_answers():
    """List the answers in a random order, each with how it was made."""
    situations = tomllib.loads((HERE / "situations.toml").read_text(encoding="utf-8"))["situation"]
    answers = [
        {
            "input": answer["customer"],
            "output": answer["reply"],
            "context": situation["policy"],
            "segment": situation["segment"],
            "way": answer["way"],
        }
        for situation in situations
        for answer in situation["answer"]
    ]
    for field in ("input", "output"):
        assert len({answer[field] for answer in answers}) == len(answers), f"a repeated {field}"
    answers.sort(key=lambda answer: draw("order", answer["input"]))
    for number, answer in enumerate(answers, start=1):
        answer["id"] = f"d-{number:03}"
    dealt = sorted(answers, key=lambda answer: (answer["way"], draw("channel", answer["input"])))
    for place, answer in enumerate(dealt):
        answer["channel"] = CHANNELS[place % len(CHANNELS)]
    return answers


def readings(answer):
    """Give both raters' labels of one answer: the construction, save for the misreading of one of them."""
    true = dict(zip(CRITERIA, WAYS[answer["way"]], strict=True))
    read = {rater: dict(true) for rater in RATERS}
    if answer["way"] in MISREADINGS and draw("misread", answer["input"]) < MISREAD_SHARE:
        criterion, label = MISREADINGS[answer["way"]]
        rater = RATERS[int(len(RATERS) * draw("rater", answer["input"]))]
        read[rater][criterion] = label
    return true, read


def label_rows(answers):
    """Yield both raters' labels of a random sample, and the settled answer where they differ."""
    sample = sorted(answers, key=lambda answer: draw("sample", answer["input"]))[:LABELLED]
    ids = json.dumps(sorted(answer["id"] for answer in answers), separators=(",", ":"))
    frame = {"digest": "sha256:" + hashlib.sha256(ids.encode()).hexdigest(), "n": len(answers)}
    design = {"design": "random", "probability": None, "stratum": None, "frame": frame}
    for answer in sorted(sample, key=lambda answer: answer["id"]):
        true, read = readings(answer)
        for criterion in CRITERIA:
            said = {rater: read[rater][criterion] for rater in RATERS}
            if len(set(said.values())) > 1:
                said["adjudicated"] = true[criterion]
            for rater, label in said.items():
                yield {"id": answer["id"], "criterion": criterion, "rater": rater, "label": label, **design}


def truth_rows(answers):
    """Yield the label of each answer and criterion, as it follows from the way the answer was made."""
    for answer in answers:
        for criterion, label in zip(CRITERIA, WAYS[answer["way"]], strict=True):
            yield {"id": answer["id"], "criterion": criterion, "label": label, "made_as": answer["way"]}


def write(path, rows):
    """Write rows as JSON lines."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
    print(f"{len(lines):4} rows  {path}")


def main():
    """Write the files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    answers = read_answers()
    columns = ("id", "input", "output", "context", "segment", "channel")
    write(TARGET / "answers.jsonl", ({name: answer[name] for name in columns} for answer in answers))
    for folder in (TARGET, HERE):
        write(folder / "labels.jsonl", label_rows(answers))
    write(TARGET / "truth.jsonl", truth_rows(answers))


if __name__ == "__main__":
    main()
