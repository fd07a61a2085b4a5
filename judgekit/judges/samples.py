"""Self-consistency: one judge asked several times."""

import time

from judgekit._sync import together
from judgekit.errors import UsageError
from judgekit.item import Item
from judgekit.judges.composed import Composed, found
from judgekit.judges.single import Judge
from judgekit.judges.votes import Vote, Way, check_way, combined
from judgekit.verdict import Verdict


class SelfConsistency(Composed):
    """One judge asked several times, its answers combined (arXiv:2203.11171).

    The `confidence` of a finding is the share of samples that agree with it.

    Parameters
    ----------
    judge : Judge
        At a temperature above 0: else all samples are one.
    samples : int
        How often it is asked, 2 or more.
    by : {"majority", "mean"}

    Raises
    ------
    UsageError
        If the temperature is 0, or there are fewer than two samples.
    """

    def __init__(self, judge: Judge, samples: int, by: Way = "majority") -> None:
        if samples < 2:
            raise UsageError(f"samples must be 2 or more, not {samples}")
        if judge.client.settings.get("temperature") == 0:
            raise UsageError(
                f"{samples} samples at temperature 0 are one answer {samples} times; give the judge a "
                "temperature, such as 0.7"
            )
        check_way(by, judge.rubric)
        super().__init__(
            "samples", [judge], {"samples": samples, "by": by}, [*judge.words, f"samples={samples}", by]
        )
        self.single, self.samples, self.by, self.times = judge, samples, by, samples

    async def judge(self, item: Item) -> Verdict:
        """Ask about one item as often as there are samples, at once."""
        began = time.perf_counter()
        asked = await together(*(self.single.judge(item, sample) for sample in range(self.samples)))
        findings = {
            c.name: combined(c, [Vote(found(one, c.name)) for one in asked], self.by)
            for c in self.rubric.criteria
        }
        return self.concluded(findings, asked, began)
