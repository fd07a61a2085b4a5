"""One model tried on the example, twice."""

from dataclasses import dataclass, field, replace
from typing import Any

from judgekit.errors import UsageError
from judgekit.exchange import FREE, Usage
from judgekit.factory.doctor.asking import Once, Watched, ask
from judgekit.factory.doctor.example import rubric
from judgekit.factory.doctor.failures import explained
from judgekit.factory.doctor.findings import findings
from judgekit.factory.doctor.key import Key, key_of
from judgekit.factory.doctor.lines import Line, table
from judgekit.factory.models import LITELLM, Asked, client_of, destination
from judgekit.judges import Judge
from judgekit.providers.prices import Price, price_of

# Two, so that an answer cut short gets more room; more would only make a dead server's diagnosis late.
ATTEMPTS = 2


@dataclass(frozen=True)
class Trial:
    """What was found.

    Attributes
    ----------
    asked : Asked
    destination : str
        The host.
    works : bool
        Whether a verdict was read.
    lines : tuple of Line
    accepts : dict of str to str
        What of a request the server takes, as `Dialect.accepted` says it; empty where nobody can tell.
    asking : tuple of Once
        The one or two times that the example was graded.
    price : Price or None
    instead : Asked
        How to ask, as far as the failure tells; `asked` itself if it does not.
    """

    asked: Asked
    destination: str
    works: bool
    lines: tuple[Line, ...]
    accepts: dict[str, str]
    asking: tuple[Once, ...] = field(repr=False)
    price: Price | None
    instead: Asked

    def __str__(self) -> str:
        return table(self.lines)

    @property
    def usage(self) -> Usage:
        """Tokens and money of all that was asked."""
        return sum((one.verdict.usage for one in self.asking), FREE)

    @property
    def cost_of_1000(self) -> float | None:
        """US dollars for 1,000 items such as the example; None if unknown."""
        cost = self.usage.cost_usd
        return None if cost is None else 1000 * cost / len(self.asking)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        last = self.asking[-1].verdict
        return {
            "model": {"asked": self.asked.model, "served": self.asking[0].verdict.served_model or None},
            "destination": self.destination,
            "works": self.works,
            "lines": [line.to_dict() for line in self.lines],
            "accepts": self.accepts,
            "requests": sum(one.verdict.attempts for one in self.asking),
            "usage": self.usage.to_dict(),
            "cost_of_1000_usd": self.cost_of_1000,
            "latency_s": [one.verdict.latency_s for one in self.asking],
            "error": None if last.error is None else {"kind": last.error.kind, "message": last.error.message},
        }


async def try_model(asked: Asked) -> Trial:
    """Grade the example twice by a model, the way every run does, with confidence asked for.

    Raises
    ------
    UsageError
        If the model is unknown here, its key is missing, or it asks no server. Nothing was sent then.
    """
    host = destination(asked.model, asked.base_url)
    if not host:
        raise UsageError(f"{asked.model} asks no server, so there is nothing to try; it works as it is")
    asked = replace(asked, attempts=ATTEMPTS, connections=1)
    key = key_of(asked)
    client = Watched(client_of(asked))
    judge = Judge(rubric(), client, confidence=True)
    try:
        times = [await ask(judge, client)]
        if times[0].read:
            # The same once more, word for word: has the provider kept the prompt?
            times.append(await ask(judge, client))
    finally:
        await judge.aclose()
    return await _trial(asked, host, key, client, tuple(times))


async def _trial(asked: Asked, host: str, key: Key, client: Watched, times: tuple[Once, ...]) -> Trial:
    name = asked.model.removeprefix(LITELLM)
    price = price_of(name, asked.base_url) if asked.price is None else Price(*asked.price)
    works, accepts = times[0].read, client.accepts if times[0].reply is not None else {}
    trial = Trial(asked, host, works, (), accepts, times, price, asked)
    if times[0].reply is not None:
        return replace(trial, lines=tuple(findings(trial, key)))
    lines, instead = await explained(trial, key)
    return replace(trial, lines=tuple(lines), instead=instead)
