"""Asking a model the way every run does, and keeping what the judge does not: each call by itself."""

import time
from dataclasses import dataclass, field
from typing import Any

from judgekit.errors import CallFailed, CallRefused
from judgekit.exchange import Client, Reply, Request, Usage
from judgekit.factory.doctor.example import ITEM
from judgekit.judges import Judge
from judgekit.judges.assemble import failed_verdict
from judgekit.verdict import ANSWERS, Verdict


@dataclass(slots=True)
class Call:
    """One call of the client, and what came of it; both None while it is under way."""

    request: Request
    reply: Reply | None = None
    failure: CallFailed | None = None


class Watched:
    """A client that passes everything on, and keeps it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.name, self.settings, self.destination = client.name, client.settings, client.destination
        self.calls: list[Call] = []

    async def complete(self, request: Request) -> Reply:
        """Answer one request."""
        call = Call(request)
        self.calls.append(call)
        try:
            call.reply = await self.client.complete(request)
        except CallFailed as failure:
            call.failure = failure
            raise
        return call.reply

    async def aclose(self) -> None:
        """Close the client within."""
        await self.client.aclose()

    @property
    def accepts(self) -> dict[str, str]:
        """How the server lets itself be asked; empty where the client does not tell."""
        told: dict[str, str] = getattr(self.client, "accepts", {})
        return told


@dataclass(frozen=True)
class Once:
    """The example graded once.

    Attributes
    ----------
    verdict : Verdict
    calls : tuple of Call
        The second of two is the repair.
    """

    verdict: Verdict
    calls: tuple[Call, ...] = field(repr=False)

    @property
    def read(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict.status in ANSWERS

    @property
    def reply(self) -> Reply | None:
        """The first reply."""
        return self.calls[0].reply

    @property
    def failure(self) -> CallFailed | None:
        """What ended the last call, if it failed."""
        return self.calls[-1].failure

    @property
    def repaired(self) -> str:
        """What was wrong with the first reply; empty if nothing was."""
        if len(self.calls) < 2:
            return ""
        said = self.calls[1].request.messages[-1].content.split("\n")
        return "; ".join(line.removeprefix("- ") for line in said if line.startswith("- "))


async def ask(judge: Judge, client: Watched) -> Once:
    """Grade the example; what would stop a run is a failed verdict here."""
    before, began = len(client.calls), time.perf_counter()
    try:
        verdict = await judge.judge(ITEM)
    except CallRefused as error:
        spent: dict[str, Any] = {"attempts": error.attempts, "usage": error.usage or Usage()}
        verdict = failed_verdict(judge.provenance, error.status, str(error), **spent)
        verdict = verdict.timed(time.perf_counter() - began)
    return Once(verdict, tuple(client.calls[before:]))
