"""Draw the items that people label: at random, by stratum, by the judge's uncertainty; or the same again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._json import NotJson, loads
from judgekit.calibration.batch import GradedBatch, Ints, load_batch
from judgekit.calibration.pilot import Pilot, spread_by_stratum
from judgekit.calibration.sheet import Items, Line, check_out, read_fields, sheet_rubric, write_sheet
from judgekit.calibration.strata import Strata, found_strata, question_of, strata_by
from judgekit.calibration.uncertainty import uncertainty
from judgekit.errors import Problems, UsageError
from judgekit.files.graded import manifest_path, read_graded
from judgekit.files.items import Columns
from judgekit.files.label_cells import read_frame, read_rater, unseal
from judgekit.files.labels import remember_roles
from judgekit.files.rows import read_rows
from judgekit.item import read_id
from judgekit.labels import LabelSet, frame_of
from judgekit.rubric import Rubric
from judgekit.stats.selection import (
    active_probabilities,
    allocation,
    drawn_by_stratum,
    drawn_singly,
    flagged_first,
)

DRAWS = {"random": "random", "stratified": "stratified", "active": "probability", "rare": "stratified"}
RULE_OF = {"stratified": "verdict", "rare": "flagged"}
FAILURES_FIRST = "failures stand on the sheet more often than in the file, so the interval will be wider"
KEPT = ("design", "probability", "stratum", "frame")


@dataclass(frozen=True)
class Sheet:
    """A sheet to fill in.

    Attributes
    ----------
    drawn, total : int
        Items on it, and in the file they come from.
    criteria : tuple of str
        Columns to answer.
    design : str
        How the items were drawn, in the words of a label file.
    repeats : int
        Items that stand on it twice.
    note : str
        What else there is to say of the draw.
    """

    drawn: int
    total: int
    criteria: tuple[str, ...]
    design: str = "random"
    repeats: int = 0
    note: str = ""


@dataclass(frozen=True)
class _Draw:
    """Positions of the drawn items in random order, and what a row says of each."""

    places: Ints
    said: Callable[[int], dict[str, Any]]
    design: str
    note: str = ""


def draw_sheet(
    source: str | Path,
    out: str | Path,
    n: int,
    *,
    rubric: str | Path | Rubric | None = None,
    columns: Columns | None = None,
    rater: str = "human",
    seed: int | None = None,
    draw: str = "random",
    criterion: str | None = None,
    exclude: LabelSet | None = None,
    pilot: Pilot | None = None,
    repeats: int = 0,
) -> Sheet:
    """Draw n items and write one row each, with a blank column per criterion.

    Parameters
    ----------
    source : path
        Graded rows (their verdicts are not shown) or items.
    out : path
        ``.csv`` or ``.jsonl``; must not exist, so that no label is overwritten.
    n : int
        Items to draw; with ``active`` about so many, as each is drawn for itself.
    columns : Columns or None
        How columns become fields. What it leaves open is as the run that graded the rows had it, but for a
        text that was the same for every item: the run keeps its name only.
    seed : int or None
        None draws anew each time.
    draw : {"random", "stratified", "active", "rare"}
        Every item alike; by verdict; more where the judge is uncertain; all that the judge fails, up to half.
    criterion : str or None
        Whose verdicts decide; by default those on the item as a whole.
    exclude : LabelSet or None
        Labels of an earlier draw of the same kind. Their items are left out, and both draws together are
        one: a random sample and a random sample of what it left are a random sample.
    pilot : Pilot or None
        How people answer by verdict, for ``stratified``.
    repeats : int
        Items to put on the sheet twice, far apart: how consistent is the rater?

    Raises
    ------
    UsageError
        If there are fewer items than asked for, `out` exists, items come without a rubric or are to be drawn
        by verdicts that they do not have, or the labels at hand were drawn in another way.
    InputError
        If a field is missing that the judge saw or the rubric requires.
    """
    out = Path(out)
    check_out(out)
    one = sheet_rubric(source, rubric)
    found = read_fields(source, one, columns or Columns())
    if not 0 <= repeats <= n // 2:
        raise UsageError(f"{repeats} repeats of {n} items: at most half can stand far apart")
    rng = np.random.default_rng(seed)
    taken = _taken(found, exclude, draw, str(source))
    if n > np.count_nonzero(~taken):
        less = f", {int(taken.sum())} of them labelled" if taken.any() else ""
        raise UsageError(f"{source} holds {len(found)} items{less}, {n} cannot be drawn")
    if draw == "random":
        drawn = _random(found, taken, n, rng)
    else:
        batch = _verdicts(source, draw)
        name = question_of(one, criterion).name
        make = _active if draw == "active" else _by_stratum
        drawn = make(source, batch, name, draw, n, rng, exclude, pilot)
    lines = [Line(found[place][0], found[place][1], drawn.said(place)) for place in drawn.places.tolist()]
    write_sheet(out, _with_repeats(lines, repeats, rng), one, tuple(one.by_name), rater, str(source))
    return Sheet(len(lines), len(found), tuple(one.by_name), drawn.design, repeats, drawn.note)


def _taken(found: Items, exclude: LabelSet | None, draw: str, source: str) -> np.ndarray:
    """Mark the items that have labels; UsageError if these were not drawn as the next are to be."""
    if draw not in DRAWS:
        raise UsageError(f"draw {draw!r} is not one of {', '.join(DRAWS)}")
    taken = np.zeros(len(found), bool)
    if exclude is None:
        return taken
    position = {identity: place for place, (identity, _) in enumerate(found)}
    frame = frame_of(position)
    for label in exclude.labels:
        design, at = label.design or "unstated", (label.frame or {}).get("digest")
        if label.id not in position or at not in (None, frame["digest"]):
            raise UsageError(f"the label of {label.id!r} was drawn from other items than {source} holds")
        if draw == "active" or design != DRAWS[draw]:
            raise UsageError(
                f"labels whose design is {design} and a {draw} draw do not make one sample; "
                "draw as before, random or stratified, or leave --exclude away and draw anew"
            )
        taken[position[label.id]] = True
    return taken


def _random(found: Items, taken: np.ndarray, n: int, rng: np.random.Generator) -> _Draw:
    frame = frame_of(identity for identity, _ in found)
    # The draw is the order too: a rater meets the items shuffled.
    return _Draw(
        rng.choice(np.flatnonzero(~taken), n, replace=False),
        lambda place: {"design": "random", "frame": frame},
        "random",
    )


def _verdicts(source: str | Path, draw: str) -> GradedBatch:
    if not manifest_path(source).exists():
        raise UsageError(
            f"{source} has no verdicts, so nothing can be drawn as {draw}; grade it first, or draw at random"
        )
    return load_batch(source)


def _by_stratum(
    source: str | Path,
    batch: GradedBatch,
    name: str,
    draw: str,
    n: int,
    rng: np.random.Generator,
    exclude: LabelSet | None,
    pilot: Pilot | None,
) -> _Draw:
    """Draw a fixed number of each stratum."""
    if exclude is None:
        strata = strata_by(batch, name, RULE_OF[draw], rng)
        taken = np.zeros(len(batch.ids), bool)
    else:
        strata = found_strata(batch, exclude)
        if (strata.by, strata.rule) != (name, RULE_OF[draw]):
            raise UsageError(
                f"the labels at hand were drawn by {strata.rule} of {strata.by}; draw the rest so too"
            )
        taken = np.isin(np.array(batch.ids), exclude.ids)
    have = np.bincount(strata.codes[taken], minlength=strata.sizes.size)
    counts = (_flagged if draw == "rare" else _allocated)(batch, strata, have, n, pilot)
    frame, of_items = strata.frame(batch), strata.of_items()

    def said(place: int) -> dict[str, Any]:
        return {"design": "stratified", "stratum": str(of_items[place]), "frame": frame}

    note = FAILURES_FIRST if draw == "rare" else ""
    return _Draw(drawn_by_stratum(strata.codes, counts, rng, taken), said, "stratified", note)


def _allocated(batch: GradedBatch, strata: Strata, have: Ints, n: int, pilot: Pilot | None) -> Ints:
    if n + have.sum() < strata.sizes.size:
        raise UsageError(
            f"{strata.by} has {strata.sizes.size} strata, {n} items cannot be of each; draw more"
        )
    spread = None if pilot is None else spread_by_stratum(pilot, batch, strata.codes)
    return allocation(strata.sizes, n + int(have.sum()), spread=spread, at_hand=have) - have


def _flagged(batch: GradedBatch, strata: Strata, have: Ints, n: int, pilot: Pilot | None) -> Ints:
    if strata.sizes.size != 2:
        raise UsageError(f"{batch.name} has no failures by the judge beside other items; draw at random")
    flagged, rest = (int(size) for size in strata.sizes - have)
    failed, others = strata.sizes.tolist()
    wanted, _ = flagged_first(failed, others, n + int(have.sum()))
    first = min(max(wanted - int(have[0]), n - rest, 0), flagged, n)
    return np.array([first, n - first])


def _active(
    source: str | Path,
    batch: GradedBatch,
    name: str,
    draw: str,
    n: int,
    rng: np.random.Generator,
    exclude: LabelSet | None,
    pilot: Pilot | None,
) -> _Draw:
    """Draw each item for itself."""
    doubt, by = uncertainty(read_graded(source), question_of(batch.rubric, name))
    chance = active_probabilities(doubt, n)
    frame = batch.frame

    def said(place: int) -> dict[str, Any]:
        return {"design": "probability", "probability": float(chance[place]), "frame": frame}

    note = f"each item was drawn for itself, so that not exactly {n} were; more likely by the judge's {by}"
    return _Draw(drawn_singly(chance, rng), said, "probability", note)


def _with_repeats(lines: list[Line], repeats: int, rng: np.random.Generator) -> list[Line]:
    """Put some items of the first half of a sheet on it again, half a sheet later."""
    half, lines = len(lines) // 2, list(lines)
    if not repeats:
        return lines
    again = set(rng.choice(half, min(repeats, half), replace=False).tolist())
    found = lines[:half]
    for place, line in enumerate(lines[half:]):
        found.append(line)
        if place in again:
            found.append(replace(lines[place], draw={**lines[place].draw, "repeat": True}))
    return found


def relabel_sheet(
    source: str | Path,
    out: str | Path,
    labels: Iterable[str | Path],
    criterion: str,
    *,
    rubric: str | Path | Rubric | None = None,
    columns: Columns | None = None,
    rater: str | None = None,
    seed: int | None = None,
) -> Sheet:
    """Write a sheet of the items that labels are of, to answer a criterion that was reworded.

    Each row keeps how its item was drawn. Given together with the earlier labels, it takes the place of their
    answers to the old wording; those to the other criteria stay as they are.

    Parameters
    ----------
    labels : paths
        The earlier labels, whose answers on this criterion no longer count.
    criterion : str
        Of the rubric as it is now.
    rater : str or None
        By default the one who gave the labels.

    Raises
    ------
    UsageError
        If items are not there, several raters gave the labels, or the wording is what they answered.
    """
    out = Path(out)
    check_out(out)
    one = sheet_rubric(source, rubric)
    name = question_of(one, criterion).name
    if name not in one.by_name:
        raise UsageError(f"{name} follows from the criteria, and has no wording of its own")
    earlier, raters, old = _earlier(labels, one, name)
    if old and old <= {one.criterion_digests[name]}:
        raise UsageError(f"{name} has the wording that these labels answer; nothing need be asked again")
    if rater is None and len(raters) > 1:
        raise UsageError(
            f"the labels are by {', '.join(sorted(raters))}: draw one sheet for each, with --rater"
        )
    found = dict(read_fields(source, one, columns or Columns()))
    if gone := [identity for identity in earlier if identity not in found]:
        raise UsageError(f"{source} does not hold {len(gone)} of the labelled items (first: {gone[0]!r})")
    ids = np.random.default_rng(seed).permutation(np.array(list(earlier), dtype=object)).tolist()
    lines = [Line(key, found[key], earlier[key]) for key in ids]
    write_sheet(out, lines, one, (name,), rater or next(iter(raters)), str(source))
    designs = {str(kept.get("design", "")) for kept in earlier.values()}
    return Sheet(len(lines), len(found), (name,), designs.pop() if len(designs) == 1 else "")


def _earlier(
    paths: Iterable[str | Path], rubric: Rubric, criterion: str
) -> tuple[dict[str, dict[str, Any]], set[str], set[str]]:
    """Give, by item, what label files say of its draw; their raters; and which wordings they answer.

    The files are read as rows: their answers to another wording may be no levels any more.
    """
    kept: dict[str, dict[str, Any]] = {}
    raters: set[str] = set()
    wordings: set[str] = set()
    roles: dict[str, str] = {}
    for path in paths:
        problems = Problems(str(path))
        for row in read_rows(path, problems):
            columns = {key.strip().casefold(): value for key, value in row.columns.items()}
            named = str(columns.get("criterion") or criterion).strip().casefold()
            answer = columns.get("label") if "label" in columns else columns.get(criterion.casefold(), "?")
            if named != criterion.casefold() or answer in (None, "") or columns.get("id") is None:
                continue
            try:
                key, draw, rater = _drawn_as(columns)
            except ValueError as error:
                problems.add(str(error), row.line)
                continue
            if kept.setdefault(key, draw) != draw:
                problems.add("was drawn otherwise on another row", row.line, "design")
            remember_roles(roles, [(key, str(columns.get("role") or "").strip().casefold())])
            raters.add(rater)
            wordings.add(_wording(columns.get("criterion_digest"), criterion))
        problems.raise_if_any()
    if not kept:
        raise UsageError(f"no label answers {criterion}; draw a sheet as usual")
    with_role = {key: {**draw, "role": roles[key]} if key in roles else draw for key, draw in kept.items()}
    return with_role, raters, wordings - {""}


def _drawn_as(columns: dict[str, Any]) -> tuple[str, dict[str, Any], str]:
    """Read off a row its item, what it says of the draw, and the rater; ValueError if one cannot be."""
    key = read_id(columns["id"])
    columns = unseal(key, columns)
    columns["frame"] = read_frame(columns.get("frame"))
    draw = {name: columns[name] for name in KEPT if columns.get(name) not in (None, "")}
    return key, draw, read_rater(columns.get("rater"))


def _wording(raw: Any, criterion: str) -> str:
    found = _object(raw)
    return str(found.get(criterion, "")) if isinstance(found, dict) else str(raw or "")


def _object(raw: Any) -> Any:
    """Read what a CSV cell holds as JSON; anything else is as it is."""
    try:
        return loads(raw) if isinstance(raw, str) and raw.lstrip().startswith("{") else raw
    except NotJson:
        return raw
