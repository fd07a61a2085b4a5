"""Graded rows and labels that are handed over from Python: lists of mappings, or data frames."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from judgekit.calibration.batch import GradedBatch, batch_of, same_rubric
from judgekit.errors import InputError, Problems
from judgekit.files.graded import graded_from_rows
from judgekit.files.labels import labels_from_rows
from judgekit.files.rows import Row
from judgekit.labels import LabelSet
from judgekit.rubric import Rubric
from judgekit.verdict import Verdict

Table = Iterable[Mapping[str, Any]]  # or a data frame, which has to_dict("records")


def batch_from_rows(
    given: Table, rubric: Rubric, group: str | None = None, stratum: str | None = None
) -> GradedBatch:
    """Take graded rows, ``{"id", "verdict"}``, the verdict as an object or as plain JSON.

    Raises
    ------
    InputError
        Naming each row that is none, and verdicts of several judges.
    UsageError
        If they were graded by another rubric.
    """
    problems = Problems("graded rows")
    rows = list(graded_from_rows(_rows(given, "graded rows"), problems))
    problems.raise_if_any()
    source = rows[0].verdict.provenance
    stated = {"name": "another rubric", "version": "?", "digest": "no digest", **source.rubric}
    same_rubric(rubric, f"{stated['name']}@{stated['version']}", stated["digest"], "graded rows")
    manifest = {
        "fingerprint": source.fingerprint,
        "signature": f"{rubric.reference}|{source.model}",
        "grader": source.model,
    }
    return batch_of(rows, rubric, manifest, "graded rows", group, stratum)


def labels_from_memory(given: Table, rubric: Rubric) -> LabelSet:
    """Take labels, long or wide, as they stand in a label file.

    Raises
    ------
    InputError
        As for a label file; lines are counted from 1.
    """
    problems = Problems("labels")
    found = labels_from_rows(_rows(given, "labels"), rubric, problems)
    problems.raise_if_any()
    return found


def _rows(given: Any, what: str) -> Iterator[Row]:
    records = given.to_dict("records") if hasattr(given, "to_dict") else given
    for number, row in enumerate(records, 1):
        if not isinstance(row, Mapping):
            raise InputError(f"{what} from memory are mappings or a data frame, not {type(row).__name__}")
        yield Row({str(name): _plain(value) for name, value in row.items()}, number)


def _plain(value: Any) -> Any:
    """Turn a verdict into JSON, and what a data frame holds for an empty cell into None."""
    if isinstance(value, Verdict):
        return value.to_dict()
    empty = type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    return None if empty else value
