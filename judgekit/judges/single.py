"""One rubric put to one model: ask, read, repair once, score."""

import time
from dataclasses import replace

from judgekit.errors import CallFailed, CallRefused
from judgekit.exchange import Client, Message, Reply, Request, Usage
from judgekit.grader import BaseGrader
from judgekit.item import Item
from judgekit.judges.assemble import failed_verdict, verdict_of
from judgekit.parsing import PARSING, Reading, read_reply
from judgekit.prompt import PROMPT, Template, repair_text
from judgekit.rubric import Rubric
from judgekit.scoring import SCORING
from judgekit.verdict import Finding, Verdict

MAX_QUOTED = 20_000  # characters of an unusable reply that are shown to the model again


class Judge(BaseGrader):
    """A rubric put to one model through a client.

    Parameters
    ----------
    rubric : Rubric
    client : Client
        Anything that answers one request.
    """

    def __init__(self, rubric: Rubric, client: Client) -> None:
        decides = {
            "settings": client.settings,
            "prompt": PROMPT,
            "parsing": PARSING,
            "scoring": SCORING,
        }
        words = [
            f"{key}={value:g}" for key, value in client.settings.items() if isinstance(value, int | float)
        ]
        words += [f"prompt={PROMPT}", f"parsing={PARSING}", f"scoring={SCORING}"]
        super().__init__(rubric, client.name, decides, words, "LLM")
        self.recipe = {"model": client.name, "settings": client.settings}
        self.client = client
        self.template = Template(rubric)
        self.destination = client.destination

    async def judge(self, item: Item) -> Verdict:
        """Ask about one item; a reply that cannot be used gets one repair turn that names the problem."""
        began = time.perf_counter()
        request = self.template.request(item)
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
        reading = read_reply(reply.text, self.rubric, item)
        if reading.problems:
            reading, reply, failure = await self._repaired(request, reply, reading, item)
        else:
            failure = None
        verdict = self._concluded(reading, reply, failure)
        return verdict.timed(time.perf_counter() - began)

    def _concluded(self, reading: Reading, reply: Reply, failure: CallFailed | None) -> Verdict:
        findings = dict(reading.findings)
        message = "; ".join(reading.problems)
        if failure is not None:
            message = f"asked again because {message}; then: {failure}"
            for name in self.rubric.by_name.keys() - findings.keys():
                findings[name] = Finding(failure.status, explanation=message)
        return verdict_of(
            self.rubric,
            findings,
            self.provenance,
            message,
            served_model=reply.served_model,
            usage=reply.usage,
            attempts=reply.attempts,
        )

    async def _repaired(
        self, request: Request, reply: Reply, reading: Reading, item: Item
    ) -> tuple[Reading, Reply, CallFailed | None]:
        said = reply.text[:MAX_QUOTED] if reply.text.strip() else "(nothing)"
        again = request.followed_by(
            Message("assistant", said), Message("user", repair_text(reading.problems))
        )
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
        repaired = read_reply(second.text, self.rubric, item)
        # What the first reply answered stands: asking again must not become a second opinion.
        findings = repaired.findings | reading.findings
        lacking = self.rubric.by_name.keys() - findings.keys()
        spent = replace(second, usage=reply.usage + second.usage, attempts=reply.attempts + second.attempts)
        return Reading(findings, repaired.problems if lacking else []), spent, None

    async def aclose(self) -> None:
        """Close the client."""
        await self.client.aclose()
