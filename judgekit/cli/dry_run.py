"""``judgekit grade --dry-run``: what would be sent, how much of it, and what that costs."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from judgekit.batch import Options
from judgekit.cli.console import Console, duration, money
from judgekit.exchange import Request
from judgekit.files.items import ItemFile
from judgekit.judges import Judge
from judgekit.rubric import Rubric

# Four characters a token holds for English within a third; the reply is a sentence or two a criterion.
CHARS_PER_TOKEN = 4
REPLY_TOKENS = 80
SECONDS_A_CALL = 2.0
MEASURED = 2000  # items whose prompts are built to estimate the size of all


@dataclass
class Silent:
    """A client that is only looked at: it needs no key and sends nothing."""

    name: str
    settings: dict[str, Any]
    destination: str

    async def complete(self, request: Request) -> NoReturn:
        """Refuse."""
        raise AssertionError("a dry run sends nothing")

    async def aclose(self) -> None:
        """Have nothing to let go of."""


def show(
    console: Console,
    rubric: Rubric,
    model: str,
    host: str,
    temperature: float,
    items: Path,
    options: Options,
    where: str,
    price: tuple[float, float] | None,
) -> None:
    """Print the first prompt and the sums, and send nothing."""
    file = ItemFile(items, rubric, options.columns)
    census = file.check()
    chosen = options.chosen(census)
    rows = int(chosen.sum())
    if not host:
        text = f"{model} asks no model: {rows:,} items, no tokens, $0.00, {where}."
        console.result(text, {"rows": rows, "input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0})
        return
    judge = Judge(rubric, Silent(model, _settings(temperature), host))
    places = np.flatnonzero(chosen)
    prompt, mean = _prompts(judge, file, set(places[:: -(-rows // MEASURED)].tolist()))
    tokens_in, tokens_out = int(rows * mean / CHARS_PER_TOKEN), rows * REPLY_TOKENS * len(rubric.criteria)
    cost = None if price is None else (tokens_in * price[0] + tokens_out * price[1]) / 1e6
    seconds = rows * SECONDS_A_CALL / min(options.concurrency, rows)
    said = (
        f"{prompt}\n\n--- the run ---\n"
        f"{rows:,} of {census.count:,} items with {judge.signature}; {where}\n"
        f"about {tokens_in:,} tokens in and {tokens_out:,} out (four characters a token), {money(cost)}"
        f"{'' if cost is not None else ' (state --price IN,OUT)'}, about {duration(seconds)} if a call takes "
        f"{SECONDS_A_CALL:g} s. Nothing was sent."
    )
    sums = {"rows": rows, "input_tokens": tokens_in, "output_tokens": tokens_out, "cost_usd": cost}
    sent = {"destination": host, "fields": list(rubric.inputs), "prompt": prompt}
    console.result(said, {**sums, **sent, "seconds": seconds})


def _settings(temperature: float) -> dict[str, Any]:
    from judgekit.providers.openai import DEFAULT_MAX_TOKENS

    return {"temperature": temperature, "max_tokens": DEFAULT_MAX_TOKENS}


def _prompts(judge: Judge, file: ItemFile, places: set[int]) -> tuple[str, float]:
    """Give the first prompt in full, and the mean characters of those at the given places."""
    first, total = "", 0
    for place, row in enumerate(islice(file, max(places) + 1)):
        if place in places:
            turns = judge.template.request(row.item).messages
            first = first or "\n\n".join(f"--- {turn.role} ---\n{turn.content}" for turn in turns)
            total += sum(len(turn.content) for turn in turns)
    return first, total / len(places)
