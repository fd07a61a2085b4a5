"""``judgekit grade --dry-run``: what would be sent, how much of it, and what that costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from judgekit.batch import Options
from judgekit.cli.console import Console, duration, money
from judgekit.cli.which import Which, where_to
from judgekit.errors import UsageError
from judgekit.exchange import Request, Usage
from judgekit.factory import Asked, destination, direct, has_key
from judgekit.files.items import ItemFile
from judgekit.judges import Cascade, Composed, CorrectedJudge, Judge
from judgekit.providers.prices import Price, price_of
from judgekit.rubric import Rubric

if TYPE_CHECKING:
    from judgekit.grader import BaseGrader

# Four characters a token holds for English within a third; the reply is a sentence or two a criterion.
CHARS_PER_TOKEN = 4
REPLY_TOKENS = 80
SECONDS_A_CALL = 2.0
MEASURED = 2000  # items whose prompts are built to estimate the size of all


class Silent:
    """A client that is only looked at: it needs no key and sends nothing."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.name = asked.model.removeprefix("litellm/")
        self.settings: dict[str, Any] = {"temperature": asked.temperature, "max_tokens": asked.max_tokens}
        self.destination = destination(asked.model, asked.base_url)

    @property
    def price(self) -> Price | None:
        """Dollars per million tokens, as stated or by the table."""
        stated = self.asked.price
        return price_of(self.name, self.asked.base_url) if stated is None else Price(*stated)

    async def complete(self, request: Request) -> NoReturn:
        """Refuse."""
        raise AssertionError("a dry run sends nothing")

    async def aclose(self) -> None:
        """Have nothing to let go of."""


@dataclass(frozen=True)
class Calls:
    """A model that is asked, and how often for one item."""

    judge: Judge
    client: Silent
    often: int


def show(console: Console, which: Which, rubric: Rubric, items: Path, options: Options) -> None:
    """Print the first prompt and the sums, and send nothing."""
    grader = which.build(rubric, options.concurrency, Silent)
    file = ItemFile(items, rubric, options.columns)
    census = file.check()
    chosen = options.chosen(census)
    rows, where = int(chosen.sum()), where_to(which.hosts, rubric)
    calls = list(_calls(grader))
    if not calls:
        text = f"{grader.name} asks no model: {rows:,} items, no tokens, $0.00, {where}."
        console.result(text, {"rows": rows, "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0})
        return
    places = np.flatnonzero(chosen)
    prompt, usage = _prompts(calls, file, set(places[:: -(-rows // MEASURED)].tolist()), rows)
    each = sum(one.often for one in calls)
    at_once = min(options.concurrency, rows)
    # What one item takes at once takes no longer than one call; a cascade's judges wait for each other.
    seconds = rows * SECONDS_A_CALL * _in_a_row(grader) / at_once
    many = "" if each == 1 else f", {_at_most(grader)}{each} calls an item"
    known = usage.cost_usd is not None
    unpriced = f" (state {'price: [IN, OUT] in judgekit.yaml' if which.named else '--price IN,OUT'})"
    keys = "\n".join(dict.fromkeys(_key_state(one.client.asked) for one in calls))
    said = (
        f"{prompt}\n\n--- the run ---\n"
        f"{rows:,} of {census.count:,} items with {grader.signature}{many}; {where}\n"
        f"about {usage.input_tokens:,} tokens in (four characters a token) and {usage.output_tokens:,} out "
        f"(a guess: {REPLY_TOKENS} a criterion; a model that thinks first writes more), "
        f"{money(usage.cost_usd)}{'' if known else unpriced}\n"
        f"about {duration(seconds)} with {at_once} at once, if a call takes {SECONDS_A_CALL:g} s\n"
        f"{keys}\nNothing was sent."
    )
    sums: dict[str, Any] = {"rows": rows, "calls": rows * each, "input_tokens": usage.input_tokens}
    sums |= {"output_tokens": usage.output_tokens, "cost_usd": usage.cost_usd}
    sent = {"destination": ", ".join(which.hosts), "fields": list(rubric.inputs), "prompt": prompt}
    console.result(said, {**sums, **sent, "seconds": seconds})


def _calls(grader: "BaseGrader | Any", times: int = 1) -> Iterator[Calls]:
    """Give every model that a grader asks, at most."""
    if isinstance(grader, CorrectedJudge):
        yield from _calls(grader.grader, times)
    elif isinstance(grader, Composed):
        for member in grader.members:
            yield from _calls(member, times * grader.times)
    elif isinstance(grader, Judge) and isinstance(grader.client, Silent):
        yield Calls(grader, grader.client, times)


def _in_a_row(grader: Any) -> int:
    """Count the calls of one item that wait for each other."""
    if isinstance(grader, CorrectedJudge):
        return _in_a_row(grader.grader)
    if not isinstance(grader, Composed):
        return 1
    inside = [_in_a_row(member) for member in grader.members]
    return sum(inside) if isinstance(grader, Cascade) else max(inside)


def _at_most(grader: Any) -> str:
    members = getattr(grader, "members", ())
    return "at most " if isinstance(grader, Cascade) or any(_at_most(one) for one in members) else ""


def _key_state(asked: Asked) -> str:
    """Say which key a run would take, and whether it is there; never the key itself."""
    host = destination(asked.model, asked.base_url)
    try:
        there = has_key(asked)
    except UsageError as error:
        return f"the run would stop: {error}"
    if not there:
        return f"no key is sent to {host} (name a variable with --api-key-env if it needs one)"
    usual = "OPENAI_API_KEY" if direct(asked.model, asked.base_url) else "its usual variable"
    return f"the key in {asked.api_key_env or usual} is sent to {host}; it is set"


def _prompts(calls: list[Calls], file: ItemFile, places: set[int], rows: int) -> tuple[str, Usage]:
    """Give the first prompt in full, and what all calls of so many rows would use."""
    first, totals = "", [0] * len(calls)
    for place, row in enumerate(islice(file, max(places) + 1)):
        if place not in places:
            continue
        for number, one in enumerate(calls):
            turns = one.judge.template.request(row.item).messages
            first = first or "\n\n".join(f"--- {turn.role} ---\n{turn.content}" for turn in turns)
            totals[number] += sum(len(turn.content) for turn in turns)
    usage = Usage(0, 0, 0, 0.0)
    for one, total in zip(calls, totals, strict=True):
        read = int(one.often * rows * total / len(places) / CHARS_PER_TOKEN)
        written = one.often * rows * REPLY_TOKENS * len(one.judge.asked.criteria)
        price = one.client.price
        cost = None if price is None else (read * price.input + written * price.output) / 1e6
        usage += Usage(read, written, 0, cost)
    return first, usage
