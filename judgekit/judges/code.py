"""``offline/checks``: a rubric whose criteria are all answered by code."""

import time
from collections.abc import Mapping

from judgekit.errors import UsageError
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.assemble import verdict_of
from judgekit.judges.checks import CHECKS, Checks, Function
from judgekit.rubric import Rubric
from judgekit.scoring import SCORING
from judgekit.verdict import ANSWERS, Verdict

NAME = "offline/checks"


class CodeGrader(BaseGrader):
    """Grades by the checks of a rubric alone: no model, no key, no network.

    Parameters
    ----------
    rubric : Rubric
    functions : mapping of str to callable
        As in `Checks`.

    Raises
    ------
    UsageError
        If a criterion has no check, or as in `Checks`.
    """

    def __init__(self, rubric: Rubric, functions: Mapping[str, Function] | None = None) -> None:
        if unchecked := [criterion.name for criterion in rubric.criteria if criterion.check is None]:
            raise UsageError(
                f"{NAME} answers criteria that have a check; a model is needed for {', '.join(unchecked)}"
            )
        self.checks = Checks(rubric, functions)
        digests = self.checks.decides.get("functions", {})
        words = [f"checks={CHECKS}", f"scoring={SCORING}"]
        words += [f"{name}={value.removeprefix('sha256:')[:8]}" for name, value in digests.items()]
        super().__init__(rubric, NAME, {**self.checks.decides, "scoring": SCORING}, words, "CODE")
        self.recipe = self.checks.recipe(NAME, {})

    async def judge(self, item: Item) -> Verdict:
        """Grade one item."""
        began = time.perf_counter()
        findings = self.checks.findings(item)
        failed = {name: one for name, one in findings.items() if one.status not in ANSWERS}
        message = "; ".join(f"{name}: {one.explanation}" for name, one in failed.items())
        return verdict_of(self.rubric, findings, self.provenance, message).timed(time.perf_counter() - began)
