"""Levels to numbers: the score of an answer, and one result for an item with several criteria.

The same rules serve the judge's findings and human labels, so that both sides of a calibration are one
quantity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from judgekit.rubric import NOT_APPLICABLE, Criterion, Rubric
from judgekit.verdict import ABSTAINED, OK, Finding

SCORING = 1  # version; enters every fingerprint

State = Literal["answered", "not_applicable", "abstained", "failed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One criterion's answer reduced to what aggregation needs; `score` and `passed` only when answered."""

    state: State
    score: float | None = None
    passed: bool | None = None


NOT_APPLICABLE_ANSWER = Answer("not_applicable")


@dataclass(frozen=True, slots=True)
class Result:
    """One item: `score` 0..1, `passed`, and `label` (pass/fail, or a/b/tie); None where undefined."""

    score: float | None
    passed: bool | None
    label: str | None


def answer(criterion: Criterion, given: str | float) -> Answer:
    """Score a label or a number that the criterion allows."""
    score = criterion.score_of(given)
    bar = criterion.pass_score
    return Answer("answered", score, None if bar is None or score is None else score >= bar)


def aggregate(rubric: Rubric, answers: Mapping[str, Answer]) -> Result:
    """Combine the answers of all criteria by the rubric's rules.

    What is not applicable leaves numerator and denominator, and an abstention does too; but a minimum and
    all_pass need every applicable answer, unless one already settles them at 0. Gates follow three-valued
    logic: one failed gate fails the item whatever the others say; an open one (abstained, failed to be
    judged) leaves `passed` undefined.
    """
    given = {name: answers.get(name, Answer("failed")) for name in rubric.by_name}
    score = _score(rubric, given)
    if rubric.mode == "pairwise":
        return Result(score, None, _side(score))
    passed = _passed(rubric, given, score)
    return Result(score, passed, None if passed is None else "pass" if passed else "fail")


def _score(rubric: Rubric, given: Mapping[str, Answer]) -> float | None:
    if any(a.state == "failed" for a in given.values()):
        return None
    known = {n: a for n, a in given.items() if a.state == "answered" and a.score is not None}
    if rubric.aggregate == "weighted_mean":
        total = sum(rubric.by_name[name].weight for name in known)
        return (
            sum(rubric.by_name[n].weight * (a.score or 0.0) for n, a in known.items()) / total
            if known
            else None
        )
    if rubric.aggregate == "all_pass":
        values = [float(bool(a.passed)) for a in known.values() if a.passed is not None]
    else:
        values = [a.score for a in known.values() if a.score is not None]
    lowest = min(values, default=None)
    open_ = any(a.state == "abstained" for a in given.values())
    return None if open_ and lowest != 0 else lowest


def _passed(rubric: Rubric, given: Mapping[str, Answer], score: float | None) -> bool | None:
    gates = [given[c.name] for c in rubric.criteria if c.gate]
    if any(gate.passed is False for gate in gates):
        return False
    states = {a.state for a in given.values()}
    if any(gate.state == "abstained" for gate in gates) or "failed" in states or not rubric.decides:
        return None
    if rubric.threshold is None:
        return True if "answered" in states else None
    # A weighted mean of thirds may miss its own threshold by a rounding error.
    return None if score is None else score >= rubric.threshold - 1e-9


def _side(score: float | None) -> str | None:
    if score is None:
        return None
    return "tie" if abs(score - 0.5) < 1e-9 else "a" if score > 0.5 else "b"


def scored(criterion: Criterion, finding: Finding) -> Finding:
    """Fill in score and passed of a finding that has an answer; a score that is an expectation stays."""
    given = finding.label if finding.value is None else finding.value
    if finding.status != OK or given is None or given == NOT_APPLICABLE:
        return finding
    one = answer(criterion, given)
    score = one.score if finding.score is None else finding.score
    # Spelled out: `replace` takes three times as long, and this runs for every criterion of every row.
    return Finding(
        finding.status,
        finding.label,
        finding.value,
        score,
        one.passed,
        finding.explanation,
        finding.evidence,
        finding.confidence,
        finding.p_pass,
    )


def finding_answer(finding: Finding) -> Answer:
    """Reduce a finding to what aggregation needs."""
    if finding.status == ABSTAINED:
        return Answer("abstained")
    if finding.status != OK:
        return Answer("failed")
    if finding.label == NOT_APPLICABLE:
        return NOT_APPLICABLE_ANSWER
    return Answer("answered", finding.score, finding.passed)


def conclude(rubric: Rubric, findings: Mapping[str, Finding]) -> tuple[str, Result]:
    """Give the status and the result of an item from its findings.

    A criterion without an answer is a failure of the whole row, so that the next run asks again; the
    findings that were given stay readable. An item abstains where all its applicable criteria do.
    """
    states = [findings[name].status if name in findings else "invalid_reply" for name in rubric.by_name]
    failed = [status for status in states if status not in (OK, ABSTAINED)]
    if failed:
        return failed[0], Result(None, None, None)
    applies = [s for n, s in zip(rubric.by_name, states, strict=True) if findings[n].label != NOT_APPLICABLE]
    if applies and all(status == ABSTAINED for status in applies):
        return ABSTAINED, Result(None, None, None)
    return OK, aggregate(rubric, {name: finding_answer(found) for name, found in findings.items()})


def reason(rubric: Rubric, findings: Mapping[str, Finding], result: Result) -> str:
    """Say in one line what made the result; the explanation itself where there is a single criterion."""
    if len(rubric.criteria) == 1:
        return next((f.explanation for f in findings.values()), "")
    gates = [c.name for c in rubric.criteria if c.gate and findings[c.name].passed is False]
    if gates:
        return f"failed gate{'s' if len(gates) > 1 else ''}: {', '.join(gates)}"
    if result.score is None:
        return "no criterion gave a score"
    if rubric.threshold is None:
        return f"score {result.score:.3g}"
    return f"score {result.score:.3g}, threshold {rubric.threshold:g}"
