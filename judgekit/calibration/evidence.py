"""Whether cards still say what their files say: each is made once more, and held against what is stored.

A card names the files it was made from where they lie beside it or below. Nothing is written: the rebuilt
card has the salt of the stored one, so that hidden ids are equal, and the limits of the look it was then.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any, Literal

from judgekit._json import NotJson, dumps, loads
from judgekit.calibration.calibrate import calibrate
from judgekit.calibration.card import KIND, card_dict, load_card, source_files
from judgekit.calibration.ledger import ledger_path, read_ledger
from judgekit.calibration.looks import Standing, standing
from judgekit.calibration.results import Calibration
from judgekit.errors import InputError, JudgekitError, Problem

Outcome = Literal["holds", "differs", "unchecked", "broken"]
DIGITS = 1e-6  # relative: figures are those of another machine, too
SHOWN = 3
UNNAMED = "it does not name its files: they lay elsewhere, or in memory, when it was made"
# What comes to a card after it was made, and what only restates the rest.
LATER = ("digest", "stale", "weeks")


@dataclass(frozen=True)
class Evidence:
    """What came of checking one card.

    Attributes
    ----------
    card : str
        Its path.
    outcome : {"holds", "differs", "unchecked", "broken"}
        Unchecked: it names no files. Broken: it, or one of them, is missing or cannot be read.
    why : str
        For the last two.
    differences : tuple of str
        Each figure that is another now.
    """

    card: str
    outcome: Outcome
    why: str = ""
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.outcome == "holds":
            return f"{self.card}: holds"
        if self.outcome != "differs":
            return f"{self.card}: cannot be checked: {self.why}"
        more = len(self.differences) - SHOWN
        shown = [*self.differences[:SHOWN], *([f"{more} more"] if more > 0 else [])]
        return f"{self.card}: differs in {'; '.join(shown)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**vars(self), "differences": list(self.differences)}


def check_cards(place: str | Path) -> list[Evidence]:
    """Check a card, or every card in a folder and below.

    Parameters
    ----------
    place : path
        A card, or a folder.

    Returns
    -------
    list of Evidence
        By path.

    Raises
    ------
    InputError
        If there is nothing there, or no card.
    """
    found = list(_cards(Path(place)))
    if not found:
        why = "holds no card" if Path(place).exists() else "does not exist"
        raise InputError([Problem(f"{why}; name a folder with cards, or a card", str(place))])
    return [check_card(path) for path in found]


def _cards(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield from [place] if place.exists() else []
        return
    for path in sorted(place.rglob("*.json")):
        hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
        if not hidden and _is_card(path):
            yield path


def _is_card(path: Path) -> bool:
    try:
        data = loads(path.read_text("utf-8-sig"))
    except (OSError, NotJson, UnicodeDecodeError):
        return False
    return isinstance(data, dict) and data.get("kind") == KIND


def check_card(path: str | Path) -> Evidence:
    """Make a card once more from the files it names, and hold it against what is stored."""
    name, folder = str(path), Path(path).parent
    try:
        stored = load_card(path)
        if stored.source is None:
            return Evidence(name, "unchecked", UNNAMED)
        made = rebuilt(stored, folder)
        found = tuple(_differences(stored, made, folder))
        found += tuple(_uncounted(stored.standing, made, ledger_path(source_files(stored, folder)[1])))
    except JudgekitError as error:
        return Evidence(name, "broken", " ".join(str(error).split()))
    return Evidence(name, "differs" if found else "holds", differences=found)


def rebuilt(card: Calibration, folder: Path) -> Calibration:
    """Make a card once more from the files it names.

    Parameters
    ----------
    card : Calibration
        With `source`.
    folder : Path
        Where the card lies.

    Raises
    ------
    InputError, UsageError
        As `calibrate`.
    """
    assert card.source is not None
    graded, labels = source_files(card, folder)
    return calibrate(graded, labels, thresholds=card.thresholds, again=card, **card.source["options"])


def _differences(stored: Calibration, made: Calibration, folder: Path) -> Iterator[str]:
    """Compare two cards, figure by figure."""
    assert stored.source is not None
    names = [stored.source["graded"], *stored.source["labels"]]
    was, now = (dict(_flat(_plain(card, folder, names))) for card in (stored, made))
    for key in [*was, *(key for key in now if key not in was)]:
        old, new = was.get(key), now.get(key)
        if key not in was or key not in now:
            yield f"{key} ({'stored' if key in was else 'now'} only)"
        elif not _same(old, new):
            yield f"{key} ({_short(old)} stored, {_short(new)} now)"


def _plain(card: Calibration, folder: Path, names: list[str]) -> dict[str, Any]:
    """Give a card as JSON; its results by name, and its files however one came to them."""
    text = dumps({key: value for key, value in card_dict(card, folder).items() if key not in LATER})
    for name in names:
        text = re.sub(rf"[^\s\"]*/{re.escape(name)}\b", lambda found, name=name: name, text)  # type: ignore[misc]
    held: dict[str, Any] = loads(text)
    return held | {"results": {one["name"]: one for one in held["results"]}}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{place}]")
    else:
        yield path, value


def _same(old: Any, new: Any) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (old, new))
    return isclose(old, new, rel_tol=DIGITS, abs_tol=DIGITS) if numbers else bool(old == new)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _uncounted(at: Standing | None, made: Calibration, ledger: Path) -> Iterator[str]:
    """Compare a card's count of looks with what the ledger held before it; the card's may be the higher."""
    if at is None:
        return
    rows = read_ledger(ledger)
    known = [row.identity for row in rows]
    before = rows[: known.index(at.of.identity)] if at.of.identity in known else rows[:0]
    counted = standing(before, at.of)
    if at.of.labels != made.digests["labels"]:
        yield "looks.of.labels (of other labels)"
    for name in ("look", "judges"):
        old, new = getattr(at, name), getattr(counted, name)
        if old < new:
            yield f"looks.{name} ({old} stored, {new} by {ledger.name})"
