"""The demo's own words: what the judge said, what the labels say, and the truth, which is known there."""

from importlib.resources import as_file, files
from pathlib import Path

from judgekit.calibration.batch import questions
from judgekit.calibration.human import human_answers
from judgekit.calibration.results import Calibration
from judgekit.calibration.text import agreement_lines, decision_line, number, quantity_table
from judgekit.files.labels import read_labels
from judgekit.labels import LabelSet
from judgekit.rubric import Rubric


def demo_labels(name: str, rubric: Rubric) -> LabelSet:
    """Read a label file of the demo: ``labels`` or ``truth``."""
    with as_file(files("judgekit").joinpath("_demo", f"{name}.jsonl")) as path:
        return read_labels(path, rubric)


def true_pass_rate(rubric: Rubric) -> float:
    """Give the share of the demo's answers that pass, which follows from how each was made."""
    whole = questions(rubric)[-1]
    return float(human_answers(demo_labels("truth", rubric), whole, rubric).passes.mean())


def demo_text(calibration: Calibration, truth: float, report: Path, disagreements: str) -> str:
    """Give the demo's result: three numbers side by side, the truth, and what to do.

    `disagreements` says how many there are on the page `report`.
    """
    result = calibration.overall
    quantity = result.headline
    table = quantity_table(quantity, result.counts, calibration.design)
    known = "known here: it follows from how each answer was made"
    lines = [*table, f"  {'truth':<12}{number(quantity.name, truth):<19}{known}"]
    lines += ["", *agreement_lines(result), f"{decision_line(result)}"]
    lines += [
        f"  To read: {disagreements}: {report}",
        "",
        "  Answers, labels and both raters were made for this demo; with your files they are people's.",
    ]
    return "\n".join(lines)
