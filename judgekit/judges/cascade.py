"""A cascade: a cheap judge first, a better one where the first is not sure."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from judgekit.errors import UsageError
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.composed import Composed, found
from judgekit.verdict import OK, Finding, Verdict


class Cascade(Composed):
    """Judges asked one after the other until one is sure enough.

    A judge is sure of a finding by its card, where that gives the finding a `p_pass` (p where it passed,
    1 − p where it failed), else by its `confidence`. What it abstained from, failed on or gave no confidence
    for goes on to the next; a criterion answered by code does not count. The last judge's verdict stands as
    it is.

    Parameters
    ----------
    judges : sequence of BaseGrader
        Cheapest first; all but the last must give confidences: by token probabilities, samples, a panel, or a
        card.
    below : float or mapping of str to float
        0..1, for all criteria or by criterion. Less sure than this about one, and the next judge is asked.

    Raises
    ------
    UsageError
        If a judge that decides whether to go on can never be sure, or `below` is no probability.
    """

    def __init__(self, judges: Sequence[BaseGrader], below: float | Mapping[str, float]) -> None:
        if len(judges) < 2:
            raise UsageError("a cascade needs two judges or more")
        rubric = judges[0].rubric
        decided = [c for c in rubric.criteria if c.check is None]
        if isinstance(below, Mapping) and (lacking := [c.name for c in decided if c.name not in below]):
            raise UsageError(
                f"below says nothing of {', '.join(lacking)}; give every criterion a probability"
            )
        self.below = {c.name: float(below[c.name] if isinstance(below, Mapping) else below) for c in decided}
        for bar in self.below.values():
            if not 0 < bar <= 1:
                raise UsageError(f"below is a probability above 0 and at most 1, not {bar:g}")
        for one in judges[:-1]:
            if not one.confident:
                raise UsageError(
                    f"{one.name} gives no confidence, so that every item would go on to the next judge: ask "
                    "it for one (confidence: true), sample it ({samples: 5, of: NAME}) or give it a card "
                    "(calibration: CARD)"
                )
            if numeric := [c.name for c in decided if c.range is not None and one.standing is None]:
                raise UsageError(
                    f"{', '.join(numeric)}: numbers have no confidence, so that every item would go on"
                )
        bars = sorted(set(self.below.values()))
        words = [f"below={bars[0]:g}" if len(bars) == 1 else "below=by criterion"]
        super().__init__("cascade", judges, {"below": self.below}, words)
        self.confident = judges[-1].confident

    async def judge(self, item: Item) -> Verdict:
        """Ask one judge after the other about one item."""
        began = time.perf_counter()
        asked: list[Verdict] = []
        for one in self.members:
            asked.append(await one.agrade(item))
            if self._sure(asked[-1]):
                break
        # Whose card it was, the parts say.
        findings = {name: replace(found(asked[-1], name), p_pass=None) for name in self.rubric.by_name}
        return self.concluded(findings, asked, began)

    def _sure(self, verdict: Verdict) -> bool:
        """Say whether each finding is sure enough."""
        if verdict.status != OK:
            return False
        return all(_certainty(verdict.criteria[name]) >= bar for name, bar in self.below.items())


def _certainty(finding: Finding) -> float:
    """Give how likely people agree, as far as it is known; -1 where it is not."""
    if finding.status != OK:  # an abstention may be agreed on, and a card knows what it means
        return -1.0
    if finding.p_pass is not None and finding.passed is not None:
        return finding.p_pass if finding.passed else 1 - finding.p_pass
    return -1.0 if finding.confidence is None else finding.confidence
