"""The most one can ask of a judge: how far raters agree with each other, and it in a rater's place."""

from math import isnan

from judgekit.calibration.results import CriterionResult
from judgekit.calibration.text import share
from judgekit.report.pictures import Intervals, mark_of

LEAST = 15
NEAR = 0.10  # points of agreement that do not matter, as in the decision
ALONE = "One rater labelled these items, so nobody knows how far people agree with each other."


def ceiling_picture(result: CriterionResult) -> tuple[Intervals | None, str]:
    """Draw both agreements on one axis, or say why there is nothing to draw."""
    top = result.ceiling
    if top is None:
        return None, "" if result.raters > 1 else ALONE
    if isnan(top.human.low) or isnan(top.judge.low) or top.human.n < LEAST:
        return None, f"Two people answered {top.human.n} of these items, too few to draw how far they agree."
    marks = (
        mark_of("human", "raters with each other", f"{share(top.human)}, n = {top.human.n}", top.human),
        mark_of("corrected", "judge in a rater's place", f"{share(top.judge)}, n = {top.judge.n}", top.judge),
    )
    return Intervals("Agreement between people, and of the judge in a person's place", marks, "%"), _words(
        result
    )


def _words(result: CriterionResult) -> str:
    """Say in one sentence what the picture means; the figures stand beside it."""
    assert result.ceiling is not None
    apart = result.ceiling.difference
    if isnan(apart.low):
        return "The upper bar is the most one can ask of a judge: people do not agree more with each other."
    if apart.low > -NEAR:
        least = 100 * max(-apart.low, 0.0)
        said = "The judge agrees with people nearly as well as they do with each other"
        return f"{said}: {least:.0f} points less at most."
    if apart.value < -NEAR:
        return (
            "The judge agrees with people less than they do with each other, and that is the most one can "
            "ask: there is room for a better judge."
        )
    return "These labels cannot show whether the judge agrees with people as well as they do with each other."
