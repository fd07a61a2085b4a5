"""What lies where the graded rows go: whether it may be written, and what of it can be kept."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from judgekit.batch.options import Options
from judgekit.batch.tally import Tally
from judgekit.errors import InputError, Problems, UsageError
from judgekit.exchange import FREE, Usage
from judgekit.files.graded import FORMAT, journal_path, manifest_path, open_manifest, read_manifest
from judgekit.files.items import Census
from judgekit.files.rows import read_rows
from judgekit.grader import Grader
from judgekit.verdict import ANSWERS


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    out : Path
        The graded rows.
    manifest : dict
        What was written beside them.
    tally : Tally
        Counts by status, tokens, cost.
    notes : tuple of str
        What is to be known beside the counts, for people to read.
    """

    out: Path
    manifest: dict[str, Any]
    tally: Tally
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.tally.statuses.items())
        return f"Run({str(self.out)!r}, {counts})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"out": str(self.out), **{k: v for k, v in self.manifest.items() if k != "rubric"}}


@dataclass(frozen=True)
class Source:
    """The input of a run, as it was when it was checked.

    Attributes
    ----------
    path : Path
    census : Census
        How many items, and the key of each.
    checksum : str
        Of the file's bytes: other columns than the rubric's may change too.
    """

    path: Path
    census: Census
    checksum: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, as it stands in the manifest."""
        return {
            "name": self.path.name,
            "rows": self.census.count,
            "digest": self.census.digest,
            "checksum": self.checksum,
        }


def identity(grader: Grader) -> dict[str, Any]:
    """Give what the rows of a run rest on."""
    return {
        "fingerprint": grader.fingerprint,
        "signature": grader.signature,
        "rubric_digest": grader.rubric.digest,
        "calibration": getattr(grader, "standing", None),
    }


def changes(was: dict[str, Any], now: dict[str, Any]) -> str:
    """Say in words how one identity differs from another; empty if it does not.

    Examples
    --------
    >>> changes({"fingerprint": "a", "signature": "r@1|m"}, {"fingerprint": "b", "signature": "r@1|n"})
    'graded by r@1|m, this run is r@1|n'
    """
    if was.get("fingerprint") == now["fingerprint"]:
        return _other_card(was.get("calibration"), now.get("calibration"))
    if was.get("signature") != now["signature"]:
        return f"graded by {was.get('signature')}, this run is {now['signature']}"
    if was.get("rubric_digest") != now["rubric_digest"]:
        digests = f"{str(was.get('rubric_digest'))[:19]}, now {now['rubric_digest'][:19]}"
        return f"graded by {now['signature']} too, but the rubric says something else since (was {digests})"
    return f"graded by {now['signature']} too, but with other settings of the model"


def _other_card(was: dict[str, str] | None, now: dict[str, str] | None) -> str:
    """Say how the cards of two runs of one judge differ: their rows carry other probabilities."""
    if was == now:
        return ""
    before, here = ("no card" if one is None else f"the card {one['card'][:19]}" for one in (was, now))
    if before == here:
        return f"graded with {here} as {was['state'] if was else ''}, now {now['state'] if now else ''}"
    return f"graded with {before}, this run has {here}"


def check_place(out: Path, items: Path, fresh: bool) -> None:
    """See that the graded rows can go there, before anything is paid for.

    Raises
    ------
    UsageError
        If the place is no place for them, or holds something that is not ours.
    """
    if out.suffix != ".jsonl":
        raise UsageError(f"{out}: graded rows are written as .jsonl")
    written = (out, journal_path(out), manifest_path(out))
    if items.resolve() in [path.resolve() for path in written]:
        raise UsageError(f"{items}: is the input itself, and would be overwritten; choose another --out")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: there is no such folder; make it, or choose another --out")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{out.parent}: this folder cannot be written to; choose another --out")
    if out.exists() and not out.is_file():
        raise UsageError(f"{out}: is there and is not a file; choose another --out")
    if items.exists() and not items.is_file():
        raise UsageError(f"{items}: is not a file; items are read several times, so save them as one first")
    _try_names(out)
    _check_manifest(out)
    if (fresh or journal_path(out).exists()) and _holds(out) and not _has_verdicts(out):
        raise UsageError(f"{out}: holds no graded rows, and nothing else is overwritten; move it away")


def _try_names(out: Path) -> None:
    """Find out what only the disk can say, such as that a name is too long."""
    probe = out.with_name(f".{manifest_path(out).name}.{os.getpid()}.part")
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"{out}: cannot be written there: {error.strerror}; choose another --out") from None


def _holds(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _check_manifest(out: Path) -> None:
    if not _holds(manifest_path(out)):
        return
    try:
        open_manifest(manifest_path(out))
    except InputError:
        raise UsageError(
            f"{manifest_path(out)}: is not the manifest of a run, and would be overwritten; move it "
            "away, or choose another --out"
        ) from None


def _has_verdicts(out: Path) -> bool:
    try:
        first = next(read_rows(out, Problems(str(out))), None)
    except InputError:
        return False
    return first is not None and isinstance(first.columns.get("verdict"), dict)


def earlier(grader: Grader, out: Path) -> dict[str, Any] | None:
    """Give the manifest of what this grader wrote there before; None if nothing is there.

    Raises
    ------
    UsageError
        If something else is there.
    """
    if not _holds(out):
        return None
    try:
        manifest = read_manifest(out)
    except InputError as error:
        raise UsageError(
            f"{out} exists and is not a run that could be continued ({error}); choose another --out, or "
            "overwrite it with --fresh"
        ) from None
    if said := changes(manifest, identity(grader)):
        raise UsageError(f"{out}: was {said}; choose another --out, or overwrite it with --fresh")
    return manifest


def finished(manifest: dict[str, Any] | None, out: Path, source: Source, options: Options) -> Run | None:
    """Give the run that lies there, if it is what this very command would write, and nothing in it failed."""
    if manifest is None:
        return None
    tally = Tally(int(options.chosen(source.census).sum()), usage=spent(manifest))
    tally.statuses.update(manifest.get("counts") or {})
    tally.resumed = tally.done
    same = (
        manifest.get("input") == source.to_dict()
        and manifest.get("selection") == options.selection
        and manifest.get("items_omitted") == options.omit_items
        and manifest.get("bytes") == out.stat().st_size
    )
    return Run(out, manifest, tally) if same and not tally.failed and tally.done == tally.total else None


def spent(manifest: dict[str, Any]) -> Usage:
    """Give what an earlier run cost."""
    usage = manifest.get("usage") or {}
    return Usage(**{key: usage.get(key) for key in FREE.to_dict()})


def answered(out: Path) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Yield key and verdict of every answer of a graded file; the key is None where none stands there.

    A row that cannot be read is as if it were not there, so that it is asked again.
    """
    for row in read_rows(out, Problems(str(out))):
        key, verdict = row.columns.get("key"), row.columns.get("verdict")
        if isinstance(verdict, dict) and verdict.get("status") in ANSWERS:
            yield _key(key), verdict


def _key(text: Any) -> int | None:
    try:
        return int(text, 16)
    except (TypeError, ValueError):
        return None


def manifest_of(
    grader: Grader, tally: Tally, source: Source, options: Options, started: datetime, size: int
) -> dict[str, Any]:
    """Give what is written beside the graded rows."""
    columns = options.columns
    return {
        "format": FORMAT,
        "kind": "run",
        "rubric": grader.rubric.to_dict(),
        **identity(grader),
        "grader": grader.name,
        "judge": getattr(grader, "recipe", None),
        "destination": grader.destination or None,
        "input": source.to_dict(),
        "columns": {"id": columns.id, "map": dict(columns.renamed), "set": sorted(columns.constants)},
        "selection": options.selection,
        "items_omitted": options.omit_items,
        "rows": tally.done,
        "bytes": size,
        "counts": dict(tally.statuses),
        "parts": tally.steadiness.to_dict(),
        "usage": tally.usage.to_dict(),
        "versions": {"judgekit": version("judgekit-calibrated"), "python": platform.python_version()},
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
