"""A panel: several judges vote."""

import time
from collections.abc import Mapping, Sequence
from math import isfinite

from judgekit._sync import together
from judgekit.errors import UsageError
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.composed import Composed, found
from judgekit.judges.votes import Vote, Way, check_way, combined
from judgekit.rubric import Rubric
from judgekit.verdict import Verdict

Weight = float | Mapping[str, float]


class Panel(Composed):
    """Several judges whose verdicts are combined, criterion by criterion.

    The `confidence` of a finding is the share of the weight that agrees with it; `parts` hold what each said.
    A judge that fails fails the item only where its vote could have turned it.

    Parameters
    ----------
    judges : sequence of BaseGrader
        Two or more, of one rubric.
    weights : sequence of float, or of mappings of criterion to float, optional
        One for each judge, 0 or more; equal if not given. In judgekit.yaml a card gives one.
    by : {"majority", "mean"}
        The answer with most weight (numbers: the median), or the mean of scores and numbers.

    Raises
    ------
    UsageError
        If there are fewer than two judges, or a weight makes no sense.
    """

    def __init__(
        self, judges: Sequence[BaseGrader], weights: Sequence[Weight] | None = None, by: Way = "majority"
    ) -> None:
        if len(judges) < 2:
            raise UsageError("a panel needs two judges or more")
        known = [one.fingerprint for one in judges]
        if twice := [one.name for one in judges if known.count(one.fingerprint) > 1]:
            raise UsageError(f"{twice[0]} stands twice in the panel; give it a weight instead")
        rubric = judges[0].rubric
        check_way(by, rubric)
        self.weights = _weights(rubric, [1.0] * len(judges) if weights is None else weights, len(judges))
        super().__init__("panel", judges, {"weights": self.weights, "by": by}, [by, *_said(self.weights)])
        self.by = by

    async def judge(self, item: Item) -> Verdict:
        """Ask all judges about one item, at once."""
        began = time.perf_counter()
        asked = await together(*(one.agrade(item) for one in self.members))
        findings = {}
        for criterion in self.rubric.criteria:
            weights = self.weights[criterion.name]
            votes = [Vote(found(one, criterion.name), w) for one, w in zip(asked, weights, strict=True)]
            findings[criterion.name] = combined(criterion, votes, self.by)
        return self.concluded(findings, asked, began)


def _weights(rubric: Rubric, given: Sequence[Weight], count: int) -> dict[str, list[float]]:
    """Give for each criterion the weight of each judge."""
    if len(given) != count:
        raise UsageError(f"{len(given)} weights for {count} judges; give each judge one")
    found = {}
    for name in rubric.by_name:
        if any(isinstance(one, Mapping) and name not in one for one in given):
            raise UsageError(f"a judge has no weight on {name}; give each judge one for every criterion")
        row = [float(one[name] if isinstance(one, Mapping) else one) for one in given]
        if not all(isfinite(weight) and weight >= 0 for weight in row) or not sum(row):
            raise UsageError(f"the weights on {name} must be 0 or more, one at least above 0: {row}")
        found[name] = row
    return found


def _said(weights: Mapping[str, Sequence[float]]) -> list[str]:
    rows = {tuple(row) for row in weights.values()}
    if all(len(set(row)) == 1 for row in rows):
        return []
    return [
        f"weights={':'.join(f'{w:g}' for w in next(iter(rows)))}"
        if len(rows) == 1
        else "weights=by criterion"
    ]
