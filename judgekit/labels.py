"""What people said: labels, and how several of them settle into one human answer."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

from judgekit._digest import digest
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, OVERALL, Criterion, Level, Rubric, fold_label
from judgekit.rubric.nearest import did_you_mean

ADJUDICATED = "adjudicated"
Role = Literal["development", "regression", "holdout", "confirmatory", "production"]
ROLES: tuple[str, ...] = ("development", "regression", "holdout", "confirmatory", "production")
DESIGNS: tuple[str, ...] = ("random", "stratified", "probability", "external")

_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")


@dataclass(frozen=True, slots=True)
class Label:
    """What one human rater said of one criterion of one item.

    Attributes
    ----------
    answer : str or float
        A level of the criterion, ``not_applicable``, ``cannot_tell``, or a number on a numeric scale.
    repeat : bool
        The same rater asked again, to measure consistency; never part of the human answer.
    line : int or None
        Where it stands in its file.
    source : str
        The file, where there are several.
    """

    id: str
    criterion: str
    rater: str
    answer: str | float
    note: str = ""
    at: str = ""
    repeat: bool = False
    supersedes: bool = False
    criterion_digest: str = ""
    role: str = ""
    design: str = ""
    probability: float | None = None
    stratum: str = ""
    frame: dict[str, Any] | None = None
    line: int | None = None
    source: str = ""

    @property
    def place(self) -> str:
        """Where it stands, for messages: ``line 3`` or ``anna.csv:3``; empty if that is not known."""
        if self.line is None:
            return self.source
        return f"{self.source}:{self.line}" if self.source else f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Settled:
    """The human answer for one criterion of one item.

    Attributes
    ----------
    answer : str, float or None
        The settled level or number; None while the raters are split or none could tell.
    state : str
        ``settled``, ``split`` (raters differ and nobody adjudicated), or ``cannot_tell``.
    raters : int
        Labels that entered.
    """

    answer: str | float | None
    state: Literal["settled", "split", "cannot_tell"]
    raters: int


def overall_criterion(rubric: Rubric) -> Criterion | None:
    """Give the question behind an ``overall`` label: does the item pass, which side wins; None if neither."""
    if rubric.mode == "pairwise":
        levels = tuple(
            Level(label=name, score=score) for name, score in (("a", 1.0), ("b", 0.0), ("tie", 0.5))
        )
        return Criterion(name=OVERALL, question="Which is better overall?", scale="pairwise", levels=levels)
    if not rubric.decides:
        return None
    levels = (Level(label="pass", score=1.0), Level(label="fail", score=0.0))
    return Criterion(name=OVERALL, question="Does the item pass overall?", scale="binary", levels=levels)


def match_answer(criterion: Criterion, given: str) -> str | float:
    """Read a label as people write it; case and outer spaces don't matter.

    Raises
    ------
    ValueError
        If it is no level of the criterion; the message lists the allowed ones.
    """
    text = fold_label(given)
    if text in (NOT_APPLICABLE, ABSTAIN):
        return text
    if criterion.range is not None:
        return _number_in_range(criterion, given.strip())
    for level in criterion.levels:
        if fold_label(level.label) == text:
            return level.label
    allowed = ", ".join((*criterion.labels, NOT_APPLICABLE, ABSTAIN))
    hint = did_you_mean(text, criterion.labels)
    raise ValueError(f"{given.strip()!r} is not a level of {criterion.name} (allowed: {allowed}){hint}")


def _number_in_range(criterion: Criterion, text: str) -> float:
    assert criterion.range is not None
    low, high = criterion.range
    try:
        value = float(text.replace("_", "?"))  # float() would read 1_0 as ten
    except ValueError:
        hint = f"; write {text.replace(',', '.')}" if _DECIMAL_COMMA.fullmatch(text) else ""
        raise ValueError(
            f"{text!r} is not a number; {criterion.name} goes from {low:g} to {high:g}{hint}"
        ) from None
    if not low <= value <= high:
        raise ValueError(f"{value:g} lies outside the range {low:g} to {high:g} of {criterion.name}")
    return value


def settle(criterion: Criterion, labels: Sequence[Label]) -> Settled:
    """Reduce the labels of one item and criterion to one human answer.

    The adjudicated label if there is one; else the majority (binary, categorical, pairwise), the median
    (ordinal) or the mean (numeric). Repeats don't count; ``cannot_tell`` is no answer.
    """
    once = [label for label in labels if not label.repeat]
    final = [label for label in once if label.rater == ADJUDICATED] or once
    answers = [label.answer for label in final if label.answer != ABSTAIN]
    if not answers:
        return Settled(None, "cannot_tell", len(final))
    answer = _agreed(criterion, answers)
    return Settled(answer, "split" if answer is None else "settled", len(final))


def _agreed(criterion: Criterion, answers: list[str | float]) -> str | float | None:
    applies = [a for a in answers if a != NOT_APPLICABLE]
    if criterion.scale in ("ordinal", "numeric"):
        if len(applies) * 2 <= len(answers):
            return NOT_APPLICABLE if len(applies) * 2 < len(answers) else None
        if criterion.scale == "numeric":
            return fmean(float(a) for a in applies)
        ranks = sorted(criterion.labels.index(str(a)) for a in applies)
        low, high = ranks[(len(ranks) - 1) // 2], ranks[len(ranks) // 2]
        return criterion.labels[low] if low == high else None
    counts = Counter(answers).most_common()
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        return None
    return counts[0][0]


@dataclass(frozen=True)
class LabelSet:
    """All labels of one file, or of several together, checked against a rubric.

    Attributes
    ----------
    labels : tuple of Label
        In file order, superseded ones and identical repeats of a row removed.
    notes : tuple of str
        What was dropped on the way, for people to read.
    """

    labels: tuple[Label, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def ids(self) -> list[str]:
        """Ids of labelled items, in order of first appearance."""
        return list(dict.fromkeys(label.id for label in self.labels))

    @property
    def digest(self) -> str:
        """Digest of who said what; row order, notes and times stay outside."""
        rows = sorted([one.id, one.criterion, one.rater, str(one.answer), one.repeat] for one in self.labels)
        return digest(rows)

    def by_item(self, criterion: str) -> dict[str, list[Label]]:
        """Group the labels of one criterion by item."""
        found: dict[str, list[Label]] = defaultdict(list)
        for label in self.labels:
            if label.criterion == criterion:
                found[label.id].append(label)
        return dict(found)

    def settled(self, criterion: Criterion) -> dict[str, Settled]:
        """Give the human answer of each item labelled for a criterion."""
        return {key: settle(criterion, labels) for key, labels in self.by_item(criterion.name).items()}

    def criteria(self) -> set[str]:
        """Names of the criteria that have labels."""
        return {label.criterion for label in self.labels}

    def said(self, what: str) -> set[str]:
        """Distinct values of ``design`` or ``role`` that the file states."""
        return {value for label in self.labels if (value := getattr(label, what))}


def raters_of(labels: Iterable[Label]) -> list[str]:
    """Names of the raters who worked independently, in order of appearance."""
    return list(dict.fromkeys(label.rater for label in labels if label.rater != ADJUDICATED))


def frame_of(ids: Iterable[str]) -> dict[str, Any]:
    """Describe the batch that a sample is drawn from: a digest of its ids, and their number."""
    listed = sorted(ids)
    return {"digest": digest(listed), "n": len(listed)}
