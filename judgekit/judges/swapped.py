"""A pair judged in both orders: what depends on the order is a tie."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from judgekit._sync import together
from judgekit.errors import UsageError
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.composed import Composed, found
from judgekit.judges.votes import made_of
from judgekit.rubric import NOT_APPLICABLE
from judgekit.verdict import ABSTAINED, OK, Finding, Verdict

SIDES = {"output_a": "output_b", "output_b": "output_a"}
TURNED = {"a": "b", "b": "a"}


class Swapped(Composed):
    """A judge of pairs asked in both orders.

    The same choice in both orders stands, another one is a tie. `parts` hold both verdicts with `order`
    ``ab`` or ``ba``, the second with a and b put back, so that equal labels are equal choices. `confidence`
    is the mean of both, where both are known.

    Parameters
    ----------
    judge : BaseGrader
        Of a pairwise rubric.

    Raises
    ------
    UsageError
        If the rubric is not pairwise.
    """

    def __init__(self, judge: BaseGrader) -> None:
        if judge.rubric.mode != "pairwise":
            raise UsageError(f"{judge.rubric.reference} grades one output; only a pair can be swapped")
        super().__init__("swap", [judge], {}, judge.words)
        self.single, self.times = judge, 2
        self.confident = judge.confident

    async def judge(self, item: Item) -> Verdict:
        """Ask about one pair in both orders, at once."""
        began = time.perf_counter()
        fields = {SIDES.get(name, name): value for name, value in item.fields.items()}
        first, second = await together(self.single.agrade(item), self.single.agrade(Item(item.id, fields)))
        second = replace(
            second,
            label=_turned(second.label),
            score=None if second.score is None else 1 - second.score,
            criteria={name: _put_back(finding) for name, finding in second.criteria.items()},
        )
        findings = {c: _both(found(first, c), found(second, c)) for c in self.rubric.by_name}
        orders: list[Mapping[str, Any]] = [{"order": "ab"}, {"order": "ba"}]
        return self.concluded(findings, [first, second], began, orders)


def _turned(label: str | None) -> str | None:
    return TURNED.get(label, label) if label is not None else None


def _put_back(finding: Finding) -> Finding:
    """Turn a finding on the swapped pair into one on the pair."""
    evidence = tuple(replace(quote, field=SIDES.get(quote.field, quote.field)) for quote in finding.evidence)
    score = None if finding.score is None else 1 - finding.score
    return replace(finding, label=_turned(finding.label), score=score, evidence=evidence)


def _both(first: Finding, second: Finding) -> Finding:
    """Combine the findings of both orders."""
    for one in (first, second):
        if one.status not in (OK, ABSTAINED):
            return one
    if ABSTAINED in (first.status, second.status):
        return made_of(first if first.status == ABSTAINED else second)
    if first.label == second.label:
        known = first.confidence is not None and second.confidence is not None
        mean = ((first.confidence or 0.0) + (second.confidence or 0.0)) / 2
        return made_of(first, confidence=round(mean, 6) if known else None)
    told = f"in this order {first.label}, swapped {second.label}: {first.explanation} / {second.explanation}"
    if NOT_APPLICABLE in (first.label, second.label):
        return Finding(ABSTAINED, explanation=told)
    return made_of(first, label="tie", explanation=told, evidence=first.evidence + second.evidence)
