"""A judge beside which a card stands: its verdicts say how likely people would pass the item."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from judgekit.grader import BaseGrader, Grader
from judgekit.item import Item
from judgekit.verdict import Provenance, Standing, Verdict


class Chances(Protocol):
    """What is known of a judge's single verdicts; plain numbers, wherever they come from."""

    @property
    def state(self) -> str:
        """``calibrated``, ``stale`` or ``none``."""
        ...

    def chances(self, verdict: Verdict) -> tuple[float | None, Mapping[str, float]]:
        """Give the probability that people pass the item, and each criterion that has one."""
        ...


class CorrectedJudge(BaseGrader):
    """Another grader whose verdicts carry the state of a card and the probability that people pass the item.

    Label, score and fingerprint stay those of the grader within. The fingerprint names what was measured, and
    a card is bound to it: what the card adds cannot change what it vouches for, and rows graded with and
    without it may be compared.

    Parameters
    ----------
    grader : Grader
    known : Chances
    card : str
        Digest of the card.
    """

    def __init__(self, grader: Grader, known: Chances, card: str) -> None:
        self.grader, self.known, self.card = grader, known, card
        self.rubric, self.name = grader.rubric, grader.name
        self.fingerprint, self.signature = grader.fingerprint, grader.signature
        self.destination, self.confident = grader.destination, True
        source = {"name": self.rubric.name, "version": self.rubric.version, "digest": self.rubric.digest}
        self.provenance = Provenance(source, self.fingerprint, "LLM", self.name)
        if isinstance(grader, BaseGrader):
            self.provenance, self.words = grader.provenance, grader.words
        self.recipe = getattr(grader, "recipe", None)
        self.standing = {"state": known.state, "card": card}

    async def judge(self, item: Item) -> Verdict:
        """Grade one item, and say what the card knows of such a verdict."""
        verdict = await self.grader.agrade(item)
        whole, parts = self.known.chances(verdict)
        criteria: dict[str, Any] = dict(verdict.criteria)
        for name, p in parts.items():
            criteria[name] = replace(criteria[name], p_pass=round(p, 6))
        p_pass = None if whole is None else round(whole, 6)
        return replace(verdict, criteria=criteria, calibration=Standing(self.known.state, self.card, p_pass))

    async def aclose(self) -> None:
        """Close the grader within."""
        await self.grader.aclose()
