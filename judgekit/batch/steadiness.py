"""How steady composed judges were: what the single verdicts in the parts of a batch's rows say together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from judgekit._text import plural
from judgekit.verdict import ABSTAINED, OK

_PLACE = {"a": 1.0, "tie": 0.5, "b": 0.0}


@dataclass
class Divided:
    """Rows on which the parts answered one criterion.

    Attributes
    ----------
    rows, differ : int
        Rows with two answers or more, and those of them with different ones.
    first, second : int
        Of swapped pairs that differ: those that leant to the output that stood first, or second, both times.
    """

    rows: int = 0
    differ: int = 0
    first: int = 0
    second: int = 0


@dataclass
class Steadiness:
    """Counts over the rows of a batch.

    Attributes
    ----------
    rows : int
        Rows with parts.
    went_on : int
        … that a cascade handed on.
    swapped, cascade : bool
        Whether the parts are the orders of a pair, or of a cascade.
    criteria : dict of str to Divided
    """

    rows: int = 0
    went_on: int = 0
    swapped: bool = False
    cascade: bool = False
    criteria: dict[str, Divided] = field(default_factory=dict)

    def add(self, parts: Iterable[Mapping[str, Any]], grader: str) -> None:
        """Count the parts of one row.

        Parameters
        ----------
        parts : iterable of mapping
            As they stand in a verdict.
        grader : str
            Its model, as asked for.
        """
        given = list(parts)
        if not given:
            return
        self.rows += 1
        self.cascade |= grader.startswith("cascade(")
        self.went_on += len(given) > 1
        self.swapped |= "order" in given[0]
        for name in dict.fromkeys(name for part in given for name in part.get("criteria") or {}):
            answers = [
                _answer(part["criteria"][name]) for part in given if name in (part.get("criteria") or {})
            ]
            known = [answer for answer in answers if answer is not None]
            if len(known) > 1:
                self._count(self.criteria.setdefault(name, Divided()), known)

    def _count(self, counted: Divided, answers: list[Any]) -> None:
        counted.rows += 1
        if len(set(answers)) == 1:
            return
        counted.differ += 1
        if self.swapped and set(answers) <= _PLACE.keys():
            # Both are put back into one order: a first and b second favours what stood first each time.
            leaning = _PLACE[answers[0]] - _PLACE[answers[1]]
            counted.first += leaning > 0
            counted.second += leaning < 0

    def to_dict(self) -> dict[str, Any] | None:
        """Plain JSON; None where no row has parts."""
        if not self.rows:
            return None
        found = {name: dict(vars(one)) for name, one in self.criteria.items()}
        return {"rows": self.rows, "went_on": self.went_on if self.cascade else None, "criteria": found}

    def lines(self) -> list[str]:
        """Say it in words, with 95 % intervals (Wilson)."""
        said = []
        if self.cascade:
            said.append(f"{_share(self.went_on, self.rows)} {_were(self.rows)} handed on to the next judge")
        for name, one in self.criteria.items():
            if not one.rows or self.cascade:
                continue
            if not self.swapped:
                said.append(f"{name}: the single answers differ on {_share(one.differ, one.rows)}")
                continue
            moved = f"{name}: {_share(one.differ, one.rows, 'pair')} changed with the order and count as ties"
            leant = one.first + one.second
            if leant:
                place, often = ("first", one.first) if one.first >= one.second else ("second", one.second)
                moved += f"; {_share(often, leant, '')} went to whichever stood {place}"
            said.append(moved)
        return said


def _answer(finding: Mapping[str, Any]) -> Any:
    if finding.get("status") == ABSTAINED:
        return ABSTAINED
    if finding.get("status") != OK:
        return None
    return finding.get("label") if finding.get("value") is None else finding.get("value")


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _share(count: int, of: int, what: str = "row") -> str:
    import numpy as np

    from judgekit.stats.rates import proportion

    found = proportion(np.repeat([1.0, 0.0], [count, of - count]))
    noun = f" {plural(of, what).split(' ', 1)[1]}" if what else ""
    return (
        f"{count:,} of {of:,}{noun} ({100 * found.value:.1f} %, {100 * found.low:.1f}–{100 * found.high:.1f})"
    )
