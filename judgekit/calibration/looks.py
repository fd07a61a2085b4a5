"""How often labels were looked at, and how many judges were tried on them: what that makes of one look.

A look is distinct by its labels, grader, rubric and batch: the same one again, or with another question, is
the same look and keeps its number.

- Labels of a holdout or confirmatory set: each distinct look is an opening. All count, whatever grader or
  role they state, as a set that was looked at freely and is then called a holdout is no fresh one.
- Development and regression: looks are free and number 1. Regression sets, opened by every run of a pipeline,
  are not even written down.
- Other labels: the number of a look is the place of its labels among the distinct ones that the same grader
  was held against, as when one labels until the result fits.

Judges are the distinct fingerprints of all looks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from math import ceil, log10
from typing import Any

from judgekit.stats.sequential import chosen_confidence, look_confidence

WORN_AFTER = 10
OPENED = ("holdout", "confirmatory")
FREE = ("development", "regression")
STRICTEST = ("confirmatory", "holdout", "production", "", "regression", "development")


@dataclass(frozen=True, slots=True)
class Look:
    """One look at labels.

    Attributes
    ----------
    labels : str
        Digest of who said what.
    n : int
        How many labels that were.
    fingerprint, signature : str
        Of the grader that was held against them.
    rubric : str
        Digest of the rubric.
    frame : str
        Digest of the batch.
    role : str
        Of the labels; empty if they state none.
    question : str
        What was asked: ``calibrate``, ``correct``, ``judges``, ``gate`` …
    """

    labels: str
    n: int
    fingerprint: str
    signature: str
    rubric: str
    frame: str
    role: str = ""
    question: str = "calibrate"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it another look than the one before."""
        return (self.labels, self.fingerprint, self.rubric, self.frame)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a look stands among those at the same labels.

    Attributes
    ----------
    of : Look
    look : int
        Its number, which widens the limits of a decision; counted from 1.
    judges : int
        Graders tried on these labels so far, this one with them.
    opening : int or None
        The same number where the labels are a holdout or confirmatory set.
    first : bool
        Whether it is made for the first time.
    note : str
        Why looks are not counted, or what was wrong with the ledger.
    """

    of: Look
    look: int
    judges: int
    opening: int | None
    first: bool
    note: str = ""

    @property
    def worn(self) -> bool:
        """Whether the set was opened more than ten times: it has to be replaced."""
        return self.opening is not None and self.opening > WORN_AFTER

    def confidence(self, plain: float = 0.95) -> float:
        """Two-sided confidence for the limits of this look, where a single one would have the plain."""
        return look_confidence(self.look, plain)

    def chosen_confidence(self, plain: float = 0.95) -> float:
        """Two-sided confidence for the agreement of the judge that was chosen among those tried."""
        return chosen_confidence(self.judges, plain)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, for a card; :func:`standing_from` reads it."""
        return asdict(self) | {"worn": self.worn}


def standing_from(data: dict[str, Any]) -> Standing:
    """Read what :meth:`Standing.to_dict` gave."""
    kept = {field.name: data[field.name] for field in fields(Standing)}
    return Standing(**kept | {"of": Look(**kept["of"])})


def strictest_role(roles: Iterable[str]) -> str:
    """Give the role that a set of labels has as a whole: the one whose looks weigh most."""
    return min(roles, key=STRICTEST.index, default="")


def standing(rows: Sequence[Look], look: Look, card: Standing | None = None, note: str = "") -> Standing:
    """Give a look its number.

    Parameters
    ----------
    rows : sequence of Look
        Distinct looks made before, in order; `look` may be one of them.
    look : Look
    card : Standing, optional
        From an older card. What it counted beyond the rows, as after they were lost, is added: a new look by
        the same grader (for a holdout: by any) gets a higher number than the card's, the same look no lower
        one; judges are not fewer, and one more for a grader that neither the rows nor the card name.
    note : str
        Passed on.
    """
    first = look.identity not in {row.identity for row in rows}
    earlier = {row.fingerprint for row in rows} | ({card.of.fingerprint} if card else set())
    lost = max(0, card.judges - len(earlier)) if card else 0
    judges = len(earlier | {look.fingerprint}) + lost
    if look.role in FREE:
        return Standing(look, 1, judges, None, first, note)
    # A card that numbers openings says nothing of looks at a growing set, nor the other way round.
    if look.role in OPENED:
        opened = (card.of.identity, card.look) if card and card.opening else None
        opening = _place([row.identity for row in rows], look.identity, opened)
        return Standing(look, opening, judges, opening, first, note)
    seen = list(dict.fromkeys(row.labels for row in rows if row.fingerprint == look.fingerprint))
    same = card is not None and card.opening is None and card.of.fingerprint == look.fingerprint
    known = (card.of.labels, card.look) if card and same else None
    return Standing(look, _place(seen, look.labels, known), judges, None, first, note)


def _place(trace: Sequence[Any], new: Any, card: tuple[Any, int] | None) -> int:
    """Give the place of what is new in a trace, which goes on from where the card counted it to."""
    places = list(trace)
    if card is not None and card[0] not in places:
        places.insert(0, card[0])
    if new not in places:
        places.append(new)
    lost = 0 if card is None else max(0, card[1] - (places.index(card[0]) + 1))
    return places.index(new) + 1 + lost


def standing_lines(at: Standing) -> list[str]:
    """Say in sentences what a standing means; nothing for a first look by the only judge."""
    lines, wide = [], f"limits widened to {_percent(at.confidence())} each, so that over all"
    if at.worn:
        lines.append(f"Opening {at.look} of this {at.of.role} set: it is worn; replace it.")
    elif at.opening is not None:
        said = f"Opening {at.look} of {WORN_AFTER} of this {at.of.role} set"
        lines.append(f"{said}: {wide} openings neither errs in more than 5 %." if at.look > 1 else f"{said}.")
    elif at.look > 1:
        lines.append(f"Look {at.look} at these labels: {wide} looks neither errs in more than 5 %.")
    if at.judges > 1:
        chosen = f"the agreement of the chosen one holds with limits at {_percent(at.chosen_confidence())}"
        lines.append(f"{at.judges} judges were tried on these labels: {chosen}.")
    return [*lines, f"note: {at.note}"] if at.note else lines


def _percent(confidence: float) -> str:
    """Write a confidence with enough digits that it is not 100 %."""
    return f"{100 * confidence:.{max(1, ceil(-log10(100 * (1 - confidence))))}f} %"
