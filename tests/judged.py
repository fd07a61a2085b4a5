"""Batches and labels for tests: what a judge and people said, without a model."""

from judgekit.judges.assemble import failed_verdict, verdict_of
from judgekit.rubric import ABSTAIN, Rubric, rubric_from_dict
from judgekit.verdict import ABSTAINED, FAILURES, Finding, Provenance

YES = {"name": "correct", "question": "Is it correct?", "scale": "binary", "levels": {"pass": "", "fail": ""}}
TONE = {
    "name": "tone",
    "question": "How is the tone?",
    "scale": "ordinal",
    "levels": [{"label": label, "score": score} for label, score in (("1", 0.0), ("2", 0.5), ("3", 1.0))],
}
TOPIC = {
    "name": "topic",
    "question": "What is it about?",
    "scale": "categorical",
    "levels": {"bill": "", "login": "", "other": ""},
}
LENGTH = {"name": "length", "question": "How full is it?", "scale": "numeric", "range": [0, 10]}
SIDE = {"name": "better", "question": "Which is better?"}


def rubric_of(*criteria: dict, **more: object) -> Rubric:
    """A rubric of these criteria."""
    inputs = {"output": "The answer"}
    if more.get("mode") == "pairwise":
        inputs = {"output_a": "One answer", "output_b": "Another"}
    head = {"name": "test", "version": "1.0.0", "purpose": "For tests.", "inputs": inputs}
    return rubric_from_dict({**head, "criteria": list(criteria), **more}, "test")


def row(
    rubric: Rubric, identity: str, answers: dict, fingerprint: str = "sha256:f", **columns: object
) -> dict:
    """A graded row: a level, a number, ``cannot_tell`` or a failure for each criterion."""
    source = {"name": rubric.name, "version": rubric.version, "digest": rubric.digest}
    provenance = Provenance(source, fingerprint, "CODE", "test/judge")
    if isinstance(answers, str):
        verdict = failed_verdict(provenance, answers, "it failed")
    else:
        verdict = verdict_of(rubric, {name: finding(given) for name, given in answers.items()}, provenance)
    return {
        "id": identity,
        "item": {"output": f"text of {identity}", **columns},
        "verdict": verdict.to_dict(),
    }


def finding(given: str | float) -> Finding:
    """One answer of a judge."""
    if given == ABSTAIN:
        return Finding(ABSTAINED)
    if given in FAILURES:
        return Finding(str(given))
    return Finding("ok", given) if isinstance(given, str) else Finding("ok", value=float(given))


def label(identity: str, criterion: str, answer: str | float, rater: str = "ann", **more: object) -> dict:
    """A row of a label file."""
    return {"id": identity, "criterion": criterion, "rater": rater, "label": answer, **more}


def crossed(rubric: Rubric, table: dict[tuple, int], rest: dict | None = None) -> tuple[list, list]:
    """Rows and labels of a rubric with one criterion, from counts by (judge, human) and by judge alone."""
    name = rubric.criteria[0].name
    rows, labels = [], []
    for (judge, human), count in table.items():
        for _ in range(count):
            identity = f"i{len(rows)}"
            rows.append(row(rubric, identity, {name: judge}))
            labels.append(label(identity, name, human))
    for judge, count in (rest or {}).items():
        rows += [row(rubric, f"i{len(rows) + place}", {name: judge}) for place in range(count)]
    return rows, labels


def binary(tp: int, fn: int, fp: int, tn: int, rest: tuple[int, int] = (0, 0)) -> tuple[Rubric, list, list]:
    """A pass-or-fail rubric with its rows and labels, from the four counts and the judge's on other items."""
    rubric = rubric_of(YES)
    table = {("pass", "pass"): tp, ("fail", "pass"): fn, ("pass", "fail"): fp, ("fail", "fail"): tn}
    return rubric, *crossed(rubric, table, {"pass": rest[0], "fail": rest[1]})
