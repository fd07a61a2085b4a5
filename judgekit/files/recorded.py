"""Verdicts recorded elsewhere: rows ``id, criterion, label``, where known ``judge, score, explanation``."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from judgekit.errors import InputError, Problem, Problems, UsageError
from judgekit.files.rows import Row, read_rows
from judgekit.item import read_id
from judgekit.labels import match_answer
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric
from judgekit.verdict import ABSTAINED, OK, Finding


def read_recorded(
    path: str | Path, rubric: Rubric, judge: str | None = None
) -> tuple[str, dict[str, dict[str, Finding]]]:
    """Read the verdicts of one judge.

    Parameters
    ----------
    judge : str or None
        Whose; None if the file holds a single judge.

    Returns
    -------
    tuple
        The judge's name (the file's stem if rows name none), and findings by item id and criterion.

    Raises
    ------
    UsageError
        If the file holds several judges and none is chosen, or the chosen one is not there.
    InputError
        Naming each row that breaks the format or names a level that the rubric does not have.
    """
    path = Path(path)
    problems = Problems(str(path))
    rows = [(str(row.columns.get("judge") or ""), row) for row in read_rows(path, problems)]
    if rows and not any("label" in row.columns for _, row in rows):
        known = ", ".join(dict.fromkeys(name for _, row in rows for name in row.columns))
        problems.add(
            f"no row has a column 'label', which holds what the judge answered; the file has {known}"
        )
    judges = list(dict.fromkeys(name for name, _ in rows))
    if judge is None and len(judges) > 1:
        listed = ", ".join(f"recorded/{path}@{name}" for name in judges if name)
        raise UsageError(f"{path} holds several judges; choose one: {listed}")
    if judge is not None and judge not in judges:
        known = ", ".join(name for name in judges if name) or "none named"
        raise UsageError(f"{path} holds no judge {judge!r} (it has: {known})")
    chosen = judge if judge is not None else next(iter(judges), "")
    found: dict[str, dict[str, Finding]] = {}
    lines: dict[tuple[str, str], int] = {}
    for name, row in rows:
        if name == chosen:
            _record(row, rubric, found, lines, problems)
    problems.raise_if_any()
    if not found:
        raise InputError([Problem("holds no verdicts", str(path))])
    return chosen or path.stem, found


def _record(
    row: Row,
    rubric: Rubric,
    found: dict[str, dict[str, Finding]],
    lines: dict[tuple[str, str], int],
    problems: Problems,
) -> None:
    try:
        identity = read_id(row.columns.get("id"))
    except ValueError as error:
        problems.add(str(error), row.line, "id")
        return
    name = str(row.columns.get("criterion") or "")
    if not name and len(rubric.criteria) == 1:
        name = rubric.criteria[0].name
    criterion = rubric.by_name.get(name)
    if criterion is None:
        known = ", ".join(rubric.by_name)
        problems.add(f"{name!r} is not a criterion of {rubric.name} ({known})", row.line, "criterion")
        return
    if (identity, name) in lines:
        message = f"id {identity!r} has a verdict on {name} already on line {lines[identity, name]}"
        problems.add(message, row.line)
        return
    lines[identity, name] = row.line
    try:
        found.setdefault(identity, {})[name] = _finding(criterion, row.columns)
    except ValueError as error:
        problems.add(str(error), row.line, "label")


def _finding(criterion: Criterion, columns: Mapping[str, Any]) -> Finding:
    label, explanation = columns.get("label"), str(columns.get("explanation") or "")
    score = _score(columns.get("score"))
    if label is None or (isinstance(label, str) and not label.strip()):
        return Finding("invalid_reply", explanation=explanation or "the recorded label is null")
    if isinstance(label, bool):
        label = "true" if label else "false"
    answer = match_answer(criterion, str(label))
    if answer == ABSTAIN:
        return Finding(ABSTAINED, explanation=explanation)
    if isinstance(answer, float):
        return Finding(OK, value=answer, explanation=explanation)
    confidence = None
    if score is not None and answer != NOT_APPLICABLE and criterion.scale == "binary":
        # A recorded score of a yes-no question is the judge's probability of the passing level.
        confidence = score if criterion.score_of(answer) == 1 else 1 - score
    return Finding(OK, answer, explanation=explanation, confidence=confidence)


def _score(raw: Any) -> float | None:
    if raw is None or raw == "":
        return None
    try:
        value = float(raw)
    except (TypeError, ValueError):
        value = float("nan")
    if not isfinite(value) or not 0 <= value <= 1:
        raise ValueError(f"the score {raw!r} is not a number between 0 and 1")
    return value
