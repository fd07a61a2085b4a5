"""``recorded/FILE@JUDGE``: verdicts somebody already has, replayed as a grader."""

from collections.abc import Mapping

from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.assemble import failed_verdict, verdict_of
from judgekit.rubric import Rubric
from judgekit.verdict import Finding, Verdict


class RecordedGrader(BaseGrader):
    """Replays recorded findings.

    Parameters
    ----------
    rubric : Rubric
        The rubric that the recorded labels are levels of.
    judge : str
        Name of the judge that gave them; with the rubric it makes the fingerprint.
    findings : mapping of str to mapping of str to Finding
        Item id to criterion to what was recorded; a null label is an ``invalid_reply``.
    """

    def __init__(self, rubric: Rubric, judge: str, findings: Mapping[str, Mapping[str, Finding]]) -> None:
        super().__init__(rubric, f"recorded/{judge}", {}, [], "LLM")
        self.findings = findings

    async def judge(self, item: Item) -> Verdict:
        """Look the item up by its id."""
        found = self.findings.get(item.id)
        if found is None:
            return failed_verdict(self.provenance, "not_recorded", "no verdict on this item was recorded")
        lacking = [c.name for c in self.rubric.criteria if c.name not in found]
        full = dict(found) | {name: Finding("not_recorded") for name in lacking}
        message = "; ".join(f.explanation or f.status for f in found.values() if f.status == "invalid_reply")
        if lacking:
            message = f"nothing was recorded for {', '.join(lacking)}"
        return verdict_of(self.rubric, full, self.provenance, message)
