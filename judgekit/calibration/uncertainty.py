"""How uncertain a judge is of each item: by its confidence, its parts' disagreement, or its score."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import nan, prod, sqrt
from typing import Any

import numpy as np

from judgekit.calibration.batch import Floats, Question
from judgekit.errors import UsageError
from judgekit.files.graded import GradedRow
from judgekit.rubric import OVERALL
from judgekit.verdict import OK, Verdict

UNKNOWN = 0.5  # an item without an answer is as uncertain as can be


def uncertainty(rows: Iterable[GradedRow], question: Question) -> tuple[Floats, str]:
    """How uncertain the judge is of each item, 0 to ½.

    Parameters
    ----------
    rows : iterable of GradedRow
    question : Question
        Whose answers.

    Returns
    -------
    ndarray of float, shape (N,)
        √(p(1−p)) of the confidence p; else the spread of the parts' answers; else √(f(1−f)) of the score f.
        The first of these that every answer has; ½ for an item without an answer.
    str
        Which one it is.

    Raises
    ------
    UsageError
        If the verdicts have none of them.
    """
    found: dict[str, list[float]] = {"confidence": [], "disagreement of its parts": [], "score": []}
    answered: list[bool] = []
    for row in rows:
        answered.append(_answered(row.verdict, question.name))
        for values, read in zip(found.values(), (_confidence, _parts, _score), strict=True):
            values.append(read(row.verdict, question.name) if answered[-1] else UNKNOWN)
    for name, values in found.items():
        given = np.array(values)
        if not np.isnan(given).any() and given[answered].any():
            return given, name
    raise UsageError(
        f"these verdicts on {question.name} do not say how certain the judge is: no confidence, no parts of "
        "a panel that differ, no score between 0 and 1; draw at random or stratified"
    )


def _answered(verdict: Verdict, name: str) -> bool:
    if name == OVERALL:
        return verdict.status == OK
    return name in verdict.criteria and verdict.criteria[name].status == OK


def _doubt(share: float | None) -> float:
    return nan if share is None or not 0 <= share <= 1 else sqrt(share * (1 - share))


def _confidence(verdict: Verdict, name: str) -> float:
    if name != OVERALL:
        return _doubt(verdict.criteria[name].confidence)
    known = [finding.confidence for finding in verdict.criteria.values()]
    return _doubt(prod(c for c in known if c is not None)) if known and None not in known else nan


def _score(verdict: Verdict, name: str) -> float:
    """Doubt of a score; an answer without one, such as "not applicable", is no reason to doubt."""
    score = verdict.score if name == OVERALL else verdict.criteria[name].score
    return 0.0 if score is None else _doubt(score)


def _parts(verdict: Verdict, name: str) -> float:
    """Spread of the parts' answers: for two levels √(p(1−p)), p being the share of one."""
    answers = [said for part in verdict.parts if (said := _said(part, name)) is not None]
    if len(answers) < 2:
        return nan
    shares = [count / len(answers) for count in Counter(answers).values()]
    return sqrt((1 - sum(share * share for share in shares)) / 2)


def _said(part: Mapping[str, Any], name: str) -> Any:
    """Give the answer of one part, a verdict as it stands in a row; None without one."""
    source = part if name == OVERALL else (part.get("criteria") or {}).get(name)
    if not isinstance(source, Mapping) or source.get("status", OK) != OK:
        return None
    return next((source[key] for key in ("label", "passed", "score") if source.get(key) is not None), None)
