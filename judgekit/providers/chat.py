"""Reading a chat completion: a whole answer becomes a `Reply`, anything else a `Fault` with its status."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from judgekit._json import KeyTwice, once_each
from judgekit.exchange import FREE, Reply, Token, Usage
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.prices import Price
from judgekit.providers.retry import UNKNOWN_COST, Fault, Then

# Beyond this a count is nonsense, and a float no longer holds it.
MAX_COUNT = 2**53


def read_completion(body: bytes, endpoint: Endpoint, price: Price | None = None, tool: str = "") -> Reply:
    """Read the body of an answer with a good status.

    Parameters
    ----------
    body : bytes
        All of it.
    endpoint : Endpoint
        Who answered.
    price : Price or None
        None makes the cost unknown.
    tool : str
        Name of the tool whose call was asked for; empty if none was.

    Raises
    ------
    Fault
        If there is no whole answer in it, with what it cost all the same.
    """
    found = _object(body, endpoint)
    usage = read_usage(found.get("usage"), price)
    choice = _choice(found, endpoint, usage)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    # Where the verdict was asked for as a tool call, what the model says besides is no answer.
    text = (tool and _arguments(message.get("tool_calls"), tool)) or _text(message.get("content"))
    fault = _ending(choice, message, text, endpoint, usage)
    if fault is not None:
        raise fault
    served = found.get("model")
    shown = endpoint.without_key(text)
    tokens = read_tokens(choice.get("logprobs"), shown) if choice.get("logprobs") else ()
    return Reply(shown, endpoint.shown(served) if isinstance(served, str) else "", usage, tokens=tokens)


def _object(body: bytes, endpoint: Endpoint) -> dict[str, Any]:
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=once_each)
    except UnicodeDecodeError:
        raise _broken(endpoint, "an answer that is not UTF-8") from None
    except KeyTwice:
        raise _broken(endpoint, "an answer that gives the same key twice") from None
    except (ValueError, RecursionError):
        start = endpoint.shown(body[:1000].decode("utf-8", "replace"), 80)
        raise _broken(endpoint, f"something that is not whole JSON: {start}") from None
    if not isinstance(found, dict):
        raise _broken(endpoint, "JSON that is no completion")
    return found


def _choice(found: dict[str, Any], endpoint: Endpoint, usage: Usage) -> dict[str, Any]:
    error = found.get("error")
    if error:
        said = error.get("message") if isinstance(error, dict) else error
        try:
            said = str(said)
        except RecursionError:
            said = "nested too deeply to be shown"
        # Turned down, only with the wrong status: unless it says what it cost, it cost nothing.
        paid = usage if found.get("usage") else FREE
        raise _broken(endpoint, f"an error with a good status: {endpoint.shown(said)}", paid)
    choices = found.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _broken(endpoint, "a completion without choices", usage)
    return choices[0]


def _ending(
    choice: dict[str, Any], message: dict[str, Any], text: str, endpoint: Endpoint, usage: Usage
) -> Fault | None:
    reason, refusal = choice.get("finish_reason"), message.get("refusal")
    if reason == "length":
        return Fault("truncated", f"{endpoint.host}: the answer hit the limit of tokens", usage=usage)
    if reason == "content_filter":
        said = f"{endpoint.host}: the provider's content filter ended the answer"
        return Fault("filtered", said, Then.GIVE_UP, usage=usage)
    if isinstance(refusal, str) and refusal.strip():
        said = f"{endpoint.host}: the model refused: {endpoint.shown(refusal)}"
        return Fault("refused", said, Then.GIVE_UP, usage=usage)
    if reason == "error":
        return _broken(endpoint, "an answer that ended with an error", usage)
    if not text.strip():
        return Fault("invalid_reply", f"{endpoint.host}: the answer was empty", usage=usage)
    return None


def _broken(endpoint: Endpoint, what: str, usage: Usage = UNKNOWN_COST) -> Fault:
    return Fault("provider_error", f"{endpoint.host} sent {what}", usage=usage)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    # Some servers send parts, with the model's reasoning as parts of another type.
    parts = [p.get("text") for p in content if isinstance(p, dict) and p.get("type") == "text"]
    return "".join(p for p in parts if isinstance(p, str))


def _arguments(calls: Any, tool: str) -> str:
    """Give what the tool was called with; several calls are several verdicts."""
    made = (
        [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    said = [one.get("arguments") for one in made if isinstance(one, dict) and one.get("name") == tool]
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in said if one)


def read_tokens(said: Any, text: str) -> tuple[Token, ...]:
    """Read the log-probabilities of a choice; empty unless the tokens make up the text.

    A character that several tokens share becomes one token, whose alternatives are unknown.
    """
    entries = said.get("content") if isinstance(said, dict) else None
    try:
        tokens = tuple(_tokens(entries or []))
    except (TypeError, ValueError, AttributeError, KeyError):
        return ()
    return tokens if "".join(token.text for token in tokens) == text else ()


def _tokens(entries: list[dict[str, Any]]) -> Iterator[Token]:
    held, product = b"", 1.0
    for entry in entries:
        raw = entry.get("bytes")
        coded = entry["token"].encode("utf-8", "surrogatepass") if raw is None else bytes(_listed(raw))
        held, product = held + coded, product * _chance(entry["logprob"])
        try:
            text = held.decode("utf-8")
        except UnicodeDecodeError:
            continue
        whole = held == coded
        others = [(_word(one["token"]), _chance(one["logprob"])) for one in entry.get("top_logprobs") or []]
        yield Token(text, product, tuple(others) if whole else ())
        held, product = b"", 1.0


def _listed(raw: Any) -> list[int]:
    if not isinstance(raw, list):  # a number would be so many bytes of nothing
        raise TypeError("bytes of a token are a list")
    return raw


def _word(token: Any) -> str:
    if not isinstance(token, str):
        raise TypeError("a token is text")
    return token


def _chance(logarithm: float) -> float:
    if not logarithm <= 1e-3:  # rounding apart; nan too
        raise ValueError("no logarithm of a probability")
    return min(math.exp(logarithm), 1.0)


def read_usage(said: Any, price: Price | None) -> Usage:
    """Read token counts; whatever is missing or no count is unknown.

    Examples
    --------
    >>> read_usage({"prompt_tokens": 1000, "completion_tokens": "7"}, Price(1.0, 2.0))
    Usage(input_tokens=1000, output_tokens=None, cached_tokens=None, cost_usd=None)
    """
    if not isinstance(said, dict):
        return UNKNOWN_COST
    details = said.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    read, written = _count(said.get("prompt_tokens")), _written(said)
    usage = Usage(read, written, cached)
    return usage if price is None else replace(usage, cost_usd=price.cost(usage))


def _written(said: dict[str, Any]) -> int | None:
    """Count what was written, reasoning included: a few servers leave it out, and only their total tells."""
    written, read, total = (_count(said.get(f"{kind}_tokens")) for kind in ("completion", "prompt", "total"))
    details = said.get("completion_tokens_details")
    thought = _count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    if written is None or not thought or read is None or total != read + written + thought:
        return written
    return written + thought


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < MAX_COUNT else None
