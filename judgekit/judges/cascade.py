"""A cascade: a cheap judge first, a better one where the first is not sure."""

import time
from collections.abc import Sequence

from judgekit.errors import UsageError
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.composed import Composed
from judgekit.verdict import OK, Finding, Verdict


class Cascade(Composed):
    """Judges asked one after the other until one is sure enough.

    A judge is sure of a finding by the `p_pass` of its card, where it has one (the larger of p and 1 − p),
    else by its `confidence`. What it abstained from, failed on or gave no confidence for goes on to the next;
    a criterion answered by code does not count. The last judge's verdict stands as it is.

    Parameters
    ----------
    judges : sequence of BaseGrader
        Cheapest first; all but the last must give confidences: by token probabilities, samples, a panel, or a
        card.
    below : float
        0..1. Less sure than this about any criterion, and the next judge is asked.

    Raises
    ------
    UsageError
        If a judge that decides whether to go on can never be sure, or `below` is no probability.
    """

    def __init__(self, judges: Sequence[BaseGrader], below: float) -> None:
        if len(judges) < 2:
            raise UsageError("a cascade needs two judges or more")
        if not 0 < below <= 1:
            raise UsageError(f"below is a probability above 0 and at most 1, not {below:g}")
        for one in judges[:-1]:
            if not one.confident:
                raise UsageError(
                    f"{one.name} gives no confidence, so that every item would go on to the next judge: ask "
                    "it for one (confidence: true, samples: 5) or give it a card (calibration: CARD)"
                )
        super().__init__("cascade", judges, {"below": below}, [f"below={below:g}"])
        self.below = below
        self.confident = judges[-1].confident
        self.decided = tuple(c.name for c in self.rubric.criteria if c.check is None)

    async def judge(self, item: Item) -> Verdict:
        """Ask one judge after the other about one item."""
        began = time.perf_counter()
        asked: list[Verdict] = []
        for one in self.members:
            asked.append(await one.agrade(item))
            if self._sure(asked[-1]):
                break
        last = asked[-1]
        findings = last.criteria or {
            name: Finding(last.status, explanation=last.error.message if last.error else "")
            for name in self.rubric.by_name
        }
        return self.concluded(findings, asked, began)

    def _sure(self, verdict: Verdict) -> bool:
        """Say whether each finding is sure enough."""
        if verdict.status != OK:
            return False
        return all(self._certainty(verdict.criteria[name]) >= self.below for name in self.decided)

    @staticmethod
    def _certainty(finding: Finding) -> float:
        if finding.status != OK:  # an abstention may be agreed on, and a card knows what it means
            return -1.0
        if finding.p_pass is not None:
            return max(finding.p_pass, 1 - finding.p_pass)
        return -1.0 if finding.confidence is None else finding.confidence
