"""Before a run: see whether the model behind the name is still the one that was held against people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from judgekit._sync import together
from judgekit._text import plural
from judgekit.batch.again import Graded, graded_items
from judgekit.calibration import Calibration
from judgekit.calibration.batch import Answers, batch_of
from judgekit.calibration.card import salted
from judgekit.errors import CallRefused, StaleError, Stopped, UsageError
from judgekit.exchange import FREE, Usage
from judgekit.files.graded import GradedRow, read_manifest
from judgekit.grader import Grader
from judgekit.rubric import OVERALL, Rubric
from judgekit.verdict import ANSWERS, Verdict

FLIPS = 0.05
LEVEL = 0.05
FAR = 0.1  # of the range, by which a number must move to be another answer


class ModelChanged(StaleError):
    """The model behind the name is not the one that the card was made for; `canary` says how that showed."""

    def __init__(self, canary: "Canary") -> None:
        self.canary = canary
        super().__init__(
            f"the model has changed since the card was made: {canary.found}. Nothing was graded; grade the "
            "labelled items again and calibrate anew: judgekit calibrate OLD_GRADED LABELS --model MODEL "
            "--graded-out AGAIN.jsonl --out CARD.json"
        )


@dataclass(frozen=True)
class Canary:
    """What came of asking again.

    Attributes
    ----------
    asked, answered : int
        Labelled items.
    changed : dict of str to tuple of int
        By question, answers that changed, of how many.
    served : tuple of tuple of str
        Names of the model that answered, then and now.
    usage : Usage
    found : str
        In what the model has changed; empty if no change shows.
    """

    asked: int
    answered: int
    changed: dict[str, tuple[int, int]]
    served: tuple[tuple[str, ...], tuple[str, ...]]
    usage: Usage
    found: str

    def __str__(self) -> str:
        most, of = max(self.changed.values(), default=(0, 0))
        said = (
            f"at most {most} of {plural(of, 'answer')} to one question changed"
            if most
            else "no answer changed"
        )
        return f"canary: {self.answered} of {plural(self.asked, 'labelled item')} answered again; {said}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        changed = {name: {"changed": k, "of": n} for name, (k, n) in self.changed.items()}
        served = dict(zip(("then", "now"), map(list, self.served), strict=True))
        return {
            "asked": self.asked,
            "answered": self.answered,
            "changed": changed,
            "served": served,
            "usage": self.usage.to_dict(),
            "found": self.found or None,
        }


async def ask_again(
    grader: Grader,
    card: Calibration,
    graded: Path,
    number: int,
    *,
    constants: dict[str, Any] | None = None,
    flips: float = FLIPS,
    concurrency: int = 16,
) -> Canary:
    """Grade labelled items of a card again, and compare with what was answered then.

    The model has changed if the server names another, or if more answers to one question changed than a
    share of `flips` explains: exact binomial, one-sided at .05 over all questions.

    Parameters
    ----------
    grader : Grader
        Built as the card's judge.
    card : Calibration
    graded : Path
        The rows that the card was made from, with their items.
    number : int
        Labelled items to ask; the same ones each time.
    constants : dict, optional
        Fields that were set for every item.
    flips : float
        Share of answers that the same model may give otherwise when asked again, above 0 and below 1.
    concurrency : int

    Raises
    ------
    InputError
        If the rows lack their items, or hold others.
    UsageError
        If the rows are not those of the card, or so few items could never show a change.
    Stopped
        If fewer than half of the items were answered.
    """
    wanted = _sample(card, graded, grader.rubric, constants or {}, number)
    if not 0 < flips < 1:
        raise UsageError(f"the tolerated share of changed answers must lie between 0 and 1, not {flips:g}")
    level = LEVEL / max(len(card.results), 1)
    if flips ** len(wanted) > level:
        least = int(np.ceil(np.log(level) / np.log(flips)))
        raise UsageError(
            f"{plural(len(wanted), 'labelled item')} cannot show a change beyond {flips:.0%}, whatever the "
            f"model answers; ask at least {least}"
        )
    now = await _graded(grader, wanted, concurrency)
    usage = sum((verdict.usage for verdict in now), FREE)
    both = [(one.row.verdict, new) for one, new in zip(wanted, now, strict=True) if new.status in ANSWERS]
    if len(both) * 2 < len(wanted):
        why = next(new.error.message for new in now if new.error is not None)
        raise Stopped(f"canary: {len(both)} of {len(wanted)} labelled items could be asked again: {why}")
    changed = _changed(grader.rubric, both)
    served = _served(one.row.verdict for one in wanted), _served(new for _, new in both)
    found = _verdict(served, changed, flips, level)
    return Canary(len(wanted), len(both), changed, served, usage, found)


def _sample(
    card: Calibration, graded: Path, rubric: Rubric, constants: dict[str, Any], number: int
) -> list[Graded]:
    manifest = read_manifest(graded)
    if manifest["fingerprint"] != card.fingerprint:
        raise StaleError(
            f"{graded} was graded by {manifest.get('signature')}, the card vouches for {card.signature}; "
            "give the rows that the card was made from (--canary-items)"
        )
    salt = card.pairs["salt"]
    labelled = {key for kept in card.pairs["questions"].values() for key in kept["ids"]}
    rows = graded_items(graded, rubric, constants, lambda identity: salted(salt, identity) in labelled)
    known = sorted((one for one in rows if one.row.verdict.status in ANSWERS), key=_shuffled)
    if not known:
        why = "holds no item that the card has labels of; give the rows it was made from (--canary-items)"
        raise UsageError(f"{graded}: {why}")
    return known[:number]


def _shuffled(one: Graded) -> str:
    """Order by digest: as good as random, and the same again."""
    return one.item.digest


async def _graded(grader: Grader, wanted: Sequence[Graded], concurrency: int) -> list[Verdict]:
    try:
        return await together(*(grader.agrade(one.item) for one in wanted), most=concurrency)
    except CallRefused as error:
        raise Stopped(f"canary: {error}; nothing was graded") from None


def _served(verdicts: Any) -> tuple[str, ...]:
    return tuple(sorted({verdict.served_model for verdict in verdicts} - {""}))


def _changed(rubric: Rubric, both: Sequence[tuple[Verdict, Verdict]]) -> dict[str, tuple[int, int]]:
    """Count by question the answers that are others now, of those given both times."""
    then, now = (_answers(rubric, [pair[side] for pair in both]) for side in (0, 1))
    found = {}
    for name in then:
        states = zip(then[name].states, now[name].states, strict=True)
        given = np.array([before in ANSWERS and after in ANSWERS for before, after in states], bool)
        other = then[name].codes != now[name].codes
        scores = np.abs(then[name].scores - now[name].scores)
        numeric = (then[name].codes < 0) & (now[name].codes < 0)
        other |= numeric & (scores > FAR + 1e-9)
        found[name] = (int((other & given).sum()), int(given.sum()))
    return found


def _answers(rubric: Rubric, verdicts: Sequence[Verdict]) -> dict[str, Answers]:
    rows = [GradedRow(str(place), None, verdict) for place, verdict in enumerate(verdicts)]
    manifest = {"fingerprint": verdicts[0].provenance.fingerprint}
    return batch_of(rows, rubric, manifest, "canary").answers


def _verdict(
    served: tuple[tuple[str, ...], tuple[str, ...]],
    changed: dict[str, tuple[int, int]],
    flips: float,
    level: float,
) -> str:
    from scipy.special import bdtrc

    then, now = served
    if then and now and not set(now) <= set(then):
        return f"the server says it is {', '.join(now)}, and it was {', '.join(then)}"
    for name, (often, of) in changed.items():
        if often and bdtrc(often - 1, of, flips) <= level:
            what = "of the item as a whole" if name == OVERALL else f"to {name}"
            return f"{often} of {of} answers {what} changed, where at most {flips:.0%} do by chance"
    return ""
