"""Graded rows and the manifest beside them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from judgekit._json import NotJson, loads
from judgekit.errors import InputError, Problem, Problems
from judgekit.files.rows import Row, read_rows, refuse_pipes
from judgekit.rubric import Rubric, rubric_from_dict
from judgekit.verdict import Verdict, verdict_from_dict

FORMAT = 1


@dataclass(frozen=True, slots=True)
class GradedRow:
    """One item's verdict, with its original columns unless they were left out."""

    id: str
    columns: dict[str, Any] | None
    verdict: Verdict
    line: int | None = None


Count = Annotated[int, Field(ge=0, le=10**15)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Input(_Part):
    name: str | None = None
    rows: Count | None = None
    digest: str | None = None
    checksum: str | None = None


class _Columns(_Part):
    id: str | None = None
    map: dict[str, str] | None = None
    set: list[str] | None = None


class _Usage(_Part):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cached_tokens: Count | None = None
    cost_usd: Annotated[float, Field(ge=0, le=10**12)] | None = None


class _Judge(_Part):
    model: Annotated[str, Field(min_length=1)]
    settings: dict[str, Any]


class _Manifest(_Part):
    """What others take from a manifest; each part may be left out, as by older versions."""

    fingerprint: str
    rubric: dict[str, Any] | None = None
    rubric_digest: str | None = None
    signature: str | None = None
    calibration: dict[str, Any] | None = None
    grader: str | None = None
    judge: _Judge | None = None
    destination: str | None = None
    input: _Input | None = None
    columns: _Columns | None = None
    selection: dict[str, Count | None] | None = None
    items_omitted: bool | None = None
    rows: Count | None = None
    bytes: Count | None = None
    counts: dict[str, Count] | None = None
    parts: dict[str, Any] | None = None
    usage: _Usage | None = None
    versions: dict[str, str] | None = None
    started: str | None = None
    ended: str | None = None


def read_graded(path: str | Path) -> Iterator[GradedRow]:
    """Yield graded rows.

    Raises
    ------
    InputError
        At the end, naming every line that is no graded row; at once if the file is still being written.
    """
    path = Path(path)
    _check_finished(path)
    if not has_verdicts(path):
        raise _no_graded_file(path)
    problems = Problems(str(path))
    yield from graded_from_rows(read_rows(path, problems), problems)
    problems.raise_if_any()


def has_verdicts(path: str | Path) -> bool:
    """Tell whether a file may hold graded rows: a row has a verdict, or there is no row to go by."""
    rows = read_rows(path, Problems(str(path)))
    first = next(rows, None)
    return first is None or "verdict" in first.columns or any("verdict" in row.columns for row in rows)


def _no_graded_file(path: Path) -> InputError:
    return InputError(
        [Problem("is no graded file; run `judgekit grade` first, and give its --out", str(path))]
    )


def graded_from_rows(rows: Iterable[Row], problems: Problems) -> Iterator[GradedRow]:
    """Yield graded rows from rows already at hand; what is wrong goes to `problems`."""
    seen: dict[str, int] = {}
    for row in rows:
        verdict, identity = row.columns.get("verdict"), row.columns.get("id")
        if not isinstance(verdict, dict) or not isinstance(identity, str):
            problems.add(
                "is not a graded row: it needs an id and a verdict, as `judgekit grade` writes", row.line
            )
            continue
        if identity in seen:
            problems.add(f"the id {identity!r} stands already on line {seen[identity]}", row.line, "id")
            continue
        seen[identity] = row.line
        try:
            read = verdict_from_dict(verdict)
        except (ValueError, TypeError) as error:
            problems.add(f"id {identity!r}: {error}", row.line, "verdict")
            continue
        item = row.columns.get("item")
        if item is not None and not isinstance(item, dict):
            problems.add("must be an object, or left out", row.line, "item")
            continue
        yield GradedRow(identity, item, read, row.line)
    if not seen and not problems:
        problems.add("holds no graded rows")


def _check_finished(graded: Path) -> None:
    if graded.exists():
        return
    said = "there is no such file"
    if journal_path(graded).exists():
        said = "is not finished: run the same `judgekit grade` again to go on"
    raise InputError([Problem(said, str(graded))])


def manifest_path(graded: str | Path) -> Path:
    """Give the place of the manifest: ``answers.jsonl`` has ``answers.run.json``."""
    return Path(graded).with_suffix(".run.json")


def journal_path(graded: str | Path) -> Path:
    """Give the place of the rows of a run under way: ``answers.journal``."""
    return Path(graded).with_suffix(".journal")


def read_manifest(graded: str | Path) -> dict[str, Any]:
    """Read the manifest of a graded file.

    Raises
    ------
    InputError
        If it is missing or not one.
    """
    path = manifest_path(graded)
    _check_finished(Path(graded))
    if not path.exists():
        if not has_verdicts(graded):
            raise _no_graded_file(Path(graded))
        raise InputError([Problem("is missing; it is written beside the graded rows", str(path))])
    return open_manifest(path)


def open_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest, whether or not its graded rows are still there; InputError if it is none."""
    try:
        refuse_pipes(path)
        data = loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
    except (NotJson, UnicodeDecodeError) as error:
        raise InputError([Problem(str(error), str(path))]) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or "fingerprint" not in data:
        raise InputError([Problem("is not the manifest of a run", str(path))])
    try:
        _Manifest.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = "is not what the manifest of a run holds there"
        raise InputError(
            [
                Problem(f"{wrong}: {one['msg']}", str(path), None, ".".join(map(str, one["loc"])))
                for one in found
            ]
        ) from None
    return data


def manifest_rubric(manifest: dict[str, Any], where: str) -> Rubric:
    """Give the rubric that a run was graded by."""
    return rubric_from_dict(manifest.get("rubric") or {}, where)
