"""Findings to a verdict, the same way for every judge."""

from collections.abc import Mapping
from typing import Any

from judgekit.rubric import Rubric
from judgekit.scoring import conclude, reason, scored
from judgekit.verdict import ANSWERS, OK, Failure, Finding, Provenance, Verdict


def verdict_of(
    rubric: Rubric, findings: Mapping[str, Finding], provenance: Provenance, message: str = "", **more: Any
) -> Verdict:
    """Score the findings and combine them; `message` says why a criterion has no answer, else they do."""
    full = {
        c.name: scored(c, findings.get(c.name, Finding("invalid_reply", explanation=message)))
        for c in rubric.criteria
    }
    status, result = conclude(rubric, full)
    if status not in ANSWERS and not message:
        message = "; ".join(f.explanation for f in full.values() if f.status not in ANSWERS and f.explanation)
    error = None if status in ANSWERS else Failure(status, message)
    said = reason(rubric, full, result) if status == OK else message
    return Verdict(
        status, provenance, result.label, result.score, result.passed, said, full, error=error, **more
    )


def failed_verdict(provenance: Provenance, status: str, message: str, **more: Any) -> Verdict:
    """Give the verdict of an item that got no answer at all."""
    return Verdict(status, provenance, error=Failure(status, message), **more)
