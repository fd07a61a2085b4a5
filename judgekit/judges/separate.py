"""One call for each criterion, instead of one for all."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from judgekit._sync import together
from judgekit.exchange import Client
from judgekit.item import Item
from judgekit.judges.composed import Composed, found
from judgekit.judges.single import Judge
from judgekit.rubric import Rubric
from judgekit.rubric.narrow import narrowed
from judgekit.verdict import Verdict


class SeparateCalls(Composed):
    """A judge that is asked about each criterion by itself, so that none colours another; dearer by as much.

    Parameters
    ----------
    rubric : Rubric
    client : Client
    checks, confidence, expected_score
        As for `Judge`, and so are the errors.
    """

    def __init__(
        self,
        rubric: Rubric,
        client: Client,
        *,
        checks: Mapping[str, Callable[..., Any]] | None = None,
        confidence: bool = False,
        expected_score: bool = False,
    ) -> None:
        options: dict[str, Any] = {"confidence": confidence, "expected_score": expected_score}
        whole = Judge(rubric, client, checks=checks, **options)
        self.checks, self.names = whole.checks, list(whole.asked.by_name)
        judges = [Judge(narrowed(rubric, [name]), client, **options) for name in self.names]
        super().__init__("separate", judges, self.checks.decides, judges[0].words, rubric)
        self.name = client.name
        self.provenance = replace(self.provenance, model=client.name)
        self.confident = judges[0].confident
        self.recipe = self.checks.recipe(client.name, judges[0].settings | {"separate": True})

    @property
    def clients(self) -> int:
        """One: all questions go through it."""
        return 1

    async def judge(self, item: Item) -> Verdict:
        """Ask about one item once for each criterion, at once."""
        began = time.perf_counter()
        asked = await together(*(one.judge(item) for one in self.members))
        findings = {name: found(one, name) for name, one in zip(self.names, asked, strict=True)}
        return self.concluded(findings | self.checks.findings(item), asked, began)
