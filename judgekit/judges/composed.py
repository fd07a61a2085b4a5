"""What all compositions share: several graders of one rubric as one, with their single verdicts kept."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from judgekit.errors import UsageError
from judgekit.exchange import FREE
from judgekit.grader import BaseGrader
from judgekit.judges.assemble import verdict_of
from judgekit.verdict import Finding, Verdict

COMPOSING = 1  # version of how verdicts are combined; enters the fingerprint of every composition

# The same for all parts, or said of the whole.
_OF_THE_WHOLE = ("rubric", "annotator_kind", "calibration")


class Composed(BaseGrader):
    """Several graders of one rubric as one grader.

    Parameters
    ----------
    how : str
        Name of the composition.
    members : sequence of BaseGrader
        Graders of one rubric, or of parts of it where `rubric` is given.
    decides : dict
        What decides besides the members; enters the fingerprint.
    words : list of str
        The same for people.
    rubric : Rubric, optional
        What it grades by; that of the members unless they have parts of it.

    Raises
    ------
    UsageError
        If there is no member, or they grade by different rubrics.
    """

    confident = True
    times = 1  # that each member is asked for one item

    @property
    def clients(self) -> int:
        """How many clients there are, each with connections of its own."""
        return sum(getattr(one, "clients", 1) for one in self.members)

    def __init__(
        self,
        how: str,
        members: Sequence[BaseGrader],
        decides: Mapping[str, Any],
        words: Sequence[str] = (),
        rubric: Any = None,
    ) -> None:
        if not members:
            raise UsageError(f"a {how} needs judges")
        others = {one.rubric.reference for one in members if one.rubric.digest != members[0].rubric.digest}
        if rubric is None and others:
            raise UsageError(
                f"the judges of a {how} grade by one rubric, not by {members[0].rubric.reference} and "
                f"{', '.join(sorted(others))}"
            )
        of = [[one.fingerprint, one.standing] for one in members]
        whole = {"composition": how, "of": of, "composing": COMPOSING, **decides}
        name = f"{how}({', '.join(one.name for one in members)})"
        kinds = {one.provenance.annotator_kind for one in members}
        super().__init__(
            rubric or members[0].rubric, name, whole, list(words), "LLM" if "LLM" in kinds else "CODE"
        )
        self.members = tuple(members)
        hosts = [host for one in members for host in one.destination.split(", ") if host]
        self.destination = ", ".join(dict.fromkeys(hosts))

    def concluded(
        self,
        findings: Mapping[str, Finding],
        asked: Sequence[Verdict],
        began: float,
        parts: Sequence[Mapping[str, Any]] = (),
    ) -> Verdict:
        """Give the verdict of the whole.

        Parameters
        ----------
        findings : mapping of str to Finding
        asked : sequence of Verdict
            All single verdicts, whether or not the result rests on them.
        began : float
            By `time.perf_counter`.
        parts : sequence of mapping, optional
            What is to be said of each besides.
        """
        told = parts or [{}] * len(asked)
        verdict = verdict_of(
            self.rubric,
            findings,
            self.provenance,
            parts=tuple({**part_of(one), **more} for one, more in zip(asked, told, strict=True)),
            served_model=", ".join(dict.fromkeys(one.served_model for one in asked if one.served_model)),
            usage=sum((one.usage for one in asked), FREE),
            attempts=sum(one.attempts for one in asked),
            cached=all(one.cached for one in asked),
        )
        return verdict.timed(time.perf_counter() - began)

    async def aclose(self) -> None:
        """Close the members."""
        for one in self.members:
            await one.aclose()


def part_of(verdict: Verdict) -> dict[str, Any]:
    """Give a single verdict as a part of another: plain JSON, without what is said of the whole."""
    return {key: value for key, value in verdict.to_dict().items() if key not in _OF_THE_WHOLE}


def found(verdict: Verdict, criterion: str) -> Finding:
    """Give a verdict's finding on a criterion; of an item that got no answer at all, why not."""
    if criterion in verdict.criteria:
        return verdict.criteria[criterion]
    return Finding(verdict.status, explanation=verdict.error.message if verdict.error else "")
