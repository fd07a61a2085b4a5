"""One rubric put to one model: ask, read, repair once, score."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from judgekit.errors import CallFailed, CallRefused, UsageError
from judgekit.exchange import Client, Message, Reply, Request, Usage
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.assemble import failed_verdict, verdict_of
from judgekit.judges.checks import Checks
from judgekit.parsing import PARSING, Reading, chances, label_places, read_reply
from judgekit.prompt import PROMPT, Template, repair_text
from judgekit.rubric import ABSTAIN, NOT_APPLICABLE, Criterion, Rubric
from judgekit.rubric.narrow import narrowed
from judgekit.scoring import SCORING
from judgekit.verdict import OK, Finding, Verdict

MAX_QUOTED = 20_000  # characters of an unusable reply that are shown to the model again


class Judge(BaseGrader):
    """A rubric put to one model through a client.

    Parameters
    ----------
    rubric : Rubric
        Criteria with a `check` are answered by code; the model sees the others only.
    client : Client
        Anything that answers one request.
    checks : mapping of str to callable, optional
        The functions that checks of the rubric name.
    confidence : bool
        Ask for the probabilities of tokens, and give each finding that of its label. Where the provider gives
        none it stays None.
    expected_score : bool
        Score ordinal criteria by the mean of their levels' scores, each level by its probability, as G-Eval
        does (arXiv:2303.16634); the label stays the judge's own. A row without probabilities fails.

    Raises
    ------
    UsageError
        If all criteria are answered by code, or a function is missing.
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
        self.checks = Checks(rubric, checks)
        asked = [name for name in rubric.by_name if name not in self.checks.names]
        if not asked:
            raise UsageError(f"{rubric.reference} is answered by code alone and asks no model: leave it away")
        decides = {"settings": client.settings, "prompt": PROMPT, "parsing": PARSING, "scoring": SCORING}
        options = {"expected_score": True} if expected_score else {}
        words = [
            f"{key}={value:g}" for key, value in client.settings.items() if isinstance(value, int | float)
        ]
        words += [f"prompt={PROMPT}", f"parsing={PARSING}", f"scoring={SCORING}", *options]
        super().__init__(rubric, client.name, decides | self.checks.decides | options, words, "LLM")
        self.settings = client.settings | options
        self.recipe = self.checks.recipe(client.name, self.settings)
        self.client = client
        self.asked = narrowed(rubric, asked)
        self.template = Template(self.asked)
        self.probabilities = self.confident = confidence or expected_score
        self.expected_score = expected_score
        self.destination = client.destination

    async def judge(self, item: Item, sample: int = 0) -> Verdict:
        """Ask about one item; a reply that cannot be used gets one repair turn that names the problem.

        Parameters
        ----------
        item : Item
        sample : int
            Which of several answers to the same question.
        """
        began = time.perf_counter()
        request = self.template.request(item)
        if sample or self.probabilities:
            request = replace(request, sample=sample, probabilities=self.probabilities)
        try:
            reply = await self.client.complete(request)
        except CallRefused:
            raise
        except CallFailed as error:
            usage = error.usage or Usage()
            verdict = failed_verdict(
                self.provenance, error.status, str(error), attempts=error.attempts, usage=usage
            )
            return verdict.timed(time.perf_counter() - began)
        reading, failure = self._read(reply, item), None
        if reading.problems:
            reading, reply, failure = await self._repaired(request, reply, reading, item)
        return self._concluded(reading, reply, failure, item, began)

    def _read(self, reply: Reply, item: Item) -> Reading:
        """Read a reply, and how sure it is of its labels where its tokens tell."""
        reading = read_reply(reply.text, self.asked, item)
        if reading.place is None or not (self.probabilities and reading.findings):
            return reading
        places = label_places(reply.text, *reading.place) if reply.tokens else {}
        for name, finding in reading.findings.items():
            if finding.status != OK or finding.label is None:
                continue
            criterion = self.rubric.by_name[name]
            allowed = [*criterion.labels, *[NOT_APPLICABLE] * criterion.allow_not_applicable]
            allowed += [ABSTAIN] * self.rubric.allow_abstain
            found = chances(reply.tokens, places[name], allowed) if name in places else {}
            reading.findings[name] = self._weighed(criterion, finding, found)
        return reading

    def _weighed(self, criterion: Criterion, finding: Finding, found: dict[str, float]) -> Finding:
        """Give a finding the probability of its label, and the expected score if that was asked for."""
        sure = found.get(finding.label or "")
        if sure is not None:
            finding = replace(finding, confidence=round(sure, 6))
        if not self.expected_score or criterion.scale != "ordinal" or finding.label == NOT_APPLICABLE:
            return finding
        levels = {level.score: found.get(level.label, 0.0) for level in criterion.levels}
        total = sum(levels.values())
        if not total:
            said = "no probabilities of its label came with the reply, which an expected score needs"
            return Finding("provider_error", explanation=f"{criterion.name}: {said}")
        mean = sum((score or 0.0) * share for score, share in levels.items()) / total
        return replace(finding, score=round(min(max(mean, 0.0), 1.0), 6))

    def _concluded(
        self, reading: Reading, reply: Reply, failure: CallFailed | None, item: Item, began: float
    ) -> Verdict:
        findings = dict(reading.findings)
        message = "; ".join(reading.problems)
        if failure is not None:
            message = f"asked again because {message}; then: {failure}"
            for name in self.asked.by_name.keys() - findings.keys():
                findings[name] = Finding(failure.status, explanation=message)
        return verdict_of(
            self.rubric,
            findings | self.checks.findings(item),
            self.provenance,
            message,
            served_model=reply.served_model,
            usage=reply.usage,
            attempts=reply.attempts,
            latency_s=round(time.perf_counter() - began, 4),
        )

    async def _repaired(
        self, request: Request, reply: Reply, reading: Reading, item: Item
    ) -> tuple[Reading, Reply, CallFailed | None]:
        said = reply.text[:MAX_QUOTED] if reply.text.strip() else "(nothing)"
        again = request.followed_by(Message("assistant", said), Message("user", repair_text(reading.repairs)))
        try:
            second = await self.client.complete(again)
        except CallRefused:
            raise
        except CallFailed as error:
            spent = replace(
                reply,
                usage=reply.usage + (error.usage or Usage()),
                attempts=reply.attempts + error.attempts,
            )
            return reading, spent, error
        repaired = self._read(second, item)
        # What the first reply answered stands: asking again must not become a second opinion.
        findings = repaired.findings | reading.findings
        lacking = self.asked.by_name.keys() - findings.keys()
        spent = replace(second, usage=reply.usage + second.usage, attempts=reply.attempts + second.attempts)
        return Reading(findings, repaired.problems if lacking else []), spent, None

    async def aclose(self) -> None:
        """Close the client."""
        await self.client.aclose()
