"""What a model costs: litellm's bundled table, read as a file without importing litellm."""

import importlib.util
import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from judgekit.exchange import Usage
from judgekit.providers.endpoint import is_openai

TABLE = "model_prices_and_context_window_backup.json"
MILLION = 1e6
# An Azure deployment has any name; Perplexity also charges for each search, however many it makes.
UNPRICED = {"azure", "perplexity"}
LONGER = re.compile(r"(?:in|out)put_cost_per_token_above_(\d+)k_tokens")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens.

    Attributes
    ----------
    input, output : float
    cached : float or None
        Input that the provider had kept; None counts as other input, so that a cost may be high but not low.
    stored : float or None
        Input that the provider keeps for later; None counts as other input.
    up_to : int or None
        Input tokens of one request beyond which other prices apply, which are not known here.
    """

    input: float
    output: float
    cached: float | None = None
    stored: float | None = None
    up_to: int | None = None

    def cost(self, usage: Usage, stored_tokens: int = 0) -> float | None:
        """Give the dollars of one request; None where tokens were not counted.

        Parameters
        ----------
        usage : Usage
        stored_tokens : int
            Input tokens that the provider keeps for later; like the cached ones, part of the input.

        Examples
        --------
        >>> Price(3.0, 15.0, cached=0.3).cost(Usage(1_000_000, 100_000, 500_000))
        3.15
        """
        read, written = usage.input_tokens, usage.output_tokens
        if read is None or written is None or (self.up_to is not None and read > self.up_to):
            return None
        cached = min(usage.cached_tokens or 0, read)
        stored = min(stored_tokens, read - cached)
        dollars = (read - cached - stored) * self.input + written * self.output
        dollars += cached * (self.input if self.cached is None else self.cached)
        dollars += stored * (self.input if self.stored is None else self.stored)
        return dollars / MILLION


def price_of(model: str, base_url: str | None = None) -> Price | None:
    """Look a model up.

    Parameters
    ----------
    model : str
        ``provider/NAME``; a bare name is OpenAI's.
    base_url : str or None
        Where it is served, if not at the provider's own host: what is served there under the same name
        has no known price, unless it is OpenAI's own address.

    Returns
    -------
    Price or None
        None if it is unknown, which is not the same as free.
    """
    if base_url is not None and not is_openai(base_url):
        return None
    provider, _, name = model.rpartition("/") if "/" not in model else model.partition("/")
    provider = provider or "openai"
    if provider in UNPRICED:
        return None
    table = _table()
    # Amazon's names may hold a region, which the table knows for some models only.
    short = (
        re.sub(r"^(converse/|invoke/)?([a-z]{2}(-[a-z]+)+-\d/)?", "", name) if provider == "bedrock" else name
    )
    for key in (model, name, short):
        entry = table.get(key)
        if isinstance(entry, dict) and str(entry.get("litellm_provider")).startswith(provider):
            return _price(entry)
    return None


def _price(entry: dict[str, Any]) -> Price | None:
    read, written = _dollars(entry, "input_cost_per_token"), _dollars(entry, "output_cost_per_token")
    thought = _dollars(entry, "output_cost_per_reasoning_token")
    if not read or not written:  # 0 stands for "not known" or "paid otherwise" as well
        return None
    limits = [int(found[1]) * 1000 for key in entry if (found := LONGER.fullmatch(key))]
    return Price(
        read,
        max(written, thought or 0.0),
        _dollars(entry, "cache_read_input_token_cost"),
        _dollars(entry, "cache_creation_input_token_cost"),
        min(limits, default=None),
    )


def _dollars(entry: dict[str, Any], key: str) -> float | None:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return float(f"{value * MILLION:.12g}")


@cache
def _table() -> dict[str, Any]:
    """Read the table, once a process; empty if litellm is not installed."""
    found = importlib.util.find_spec("litellm")
    folders = (found.submodule_search_locations if found else None) or []
    for folder in folders:
        path = Path(folder) / TABLE
        if path.is_file():
            table = json.loads(path.read_text("utf-8"))
            return table if isinstance(table, dict) else {}
    return {}
