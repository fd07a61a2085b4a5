"""``judgekit grade --dry-run``: what would be sent, how much of it, and what that costs."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from judgekit.batch import Options
from judgekit.cli.console import Console, duration, money
from judgekit.errors import UsageError
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
    settings: dict[str, Any],
    items: Path,
    options: Options,
    where: str,
    price: tuple[float, float] | None,
    key: str,
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
    judge = Judge(rubric, Silent(model, _settings(settings), host))
    places = np.flatnonzero(chosen)
    prompt, mean = _prompts(judge, file, set(places[:: -(-rows // MEASURED)].tolist()))
    tokens_in, tokens_out = int(rows * mean / CHARS_PER_TOKEN), rows * REPLY_TOKENS * len(rubric.criteria)
    cost = None if price is None else (tokens_in * price[0] + tokens_out * price[1]) / 1e6
    at_once = min(options.concurrency, rows)
    seconds = rows * SECONDS_A_CALL / at_once
    said = (
        f"{prompt}\n\n--- the run ---\n"
        f"{rows:,} of {census.count:,} items with {judge.signature}; {where}\n"
        f"about {tokens_in:,} tokens in (four characters a token) and {tokens_out:,} out (a guess: "
        f"{REPLY_TOKENS} a criterion; a model that thinks first writes more), {money(cost)}"
        f"{'' if cost is not None else ' (state --price IN,OUT)'}\n"
        f"about {duration(seconds)} with {at_once} at once, if a call takes {SECONDS_A_CALL:g} s\n"
        f"{key}\nNothing was sent."
    )
    sums = {"rows": rows, "input_tokens": tokens_in, "output_tokens": tokens_out, "cost_usd": cost}
    sent = {"destination": host, "fields": list(rubric.inputs), "prompt": prompt}
    console.result(said, {**sums, **sent, "seconds": seconds})


def key_state(base_url: str | None, api_key_env: str | None) -> str:
    """Say which key a run would take, and whether it is there; never the key itself."""
    from judgekit.providers.endpoint import OPENAI_KEY, open_endpoint

    try:
        endpoint = open_endpoint(base_url, api_key_env)
    except UsageError as error:
        return f"the run would stop: {error}"
    if not endpoint.key:
        return f"no key is sent to {endpoint.host} (name a variable with --api-key-env if it needs one)"
    return f"the key in {api_key_env or OPENAI_KEY} is sent to {endpoint.host}; it is set"


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    from judgekit.providers.openai import DEFAULT_MAX_TOKENS

    return {"temperature": 0.0, "max_tokens": DEFAULT_MAX_TOKENS, **settings}


def _prompts(judge: Judge, file: ItemFile, places: set[int]) -> tuple[str, float]:
    """Give the first prompt in full, and the mean characters of those at the given places."""
    first, total = "", 0
    for place, row in enumerate(islice(file, max(places) + 1)):
        if place in places:
            turns = judge.template.request(row.item).messages
            first = first or "\n\n".join(f"--- {turn.role} ---\n{turn.content}" for turn in turns)
            total += sum(len(turn.content) for turn in turns)
    return first, total / len(places)
