"""The forty situations of situations.yaml as rows and labels, and docs/decisions.md, which is made of them.

After a change to a decision or its sentence: ``python tests/situations.py``.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from judged import label, row, rubric_of
from ruamel.yaml import YAML
from typer.testing import CliRunner

from judgekit._json import dumps
from judgekit.calibration import Calibration, calibrate
from judgekit.calibration.in_memory import batch_from_rows
from judgekit.calibration.thresholds import Thresholds
from judgekit.cli.app import build
from judgekit.errors import JudgekitError
from judgekit.rubric import Rubric

TABLE = Path(__file__).parent / "calibration" / "situations.yaml"
PAGE = Path(__file__).parent.parent / "docs" / "decisions.md"
NAME = "resolves"
FAILED = "timeout"
TOP = """\
| situation | labels of items | decision | sentence |
|---|---|---|---|
"""
NUMBER = re.compile(r"([-−]?\d+(?:,\d{3})*(?:\.\d+)?)( %| points?)?")

Situation = dict[str, Any]


def situations() -> list[Situation]:
    """Read the table."""
    return YAML(typ="safe").load(TABLE.read_text("utf-8"))


def criterion_of(situation: Situation, name: str = NAME) -> dict[str, Any]:
    """Give the question of a situation, as it stands in a rubric file."""
    scale = situation["scale"]
    question = {"name": name, "question": "Does it?"}
    if scale == "numeric":
        return {**question, "scale": scale, "range": situation["range"]}
    if scale == "pairwise":
        return question
    if scale in ("ordinal", "categorical"):
        levels = [{"label": key, "score": score} for key, score in situation["levels"].items()]
        return {**question, "scale": scale, "levels": levels}
    more = {"allow_not_applicable": True} if "not_applicable" in situation["labelled"] else {}
    return {**question, "scale": "binary", "levels": {"pass": "", "fail": ""}, **more}


def rubric_for(situation: Situation) -> Rubric:
    """Give the rubric: one question, or two that both must pass."""
    if situation["scale"] == "both":
        both = [criterion_of(situation, name) for name in (NAME, "polite")]
        return rubric_of(*both, aggregate="all_pass", threshold=1.0)
    more = {"mode": "pairwise"} if situation["scale"] == "pairwise" else {}
    return rubric_of(criterion_of(situation), **more)


def answers(rubric: Rubric, given: str) -> dict[str, str | float]:
    """Read an answer of the table: one of each question, a number where the scale is one."""
    parts = zip(rubric.criteria, given.split("+"), strict=True)
    return {one.name: float(said) if one.range else said for one, said in parts}


def rows_and_labels(situation: Situation) -> tuple[Rubric, list[dict], list[dict]]:
    """Make every item of a situation, labelled ones first."""
    rubric = rubric_for(situation)
    rows: list[dict] = []
    labels: list[dict] = []
    verdicts: dict[str, dict] = {}

    def add(judge: str) -> str:
        if judge not in verdicts:
            verdicts[judge] = row(rubric, "", FAILED if judge == "failed" else answers(rubric, judge))[
                "verdict"
            ]
        identity = f"i{len(rows)}"
        item = {"output": f"text of {identity}", "stratum": judge}
        if "groups" in situation:
            item["conversation"] = len(rows) % situation["groups"]
        rows.append({"id": identity, "item": item, "verdict": verdicts[judge]})
        return identity

    for judge, people in situation["labelled"].items():
        for human, count in people.items():
            differs = situation.get("second_rater", {}).get(judge, {}).get(human, {})
            second = [said for said, times in differs.items() for _ in range(times)]
            for place in range(count):
                other = second[place] if place < len(second) else human
                labels += _labels(situation, rubric, add(judge), judge, human, other)
    for judge, count in situation["unlabelled"].items():
        for _ in range(count):
            add(judge)
    return rubric, rows, labels


def _labels(
    situation: Situation, rubric: Rubric, identity: str, judge: str, human: str, other: str
) -> list[dict]:
    """Give one item's labels: of one rater, or of two and, where they are settled, of the adjudicator."""
    more = {key: situation[key] for key in ("role",) if key in situation}
    if "probability" in situation:
        more |= {"design": "probability", "probability": situation["probability"][judge]}
    raters = {"ann": human}
    if "second_rater" in situation:
        raters["bob"] = other
        if situation["settled"] and human != other:
            raters["adjudicated"] = human
    return [
        label(identity, name, said, rater, **more)
        for rater, given in raters.items()
        for name, said in answers(rubric, given).items()
    ]


def calibrated(situation: Situation) -> Calibration:
    """Calibrate a situation from memory."""
    rubric, rows, labels = rows_and_labels(situation)
    asked = situation.get("thresholds")
    found = calibrate(
        rows,
        labels,
        rubric=rubric,
        design=situation["design"],
        target=situation.get("target", "process"),
        group="conversation" if "groups" in situation else None,
        stratum="stratum" if "stratum" in situation else None,
        thresholds=Thresholds(**asked) if asked else None,
    )
    if "stale" in situation:
        other = rubric_of({**criterion_of(situation), "question": "Does it really?"})
        again = [row(other, one["id"], {NAME: "pass"}) for one in rows]
        found.correct(batch_from_rows(again, other))
    return found


def calibrated_by_command(situation: Situation, folder: Path) -> str:
    """Calibrate files as a user does, as often as the situation looks: with one label more each time."""
    rubric, rows, labels = rows_and_labels(situation)
    graded, given = folder / "graded.jsonl", folder / "labels.jsonl"
    _write(graded, rows)
    manifest = {"rubric": rubric.to_dict(), "fingerprint": "sha256:f", "signature": "s", "grader": "g"}
    (folder / "graded.run.json").write_text(json.dumps({"format": 1, **manifest}), "utf-8")
    last = list(dict.fromkeys(one["id"] for one in labels))
    for waiting in reversed(range(situation["look"])):
        later = set(last[len(last) - waiting :])
        _write(given, [one for one in labels if one["id"] not in later])
        asked = [str(graded), str(given), "--design", "random", "--out", str(folder / "card.json"), "--quiet"]
        run = CliRunner().invoke(build(), ["calibrate", *asked])
        assert run.exit_code == 0, run.output
    return json.loads((folder / "card.json").read_text("utf-8"))["results"][-1]["sentence"]


def _write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(dumps(one) + "\n" for one in rows), "utf-8")


def numbers(sentence: str) -> list[float]:
    """Give the numbers of a sentence in order; per cent and points as shares."""
    found = NUMBER.findall(sentence)
    return [float(text.replace("−", "-").replace(",", "")) / (100 if unit else 1) for text, unit in found]


def outcome(situation: Situation) -> tuple[str, str]:
    """Give decision and sentence, or ``error`` and its message."""
    return _outcome(dumps(situation))


@cache
def _outcome(situation: str) -> tuple[str, str]:
    try:
        decision = calibrated(json.loads(situation)).decision
    except JudgekitError as error:
        return "error", str(error)
    return decision.verb, decision.sentence


def page() -> str:
    """Give docs/decisions.md, its table made anew."""
    rows = []
    for one in situations():
        if "look" in one:  # takes two runs of the command
            continue
        verb, sentence = outcome(one)
        labelled = sum(sum(people.values()) for people in one["labelled"].values())
        cells = (one["situation"], f"{labelled:,} of {one['N']:,}", f"**{verb}**", _cell(sentence))
        rows.append(f"| {' | '.join(cells)} |\n")
    prose, found, _ = PAGE.read_text("utf-8").partition(TOP)
    assert found, f"{PAGE} has lost the head of its table"
    return prose + TOP + "".join(rows)


def _cell(sentence: str) -> str:
    """Fit a sentence into a table; digests of a message are of no use to a reader."""
    return re.sub(r" \(sha256:\w+\)", "", " ".join(sentence.split())).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
