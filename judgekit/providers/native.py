"""Answers in other shapes than OpenAI's: what litellm read in them, held against what they say themselves.

litellm turns every provider's answer into OpenAI's shape. Some endings are lost on the way (a refusal is told
as a content filter, a cut-off tool call as a whole one), and so is what makes an answer ambiguous.
"""

import json
import re
from typing import Any

from judgekit import _json
from judgekit.exchange import Reply, Usage
from judgekit.providers.chat import read_completion, read_usage
from judgekit.providers.endpoint import Endpoint
from judgekit.providers.retry import UNKNOWN_COST, Fault, Then

# What litellm takes for an answer without which it reads nothing.
NO_USAGE = {
    "stop_reason": ("usage", {"input_tokens": 0, "output_tokens": 0}),
    "stopReason": ("usage", {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}),
    "candidates": ("usageMetadata", {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}),
}
COUNTED = re.compile(rb'"(usage|usageMetadata|choices)"\s*:\s*[\[{]')
USAGE_KEYS = ("usage", "usageMetadata", "usage_metadata", "meta")


def with_usage(body: bytes) -> bytes:
    """Give litellm an answer that it can read where the provider did not say what it counted."""
    if COUNTED.search(body):
        return body
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body
    for mark, (name, counts) in NO_USAGE.items():
        if isinstance(found, dict) and mark in found:
            return json.dumps(found | {name: counts}).encode()
    return body


def read_answer(body: bytes, response: Any, endpoint: Endpoint, tool: str = "") -> tuple[Reply, int]:
    """Read a whole answer.

    Parameters
    ----------
    body : bytes
        What the provider sent, with a good status; empty if it is not known.
    response : litellm.ModelResponse or None
        What litellm read in it; None if it could not.
    endpoint : Endpoint
        Who answered.
    tool : str
        Name of the tool whose call was asked for; empty if none was.

    Returns
    -------
    Reply
    int
        Input tokens that the provider keeps for later.

    Raises
    ------
    Fault
        If there is no whole answer in it.
    """
    found = _native(body, response)
    if isinstance(found, dict) and isinstance(found.get("choices"), list):
        return read_completion(body, endpoint, tool=tool), 0
    if not isinstance(found, dict) or response is None:
        raise _unread(found, body, endpoint)
    said, stored = _usage(found, response)
    if fault := _ending(found, read_usage(said, None), endpoint) or _ambiguous(body, said, endpoint):
        raise fault
    return read_completion(_as_completion(found, response, said), endpoint, tool=tool), stored


def _native(body: bytes, response: Any) -> Any:
    if not body and response is not None:
        return {"usage": {}, "model": getattr(response, "model", None)}
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _unread(found: Any, body: bytes, endpoint: Endpoint) -> Fault:
    if isinstance(found, dict) and (fault := _blocked(found, UNKNOWN_COST, endpoint)):
        return fault
    try:
        read_completion(body, endpoint)
    except Fault as fault:  # it has the words for broken answers of any shape
        return fault
    raise AssertionError("an answer without choices was read")


def _ending(found: dict[str, Any], usage: Usage, endpoint: Endpoint) -> Fault | None:
    reason = found.get("stop_reason") or found.get("stopReason")
    if reason == "refusal":
        said = f"{endpoint.host}: the model refused"
        return Fault("refused", said, Then.GIVE_UP, usage=usage)
    if reason == "max_tokens":
        return Fault("truncated", f"{endpoint.host}: the answer hit the limit of tokens", usage=usage)
    if reason == "model_context_window_exceeded":
        said = f"{endpoint.host}: the answer hit the end of the context window"
        return Fault("truncated", said, Then.GIVE_UP, usage=usage)
    return _blocked(found, usage, endpoint)


def _ambiguous(body: bytes, usage: dict[str, Any] | None, endpoint: Endpoint) -> Fault | None:
    """Find the same key twice, or NaN: here the verdict is part of the body, and the last one would win."""
    try:
        _json.loads(body.decode("utf-8") or "{}")
    except ValueError as error:  # NotJson, or no UTF-8
        said = f"{endpoint.host}: the answer is ambiguous: {endpoint.shown(str(error), 100)}"
        return Fault("invalid_reply", said, usage=read_usage(usage, None))
    return None


def _blocked(found: dict[str, Any], usage: Usage, endpoint: Endpoint) -> Fault | None:
    feedback = found.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    if reason and not found.get("candidates"):
        said = f"{endpoint.host} blocked the prompt: {endpoint.shown(str(reason))}"
        return Fault("filtered", said, Then.GIVE_UP, usage=usage)
    return None


def _usage(found: dict[str, Any], response: Any) -> tuple[dict[str, Any] | None, int]:
    """Give the counts in OpenAI's shape; litellm counts for itself where the provider says nothing."""
    said = getattr(response, "usage", None)
    if said is None or not any(isinstance(found.get(key), dict) for key in USAGE_KEYS):
        return None, 0
    details = getattr(said, "prompt_tokens_details", None)
    stored = getattr(details, "cache_creation_tokens", None) or 0
    counts = {
        name: getattr(said, name, None) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    }
    return counts | {
        "prompt_tokens_details": {"cached_tokens": getattr(details, "cached_tokens", None)}
    }, stored


def _as_completion(found: dict[str, Any], response: Any, usage: dict[str, Any] | None) -> bytes:
    choices = [_choice(one) for one in response.choices[:1]]
    served = found.get("model") or found.get("modelVersion")
    return json.dumps({"choices": choices, "model": served, "usage": usage}).encode()


def _choice(choice: Any) -> dict[str, Any]:
    message: Any = choice.message
    logprobs: Any = getattr(choice, "logprobs", None)
    made = [call.function for call in message.tool_calls or ()]
    calls = [{"function": {"name": one.name, "arguments": one.arguments}} for one in made]
    return {
        "finish_reason": choice.finish_reason,
        "message": {"content": message.content, "tool_calls": calls},
        "logprobs": logprobs.model_dump() if hasattr(logprobs, "model_dump") else logprobs,
    }
